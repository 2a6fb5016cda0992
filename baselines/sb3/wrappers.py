"""The two wrappers between text and SB3."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils import RecordConstructorArgs
from numpy.typing import NDArray

from agemem_gym.baselines.sb3.hashing import features_of, size
from agemem_gym.baselines.sb3.templates import ACTIONS, Templates
from agemem_gym.checks import at_least
from agemem_gym.registration import make_memory_env

FEATURES = 512


class TemplateActions(gym.Wrapper[Any, int, str, str], RecordConstructorArgs):
    """Discrete actions in the place of replies; see :mod:`.templates`.

    ``info["action_mask"]`` and :meth:`action_masks` (for MaskablePPO) say which make sense. Give the env
    ``info_admissible=True`` where it has commands. An action that does not make sense is refused by the env, in words.

    Example:
        >>> import agemem_gym, gymnasium
        >>> env = gymnasium.make("AgeMem-HotpotQA-ThreeStage-v0", encoder="hash", index="exact")
        >>> env = TemplateActions(env)
        >>> _, info = env.reset(seed=0)
        >>> _, _, _, _, info = env.step(1)
        >>> info["tool_results"][0]["text"]
        'Stored as m1.'
        >>> env.close()

    Version history: v0, the first.
    """

    def __init__(self, env: gym.Env[Any, str]) -> None:
        RecordConstructorArgs.__init__(self)
        gym.Wrapper.__init__(self, env)
        self.action_space = gym.spaces.Discrete(ACTIONS)  # type: ignore[assignment]
        self._templates = Templates()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode."""
        obs, info = self.env.reset(seed=seed, options=options)
        return obs, self._masked(info)

    def step(self, action: int) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Carry out the reply that an action stands for."""
        obs, reward, terminated, truncated, info = self.env.step(self._templates.replies[int(action)])
        return obs, reward, terminated, truncated, self._masked(info)

    def action_masks(self) -> NDArray[np.bool_]:
        """Which actions make sense now, shape ``(16,)``."""
        return self._templates.mask

    def _masked(self, info: dict[str, Any]) -> dict[str, Any]:
        self._templates.see(info)
        return {**info, "action_mask": self._templates.mask}


class HashedTextObservation(gym.Wrapper[NDArray[np.float32], Any, str, Any], RecordConstructorArgs):
    """Vectors in the place of text; see :mod:`.hashing`.

    Args:
        env: an env of ours, or wrappers round one.
        features: length of each of the two bags of words.

    Version history: v0, the first.
    """

    def __init__(self, env: gym.Env[str, Any], features: int = FEATURES) -> None:
        RecordConstructorArgs.__init__(self, features=features)
        gym.Wrapper.__init__(self, env)
        self._features = at_least("features", features)
        self.observation_space = gym.spaces.Box(-1.0, 1.0, (size(features),), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start an episode."""
        _, info = self.env.reset(seed=seed, options=options)
        return features_of(info, self._features), info

    def step(self, action: Any) -> tuple[NDArray[np.float32], Any, bool, bool, dict[str, Any]]:
        """One step."""
        _, reward, terminated, truncated, info = self.env.step(action)
        return features_of(info, self._features), reward, terminated, truncated, info

    def action_masks(self) -> NDArray[np.bool_]:
        """Of the wrapper below, for MaskablePPO."""
        masks: NDArray[np.bool_] = self.env.get_wrapper_attr("action_masks")()
        return masks


def make_sb3_env(env_id: str, features: int = FEATURES, **kwargs: Any) -> HashedTextObservation:
    """An env that any algorithm of SB3 takes.

    Args:
        env_id: one of ours.
        features: as for :class:`HashedTextObservation`.
        kwargs: keywords of ``gym.make``.
    """
    return HashedTextObservation(TemplateActions(make_memory_env(env_id, info_admissible=True, **kwargs)), features)
