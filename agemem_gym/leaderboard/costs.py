"""What rows cost by a price table that the user gives; the table is no part of an episode, so that it may change.

A table given to the board beats the one that an agent was given (``--agent-arg prices=…``), and holds for rows of earlier runs,
too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agemem_gym.chat.making import name_of_model
from agemem_gym.chat.prices import Price
from agemem_gym.leaderboard.row import EpisodeRow


def model_of(agent_kwargs: Mapping[str, Any]) -> str:
    """The model that an agent's keywords name, as a price table calls it; empty for agents without one."""
    return name_of_model(agent_kwargs.get("model") or agent_kwargs.get("checkpoint"))


def price_for(agent_kwargs: Mapping[str, Any], prices: Mapping[str, Price]) -> Price | None:
    """The price of an agent's model: by its name, or by the whole text that names it."""
    spec = agent_kwargs.get("model") or agent_kwargs.get("checkpoint")
    found = prices.get(model_of(agent_kwargs))
    return prices.get(spec) if found is None and isinstance(spec, str) else found


def priced(row: EpisodeRow, prices: Mapping[str, Price]) -> EpisodeRow:
    """The row with the cost of what its agent's model read and wrote, and of its memory's calls; as it is without a price."""
    price = price_for(row.agent_kwargs, prices)
    if price is None:
        return row
    return replace(row, policy=_with_cost(row.policy, price), layer=_with_cost(row.layer, price))


def _with_cost(counted: Mapping[str, float], price: Price) -> Mapping[str, float]:
    if "prompt_tokens" not in counted or "completion_tokens" not in counted:
        return counted
    cost = price.of(
        prompt_tokens=int(counted["prompt_tokens"]),
        completion_tokens=int(counted["completion_tokens"]),
        cached_tokens=int(counted.get("cached_tokens", 0)),
    )
    return {**counted, "cost": cost}
