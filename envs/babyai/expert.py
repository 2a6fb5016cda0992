"""The oracle: tries its plans on a copy of the world and says the first that works, command by command.

``"bot"``: minigrid's BabyAIBot, which explores like an agent; where it fails, the planner that knows the whole grid.
``"planner"``: that planner with macro commands, which needs few moves; where that fails, the bot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from agemem_gym.envs.babyai.bot import bot_actions
from agemem_gym.envs.babyai.commands import LOW_LEVEL, Commands
from agemem_gym.envs.babyai.macros import macro_commands
from agemem_gym.envs.babyai.paths import PICKUP
from agemem_gym.envs.babyai.planner import planned_actions
from agemem_gym.envs.babyai.world import World

Expert = Literal["bot", "planner"]
_WORDS = {action: word for word, action in LOW_LEVEL.items()}


def expert_commands(world: World, expert: Expert, agentboard: bool, macros: bool, limit: int) -> Iterator[str]:
    """Commands that solve the level from its present state, one at a time; nothing where no plan works.

    Args:
        world: the level in play; plans are tried on copies.
        expert: whose plan is tried first.
        agentboard: say only what AgentBoard understands, and stop macros as it does.
        macros: macro commands are understood.
        limit: the most commands that a plan may have.
    """
    plans: list[Callable[[], list[str]]] = [
        lambda: _spoken(world, bot_actions, agentboard, limit),
        lambda: _spoken(world, planned_actions, agentboard, limit),
    ]
    if macros:
        plans.insert(0 if expert == "planner" else 2, lambda: macro_commands(world, agentboard, limit))
    elif expert == "planner":
        plans.reverse()
    for plan in plans:
        if commands := plan():
            yield from commands
            return


def _spoken(world: World, thinker: Callable[[World], Iterator[int]], agentboard: bool, limit: int) -> list[str]:
    """The thinker's low-level actions in words if they complete the mission within `limit`, else nothing."""
    world = world.copy()
    commands: list[str] = []
    for action in thinker(world):
        command = _say(world, action, agentboard)
        if command is None or len(commands) == limit:
            return []
        commands.append(command)
        world.step(action)
        if world.over:
            break
    return commands if world.success else []


def _say(world: World, action: int, agentboard: bool) -> str | None:
    """`action` in words; ``None`` where AgentBoard has no words for it."""
    if not agentboard:
        return "pickup" if action == PICKUP else _WORDS[action]
    understood = Commands(world.view, world.carrying)
    if action == PICKUP:
        names = (name for name in understood.everything() if name.startswith("pickup "))
        return next((name for name in names if understood.find(name) == [PICKUP]), None)
    return _WORDS[action] if isinstance(understood.find(_WORDS[action]), list) else None
