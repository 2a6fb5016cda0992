"""A curriculum at work: a wrapper that sets :class:`ThreeStage` and :class:`DistractorInjection` as a config asks."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym
from gymnasium.utils import RecordConstructorArgs

from agemem_gym.curriculum.config import CurriculumConfig, is_number
from agemem_gym.curriculum.injection import DistractorInjection
from agemem_gym.curriculum.three_stage import ThreeStage
from agemem_gym.env import MemoryEnv
from agemem_gym.errors import ConfigurationError


class CurriculumSchedule(gym.Wrapper[str, str, str, str], RecordConstructorArgs):
    """Sets the wrappers beneath it, at each reset, to what the curriculum asks for at this point of training.

    Args:
        env: with a :class:`ThreeStage` or a :class:`DistractorInjection` round it, or both.
        curriculum: see :meth:`CurriculumConfig.load`.

    Progress is counted in episodes of this env, or set from outside: ``env.set_progress(0.4)``, in vector envs
    ``vector.call("set_progress", 0.4)``. ``info["curriculum"]`` holds the present settings with ``progress`` and ``level``.
    :meth:`state_dict` and :meth:`load_state_dict` belong into a checkpoint.

    Raises:
        ConfigurationError: there is neither wrapper, or a setting that no wrapper here has.

    Example:
        >>> import agemem_gym, gymnasium
        >>> env = gymnasium.make("AgeMem-HotpotQA-ThreeStage-v0", encoder="hash", index="exact")
        >>> env = CurriculumSchedule(env, {"n1": 2, "n2": {"linear": [0, 4]}})
        >>> env.set_progress(0.5)
        >>> obs, info = env.reset(seed=0)
        >>> info["curriculum"]["n2"], info["turns"]
        (2, 4)
        >>> env.close()

    Version history: v0, the first.
    """

    def __init__(
        self, env: gym.Env[str, str], curriculum: str | Path | Mapping[str, Any] | CurriculumConfig = "progressive"
    ) -> None:
        RecordConstructorArgs.__init__(self, _disable_deepcopy=True, curriculum=curriculum)
        gym.Wrapper.__init__(self, env)
        self.config = CurriculumConfig.load(curriculum)
        self._wrappers = list(_beneath(env))
        if not self._wrappers:
            raise ConfigurationError("CurriculumSchedule needs a ThreeStage or a DistractorInjection beneath it")
        self._progress: float | None = None
        self._episodes = 0
        self._level = 0.0
        self._recent: deque[bool] = deque(maxlen=self.config.window)

    @property
    def progress(self) -> float:
        """Of training, in [0, 1]: as it was set, else episodes over the config's `episodes`."""
        return min(1.0, self._episodes / self.config.episodes) if self._progress is None else self._progress

    def set_progress(self, progress: float | None) -> None:
        """Set the progress of training; None counts episodes again.

        Raises:
            ConfigurationError: not in [0, 1].
        """
        if progress is not None and not (is_number(progress) and 0.0 <= progress <= 1.0):
            raise ConfigurationError(f"progress={progress!r}: expected a number in [0, 1]")
        self._progress = progress

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Apply the settings and start an episode."""
        self._now = self.config.at(self.progress, self._level)
        for wrapper in self._wrappers:
            for name, value in self._now.items():
                if hasattr(wrapper, name):
                    setattr(wrapper, name, value)
        obs, info = self.env.reset(seed=seed, options=options)
        base = self.unwrapped
        assert isinstance(base, MemoryEnv)
        base.note_wrapper(self, {"progress": self.progress, "level": self._level})
        return obs, self._added(info)

    def apply_settings(self, settings: Mapping[str, Any]) -> None:
        """Be where training was when :meth:`MemoryEnv.note_wrapper` wrote this down."""
        self.load_state_dict({"episodes": 0, "recent": [], **settings})

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Carry out one reply; the end of an episode counts towards progress and level."""
        obs, reward, terminated, truncated, info = self.env.step(action)
        if terminated or truncated:
            self.count_episode(bool(info["success"]))
        return obs, float(reward), terminated, truncated, self._added(info)

    def count_episode(self, success: bool) -> None:
        """Let an episode that was played elsewhere, in another env of the same training, count towards progress and level."""
        self._episodes += 1
        self._recent.append(success)
        self._adapt()

    def snapshot(self) -> Any:
        """That of the wrappers beneath; the state of training is not the episode's, see :meth:`state_dict`."""
        return self.env.get_wrapper_attr("snapshot")()

    def restore(self, snapshot: Any) -> tuple[str, dict[str, Any]]:
        """Go back to a snapshot within training as it is now."""
        obs, info = self.env.get_wrapper_attr("restore")(snapshot)
        self._now = self.config.at(self.progress, self._level)
        return obs, self._added(info)

    def state_dict(self) -> dict[str, Any]:
        """The state of training as plain data that JSON can hold."""
        return {
            "progress": self._progress,
            "episodes": self._episodes,
            "level": self._level,
            "recent": list(self._recent),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken.

        Raises:
            ConfigurationError: it is no such state.
        """
        try:
            progress, episodes = state["progress"], int(state["episodes"])
            level, recent = float(state["level"]), [bool(success) for success in state["recent"]]
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigurationError(f"not the state of a curriculum: {error!r}") from None
        self.set_progress(progress)
        self._episodes, self._level = episodes, level
        self._recent = deque(recent, maxlen=self.config.window)

    def _adapt(self) -> None:
        if len(self._recent) < self.config.window:
            return
        share = sum(self._recent) / len(self._recent)
        if share >= self.config.target_success:
            self._level = min(1.0, self._level + self.config.level_step)
        elif share < self.config.target_success / 2:
            self._level = max(0.0, self._level - self.config.level_step)
        self._recent.clear()

    def _added(self, info: dict[str, Any]) -> dict[str, Any]:
        return info | {"curriculum": {**self._now, "progress": self.progress, "level": self._level}}


def _beneath(env: gym.Env[str, str]) -> list[ThreeStage | DistractorInjection]:
    found: list[ThreeStage | DistractorInjection] = []
    while not isinstance(env, MemoryEnv) and isinstance(env, gym.Wrapper):
        if isinstance(env, (ThreeStage, DistractorInjection)):
            found.append(env)
        env = env.env
    return found
