"""Missions of houses: enough of them, all of which can be done, none without opening a box."""

import pytest

from agemem_gym.envs.babyai import BabyAITask
from agemem_gym.envs.babyai.houses import House
from agemem_gym.envs.babyai.levels import MEMORY_LEVELS, LevelSeed
from agemem_gym.envs.babyai.missions import Mission, Part, legs_of, missions_of
from agemem_gym.envs.babyai.world import World


def build(level, seed, number=0, choose=None):
    """The world, the house and its missions; the `number`-th, or the one chosen, is assigned."""
    built = []

    def arrange(env):
        house = House(env, seed)
        missions = missions_of(house)
        mission = choose(house) if choose else missions[number]
        mission.assign(house)
        built.extend((house, missions, mission))

    return World(LevelSeed(level, seed), arrange), *built


@pytest.mark.parametrize("level", MEMORY_LEVELS)
def test_every_house_has_ten_missions_and_each_needs_a_box_opened_behind_a_door(level):
    for seed in range(6):
        _, house, missions, _ = build(level, seed)
        assert len(set(missions)) == len(missions) >= 10
        for mission in missions:
            legs = legs_of(house, mission)
            assert any(getattr(leg.target, "box", None) for leg in legs)
            assert any(passage.door for leg in legs for passage in leg.passages)


@pytest.mark.parametrize("level", MEMORY_LEVELS)
def test_the_sentence_names_what_the_parts_say(level):
    for number in range(10):
        world, _, _, mission = build(level, 3, number)
        for part in mission.parts:
            assert f"{part.verb} the {part.colour} {part.kind}" in world.env.mission
        joined = [word for word in ("then", "after you") if f" {word} " in world.env.mission]
        assert joined == ([mission.order] if mission.order else [])


def test_a_hidden_thing_counts_only_when_it_is_picked_up():
    task = BabyAITask(level="memory", expert="planner")
    played = 0
    for seed in range(30):
        start = task.reset(seed, {})
        if "hidden" not in " ".join(start.key_facts) or not start.instruction.split(", ", 1)[1].startswith("pick up"):
            continue
        *before, last = task.expert()
        assert not any(task.act(command).success for command in before)
        assert task.act(last).success
        played += 1
    assert played > 5


def test_the_way_to_a_locked_door_fetches_its_key_first():
    def locked(house):
        door = next(passage.door for passage in house.passages if passage.door and passage.door.is_locked)
        return Mission((Part("open", door.color, "door"),))

    _, house, _, mission = build("BabyAI-KeyCorridorS5R3-v0", 1, choose=locked)
    *_, fetch, last = legs_of(house, mission)
    assert fetch.target is house.key_of(last.target.door)
    assert last.passages == tuple(house.route(fetch.end, last.end))
