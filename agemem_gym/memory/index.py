"""Where entries lie besides in the store: nowhere (:class:`ExactIndex`), or in Chroma (:mod:`.chroma`).

The store finds entries by an exact scan of its own; what stands here keeps them. Measured with chromadb 1.5.9 (docs/results.md,
"What answers a search"): the graph of Chroma answers later than the scan, gives the best five of 5,000 unrelated vectors for
12 of 60 queries (54 of 60 with four times the effort), and no setting makes it exact. So it is not asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from agemem_gym.memory.record import MemoryRecord

StoredEntry = tuple[int, MemoryRecord, np.ndarray]
"""Slot, record and vector of an entry that an index kept."""


@runtime_checkable
class VectorIndex(Protocol):
    """Keeps entries by slot, a small int.

    A call may fail half-way: the store remembers which slots it was about, goes on with its own records, and writes those slots
    again before the next change.
    """

    persistent: bool
    """Whether entries outlive the process: they are then written with each change, elsewhere before the next search."""

    def upsert(self, slots: Sequence[int], vectors: np.ndarray, records: Sequence[MemoryRecord]) -> None:
        """Put records and their vectors, shape (n, d), into slots; what was there is replaced."""

    def delete(self, slots: Sequence[int]) -> None:
        """Empty slots; some may be empty."""

    def load(self) -> list[StoredEntry]:
        """What an earlier process left; empty unless :attr:`persistent`."""

    def close(self) -> None:
        """Free what is held. Safe to call twice; a later call of another verb opens it again."""


class ExactIndex:
    """Keeps nothing: the store's own table is all there is."""

    persistent = False

    def upsert(self, slots: Sequence[int], vectors: np.ndarray, records: Sequence[MemoryRecord]) -> None:
        """Nothing to do."""

    def delete(self, slots: Sequence[int]) -> None:
        """Nothing to do."""

    def load(self) -> list[StoredEntry]:
        """Nothing: the table lives in this process."""
        return []

    def close(self) -> None:
        """Nothing to do."""
