"""Our long-term memory (LTM) `M_t`: records and vectors in Python, a copy of them in an index.

::

    add/update/delete ─► index (at once where it outlives the process) ─► records, vectors
    search ─► exact scan of all vectors ─► exact cosines of those that may count ─► sort by (-score, id) ─► [Match]

Scores, order, filters and ids are decided here, so every index gives the same results, and snapshot and restore never have to
ask one. An index that fails leaves the records as they were. A slot is a row of the vector table and the place of an entry in
the index; slots are used again, ids are not.
"""

from __future__ import annotations

import heapq
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeVar

import numpy as np

from agemem_gym.errors import AgeMemError, ConfigurationError
from agemem_gym.memory.encoder import Encoder, encoded
from agemem_gym.memory.filters import matches, validate
from agemem_gym.memory.index import VectorIndex
from agemem_gym.memory.record import Match, MemoryBackendError, MemoryRecord, StoreSnapshot, UnknownMemoryError
from agemem_gym.memory.similarity import cosines

_SCORE_DIGITS = 6
_FEW = 8  # so few more than are asked for are ranked without a scan
_HALF_ULP = 2.0**-24  # of float32 at 1
_Entry = tuple[MemoryRecord, np.ndarray]
_T = TypeVar("_T")


class MemoryStore:
    """The entries of one env; a :class:`agemem_gym.memory.Memory`.

    Args:
        encoder: makes the vectors.
        index: keeps a copy; a persistent one gives back at the first use what an earlier process left.
        existing: whether :meth:`clear` may delete what an earlier process left: ``"refuse"`` or ``"wipe"``.

    Attributes:
        now: logical time, see :class:`agemem_gym.memory.Memory`.

    Example:
        >>> from agemem_gym.memory import make_encoder, make_index
        >>> store = MemoryStore(make_encoder("hash"), make_index("exact"))
        >>> store.add("the red key lies in the kitchen").id
        'm1'
        >>> store.search("where is the red key?", top_k=1)[0].record.content
        'the red key lies in the kitchen'
    """

    def __init__(self, encoder: Encoder, index: VectorIndex, *, existing: Literal["refuse", "wipe"] = "refuse") -> None:
        if existing not in ("refuse", "wipe"):
            raise ConfigurationError(f"chroma_existing={existing!r}: expected 'refuse' or 'wipe'")
        self.encoder = encoder
        self.index = index
        self._existing = existing
        self._now = 0
        self._slots: dict[str, int] = {}  # of each id
        self._records: list[MemoryRecord | None] = []  # by slot
        self._vectors = np.zeros((0, 0), dtype=np.float32)  # by slot
        self._free: set[int] = set()  # slots without a record
        self._behind: set[int] = set()  # slots that may differ in the index
        self._inherited: set[str] = set()  # ids of what an earlier process left
        self._next_number = 1
        self._loaded = not index.persistent

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles carry records and vectors; what a copy's index keeps in the process is written anew."""
        behind = self._behind if self.index.persistent else set(self._slots.values())
        return self.__dict__ | {"_behind": set(behind)}

    @property
    def now(self) -> int:
        """Logical time that new and changed records get."""
        self._load()
        return self._now

    @now.setter
    def now(self, time: int) -> None:
        self._load()
        self._now = time

    def __len__(self) -> int:
        self._load()
        return len(self._slots)

    def __iter__(self) -> Iterator[MemoryRecord]:
        """Records in the order of their ids."""
        self._load()
        return iter(sorted((r for r in self._records if r is not None), key=lambda record: record.number))

    def __contains__(self, memory_id: object) -> bool:
        self._load()
        return memory_id in self._slots

    def get(self, memory_id: str) -> MemoryRecord:
        """The record of this id.

        Raises:
            UnknownMemoryError: there is none.
        """
        return self._entry(self._slot(memory_id))[0]

    def add(self, content: str, metadata: Mapping[str, Any] | None = None) -> MemoryRecord:
        """Store a new entry under the next id."""
        return self.add_many([(content, metadata)])[0]

    def add_many(self, entries: Sequence[tuple[str, Mapping[str, Any] | None]]) -> list[MemoryRecord]:
        """Store several new entries, all or none; they are encoded in one batch."""
        self._load()
        vectors = self._encode([content for content, _ in entries])
        records = [
            MemoryRecord(f"m{self._next_number + offset}", content, dict(metadata or {}), self._now)
            for offset, (content, metadata) in enumerate(entries)
        ]
        slots = self._empty_slots(len(records))
        self._change(dict(zip(slots, zip(records, vectors, strict=True), strict=True)))
        self._next_number += len(records)
        return records

    def update(self, memory_id: str, content: str, metadata: Mapping[str, Any] | None = None) -> MemoryRecord:
        """Replace content and vector of an entry, and its metadata unless they are None.

        Raises:
            UnknownMemoryError: there is no such entry.
        """
        slot = self._slot(memory_id)
        old = self._entry(slot)[0]
        kept = old.metadata if metadata is None else dict(metadata)
        record = replace(old, content=content, metadata=kept, updated=self._now)
        self._change({slot: (record, self._encode([content])[0])})
        return record

    def delete(self, memory_id: str) -> MemoryRecord:
        """Remove an entry and return it; its id is not used again.

        Raises:
            UnknownMemoryError: there is no such entry.
        """
        slot = self._slot(memory_id)
        record = self._entry(slot)[0]
        self._change({slot: None})
        self._inherited.discard(memory_id)
        return record

    def search(self, query: str, top_k: int = 3, metadata_filter: Mapping[str, Any] | None = None) -> list[Match]:
        """The `top_k` entries of the highest cosine similarity with `query`, ties in the order of their ids (eq. 8-9).

        Args:
            query: what to look for.
            top_k: how many at most, at least 1.
            metadata_filter: only entries whose metadata match, see :mod:`agemem_gym.memory.filters`.

        Raises:
            FilterError: `metadata_filter` is no filter.
        """
        if metadata_filter is not None:
            validate(metadata_filter)
        if top_k < 1:
            raise ConfigurationError(f"top_k={top_k}: expected at least 1")
        self._load()
        if not self._slots:
            return []
        vector = self._encode([query])[0]
        if not self.index.persistent:
            self._settle({})
        if metadata_filter is None:
            slots = self._near(vector, top_k)
        else:
            slots = [s for s in self._slots.values() if matches(self._entry(s)[0].metadata, metadata_filter)]
        return self._ranked(vector, slots, top_k)

    def clear(self) -> None:
        """Forget everything; ids begin at m1 again, and the clock at 0.

        Raises:
            ConfigurationError: an earlier process left entries here, and nobody has said that they may go.
        """
        self._replace([])
        self._next_number, self._now = 1, 0

    def snapshot(self) -> StoreSnapshot:
        """The present content."""
        return StoreSnapshot(tuple(self), self._next_number, self.now)

    def restore(self, snapshot: StoreSnapshot) -> None:
        """Go back to a snapshot, of this store or of another one."""
        self._replace(snapshot.records)
        self._next_number, self._now = snapshot.next_number, snapshot.now

    def close(self) -> None:
        """Let the index go. Safe to call twice."""
        if self.index.persistent and self._behind:
            try:
                self._settle({})
            except AgeMemError as error:
                warnings.warn(f"{len(self._behind)} entries may differ in the index: {error}", stacklevel=2)
                self._behind.clear()
        self._ask(self.index.close)
        if not self.index.persistent:
            self._behind.update(self._slots.values())

    # ------------------------------------------------------------------------------------------------- changes

    def _change(self, changes: Mapping[int, _Entry | None]) -> None:
        """Put entries into slots, and empty those that get None: all of them, or none if the index fails."""
        self._behind.update(changes)
        if self.index.persistent:
            self._settle(changes)
        for slot in changes:
            self._empty(slot)
        for slot, entry in changes.items():
            if entry is not None:
                self._fill(slot, *entry)

    def _empty(self, slot: int) -> None:
        if slot < len(self._records) and (record := self._records[slot]) is not None:
            del self._slots[record.id]
            self._records[slot] = None
            self._free.add(slot)

    def _fill(self, slot: int, record: MemoryRecord, vector: np.ndarray) -> None:
        self._make_room(slot, len(vector))
        self._records[slot] = record
        self._vectors[slot] = vector
        self._slots[record.id] = slot
        self._free.discard(slot)

    def _settle(self, changes: Mapping[int, _Entry | None]) -> None:
        """Bring the index up to date with the records as they are, but for `changes`, which are to come."""
        if not self._behind:
            return
        full: dict[int, _Entry] = {}
        empty: list[int] = []
        for slot in sorted(self._behind):
            entry = changes[slot] if slot in changes else self._entry_or_none(slot)
            if entry is None:
                empty.append(slot)
            else:
                full[slot] = entry
        if empty:
            self._ask(self.index.delete, empty)
        if full:
            vectors = np.stack([vector for _, vector in full.values()])
            self._ask(self.index.upsert, list(full), vectors, [record for record, _ in full.values()])
        self._behind.clear()

    def _replace(self, records: Sequence[MemoryRecord]) -> None:
        """Hold these records and no others; those that are here already keep their slots and vectors."""
        self._load()
        here = {record.id: record for record in self._records if record is not None}
        new = [record for record in records if here.get(record.id) != record]
        kept = {record.id for record in records} - {record.id for record in new}
        if self._existing == "refuse" and not self._inherited <= kept:
            raise ConfigurationError(
                f"{self.index} holds {len(self._inherited)} entries that were there before, and a reset would delete them: "
                "carry them on (reset(options={'keep_memory': True})), allow it (chroma_existing='wipe'), or take another "
                "collection="
            )
        vectors = self._encode([record.content for record in new])
        changes: dict[int, _Entry | None] = {slot: None for id_, slot in self._slots.items() if id_ not in kept}
        slots = sorted([*changes, *self._empty_slots(len(new))])[: len(new)]
        self._change(changes | dict(zip(slots, zip(new, vectors, strict=True), strict=True)))
        self._inherited &= kept
        self._trim()

    def _empty_slots(self, count: int) -> list[int]:
        """The lowest slots without a record."""
        lowest = heapq.nsmallest(count, self._free) if self._free else []
        return [*lowest, *range(len(self._records), len(self._records) + count - len(lowest))]

    def _make_room(self, slot: int, dimension: int) -> None:
        self._free.update(range(len(self._records), slot))
        self._records.extend([None] * (slot + 1 - len(self._records)))
        rows, columns = self._vectors.shape
        if slot >= rows or columns != dimension:
            table = np.zeros((max(64, 2 * (slot + 1)), dimension), dtype=np.float32)
            if columns == dimension:
                table[:rows] = self._vectors
            self._vectors = table

    def _trim(self) -> None:
        """Let go of the empty slots at the end, so that the next scan is no longer than it must be."""
        while self._records and self._records[-1] is None:
            self._records.pop()
        self._free = {slot for slot in self._free if slot < len(self._records)}

    # ------------------------------------------------------------------------------------------------- search

    def _near(self, vector: np.ndarray, top_k: int) -> list[int]:
        """The slots of all entries that may be among the best, ties included: a float32 scan with its error for a margin."""
        if len(self._slots) <= top_k + _FEW:
            return list(self._slots.values())
        scores = np.einsum("nd,d->n", self._vectors[: len(self._records)], vector)
        if self._free:
            scores[list(self._free)] = -np.inf
        error = (len(vector) + 2) * _HALF_ULP  # of a sum of d products of unit vectors, by Cauchy and Schwarz
        margin = 2.1 * error + 10.0**-_SCORE_DIGITS  # of two such sums, and of the rounding of scores
        found: list[int] = np.flatnonzero(scores >= np.partition(scores, -top_k)[-top_k] - margin).tolist()
        return found

    def _ranked(self, vector: np.ndarray, slots: Sequence[int], top_k: int) -> list[Match]:
        """The best of the records in `slots` with their scores, ties in the order of their ids."""
        if not slots:
            return []
        scores = cosines(self._vectors[slots], vector).tolist()
        records = [self._entry(slot)[0] for slot in slots]
        order = [(-round(score, _SCORE_DIGITS), record.number) for score, record in zip(scores, records, strict=True)]
        best = heapq.nsmallest(top_k, range(len(order)), key=order.__getitem__)
        return [Match(records[i], 0.0 - order[i][0]) for i in best]

    # ------------------------------------------------------------------------------------------------- parts

    def _slot(self, memory_id: str) -> int:
        self._load()
        slot = self._slots.get(memory_id)
        if slot is None:
            raise UnknownMemoryError(f"there is no entry {memory_id!r} in long-term memory")
        return slot

    def _entry(self, slot: int) -> _Entry:
        record = self._records[slot]
        assert record is not None
        return record, self._vectors[slot]

    def _entry_or_none(self, slot: int) -> _Entry | None:
        return self._entry(slot) if slot < len(self._records) and self._records[slot] is not None else None

    def _encode(self, texts: Sequence[str]) -> np.ndarray:
        if not texts:
            return np.zeros((0, self._vectors.shape[1]), dtype=np.float32)
        return encoded(self.encoder, texts, self._vectors.shape[1] if self._slots else None)

    def _ask(self, verb: Callable[..., _T], *arguments: Any) -> _T:
        """Call the index, a user's own too; whatever goes wrong there is a MemoryBackendError."""
        try:
            return verb(*arguments)
        except AgeMemError:
            raise
        except Exception as error:
            name = type(self.index).__name__
            raise MemoryBackendError(f"{name} failed: {type(error).__name__}: {error}") from error

    def _load(self) -> None:
        """At the first use of a persistent index: take over what an earlier process left in it."""
        if self._loaded:
            return
        for slot, record, vector in self._ask(self.index.load):
            self._fill(slot, record, vector)
            self._inherited.add(record.id)
            self._next_number = max(self._next_number, record.number + 1)
            self._now = max(self._now, record.created, record.updated or 0)
        self._loaded = True
