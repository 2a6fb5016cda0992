"""Memory operations: add, update, delete, retrieve at 10 to 10,000 entries, against raw Chroma with the same vectors.

Every operation is timed on our store and on the peer in turn, in one run; figures are medians. Vectors are made beforehand, so
that encoding does not enter; what encoding costs stands in rows of its own. Our writes wait until the next retrieve, whose
batch they join: the rows "add, then retrieve" show both together.
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
    return [*rows, _after_many_episodes(60 if quick else 400), *_encoding(5 if quick else 30)]


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
