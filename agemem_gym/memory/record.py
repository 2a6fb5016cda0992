"""What long-term memory holds and gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from agemem_gym.errors import AgeMemError


class UnknownMemoryError(AgeMemError, KeyError):
    """There is no entry of that id."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class MemoryRecord:
    """One entry of long-term memory.

    Attributes:
        id: ``m1``, ``m2``, …; never used twice within an episode.
        content: the text.
        metadata: what the agent and the env say of it; any JSON.
        created: logical time of its ADD: the number of the reply.
        updated: logical time of its last UPDATE, or None.
    """

    id: str
    content: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    created: int = 0
    updated: int | None = None

    @property
    def number(self) -> int:
        """The running number in the id."""
        return int(self.id[1:])


@dataclass(frozen=True)
class Match:
    """An entry that a search found, and its cosine similarity with the query, rounded to six digits."""

    record: MemoryRecord
    score: float


@dataclass(frozen=True)
class StoreSnapshot:
    """Everything that a store holds: its records, the next id, and the clock. Vectors are encoded again from the cache."""

    records: tuple[MemoryRecord, ...]
    next_number: int
    now: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> StoreSnapshot:
        """The inverse of :meth:`to_dict`."""
        return cls(tuple(MemoryRecord(**record) for record in data["records"]), data["next_number"], data["now"])
