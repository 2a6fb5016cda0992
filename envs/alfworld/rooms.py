"""The floor plans: which receptacles stand where, and which kinds of things a room has.

The alfworld wheel holds, for each of AI2-THOR's 120 rooms, the receptacles that its authors found reachable with the place to
stand at (``FloorPlan<n>-openable.json``) and the kinds of things in it (``-objects.json``). Fixtures that the first list
leaves out (stove burners, a garbage can, towel holders) are added at made-up places, the same ones every time: a room's
furniture never changes, only the things in it do. So what an agent remembers of a room stays true.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from . import packaged
from .names import mangled

ROOM_KINDS = {"kitchen": 1, "livingroom": 201, "bedroom": 301, "bathroom": 401}
"""The first floor plan of each kind of room; 30 follow one another."""

UNSEEN_FLOOR_PLANS = frozenset({10, 219, 308, 424})
"""ALFRED's unseen validation rooms, one of each kind. They occur in no other split."""

FIXTURES = {"StoveBurner": 4, "GarbageCan": 1, "Toaster": 1, "CoffeeMachine": 1, "HandTowelHolder": 2, "TowelHolder": 1}
FIXTURES |= {"ToiletPaperHanger": 1, "LaundryHamper": 1, "Ottoman": 1, "TVStand": 1, "Toilet": 1, "Cart": 1}
FIXTURES |= {"SinkBasin": 1, "Fridge": 1, "Microwave": 1, "CounterTop": 1, "Bed": 1, "Desk": 1, "Dresser": 1, "Sofa": 1}
FIXTURES |= {"ArmChair": 1, "CoffeeTable": 1, "DiningTable": 1, "SideTable": 1, "Shelf": 2, "Cabinet": 4, "Drawer": 4}
"""How many of a kind a room gets that has the kind, but no place for it in its list."""

ALWAYS_OPENABLE = frozenset({"Fridge", "Microwave", "Safe"})
SOMETIMES_OPENABLE = {"Cabinet": 0.80, "Drawer": 0.83}
"""Share that opens and closes (as in the official games); the others stand open for ever."""


@dataclass(frozen=True)
class Receptacle:
    """A piece of furniture: PDDL name, kind, place to stand at, and whether it opens and closes."""

    name: str
    kind: str
    location: str
    openable: bool


@dataclass(frozen=True)
class Room:
    """A floor plan. ``kinds`` are the kinds of things that AI2-THOR put in it; ``start`` is where the agent begins."""

    number: int
    receptacles: tuple[Receptacle, ...]
    kinds: frozenset[str]
    start: str

    def having(self, kind: str) -> list[Receptacle]:
        """The receptacles of one kind."""
        return [receptacle for receptacle in self.receptacles if receptacle.kind == kind]


def room_kind(number: int) -> str:
    """``"kitchen"``, ``"livingroom"``, ``"bedroom"`` or ``"bathroom"``."""
    return next(kind for kind, first in ROOM_KINDS.items() if first <= number < first + 30)


def floor_plans(split: str) -> list[int]:
    """The floor plans of a split: all but the four unseen ones, or those."""
    everything = [first + offset for first in ROOM_KINDS.values() for offset in range(30)]
    return [number for number in everything if (number in UNSEEN_FLOOR_PLANS) == (split == "valid_unseen")]


@lru_cache(maxsize=128)
def load_room(number: int) -> Room:
    """Floor plan `number` as described above."""
    folder = packaged.layouts()
    places = json.loads((folder / f"FloorPlan{number}-openable.json").read_text(encoding="utf-8"))
    kinds = frozenset(json.loads((folder / f"FloorPlan{number}-objects.json").read_text(encoding="utf-8")))
    rng = np.random.default_rng([number, 0])
    listed = [_listed(name, place, rng) for name, place in sorted(places.items())]
    taken = {receptacle.location for receptacle in listed}
    receptacles = [*listed, *_fixtures(kinds, {item.kind for item in listed}, taken, rng)]
    return Room(number, tuple(receptacles), kinds, _free_location(taken, rng))


def holds(kind: str) -> frozenset[str]:
    """The kinds of things that may lie in or on a receptacle of this kind (alfworld's ``VAL_RECEPTACLE_OBJECTS``)."""
    found = packaged.constants().VAL_RECEPTACLE_OBJECTS.get(kind, ())
    return frozenset(item for item in found if not item.endswith("Sliced"))


def position(rng: np.random.Generator) -> str:
    """A made-up position in AI2-THOR's form, e.g. ``"+01.25|+00.90|-02.03"``."""
    x, y, z = rng.integers(-500, 500), rng.integers(0, 220), rng.integers(-500, 500)
    return "|".join(f"{'-' if value < 0 else '+'}{abs(value) // 100:02d}.{abs(value) % 100:02d}" for value in (x, y, z))


def _listed(name: str, place: list[float], rng: np.random.Generator) -> Receptacle:
    kind = name.split("|")[-1] if name.endswith("Basin") else name.split("|")[0]
    x, z, rotation, horizon = place
    location = f"loc|{round(x * 4)}|{round(z * 4)}|{round(rotation / 90)}|{round(horizon)}"
    return Receptacle(mangled(name), kind, mangled(location), _opens(kind, rng))


def _fixtures(
    kinds: frozenset[str], listed: set[str], taken: set[str], rng: np.random.Generator
) -> Iterator[Receptacle]:
    for kind, count in FIXTURES.items():
        if kind in kinds and kind not in listed:
            for number in range(count):
                name = f"{kind}|{position(rng)}" if not kind.endswith("Basin") else f"Sink|{position(rng)}|SinkBasin"
                if number % 2 == 0:  # burners and holders stand in pairs: one place for two
                    location = _free_location(taken, rng)
                    taken.add(location)
                yield Receptacle(mangled(name), kind, location, _opens(kind, rng))


def _opens(kind: str, rng: np.random.Generator) -> bool:
    drawn = float(rng.random())  # drawn for every kind, so that one more fixture does not change the others
    return kind in ALWAYS_OPENABLE or drawn < SOMETIMES_OPENABLE.get(kind, 0.0)


def _free_location(taken: set[str], rng: np.random.Generator) -> str:
    while True:
        x, z, rotation, horizon = (int(rng.integers(*bounds)) for bounds in ((-16, 16), (-16, 16), (0, 4), (0, 3)))
        location = mangled(f"loc|{x}|{z}|{rotation}|{15 * horizon + 15}")
        if location not in taken:
            return location
