"""Checks of what a user gives: one wording for each kind of mistake, in every engine, tool and command.

Each takes the keyword's name and the value, gives the value back as it is to be used, and otherwise raises a
:class:`~agemem_gym.errors.ConfigurationError` of one sentence: what was given, what was expected, what was probably meant::

    split='tran': expected one of 'train', 'validation', 'test'; did you mean 'train'?

- :func:`one_of`, :func:`some_of`: names out of a list
- :func:`flag`, :func:`at_least`, :func:`within`, :func:`positive`: switches and numbers
- :func:`file_at`, :func:`folder_at`: paths that have to be there; :func:`yaml_mapping`: the settings in a file
- :func:`only_options`, :func:`chosen_index`: what ``reset(options=…)`` of a task takes
- :func:`did_you_mean`, :func:`nearest_path`: the end of the sentence, for whoever words the rest himself
"""

from __future__ import annotations

import difflib
import operator
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from agemem_gym.errors import ConfigurationError

T = TypeVar("T")

TASK_INDEX = "task_index"
"""The reset option that picks the i-th task of the split in the official order."""

_FORMER_NAMES = {"index": TASK_INDEX}
_MOST_LISTED = 40
_NEAR = 0.6
_NEAR_PATHS = 0.75


def did_you_mean(name: object, known: Iterable[object]) -> str:
    """``"; did you mean 'train'?"`` where one of `known` is near to `name`, whatever the case; else nothing."""
    by_lower: dict[str, str] = {}
    for item in known:
        if isinstance(item, str):
            by_lower.setdefault(item.lower(), item)
    if not isinstance(name, str) or not by_lower:
        return ""
    near = difflib.get_close_matches(name.strip().lower(), by_lower, n=1, cutoff=_NEAR)
    if not near:  # a part of a long name is no close match, but tells which one is meant if it is in one only
        part = name.strip().lower()
        near = [item for item in by_lower if len(part) > 2 and part in item]
    return f"; did you mean {by_lower[near[0]]!r}?" if len(near) == 1 else ""


def one_of(keyword: str, given: T, known: Sequence[T]) -> T:
    """`given`, which has to be one of `known`."""
    if not any(given == item and type(given) is type(item) for item in known):
        raise ConfigurationError(f"{keyword}={given!r}: expected {_one_of(known)}{did_you_mean(given, known)}")
    return given


def some_of(keyword: str, given: str | Iterable[str] | None, known: Sequence[str]) -> tuple[str, ...]:
    """One or several of `known`, in the order given (twice counts twice); ``None`` stands for all of them."""
    if given is None:
        return tuple(known)
    if not isinstance(given, str | Iterable):
        raise ConfigurationError(f"{keyword}={given!r}: expected {_one_of(known)}, or a list of these")
    chosen = (given,) if isinstance(given, str) else tuple(given)
    if not chosen:
        raise ConfigurationError(f"{keyword}={given!r} is empty: expected {_one_of(known)}, or a list of these")
    return tuple(one_of(keyword, item, known) for item in chosen)


def flag(keyword: str, given: Any) -> bool:
    """True or False, nothing that merely counts as one of them."""
    if not isinstance(given, bool):
        raise ConfigurationError(f"{keyword}={given!r}: expected True or False")
    return given


def at_least(keyword: str, given: Any, least: int = 1) -> int:
    """A whole number (NumPy's too) of `least` or more."""
    number = _whole(given)
    if number is None or number < least:
        raise ConfigurationError(f"{keyword}={given!r}: expected a whole number of at least {least}")
    return number


def within(keyword: str, given: Any, low: float, high: float, what: str = "a number") -> float:
    """A number between two others, both included."""
    if isinstance(given, bool) or not hasattr(given, "__float__") or not low <= float(given) <= high:
        raise ConfigurationError(f"{keyword}={given!r}: expected {what} in [{low:g}, {high:g}]")
    return float(given)


def positive(keyword: str, given: Any) -> float:
    """A finite number above 0."""
    if isinstance(given, bool) or not hasattr(given, "__float__") or not 0 < float(given) < float("inf"):
        raise ConfigurationError(f"{keyword}={given!r}: expected a number above 0")
    return float(given)


def file_at(keyword: str, given: str | Path, expected: str = "a file") -> Path:
    """The path of a file that is there; the error names the file beside it whose name is nearest."""
    path = _path(keyword, given, expected)
    if not path.is_file():
        raise ConfigurationError(
            f"{keyword}={str(given)!r}: {_absent(path, 'file')}; expected {expected}{nearest_path(path)}"
        )
    return path


def yaml_mapping(path: Path) -> dict[str, Any]:
    """The settings of a YAML file that is there."""
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: not YAML: {error}") from None
    if not isinstance(data, dict):
        raise ConfigurationError(f"{path}: expected a mapping of settings, not {type(data).__name__}")
    return data


def folder_at(keyword: str, given: str | Path, expected: str = "a folder") -> Path:
    """The path of a folder that is there."""
    path = _path(keyword, given, expected)
    if not path.is_dir():
        raise ConfigurationError(
            f"{keyword}={str(given)!r}: {_absent(path, 'folder')}; expected {expected}{nearest_path(path)}"
        )
    return path


def nearest_path(path: Path) -> str:
    """As :func:`did_you_mean`, for a path that is not there: the neighbour that was probably meant."""
    try:
        names = [item.name for item in path.parent.iterdir()]
    except OSError:
        return f" (there is no folder {str(path.parent)!r})" if not path.parent.is_dir() else ""
    near = difflib.get_close_matches(path.name, sorted(names), n=1, cutoff=_NEAR_PATHS)
    return f"; did you mean {str(path.with_name(near[0]))!r}?" if near and near[0] != path.name else ""


def only_options(options: Mapping[str, Any], known: Sequence[str] = (TASK_INDEX,), *, task: str) -> dict[str, Any]:
    """The reset options of a task, under their present names.

    Args:
        options: as given to ``reset``.
        known: the names that this task takes.
        task: the task's name, for the message.

    Raises:
        ConfigurationError: an option of another name, or one given under both its former and its present name.
    """
    chosen: dict[str, Any] = {}
    for name, value in options.items():
        present = _present_name(name) if name not in known else name
        if present not in known:
            raise ConfigurationError(
                f"options[{name!r}]: {task} takes the reset options {', '.join(known)}{did_you_mean(name, known)}"
            )
        if present in chosen:
            raise ConfigurationError(f"options: {name!r} is the former name of {present!r}; give one of them")
        chosen[present] = value
    return chosen


def chosen_index(options: Mapping[str, Any], size: int | None) -> int | None:
    """``options["task_index"]`` as an int, or None where it is not given; `size` is that of the split (None: unlimited).

    Raises:
        ConfigurationError: not a whole number, or outside the split.
    """
    given = options.get(TASK_INDEX)
    if given is None:
        return None
    number = _whole(given)
    if number is None or number < 0 or (size is not None and number >= size):
        expected = "a whole number of 0 or more" if size is None else f"0 to {size - 1}"
        raise ConfigurationError(f"options[{TASK_INDEX!r}]={given!r}: expected {expected}")
    return number


def _present_name(name: str) -> str:
    present = _FORMER_NAMES.get(name, name)
    if present != name:
        warnings.warn(
            f"options[{name!r}] is now called options[{present!r}] (`index` is the vector index)",
            DeprecationWarning,
            stacklevel=4,
        )
    return present


def _one_of(known: Sequence[object]) -> str:
    listed = ", ".join(repr(item) for item in known[:_MOST_LISTED])
    more = f" and {len(known) - _MOST_LISTED} more" if len(known) > _MOST_LISTED else ""
    return f"one of {listed}{more}" if len(known) > 1 else listed


def _whole(given: Any) -> int | None:
    if isinstance(given, bool):
        return None
    try:
        return operator.index(given)
    except TypeError:
        return None


def _path(keyword: str, given: object, expected: str) -> Path:
    if not isinstance(given, str | Path) or not str(given) or "\0" in str(given):
        raise ConfigurationError(f"{keyword}={given!r}: expected {expected}")
    return Path(given).expanduser()


def _absent(path: Path, kind: str) -> str:
    return f"it is no {kind}" if path.exists() else f"there is no such {kind}"
