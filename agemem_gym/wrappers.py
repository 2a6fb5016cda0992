"""What stands round an env: which wrappers, from the inside, and how they are written into the record."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import gymnasium as gym

from agemem_gym.plain import plain

if TYPE_CHECKING:
    from agemem_gym.episode import Episode

Wrapper = gym.Wrapper[Any, Any, Any, Any]


def wrappers_of(env: gym.Env[Any, Any]) -> list[Wrapper]:
    """The wrappers round an env, from the inside."""
    return list(_from_outside(env))[::-1]


def _from_outside(env: gym.Env[Any, Any]) -> Iterator[Wrapper]:
    while isinstance(env, gym.Wrapper):
        yield env
        env = env.env


def wrapper_name(wrapper: Wrapper) -> str:
    """``"module:Class"`` of a wrapper."""
    return f"{type(wrapper).__module__}:{type(wrapper).__qualname__}"


def note_of(wrapper: Wrapper, settings: Mapping[str, Any]) -> dict[str, Any]:
    """How a wrapper stands in a record: its class, its keywords (None where nobody noted them), the settings in force."""
    return {"wrapper": wrapper_name(wrapper), "kwargs": _kwargs_of(wrapper), "settings": plain(settings)}


def _kwargs_of(wrapper: Wrapper) -> dict[str, Any] | None:
    """What Gymnasium's RecordConstructorArgs saved; nothing for a class that takes nothing but the env; else unknown."""
    if hasattr(wrapper, "_saved_kwargs"):
        return plain(wrapper._saved_kwargs)
    return {} if len(inspect.signature(type(wrapper)).parameters) == 1 else None


def note_all(env: gym.Env[Any, Any], episode: Episode) -> None:
    """Complete the record of an episode that has just been reset by the wrappers that did not write themselves down."""
    noted = iter(list(episode.wrappers))
    following = next(noted, None)
    complete = []
    for wrapper in wrappers_of(env):
        if following is not None and following["wrapper"] == wrapper_name(wrapper):
            complete.append(following)
            following = next(noted, None)
        else:
            complete.append(note_of(wrapper, {}))
    episode.wrappers[:] = complete
