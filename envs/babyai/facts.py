"""What is true of a level at its start, as sentences: background to remember, gold facts, and distractors.

Rooms are named by the compass (the agent's first sentence tells where it starts and which way it faces)::

    "A red ball is in the north-west room."      "The blue door joins the north room and the middle room; it is locked."
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

COMPASS = ("east", "south", "west", "north")
_CASUAL_THING = (
    "By the way, there is {things} in {room}.",
    "I was in {room} earlier and saw {things} there.",
    "Somebody left {things} in {room}.",
    "Funny, in {room} I noticed {things}.",
)
_CASUAL_DOOR = (
    "If you take the {colour} door of {one}, which is {state}, you get to {other}.",
    "The {colour} door between {one} and {other} is {state}, last I looked.",
    "You can walk from {one} to {other} by the {colour} door; it is {state} now.",
)
_CASUAL_LOCKED = (
    "Careful, the {colour} door between {one} and {other} is locked; only a {colour} key opens it.",
    "I could not get from {one} to {other}: that {colour} door is locked and needs a {colour} key.",
)


@dataclass(frozen=True)
class ThingFact:
    """`count` objects called `name` lie in `room`; `offset` is where a single one lies, seen from the start."""

    name: str
    room: str
    count: int = 1
    offset: str = ""

    @property
    def things(self) -> str:
        """The objects, with an article or a number."""
        return f"a {self.name}" if self.count == 1 else f"{self.count} {self.name}{'es' if 'box' in self.name else 's'}"

    def plain(self) -> str:
        """As a gold fact."""
        where = f", {self.offset}" if self.offset else ""
        things = self.things
        return f"{things[0].upper()}{things[1:]} {'is' if self.count == 1 else 'are'} in {self.room}{where}."

    def casual(self, rng: np.random.Generator) -> str:
        """As talk."""
        where = f"{self.room}{f', {self.offset}' if self.offset else ''}"
        return str(rng.choice(_CASUAL_THING)).format(things=self.things, room=where)


@dataclass(frozen=True)
class DoorFact:
    """A door between two rooms."""

    colour: str
    one: str
    other: str
    state: str

    def plain(self) -> str:
        """As a gold fact."""
        key = f"; a {self.colour} key opens it" if self.state == "locked" else ""
        return f"The {self.colour} door joins {self.one} and {self.other}; it is {self.state}{key}."

    def casual(self, rng: np.random.Generator) -> str:
        """As talk."""
        forms = _CASUAL_LOCKED if self.state == "locked" else _CASUAL_DOOR
        return str(rng.choice(forms)).format(colour=self.colour, one=self.one, other=self.other, state=self.state)


@dataclass(frozen=True)
class BoxFact:
    """What is inside a box."""

    box: str
    content: str
    room: str

    def plain(self) -> str:
        """As a gold fact."""
        return f"The {self.box} in {self.room} holds a {self.content}."

    def casual(self, rng: np.random.Generator) -> str:
        """As talk."""
        forms = ("I put a {0} into the {1} in {2}.", "Have a look into the {1} in {2}, there is a {0} inside.")
        return str(rng.choice(forms)).format(self.content, self.box, self.room)


Fact = ThingFact | DoorFact | BoxFact


class Facts:
    """The facts of one level, read once when it starts.

    Args:
        env: minigrid's unwrapped env, just reset.
    """

    def __init__(self, env: Any) -> None:
        self._rows, self._columns = env.num_rows, env.num_cols
        start = tuple(int(value) for value in env.agent_pos)
        self._start_room = env.room_from_pos(*start)
        self._facing = COMPASS[int(env.agent_dir)]
        self._where: dict[int, str] = {}  # id of an object -> its room's name
        self._things = tuple(self._read_things(env, start))
        self._boxes = tuple(self._read_boxes(env))
        self._doors, self._gaps = self._read_doors(env)
        self._room_names = tuple(self._name(i, j) for j in range(self._rows) for i in range(self._columns))
        self._key_facts = tuple(dict.fromkeys(fact.plain() for fact in self._needed(env)))

    def key_facts(self) -> tuple[str, ...]:
        """The facts about what the mission speaks of, and the doors and keys on the way there."""
        return self._key_facts

    def background(self, rng: np.random.Generator) -> list[str]:
        """Every fact, casually, in an order of `rng`'s."""
        facts: list[Fact] = [*self._things, *self._boxes, *self._doors]
        sentences = [fact.casual(rng) for fact in facts]
        sentences += [f"There is no wall between {one} and {other}, just walk over." for one, other in self._gaps]
        order = rng.permutation(len(sentences))
        room = self._room_name_of(self._start_room)
        return [f"You will start in {room}, facing {self._facing}.", *(sentences[int(i)] for i in order)]

    def distractors(self, rng: np.random.Generator) -> list[str]:
        """Sentences of the same kind about another house, and about things that this one does not have."""
        colours = ("red", "green", "blue", "purple", "yellow", "grey")
        kinds = ("ball", "key", "box")
        here = {fact.name for fact in self._things}
        absent = [f"{colour} {kind}" for colour in colours for kind in kinds if f"{colour} {kind}" not in here]
        names = [f"{colour} {kind}" for colour in colours for kind in kinds]
        sentences = []
        for _ in range(12):
            room = str(rng.choice(self._room_names))
            sentences.append(f"In the house next door there is a {rng.choice(names)} in {room}.")
            one, other = (
                str(name) for name in rng.choice(("attic", "cellar", "garage", "garden", "hall"), 2, replace=False)
            )
            sentences.append(f"At my place the {rng.choice(colours)} door leads from the {one} to the {other}.")
            if absent:
                sentences.append(f"Last year there was a {rng.choice(absent)} in {room}, but it is long gone.")
        return list(dict.fromkeys(sentences))

    def _name(self, column: int, row: int) -> str:
        return room_name(column, row, self._columns, self._rows)

    def _room_name_of(self, room: Any) -> str:
        width, height = room.size
        return self._name(room.top[0] // (width - 1), room.top[1] // (height - 1))

    def _room_at(self, env: Any, x: int, y: int) -> Any:
        return env.room_from_pos(min(x, env.grid.width - 2), min(y, env.grid.height - 2))

    def _read_things(self, env: Any, start: tuple[int, ...]) -> Iterator[ThingFact]:
        groups: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for y in range(env.grid.height):
            for x in range(env.grid.width):
                thing = env.grid.get(x, y)
                if thing is not None and thing.type not in ("wall", "door"):
                    room = self._room_name_of(self._room_at(env, x, y))
                    self._where[id(thing)] = room
                    groups.setdefault((f"{thing.color} {thing.type}", room), []).append((x, y))
        single_room = self._rows * self._columns == 1
        for (name, room), cells in groups.items():
            offset = _offset(cells[0], start) if single_room and len(cells) == 1 else ""
            yield ThingFact(name, room, len(cells), offset)

    def _read_boxes(self, env: Any) -> Iterator[BoxFact]:
        for box in env.grid.grid:
            if box is not None and box.type == "box" and box.contains is not None:
                content = box.contains
                yield BoxFact(f"{box.color} box", f"{content.color} {content.type}", self._where[id(box)])

    def _read_doors(self, env: Any) -> tuple[dict[DoorFact, tuple[Any, Any]], list[tuple[str, str]]]:
        doors: dict[DoorFact, tuple[Any, Any]] = {}
        gaps = []
        for row in env.room_grid:
            for room in row:
                for side in (0, 1):  # right and down: every pair of rooms once
                    door, neighbour = room.doors[side], room.neighbors[side]
                    if door is True:
                        gaps.append((self._room_name_of(room), self._room_name_of(neighbour)))
                    elif door:
                        state = "open" if door.is_open else "locked" if door.is_locked else "closed"
                        one, other = self._room_name_of(room), self._room_name_of(neighbour)
                        doors[DoorFact(door.color, one, other, state)] = (room, neighbour)
        return doors, gaps

    def _needed(self, env: Any) -> Iterator[Fact]:
        """Facts about the mission's objects, then about the ways to them."""
        rooms: list[str] = []
        for thing in _mission_objects(env.instrs):
            if thing.type == "door":
                for fact in self._doors:
                    joined = {
                        self._room_name_of(room) for room in self._doors[fact] if any(d is thing for d in room.doors)
                    }
                    if fact.colour == thing.color and len(joined) == 2:
                        yield fact
                        rooms.append(fact.one)
            elif id(thing) in self._where:
                room = self._where[id(thing)]
                yield from (
                    fact for fact in self._things if (fact.name, fact.room) == (f"{thing.color} {thing.type}", room)
                )
                rooms.append(room)
        yield from self._ways(dict.fromkeys(rooms))

    def _ways(self, targets: Iterable[str]) -> Iterator[Fact]:
        """The doors on the way from the start to each target room, and the keys of locked ones."""
        start = self._room_name_of(self._start_room)
        came_by: dict[str, tuple[str, DoorFact | None] | None] = {start: None}
        queue = [start]
        for room in queue:
            for fact in self._doors:
                if room in (fact.one, fact.other):
                    following = fact.other if room == fact.one else fact.one
                    if following not in came_by:
                        came_by[following] = (room, fact)
                        queue.append(following)
            for one, other in self._gaps:
                if room in (one, other):
                    following = other if room == one else one
                    if following not in came_by:
                        came_by[following] = (room, None)
                        queue.append(following)
        for target in targets:
            step = came_by.get(target)
            while step is not None:
                room, door = step
                if door is not None:
                    yield door
                    yield from self._keys(door)
                step = came_by[room]

    def _keys(self, door: DoorFact) -> Iterator[Fact]:
        if door.state == "locked":
            name = f"{door.colour} key"
            yield from (fact for fact in self._things if fact.name == name)
            yield from (fact for fact in self._boxes if fact.content == name)


def room_name(column: int, row: int, columns: int, rows: int, joint: str = "-") -> str:
    """A room by its place on the compass, in a grid of so many columns and rows; `joint` stands in "north-west"."""
    if rows * columns == 1:
        return "the room"
    if max(rows, columns) > 3:
        return f"the room in row {row + 1}, column {column + 1} from the north-west"
    north = {1: ("",), 2: ("north", "south"), 3: ("north", "", "south")}[rows][row]
    west = {1: ("",), 2: ("west", "east"), 3: ("west", "", "east")}[columns][column]
    return f"the {joint.join(part for part in (north, west) if part) or 'middle'} room"


def leaves(instruction: Any) -> list[Any]:
    """The parts of an instruction, in its order."""
    if hasattr(instruction, "instr_a"):
        return leaves(instruction.instr_a) + leaves(instruction.instr_b)
    return [instruction]


def descriptions_of(leaf: Any) -> list[Any]:
    """What a part of an instruction speaks of."""
    found = (getattr(leaf, name, None) for name in ("desc", "desc_move", "desc_fixed"))
    return [description for description in found if description]


def _mission_objects(instruction: Any) -> list[Any]:
    """Every object that the instruction may mean, in its order."""
    described = [description for leaf in leaves(instruction) for description in descriptions_of(leaf)]
    return [thing for description in described for thing in description.obj_set]


def _offset(cell: tuple[int, int], start: tuple[int, ...]) -> str:
    """Where `cell` lies, seen from the start, e.g. ``"2 steps north and 1 step east of where you start"``."""
    east, south = cell[0] - start[0], cell[1] - start[1]
    parts = [
        f"{abs(steps)} step{'s' if abs(steps) > 1 else ''} {name}"
        for steps, name in ((south, "north" if south < 0 else "south"), (east, "west" if east < 0 else "east"))
        if steps
    ]
    return f"{' and '.join(parts)} of where you start"
