"""The oracle: the bot ends, and what can be won is won."""

import random

import pytest

from agemem_gym.envs.babyai import BabyAITask
from agemem_gym.envs.babyai.bot import bot_actions
from agemem_gym.envs.babyai.levels import LevelSeed, registered_levels
from agemem_gym.envs.babyai.planner import planned_actions
from agemem_gym.envs.babyai.world import World

# Checked by hand: the only key of the door lies behind it, or a strict "pick up" is walled in by other objects.
UNWINNABLE = {("BabyAI-GoToImpUnlock-v0", 6), ("BabyAI-GoToImpUnlock-v0", 14)}


def follow(task, start):
    step = None
    for moves, command in enumerate(task.expert(), start=1):
        assert moves <= start.max_moves
        step = task.act(command)
        assert step.valid
        if step.done:
            break
    return step is not None and step.success


@pytest.mark.parametrize("keywords", [{}, {"split": "test"}, {"expert": "planner"}, {"mode": "low"}])
def test_the_expert_solves_the_first_twenty_episodes(keywords):
    task = BabyAITask(**keywords)
    assert all(follow(task, task.reset(seed, {})) for seed in range(20))


def test_the_expert_solves_agentboards_112_tasks_in_30_commands():
    task = BabyAITask(protocol="agentboard")
    lost = [start.task_id for seed in range(112) if not follow(task, start := task.reset(seed, {}))]
    assert lost == []


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("level", registered_levels())
def test_the_planner_solves_every_registered_level(level, seed):
    world = World(LevelSeed(level, seed))
    for moves, action in enumerate(planned_actions(world), start=1):
        assert moves <= world.env.max_steps
        world.step(action)
        if world.over:
            break
    assert world.success


@pytest.mark.parametrize("level", ["BabyAI-KeyInBox-v0", "BabyAI-PutNextS7N4Carrying-v0", "BabyAI-UnlockToUnlock-v0"])
def test_the_expert_solves_what_the_bot_cannot(level):
    task = BabyAITask(level=level)
    assert all(follow(task, task.reset(0, {"level_seed": seed})) for seed in range(10))


@pytest.mark.parametrize(("level", "seed"), [("BabyAI-UnlockToUnlock-v0", 4), ("BabyAI-GoToImpUnlock-v0", 6)])
def test_the_bot_gives_up_where_it_would_replan_for_ever(level, seed):
    world = World(LevelSeed(level, seed))
    actions = []
    for action in bot_actions(world):
        actions.append(action)
        world.step(action)
    assert not world.success
    assert len(actions) < world.env.max_steps


@pytest.mark.parametrize(("level", "seed"), sorted(UNWINNABLE))
def test_the_expert_says_nothing_where_the_mission_cannot_be_won(level, seed):
    task = BabyAITask(level=level)
    task.reset(0, {"level_seed": seed})
    assert list(task.expert()) == []


def test_the_expert_starts_from_wherever_the_episode_is():
    task, chance = BabyAITask(), random.Random(0)
    for seed in range(19):
        start = task.reset(seed, {})
        for _ in range(5):
            task.act(chance.choice(("turn left", "turn right", "move forward")))
        assert follow(task, start) or task._world.success


def test_asking_the_expert_changes_nothing():
    task = BabyAITask()
    task.reset(12, {})
    before = task._world.view.picture, task._world.env.step_count, str(task._world.env.grid.encode().tolist())
    next(task.expert())
    assert before == (task._world.view.picture, task._world.env.step_count, str(task._world.env.grid.encode().tolist()))


def test_a_strict_sequence_of_doors_can_be_won_and_still_be_lost():
    world = World(LevelSeed("BabyAI-OpenDoorsOrderN4Debug-v0", 0))
    assert type(world.env.instrs).__name__ in ("BeforeInstr", "AfterInstr")
    for action in planned_actions(world):
        world.step(action)
        if world.over:
            break
    assert world.success
    assert world.env.instrs.instr_a.strict
    assert world.env.instrs.instr_b.strict
