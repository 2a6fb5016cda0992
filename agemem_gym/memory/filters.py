"""Metadata filters: ``{"memory_type": "fact"}``, ``{"timestamp": {"$gt": 3}}``, ``{"$or": [{…}, {…}]}``.

The grammar is Chroma's; it is carried out here, over the authoritative records, so that every index gives the same results and
nested metadata work. Several keys or several operators in one object must all hold.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from agemem_gym.errors import AgeMemError

_MISSING = object()
_MAX_DEPTH = 16


class FilterError(AgeMemError, ValueError):
    """A metadata filter that is none; the message says where."""


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def holds(value: Any, operand: Any) -> bool:
        numbers = all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in (value, operand))
        texts = isinstance(value, str) and isinstance(operand, str)
        return (numbers or texts) and compare(value, operand)

    return holds


def _equal(value: Any, operand: Any) -> bool:
    # True == 1 in Python, not in JSON
    return isinstance(value, bool) == isinstance(operand, bool) and value == operand


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": _equal,
    "$ne": lambda value, operand: not _equal(value, operand),
    "$gt": _ordered(operator.gt),
    "$gte": _ordered(operator.ge),
    "$lt": _ordered(operator.lt),
    "$lte": _ordered(operator.le),
    "$in": lambda value, operand: any(_equal(value, item) for item in operand),
    "$nin": lambda value, operand: not any(_equal(value, item) for item in operand),
}
_COMBINATIONS: dict[str, Callable[[Any], bool]] = {"$and": all, "$or": any}


def validate(where: Any, depth: int = 0) -> None:
    """Check a filter.

    Raises:
        FilterError: it is no object, names an unknown operator, or an operand has the wrong type.
    """
    if not isinstance(where, Mapping):
        raise FilterError(f"a metadata filter is an object, not {where!r:.60}")
    if depth > _MAX_DEPTH:
        raise FilterError("the metadata filter is nested too deeply")
    for key, value in where.items():
        if key in _COMBINATIONS:
            if not isinstance(value, list) or not value:
                raise FilterError(f"{key} takes a list of filters, not {value!r:.60}")
            for part in value:
                validate(part, depth + 1)
        elif key.startswith("$"):
            raise FilterError(f"unknown operator {key[:40]!r}; there are {', '.join((*_COMBINATIONS, *_COMPARISONS))}")
        elif isinstance(value, Mapping):
            _validate_comparisons(key, value)


def _validate_comparisons(key: str, comparisons: Mapping[str, Any]) -> None:
    if not comparisons:
        raise FilterError(f"the filter of {key[:40]!r} is empty")
    for name, operand in comparisons.items():
        if name not in _COMPARISONS:
            raise FilterError(f"unknown operator {name[:40]!r}; there are {', '.join(_COMPARISONS)}")
        if name in ("$in", "$nin") and not isinstance(operand, list):
            raise FilterError(f"{name} takes a list, not {operand!r:.60}")


def matches(metadata: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    """Whether `metadata` satisfy a validated filter. A key that is missing satisfies ``$ne`` and ``$nin`` only."""
    return all(_holds(metadata, key, value) for key, value in where.items())


def _holds(metadata: Mapping[str, Any], key: str, value: Any) -> bool:
    if key in _COMBINATIONS:
        return _COMBINATIONS[key](matches(metadata, part) for part in value)
    comparisons = value if isinstance(value, Mapping) else {"$eq": value}
    present = metadata.get(key, _MISSING)
    if present is _MISSING:
        return all(name in ("$ne", "$nin") for name in comparisons)
    return all(_COMPARISONS[name](present, operand) for name, operand in comparisons.items())
