"""Levels, splits and the order of tasks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agemem_gym.envs.babyai import BabyAITask
from agemem_gym.envs.babyai.levels import (
    AGENTBOARD_LEVELS,
    AGENTBOARD_SEEDS,
    PAPER_LEVELS,
    SPLIT_BASES,
    LevelSeed,
    Tasks,
    choose_levels,
    registered_levels,
    split_of,
)
from agemem_gym.errors import ConfigurationError


def test_the_named_sets_are_registered():
    assert set(AGENTBOARD_LEVELS) | set(PAPER_LEVELS) <= set(registered_levels())
    assert len(AGENTBOARD_LEVELS) == 28
    assert len(PAPER_LEVELS) == 19
    assert len(registered_levels()) == 96


def test_agentboards_seeds_play_each_of_its_112_tasks_once():
    tasks = Tasks(AGENTBOARD_LEVELS, "agentboard", "test")
    assert tasks.size() == 112
    played = [tasks.by_seed(seed) for seed in range(112)]
    assert set(played) == {LevelSeed(level, seed) for level in AGENTBOARD_LEVELS for seed in AGENTBOARD_SEEDS}
    assert [task.level for task in played[:28]] == list(AGENTBOARD_LEVELS)


def test_agentboards_index_goes_level_by_level():
    tasks = Tasks(AGENTBOARD_LEVELS, "agentboard", "test")
    assert [tasks.by_index(i) for i in range(4)] == [LevelSeed(AGENTBOARD_LEVELS[0], s) for s in AGENTBOARD_SEEDS]
    assert tasks.by_index(111) == LevelSeed(AGENTBOARD_LEVELS[-1], 1237)


@given(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1))
def test_splits_share_no_level_seed(one, other):
    seeds = {split: Tasks(PAPER_LEVELS, "full", split).by_seed(one).seed for split in SPLIT_BASES}
    assert len(set(seeds.values())) == 3
    assert seeds["train"] < SPLIT_BASES["validation"] <= seeds["validation"] < SPLIT_BASES["test"] <= seeds["test"]
    assert seeds["train"] != Tasks(PAPER_LEVELS, "full", "test").by_seed(other).seed
    assert min(seeds.values()) > max(AGENTBOARD_SEEDS)


@pytest.mark.parametrize("seed", [2**31 - 1, 2**31, 2**33, 2**40])
def test_no_episode_seed_leads_out_of_its_split(seed):
    for split in SPLIT_BASES:
        assert split_of(Tasks(PAPER_LEVELS, "full", split).by_seed(seed).seed) == split


def test_the_record_says_which_split_a_level_seed_belongs_to():
    task = BabyAITask(level="GoToObj", split="validation")
    assert task.reset(7, {}).record["split"] == "validation"
    assert task.reset(7, {"level_seed": SPLIT_BASES["train"] + 1}).record["split"] == "train"
    assert task.reset(7, {"level_seed": 1234}).record["split"] == "test"
    assert task.reset(7, {"level_seed": 5}).record["split"] is None


@pytest.mark.parametrize("name", ["GoToLocal", "GoToLocal-v0", "BabyAI-GoToLocal", "BabyAI-GoToLocal-v0"])
def test_a_level_may_be_named_short(name):
    assert choose_levels(name, "full") == ("BabyAI-GoToLocal-v0",)


def test_an_unknown_level_is_answered_with_near_ones():
    for misspelt, meant in (
        ("GoToLokal", "GoToLocal"),
        ("BabyAI-gotolocal-v0", "GoToLocal"),
        ("bosslevel", "BossLevel"),
        ("papper", "paper"),
    ):
        with pytest.raises(ConfigurationError, match=f"did you mean '{meant}'"):
            choose_levels(misspelt, "full")
    for nonsense in (3, ["x", None], "?"):
        with pytest.raises(ConfigurationError, match="is not a BabyAI level"):
            choose_levels(nonsense if isinstance(nonsense, list) else [nonsense], "full")


@pytest.mark.parametrize("name", ["GoToObjS6", "GoToObjS6-v0", "BabyAI-GoToObjS6-v0", "GoToObjS4"])
def test_agentboards_rooms_of_six_are_rooms_of_four(name):
    """AgentBoard pins minigrid 2.3.0, whose GoToObjS6-v0 had rooms of 4."""
    assert choose_levels(name, "agentboard") == ("BabyAI-GoToObjS4-v0",)
    assert choose_levels("GoToObjS6", "full") == ("BabyAI-GoToObjS6-v1",)
    task = BabyAITask(protocol="agentboard")
    start = task.reset(0, {"task_index": AGENTBOARD_LEVELS.index("BabyAI-GoToObjS4-v0") * 4})
    assert start.task_id == "BabyAI-GoToObjS4-v0/1234"
    assert task._world.env.room_size == 4


@pytest.mark.parametrize("index", [-1, 112, "0", 1.5, True])
def test_an_index_outside_the_tasks_is_refused(index):
    with pytest.raises(ConfigurationError, match="0 to 111"):
        BabyAITask(protocol="agentboard").reset(0, {"task_index": index})
