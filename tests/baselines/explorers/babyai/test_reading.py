"""The explorer reads what the engine and people say, in all the ways in which they say it."""

import numpy as np
import pytest

from agemem_gym.baselines.explorers.babyai import BabyAIExplorer
from agemem_gym.baselines.explorers.babyai.observation import Part, What, read_mission, read_observation
from agemem_gym.baselines.explorers.babyai.statements import Joins, Lies, Starts, read_statement
from agemem_gym.envs.babyai import BabyAITask


def test_an_observation_is_read_as_the_view_has_it():
    task = BabyAITask(level="all")
    for seed in range(60):
        start = task.reset(seed, {})
        view = task._world.view
        seen = read_observation(start.observation)
        assert [(t.name, t.ahead, t.right) for t in seen.things] == [(t.name, t.ahead, t.right) for t in view.things]
        assert seen.barrier == view.barrier
        held = task._world.carrying
        assert seen.carrying == ("" if held is None else f"{held.color} {held.type}")


def test_every_mission_of_every_level_is_understood():
    task = BabyAITask(level="all")
    for seed in range(192):
        mission = task.reset(seed, {}).instruction
        house, parts = read_mission(mission)
        assert house == ""
        assert len(parts) == mission.count(",") + mission.count(" and ") + mission.count(" after you ") + 1, mission


@pytest.mark.parametrize(
    ("mission", "parts"),
    [
        ("go to the red ball", (Part("go to", What("red", "ball")),)),
        ("pick up a box on your left", (Part("pick up", What("", "box", "on your left")),)),
        (
            "go to a key after you open the red door",
            (Part("open", What("red", "door")), Part("go to", What("", "key"))),
        ),
        (
            "put the red ball next to the blue box, then pick up an object",
            (Part("put", What("red", "ball"), What("blue", "box")), Part("pick up", What("", "object"))),
        ),
    ],
)
def test_parts_come_in_the_order_in_which_they_are_done(mission, parts):
    assert read_mission(mission) == ("", parts)


def test_a_house_is_named_before_the_mission():
    assert read_mission("In Old Birch House, go to the red ball")[0] == "Old Birch House"


def test_however_a_fact_of_a_house_is_said_its_subject_and_content_are_the_same():
    task = BabyAITask(level="memory")
    explorer = BabyAIExplorer()
    explorer.reset(np.random.default_rng(0))
    for seed in range(6):
        task.reset(seed, {})
        plain = [read_statement(fact) for fact in task.world_facts()]
        assert None not in plain
        loose = [one.subject for one in plain if not (isinstance(one.content, Lies) and "box" in one.content.name)]
        assert len(set(loose)) == len(loose)
        for draw in range(5):
            said = task.background(np.random.default_rng(draw))
            assert sorted(map(repr, map(read_statement, said))) == sorted(map(repr, plain))
            assert {explorer.subject(text) for text in said} == {one.subject for one in plain}


def test_distractors_are_of_other_houses_or_of_none():
    task = BabyAITask(level="memory")
    for seed in range(6):
        start = task.reset(seed, {})
        for text in task.distractor_pool(np.random.default_rng(seed)):
            said = read_statement(text)
            assert said is None or said.house != start.record["house"]


def test_the_bare_levels_wording_is_understood_too():
    assert read_statement("By the way, there is a red ball in the north-west room.").content == Lies(
        "red ball", "north-west room"
    )
    assert read_statement("You will start in the middle room, facing east.").content == Starts("middle room", "east")
    door = read_statement(
        "Careful, the blue door between the north room and the middle room is locked; only a blue key opens it."
    )
    assert door.content == Joins(frozenset(("north room", "middle room")), "blue", True)
    where = read_statement("A red ball is in the room, 2 steps north and 1 step east of where you start.")
    assert where.content == Lies("red ball", "room", (1, -2))
    assert read_statement("In the house next door there is a red ball in the north room.") is None
    assert read_statement("Last year there was a red ball in the north room, but it is long gone.") is None


def test_a_correction_is_about_what_it_takes_back():
    fact = "In Old Birch House, a red ball lies open in the north room."
    back = read_statement(f"Correction: what I told you is out of date. It is no longer true that: {fact}")
    assert back.subject == read_statement(fact).subject
    assert back.taken_back


@pytest.mark.parametrize(
    "text", ["", "Nice weather today.", "ERROR 503: try again", "The red door is pretty.", "In Old Birch House"]
)
def test_small_talk_states_nothing(text):
    assert read_statement(text) is None
