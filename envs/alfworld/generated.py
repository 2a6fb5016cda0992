"""Games without a download: a floor plan, things laid out in it at random but plausibly, and a goal of one of six types.

Every game is a PDDL problem in the same form as the official ones, played with alfworld's packaged domain and grammar. It is
solvable by construction: the wanted things exist, lie within reach and not yet where they belong, and what heats, cools,
cleans or lights is in the room. The construction also yields the walkthrough.

Small seeds already cover everything: the task type goes round by the seed, then the room.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from agemem_gym.errors import ConfigurationError

from . import packaged
from .game import Game
from .goals import TASK_TYPES
from .names import mangled
from .problem import LAMP, Quest, Thing, goal_sentence, pick, problem_text, walkthrough_of
from .rooms import Receptacle, Room, floor_plans, holds, load_room, position, room_kind

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

LAMP_PLACES = ("Desk", "SideTable", "Dresser", "Shelf", "DiningTable", "CoffeeTable")

TREATED_AT = {
    "pick_clean_then_place_in_recep": ("Cleanable", "SinkBasin"),
    "pick_heat_then_place_in_recep": ("Heatable", "Microwave"),
    "pick_cool_then_place_in_recep": ("Coolable", "Fridge"),
}
"""By task type: what an object must be, and where it is treated."""


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
    possible = [(kind, plans) for kind in task_types if (plans := plans_for(split, kind, tuple(rooms)))]
    if not possible:
        raise ConfigurationError(
            f"no room of the kinds {list(rooms)} in split {split!r} can hold a task of the types {list(task_types)}; "
            "give more rooms or more task_types"
        )
    task_type, plans = possible[seed % len(possible)]
    rng = np.random.default_rng([0xA1F, SPLITS.index(split), seed])
    room = load_room(plans[shuffled_index(seed // len(possible), len(plans), task_type)])
    quest = Quest(task_type, *pick(rng, choices(task_type, room)), room)
    things, walkthrough = _solvable_layout(quest, rng)
    sentence = goal_sentence(quest, rng)
    problem = problem_text(quest, things, f"generated_{split}_{seed}")
    name = f"generated/{split}/{quest.name}/{seed}"
    return Game(name, packaged.domain(), packaged.grammar(), sentence, problem, tuple(walkthrough))


# -- which task in which room -------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def plans_for(split: str, task_type: str, rooms: tuple[str, ...]) -> tuple[int, ...]:
    """The floor plans of a split that can hold a task of this type."""
    plans = [n for n in floor_plans(split) if room_kind(n) in rooms and choices(task_type, load_room(n))]
    again = [n for n in plans if room_kind(n) == "kitchen"] if task_type in KITCHENS_TWICE else []
    return (*plans, *again)


@lru_cache(maxsize=1024)
def choices(task_type: str, room: Room) -> tuple[tuple[str, str], ...]:
    """Every (kind of object, kind of receptacle) that a task of this type may ask for in `room`."""
    things = sorted(movable(room))
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
def movable(room: Room) -> frozenset[str]:
    """The kinds of things in `room` that can lie somewhere in it."""
    return room.kinds & frozenset().union(*(holds(receptacle.kind) for receptacle in room.receptacles))


def decoration(room: Room) -> frozenset[str]:
    """The kinds of things in `room` that are neither furniture to use nor to be picked up."""
    furniture = {receptacle.kind for receptacle in room.receptacles} | set(packaged.constants().VAL_RECEPTACLE_OBJECTS)
    return room.kinds - movable(room) - furniture - {LAMP}


def shuffled_index(turn: int, size: int, task_type: str) -> int:
    """Goes through all of ``range(size)`` before it repeats, in another order each time round."""
    round_number, offset = divmod(turn, size)
    order = np.random.default_rng([0x2005, TASK_TYPES.index(task_type), round_number]).permutation(size)
    return int(order[offset])


# -- laying out ---------------------------------------------------------------------------------------------------------


def _solvable_layout(quest: Quest, rng: np.random.Generator) -> tuple[list[Thing], list[str]]:
    """Lay things out until the way to win is no longer than in any official game."""
    while True:
        things = _lay_out(quest, rng)
        walkthrough = walkthrough_of(quest, things)
        if 0 < len(walkthrough) <= LONGEST_WALKTHROUGH:
            return things, walkthrough


def _lay_out(quest: Quest, rng: np.random.Generator) -> list[Thing]:
    """Everything in the room; what is wanted first."""
    wanted = _copies(rng) if quest.task_type != "pick_two_obj_and_place" else max(2, _copies(rng))
    forbidden = quest.place if quest.task_type not in TREATED_AT or rng.random() < 0.5 else ""
    things = [thing_at(quest.kind, _place(quest.kind, quest.room, rng, forbidden), rng) for _ in range(wanted)]
    for kind in sorted(movable(quest.room) - {quest.kind}):
        things += [thing_at(kind, _place(kind, quest.room, rng), rng) for _ in range(_copies(rng))]
    others = [thing.kind for thing in things if thing.kind != quest.kind]
    for _ in range(FEWEST_THINGS - len(things) if others else 0):
        kind = str(pick(rng, others))
        things.append(thing_at(kind, _place(kind, quest.room, rng), rng))
    if LAMP in quest.room.kinds:
        spots = lamp_spots(quest.room)
        things += [thing_at(LAMP, pick(rng, spots), rng)] if spots else []
    return [*things, *decorated(quest.room, rng)]


def lamp_spots(room: Room) -> list[Receptacle]:
    """Where a lamp may stand in `room`."""
    return [receptacle for kind in LAMP_PLACES for receptacle in room.having(kind)]


def decorated(room: Room, rng: np.random.Generator) -> list[Thing]:
    """The things that only stand in `room`."""
    return [thing_at(kind, None, rng) for kind in sorted(decoration(room)) for _ in range(DECORATION.get(kind, 1))]


def _copies(rng: np.random.Generator) -> int:
    return 1 + int(rng.choice(len(COPIES), p=COPIES))


def _place(kind: str, room: Room, rng: np.random.Generator, forbidden: str = "") -> Receptacle:
    spots = [spot for spot in room.receptacles if kind in holds(spot.kind) and spot.kind != forbidden]
    weights = np.array([CROWDING.get(spot.kind, 0.3) for spot in spots])
    return spots[int(rng.choice(len(spots), p=weights / weights.sum()))]


def thing_at(kind: str, where: Receptacle | None, rng: np.random.Generator) -> Thing:
    """A new thing of a kind, at a made-up position."""
    return Thing(mangled(f"{kind}|{position(rng)}"), kind, where)
