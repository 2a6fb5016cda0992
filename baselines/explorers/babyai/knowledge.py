"""What an explorer was told, turned into the terms of its map; and what it would like to know.

Rooms are told by the compass. With where one starts and which way one faces they become rooms counted from the start, as the
map has them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from agemem_gym.baselines.explorers.babyai.floor import Cell, Room
from agemem_gym.baselines.explorers.babyai.statements import Joins, Lies, Starts, Statement

_COLUMN = {"west": 0, "": 1, "east": 2}
_ROW = {"north": 0, "": 1, "south": 2}
_TURNS = {"north": 0, "west": 1, "south": 2, "east": 3}  # quarter turns to the right that make the way one faces "up"


@dataclass
class Knowledge:
    """Statements by their subject; the newest of a subject holds."""

    statements: dict[str, Statement] = field(default_factory=dict)
    house: str = ""

    def learn(self, statement: Statement) -> None:
        """Take it as true; what is taken back is forgotten."""
        if not statement.taken_back:
            self.statements[statement.subject] = statement
        elif self.statements.get(statement.subject, statement).content == statement.content:
            self.statements.pop(statement.subject, None)

    def _contents(self) -> list[Starts | Lies | Joins]:
        return [one.content for one in self.statements.values() if one.house in ("", self.house)]

    @property
    def start(self) -> Starts | None:
        """Where one starts."""
        return next((one for one in self._contents() if isinstance(one, Starts)), None)

    def told_rooms(self, name: str) -> list[str]:
        """The rooms in which a thing is said to lie."""
        return [one.room for one in self._contents() if isinstance(one, Lies) and one.name == name]

    def box_of(self, name: str) -> str:
        """The box that a thing is said to be in; empty if none."""
        return next((one.box for one in self._contents() if isinstance(one, Lies) and one.name == name and one.box), "")

    def joins(self) -> list[Joins]:
        """What is said to be between rooms."""
        return [one for one in self._contents() if isinstance(one, Joins)]

    # In the terms of the map ----------------------------------------------------------------------------------------

    def room(self, name: str) -> Room | None:
        """A told room as the map counts rooms; None while it is not known where one starts."""
        start = self.start
        if start is None:
            return None
        (x, y), (sx, sy) = self._place(name), self._place(start.room)
        return _rotated((x - sx, y - sy), _TURNS[start.facing])

    def lies_at(self, name: str) -> list[Cell]:
        """The cells where a thing is said to lie, counted from the start."""
        start = self.start
        told = [one.steps for one in self._contents() if isinstance(one, Lies) and one.name == name and one.steps]
        return [_rotated(steps, _TURNS[start.facing]) for steps in told] if start else []

    def _place(self, name: str) -> Room:
        """Column and row of a room; a nameless place may be two rooms wide or high, where no room is told of in the middle."""
        column, row = (numbers[word] for numbers, word in zip((_COLUMN, _ROW), _compass(name), strict=True))
        if self.house:
            return column, row
        told = [_compass(room) for one in self._contents() for room in _rooms_in(one)]
        wide, high = any(not one for one, _ in told), any(not one for _, one in told)
        return column if wide else column // 2, row if high else row // 2

    def rooms_of(self, name: str) -> list[Room]:
        """The rooms in which a thing is said to lie, as the map counts them."""
        return [room for told in self.told_rooms(name) if (room := self.room(told)) is not None]

    def edges(self) -> dict[frozenset[Room], Joins]:
        """What is said to be between rooms of the map."""
        found = {}
        for joins in self.joins():
            rooms = [self.room(name) for name in joins.rooms]
            if None not in rooms:
                found[frozenset(room for room in rooms if room is not None)] = joins
        return found

    def bounds(self) -> tuple[range, range] | None:
        """Columns and rows of the house on the map, three by three round the middle room."""
        start = self.start
        if start is None or start.room == "room":
            return None
        corners = [self.room("northwest room"), self.room("southeast room")]
        columns, rows = zip(*(corner for corner in corners if corner), strict=True)
        return range(min(columns), max(columns) + 1), range(min(rows), max(rows) + 1)


def _compass(name: str) -> tuple[str, str]:
    """West, east or nothing; north, south or nothing."""
    column = next((word for word in ("west", "east") if word in name), "")
    return column, next((word for word in ("north", "south") if word in name), "")


def _rooms_in(content: Starts | Lies | Joins) -> list[str]:
    return sorted(content.rooms) if isinstance(content, Joins) else [content.room]


def _rotated(offset: tuple[int, int], turns: int) -> tuple[int, int]:
    """An offset (east, south) as (right, down) on a map that was turned to the right so many times."""
    x, y = offset
    for _ in range(turns):
        x, y = -y, x
    return x, y
