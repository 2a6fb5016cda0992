"""Calls as the tools' schemas have them: names in any case, and values of another type that mean the same."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

_WHOLE = re.compile(r"[+-]?\d{1,18}")
_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,18})?")


def key_of(name: str) -> str:
    """What names that differ in case and in the marks between words have in common."""
    return re.sub(r"[\W_]+", "", name).casefold()


def nearest(name: str, known: Iterable[str]) -> str:
    """The one of `known` that `name` is, whatever its case; `name` itself where there is none, or more than one."""
    known = list(known)
    if name in known:
        return name
    alike = [one for one in known if key_of(one) == key_of(name)]
    return alike[0] if len(alike) == 1 else name


def fit_arguments(arguments: Mapping[str, Any], properties: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """The arguments under the names and with the types of a schema's `properties`, and the dialects that took.

    Args:
        arguments: as the agent gave them.
        properties: of the tool's JSON schema.
    """
    fitted: dict[str, Any] = {}
    needed: set[str] = set()
    for given, value in arguments.items():
        name = nearest(given, properties)
        if name != given and name in arguments:
            name = given  # both are given: the tool says what is wrong
        new = _fitted(value, properties.get(name, {}))
        needed |= {"names"} if name != given else set()
        needed |= {"values"} if new is not value else set()
        if new is not _LEFT_OUT:
            fitted[name] = new
    return fitted, needed


_LEFT_OUT = object()


def _fitted(value: Any, schema: Mapping[str, Any]) -> Any:
    """The value as the schema's type, or the very same where it is that already or means nothing of that type."""
    if value is None and schema.get("default") is not None:
        return _LEFT_OUT
    read = _READERS.get(str(schema.get("type", "")))
    return value if read is None else read(value)


def _integer(value: Any) -> Any:
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value.strip()) else value


def _boolean(value: Any) -> Any:
    return {"true": True, "false": False}.get(value.strip().lower(), value) if isinstance(value, str) else value


def _object(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return found if isinstance(found, dict) else value


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "object": _object,
}
