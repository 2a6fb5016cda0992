"""Vector indices: what finds the candidates of a search. :class:`ExactIndex` is here, Chroma is in :mod:`.chroma`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from agemem_gym.errors import ConfigurationError
from agemem_gym.memory.record import MemoryRecord

if TYPE_CHECKING:
    from agemem_gym.memory.encoder import Encoder

StoredEntry = tuple[int, MemoryRecord, np.ndarray]
"""Slot, record and vector of an entry that a persistent index kept."""


class VectorIndex(Protocol):
    """Keeps unit vectors by slot (a small int) and finds those most similar to another one."""

    persistent: bool
    """Whether entries outlive the process."""

    approximate: bool
    """Whether :meth:`query` may miss some of the most similar vectors when there are many."""

    def upsert(self, slots: Sequence[int], vectors: np.ndarray, records: Sequence[MemoryRecord]) -> None:
        """Put vectors, shape (n, d), into slots; what was there is replaced."""

    def delete(self, slots: Sequence[int]) -> None:
        """Empty slots."""

    def query(self, vector: np.ndarray, k: int) -> list[int]:
        """Slots of the `k` most similar vectors, in any order; the store ranks them and sees to ties."""

    def clear(self) -> None:
        """Empty all slots."""

    def load(self) -> list[StoredEntry]:
        """What an earlier process left; empty unless :attr:`persistent`."""

    def close(self) -> None:
        """Write what is pending and free what is held."""


def cosines(vectors: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Similarities, shape (n,), of unit vectors, shape (n, d), with another one.

    Not ``vectors @ vector``: beside Chroma's threads, BLAS's wait for each other by whole time slices (8 ms instead of 0.4).
    """
    return np.einsum("nd,d->n", vectors, vector)


class ExactIndex:
    """Exact search with NumPy."""

    persistent = False
    approximate = False

    def __init__(self) -> None:
        self._vectors = np.zeros((0, 0), dtype=np.float32)
        self._used = np.zeros(0, dtype=bool)
        self._end = 0  # one behind the highest slot that was ever used

    def upsert(self, slots: Sequence[int], vectors: np.ndarray, records: Sequence[MemoryRecord]) -> None:
        """Put vectors into slots."""
        end = max(slots) + 1
        if end > len(self._used) or self._vectors.shape[1] != vectors.shape[1]:
            self._grow(max(64, 2 * end), vectors.shape[1])
        self._vectors[list(slots)] = vectors
        self._used[list(slots)] = True
        self._end = max(self._end, end)

    def _grow(self, rows: int, dimension: int) -> None:
        table, used = np.zeros((rows, dimension), dtype=np.float32), np.zeros(rows, dtype=bool)
        if self._vectors.shape[1] == dimension:
            table[: len(self._vectors)], used[: len(self._used)] = self._vectors, self._used
        self._vectors, self._used = table, used

    def delete(self, slots: Sequence[int]) -> None:
        """Empty slots."""
        self._used[list(slots)] = False

    def query(self, vector: np.ndarray, k: int) -> list[int]:
        """The slots of the `k` most similar vectors."""
        scores = cosines(self._vectors[: self._end], vector)
        scores[~self._used[: self._end]] = -np.inf
        best = np.argpartition(scores, self._end - k)[self._end - k :] if k < self._end else np.arange(self._end)
        return [slot for slot in best.tolist() if self._used[slot]]

    def clear(self) -> None:
        """Empty all slots; the table is kept for the next episode."""
        self._used[:] = False
        self._end = 0

    def load(self) -> list[StoredEntry]:
        """Nothing: the table lives in this process."""
        return []

    def close(self) -> None:
        """Free the table."""
        self.__init__()  # type: ignore[misc]


def make_index(
    spec: str | VectorIndex = "chroma",
    *,
    chroma_path: str | None = None,
    chroma_url: str | None = None,
    collection: str | None = None,
    encoder: Encoder | None = None,
) -> VectorIndex:
    """The index that the keywords of ``gym.make`` stand for.

    Args:
        spec: ``"chroma"``, ``"exact"``, or a VectorIndex.
        chroma_path: folder of a persistent Chroma; entries survive the process.
        chroma_url: URL of a Chroma server, as ``chroma run`` starts one.
        collection: name of the Chroma collection. By default each env of a process has one of its own in process, and
            ``"agemem"`` on a path or a server: envs that share a path or a server and must not share memory need names.
        encoder: whose vectors go in; a persistent collection that holds another encoder's is refused.

    Raises:
        ConfigurationError: an unknown index, or keywords that do not go together.
    """
    if spec == "exact":
        if chroma_path or chroma_url or collection:
            raise ConfigurationError("index='exact' takes no chroma_path, chroma_url or collection")
        return ExactIndex()
    if spec == "chroma":
        if chroma_path and chroma_url:
            raise ConfigurationError("chroma_path and chroma_url exclude each other: give one of them")
        from agemem_gym.memory.chroma import ChromaIndex

        name = encoder.name if encoder is not None else ""
        return ChromaIndex(path=chroma_path, url=chroma_url, collection=collection, encoder_name=name)
    if isinstance(spec, str):
        raise ConfigurationError(f"unknown index {spec!r}: expected 'chroma' or 'exact'")
    return spec
