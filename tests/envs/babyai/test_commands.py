"""Commands in words: what is possible, what is refused and why."""

import random

import pytest

from agemem_gym.envs.babyai import BabyAITask
from agemem_gym.envs.babyai.commands import CHECK, Commands, Refusal
from agemem_gym.envs.babyai.levels import AGENTBOARD_LEVELS, LevelSeed, registered_levels
from agemem_gym.envs.babyai.view import BLOCKING, DIRECTIONS
from agemem_gym.envs.babyai.world import World


def understood(world):
    return Commands(world.view, world.carrying)


@pytest.mark.parametrize("level", registered_levels()[::2])
def test_everything_listed_can_be_found_and_walks_round_what_is_seen(level):
    world, chance = World(LevelSeed(level, 11)), random.Random(level)
    for _ in range(15):
        if world.over:
            break
        commands = understood(world)
        names = commands.everything()
        assert len(names) == len(set(names))
        for name in names[:-1]:
            plan = commands.find(name)
            assert isinstance(plan, list), name
            walks_round(world, plan)
        world.run(commands.find(chance.choice(names[:-1])), by_picture=True)


def walks_round(world, plan):
    (x, y), heading = world.view.agent, world.view.heading
    blocked = {cell for _, kind, cell, *_ in world.view.cells if kind in BLOCKING}
    for action in plan:
        if action in (0, 1):
            heading = (heading + (1 if action == 1 else -1)) % 4
        elif action == 2 and len(plan) > 1:
            x, y = x + DIRECTIONS[heading][0], y + DIRECTIONS[heading][1]
            assert (x, y) not in blocked


def play(level, seed, commands, **keywords):
    task = BabyAITask(protocol="agentboard", **keywords)
    task.reset(0, {"level": level, "level_seed": seed})
    return [task.act(command) for command in commands]


def test_walking_into_a_wall_is_refused_in_agentboards_words():
    task = BabyAITask(protocol="agentboard")
    task.reset(0, {"level": "GoToObj", "level_seed": 1})
    steps = [task.act("move forward") for _ in range(8)]
    assert steps[-1].observation == "There is a barrier in front of you, you can't move forward."
    assert not steps[-1].valid


def test_dropping_with_empty_hands_is_refused_in_agentboards_words():
    (step,) = play("GoToLocal", 0, ["drop"])
    assert step.observation == "You cannot drop the object, as you are not carrying anything."


def test_a_name_out_of_sight_is_not_recognized():
    (step,) = play("GoToLocal", 0, ["go to pink elephant 1"])
    assert step.observation == "The action is not recognized. Please check valid actions."
    assert not step.valid


def test_a_locked_door_asks_for_its_key():
    task = BabyAITask(protocol="agentboard", expert="bot")
    task.reset(0, {"level": "UnlockLocal", "level_seed": 0})
    for command in task.expert():  # explores, and sees the door before it has the key
        doors = [thing for thing in task._world.view.things if "locked" in thing.name]
        if doors and task._world.carrying is None:
            break
        task.act(command)
    step = task.act(f"toggle and go through {doors[0].name} 1")
    assert step.observation == (f"You cannot toggle and go through {doors[0].name} 1, as you are not carrying a key.")


def test_check_lists_what_is_possible_in_agentboards_order_and_costs_no_engine_step():
    task = BabyAITask(protocol="agentboard")
    task.reset(0, {"level": "BabyAI-GoToRedBallGrey-v0", "level_seed": 1234})
    step = task.act("check available actions")
    names = step.observation.removeprefix("You can take the following actions: ").split(", ")
    assert names[:2] == ["turn left", "turn right"]
    assert names[-1] == CHECK
    assert sorted(names) == task.admissible()
    assert task._world.env.step_count == 0


@pytest.mark.parametrize("level", AGENTBOARD_LEVELS[::4])
@pytest.mark.parametrize("keywords", [{}, {"mode": "low"}, {"protocol": "agentboard"}])
def test_every_admissible_command_is_valid_when_taken(level, keywords):
    task, chance = BabyAITask(**keywords), random.Random(0)
    task.reset(0, {"level": level, "level_seed": 1})
    for _ in range(25):
        commands = task.admissible()
        assert commands == sorted(commands)
        step = task.act(chance.choice(commands))
        assert step.valid
        if step.done:
            assert task.admissible() == []
            break


def test_the_full_protocol_takes_small_liberties():
    task = BabyAITask()
    task.reset(0, {"level": "PutNextLocal", "level_seed": 3})
    while not (things := [thing for thing in task._world.view.things if thing.kind == "ball"]):
        task.act("turn left")
    step = task.act(f"Pick  UP {things[0].name}.")
    assert step.valid
    assert f"You are carrying a {things[0].name}." in step.observation


def test_agentboards_protocol_takes_none_of_them():
    task = BabyAITask(protocol="agentboard")
    task.reset(0, {"level": "GoToLocal", "level_seed": 3})
    assert not task.act("pick up red ball 1").valid
    assert not task.act("toggle").valid


def test_low_mode_knows_single_steps_only():
    task = BabyAITask(mode="low")
    task.reset(0, {"level": "GoToLocal", "level_seed": 3})
    assert all(name.count(" ") <= 1 or name == CHECK for name in task.admissible())
    assert not task.act("go to red ball 1").valid


def test_a_refusal_never_moves_the_agent():
    world = World(LevelSeed("BabyAI-BossLevel-v0", 1))
    for text in (
        "go to 1",
        "pickup red ball 0",
        "go through red open door 9999",
        "toggle and go through x y door 1",
        "",
    ):
        assert isinstance(understood(world).find(text), Refusal)
