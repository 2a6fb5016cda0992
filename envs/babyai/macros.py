"""From a low-level plan to few commands: which macro covers the most of it?

The planner's plan, tried on a copy of the world, is boiled down to *milestones*: what is picked up, dropped or toggled where,
and what has to be faced. Between two milestones there is only walking, so a macro may stand for some of it::

    milestones   pickup (3, 4)      toggle (5, 4)                               face (8, 2)
    commands     pickup red key 1   toggle and go through red locked door 1     turn left   go to blue ball 1
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from agemem_gym.envs.babyai.commands import CHECK, LOW_LEVEL, Commands
from agemem_gym.envs.babyai.paths import DROP, FORWARD, LEFT, PICKUP, RIGHT, TOGGLE
from agemem_gym.envs.babyai.planner import planned_actions
from agemem_gym.envs.babyai.view import DIRECTIONS, Cell
from agemem_gym.envs.babyai.world import World

DEEDS = frozenset({PICKUP, DROP, TOGGLE})
MAX_ACTIONS = 3000
Pose = tuple[Cell, int]
_WORDS = {action: word for word, action in LOW_LEVEL.items()}


@dataclass(frozen=True)
class Milestone:
    """What is done to a cell while facing it; ``deed`` is ``None`` where facing it is all."""

    deed: int | None
    cell: Cell


def macro_commands(world: World, by_picture: bool, limit: int) -> list[str]:
    """Commands that complete the mission from the present state, at most `limit`; empty if that fails."""
    world = world.copy()
    commands: list[str] = []
    for milestone in _milestones(world):
        reached = False
        while not reached and not world.over:
            walk = _walk(world, milestone.cell)
            if walk is None or len(commands) == limit:
                return []
            if not walk and milestone.deed is None:
                break
            before = _state(world, milestone.cell)
            command, actions = _best(world, milestone, walk)
            commands.append(command)
            world.run(actions, by_picture)
            reached = milestone.deed is not None and _state(world, milestone.cell) != before
    return commands if world.success else []


def _milestones(world: World) -> list[Milestone]:
    """The planner's plan, walked on a copy."""
    world = world.copy()
    milestones: list[Milestone] = []
    progress, count = world.progress(), 0
    for action in planned_actions(world):
        front, count = world.view.front, count + 1
        world.step(action)
        if action in DEEDS:
            milestones.append(Milestone(action, front))
        elif world.progress() > progress:
            milestones.append(Milestone(None, world.view.front))
        progress = world.progress()
        if world.over or count > MAX_ACTIONS:
            break
    return milestones


def _state(world: World, cell: Cell) -> tuple[int, bool]:
    """What a deed changes: which object is in the cell, and whether it is open."""
    thing = world.env.grid.get(*cell)
    return id(thing), bool(getattr(thing, "is_open", False))


def _pose(world: World) -> Pose:
    x, y = world.env.agent_pos
    return (int(x), int(y)), int(world.env.agent_dir)


def _ahead(pose: Pose) -> Cell:
    (x, y), (dx, dy) = pose[0], DIRECTIONS[pose[1]]
    return x + dx, y + dy


def _after(pose: Pose, action: int) -> Pose:
    """The pose after a turn or a step onto a free cell."""
    if action == FORWARD:
        return _ahead(pose), pose[1]
    return pose[0], (pose[1] + (1 if action == RIGHT else -1)) % 4


def _free(world: World, cell: Cell) -> bool:
    thing = world.env.grid.get(*cell)
    return thing is None or bool(thing.can_overlap())


def _walk(world: World, target: Cell) -> list[int] | None:
    """The shortest turns and steps over free cells that end facing `target`."""
    start = _pose(world)
    came: dict[Pose, tuple[Pose, int] | None] = {start: None}
    queue = deque([start])
    while queue:
        pose = queue.popleft()
        if _ahead(pose) == target:
            actions = []
            while (step := came[pose]) is not None:
                pose, action = step
                actions.append(action)
            return actions[::-1]
        for action in (FORWARD, LEFT, RIGHT):
            following = _after(pose, action)
            if following not in came and (action != FORWARD or _free(world, following[0])):
                came[following] = (pose, action)
                queue.append(following)
    return None


def _best(world: World, milestone: Milestone, walk: list[int]) -> tuple[str, list[int]]:
    """The command that covers most of the walk and the deed, and its low-level actions; else the next action."""
    understood = Commands(world.view, world.carrying)
    first = walk[0] if walk else milestone.deed
    assert first is not None
    best, covered = _say(understood, first), 1
    poses = {_pose(world): 0}
    pose = _pose(world)
    for number, action in enumerate(walk, start=1):
        pose = _after(pose, action)
        poses[pose] = number
    for command in understood.everything():
        if command in LOW_LEVEL or command == CHECK:
            continue
        actions = understood.find(command)
        if isinstance(actions, list) and actions:
            worth = _worth(world, milestone, poses, len(walk), actions)
            if worth > covered:
                best, covered = (command, actions), worth
    return best


def _say(understood: Commands, action: int) -> tuple[str, list[int]]:
    """A single action in words. AgentBoard knows picking up only with the object's name."""
    if action == PICKUP:
        for command in understood.everything():
            if command.startswith("pickup ") and understood.find(command) == [PICKUP]:
                return command, [PICKUP]
        return "pickup", [PICKUP]
    return _WORDS[action], [action]


def _worth(world: World, milestone: Milestone, poses: dict[Pose, int], steps: int, actions: Sequence[int]) -> int:
    """How many actions of the walk and the deed a macro stands for; 0 if it leads elsewhere."""
    pose = _pose(world)
    deed = next((action for action in actions if action in DEEDS), None)
    for action in actions:
        if action == deed:
            break
        pose = _after(pose, action)
        if action == FORWARD and not _free(world, pose[0]):
            return 0
    arrived = _ahead(pose) == milestone.cell
    if deed is not None:
        return steps + len(actions) if arrived and deed == milestone.deed else 0
    return steps if arrived else poses.get(pose, 0)
