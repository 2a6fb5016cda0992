"""The oracle: BabyAI's bot first; where it gives up or goes astray, a planner that knows the whole grid.

Both think in low-level actions; :func:`expert_commands` says these in the words that the protocol understands.
"""

from __future__ import annotations

from collections.abc import Iterator

from agemem_gym.envs.babyai.bot import bot_actions
from agemem_gym.envs.babyai.commands import LOW_LEVEL, Commands
from agemem_gym.envs.babyai.paths import PICKUP
from agemem_gym.envs.babyai.world import World

_WORDS = {action: word for word, action in LOW_LEVEL.items()}


def expert_commands(world: World, agentboard: bool) -> Iterator[str]:
    """Commands that solve the level from its present state, one at a time; each is carried out before the next is asked."""
    for action in bot_actions(world):
        command = _say(world, action, agentboard)
        if command is None:
            return
        yield command


def _say(world: World, action: int, agentboard: bool) -> str | None:
    """`action` in words; ``None`` where AgentBoard has no words for it."""
    if action != PICKUP:
        return _WORDS[action]
    if not agentboard:
        return "pickup"
    commands = Commands(world.view, world.carrying)
    return next(
        (name for name in commands.everything() if name.startswith("pickup ") and commands.find(name) == [PICKUP]), None
    )
