"""How many moves an episode has: as its protocol says, or so few that wandering does not fit.

With ``moves="memory"`` the limit follows the plan that the room's planner finds from the start: half as many again, and three.
Whoever knows where things are has time to spare; whoever has to search has not.
"""

from __future__ import annotations

import math

from agemem_gym.checks import one_of
from agemem_gym.errors import ConfigurationError

MOVES = ("protocol", "memory")


def choose_moves(moves: str, protocol: str) -> str:
    """The keyword `moves`, checked.

    Raises:
        ConfigurationError: an unknown value, or ``"memory"`` in AgentBoard's protocol, whose limit is 30.
    """
    one_of("moves", moves, MOVES)
    if moves == "memory" and protocol == "agentboard":
        raise ConfigurationError("moves='memory': protocol='agentboard' has its own limit of 30; leave one of them out")
    return moves


def memory_limit(plan_length: int) -> int:
    """Half as many moves again as the plan has, and three."""
    return math.ceil(1.5 * plan_length) + 3
