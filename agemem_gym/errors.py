"""The errors of agemem-gym, and the one way to import an optional package.

An agent's text never raises. A user's configuration mistake always does, early, with one of these types, and the message
says what was given, what was expected and what to run next.

- :class:`AgeMemError`: the common base
- :class:`ConfigurationError`: a keyword, an option or a file that cannot be used
- :class:`MissingDependencyError`: an extra, a program or a data set that is not installed
- :class:`EngineError`: an engine that died or hung in the middle of an episode
- :func:`import_extra`: import a package of an extra, or say how to install it
"""

from __future__ import annotations

import importlib
from types import ModuleType


class AgeMemError(Exception):
    """Base of all errors that agemem-gym raises on purpose."""


class ConfigurationError(AgeMemError, ValueError):
    """A keyword, an option or a file given by the user cannot be used as it is."""


class MissingDependencyError(AgeMemError, ImportError):
    """Something that has to be installed first is not there; the message names the command that mends it."""


class EngineError(AgeMemError, RuntimeError):
    """The engine behind a task died or stopped answering; the episode is lost, the next ``reset`` starts afresh."""


def import_extra(module: str, extra: str) -> ModuleType:
    """Import `module`, which the optional dependency group `extra` brings.

    Raises:
        MissingDependencyError: the package is not installed; the message holds the pip command.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or module.split(".")[0] != error.name.split(".")[0]:
            raise  # the package is there, but something that it needs is broken: show that
        raise MissingDependencyError(
            f"{module!r} is not installed; it comes with the extra [{extra}]: pip install 'agemem-gym[{extra}]'"
        ) from error
