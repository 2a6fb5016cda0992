"""Long-term memory (LTM) `M_t`: the authoritative records, with an index beside them that finds candidates.

::

    add/update/delete ─► records (dict) ─┐
                     ─► vectors (rows)  ─┼─► index.upsert / index.delete       (slots, not ids)
    search ─► index.query ─► candidate slots ─► exact cosine ─► sort by (-score, id) ─► [Match]

The index only proposes; beside an approximate one stands an exact scan. Scores, order, filters and ids are decided here, in
Python, so every index gives the same results, and snapshot and restore never have to ask it. A slot is a row of the vector
table; slots are used again, ids are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from agemem_gym.errors import ConfigurationError
from agemem_gym.memory.encoder import Encoder
from agemem_gym.memory.filters import matches, validate
from agemem_gym.memory.index import VectorIndex, cosines
from agemem_gym.memory.record import Match, MemoryRecord, StoreSnapshot, UnknownMemoryError

_SCORE_DIGITS = 6
_SLACK = 8  # candidates asked of an index beyond top_k
_TIE = 1e-5  # scores this close may have changed places in an index's own arithmetic


class MemoryStore:
    """The entries of one env.

    Args:
        encoder: makes the vectors.
        index: finds candidates.

    Attributes:
        now: logical time that new and changed records get; the env sets it to the number of the reply.

    Example:
        >>> from agemem_gym.memory import make_encoder, make_index
        >>> store = MemoryStore(make_encoder("hash"), make_index("exact"))
        >>> store.add("the red key lies in the kitchen").id
        'm1'
        >>> store.search("where is the red key?", top_k=1)[0].record.content
        'the red key lies in the kitchen'
    """

    def __init__(self, encoder: Encoder, index: VectorIndex) -> None:
        self.encoder = encoder
        self.index = index
        self.now = 0
        self._records: dict[str, MemoryRecord] = {}
        self._slots: dict[str, int] = {}
        self._ids: list[str | None] = []  # by slot
        self._free: list[int] = []  # slots without a record, the lowest last
        self._vectors = np.zeros((0, 0), dtype=np.float32)  # by slot
        self._next_number = 1
        self._loaded = not index.persistent

    def __len__(self) -> int:
        self._load()
        return len(self._records)

    def __iter__(self) -> Iterator[MemoryRecord]:
        """Records in the order of their ids."""
        self._load()
        return iter(sorted(self._records.values(), key=lambda record: record.number))

    def __contains__(self, memory_id: object) -> bool:
        self._load()
        return memory_id in self._records

    def get(self, memory_id: str) -> MemoryRecord:
        """The record of this id.

        Raises:
            UnknownMemoryError: there is none.
        """
        self._load()
        record = self._records.get(memory_id)
        if record is None:
            raise UnknownMemoryError(f"there is no entry {memory_id!r} in long-term memory")
        return record

    def add(self, content: str, metadata: Mapping[str, Any] | None = None) -> MemoryRecord:
        """Store a new entry under the next id."""
        return self.add_many([(content, metadata)])[0]

    def add_many(self, entries: Sequence[tuple[str, Mapping[str, Any] | None]]) -> list[MemoryRecord]:
        """Store several new entries; they are encoded in one batch."""
        self._load()
        vectors = self.encoder.encode([content for content, _ in entries])  # first: if this fails, nothing has changed
        records = [
            MemoryRecord(f"m{self._next_number + offset}", content, dict(metadata or {}), self.now)
            for offset, (content, metadata) in enumerate(entries)
        ]
        self._next_number += len(records)
        self._place(records, vectors)
        return records

    def update(self, memory_id: str, content: str, metadata: Mapping[str, Any] | None = None) -> MemoryRecord:
        """Replace content and vector of an entry, and its metadata unless they are None.

        Raises:
            UnknownMemoryError: there is no such entry.
        """
        old = self.get(memory_id)
        vectors = self.encoder.encode([content])
        kept = old.metadata if metadata is None else dict(metadata)
        record = replace(old, content=content, metadata=kept, updated=self.now)
        slot = self._slots[memory_id]
        self._records[memory_id] = record
        self._vectors[slot] = vectors[0]
        self.index.upsert([slot], vectors, [record])
        return record

    def delete(self, memory_id: str) -> MemoryRecord:
        """Remove an entry and return it; its id is not used again.

        Raises:
            UnknownMemoryError: there is no such entry.
        """
        record = self.get(memory_id)
        slot = self._slots.pop(memory_id)
        del self._records[memory_id]
        self._ids[slot] = None
        self._free.append(slot)
        self._free.sort(reverse=True)
        self.index.delete([slot])
        return record

    def search(self, query: str, top_k: int = 3, where: Mapping[str, Any] | None = None) -> list[Match]:
        """The `top_k` entries of the highest cosine similarity with `query`, ties in the order of their ids (eq. 8-9).

        Args:
            query: what to look for.
            top_k: how many at most, at least 1.
            where: only entries whose metadata match, see :mod:`agemem_gym.memory.filters`.

        Raises:
            FilterError: `where` is no filter.
        """
        if where is not None:
            validate(where)
        if top_k < 1:
            raise ConfigurationError(f"top_k={top_k}: expected at least 1")
        self._load()
        if not self._records:
            return []
        vector = self.encoder.encode([query])[0]
        if where is not None:  # the records decide, and those that match are compared one by one
            slots = [self._slots[record.id] for record in self._records.values() if matches(record.metadata, where)]
            return self._ranked(vector, slots)[:top_k]
        return self._nearest(vector, top_k)

    def clear(self) -> None:
        """Forget everything; ids begin at m1 again."""
        self._loaded = True
        self._records.clear()
        self._slots.clear()
        self._ids.clear()
        self._free.clear()
        self._next_number = 1
        self.index.clear()

    def snapshot(self) -> StoreSnapshot:
        """The present content."""
        return StoreSnapshot(tuple(self), self._next_number, self.now)

    def restore(self, snapshot: StoreSnapshot) -> None:
        """Go back to a snapshot, of this store or of another one."""
        self.clear()
        if snapshot.records:
            self._place(list(snapshot.records), self.encoder.encode([record.content for record in snapshot.records]))
        self._next_number = snapshot.next_number
        self.now = snapshot.now

    def close(self) -> None:
        """Write what is pending and let the index go. Safe to call twice."""
        self.index.close()

    def _place(self, records: Sequence[MemoryRecord], vectors: np.ndarray) -> None:
        """Give records slots, the lowest free ones first, and hand them to the index."""
        slots = []
        for record in records:
            slot = self._free.pop() if self._free else len(self._ids)
            if slot == len(self._ids):
                self._ids.append(None)
            self._ids[slot] = record.id
            self._slots[record.id] = slot
            self._records[record.id] = record
            slots.append(slot)
        self._make_room(vectors.shape[1])
        self._vectors[slots] = vectors
        self.index.upsert(slots, vectors, records)

    def _make_room(self, dimension: int) -> None:
        rows, columns = self._vectors.shape
        if len(self._ids) > rows or columns != dimension:
            table = np.zeros((max(64, 2 * len(self._ids)), dimension), dtype=np.float32)
            if columns == dimension:
                table[:rows] = self._vectors
            self._vectors = table

    def _nearest(self, vector: np.ndarray, top_k: int) -> list[Match]:
        """The best of the index's candidates; more are asked for while the last that counts ties with the last that came."""
        wanted = top_k + _SLACK
        while wanted < len(self._records):
            slots = self.index.query(vector, wanted)
            if self.index.approximate:
                slots = sorted({*slots, *self._scan(vector, wanted)})
            ranked = self._ranked(vector, slots)
            if len(ranked) >= wanted and ranked[top_k - 1].score - ranked[-1].score > _TIE:
                return ranked[:top_k]
            wanted *= 4
        return self._ranked(vector, list(self._slots.values()))[:top_k]

    def _scan(self, vector: np.ndarray, wanted: int) -> list[int]:
        """The slots of the most similar vectors, by an exact scan."""
        scores = cosines(self._vectors[: len(self._ids)], vector)
        scores[self._free] = -np.inf
        return [int(slot) for slot in np.argpartition(scores, -wanted)[-wanted:] if self._ids[slot] is not None]

    def _ranked(self, vector: np.ndarray, slots: Sequence[int]) -> list[Match]:
        """The records in `slots` with their exact scores, best first, ties in the order of their ids."""
        # einsum sums each row by itself in float64: a score does not depend on which other candidates there are
        rows = self._vectors[list(slots)].astype(np.float64)  # (c, d)
        scores = np.einsum("cd,d->c", rows, vector.astype(np.float64))
        found = [
            Match(self._records[memory_id], round(float(score), _SCORE_DIGITS) + 0.0)
            for slot, score in zip(slots, scores, strict=True)
            if (memory_id := self._ids[slot]) is not None
        ]
        return sorted(found, key=lambda match: (-match.score, match.record.number))

    def _load(self) -> None:
        """At the first use of a persistent index: take over what an earlier process left in it."""
        if self._loaded:
            return
        self._loaded = True
        stored = self.index.load()
        if stored:
            records = [record for _, record, _ in stored]
            self._ids = [None] * (max(slot for slot, _, _ in stored) + 1)
            for slot, record, _ in stored:
                self._ids[slot] = record.id
                self._slots[record.id] = slot
                self._records[record.id] = record
            self._free = [slot for slot in reversed(range(len(self._ids))) if self._ids[slot] is None]
            self._make_room(len(stored[0][2]))
            for slot, _, vector in stored:
                self._vectors[slot] = vector
            self._next_number = max(record.number for record in records) + 1
