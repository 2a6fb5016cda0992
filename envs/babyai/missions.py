"""The missions of a house: what can be asked for in it that cannot be seen from the start.

A mission is built from minigrid's own verifier classes and given to the house's level in place of the one that the level drew::

    missions = missions_of(house)          in a fixed, mixed order
    missions[3].assign(house)              "go to the red ball, then open the blue door"

What is asked for is hidden in a box, or needs a key that is, and lies two doors away where there are such things (the way to a
key counts): who does not know which room and which box it is has to search for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from agemem_gym.envs.babyai.houses import House, Passage, Place, Thing
from agemem_gym.errors import import_extra

NEAREST = 2
"""Doors, at least, between the start and what is asked for."""

FEWEST, LEAST = 5, 12
"""Hidden things, at least, that are asked for (where fewer are so far away, nearer ones too), and missions made of them."""

_ORDER = 0x60A1


@dataclass(frozen=True)
class Part:
    """One thing to do: go to or pick up a thing, or open a door."""

    verb: str
    colour: str
    kind: str

    def instruction(self) -> Any:
        """As minigrid's verifier knows it."""
        verifier = import_extra("minigrid.envs.babyai.core.verifier", "babyai")
        classes = {"go to": verifier.GoToInstr, "pick up": verifier.PickupInstr, "open": verifier.OpenInstr}
        return classes[self.verb](verifier.ObjDesc(self.kind, self.colour))


@dataclass(frozen=True)
class Leg:
    """A way through the house: whence, the passages, and the thing or the door that it leads to."""

    passages: tuple[Passage, ...]
    end: Place
    target: Any  # a Thing or a Passage


@dataclass(frozen=True)
class Mission:
    """One part, or two of which the second (``order="then"``) or the first (``"after you"``) is done last."""

    parts: tuple[Part, ...]
    order: str = ""

    def assign(self, house: House) -> None:
        """Make it the mission of the house's level."""
        env, built = house.env, [part.instruction() for part in self.parts]
        verifier = import_extra("minigrid.envs.babyai.core.verifier", "babyai")
        classes = {"then": verifier.BeforeInstr, "after you": verifier.AfterInstr}
        env.instrs = classes[self.order](*built) if self.order else built[0]
        with _unpacked(house):
            env.instrs.reset_verifier(env)
            env.surface = env.mission = env.instrs.surface(env)
        env.max_steps = 2 * env.num_navs_needed(env.instrs) * env.room_size**2 * len(house.places)

    @property
    def in_turn(self) -> tuple[Part, ...]:
        """The parts in the order in which they are done."""
        return self.parts[::-1] if self.order == "after you" else self.parts


@contextmanager
def _unpacked(house: House) -> Iterator[None]:
    """What is hidden in boxes stands in the outer wall meanwhile, where minigrid finds it by its description."""
    grid = house.env.grid
    hidden = [thing.thing for thing in house.things if thing.box is not None]
    wall = list(grid.grid[: len(hidden)])
    grid.grid[: len(hidden)] = hidden
    try:
        yield
    finally:
        grid.grid[: len(hidden)] = wall


def missions_of(house: House) -> list[Mission]:
    """Everything that may be asked for, in an order that the house's name decides.

    Each mission has a part for which a box must be opened, so looking round does not do.
    """
    rng = np.random.default_rng([_ORDER, *house.name.encode()])
    away = {part: _doors_passed(house, part) for part in _parts(house)}
    mixed = [list(away)[int(i)] for i in rng.permutation(len(away))]
    hidden = [part for part in mixed if away[part] and _is_hidden(house, part)]
    hidden.sort(key=lambda part: away[part] < NEAREST)  # stable: the far ones first
    hidden = [part for number, part in enumerate(hidden) if away[part] >= NEAREST or number < FEWEST]
    plain = [part for part in mixed if away[part] and not _is_hidden(house, part)]
    pairs = [
        pair
        for turn in range(len(plain))
        for one, other in _paired(hidden, plain, turn)
        for pair in _orders(one, other)
    ]
    pairs = pairs[: max(len(hidden), LEAST - len(hidden))]
    missions = [Mission((part,)) for part in hidden]
    missions += [Mission(pair, ("then", "after you")[number // 2 % 2]) for number, pair in enumerate(pairs)]
    return [missions[int(i)] for i in rng.permutation(len(missions))]


def _paired(hidden: list[Part], plain: list[Part], turn: int) -> list[tuple[Part, Part]]:
    """Each hidden part with a plain one, the `turn`-th after its own place."""
    return [(part, plain[(number + turn) % len(plain)]) for number, part in enumerate(hidden)]


def _orders(one: Part, other: Part) -> list[tuple[Part, Part]]:
    """Both orders of two parts that may follow each other: other things, and nothing is put down in between."""
    apart = (one.colour, one.kind) != (other.colour, other.kind) and (one.verb, other.verb).count("pick up") < 2
    return [(one, other), (other, one)] if apart else []


def legs_of(house: House, mission: Mission) -> list[Leg]:
    """The ways that a mission takes, keys first, by the fewest doors."""
    legs: list[Leg] = []
    place = house.start
    keys: frozenset[str] = frozenset()
    for part in mission.in_turn:
        for leg, colour in _legs(house, part, place, keys):
            legs.append(leg)
            place, keys = leg.end, keys | {colour} - {""}
    return legs


def _legs(house: House, part: Part, place: Place, keys: frozenset[str]) -> list[tuple[Leg, str]]:
    """The ways to do a part, each with the colour of the key that it fetches."""
    ends = _ends(house, part)
    fetched: list[tuple[Leg, str]] = []
    while True:
        routes = [(route, end, target) for end, target in ends if (route := house.route(place, end, keys)) is not None]
        if routes and not _lacks_key(part, routes[0][2], keys):
            route, end, target = min(routes, key=lambda found: len(found[0]))
            return [*fetched, (Leg(tuple(route), end, target), "")]
        key = _next_key(house, place, keys)
        if key is None:
            return []
        route = house.route(place, key.place, keys) or []
        fetched.append((Leg(tuple(route), key.place, key), key.thing.color))
        place, keys = key.place, keys | {key.thing.color}


def _ends(house: House, part: Part) -> list[tuple[Place, Any]]:
    if part.kind == "door":
        doors = [passage for passage in house.passages if passage.door and passage.door.color == part.colour]
        return [(place, passage) for passage in doors for place in (passage.one, passage.other)]
    return [(thing.place, thing) for thing in house.things if thing.name == f"{part.colour} {part.kind}"]


def _lacks_key(part: Part, target: Any, keys: frozenset[str]) -> bool:
    return part.kind == "door" and target.door.is_locked and part.colour not in keys


def _next_key(house: House, place: Place, keys: frozenset[str]) -> Thing | None:
    """The key of a locked door that can be fetched now; a house has few."""
    for passage in house.passages:
        if passage.door and passage.door.is_locked and passage.door.color not in keys:
            key = house.key_of(passage.door)
            if house.route(place, key.place, keys) is not None:
                return key
    return None


def _parts(house: House) -> list[Part]:
    told = [thing for thing in house.things if house.is_one_of_a_name(thing)]
    verbs = [(thing, verb) for thing in told for verb in ("go to", "pick up") if not thing.box or verb == "pick up"]
    parts = [Part(verb, thing.thing.color, thing.thing.type) for thing, verb in verbs]
    colours = [passage.door.color for passage in house.passages if passage.door]
    return parts + [Part("open", colour, "door") for colour in dict.fromkeys(colours) if colours.count(colour) == 1]


def _is_hidden(house: House, part: Part) -> bool:
    """Whether a box must be opened for it, for the thing itself or for a key."""
    return any(
        isinstance(leg.target, Thing) and leg.target.box for leg, _ in _legs(house, part, house.start, frozenset())
    )


def _doors_passed(house: House, part: Part) -> int:
    legs = _legs(house, part, house.start, frozenset())
    return sum(passage.door is not None for leg, _ in legs for passage in leg.passages)
