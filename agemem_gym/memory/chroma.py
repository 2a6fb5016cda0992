"""The Chroma index: in process (the default), in a folder, or on a server.

What Chroma makes hard, and how this index goes round it (measured with chromadb 1.5.9):

- Deleting a collection leaks memory and file descriptors: an index keeps one collection and writes the same ids (slots) again.
  :meth:`ChromaIndex.clear` only marks slots as stale; they are overwritten by the next episode's entries.
- After a write, a forked child can never write: Chroma's threads are gone, even for a new client. The client is made at the
  first use in each process; in a child of a process that has used it, every slot is a candidate, and the store, which ranks
  them exactly, gives the same results.
- A write costs more than a read: writes wait until the next query and go in one batch.
- Its search is approximate (of 10,000 random vectors it finds 56 % of the best five; of clustered ones, as texts are, all):
  more is asked for than is needed, and the store adds the candidates of an exact scan, so that nothing is missed at any size.
- Chroma would embed texts with a model of its own that it fetches from the network: it is given vectors only.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from agemem_gym.errors import ConfigurationError, EngineError, import_extra
from agemem_gym.memory.index import StoredEntry
from agemem_gym.memory.record import MemoryRecord

_EF_SEARCH = 50
_EF_CONSTRUCTION = 200
_BATCH = 5000  # Chroma takes at most 5,461 entries at once
_STALE_SHARE = 0.5  # more stale slots than this, and they are deleted rather than searched past
_DEFAULT_NAME = "agemem"
_running_number = itertools.count(1)
_free_names: list[
    tuple[int, int, str]
] = []  # (process id, dimension, name) of closed in-process collections, to be used again


class ChromaIndex:
    """Vectors in one Chroma collection.

    Args:
        path: folder of a persistent Chroma.
        url: URL of a Chroma server.
        collection: name of the collection; see :func:`agemem_gym.memory.make_index`.
        encoder_name: whose vectors these are; a persistent collection remembers it.

    Raises:
        ConfigurationError: at the first use: the folder cannot be written, the server cannot be reached, or the collection
            holds vectors of another encoder.
    """

    approximate = True

    def __init__(
        self,
        *,
        path: str | None = None,
        url: str | None = None,
        collection: str | None = None,
        encoder_name: str = "",
    ) -> None:
        self._path, self._url, self._encoder_name = path, url, encoder_name
        self.persistent = path is not None or url is not None
        self._wanted_name = collection
        self._check_keywords()
        self._pid = -1
        self._out_of_reach = False
        self._dimension = 0
        self._collection: Any = None
        self._pending: dict[int, tuple[np.ndarray, MemoryRecord] | None] = {}  # None: to be deleted
        self._live: set[int] = set()
        self._stale: set[int] = set()  # in Chroma, and not ours any more

    # ------------------------------------------------------------------------------------------------- VectorIndex

    def upsert(self, slots: Sequence[int], vectors: np.ndarray, records: Sequence[MemoryRecord]) -> None:
        """Put vectors into slots; written at the next query."""
        self._dimension = vectors.shape[1]
        for slot, vector, record in zip(slots, vectors, records, strict=True):
            self._pending[slot] = (vector, record)
            self._live.add(slot)
            self._stale.discard(slot)
        if self.persistent:
            self._write()

    def delete(self, slots: Sequence[int]) -> None:
        """Empty slots."""
        for slot in slots:
            self._live.discard(slot)
            self._stale.add(slot)
            self._pending[slot] = None
        if self.persistent:
            self._write()

    def query(self, vector: np.ndarray, k: int) -> list[int]:
        """Slots of the `k` most similar vectors and more."""
        self._write()
        if self._out_of_reach:
            return sorted(self._live)
        wanted = min(k + len(self._stale), len(self._live) + len(self._stale))
        found = self._call(
            lambda: self._collection.query(query_embeddings=[vector], n_results=wanted, include=[])["ids"][0]
        )
        return [slot for slot in map(_slot, found) if slot in self._live]

    def clear(self) -> None:
        """Empty all slots. In process, what Chroma holds of them becomes stale; elsewhere it is deleted."""
        self._pending.clear()
        self._stale |= self._live
        self._live.clear()
        if self.persistent:
            self._open()
            self._delete_all()

    def load(self) -> list[StoredEntry]:
        """The entries that an earlier process left on the path or the server."""
        self._open()
        count = self._call(self._collection.count)
        entries: list[StoredEntry] = []
        for offset in range(0, count, _BATCH):
            wanted = {"limit": _BATCH, "offset": offset, "include": ["documents", "metadatas", "embeddings"]}
            page = self._call(partial(self._collection.get, **wanted))
            rows = zip(page["ids"], page["documents"], page["metadatas"], page["embeddings"], strict=True)
            entries += [
                (_slot(i), _record(text, meta), np.asarray(vector, np.float32)) for i, text, meta, vector in rows
            ]
        entries.sort(key=lambda entry: entry[1].number)
        self._live = {slot for slot, _, _ in entries}
        return entries

    def close(self) -> None:
        """Write what is pending; an in-process collection is handed to the next index of this process."""
        if self._collection is not None and self._pid == os.getpid():
            if self.persistent:
                self._write()
            elif self._wanted_name is None:
                self._delete_all()
                _free_names.append((self._pid, self._dimension, self._collection.name))
        self._collection = None
        self._pid = -1
        self._pending.clear()
        self._live.clear()
        self._stale.clear()

    # ------------------------------------------------------------------------------------------------- Chroma

    def _write(self) -> None:
        """Bring Chroma up to date: one upsert and at most one delete."""
        self._open()
        if self._out_of_reach:
            self._pending.clear()
            return
        if self._pending:
            written = {slot: entry for slot, entry in self._pending.items() if entry is not None}
            slots = list(written)
            for start in range(0, len(slots), _BATCH):
                self._upsert(slots[start : start + _BATCH], written)
            self._pending.clear()
        if self.persistent or len(self._stale) > max(32, _STALE_SHARE * len(self._live)):
            self._delete_stale()

    def _upsert(self, slots: list[int], entries: dict[int, tuple[np.ndarray, MemoryRecord]]) -> None:
        arguments: dict[str, Any] = {
            "ids": [_chroma_id(slot) for slot in slots],
            "embeddings": np.stack([entries[slot][0] for slot in slots]),
        }
        if self.persistent:  # the records themselves have to survive
            records = [entries[slot][1] for slot in slots]
            arguments["documents"] = [record.content for record in records]
            arguments["metadatas"] = [_metadata(record) for record in records]
        self._call(lambda: self._collection.upsert(**arguments))

    def _delete_stale(self) -> None:
        if self._stale:
            ids = [_chroma_id(slot) for slot in sorted(self._stale)]
            for start in range(0, len(ids), _BATCH):
                self._call(partial(self._collection.delete, ids=ids[start : start + _BATCH]))
            self._stale.clear()

    def _delete_all(self) -> None:
        """Empty the collection, without deleting it."""
        ids = self._call(lambda: self._collection.get(include=[])["ids"])
        for start in range(0, len(ids), _BATCH):
            self._call(partial(self._collection.delete, ids=ids[start : start + _BATCH]))
        self._stale.clear()

    def _open(self) -> None:
        """The collection, made at the first use in this process."""
        if self._pid == os.getpid():
            return
        if self._url is None and _used_by_parent():
            if self._path is not None:
                raise ConfigurationError(
                    "chroma_path= cannot be used in a process forked from one that has used Chroma: start workers with "
                    "spawn (make_vec(..., start_method='spawn')), or use chroma_url="
                )
            self._collection, self._out_of_reach, self._pid = None, True, os.getpid()
            return
        client = _client(self._path, self._url)
        self._collection = self._call(lambda: _get_collection(client, self._name(), self._encoder_name))
        self._check_encoder()
        self._pid = os.getpid()

    def _name(self) -> str:
        if self._wanted_name is not None:
            return self._wanted_name
        if self.persistent:
            return _DEFAULT_NAME
        for entry in _free_names:
            if entry[:2] == (os.getpid(), self._dimension):
                _free_names.remove(entry)
                return entry[2]
        return f"{_DEFAULT_NAME}-{next(_running_number)}"

    def _call(self, function: Callable[[], Any]) -> Any:
        """Call Chroma; what a server or a disk does wrong becomes an EngineError."""
        try:
            return function()
        except Exception as error:
            if isinstance(error, ConfigurationError):
                raise
            raise EngineError(f"Chroma failed: {type(error).__name__}: {error}") from error

    def _check_keywords(self) -> None:
        if self._url is not None and not (
            self._url.startswith(("http://", "https://")) and urlsplit(self._url).hostname
        ):
            raise ConfigurationError(
                f"chroma_url={self._url!r}: expected http://HOST:PORT of a server (`chroma run` starts one)"
            )
        name = self._wanted_name
        if name is not None and not (
            3 <= len(name) <= 512 and name.isascii() and name[0].isalnum() and name[-1].isalnum()
        ):
            raise ConfigurationError(f"collection={name!r}: expected 3 to 512 characters of [a-zA-Z0-9._-]")

    def _check_encoder(self) -> None:
        theirs = (self._collection.metadata or {}).get("encoder", "")
        if self.persistent and self._encoder_name and theirs != self._encoder_name:
            raise ConfigurationError(
                f"collection {self._collection.name!r} holds vectors of encoder {theirs!r}, not of {self._encoder_name!r}: "
                "use that encoder, or another collection="
            )


def _get_collection(client: Any, name: str, encoder_name: str) -> Any:
    return client.get_or_create_collection(
        name,
        embedding_function=None,
        metadata={"encoder": encoder_name or "unknown"},
        configuration={"hnsw": {"space": "cosine", "ef_search": _EF_SEARCH, "ef_construction": _EF_CONSTRUCTION}},
    )


def _client(path: str | None, url: str | None) -> Any:
    """The client of this process for a place; Chroma shares one system among clients of one place."""
    chromadb = import_extra("chromadb", "all")
    from chromadb.config import Settings

    global _user_pid
    settings = Settings(anonymized_telemetry=False)
    if url is not None:
        return _http_client(chromadb, url, settings)
    _user_pid = os.getpid()
    if path is not None:
        try:
            Path(path).mkdir(parents=True, exist_ok=True)
            return chromadb.PersistentClient(str(path), settings=settings)
        except Exception as error:
            raise ConfigurationError(f"chroma_path={str(path)!r} cannot be used: {error}") from None
    return chromadb.EphemeralClient(settings=settings)


_user_pid = -1
"""The process that uses Chroma in process; a forked child inherits the number, and so knows."""


def _used_by_parent() -> bool:
    return _user_pid not in (-1, os.getpid())


def _http_client(chromadb: Any, url: str, settings: Any) -> Any:
    import socket

    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname, port), timeout=5).close()  # Chroma itself would retry for long
        return chromadb.HttpClient(host=parts.hostname, port=port, ssl=parts.scheme == "https", settings=settings)
    except Exception as error:
        raise ConfigurationError(
            f"no Chroma server at {url} ({error}); start one with `chroma run --path FOLDER --port {port}`"
        ) from None


def _chroma_id(slot: int) -> str:
    return f"s{slot}"


def _slot(chroma_id: str) -> int:
    return int(chroma_id[1:])


def _metadata(record: MemoryRecord) -> dict[str, Any]:
    """A record as Chroma's flat metadata; the agent's own are kept as JSON, which may be nested or empty."""
    kept = {"id": record.id, "created": record.created, "json": json.dumps(dict(record.metadata), ensure_ascii=False)}
    return kept if record.updated is None else {**kept, "updated": record.updated}


def _record(content: str, metadata: dict[str, Any]) -> MemoryRecord:
    return MemoryRecord(
        metadata["id"], content, json.loads(metadata["json"]), metadata["created"], metadata.get("updated")
    )
