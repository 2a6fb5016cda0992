"""Memory operations: add, update, delete, retrieve at 10 to 10,000 entries, against raw Chroma with the same vectors.

Every operation is timed on our store and on the peer in turn, in one run; figures are medians. Vectors are made beforehand, so
that encoding does not enter; what encoding costs stands in rows of its own. Our writes wait until the next retrieve, whose
batch they join: the rows "add, then retrieve" show both together. "best five right" is the share of queries for which Chroma's
own search, by several settings, has the five best scores; the exact scan that answers ours has them always.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from chromadb import EphemeralClient
from chromadb.config import Settings
from report import Row, run

from agemem_gym.memory import MemoryStore, make_encoder, make_index

DIMENSION = 384
TOP_K = 5
PEER = "raw chromadb"
_client = EphemeralClient(Settings(anonymized_telemetry=False))


class Vectors:
    """An encoder that looks vectors up by number: texts are ``"0"``, ``"1"``, …"""

    name = "table"
    dimension = DIMENSION

    def __init__(self, count: int) -> None:
        # clustered, as texts are: uniformly random vectors have no near neighbours to find
        rng = np.random.default_rng(0)
        centres = rng.standard_normal((200, DIMENSION))
        rows = centres[rng.integers(200, size=count)] + 0.5 * rng.standard_normal((count, DIMENSION))
        self.table = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    def encode(self, texts: Any) -> np.ndarray:
        """Rows of the table."""
        return self.table[[int(text) for text in texts]]

    def count_tokens(self, text: str) -> int:
        """Not needed here."""
        return 1


class RawChroma:
    """What a user of Chroma would write."""

    def __init__(self, name: str, vectors: Vectors, size: int) -> None:
        self._vectors = vectors
        self._collection = _client.create_collection(
            name, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )
        for start in range(0, size, 5000):
            numbers = range(start, min(size, start + 5000))
            self._collection.add(
                ids=[f"m{n + 1}" for n in numbers],
                embeddings=vectors.table[numbers.start : numbers.stop],
                documents=[str(n) for n in numbers],
            )

    def add(self, number: int) -> None:
        """One entry."""
        self._collection.add(ids=[f"m{number + 1}"], embeddings=[self._vectors.table[number]], documents=[str(number)])

    def update(self, memory_id: str, number: int) -> None:
        """Another text for an entry."""
        self._collection.update(ids=[memory_id], embeddings=[self._vectors.table[number]], documents=[str(number)])

    def delete(self, memory_id: str) -> None:
        """One entry less."""
        self._collection.delete(ids=[memory_id])

    def search(self, number: int) -> Any:
        """The nearest ones, with their texts."""
        return self._collection.query(query_embeddings=[self._vectors.table[number]], n_results=TOP_K)

    def close(self) -> None:
        """Free the collection."""
        _client.delete_collection(self._collection.name)


def measure(quick: bool) -> list[Row]:
    """All rows."""
    sizes, repetitions = ((10, 100, 1000), 15) if quick else ((10, 100, 1000, 10_000), 60)
    rows = [row for size in sizes for row in _operations(size, repetitions)]
    return [
        *rows,
        _after_many_episodes(60 if quick else 400),
        _after_many_stores(15 if quick else 40),
        *(row for kind in KINDS for row in _what_answers(kind, 1000 if quick else 5000, 60)),
        *_encoding(5 if quick else 30),
    ]


def _operations(size: int, repetitions: int) -> list[Row]:
    vectors = Vectors(size + 6 * repetitions + 8)
    peer = RawChroma(f"peer-{size}", vectors, size)
    stores = {name: MemoryStore(vectors, make_index(name)) for name in ("chroma", "exact")}
    for store in stores.values():
        store.add_many([(str(number), None) for number in range(size)])
        store.search("0", TOP_K)  # what waits is written
    peer.search(0)
    ours: dict[tuple[str, str], list[float]] = {}
    theirs: dict[str, list[float]] = {}
    for turn in range(repetitions):
        fresh = size + 6 * turn
        for operation, raw in _peer_operations(peer, fresh).items():
            theirs.setdefault(operation, []).append(_seconds(raw))
        for name, store in stores.items():
            for operation, call in _our_operations(store, fresh).items():
                ours.setdefault((name, operation), []).append(_seconds(call))
    for closable in (*stores.values(), peer):
        closable.close()
    label = {"chroma": "ChromaIndex", "exact": "ExactIndex"}
    return [
        Row.less_is_better(
            f"{label[name]} {operation} at {size:,}",
            1000 * statistics.median(times),
            1000 * statistics.median(theirs[operation]),
            PEER,
            "ms",
            repetitions,
        )
        for (name, operation), times in ours.items()
    ]


def _peer_operations(peer: RawChroma, fresh: int) -> dict[str, Callable[[], Any]]:
    def both() -> None:
        peer.add(fresh + 2)
        peer.search(fresh + 3)

    return {
        "add": lambda: peer.add(fresh),
        "update": lambda: peer.update(f"m{fresh + 1}", fresh + 1),
        "delete": lambda: peer.delete(f"m{fresh + 1}"),
        "retrieve": lambda: peer.search(fresh + 2),
        "add, then retrieve": both,
    }


def _our_operations(store: MemoryStore, fresh: int) -> dict[str, Callable[[], Any]]:
    added: list[str] = []

    def both() -> None:
        store.add(str(fresh + 2))
        store.search(str(fresh + 3), TOP_K)

    def retrieve() -> Any:
        return store.search(str(fresh + 2), TOP_K)

    return {
        "add": lambda: added.append(store.add(str(fresh)).id),
        "update": lambda: store.update(added[0], str(fresh + 1)),
        "delete": lambda: store.delete(added[0]),
        "retrieve": retrieve,
        "add, then retrieve": both,
    }


def _after_many_episodes(episodes: int) -> Row:
    """Seconds of an episode of 20 operations, the last ones against the first ones."""
    vectors = Vectors(40)
    store = MemoryStore(vectors, make_index("chroma"))

    def episode() -> None:
        store.clear()
        for number in range(14):
            store.add(str(number))
        for number in range(6):
            store.search(str(20 + number), 3)

    times = [_seconds(episode) for _ in range(episodes)]
    store.close()
    share = max(10, episodes // 10)
    return Row.less_is_better(
        f"episode of 20 operations after {episodes}",
        1000 * min(times[-share:]),
        1000 * min(times[5 : 5 + share]),
        "the first episodes",
        "ms",
        share,
    )


def _after_many_stores(stores: int) -> Row:
    """Seconds to make a store, write 200 entries, search and close, the last ones against the first ones."""
    vectors = Vectors(201)

    def store() -> None:
        made = MemoryStore(vectors, make_index("chroma"))
        made.add_many([(str(number), None) for number in range(200)])
        made.search("200", 3)
        made.close()

    times = [_seconds(store) for _ in range(stores)]
    share = max(5, stores // 5)
    first, last = min(times[1 : 1 + share]), min(times[-share:])
    name = f"store of 200 entries, made and closed, after {stores}"
    return Row.less_is_better(name, 1000 * last, 1000 * first, "the first stores", "ms", share)


KINDS = ("unrelated", "clustered", "64 sentences")
SETTINGS: dict[str, dict[str, int]] = {
    "as it comes": {},
    "ef_search 400": {"ef_search": 400},
    "ef_search as many as there are": {"ef_search": 0},  # filled in
    "all in the buffer": {"batch_size": 100_000, "sync_threshold": 1_000_000},
}


def _what_answers(kind: str, size: int, queries: int) -> list[Row]:
    """How often Chroma's own search is right and how long it takes, against the scan of our store."""
    table, asked = _vectors(kind, size, queries)
    right = np.sort(np.einsum("nd,qd->qn", table, asked, dtype=np.float64), axis=1)[:, -TOP_K:]
    encoder = Vectors(1)
    encoder.table = np.concatenate([table, asked])
    store = MemoryStore(encoder, make_index("exact"))
    store.add_many([(str(number), None) for number in range(size)])
    scan = [_seconds(lambda q=q: store.search(str(size + q), TOP_K)) for q in range(queries)]  # type: ignore[misc]
    rows = []
    for number, (name, settings) in enumerate(SETTINGS.items()):
        hnsw = {"space": "cosine"} | {key: value or size for key, value in settings.items()}
        label = f"answers-{kind.replace(' ', '-')}-{number}"
        collection = _client.create_collection(label, embedding_function=None, configuration={"hnsw": hnsw})
        for start in range(0, size, 5000):
            batch = range(start, min(size, start + 5000))
            collection.add(ids=[str(n) for n in batch], embeddings=table[start : batch.stop])
        ask: Callable[[int], Any] = lambda q, c=collection: c.query(  # noqa: E731
            query_embeddings=[asked[q]], n_results=TOP_K, include=[]
        )
        ask(0)
        times, correct = [], 0
        for q in range(queries):
            started = time.perf_counter()
            found = [int(i) for i in ask(q)["ids"][0]]
            times.append(time.perf_counter() - started)
            scores = np.sort(np.einsum("nd,d->n", table[found], asked[q], dtype=np.float64))
            correct += len(found) == TOP_K and bool(np.allclose(scores, right[q], atol=1e-5))
        _client.delete_collection(label)
        of = f"{size:,} {kind}, {name}"
        rows.append(
            Row.more_is_better(f"best five right of {of}", 1.0, correct / queries or 1e-9, PEER, "share", queries)
        )
        medians = [1000 * statistics.median(these) for these in (scan, times)]
        rows.append(Row.less_is_better(f"search of {of}", *medians, PEER, "ms", queries))
    return rows


def _vectors(kind: str, size: int, queries: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors to keep and to ask for: unrelated, in 200 clusters, or of 64 sentences said over and over."""
    rng = np.random.default_rng(size)
    rows = rng.standard_normal((size + queries, DIMENSION))
    if kind == "clustered":
        rows = 0.5 * rows + rng.standard_normal((200, DIMENSION))[rng.integers(200, size=len(rows))]
    elif kind == "64 sentences":
        rows = rows[rng.integers(64, size=len(rows))]
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return rows[:size], rows[size:]


def _encoding(repetitions: int) -> list[Row]:
    """What encoding costs, cached and not."""
    encoder = make_encoder("minilm")
    texts = [
        f"The red key number {n} lies on the table in the kitchen next to the blue door."
        for n in range(40 * repetitions)
    ]
    encoder.encode(["warm up"])
    fresh = iter(texts)
    one = [_seconds(lambda: encoder.encode([next(fresh)])) for _ in range(repetitions)]
    cached = [_seconds(lambda: encoder.encode([texts[0]])) for _ in range(repetitions)]
    batch = [_seconds(lambda: encoder.encode([next(fresh) for _ in range(32)])) for _ in range(repetitions)]
    return [
        Row.alone("encode one text, not cached", 1000 * statistics.median(one), "ms", repetitions),
        Row.alone("encode one text, cached", 1000 * statistics.median(cached), "ms", repetitions),
        Row.alone("encode 32 texts, not cached", 1000 * statistics.median(batch), "ms", repetitions),
    ]


def _seconds(function: Callable[[], Any]) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


if __name__ == "__main__":
    run(measure, __doc__)
