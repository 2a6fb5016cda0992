"""Houses: floor plans of minigrid's levels with things of their own, the same whenever they are entered again.

A level's own class draws the rooms, doors and locks and says where the agent starts. What lies in a house is laid out here, one
ball or key of a colour, some in boxes, all out of everybody's way, so that every room can be reached and all can be asked for::

    House(env, seed)                             a level just reset becomes the house of that seed
    House(env, seed, epoch=3, changes=0.25)      three times since, a quarter of the things was carried into another room
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from agemem_gym.envs.babyai.view import DIRECTIONS, Cell
from agemem_gym.errors import EngineError, import_extra

Place = tuple[int, int]
"""A room by its column and row, from the north-west."""

COLOURS = ("red", "green", "blue", "purple", "yellow", "grey")
KINDS = ("ball", "key", "box")
BOXES, HIDDEN, OPEN = 9, 6, 4
"""How many boxes stand in a house, how many of them hold something, and how many things lie about besides."""

_LAYOUT, _CHANGE = 0xF1A7, 0xC4A6
_RING = ((-1, -1), (0, -1), (1, -1), (1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0))
_FIRST = (
    "Old New Little Grand Quiet Windy Sunny Rainy Upper Lower Hidden Merry Lonely Crooked Silent Stony "
    "Mossy Dusty Frosty Misty Breezy Sandy Shady Sleepy Cosy Narrow Royal Rusty Snowy Tidy Velvet Wild"
).split()
_SECOND = (
    "Birch Maple Willow Cedar Elm Hazel Juniper Linden Rowan Poplar Walnut Chestnut Cherry Laurel Myrtle Olive "
    "Falcon Heron Otter Badger Raven Magpie Swallow Lark Plover Sparrow Marten Hare Fox Stag Beaver Finch"
).split()
_STRIDE = 389  # odd, so that 1,024 seeds in a row have 1,024 names


def house_name(seed: int) -> str:
    """What a house is called, e.g. ``"Old Birch House"``."""
    first, second = divmod(seed * _STRIDE % (len(_FIRST) * len(_SECOND)), len(_SECOND))
    return f"{_FIRST[first]} {_SECOND[second]} House"


@dataclass(frozen=True)
class Passage:
    """Two rooms that are joined, by a door or (``None``) where there is no wall between them."""

    one: Place
    other: Place
    door: Any


@dataclass
class Thing:
    """Something that can be carried: minigrid's object, the room it is in, and the box that it is hidden in, if any."""

    thing: Any
    place: Place
    box: Thing | None = None

    @property
    def name(self) -> str:
        """As the text calls it."""
        return f"{self.thing.color} {self.thing.type}"


class House:
    """A level that was just reset, turned into a house.

    Args:
        env: minigrid's unwrapped env.
        seed: what lies where.
        epoch: how many times things have been moved since.
        changes: share of the things that each of these times moved.
    """

    def __init__(self, env: Any, seed: int, epoch: int = 0, changes: float = 0.0) -> None:
        self.env, self.name = env, house_name(seed)
        self.passages = tuple(_passages(env))
        self.start = self._place_of(env.agent_pos)
        self.places = tuple((i, j) for j in range(env.num_rows) for i in range(env.num_cols))
        self.things: list[Thing] = []
        self._lay_out(np.random.default_rng([seed, _LAYOUT]))
        for number in range(1, epoch + 1):
            self._change(np.random.default_rng([seed, _CHANGE, number]), changes)

    @property
    def shape(self) -> tuple[int, int]:
        """Columns and rows of rooms."""
        return self.env.num_cols, self.env.num_rows

    def key_of(self, door: Any) -> Thing:
        """The key that opens a locked door."""
        return next(thing for thing in self.things if thing.name == f"{door.color} key")

    @property
    def _keys(self) -> list[str]:
        """The keys that locked doors need."""
        locked = [passage.door.color for passage in self.passages if passage.door and passage.door.is_locked]
        return [f"{colour} key" for colour in dict.fromkeys(locked)]

    def is_one_of_a_name(self, thing: Thing) -> bool:
        """Whether no other thing is called the same; boxes may be."""
        return sum(other.name == thing.name for other in self.things) == 1

    def route(self, start: Place, end: Place, keys: frozenset[str] = frozenset()) -> list[Passage] | None:
        """The fewest passages from one room to another without a locked door whose key is not among `keys` (colours)."""
        came: dict[Place, tuple[Place, Passage] | None] = {start: None}
        queue = [start]
        for place in queue:
            for passage in self.passages:
                door = passage.door
                if place not in (passage.one, passage.other) or (door and door.is_locked and door.color not in keys):
                    continue
                following = passage.other if place == passage.one else passage.one
                if following not in came:
                    came[following] = place, passage
                    queue.append(following)
        if end not in came:
            return None
        passed = []
        while (step := came[end]) is not None:
            end, passage = step
            passed.append(passage)
        return passed[::-1]

    # Laying out -----------------------------------------------------------------------------------------------------

    def _lay_out(self, rng: np.random.Generator) -> None:
        """Boxes and other things into the rooms in turn; the key of a locked door where it can be fetched."""
        keys = self._keys
        self._clear()
        loose = [f"{colour} {kind}" for kind in ("ball", "key") for colour in COLOURS]
        loose = [name for name in loose if name not in keys]
        lying = [*keys, *(loose[int(i)] for i in rng.permutation(len(loose)))][: HIDDEN + OPEN]
        rooms = [self.places[int(i)] for i in rng.permutation(len(self.places))]
        boxes = [f"{COLOURS[int(i) % len(COLOURS)]} box" for i in rng.permutation(BOXES)]
        for number, name in enumerate([*boxes, *lying[HIDDEN:]]):
            around = rooms[number % len(rooms) :] + rooms[: number % len(rooms)]
            self._put(_made(name), next(filter(None, (self._spots([place]) for place in around)), []), rng)
        reachable = self._entered({})
        for name in lying[:HIDDEN]:
            self._hide(
                _made(name), [box for box in self._empty_boxes() if name not in keys or box.place in reachable], rng
            )

    def _clear(self) -> None:
        """Empty the rooms; and off the border of two rooms that flow together, so that one starts in one of them."""
        grid, step = self.env.grid, self.env.room_size - 1
        for index, thing in enumerate(grid.grid):
            if thing is not None and thing.type in KINDS:
                grid.set(index % grid.width, index // grid.width, None)
        x, y = (int(value) for value in self.env.agent_pos)
        self.env.agent_pos = (x + (x % step == 0), y + (y % step == 0))

    def _put(self, thing: Any, spots: list[Cell], rng: np.random.Generator) -> Thing:
        if not spots:
            raise EngineError(f"{self.name} has no room for a {thing.color} {thing.type}")
        cell = spots[int(rng.integers(len(spots)))]
        self.env.grid.set(*cell, thing)
        thing.init_pos = thing.cur_pos = cell
        put = Thing(thing, self._place_of(cell))
        self.things.append(put)
        return put

    def _hide(self, thing: Any, boxes: list[Thing], rng: np.random.Generator) -> Thing:
        """Put a thing into one of the boxes; where there is none, into a room that can be entered."""
        boxes = [box for box in boxes if not self._mirrors(thing, box)]
        if not boxes:
            return self._put(thing, self._spots(sorted(self._entered({}))), rng)
        box = boxes[int(rng.integers(len(boxes)))]
        box.thing.contains = thing
        thing.init_pos = thing.cur_pos = box.thing.cur_pos
        put = Thing(thing, box.place, box)
        self.things.append(put)
        return put

    def _mirrors(self, thing: Any, box: Thing) -> bool:
        """Whether this would be told as another: a red ball in a blue box, a blue ball in a red box."""
        swapped = f"{box.thing.color} {thing.type}", f"{thing.color} box"
        return any(hidden.box and (hidden.name, hidden.box.name) == swapped for hidden in self.things)

    def _empty_boxes(self) -> list[Thing]:
        return [thing for thing in self.things if thing.thing.type == "box" and thing.thing.contains is None]

    def _spots(self, places: list[Place]) -> list[Cell]:
        """Cells of some rooms where a thing stands in nobody's way."""
        step = self.env.room_size - 1
        inner = range(1, step)
        cells = [(i * step + x, j * step + y) for i, j in places for y in inner for x in inner]
        return [cell for cell in cells if self._is_spot(cell)]

    def _is_spot(self, cell: Cell) -> bool:
        x, y = cell
        agent = self.env.agent_pos
        beside = [self._at(x + dx, y + dy) for dx, dy in DIRECTIONS]
        if self._at(x, y) is not None or abs(x - agent[0]) + abs(y - agent[1]) < 2:
            return False
        if any(thing is not None and thing.type != "wall" for thing in beside):
            return False  # no door is blocked, and nothing is walled in by other things
        free = [self._at(x + dx, y + dy) is None for dx, dy in _RING]
        return sum(free[i] != free[i - 1] for i in range(len(_RING))) <= 2  # it parts no two free cells

    # Changes --------------------------------------------------------------------------------------------------------

    def _change(self, rng: np.random.Generator, share: float) -> None:
        """Carry a share of the things elsewhere, what is hidden into another box; every key stays within reach."""
        count = round(share * len(self.things))
        for index in sorted(int(i) for i in rng.permutation(len(self.things))[:count]):
            moved = self.things[index]
            others = [place for place in self.places if place != moved.place and self._keeps_keys(moved, place)]
            if moved.thing.type == "box":  # no two of a colour in a room, or nobody could say which
                others = [place for place in others if (moved.name, place) not in self._standing]
            if moved.box is not None:
                boxes = [box for box in self._empty_boxes() if box.place in others]
                moved.box.thing.contains = None
                self.things[index] = self._hide(moved.thing, boxes, rng)
            else:
                self.env.grid.set(*moved.thing.cur_pos, None)
                self.things[index] = self._put(moved.thing, self._spots(others) or self._spots([moved.place]), rng)
                self._carry_content(moved, self.things[index])
            self.things.pop()

    @property
    def _standing(self) -> set[tuple[str, Place]]:
        return {(thing.name, thing.place) for thing in self.things if thing.thing.type == "box"}

    def _carry_content(self, old: Thing, new: Thing) -> None:
        for thing in self.things:
            if thing.box is old:
                thing.box, thing.place = new, new.place
                thing.thing.cur_pos = thing.thing.init_pos = new.thing.cur_pos

    def _keeps_keys(self, moved: Thing, place: Place) -> bool:
        """Whether every room can still be entered with `moved`, and what is in it, at `place`."""
        if not any(moved in (thing, thing.box) for thing in self.things if thing.name in self._keys):
            return True
        where = {thing.name: place if moved in (thing, thing.box) else thing.place for thing in self.things}
        return len(self._entered(where)) == len(self._entered({f"{colour} key": self.start for colour in COLOURS}))

    def _entered(self, where: dict[str, Place]) -> set[Place]:
        """The rooms that can be entered from the start when keys lie so."""
        keys: frozenset[str] = frozenset()
        while True:
            rooms = {place for place in self.places if self.route(self.start, place, keys) is not None}
            found = frozenset(
                name.split()[0] for name, place in where.items() if name.endswith("key") and place in rooms
            )
            if found == keys:
                return rooms
            keys = found

    def _at(self, x: int, y: int) -> Any:
        return self.env.grid.get(x, y)

    def _place_of(self, cell: Any) -> Place:
        step = self.env.room_size - 1
        return min(int(cell[0]) // step, self.env.num_cols - 1), min(int(cell[1]) // step, self.env.num_rows - 1)


def _passages(env: Any) -> Iterator[Passage]:
    for j, row in enumerate(env.room_grid):
        for i, room in enumerate(row):
            for side, other in ((0, (i + 1, j)), (1, (i, j + 1))):  # right and down: every pair of rooms once
                door = room.doors[side]
                if door:
                    yield Passage((i, j), other, None if door is True else door)


def _made(name: str) -> Any:
    colour, kind = name.split()
    objects = import_extra("minigrid.core.world_object", "babyai")
    return getattr(objects, kind.capitalize())(colour)
