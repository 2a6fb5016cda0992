"""``sb3-ppo``: a policy that SB3 trained, as an agent of the board."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from agemem_gym.baselines.sb3.hashing import features_of
from agemem_gym.baselines.sb3.templates import Templates
from agemem_gym.checks import folder_at
from agemem_gym.errors import ConfigurationError

PACKAGED = Path(__file__).parent / "model"
"""The model that comes with the suite, trained on HotpotQA-ThreeStage; its card says how."""


class SB3Agent:
    """Plays with the policy network of a saved model.

    The weights are read as numbers alone (NumPy's format, without pickle), so a model of somebody else's is no danger.

    Args:
        model: folder that ``python -m agemem_gym.baselines.sb3.train`` wrote; the packaged one by default.
        deterministic: take the likeliest action; by default actions are drawn, as in training.
    """

    env_kwargs: ClassVar[dict[str, Any]] = {"info_admissible": True}

    def __init__(self, model: str | Path = PACKAGED, *, deterministic: bool = False) -> None:
        folder = folder_at("model", model)
        try:
            self._settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
            with np.load(folder / "policy.npz", allow_pickle=False) as arrays:
                self._layers = [(arrays[f"weight{n}"], arrays[f"bias{n}"]) for n in range(self._settings["layers"])]
        except (OSError, ValueError, KeyError) as error:
            raise ConfigurationError(
                f"model={str(model)!r}: no saved policy: {type(error).__name__}: {error}"
            ) from None
        self._deterministic = deterministic
        self._templates = Templates()

    def reset(self, info: Mapping[str, Any]) -> None:
        """Seed the draws."""
        self._rng = np.random.default_rng([0x5B3, info["seed"], info.get("sample", 0)])

    def act(self, obs: str, info: Mapping[str, Any]) -> str:
        """The reply of an action that the policy draws."""
        self._templates.see(info)
        hidden = features_of(info, self._settings["features"])
        for number, (weight, bias) in enumerate(self._layers):
            hidden = weight @ hidden + bias
            if number + 1 < len(self._layers):
                hidden = np.tanh(hidden)
        logits = np.where(self._templates.mask, hidden, -np.inf) if self._settings["masked"] else hidden
        if self._deterministic:
            return self._templates.replies[int(np.argmax(logits))]
        odds = np.exp(logits - logits.max())
        return self._templates.replies[int(self._rng.choice(len(odds), p=odds / odds.sum()))]
