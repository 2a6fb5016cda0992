"""Games without a download: a floor plan, things laid out in it at random but plausibly, and a goal of one of six types.

Every game is a PDDL problem in the same form as the official ones, played with alfworld's packaged domain and grammar. It is
solvable by construction: the wanted things exist, lie within reach and not yet where they belong, and what heats, cools,
cleans or lights is in the room. The construction also yields the walkthrough.

Small seeds already cover everything: the task type goes round by the seed, then the room.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from agemem_gym.errors import ConfigurationError

from . import packaged
from .expert import shortest_plan
from .game import Game
from .goals import TASK_TYPES, TREATMENTS, Goal
from .names import demangled, mangled
from .rooms import Receptacle, Room, floor_plans, holds, load_room, position, room_kind
from .state import WorldState

SPLITS = ("train", "valid_seen", "valid_unseen")
ALIASES = {"validation": "valid_seen", "test": "valid_unseen"}
"""The names that every benchmark has, beside ALFRED's."""

CROWDING = {"DiningTable": 8.4, "CounterTop": 5.7, "Desk": 5.2, "TVStand": 4.0, "Bed": 3.8, "Fridge": 3.6}
CROWDING |= {"CoffeeTable": 3.6, "Dresser": 3.4, "Sofa": 3.1, "Cart": 2.2, "SideTable": 2.1, "Toilet": 2.0}
CROWDING |= {"SinkBasin": 1.8, "BathtubBasin": 1.3, "Shelf": 1.3, "ArmChair": 1.0, "Microwave": 1.0}
CROWDING |= {"GarbageCan": 0.9, "TowelHolder": 0.9, "HandTowelHolder": 0.75, "Ottoman": 0.75, "Safe": 0.55}
CROWDING |= {"StoveBurner": 0.5, "Drawer": 0.5, "CoffeeMachine": 0.5, "Cabinet": 0.4, "ToiletPaperHanger": 0.3}
"""Mean number of things in or on a receptacle of a kind in the official valid_seen games: where things tend to lie."""

COPIES = (0.44, 0.30, 0.26)
"""How often a kind of thing occurs once, twice, three times (as in the official valid_seen games)."""

DECORATION = {"StoveKnob": 4, "Chair": 3, "Window": 2, "Painting": 2, "HousePlant": 2}
"""How often things that only stand there occur, where not once: they count as objects in the official games too."""

FEWEST_THINGS = 14
"""No official game has fewer things to pick up."""

KITCHENS_TWICE = frozenset({"pick_clean_then_place_in_recep"})
"""Task types that the official games set in kitchens twice as often as elsewhere."""

LONGEST_WALKTHROUGH = 9
"""No official game's walkthrough is longer. Only some two-object tasks with everything behind doors would be."""

LAMP = "DeskLamp"
LAMP_PLACES = ("Desk", "SideTable", "Dresser", "Shelf", "DiningTable", "CoffeeTable")

TREATED_AT = {
    "pick_clean_then_place_in_recep": ("Cleanable", "SinkBasin"),
    "pick_heat_then_place_in_recep": ("Heatable", "Microwave"),
    "pick_cool_then_place_in_recep": ("Coolable", "Fridge"),
}
"""By task type: what an object must be, and where it is treated."""


@dataclass(frozen=True)
class Thing:
    """An object: PDDL name, kind, and the receptacle that it lies in or on (none for decoration)."""

    name: str
    kind: str
    where: Receptacle | None


@dataclass(frozen=True)
class Quest:
    """What a generated game asks for, and where: kinds in AI2-THOR's spelling; ``place`` is empty for lamp tasks."""

    task_type: str
    kind: str
    place: str
    room: Room


def generate(split: str, seed: int, task_types: Sequence[str], rooms: Sequence[str]) -> Game:
    """The game that `seed` stands for.

    Args:
        split: ``"train"``, ``"valid_seen"`` (same rooms, other games) or ``"valid_unseen"`` (other rooms).
        seed: any non-negative integer.
        task_types: the task types to go round.
        rooms: the kinds of rooms to use.

    Raises:
        ConfigurationError: none of these rooms can hold any of these tasks.
    """
    possible = [(kind, plans) for kind in task_types if (plans := _plans(split, kind, tuple(rooms)))]
    if not possible:
        raise ConfigurationError(
            f"no room of the kinds {list(rooms)} in split {split!r} can hold a task of the types {list(task_types)}; "
            "give more rooms or more task_types"
        )
    task_type, plans = possible[seed % len(possible)]
    rng = np.random.default_rng([0xA1F, SPLITS.index(split), seed])
    room = load_room(plans[_shuffled_index(seed // len(possible), len(plans), task_type)])
    quest = Quest(task_type, *_pick(rng, _choices(task_type, room)), room)
    things, walkthrough = _solvable_layout(quest, rng)
    templates = packaged.goal_library()[task_type]["templates"]
    sentence = str(_pick(rng, templates)).format(
        obj=quest.kind.lower(), recep=quest.place.lower(), toggle=LAMP.lower(), mrecep=""
    )
    problem = _problem(quest, things, f"generated_{split}_{seed}")
    name = f"generated/{split}/{task_type}-{quest.kind}-{quest.place or LAMP}-{room.number}/{seed}"
    return Game(name, packaged.domain(), packaged.grammar(), sentence, problem, tuple(walkthrough))


# -- which task in which room -------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _plans(split: str, task_type: str, rooms: tuple[str, ...]) -> tuple[int, ...]:
    """The floor plans of a split that can hold a task of this type."""
    plans = [n for n in floor_plans(split) if room_kind(n) in rooms and _choices(task_type, load_room(n))]
    again = [n for n in plans if room_kind(n) == "kitchen"] if task_type in KITCHENS_TWICE else []
    return (*plans, *again)


@lru_cache(maxsize=1024)
def _choices(task_type: str, room: Room) -> tuple[tuple[str, str], ...]:
    """Every (kind of object, kind of receptacle) that a task of this type may ask for in `room`."""
    things = sorted(_movable(room))
    if task_type == "look_at_obj_in_light":
        lit = LAMP in room.kinds and any(room.having(kind) for kind in LAMP_PLACES)
        return tuple((kind, "") for kind in things) if lit else ()
    if task_type in TREATED_AT:
        ability, tool = TREATED_AT[task_type]
        allowed = packaged.constants().VAL_ACTION_OBJECTS[ability]
        things = [kind for kind in things if kind in allowed] if room.having(tool) else []
    places = sorted({receptacle.kind for receptacle in room.receptacles})
    return tuple(
        (kind, place) for kind in things for place in places if kind in holds(place) and _elsewhere(kind, place, room)
    )


def _elsewhere(kind: str, place: str, room: Room) -> bool:
    return any(kind in holds(other.kind) and other.kind != place for other in room.receptacles)


@lru_cache(maxsize=256)
def _movable(room: Room) -> frozenset[str]:
    """The kinds of things in `room` that can lie somewhere in it."""
    return room.kinds & frozenset().union(*(holds(receptacle.kind) for receptacle in room.receptacles))


def _decoration(room: Room) -> frozenset[str]:
    """The kinds of things in `room` that are neither furniture to use nor to be picked up."""
    furniture = {receptacle.kind for receptacle in room.receptacles} | set(packaged.constants().VAL_RECEPTACLE_OBJECTS)
    return room.kinds - _movable(room) - furniture - {LAMP}


def _shuffled_index(turn: int, size: int, task_type: str) -> int:
    """Goes through all of ``range(size)`` before it repeats, in another order each time round."""
    round_number, offset = divmod(turn, size)
    order = np.random.default_rng([0x2005, TASK_TYPES.index(task_type), round_number]).permutation(size)
    return int(order[offset])


# -- laying out ---------------------------------------------------------------------------------------------------------


def _solvable_layout(quest: Quest, rng: np.random.Generator) -> tuple[list[Thing], list[str]]:
    """Lay things out until the way to win is no longer than in any official game."""
    while True:
        things = _lay_out(quest, rng)
        walkthrough = _walkthrough(quest, things)
        if 0 < len(walkthrough) <= LONGEST_WALKTHROUGH:
            return things, walkthrough


def _lay_out(quest: Quest, rng: np.random.Generator) -> list[Thing]:
    """Everything in the room; what is wanted first."""
    wanted = _copies(rng) if quest.task_type != "pick_two_obj_and_place" else max(2, _copies(rng))
    forbidden = quest.place if quest.task_type not in TREATED_AT or rng.random() < 0.5 else ""
    things = [_thing(quest.kind, _place(quest.kind, quest.room, rng, forbidden), rng) for _ in range(wanted)]
    for kind in sorted(_movable(quest.room) - {quest.kind}):
        things += [_thing(kind, _place(kind, quest.room, rng), rng) for _ in range(_copies(rng))]
    others = [thing.kind for thing in things if thing.kind != quest.kind]
    for _ in range(FEWEST_THINGS - len(things) if others else 0):
        kind = str(_pick(rng, others))
        things.append(_thing(kind, _place(kind, quest.room, rng), rng))
    if LAMP in quest.room.kinds:
        spots = [receptacle for kind in LAMP_PLACES for receptacle in quest.room.having(kind)]
        things += [_thing(LAMP, _pick(rng, spots), rng)] if spots else []
    for kind in sorted(_decoration(quest.room)):
        things += [_thing(kind, None, rng) for _ in range(DECORATION.get(kind, 1))]
    return things


def _copies(rng: np.random.Generator) -> int:
    return 1 + int(rng.choice(len(COPIES), p=COPIES))


def _place(kind: str, room: Room, rng: np.random.Generator, forbidden: str = "") -> Receptacle:
    spots = [spot for spot in room.receptacles if kind in holds(spot.kind) and spot.kind != forbidden]
    weights = np.array([CROWDING.get(spot.kind, 0.3) for spot in spots])
    return spots[int(rng.choice(len(spots), p=weights / weights.sum()))]


def _thing(kind: str, where: Receptacle | None, rng: np.random.Generator) -> Thing:
    return Thing(mangled(f"{kind}|{position(rng)}"), kind, where)


def _pick(rng: np.random.Generator, items: Sequence[object]):  # type: ignore[no-untyped-def]
    return items[int(rng.integers(len(items)))]


# -- the way to win -----------------------------------------------------------------------------------------------------


def _walkthrough(quest: Quest, things: Sequence[Thing]) -> list[str]:
    """The shortest commands that win, worked out from the same facts that the engine starts with."""
    world = WorldState({}, {})
    for fact in _facts(quest.room, things):
        name, *arguments = fact.lower().split()
        world.add(name, tuple(arguments))
    lamp = "" if quest.place else LAMP.lower()
    treatment = next((state for state in TREATMENTS if TREATMENTS[state] in quest.task_type), "")
    count = 2 if quest.task_type == "pick_two_obj_and_place" else 1
    goal = Goal(quest.task_type, quest.kind.lower(), quest.place.lower(), lamp, treatment, count)
    return shortest_plan(world, demangled(world.entities()), goal)


# -- as PDDL ------------------------------------------------------------------------------------------------------------


def _problem(quest: Quest, things: Sequence[Thing], name: str) -> str:
    goal = str(packaged.goal_library()[quest.task_type]["pddl"]).format(
        obj=quest.kind, recep=quest.place, toggle=LAMP, mrecep=""
    )
    objects = "\n".join(f"    {line}" for line in _objects(quest.room, things))
    facts = "\n".join(f"    ({fact})" for fact in _facts(quest.room, things))
    return (
        f"(define (problem {name})\n(:domain alfred)\n(:objects\n{objects}\n)\n(:init\n{facts}\n)\n"
        + goal.replace("#", "-").strip()
        + "\n"
    )


def _objects(room: Room, things: Sequence[Thing]) -> Iterator[str]:
    yield "agent1 - agent"
    yield from (f"{thing.name} - object" for thing in things)
    yield from (f"{receptacle.name} - receptacle" for receptacle in room.receptacles)
    yield from (f"{kind}Type - otype" for kind in sorted({thing.kind for thing in things}))
    yield from (f"{kind}Type - rtype" for kind in sorted({receptacle.kind for receptacle in room.receptacles}))
    yield from (f"{location} - location" for location in _locations(room))


def _locations(room: Room) -> list[str]:
    return sorted({receptacle.location for receptacle in room.receptacles} | {room.start})


def _facts(room: Room, things: Sequence[Thing]) -> Iterator[str]:
    yield f"atLocation agent1 {room.start}"
    for receptacle in room.receptacles:
        yield f"receptacleType {receptacle.name} {receptacle.kind}Type"
        yield f"receptacleAtLocation {receptacle.name} {receptacle.location}"
        if receptacle.openable:
            yield f"openable {receptacle.name}"
    for place in sorted({receptacle.kind for receptacle in room.receptacles}):
        yield from (f"canContain {place}Type {kind}Type" for kind in sorted(holds(place) & {t.kind for t in things}))
    locations = _locations(room)
    for number, thing in enumerate(things):
        yield f"objectType {thing.name} {thing.kind}Type"
        location = thing.where.location if thing.where else locations[number % len(locations)]
        yield f"objectAtLocation {thing.name} {location}"
        yield from _abilities(thing)


def _abilities(thing: Thing) -> Iterator[str]:
    constants = packaged.constants()
    for ability, kinds in constants.VAL_ACTION_OBJECTS.items():
        if thing.kind in kinds and (thing.where or thing.kind != LAMP):
            yield f"{ability.lower()} {thing.name}"
    if thing.where:
        yield f"inReceptacle {thing.name} {thing.where.name}"
        if thing.kind != LAMP:
            yield f"pickupable {thing.name}"
    if thing.kind in constants.MOVABLE_RECEPTACLES_SET:
        yield f"isReceptacleObject {thing.name}"
