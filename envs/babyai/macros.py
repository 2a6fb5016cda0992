"""From a low-level plan to few commands: which macro covers the most of it?

The planner's low-level plan is walked on a copy of the world, noting every pose on the way. A macro is worth as many actions
as it takes to the last pose of the plan at which it may end, or, if it does the plan's next deed (pick up that object, open
that door), the actions up to that deed. The best one is said and carried out on the copy; then all is planned anew.
"""

from __future__ import annotations

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
class Trace:
    """A plan walked: its actions up to its first deed, the poses after each, and what that deed faces.

    Attributes:
        actions: low-level actions; empty where the planner gave up.
        poses: the pose before each action, and after the last.
        deed: index of the first pick-up, drop or toggle, ``None`` if the plan only walks.
        target: the cell faced at the deed, or at the end.
    """

    actions: tuple[int, ...]
    poses: tuple[Pose, ...]
    deed: int | None
    target: Cell


def macro_commands(world: World, by_picture: bool, limit: int) -> list[str]:
    """Commands that complete the mission from the present state, at most `limit`; empty if that fails."""
    world = world.copy()
    commands: list[str] = []
    while not world.over and len(commands) < limit:
        trace = _walk(world)
        if not trace.actions:
            break
        command, actions = _best(world, trace)
        commands.append(command)
        world.run(actions, by_picture)
    return commands if world.success else []


def _walk(world: World) -> Trace:
    """The planner's plan up to its first deed and the action after that, carried out on a copy."""
    world = world.copy()
    actions, poses, deed = [], [_pose(world)], None
    for action in planned_actions(world):
        if action in DEEDS and deed is None:
            deed, target = len(actions), world.view.front
        actions.append(action)
        world.step(action)
        poses.append(_pose(world))
        if world.over or len(actions) > MAX_ACTIONS or (deed is not None and len(actions) > deed + 1):
            break
    return Trace(tuple(actions), tuple(poses), deed, world.view.front if deed is None else target)


def _pose(world: World) -> Pose:
    x, y = world.env.agent_pos
    return (int(x), int(y)), int(world.env.agent_dir)


def _best(world: World, trace: Trace) -> tuple[str, list[int]]:
    """The command that covers most of the plan, and its low-level actions; the plan's next action if no macro helps."""
    understood = Commands(world.view, world.carrying)
    best, covered = _say(understood, trace.actions[0]), 1
    for command in understood.everything():
        if command in LOW_LEVEL or command == CHECK:
            continue
        actions = understood.find(command)
        if isinstance(actions, list) and actions and (worth := _worth(world, trace, actions)) > covered:
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


def _worth(world: World, trace: Trace, actions: Sequence[int]) -> int:
    """How many actions of the plan a macro stands for; 0 if it leads elsewhere."""
    cell, heading = _pose(world)
    moves = [action for action in actions if action not in DEEDS]
    opens = TOGGLE in actions
    for action in moves[:-1] if opens else moves:
        if action == FORWARD:
            cell = cell[0] + DIRECTIONS[heading][0], cell[1] + DIRECTIONS[heading][1]
            thing = world.env.grid.get(*cell)
            if thing is not None and not thing.can_overlap():
                return 0
        else:
            heading = (heading + (1 if action == RIGHT else -1 if action == LEFT else 0)) % 4
    front = cell[0] + DIRECTIONS[heading][0], cell[1] + DIRECTIONS[heading][1]
    if opens or PICKUP in actions:
        deed = TOGGLE if opens else PICKUP
        same = trace.deed is not None and trace.actions[trace.deed] == deed and front == trace.target
        if not same or trace.deed is None:
            return 0
        walks_on = trace.actions[trace.deed + 1 :] in ((), (FORWARD,))
        return trace.deed + (2 if opens and walks_on else 1) if walks_on or not opens else 0
    if trace.deed is None and front == trace.target:
        return len(trace.actions)
    last = len(trace.actions) if trace.deed is None else trace.deed
    return max((i for i in range(1, last + 1) if trace.poses[i] == (cell, heading)), default=0)
