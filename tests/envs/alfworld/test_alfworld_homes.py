"""Games that need their memory: searching takes too long, whoever was told wins, and no more is told than is needed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from agemem_gym.envs.alfworld import ALFWorldTask
from agemem_gym.envs.alfworld.generated import SPLITS, generate
from agemem_gym.envs.alfworld.goals import TASK_TYPES
from agemem_gym.envs.alfworld.homes import ERRANDS, SLIM_CHANCES, _drawn, _moves_to_look, chance, furnish, lead_type
from agemem_gym.envs.alfworld.problem import LAMP, Quest, Thing, walkthrough_of
from agemem_gym.envs.alfworld.rooms import ROOM_KINDS, Receptacle, Room, holds
from agemem_gym.envs.moves import memory_limit
from agemem_gym.errors import ConfigurationError

ROOMS = tuple(ROOM_KINDS)
SEEDS = range(36)
WANTED = {"look_at_obj_in_light": 2, "pick_two_obj_and_place": 2}
"""Key facts by task type: one for each thing and lamp, so one elsewhere."""


def room(*kinds: tuple[str, str, bool]) -> Room:
    """A room of receptacles, each of a kind, at a location, with or without a door."""
    receptacles = [Receptacle(f"{kind}_bar_{i}", kind, place, door) for i, (kind, place, door) in enumerate(kinds)]
    return Room(1, tuple(receptacles), frozenset({"Mug", "Cabinet", "CounterTop"}), "start")


def hidden_quest(split: str, seed: int) -> tuple[Quest, tuple[Thing, ...]]:
    home = furnish(split, seed, TASK_TYPES, ROOMS, hidden=True)
    return home.quests_of(lead_type(split, seed, TASK_TYPES, ROOMS, hidden=True))[0], home.things


# -- how long searching takes -------------------------------------------------------------------------------------------


def test_a_searchers_chance_is_his_time_over_the_moves_that_looking_everywhere_takes() -> None:
    cabinets = [("Cabinet", f"loc{i}", True) for i in range(20)]
    here = room(*cabinets, ("CounterTop", "loc20", False))
    # put: take, go, put are 3 moves; limit ceil(1.5 * 5) + 3 = 11; 8 of 20 * 2 moves
    assert chance("pick_and_place_simple", "Mug", "CounterTop", here) == pytest.approx(8 / 40)
    # two: 6 moves; limit 1.5 * 10 + 3 = 18; each of the two in 12 of 40
    assert chance("pick_two_obj_and_place", "Mug", "CounterTop", here) == pytest.approx((12 / 40) ** 2)
    # clean: 5 moves; limit ceil(1.5 * 7) + 3 = 14; it may lie on the countertop as well
    assert chance("pick_clean_then_place_in_recep", "Mug", "CounterTop", here) == pytest.approx(9 / 41)


def test_what_stands_together_shares_the_way_there() -> None:
    here = room(("Cabinet", "a", True), ("Cabinet", "a", True), ("CounterTop", "b", False))
    assert list(_moves_to_look(here.receptacles).values()) == [1.5, 1.5, 1]


def test_errands_are_the_moves_of_a_walkthrough_besides_looking() -> None:
    for seed in SEEDS:
        quest, things = hidden_quest("train", seed)
        way = walkthrough_of(quest, things)
        wanted = [thing.where for thing in things if thing.kind == quest.kind and thing.where]
        looks = sum(1 + place.openable for place in wanted)
        opens_there = sum(command.startswith("open") for command in way) - sum(place.openable for place in wanted)
        saved = looks + ERRANDS[quest.task_type] + opens_there - len(way)
        assert 0 <= saved <= 2, "what stands together, or is treated where it lies, saves a step"


def test_a_thing_is_as_likely_in_a_place_as_it_takes_moves_to_look_there() -> None:
    here = room(*[("Cabinet", f"c{i}", True) for i in range(4)], ("CounterTop", "t", False), ("CounterTop", "u", False))
    rng = np.random.default_rng(0)
    drawn = Counter(_drawn("Mug", here, True, rng).kind for _ in range(2000))
    assert drawn["Cabinet"] / 2000 == pytest.approx(8 / 10, abs=0.03)


# -- the games ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("split", ["train", "valid_seen"])
def test_whoever_searches_has_a_slim_chance(split: str) -> None:
    types = set()
    for seed in range(120):
        quest, things = hidden_quest(split, seed)
        types.add(quest.task_type)
        assert chance(quest.task_type, quest.kind, quest.place, quest.room) <= SLIM_CHANCES[0]
        lying = [thing.where.kind for thing in things if thing.kind == quest.kind and thing.where]
        assert len(lying) == (2 if quest.task_type == "pick_two_obj_and_place" else 1)
        assert quest.place not in lying
    assert types == set(TASK_TYPES)


def test_small_rooms_give_the_least_chance_that_they_allow() -> None:
    chances = [
        chance(quest.task_type, quest.kind, quest.place, quest.room)
        for quest, _ in (hidden_quest("valid_unseen", seed) for seed in range(60))
    ]
    assert SLIM_CHANCES[0] < max(chances) <= 0.75


@pytest.mark.parametrize("kind", ROOMS)
def test_any_kind_of_room_can_be_asked_for(kind: str) -> None:
    task = ALFWorldTask(games="memory", moves="memory", rooms=kind)
    start = task.reset(0, {})
    assert ROOM_KINDS[kind] <= int(start.task_id.split("/")[2].split("-")[3]) < ROOM_KINDS[kind] + 30
    task.close()


def test_things_lie_where_they_may_and_mostly_behind_doors() -> None:
    lying = [thing for split in SPLITS for seed in SEEDS for thing in hidden_quest(split, seed)[1] if thing.where]
    for thing in lying:
        assert thing.where is not None
        assert thing.kind == LAMP or thing.kind in holds(thing.where.kind)
    assert sum(thing.where.openable for thing in lying if thing.where) > len(lying) / 2


def test_the_key_facts_are_where_the_wanted_things_are_and_cannot_be_seen_from_the_start() -> None:
    task = ALFWorldTask(games="memory", moves="memory")
    for seed in range(12):
        start = task.reset(seed, {})
        assert len(start.key_facts) == WANTED.get(str(start.record["task_type"]), 1)
        assert set(start.key_facts) <= set(task.world_facts())
        for fact in start.key_facts:
            thing = fact.removeprefix("The ").partition(" is ")[0]
            assert thing not in start.observation + start.instruction
            assert thing.rpartition(" ")[0] in start.key_phrases
        assert all(phrase in start.instruction for phrase in start.key_phrases)
    task.close()


def test_the_expert_wins_within_the_limit_of_memory() -> None:
    task = ALFWorldTask(games="memory", moves="memory")
    for seed in range(12):
        start = task.reset(seed, {})
        assert isinstance(start.record["plan_length"], int)
        assert start.max_moves == memory_limit(start.record["plan_length"])
        steps = [task.act(command) for command in task.expert()]
        assert len(steps) == start.record["plan_length"]
        assert steps[-1].success
    task.close()


def test_the_three_stage_env_plays_them_and_the_bare_one_does_not() -> None:
    import gymnasium

    import agemem_gym  # noqa: F401  registers the ids

    begun = {}
    for name, kwargs in {"ALFWorld": {}, "ALFWorld-ThreeStage": {}, "board": {"protocol": "agentboard"}}.items():
        env_id = f"AgeMem-{name.replace('board', 'ALFWorld-ThreeStage')}-v0"
        env = gymnasium.make(env_id, encoder="hash", index="exact", **kwargs)
        env.reset(seed=1)
        begun[name] = env.unwrapped.episode.start  # type: ignore[attr-defined]
        env.close()
    assert begun["ALFWorld"] == ALFWorldTask().reset(1, {})
    assert begun["ALFWorld-ThreeStage"] == ALFWorldTask(games="memory", moves="memory").reset(1, {})
    assert begun["board"] == ALFWorldTask(protocol="agentboard").reset(1, {})


@pytest.mark.parametrize("stages", ["ThreeStage", "Stream"])
def test_a_limit_of_ones_own_takes_the_place_of_memorys(stages: str) -> None:
    import gymnasium

    import agemem_gym  # noqa: F401  registers the ids

    env = gymnasium.make(f"AgeMem-ALFWorld-{stages}-v0", max_moves=20, encoder="hash", index="exact")
    _, info = env.reset(seed=0)
    assert info["limits"]["moves"] == 20
    env.close()


def test_an_unknown_kind_of_games_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'memory'"):
        ALFWorldTask(games="memry")  # type: ignore[arg-type]


# -- with games of one's own --------------------------------------------------------------------------------------------


def test_official_games_are_played_as_they_are_and_key_facts_are_those_of_the_way_to_win(official: Path) -> None:
    plain, task = (ALFWorldTask(data=official, split="valid_seen", games=games) for games in ("any", "memory"))
    for seed in (0, 5, 70):
        usual, start = plain.reset(seed, {}), task.reset(seed, {})
        assert (start.task_id, start.observation, start.max_moves) == (
            usual.task_id,
            usual.observation,
            usual.max_moves,
        )
        assert len(start.key_facts) == WANTED.get(str(start.record["task_type"]), 1)
        assert set(start.key_facts) <= set(usual.key_facts)
        taken = [command for command in task._current.walkthrough if command.startswith("take ")]
        assert all(
            any(fact.startswith(f"The {taking.split(' from ')[0][5:]} is") for fact in start.key_facts)
            for taking in taken
        )
    plain.close()
    task.close()


def test_a_game_that_nobody_can_win_has_the_protocols_limit(tmp_path: Path) -> None:
    game = generate("train", 3, ("pick_heat_then_place_in_recep",), ROOMS)
    problem = "\n".join(line for line in game.problem.splitlines() if "MicrowaveType)" not in line or "goal" in line)
    data = {"pddl_domain": game.domain, "grammar": game.grammar, "pddl_problem": problem, "walkthrough": []}
    (tmp_path / "game.tw-pddl").write_text(json.dumps(data), encoding="utf-8")
    start = ALFWorldTask(game=tmp_path / "game.tw-pddl", moves="memory", games="memory").reset(0, {})
    assert start.record["plan_length"] == 0
    assert start.max_moves == 50
