"""What the calls of an episode did, as rewards, metrics and diagnosis read it.

A result says it by its typed effect (:mod:`agemem_gym.tools`); one without an effect, of a tool of the user's own or of an
older record, by its name and whatever its data hold. Whatever these are, nothing here raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from agemem_gym.memory import MemoryRecord
from agemem_gym.tools.effects import Added, Deleted, Removed, Retrieved, Updated
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

_EFFECTS: Mapping[type, Kind] = {
    Added: "added",
    Updated: "updated",
    Deleted: "deleted",
    Retrieved: "retrieved",
    Removed: "reduced",
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
    return KINDS.get(result.name) if result.effect is None else _EFFECTS.get(type(result.effect))


def entry_of(result: ToolResult) -> Entry:
    """What an ADD, UPDATE or DELETE was about; of an UPDATE what the entry says now."""
    if isinstance(result.effect, Added | Deleted):
        return _entry(result.effect.record)
    if isinstance(result.effect, Updated):
        return _entry(result.effect.after)
    data, arguments = _mapping(result.data), _mapping(result.arguments)
    content = data.get("content", arguments.get("content", ""))
    return Entry(_text(data.get("id", "")), _text(content))


def retrieved(result: ToolResult) -> tuple[Entry, ...]:
    """The entries that a RETRIEVE brought."""
    if isinstance(result.effect, Retrieved):
        return tuple(_entry(match.record) for match in result.effect.matches)
    data = _mapping(result.data)
    contents = [_text(content) for content in _sequence(data.get("contents"))]
    ids = [_text(memory_id) for memory_id in _sequence(data.get("ids"))]
    ids += [""] * (len(contents) - len(ids))
    return tuple(map(Entry, ids, contents))


def took_out(result: ToolResult) -> bool:
    """Whether a SUMMARY or FILTER made the context shorter, as far as its result tells."""
    if isinstance(result.effect, Removed):
        return bool(result.effect.message_ids) and result.effect.saved_tokens > 0
    data = _mapping(result.data)
    saved = data.get("saved_tokens")
    return bool(data.get("removed")) and (not isinstance(saved, int) or saved > 0)


def texts_of(result: ToolResult) -> tuple[str, ...]:
    """The texts that a RETRIEVE brought."""
    return tuple(entry.content for entry in retrieved(result))


def _entry(record: MemoryRecord) -> Entry:
    return Entry(record.id, record.content)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else ()


def _text(value: Any) -> str:
    """An id or a content; nothing where a user's tool left something else there."""
    return str(value) if isinstance(value, (str, int, float)) else ""
