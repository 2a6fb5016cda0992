"""An honest player of ScienceWorld's memory tasks: walks the house, looks into cupboards, reads recipes and thermometers.

What it knows in general stands in :mod:`agemem_gym.envs.scienceworld.player`: the house, which is always the same one, and that
blue and yellow make green. Where it was not told what an unknown substance does, which trait is dominant or which plane is
steeper, it guesses one of the two: an experiment takes more moves than a wrong guess costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from agemem_gym.envs.scienceworld.beliefs import read
from agemem_gym.envs.scienceworld.player import Player

_GIVE_UP = "<answer>I do not know how to go on.</answer>"


class ScienceWorldExplorer:
    """See :class:`~agemem_gym.baselines.explorers.explorer.Explorer`."""

    env_kwargs: ClassVar[dict[str, Any]] = {}

    def reset(self, rng: np.random.Generator) -> None:
        """A new episode."""
        self._player = Player(rng)
        self._asked: set[str] = set()

    def subject(self, text: str) -> str | None:
        """What a message states something about."""
        said = read(text)
        return said.subject if said else None

    def learn(self, text: str) -> None:
        """Take a message as true."""
        self._player.learn(text)

    def begin(self, info: Mapping[str, Any]) -> None:
        """The task begins."""
        self._player.begin(info["instruction"], info["observation"])

    def questions(self) -> list[str]:
        """What the task needs and nobody has told, each asked once; what goes into a mixture, once its recipe is known."""
        open_ones = [subject for subject in self._player.subjects() if self._player.beliefs.about(subject) is None]
        new = [subject for subject in open_ones if subject not in self._asked]
        self._asked.update(new)
        return new

    def act(self, info: Mapping[str, Any]) -> str:
        """The next command."""
        command = self._player.act(info["observation"])
        return _GIVE_UP if command is None else f"<action>{command}</action>"
