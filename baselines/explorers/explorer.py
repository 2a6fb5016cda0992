"""What an explorer is: it plays one benchmark honestly, with what it is told and what it sees, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from agemem_gym.errors import ConfigurationError


def admissible_commands(info: Mapping[str, Any]) -> list[str]:
    """The commands to choose among.

    Raises:
        ConfigurationError: the env was made without them, so that an explorer that needs them would stray about unnoticed.
    """
    if "admissible" not in info:
        raise ConfigurationError(
            "an explorer chooses among the admissible commands: gym.make(…, info_admissible=True), which it names in env_kwargs"
        )
    return list(info["admissible"])


class Explorer(Protocol):
    """Plays one benchmark honestly.

    It knows how the engine words things and how its world works in general. Of an episode it knows what it is shown
    (``info["observation"]``, ``info["admissible"]``, ``info["instruction"]``) and what it is told through :meth:`learn`. It
    never reads ``info["key_facts"]`` or ``info["expert"]``, and has no way to the env or its task. So two explorers that
    differ in what they were told differ by what memory is worth.
    """

    def reset(self, rng: np.random.Generator) -> None:
        """A new episode; what was learned is forgotten."""

    def subject(self, text: str) -> str | None:
        """What a message states something about, e.g. ``"where lettuce 1 is"``.

        Two statements with one subject and different words cannot both hold. None: it states nothing about this episode's
        world (small talk, another house).
        """

    def learn(self, text: str) -> None:
        """Take a message or an entry of memory as true; what contradicts it and was learned before is forgotten."""

    def begin(self, info: Mapping[str, Any]) -> None:
        """The task begins: `info` has ``instruction``, ``observation`` and, where asked for, ``admissible``."""

    def questions(self) -> list[str]:
        """What to look up in memory now, most important first; empty when there is nothing left to ask.

        Asked after :meth:`begin`, and again after what was found has been learned; it comes to an end.
        """

    def act(self, info: Mapping[str, Any]) -> str:
        """The next reply, ``<action>…</action>`` or ``<answer>…</answer>``."""
