"""The way from one cell to another, as AgentBoard's macro actions walk it.

A breadth-first search over (cell, heading) within the cells in view. Two properties of AgentBoard's search are kept, since
they decide which of several ways is taken: unseen cells and doors count as free, and a state found again before its turn takes
the later parent. What is slow about it (scanning lists of objects at every expansion) is not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from agemem_gym.envs.babyai.view import AGENT_COLUMN, DIRECTIONS, SIZE, Cell, View

LEFT, RIGHT, FORWARD, PICKUP, DROP, TOGGLE = range(6)
State = tuple[int, int, int]


def _bounds(view: View) -> tuple[range, range]:
    """Columns and rows of the grid that a way may use: those in view, and on one or both axes one more, as upstream has it."""
    (x, y), (fx, fy), (rx, ry) = view.agent, DIRECTIONS[view.heading], DIRECTIONS[(view.heading + 1) % 4]
    left = x + fx * (SIZE - 1) - rx * AGENT_COLUMN
    top = y + fy * (SIZE - 1) - ry * AGENT_COLUMN
    right, bottom = left + SIZE * (rx - fx), top + SIZE * (ry - fy)
    columns = range(right, left + 1) if right < left else range(left, right)
    rows = range(bottom, top + 1) if bottom < top else range(top, bottom)
    return columns, rows


def find_path(view: View, goal: Cell, arrive: bool) -> list[int] | None:
    """Turns and forward moves that lead onto `goal` (`arrive`), or next to it and facing it; ``None`` if there is no way."""
    columns, rows = _bounds(view)
    x_low, x_high, y_low, y_high = columns.start, columns.stop, rows.start, rows.stop
    blocked = view.blocked
    start: State = (*view.agent, view.heading)
    reached: Callable[[State], bool]
    if arrive:
        ends = {(*goal, heading) for heading in range(4)}
    else:
        ends = {(goal[0] - dx, goal[1] - dy, heading) for heading, (dx, dy) in enumerate(DIRECTIONS)}
    reached = ends.__contains__
    parents: dict[State, tuple[State, int]] = {}
    done: set[State] = set()
    queue = deque([start])
    while queue:
        state = queue.popleft()
        done.add(state)
        if reached(state):
            return _unroll(parents, start, state)
        x, y, heading = state
        dx, dy = DIRECTIONS[heading]
        for following, action in (
            ((x + dx, y + dy, heading), FORWARD),
            ((x, y, (heading - 1) % 4), LEFT),
            ((x, y, (heading + 1) % 4), RIGHT),
        ):
            i, j, _ = following
            if following in done or (i, j) in blocked or not (x_low <= i < x_high and y_low <= j < y_high):
                continue
            queue.append(following)
            parents[following] = (state, action)
    return None


def _unroll(parents: dict[State, tuple[State, int]], start: State, state: State) -> list[int]:
    """The actions from `start` to `state`."""
    actions = []
    while state != start:
        state, action = parents[state]
        actions.append(action)
    return actions[::-1]
