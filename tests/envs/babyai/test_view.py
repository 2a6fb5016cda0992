"""The view is minigrid's image in words, and the shadowed image changes nothing else."""

import random

import gymnasium
import numpy as np
import pytest
from minigrid.core.constants import IDX_TO_COLOR, IDX_TO_OBJECT

from agemem_gym.envs.babyai.levels import AGENTBOARD_LEVELS, LevelSeed, registered_levels
from agemem_gym.envs.babyai.view import SIZE, STATES
from agemem_gym.envs.babyai.world import World


def image_names(env):
    """minigrid's own image of the present state, as 49 names, row by row."""
    image = type(env).gen_obs(env)["image"]
    names = []
    for row in range(SIZE):
        for column in range(SIZE):
            kind, colour, state = (int(value) for value in image[column, row])
            name = IDX_TO_OBJECT[kind]
            if name == "unseen":
                names.append("")
            elif name == "empty":
                names.append(None)
            elif name == "door":
                names.append(f"{IDX_TO_COLOR[colour]} {STATES[state]} door")
            else:
                names.append(f"{IDX_TO_COLOR[colour]} {name}")
    return tuple(names)


@pytest.mark.parametrize("level", registered_levels())
def test_the_picture_equals_minigrids_image_all_along_a_random_walk(level):
    world, chance = World(LevelSeed(level, 7)), random.Random(level)
    for _ in range(40):
        assert world.view.picture == image_names(world.env)
        world.step(chance.choice((0, 1, 2, 2, 2, 3, 4, 5)))


@pytest.mark.parametrize("level", AGENTBOARD_LEVELS[::3])
def test_a_world_goes_the_way_of_raw_minigrid(level, capsys):
    world, raw = World(LevelSeed(level, 3)), gymnasium.make(level).unwrapped
    raw.reset(seed=3)
    chance = random.Random(0)
    for _ in range(120):
        action = chance.choice((0, 1, 2, 2, 2, 3, 4, 5))
        world.step(action)
        _, reward, terminated, _, _ = raw.step(action)
        assert np.array_equal(world.env.grid.encode(), raw.grid.encode())
        assert tuple(world.env.agent_pos) == tuple(raw.agent_pos)
        assert world.env.agent_dir == raw.agent_dir
        assert (world.carrying is None) == (raw.carrying is None)
        assert (world.over, world.success) == (terminated, bool(terminated and reward > 0))
        if terminated:
            break


def test_a_world_prints_nothing(capsys):
    for seed in range(20):
        World(LevelSeed("BabyAI-UnlockLocalDist-v0", seed))
        World(LevelSeed("BabyAI-Pickup-v0", seed))
    assert capsys.readouterr().out == ""


def test_a_copy_of_a_world_goes_its_own_way():
    world = World(LevelSeed("BabyAI-GoToLocal-v0", 0))
    before = world.view.picture
    copy = world.copy()
    for action in (0, 2, 2, 1, 2):
        copy.step(action)
    assert world.view.picture == before
    assert copy.env.agent_dir == world.env.agent_dir
    assert tuple(copy.env.agent_pos) != tuple(world.env.agent_pos)
