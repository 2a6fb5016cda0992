"""Which floor plan fits what was seen: rooms of one size in a grid, so walls lie on lines of one distance.

Cells are counted from the start: x to the right, y behind, so the first look goes towards smaller y. A :class:`Plan` says where
the lines are; of all plans the one is believed that contradicts the fewest things seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
        columns = _sides(cell[0] - self.x, self.step)
        rows = _sides(cell[1] - self.y, self.step)
        return tuple((i, j) for i in columns for j in rows)

    def extent(self, room: Room) -> tuple[range, range]:
        """The columns and rows of a room's cells, its walls included."""
        left, top = self.x + room[0] * self.step, self.y + room[1] * self.step
        return range(left, left + self.step + 1), range(top, top + self.step + 1)

    def cells(self, room: Room) -> list[Cell]:
        """The cells of a room, its walls included."""
        columns, rows = self.extent(room)
        return [(x, y) for y in rows for x in columns]

    def wall(self, one: Room, other: Room) -> list[Cell]:
        """The cells between two neighbouring rooms, corners left out."""
        shared = set(self.cells(one)) & set(self.cells(other))
        return [cell for cell in sorted(shared) if self.lines(cell) == 1]


Evidence = tuple[str, Cell]
"""What was seen in a cell: a ``"wall"``, a ``"door"``, a ``"thing"``, or nothing (``"free"``)."""

_AGAINST: Mapping[str, tuple[float, float, float]] = {
    "wall": (3.0, 0.0, 0.0),
    "door": (3.0, 0.0, 3.0),
    "thing": (0.0, 1.0, 1.0),
    "free": (0.0, 0.6, 3.0),  # where two rooms flow together there is none
}
"""How much a sight in a cell on no, one or two lines speaks against a plan."""


class Floor:
    """Weighs plans by what was seen."""

    def __init__(self) -> None:
        self._against = {
            Plan(step, x, y): 0.001 * rank
            for rank, step in enumerate(_SIZES)
            for x in range(1 - step, 0)
            for y in range(1 - step, 0)
        }
        self._noted: set[Evidence] = set()
        self.plan = next(iter(self._against))
        """The plan that contradicts the least."""

    def note(self, evidence: Iterable[Evidence]) -> None:
        """Take into account what was seen."""
        new = [one for one in dict.fromkeys(evidence) if one not in self._noted]
        self._noted.update(new)
        for plan in self._against:
            self._against[plan] += sum(_AGAINST[what][plan.lines(cell)] for what, cell in new)
        self.plan = min(self._against, key=self._against.__getitem__)

    def strain(self, evidence: Iterable[Evidence]) -> float:
        """How much the best plan would contradict all that was seen if this were true besides."""
        new = [one for one in dict.fromkeys(evidence) if one not in self._noted]
        return min(
            against + sum(_AGAINST[what][plan.lines(cell)] for what, cell in new)
            for plan, against in self._against.items()
        )


def _sides(offset: int, step: int) -> tuple[int, ...]:
    number = offset // step
    return (number - 1, number) if offset % step == 0 else (number,)
