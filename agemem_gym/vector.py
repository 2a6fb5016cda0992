"""Vector envs that carry text.

Gymnasium's ``AsyncVectorEnv`` hands observations over in shared memory by default; :class:`~agemem_gym.spaces.TextSpace`
makes that right, and :func:`make_vec` sends them through pipes, which is as fast and has no limit. Each sub-env has its own
long-term memory.
"""

from __future__ import annotations

import multiprocessing
from functools import partial
from typing import Any, Literal

import gymnasium as gym
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv

from agemem_gym.errors import ConfigurationError


def make_vec(
    env_id: str,
    num_envs: int,
    mode: Literal["sync", "async"] = "sync",
    *,
    start_method: Literal["fork", "spawn", "forkserver"] | None = None,
    autoreset_mode: AutoresetMode = AutoresetMode.NEXT_STEP,
    **kwargs: Any,
) -> VectorEnv:
    """`num_envs` copies of one env.

    Args:
        env_id: e.g. ``"AgeMem-BabyAI-v0"``.
        num_envs: how many, at least 1.
        mode: ``"sync"`` in this process, ``"async"`` one process each.
        start_method: how async workers are started; the platform's default for ``None``.
        autoreset_mode: Gymnasium's; ``AutoresetMode.DISABLED`` leaves resets to the caller.
        kwargs: keywords of ``gym.make``.

    Observations and actions are tuples of `num_envs` strings.
    """
    if isinstance(num_envs, bool) or not isinstance(num_envs, int) or num_envs < 1:
        raise ConfigurationError(f"num_envs={num_envs!r}: expected a whole number of at least 1")
    makers = [partial(_make, env_id, kwargs)] * num_envs
    if mode == "sync":
        return SyncVectorEnv(makers, autoreset_mode=autoreset_mode)
    if mode == "async":
        if start_method is not None and start_method not in multiprocessing.get_all_start_methods():
            raise ConfigurationError(
                f"start_method={start_method!r}: expected one of {multiprocessing.get_all_start_methods()}"
            )
        return AsyncVectorEnv(makers, shared_memory=False, context=start_method, autoreset_mode=autoreset_mode)
    raise ConfigurationError(f"mode={mode!r}: expected 'sync' or 'async'")


def _make(env_id: str, kwargs: dict[str, Any]) -> gym.Env:
    import agemem_gym  # noqa: F401  # a spawned worker has to register the ids itself

    return gym.make(env_id, **kwargs)
