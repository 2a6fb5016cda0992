"""What a tool call did, as typed data: for records, rewards and diagnosis, which never have to guess what a dict holds.

A tool of a user's own may leave :attr:`~agemem_gym.tools.ToolResult.effect` None; then nothing is counted of what it did.

Example:
    >>> effect = Added(MemoryRecord("m1", "the key is red"))
    >>> effect.data()
    {'id': 'm1', 'content': 'the key is red'}
    >>> effect_from_json(effect_to_json(effect)) == effect
    True
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from agemem_gym.memory.record import Match, MemoryRecord


@dataclass(frozen=True)
class Added:
    """An entry was stored."""

    record: MemoryRecord
    kind: Literal["added"] = field(default="added", init=False)

    def data(self) -> dict[str, Any]:
        """Id and content."""
        return {"id": self.record.id, "content": self.record.content}


@dataclass(frozen=True)
class Updated:
    """An entry was replaced."""

    before: MemoryRecord
    after: MemoryRecord
    kind: Literal["updated"] = field(default="updated", init=False)

    def data(self) -> dict[str, Any]:
        """Id, content, and what it was."""
        return {"id": self.after.id, "content": self.after.content, "old_content": self.before.content}


@dataclass(frozen=True)
class Deleted:
    """An entry was removed."""

    record: MemoryRecord
    kind: Literal["deleted"] = field(default="deleted", init=False)

    def data(self) -> dict[str, Any]:
        """Id and content."""
        return {"id": self.record.id, "content": self.record.content}


@dataclass(frozen=True)
class Retrieved:
    """Entries came into the context, best first."""

    matches: tuple[Match, ...]
    kind: Literal["retrieved"] = field(default="retrieved", init=False)

    def data(self) -> dict[str, Any]:
        """Ids, contents and scores."""
        return {
            "ids": [match.record.id for match in self.matches],
            "contents": [match.record.content for match in self.matches],
            "scores": [round(match.score, 6) for match in self.matches],
        }


@dataclass(frozen=True)
class Removed:
    """Messages left the context.

    Attributes:
        message_ids: which.
        saved_tokens: how much shorter the context became.
        summary_id: the message that stands for them, if one does.
    """

    message_ids: tuple[int, ...]
    saved_tokens: int
    summary_id: int | None = None
    kind: Literal["removed"] = field(default="removed", init=False)

    def data(self) -> dict[str, Any]:
        """Ids and tokens."""
        return {"removed": list(self.message_ids), "saved_tokens": self.saved_tokens}


Effect = Added | Updated | Deleted | Retrieved | Removed


def effect_to_json(effect: Effect | None) -> dict[str, Any] | None:
    """As JSON can hold it; ``"kind"`` says which one it is."""
    return None if effect is None else asdict(effect)


def effect_from_json(data: Mapping[str, Any] | None) -> Effect | None:
    """The inverse of :func:`effect_to_json`.

    Raises:
        ValueError: `data` is no effect.
    """
    if data is None:
        return None
    kind = data.get("kind")
    if kind == "added":
        return Added(MemoryRecord(**data["record"]))
    if kind == "updated":
        return Updated(MemoryRecord(**data["before"]), MemoryRecord(**data["after"]))
    if kind == "deleted":
        return Deleted(MemoryRecord(**data["record"]))
    if kind == "retrieved":
        return Retrieved(tuple(Match(MemoryRecord(**match["record"]), match["score"]) for match in data["matches"]))
    if kind == "removed":
        return Removed(tuple(data["message_ids"]), data["saved_tokens"], data["summary_id"])
    raise ValueError(f"no effect of a tool call: {data!r:.100}")
