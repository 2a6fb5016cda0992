"""The env of a record, made again: the same keywords, the same wrappers, the same settings of its curriculum.

What cannot be made again from text (a callable given as a keyword, a wrapper whose arguments nobody noted) is said in one
sentence.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym

from agemem_gym.episode import Episode
from agemem_gym.errors import AgeMemError, ConfigurationError
from agemem_gym.plain import opaque
from agemem_gym.registration import MAKERS, load_class
from agemem_gym.wrappers import wrapper_name, wrappers_of


def remake_env(record: Episode) -> gym.Env[str, str]:
    """An env as it was when the record's episode began, not reset yet.

    Raises:
        ConfigurationError: it cannot be made again; the message says why.
    """
    if hidden := list(opaque(record.env_kwargs)):
        raise ConfigurationError(
            f"the record was made with {', '.join(hidden)}=<an object>; it cannot be made again from text"
        )
    try:
        env = _bare(record)
    except AgeMemError:
        raise
    except Exception as error:  # whatever a task or a file that has changed since may raise
        raise ConfigurationError(f"its env cannot be made again: {type(error).__name__}: {error}") from error
    try:
        return _wrapped(env, record)
    except BaseException:
        env.close()
        raise


def _bare(record: Episode) -> gym.Env[str, str]:
    kwargs = dict(record.env_kwargs)
    if record.env_id in MAKERS:
        return MAKERS[record.env_id](**kwargs)
    if record.env_id not in gym.registry:
        raise ConfigurationError(
            f"there is no env {record.env_id!r}: it was not made by gym.make, make_env or make_three_stage, or what "
            "registers it has not been imported"
        )
    kwargs.pop("task", None)  # the registration's own
    return gym.make(record.env_id, **kwargs)


def _wrapped(env: gym.Env[str, str], record: Episode) -> gym.Env[str, str]:
    """The env with the wrappers that it does not have yet, and all their settings as they were."""
    present = [wrapper_name(wrapper) for wrapper in wrappers_of(env)]
    noted = [str(item["wrapper"]) for item in record.wrappers]
    if noted[: len(present)] != present:
        raise ConfigurationError(f"its env stood in {noted}; the one made now stands in {present}")
    for item in record.wrappers[len(present) :]:
        env = _wrap(env, str(item["wrapper"]), item["kwargs"])
    for wrapper, item in zip(wrappers_of(env), record.wrappers, strict=True):
        if item.get("settings"):
            wrapper.apply_settings(item["settings"])  # type: ignore[attr-defined]
    return env


def _wrap(env: gym.Env[str, str], name: str, kwargs: dict[str, Any] | None) -> gym.Env[str, str]:
    if kwargs is None or (hidden := list(opaque(kwargs))):
        what = "arguments that are not known" if kwargs is None else ", ".join(hidden) + "=<an object>"
        raise ConfigurationError(f"its wrapper {name} was made with {what}; it cannot be made again from text")
    try:
        return load_class(name)(env, **kwargs)
    except AgeMemError:
        raise
    except Exception as error:
        raise ConfigurationError(f"its wrapper {name} cannot be made again: {type(error).__name__}: {error}") from error
