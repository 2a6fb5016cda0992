"""Jobs: which episodes are to be played, as plain data that can be numbered, written down and sent to another process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agemem_gym.errors import ConfigurationError
from agemem_gym.plain import opaque, plain


@dataclass(frozen=True)
class Job:
    """One episode to be played.

    Attributes:
        number: what tells it from the other jobs of its rollout.
        env_id: e.g. ``"AgeMem-BabyAI-v0"``.
        seed: what ``env.reset`` is given.
        env_kwargs: keywords of ``gym.make``; those that the agent brings go under them.
        sample: its number in a group of episodes of one task, which differ in what the agent draws.
        options: what ``env.reset`` is given besides.
    """

    number: int
    env_id: str
    seed: int
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)
    sample: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)


def check_plain(what: str, values: Mapping[str, Any]) -> None:
    """Refuse keywords that are no plain data: they could neither be written down nor sent to another process.

    Raises:
        ConfigurationError: it names the keyword and says what to do instead.
    """
    for place in opaque(plain(values)):
        raise ConfigurationError(
            f"{what}: the keyword {place} is no plain data (text, numbers, lists, mappings), so no row could say what was "
            "played; name it by text, or let an agent bring it in its env_kwargs"
        )
