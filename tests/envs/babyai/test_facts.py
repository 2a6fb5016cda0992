"""Background, gold facts and distractors are true, useful, and keep the mission to themselves."""

import numpy as np
import pytest

from agemem_gym.envs.babyai import BabyAITask
from agemem_gym.envs.babyai.levels import registered_levels


def start(level, seed=0):
    task = BabyAITask(level=level)
    return task, task.reset(0, {"level_seed": seed})


@pytest.mark.parametrize("level", registered_levels())
def test_every_level_has_gold_facts_and_a_background_that_covers_them(level):
    task, begun = start(level)
    background = " ".join(task.background(np.random.default_rng(0)))
    assert begun.key_facts or "Carrying" in level  # what is in the agent's hands already lies nowhere
    for fact in begun.key_facts:
        words = [word for word in fact.rstrip(".").replace(",", "").split() if word in COLOURS]
        assert words
        assert all(word in background for word in words)


COLOURS = {"red", "green", "blue", "purple", "yellow", "grey"}


@pytest.mark.parametrize("level", registered_levels())
def test_the_background_does_not_tell_the_mission(level):
    task, begun = start(level, seed=5)
    text = " ".join(task.background(np.random.default_rng(1)))
    assert begun.instruction not in text
    assert not any(verb in text.lower() for verb in ("go to", "pick up", "next to the", "mission"))


def test_the_background_names_every_object_where_it_is():
    task, _ = start("BabyAI-GoTo-v0")
    env = task._world.env
    text = " ".join(task.background(np.random.default_rng(2)))
    for thing in env.grid.grid:
        if thing is not None and thing.type not in ("wall", "door"):
            assert f"{thing.color} {thing.type}" in text


def test_offsets_in_a_single_room_lead_to_the_object():
    task, begun = start("BabyAI-GoToObj-v0", seed=1)
    env = task._world.env
    (cell,) = [
        (i % env.width, i // env.width) for i, t in enumerate(env.grid.grid) if t is not None and t.type != "wall"
    ]
    (fact,) = begun.key_facts
    x, y = (int(value) for value in env.agent_pos)
    for word, steps in (("north", y - cell[1]), ("south", cell[1] - y), ("east", cell[0] - x), ("west", x - cell[0])):
        assert (f"{steps} step" in fact and word in fact) == (steps > 0)


def test_a_key_in_a_box_is_told():
    task, begun = start("BabyAI-KeyInBox-v0")
    assert any("holds a" in fact for fact in begun.key_facts)
    assert any("inside" in text or "into the" in text for text in task.background(np.random.default_rng(0)))


def test_the_same_generator_gives_the_same_sentences():
    task, _ = start("BabyAI-BossLevel-v0")
    for tell in (task.background, task.distractor_pool):
        assert tell(np.random.default_rng(3)) == tell(np.random.default_rng(3))
        assert tell(np.random.default_rng(3)) != tell(np.random.default_rng(4))


@pytest.mark.parametrize("level", registered_levels()[::7])
def test_distractors_are_no_facts_of_this_level(level):
    task, begun = start(level)
    pool = task.distractor_pool(np.random.default_rng(0))
    assert len(pool) >= 8
    assert not set(pool) & set(task.background(np.random.default_rng(0)))
    assert not set(pool) & set(begun.key_facts)
