"""What long-term memory holds and gives back, and what can go wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agemem_gym.errors import AgeMemError, EngineError


class UnknownMemoryError(AgeMemError, KeyError):
    """There is no entry of that id."""

    def __str__(self) -> str:
        return str(self.args[0])


class MemoryBackendError(EngineError):
    """What stands behind a memory (an index, a folder, a server) failed; the call that met it has changed nothing."""


@dataclass(frozen=True)
class MemoryRecord:
    """One entry of long-term memory.

    Attributes:
        id: ``m1``, ``m2``, …; never used twice within an episode. A memory other than ours may name its entries otherwise.
        content: the text.
        metadata: what the agent and the env say of it; any JSON.
        created: logical time of its ADD, see :attr:`agemem_gym.memory.Memory.now`.
        updated: logical time of its last UPDATE, or None.
    """

    id: str
    content: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    created: int = 0
    updated: int | None = None

    @property
    def number(self) -> int:
        """The running number in an id of ours."""
        return int(self.id[1:])


@dataclass(frozen=True)
class Match:
    """An entry that a search found, and its cosine similarity with the query, rounded to six digits."""

    record: MemoryRecord
    score: float


@dataclass(frozen=True)
class StoreSnapshot:
    """Everything that a store holds: its records, the next id, and the clock. Vectors that it has lost are encoded again."""

    records: tuple[MemoryRecord, ...]
    next_number: int
    now: int
