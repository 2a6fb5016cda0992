"""What the agent sees: the 7 × 7 cells before it, read straight from the grid.

minigrid slices, rotates and encodes arrays for this (0.15 ms); here a table of offsets per heading and a table of shadows per
row give the same cells in a tenth of the time. A test compares both, cell by cell, on every level.

View coordinates: column 0 is far left, row 0 is farthest ahead; the agent stands at column 3, row 6, and looks up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

SIZE = 7
AGENT_COLUMN = SIZE // 2
DIRECTIONS = ((1, 0), (0, 1), (-1, 0), (0, -1))  # east, south, west, north: minigrid's headings 0 to 3
STATES = ("open", "closed", "locked")
BLOCKING = frozenset({"wall", "box", "lava", "ball", "key"})
BARRIERS = frozenset({"wall", "box"})
Cell = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Thing:
    """Something visible that is not a wall.

    Attributes:
        name: as the text calls it, e.g. ``"red ball"``, ``"blue locked door"``.
        kind: minigrid's type: ``"ball"``, ``"door"``, …
        cell: where it is on the grid.
        distance: Manhattan distance from the agent.
        ahead, right: steps ahead of the agent and to its right (negative: left).
    """

    name: str
    kind: str
    cell: Cell
    distance: int
    ahead: int
    right: int


@dataclass(frozen=True)
class View:
    """What is visible from one place.

    Attributes:
        picture: 49 names, row by row: what minigrid's image shows (``""`` unseen, ``None`` empty, the carried object where
            the agent stands). Two views with equal pictures have equal images.
        cells: (name, kind, cell, distance, ahead, right) of everything visible, walls too, near to far; at equal distance
            far rows first, then left to right.
        agent: the agent's cell.
        heading: 0 east, 1 south, 2 west, 3 north.
    """

    picture: tuple[str | None, ...]
    cells: tuple[tuple[str, str, Cell, int, int, int], ...]
    agent: Cell
    heading: int

    @cached_property
    def things(self) -> tuple[Thing, ...]:
        """Everything visible but the walls, near to far."""
        return tuple(Thing(*cell) for cell in self.cells if cell[1] != "wall")

    @cached_property
    def blocked(self) -> frozenset[Cell]:
        """Visible cells that a planned path avoids. Doors are none of them, even closed ones."""
        return frozenset(cell[2] for cell in self.cells if cell[1] in BLOCKING)

    @cached_property
    def barrier(self) -> tuple[str, int] | None:
        """Kind and distance of the nearest wall or box straight ahead."""
        for _, kind, _, _, ahead, right in self.cells:
            if right == 0 and kind in BARRIERS:
                return kind, ahead
        return None

    @property
    def front(self) -> Cell:
        """The cell that the agent faces."""
        dx, dy = DIRECTIONS[self.heading]
        return self.agent[0] + dx, self.agent[1] + dy


@cache
def _offsets(heading: int) -> tuple[tuple[int, int, int, int, int], ...]:
    """(dx, dy, distance, ahead, right) of the 49 view cells, row by row."""
    fx, fy = DIRECTIONS[heading]
    rx, ry = DIRECTIONS[(heading + 1) % 4]
    cells = ((SIZE - 1 - row, column - AGENT_COLUMN) for row in range(SIZE) for column in range(SIZE))
    return tuple((a * fx + r * rx, a * fy + r * ry, a + abs(r), a, r) for a, r in cells)


@cache
def _light(seen: int, clear: int) -> tuple[int, int]:
    """How sight spreads in one row: bits of the cells seen from below and of those one can see through
    → bits seen in this row, bits seen in the next row ahead. As ``Grid.process_vis`` does it, first to the right, then to
    the left.
    """
    ahead = 0
    for column in range(SIZE - 1):
        if seen >> column & 1 and clear >> column & 1:
            seen |= 1 << column + 1
            ahead |= 0b11 << column
    for column in range(SIZE - 1, 0, -1):
        if seen >> column & 1 and clear >> column & 1:
            seen |= 1 << column - 1
            ahead |= 0b11 << column - 1
    return seen, ahead


@cache
def _plain_name(colour: str, kind: str) -> str:
    return f"{colour} {kind}"


def _name(thing: Any) -> str:
    if thing.type == "door":
        state = STATES[0] if thing.is_open else STATES[2] if thing.is_locked else STATES[1]
        return f"{thing.color} {state} door"
    return _plain_name(thing.color, thing.type)


def look(env: Any) -> View:
    """The view of an unwrapped minigrid env in its present state."""
    grid, width, height = env.grid.grid, env.grid.width, env.grid.height
    x, y = int(env.agent_pos[0]), int(env.agent_pos[1])
    heading = int(env.agent_dir)
    offsets = _offsets(heading)
    picture: list[str | None] = [""] * (SIZE * SIZE)
    cells: list[tuple[str, str, Cell, int, int, int]] = []
    seen = 1 << AGENT_COLUMN
    for row in range(SIZE - 1, -1, -1):
        if not seen:
            break
        start = row * SIZE
        contents: list[Any] = [None] * SIZE
        clear = 0
        for column in range(SIZE):
            dx, dy, *_ = offsets[start + column]
            i, j = x + dx, y + dy
            if not (0 <= i < width and 0 <= j < height):
                continue  # beyond the outer wall: opaque, and never in sight
            thing = contents[column] = grid[j * width + i]
            if thing is None or (thing.type != "wall" and thing.see_behind()):
                clear |= 1 << column
        seen, ahead = _light(seen, clear)
        for column in range(SIZE):
            if not seen >> column & 1:
                continue
            thing = contents[column]
            if thing is None:
                picture[start + column] = None
                continue
            name = _name(thing)
            picture[start + column] = name
            dx, dy, distance, front, right = offsets[start + column]
            if distance:
                cells.append((name, thing.type, (x + dx, y + dy), distance, front, right))
        seen = ahead
    held = env.carrying
    picture[SIZE * (SIZE - 1) + AGENT_COLUMN] = None if held is None else _name(held)
    cells.sort(key=_near_first)
    return View(tuple(picture), tuple(cells), (x, y), heading)


def _near_first(cell: tuple[str, str, Cell, int, int, int]) -> tuple[int, int, int]:
    """Near to far; at equal distance the farther row first, then left to right: the order of AgentBoard's stable sort."""
    return cell[3], -cell[4], cell[5]
