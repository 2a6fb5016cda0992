"""BabyAI's own bot with limits that end it.

minigrid's ``BabyAIBot`` replans in a loop that never ends on some seeds (6 of 20 of UnlockToUnlock). The loop looks at the top
of the bot's stack of sub-goals once a turn, so a stack that counts these looks ends it, at the same place on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, SupportsIndex

from agemem_gym.envs.babyai.world import World
from agemem_gym.errors import import_extra

MAX_LOOKS = 400  # per replan; the longest that led to an action over 96 levels × 20 seeds is far below
MAX_DEPTH = 400  # sub-goals on the stack
DONE = 6


class BotStuckError(Exception):
    """The bot goes round in circles without acting."""


class _CountedStack(list[Any]):
    """A list that raises after too many looks at its items, or when it is too long."""

    looks = 0

    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        self.looks += 1
        if self.looks > MAX_LOOKS or len(self) > MAX_DEPTH:
            raise BotStuckError(f"{self.looks} looks at {len(self)} sub-goals")
        return super().__getitem__(index)


def bot_actions(world: World) -> Iterator[int]:
    """The bot's low-level actions from the present state; each is carried out before the next is asked for.

    It ends where the bot is done, stuck or broken (it asserts in worlds that it does not understand).
    """
    module = import_extra("minigrid.utils.baby_ai_bot", "babyai")
    try:
        bot = module.BabyAIBot(world.env)
    except Exception:
        return
    bot.stack = _CountedStack(bot.stack)
    while not world.over:
        bot.stack.looks = 0
        try:
            action = int(bot.replan())
        except Exception:
            return
        if action == DONE:
            return
        yield action
