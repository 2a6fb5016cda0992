"""Houses that come back: ``options["world"]``."""

from itertools import pairwise

import numpy as np
import pytest

from agemem_gym.envs.babyai import BabyAITask
from agemem_gym.envs.babyai.levels import MEMORY_LEVELS
from agemem_gym.errors import ConfigurationError
from agemem_gym.task import LastingTask

WORLDS = range(len(MEMORY_LEVELS))


def begin(seed, world, **more):
    task = BabyAITask(level="memory", moves="memory")
    return task, task.reset(seed, {"world": {"seed": world, **more}})


def test_it_is_a_lasting_task():
    assert isinstance(BabyAITask(level="memory"), LastingTask)


@pytest.mark.parametrize("world", WORLDS)
def test_a_house_has_ten_goals_each_of_which_the_planner_reaches_within_the_limit(world):
    goals, facts = set(), set()
    for seed in range(10):
        task, start = begin(seed, world)
        goals.add(start.instruction)
        facts.add(task.world_facts())
        assert set(start.key_facts) <= set(task.world_facts())
        steps = [task.act(command) for command in task.expert()]
        assert steps[-1].success
        assert len(steps) <= start.max_moves
    assert len(goals) == 10
    assert len(facts) == 1


def test_the_same_world_looks_the_same_whatever_is_asked_for():
    first, second = begin(0, 3)[1], begin(1, 3)[1]
    assert first.observation == second.observation
    assert first.instruction != second.instruction
    assert first.record["house"] == second.record["house"] != begin(0, 4)[1].record["house"]
    assert first.task_id != second.task_id


def test_goals_come_round_again():
    tasks = {}
    for seed in range(26):
        start = begin(seed, 2)[1]
        tasks.setdefault(start.task_id, start.instruction)
        assert tasks[start.task_id] == start.instruction
    assert 10 <= len(tasks) < 26


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_an_epoch_changes_its_share_of_what_is_told_of_things_and_no_wall(share):
    for world in WORLDS:
        at = [begin(0, world, epoch=epoch, changes=share)[0].world_facts() for epoch in range(3)]
        assert at[0] == begin(0, world)[0].world_facts()
        of_things = [fact for fact in at[0] if "room." in fact and "between" not in fact and "start" not in fact]
        for one, other in pairwise(at):
            changed = set(one) - set(other)
            assert 0 < len(changed) <= 2 * share * len(of_things) + 1  # a box takes along what is in it
            assert not [fact for fact in changed if "door" in fact or "no wall" in fact or "you start" in fact]


def test_no_changes_are_asked_for_none_come():
    assert begin(0, 1, epoch=5)[0].world_facts() == begin(0, 1)[0].world_facts()


def test_two_runs_of_a_changed_world_are_the_same():
    one, other = begin(3, 1, epoch=2, changes=0.3), begin(3, 1, epoch=2, changes=0.3)
    assert one[1] == other[1]
    draw = [task.background(np.random.default_rng(0)) for task, _ in (one, other)]
    assert draw[0] == draw[1]


def test_key_facts_follow_the_changes():
    for world in WORLDS:
        for seed in range(2):
            task, start = begin(seed, world, epoch=3, changes=0.5)
            assert set(start.key_facts) <= set(task.world_facts())
            assert [task.act(command) for command in task.expert()][-1].success


def test_a_memory_task_is_a_goal_of_the_world_of_its_seed():
    plain = BabyAITask(level="memory", moves="memory").reset(4, {})
    assert begin(plain.record["goal"], 4)[1].instruction == plain.instruction


@pytest.mark.parametrize(
    ("keywords", "options"),
    [
        ({}, {"world": {"seed": 1}}),
        ({"level": "FindObjS5"}, {"world": {"seed": 1}}),
        ({"level": "memory"}, {"world": {"seed": 1}, "level": "GoToObj"}),
        ({"level": "memory"}, {"world": {"seed": -1}}),
        ({"level": "memory"}, {"world": {"seed": 1, "changes": 2}}),
        ({"level": "memory"}, {"world": 3}),
    ],
)
def test_a_world_that_is_none_is_refused(keywords, options):
    with pytest.raises(ConfigurationError, match="world"):
        BabyAITask(**keywords).reset(0, options)


def test_a_level_by_itself_has_no_world_facts():
    task = BabyAITask()
    task.reset(0, {})
    with pytest.raises(ConfigurationError, match="level='memory'"):
        task.world_facts()
