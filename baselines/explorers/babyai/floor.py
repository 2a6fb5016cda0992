"""Which floor plan fits what was seen: rooms of one size in a grid, so walls lie on lines of one distance.

Cells are counted from the start: x to the right, y behind, so the first look goes towards smaller y. A :class:`Plan` says where the
lines are; of all plans the one is believed that contradicts the fewest things seen.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

Cell = tuple[int, int]
Room = tuple[int, int]
"""A room, counted in columns and rows from the one where the agent starts."""

_SIZES = (5, 4, 6, 7, 3, 2)  # distances of wall lines, the likelier first


@dataclass(frozen=True)
class Plan:
    """Walls where x is `x` or y is `y`, and every `step` cells from there."""

    step: int
    x: int
    y: int

    def lines(self, cell: Cell) -> int:
        """On how many wall lines a cell lies."""
        return ((cell[0] - self.x) % self.step == 0) + ((cell[1] - self.y) % self.step == 0)

    def rooms(self, cell: Cell) -> tuple[Room, ...]:
        """The room of a cell; two for a cell of the wall between them, four for a corner."""
        columns = _sides(cell[0] - self.x, self.step, -self.x)
        rows = _sides(cell[1] - self.y, self.step, -self.y)
        return tuple((i, j) for i in columns for j in rows)

    def cells(self, room: Room) -> list[Cell]:
        """The cells of a room, its walls included."""
        left = self.x + (room[0] + (-self.x) // self.step) * self.step
        top = self.y + (room[1] + (-self.y) // self.step) * self.step
        return [(left + i, top + j) for j in range(self.step + 1) for i in range(self.step + 1)]

    def wall(self, one: Room, other: Room) -> list[Cell]:
        """The cells between two neighbouring rooms, corners left out."""
        shared = set(self.cells(one)) & set(self.cells(other))
        return [cell for cell in sorted(shared) if self.lines(cell) == 1]


class Floor:
    """Weighs plans by what was seen."""

    def __init__(self) -> None:
        self._against = {
            Plan(step, x, y): 0.001 * rank
            for rank, step in enumerate(_SIZES)
            for x in range(1 - step, 0)
            for y in range(1 - step, 0)
        }
        self._noted: Counter[tuple[str, Cell]] = Counter()
        self._best = next(iter(self._against))

    @property
    def plan(self) -> Plan:
        """The plan that contradicts the least."""
        return self._best

    def note_wall(self, cell: Cell) -> None:
        """A wall was seen here."""
        self._note("wall", cell, lambda lines: 3.0 * (lines == 0))

    def note_door(self, cell: Cell) -> None:
        """A door was seen here."""
        self._note("door", cell, lambda lines: 3.0 * (lines != 1))

    def note_thing(self, cell: Cell) -> None:
        """A ball, key or box was seen here."""
        self._note("thing", cell, lambda lines: 1.0 * (lines > 0))

    def note_free(self, cell: Cell) -> None:
        """There is no wall here: an inner cell, or, more rarely, one where two rooms flow together."""
        self._note("free", cell, lambda lines: (0.0, 0.6, 3.0)[lines])

    def _note(self, what: str, cell: Cell, against: object) -> None:
        if (what, cell) in self._noted:
            return
        self._noted[what, cell] += 1
        for plan in self._against:
            self._against[plan] += against(plan.lines(cell))  # type: ignore[operator]
        self._best = min(self._against, key=self._against.__getitem__)


def _sides(offset: int, step: int, start: int) -> tuple[int, ...]:
    number = offset // step - start // step
    return (number - 1, number) if offset % step == 0 else (number,)
