"""Entries in Chroma: in process (the default), in a folder, or on a server.

Chroma stores; the store's exact scan decides what a search finds (why: :mod:`.index`). :attr:`ChromaIndex.collection` is the
Chroma collection itself, for whoever wants to look into it or ask it.

What Chroma makes hard, and how this index goes round it (measured with chromadb 1.5.9):

- Deleting a collection leaks memory and file descriptors, and deleting entries leaves their nodes in the graph, which every
  later write walks past: 200 entries written and deleted over and over took .05 s at first and .4 s after 40 rounds. So in
  process a collection is handed from one index to the next and the same ids (slots) are written again; what is left over is
  stale, and goes when somebody looks.
- A write costs more than anything else: in process, writes wait until the next search and go in one batch.
- After a write, a forked child can never write: Chroma's threads are gone, even for a new client. There the copy is left out.
- Chroma would embed texts with a model of its own that it fetches from the network: it is given vectors.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from agemem_gym.errors import ConfigurationError
from agemem_gym.memory.chroma_places import Folder, InProcess, Place, Server
from agemem_gym.memory.index import StoredEntry
from agemem_gym.memory.record import MemoryRecord

_BATCH = 5000  # Chroma takes at most 5,461 entries at once
_NEVER = -1  # as the time of an UPDATE


class ChromaIndex:
    """Entries in one Chroma collection, which no other open index has.

    Args:
        path: folder of a persistent Chroma.
        url: URL of a Chroma server.
        collection: name of the collection; see :func:`agemem_gym.memory.make_index`.
        encoder_name: whose vectors these are; a persistent collection remembers it.
        timeout: seconds that a server may take for an answer.

    Raises:
        ConfigurationError: a keyword cannot be used. At the first use: the folder cannot be written, the server cannot be
            reached, another process or env has the folder or the collection, or it holds vectors of another encoder.
        MemoryBackendError: at any use: Chroma failed, or took too long.
    """

    def __init__(
        self,
        *,
        path: str | None = None,
        url: str | None = None,
        collection: str | None = None,
        encoder_name: str = "",
        timeout: float = 30.0,
    ) -> None:
        self._keywords: dict[str, Any] = {
            "path": path,
            "url": url,
            "collection": collection,
            "encoder_name": encoder_name,
            "timeout": timeout,
        }
        self.persistent = path is not None or url is not None
        self._place = _place(path, url, collection, timeout)
        self._encoder_name = encoder_name
        self._written: set[int] = set()  # in process: slots that hold anything in Chroma
        self._stale: set[int] = set()  # of them those that are not ours any more

    def __str__(self) -> str:
        return str(self._place)

    def __reduce__(self) -> tuple[Any, tuple[()]]:
        """A copy, deep or pickled, opens a collection of its own at its first use."""
        return partial(ChromaIndex, **self._keywords), ()

    @property
    def collection(self) -> Any:
        """The Chroma collection, with exactly the entries that were written; in process that is at each search."""
        collection = self._open(0)
        if collection is not None and self._stale:
            self._delete(sorted(self._stale & self._written))
            self._written -= self._stale
            self._stale.clear()
        return collection

    # ------------------------------------------------------------------------------------------------- VectorIndex

    def upsert(self, slots: Sequence[int], vectors: np.ndarray, records: Sequence[MemoryRecord]) -> None:
        """Write records, their vectors and metadata."""
        collection = self._open(vectors.shape[1])
        if collection is None:
            return
        for start in range(0, len(slots), _BATCH):
            batch = slice(start, start + _BATCH)
            arguments = {
                "ids": [_chroma_id(slot) for slot in slots[batch]],
                "embeddings": vectors[batch],
                "documents": [record.content for record in records[batch]],
                "metadatas": [_metadata(record) for record in records[batch]],
            }
            self._place.call(partial(collection.upsert, **arguments))
        self._written.update(slots)
        self._stale.difference_update(slots)

    def delete(self, slots: Sequence[int]) -> None:
        """Delete slots; in process they become stale."""
        if self.persistent:
            self._open(0)
            self._delete(slots)
        else:
            self._stale.update(slots)

    def load(self) -> list[StoredEntry]:
        """The entries that an earlier process left in the folder or on the server."""
        collection = self._open(0)
        self._check_encoder(collection)
        count = self._place.call(collection.count)
        entries: list[StoredEntry] = []
        for offset in range(0, count, _BATCH):
            wanted = {"limit": _BATCH, "offset": offset, "include": ["documents", "metadatas", "embeddings"]}
            page = self._place.call(partial(collection.get, **wanted))
            rows = zip(page["ids"], page["documents"], page["metadatas"], page["embeddings"], strict=True)
            entries += [
                (_slot(i), _record(text, meta), np.asarray(vector, np.float32)) for i, text, meta, vector in rows
            ]
        return sorted(entries, key=lambda entry: entry[1].number)

    def close(self) -> None:
        """Let the collection go; an unnamed one in process is handed to the next index of this process."""
        self._place.close(self._written)
        self._written, self._stale = set(), set()

    # ------------------------------------------------------------------------------------------------- Chroma

    def _open(self, dimension: int) -> Any:
        """The collection, opened at the first use in this process; None where there cannot be one."""
        collection, left_over = self._place.collection(dimension, self._encoder_name)
        self._written |= left_over
        self._stale |= left_over
        return collection

    def _delete(self, slots: Sequence[int]) -> None:
        collection = self._open(0)
        ids = [_chroma_id(slot) for slot in slots]
        for start in range(0, len(ids), _BATCH):
            self._place.call(partial(collection.delete, ids=ids[start : start + _BATCH]))

    def _check_encoder(self, collection: Any) -> None:
        theirs = (collection.metadata or {}).get("encoder", "")
        if self._encoder_name and theirs != self._encoder_name:
            self.close()
            raise ConfigurationError(
                f"{self._place} holds vectors of encoder {theirs!r}, not of {self._encoder_name!r}: "
                "use that encoder, or another collection="
            )


def _place(path: str | None, url: str | None, collection: str | None, timeout: float) -> Place:
    if url is not None:
        return Server(url, collection, timeout)
    return InProcess(collection) if path is None else Folder(path, collection)


def _chroma_id(slot: int) -> str:
    return f"s{slot}"


def _slot(chroma_id: str) -> int:
    return int(chroma_id[1:])


def _metadata(record: MemoryRecord) -> dict[str, Any]:
    """A record as Chroma's flat metadata; the agent's own are kept as JSON, which may be nested or empty.

    Every key stands in each: Chroma's upsert leaves old keys that the new metadata lack.
    """
    updated = _NEVER if record.updated is None else record.updated
    own = json.dumps(dict(record.metadata), ensure_ascii=False)
    return {"id": record.id, "created": record.created, "updated": updated, "json": own}


def _record(content: str, metadata: dict[str, Any]) -> MemoryRecord:
    updated = metadata.get("updated", _NEVER)
    return MemoryRecord(
        metadata["id"],
        content,
        json.loads(metadata["json"]),
        metadata["created"],
        None if updated == _NEVER else updated,
    )
