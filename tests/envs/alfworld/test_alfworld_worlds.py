"""Homes that come back: the same place whatever the goal, many goals, and things that have moved since."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from agemem_gym.envs.alfworld import ALFWorldTask
from agemem_gym.envs.alfworld.goals import TASK_TYPES
from agemem_gym.envs.alfworld.homes import FEWEST_QUESTS, address, furnish
from agemem_gym.envs.alfworld.problem import walkthrough_of
from agemem_gym.envs.alfworld.rooms import ROOM_KINDS
from agemem_gym.errors import ConfigurationError
from agemem_gym.task import LastingTask

ROOMS = tuple(ROOM_KINDS)
MEMORY: dict[str, Any] = {"games": "memory", "moves": "memory"}


def begun(task: ALFWorldTask, seed: int, world: int, epoch: int = 0, changes: float = 0.0):  # type: ignore[no-untyped-def]
    return task.reset(seed, {"world": {"seed": world, "epoch": epoch, "changes": changes}})


def test_its_worlds_can_come_back() -> None:
    assert isinstance(ALFWorldTask(), LastingTask)


@pytest.mark.parametrize("games", ["memory", "any"])
def test_a_world_is_the_same_whatever_the_goal(games: Any) -> None:
    task = ALFWorldTask(games=games, moves="memory")
    for world in (0, 7):
        starts = [(begun(task, seed, world), task.world_facts()) for seed in (0, 1, 2, 9, 100)]
        assert len({start.observation for start, _ in starts}) == 1
        assert len({facts for _, facts in starts}) == 1
        assert len({start.instruction for start, _ in starts}) > 3
        for start, facts in starts:
            assert start.key_facts
            assert set(start.key_facts) <= set(facts)
    task.close()


@pytest.mark.parametrize("hidden", [True, False])
@pytest.mark.parametrize("split", ["train", "valid_seen", "valid_unseen"])
def test_a_world_has_ten_goals_or_more_in_every_epoch_and_all_can_be_reached(split: str, hidden: bool) -> None:
    for world in range(24):
        home = furnish(split, world, TASK_TYPES, ROOMS, hidden)
        for epoch in (0, 1, 4):
            later = home.later(epoch, 0.4)
            quests = later.quests()
            assert len({(quest.task_type, quest.kind, quest.place) for quest in quests}) == len(quests) >= FEWEST_QUESTS
            assert all(walkthrough_of(quest, later.things) for quest in quests[:4])


def test_goals_go_round_the_task_types() -> None:
    home = furnish("train", 4, TASK_TYPES, ROOMS, hidden=True)
    types = [quest.task_type for quest in home.quests()]
    assert len(set(types[:4])) == 4


def test_whatever_the_seed_the_expert_wins() -> None:
    task = ALFWorldTask(**MEMORY)
    for seed in range(8):
        start = begun(task, seed, world=seed % 3, epoch=seed % 4, changes=0.3)
        steps = [task.act(command) for command in task.expert()]
        assert steps[-1].success
        assert len(steps) <= start.max_moves
    task.close()


def test_each_epoch_moves_the_share_asked_for_and_builds_on_the_one_before() -> None:
    task = ALFWorldTask(**MEMORY)
    facts = []
    for epoch in range(4):
        begun(task, 0, world=3, epoch=epoch, changes=0.25)
        facts.append(task.world_facts())
    things = len(facts[0])
    for before, after in pairwise(facts):
        assert [fact.partition(" is ")[0] for fact in before] == [fact.partition(" is ")[0] for fact in after]
        assert sum(one != other for one, other in zip(before, after, strict=True)) == round(0.25 * things)
    begun(task, 5, world=3, epoch=2, changes=0.25)
    assert task.world_facts() == facts[2]
    task.close()


def test_no_changes_leave_everything_and_full_changes_leave_nothing() -> None:
    home = furnish("train", 11, TASK_TYPES, ROOMS, hidden=True)
    assert home.later(5, 0.0) == home
    assert home.later(1, 0.01) != home, "if anything changes, one thing does"
    moved = home.later(1, 1.0)
    for before, after in zip(home.things, moved.things, strict=True):
        assert before.name == after.name
        assert before.where is None or before.where != after.where


def test_the_address_tells_homes_apart() -> None:
    assert len({address(seed) for seed in range(20_000)}) == 20_000
    task = ALFWorldTask(**MEMORY)
    start = begun(task, 0, world=5)
    home = address(5)
    assert start.instruction.startswith(f"You are at {home}. Your task is to: ")
    said = [*start.key_facts, *task.world_facts(), *task.background(np.random.default_rng(0))]
    assert all(sentence.startswith(f"At {home}, ") for sentence in said)
    assert home in start.key_phrases
    assert not any(home in sentence for sentence in task.distractor_pool(np.random.default_rng(0)))
    assert not any("Street" in sentence for sentence in [task.reset(0, {}).instruction, *task.world_facts()])
    task.close()


def test_other_settings_are_other_tasks_and_the_record_tells() -> None:
    task = ALFWorldTask(**MEMORY)
    ids = {begun(task, 0, 2, epoch, changes).task_id for epoch, changes in ((0, 0.0), (1, 0.3), (1, 0.5), (2, 0.3))}
    assert len(ids) == 4
    record = begun(task, 0, 2, 1, 0.3).record
    assert (record["world"], record["epoch"], record["changes"], record["source"]) == (2, 1, 0.3, "generated")
    assert (record["games"], record["moves"]) == ("memory", "memory")
    assert "world" not in task.reset(0, {}).record
    task.close()


def test_a_world_is_the_same_in_another_process() -> None:
    code = (
        "from agemem_gym.envs.alfworld import ALFWorldTask; task = ALFWorldTask(games='memory', moves='memory');"
        "print(task.reset(3, {'world': {'seed': 9, 'epoch': 2, 'changes': 0.3}}), task.world_facts())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "1" if os.environ.get("PYTHONHASHSEED") == "0" else "0"}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    task = ALFWorldTask(**MEMORY)
    assert said.stdout == f"{begun(task, 3, 9, 2, 0.3)} {task.world_facts()}\n"
    task.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"world": {"seed": 1}, "task_index": 2}, "give one of them"),
        ({"world": {"epoch": 1}}, "expected {'seed': 3}"),
        ({"world": {"seed": -1}}, "at least 0"),
        ({"world": {"seed": 1, "changes": 2}}, "in \\[0, 1\\]"),
        ({"wordl": {"seed": 1}}, "did you mean 'world'"),
    ],
)
def test_wrong_worlds_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ALFWorldTask(**MEMORY).reset(0, options)


def test_worlds_are_generated_and_so_not_found_in_data_of_ones_own(official, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigurationError, match="data='generated'"):
        begun(ALFWorldTask(data=official, split="valid_seen"), 0, 1)
    monkeypatch.setenv("ALFWORLD_DATA", str(official))
    found = begun(ALFWorldTask(split="valid_seen", **MEMORY), 0, 1)
    assert found == begun(ALFWorldTask(split="valid_seen", data="generated", **MEMORY), 0, 1)
