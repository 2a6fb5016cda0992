"""The map that an explorer draws: where it is, what it has seen where, which cells it has looked at.

Everything is counted from the start, seen from which the first look goes up: headings are 0 up, 1 right, 2 down, 3 left. Where
a macro has led is told by what is seen afterwards: of the poses in question it is the one from which the map looks like that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from agemem_gym.baselines.explorers.babyai.floor import Cell, Evidence, Floor, Plan, Room
from agemem_gym.baselines.explorers.babyai.observation import Observation

STEPS = ((0, -1), (1, 0), (0, 1), (-1, 0))
REACH = 7  # cells that are seen ahead, the agent's own row among them
HALF = 3  # cells that are seen to each side
_SHUT = ("closed", "locked")
_MISSED = 0.5  # what speaks against a pose from which something known should be seen, and is not
_UNLIKELY = 1.0  # what the map must have against the likeliest pose for another to be believed


@dataclass(frozen=True)
class Pose:
    """Where one stands and looks."""

    cell: Cell
    heading: int

    @property
    def front(self) -> Cell:
        """The cell ahead."""
        dx, dy = STEPS[self.heading]
        return self.cell[0] + dx, self.cell[1] + dy

    def turned(self, by: int) -> Pose:
        """After a turn to the right (1) or left (-1)."""
        return Pose(self.cell, (self.heading + by) % 4)

    def at(self, ahead: int, right: int) -> Cell:
        """The cell so many steps ahead and to the right."""
        (fx, fy), (rx, ry) = STEPS[self.heading], STEPS[(self.heading + 1) % 4]
        return self.cell[0] + ahead * fx + right * rx, self.cell[1] + ahead * fy + right * ry

    def offset(self, cell: Cell) -> tuple[int, int]:
        """How far ahead and to the right a cell is."""
        (fx, fy), (rx, ry) = STEPS[self.heading], STEPS[(self.heading + 1) % 4]
        dx, dy = cell[0] - self.cell[0], cell[1] - self.cell[1]
        return dx * fx + dy * fy, dx * rx + dy * ry

    @property
    def window(self) -> tuple[range, range]:
        """Columns and rows that are seen, walls aside."""
        (x1, y1), (x2, y2) = self.at(0, -HALF), self.at(REACH - 1, HALF)
        return range(min(x1, x2), max(x1, x2) + 1), range(min(y1, y2), max(y1, y2) + 1)


@dataclass
class Item:
    """Something on the map; `state` is a door's."""

    colour: str
    kind: str
    state: str = ""

    @property
    def name(self) -> str:
        """As the text calls it."""
        return " ".join(word for word in (self.colour, self.state, self.kind) if word)


class HouseMap:
    """What is known of the place by having been there."""

    def __init__(self) -> None:
        self.floor = Floor()
        self.pose = Pose((0, 0), 0)
        self.items: dict[Cell, Item] = {}
        self.carrying = ""
        self._looks: list[Pose] = []
        self._free: set[Cell] = set()
        self.walls: set[Cell] = set()
        """Where a wall was seen straight ahead."""
        self._glimpses: list[tuple[Pose, Cell]] = []
        self.told_gaps: frozenset[frozenset[Room]] = frozenset()
        self._seen: tuple[object, set[Cell]] = (None, set())
        self.routes: dict[tuple[Pose, str], tuple[Any, ...]] = {}
        """What a search has found out on the map as it is; forgotten with the next look."""
        self._sights: dict[tuple[Plan, frozenset[frozenset[Room]], Pose], set[Cell]] = {}
        self._gaps: tuple[object, frozenset[frozenset[Room]]] = (None, frozenset())

    # Taking in ------------------------------------------------------------------------------------------------------

    def take_in(self, seen: Observation, poses: Iterable[Pose]) -> None:
        """A new look, from one of `poses`, the likeliest first."""
        candidates = list(dict.fromkeys(poses)) or [self.pose]
        if len(candidates) > 1:
            likely = candidates[0]
            candidates.sort(key=lambda pose: _UNLIKELY * (pose != likely) - self._likeness(pose, seen))
        self.pose = candidates[0]
        self.carrying = seen.carrying
        self.routes = {}
        self._looks.append(self.pose)
        for thing in seen.things:
            cell = self.pose.at(thing.ahead, thing.right)
            self.items[cell] = Item(thing.colour, thing.kind, thing.state)
            self._glimpses.append((self.pose, cell))
        evidence = self._evidence(self.pose, seen)
        self._free |= {cell for what, cell in evidence if what == "free"}
        self.walls |= {cell for what, cell in evidence if what == "wall"}
        self.floor.note(evidence)
        self._forget_gone(seen)

    def take_away(self, cell: Cell) -> None:
        """What was here has been picked up."""
        self.items.pop(cell, None)
        self.routes = {}

    def _evidence(self, pose: Pose, seen: Observation) -> list[Evidence]:
        """What a look from a pose says of the floor plan."""
        things = {pose.at(thing.ahead, thing.right): thing.kind for thing in seen.things}
        evidence = [("door" if kind == "door" else "thing", cell) for cell, kind in things.items()]
        kind, distance = seen.barrier or (
            "",
            min((REACH, *(t.ahead for t in seen.things if not t.right and t.state in _SHUT))),
        )
        if kind == "wall":
            evidence.append(("wall", pose.at(distance, 0)))
        passed = [pose.at(ahead, 0) for ahead in range(distance)]
        doors = self.doors()
        return evidence + [("free", cell) for cell in passed if cell not in things and cell not in doors]

    def _forget_gone(self, seen: Observation) -> None:
        """What should be in view, near and straight ahead or in this room, and is not, has been taken away."""
        there = {self.pose.at(thing.ahead, thing.right) for thing in seen.things}
        for cell in self.sight(self.pose):
            if cell in self.items and cell not in there and cell != self.pose.cell and self.items[cell].kind != "door":
                del self.items[cell]

    def _likeness(self, pose: Pose, seen: Observation) -> float:
        """How well the map and a plausible floor plan agree with what would be seen from a pose."""
        likeness = -self.floor.strain(self._evidence(pose, seen))
        for thing in seen.things:
            known = self.items.get(pose.at(thing.ahead, thing.right))
            if known is not None:
                likeness += 1.0 if (known.colour, known.kind) == (thing.colour, thing.kind) else -2.0
        there = {pose.at(thing.ahead, thing.right) for thing in seen.things}
        missed = [cell for cell in self.sight(pose) if cell in self.items and cell not in there and cell != pose.cell]
        return likeness - _MISSED * len(missed)

    # Reading --------------------------------------------------------------------------------------------------------

    @property
    def room(self) -> Room:
        """The room one is in, or looks into from a doorway."""
        rooms = self.rooms_of(self.pose)
        return rooms[0]

    def rooms_of(self, pose: Pose) -> tuple[Room, ...]:
        """The rooms that one is in; in a doorway the one ahead comes first."""
        rooms = self.floor.plan.rooms(pose.cell)
        if len(rooms) == 1:
            return rooms
        ahead = set(self.floor.plan.rooms(pose.front))
        return tuple(sorted(rooms, key=lambda room: room not in ahead))

    @property
    def gaps(self) -> frozenset[frozenset[Room]]:
        """Pairs of rooms that flow together: as told, walked over, or seen from one into the other without an open door."""
        key = (self.floor.plan, len(self._free), len(self._glimpses), self.told_gaps)
        if self._gaps[0] != key:
            plan = self.floor.plan
            found = {
                frozenset(plan.rooms(cell)) for cell in self._free if cell not in self.items and plan.lines(cell) == 1
            }
            opened = {frozenset(plan.rooms(cell)) for cell, item in self.items.items() if item.state == "open"}
            for pose, cell in self._glimpses:
                pair = frozenset((self.rooms_of(pose)[0], *plan.rooms(cell)))
                if plan.lines(pose.cell) == plan.lines(cell) == 0 and _are_neighbours(pair) and pair not in opened:
                    found.add(pair)
            self._gaps = key, frozenset(found) | self.told_gaps
        return self._gaps[1]

    def look_again(self) -> None:
        """Nothing is left to be seen: something was misjudged, so that only the last look counts."""
        self._looks = self._looks[-1:]
        self._seen = None, set()

    def is_free(self, cell: Cell) -> bool:
        """Whether one can walk here, as far as the map tells."""
        item = self.items.get(cell)
        if item is not None:
            return item.state == "open"
        lines = self.floor.plan.lines(cell)
        return lines == 0 or (lines == 1 and frozenset(self.floor.plan.rooms(cell)) in self.gaps)

    @property
    def seen(self) -> set[Cell]:
        """The cells that have been looked at, walls included."""
        key = (self.floor.plan, len(self._looks), self.gaps)
        if self._seen[0] != key:
            before = self._seen[0]
            grown = isinstance(before, tuple) and before[0] == key[0] and before[2] == key[2]
            looks = self._looks[before[1] :] if grown else self._looks  # type: ignore[index]
            cells = self._seen[1] if grown else set()
            self._seen = key, cells.union(*(self.sight(pose) for pose in looks))
        return self._seen[1]

    def sight(self, pose: Pose) -> set[Cell]:
        """The cells that one sees from a pose: of this room, and of those that flow into it."""
        key = (self.floor.plan, self.gaps, pose)
        if key not in self._sights:
            columns, rows = pose.window
            self._sights[key] = {
                (x, y)
                for across, down in map(self.floor.plan.extent, self._rooms_in_view(pose))
                for x in _common(across, columns)
                for y in _common(down, rows)
            }
        return self._sights[key]

    def _rooms_in_view(self, pose: Pose) -> set[Room]:
        plan = self.floor.plan
        own = plan.rooms(pose.cell)
        if len(own) > 1 and frozenset(own) not in self.gaps:  # in a doorway
            own = tuple(room for room in own if room in plan.rooms(pose.front) and len(plan.rooms(pose.front)) == 1)
        rooms = set(own)
        while grown := {room for pair in self.gaps if pair & rooms for room in pair} - rooms:
            rooms |= grown
        return rooms

    def looks_straight_at(self, pose: Pose, wall: set[Cell]) -> bool:
        """Whether one of these cells is the first that may be a wall straight ahead, with nothing known before it."""
        for ahead in range(1, REACH):
            cell = pose.at(ahead, 0)
            if cell in wall:
                return True
            if not self.is_free(cell):
                return False
        return False

    def find(self, colour: str, kind: str) -> list[Cell]:
        """Where things of a kind (``"object"``: any but a door) and colour (empty: any) are known to be."""
        return [
            cell
            for cell, item in self.items.items()
            if colour in ("", item.colour) and (item.kind == kind or (kind == "object" and item.kind != "door"))
        ]

    def doors(self) -> dict[Cell, Item]:
        """The doors that have been seen."""
        return {cell: item for cell, item in self.items.items() if item.kind == "door"}


def _common(one: range, other: range) -> range:
    return range(max(one.start, other.start), min(one.stop, other.stop))


def _are_neighbours(rooms: frozenset[Room]) -> bool:
    if len(rooms) != 2:
        return False
    (i, j), (k, m) = rooms
    return abs(i - k) + abs(j - m) == 1
