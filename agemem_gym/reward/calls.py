"""What the calls of an episode did, as rewards, metrics and diagnosis read it.

A result says it by its typed effect (:mod:`agemem_gym.tools`); one without an effect, of a tool of the user's own or of an
older record, by its name and whatever its data hold. Whatever these are, nothing here raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from agemem_gym.tools.tool import ToolResult

Kind = Literal["added", "updated", "deleted", "retrieved", "reduced"]

KINDS: Mapping[str, Kind] = {
    "Add_memory": "added",
    "Update_memory": "updated",
    "Delete_memory": "deleted",
    "Retrieve_memory": "retrieved",
    "Summary_context": "reduced",
    "Filter_context": "reduced",
}
"""What the paper's tools do."""

_EFFECTS: Mapping[str, Kind] = {
    "added": "added",
    "updated": "updated",
    "deleted": "deleted",
    "retrieved": "retrieved",
    "removed": "reduced",
}


@dataclass(frozen=True)
class Entry:
    """An entry of the long-term memory; either may be empty where a tool does not tell."""

    id: str
    content: str


def kind_of(result: ToolResult) -> Kind | None:
    """What a call did; None where it was refused, or did something else."""
    if not result.ok:
        return None
    effect = getattr(result, "effect", None)
    return KINDS.get(result.name) if effect is None else _EFFECTS.get(str(getattr(effect, "kind", "")))


def entry_of(result: ToolResult) -> Entry:
    """What an ADD, UPDATE or DELETE was about."""
    data, arguments = _mapping(result.data), _mapping(result.arguments)
    content = data.get("content", arguments.get("content", ""))
    return Entry(_text(data.get("id", "")), _text(content))


def retrieved(result: ToolResult) -> tuple[Entry, ...]:
    """The entries that a RETRIEVE brought."""
    data = _mapping(result.data)
    contents = [_text(content) for content in _sequence(data.get("contents"))]
    ids = [_text(memory_id) for memory_id in _sequence(data.get("ids"))]
    ids += [""] * (len(contents) - len(ids))
    return tuple(map(Entry, ids, contents))


def texts_of(result: ToolResult) -> tuple[str, ...]:
    """The texts that a RETRIEVE brought."""
    return tuple(entry.content for entry in retrieved(result))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else ()


def _text(value: Any) -> str:
    """An id or a content; nothing where a user's tool left something else there."""
    return str(value) if isinstance(value, (str, int, float)) else ""
