"""The fewest commands to where something holds: a search over poses on the explorer's map, with the macros as steps.

A macro is possible where its thing is in view and can be walked to within the window. From the present pose a flood over the
cells in view tells which are; from poses further on the side of the thing that is nearest will do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from agemem_gym.baselines.explorers.babyai.floor import Cell
from agemem_gym.baselines.explorers.babyai.house_map import STEPS, HouseMap, Pose

MOST_POSES = 400


@dataclass(frozen=True)
class Step:
    """A command: ``"turn left"``, ``"turn right"``, ``"move forward"``; with a thing's cell ``"go to"`` or ``"through"``."""

    verb: str
    cell: Cell = (0, 0)


@dataclass(frozen=True)
class Way:
    """A pose that can be reached, and the commands that lead there."""

    pose: Pose
    steps: tuple[Step, ...]


def ways(
    house: HouseMap, banned: frozenset[Step] = frozenset(), keys: str = "", most: int = MOST_POSES
) -> Iterator[Way]:
    """Poses within reach, those of the fewest commands first.

    Args:
        house: the map.
        banned: first commands that have just failed.
        keys: the colour of the key in hand.
        most: poses to look at.
    """
    start = Way(house.pose, ())
    found = {start.pose}
    queue = deque([start])
    looked = 0
    while queue and looked < most:
        way = queue.popleft()
        looked += 1
        yield way
        key = way.pose, keys
        if key not in house.routes:
            house.routes[key] = tuple(_steps(house, way.pose, keys))
        for step, pose in house.routes[key]:
            if pose not in found and not (not way.steps and step in banned):
                found.add(pose)
                queue.append(Way(pose, (*way.steps, step)))


def first_way(
    house: HouseMap, holds: Callable[[Pose], bool], banned: frozenset[Step] = frozenset(), keys: str = ""
) -> Way | None:
    """The way of the fewest commands to a pose where something holds."""
    return next((way for way in ways(house, banned, keys) if holds(way.pose)), None)


def _steps(house: HouseMap, pose: Pose, keys: str) -> Iterator[tuple[Step, Pose]]:
    """Every command from a pose that is sure to work, and where it leads."""
    sight = house.sight(pose)
    near = [cell for cell in house.items if cell in sight and cell != pose.cell]
    facing = _flood(house, pose) if near and pose == house.pose else None
    for cell in near:
        end = _approach(house, pose, cell, sight) if facing is None else facing.get(cell)
        if end is None:
            continue
        item = house.items[cell]
        if item.kind == "door" and (item.state != "locked" or item.colour == keys):
            yield Step("through", cell), Pose(cell, end.heading)
        if end != pose:
            yield Step("go to", cell), end
    yield Step("turn left"), pose.turned(-1)
    yield Step("turn right"), pose.turned(1)
    if house.is_free(pose.front):
        yield Step("move forward"), Pose(pose.front, pose.heading)


def _approach(house: HouseMap, pose: Pose, cell: Cell, sight: set[Cell]) -> Pose | None:
    """About where one would face a thing: beside it, on the side that is nearest."""
    sides = [Pose((cell[0] - dx, cell[1] - dy), heading) for heading, (dx, dy) in enumerate(STEPS)]
    free = [side for side in sides if side.cell == pose.cell or (side.cell in sight and house.is_free(side.cell))]
    return min(free, key=lambda side: _distance(pose, side)) if free else None


def _distance(pose: Pose, other: Pose) -> int:
    ahead, right = pose.offset(other.cell)
    turn = (other.heading - pose.heading) % 4
    return abs(ahead) + abs(right) + min(turn, 4 - turn) + (right != 0 and turn == 0)


def _flood(house: HouseMap, start: Pose) -> dict[Cell, Pose]:
    """For each thing that can be walked to within the window, the pose from which it is faced."""
    columns, rows = start.window
    facing: dict[Cell, Pose] = {}
    done = {start}
    queue = deque([start])
    while queue:
        pose = queue.popleft()
        front = pose.front
        if front in house.items:
            facing.setdefault(front, pose)
        following = [pose.turned(-1), pose.turned(1)]
        if front[0] in columns and front[1] in rows and house.is_free(front):
            following.insert(0, Pose(front, pose.heading))
        for one in following:
            if one not in done:
                done.add(one)
                queue.append(one)
    return facing


def poses_after(house: HouseMap, step: Step) -> list[Pose]:
    """Where a command may have led, the likeliest first."""
    pose = house.pose
    if step.verb in ("turn left", "turn right"):
        return [pose.turned(1 if step.verb == "turn right" else -1)]
    if step.verb == "move forward":
        return [Pose(pose.front, pose.heading), pose]
    dx, dy = step.cell[0] - pose.cell[0], step.cell[1] - pose.cell[1]
    likely = [
        end
        for one, end in _steps(house, pose, house.carrying.split()[0] if "key" in house.carrying else "")
        if one == step
    ]
    around = [Pose((step.cell[0] - dx, step.cell[1] - dy), heading) for heading, (dx, dy) in enumerate(STEPS)]
    if step.verb == "through":
        onward = [heading for heading, (x, y) in enumerate(STEPS) if x * dx + y * dy > 0]
        around = [Pose(step.cell, heading) for heading in onward] + around
    return [*likely, *around, pose]
