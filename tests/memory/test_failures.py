"""A call that fails changes nothing, and index and records agree after: encoders, indices and servers that break."""

import signal
import socket
import threading
import time
from contextlib import contextmanager, suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agemem_gym.errors import ConfigurationError, EngineError
from agemem_gym.memory import EncoderError, MemoryBackendError, MemoryStore, make_encoder, make_index, similarities

# ------------------------------------------------------------------------------------------------- encoders


class Broken:
    """A user's encoder that breaks on the text "bad"."""

    name = "broken"
    dimension = 2

    def __init__(self, breakage):
        self._breakage = breakage

    def encode(self, texts):
        good = np.ones((len(texts), 2), dtype=np.float32) / np.sqrt(2)
        return self._breakage(good) if "bad" in texts else good

    def count_tokens(self, text):
        return 1


def raising(error):
    def breakage(good):
        raise error

    return breakage


BREAKAGES = {
    "raises": raising(KeyError("down")),
    "recursion": raising(RecursionError("too deep")),
    "too few rows": lambda good: good[1:],
    "other dimension": lambda good: np.ones((len(good), 3), dtype=np.float32),
    "not finite": lambda good: good * np.nan,
    "no vectors": lambda good: ["a"] * len(good),
    "one row": lambda good: good[0],
    "nothing": lambda good: None,
}


@pytest.mark.parametrize("index", ["exact", "chroma"])
@pytest.mark.parametrize("breakage", BREAKAGES)
@pytest.mark.parametrize("bare", [True, False], ids=["an Encoder", "a callable"])
def test_an_encoder_that_fails_is_an_encoder_error_and_nothing_changes(breakage, bare, index):
    encoder = Broken(BREAKAGES[breakage])
    store = MemoryStore(encoder if bare else make_encoder(encoder.encode), make_index(index))
    store.add("good", {"a": 1})
    other = MemoryStore(make_encoder("hash"), make_index("exact"))
    other.add("bad")
    before = store.snapshot()
    calls = [
        lambda: store.add("bad"),
        lambda: store.add_many([("good", None), ("bad", None)]),
        lambda: store.update("m1", "bad"),
        lambda: store.search("bad"),
        lambda: store.restore(other.snapshot()),
    ]
    for call in calls:
        with pytest.raises(EncoderError):
            call()
        assert store.snapshot() == before
    assert issubclass(EncoderError, EngineError)
    assert store.add("good").id == "m2"
    store.close()


def test_vectors_that_are_not_of_length_one_are_brought_to_it():
    store = MemoryStore(Broken(lambda good: good * 40), make_index("exact"))
    store.add("bad")
    assert store.search("good")[0].score == 1.0
    assert similarities(store.encoder, "good", ["bad", "good"]).tolist() == pytest.approx([1.0, 1.0])


# ------------------------------------------------------------------------------------------------- indices


class Flaky:
    """An index that outlives the store, and breaks when it is told to: before, in the midst of, or after its work."""

    persistent = True

    def __init__(self):
        self.held = {}
        self.breaks = None

    def upsert(self, slots, vectors, records):
        self._work(
            [(slot, (record, vector.copy())) for slot, vector, record in zip(slots, vectors, records, strict=True)]
        )

    def delete(self, slots):
        self._work([(slot, None) for slot in slots])

    def _work(self, changes):
        done = {None: len(changes), "before": 0, "amid": (len(changes) + 1) // 2, "after": len(changes)}[self.breaks]
        for slot, entry in changes[:done]:
            self.held.pop(slot, None)
            if entry is not None:
                self.held[slot] = entry
        if self.breaks is not None:
            raise OSError("the disk is gone")

    def load(self):
        if self.breaks is not None:
            raise OSError("the disk is gone")
        return [(slot, *entry) for slot, entry in self.held.items()]

    def close(self):
        pass


def held_by(index):
    return sorted((r for r, _ in index.held.values()), key=lambda record: record.number)


_OPERATION = st.one_of(
    st.tuples(st.just("add"), st.integers(1, 4)),
    st.tuples(st.just("update"), st.integers(0, 30)),
    st.tuples(st.just("delete"), st.integers(0, 30)),
    st.tuples(st.just("clear")),
    st.tuples(st.just("restore")),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(_OPERATION, st.sampled_from([None, None, "before", "amid", "after"])), max_size=25))
def test_an_index_that_fails_at_any_call_leaves_records_as_they_were_and_agrees_after(operations):
    index = Flaky()
    store = MemoryStore(make_encoder("hash"), index)
    saved = store.snapshot()
    for number, ((operation, *arguments), breaks) in enumerate(operations):
        before = store.snapshot()
        store.now = number
        ids = [record.id for record in store]
        index.breaks = breaks
        try:
            if operation == "add":
                store.add_many([(f"text {number} {i}", {"i": i}) for i in range(arguments[0])])
            elif operation in ("update", "delete") and ids:
                more = (f"changed {number}",) if operation == "update" else ()
                getattr(store, operation)(ids[arguments[0] % len(ids)], *more)
            elif operation == "clear":
                store.clear()
            elif operation == "restore":
                store.restore(saved)
                saved = before
        except MemoryBackendError:
            assert list(store) == list(before.records)
        else:
            if ids or operation not in ("update", "delete"):
                assert held_by(index) == list(store)
        index.breaks = None
        expected = {record.id: record for record in store}
        for match in store.search("text 1", 50):
            assert expected.pop(match.record.id) == match.record
        assert not expected
    store.add("the last one")
    assert held_by(index) == list(store)
    again = MemoryStore(make_encoder("hash"), index)
    assert list(again) == list(store)


def test_a_failed_first_use_is_tried_again():
    index = Flaky()
    first = MemoryStore(make_encoder("hash"), index)
    first.add("kept")
    index.breaks = "before"
    store = MemoryStore(make_encoder("hash"), index)
    for call in (lambda: len(store), lambda: store.add("x"), store.clear, lambda: store.now):
        with pytest.raises(MemoryBackendError, match="Flaky failed: OSError: the disk is gone"):
            call()
    index.breaks = None
    assert [record.content for record in store] == ["kept"]


# ------------------------------------------------------------------------------------------------- a Chroma server


def on(server, **keywords):
    encoder = make_encoder("hash")
    return MemoryStore(encoder, make_index("chroma", chroma_url=server.url, encoder=encoder, **keywords))


CALLS = {
    "ADD": lambda store: store.add("m3"),
    "UPDATE": lambda store: store.update("m1", "changed"),
    "DELETE": lambda store: store.delete("m1"),
    "restore": lambda store: store.restore(MemoryStore(store.encoder, make_index("exact")).snapshot()),
    "clear": lambda store: store.clear(),
}


def test_a_server_that_is_killed_leaves_no_half_step_and_agrees_when_it_is_back(own_chroma):
    store = on(own_chroma)
    store.add("red"), store.add("blue")
    for number, call in enumerate(CALLS.values()):
        before = store.snapshot()
        own_chroma.kill()
        with pytest.raises(MemoryBackendError, match=r"Chroma server at http://127.0.0.1:\d+ failed"):
            call(store)
        assert store.snapshot() == before
        assert store.search("red", 1)[0].record.content == "red"  # the records answer without it
        own_chroma.start()
        if number % 2:
            store.add(f"after {number}")
            store.delete(list(store)[-1].id)
    store.add("after all")
    expected = list(store)
    store.close()
    again = on(own_chroma)
    assert list(again) == expected
    again.close()


def test_a_server_that_is_stopped_ends_the_call_after_its_time_and_agrees_when_it_goes_on(own_chroma):
    store = on(own_chroma, chroma_timeout=1.0)
    store.add("red"), store.add("blue")
    for call in CALLS.values():
        before = store.snapshot()
        own_chroma.signal(signal.SIGSTOP)
        started = time.monotonic()
        with pytest.raises(MemoryBackendError, match="no answer within 1 s"):
            call(store)
        assert time.monotonic() - started < 4
        assert store.snapshot() == before
        own_chroma.signal(signal.SIGCONT)
        time.sleep(0.3)  # what it was asked before, it does now
        store.add("on it goes")
    expected = list(store)
    store.close()
    again = on(own_chroma)
    assert list(again) == expected
    again.close()


def test_closing_a_store_whose_server_is_gone_tells_what_may_differ_and_does_not_raise(own_chroma):
    store = on(own_chroma)
    store.add("red")
    own_chroma.kill()
    with suppress(MemoryBackendError):
        store.add("blue")
    with pytest.warns(UserWarning, match="1 entries may differ in the index: .* failed"):
        store.close()
    store.close()


@contextmanager
def listener(serve):
    """A local server that does `serve` with each connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        held = []

        def accept():
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    held.append(connection)
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        for connection in held:
            connection.close()


def silence(connection):
    """Take the connection and never say anything."""


def drip(connection):
    """Answer a byte at a time, so that no single read takes long."""
    with suppress(OSError):
        for byte in b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n" + b"{" * 900:
            connection.sendall(bytes([byte]))
            time.sleep(0.2)


def cut(connection):
    """Close in the middle of the body."""
    with suppress(OSError):
        connection.recv(4096)
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{"a"')
        connection.close()


@pytest.mark.parametrize(
    ("serve", "message"),
    [(silence, "no answer within 1 s"), (drip, "no answer within 1 s"), (cut, "no Chroma server at")],
)
def test_what_is_no_chroma_server_is_told_in_time(serve, message):
    encoder = make_encoder("hash")
    with listener(serve) as url:
        store = MemoryStore(encoder, make_index("chroma", chroma_url=url, encoder=encoder, chroma_timeout=1.0))
        started = time.monotonic()
        with pytest.raises(ConfigurationError, match=message):
            store.add("x")
        assert time.monotonic() - started < 4
        store.close()
