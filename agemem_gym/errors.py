"""The errors of agemem-gym, and the one way to import an optional package.

An agent's text never raises. A user's configuration mistake always does, early, with one of these types, and the message
says what was given, what was expected and what to run next.

- :class:`AgeMemError`: the common base
- :class:`ConfigurationError`: a keyword, an option or a file that cannot be used
- :class:`MissingDependencyError`: an extra, a program or a data set that is not installed
- :class:`EngineError`: an engine that died or hung in the middle of an episode
- :func:`import_extra`: import a package of an extra, or say how to install it; :func:`missing_extra` is what it raises
- :func:`install_command`: the command that installs an extra, or the package as it comes
"""

from __future__ import annotations

import importlib
import shlex
from pathlib import Path
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
        raise missing_extra(module, extra) from error


def missing_extra(module: str, extra: str) -> MissingDependencyError:
    """The error for a package that is not there; its message holds the pip command."""
    return MissingDependencyError(
        f"{module!r} is not installed; it comes with the extra [{extra}]: {install_command(extra)}"
    )


def install_command(extra: str = "") -> str:
    """The command that installs `extra`, or the package as it comes; one that works where this package is run from.

    In the folder of a clone it is ``pip install -e '.[pddl]'``.
    """
    wanted = f"[{extra}]" if extra else ""
    clone = _clone()
    if clone is None:
        return f"pip install {shlex.quote(f'agemem-gym{wanted}')}"
    return f"pip install -e {shlex.quote(f'{_near(clone)}{wanted}')}"


def _clone() -> Path | None:
    """The folder of the clone that this package is run from, if it is run from one."""
    folder = Path(__file__).resolve().parents[1]
    try:
        project = (folder / "pyproject.toml").read_text(encoding="utf-8")
    except OSError:
        return None
    return folder if 'name = "agemem-gym"' in project else None


def _near(folder: Path) -> str:
    """The folder as one would type it."""
    return "." if folder == Path.cwd().resolve() else str(folder)
