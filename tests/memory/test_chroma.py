"""Chroma on a path, on a server, and across a fork."""

import multiprocessing
import socket
import subprocess
import sys
import time

import pytest

from agemem_gym.errors import ConfigurationError, EngineError
from agemem_gym.memory import MemoryStore, make_encoder, make_index


def persistent(**place):
    encoder = make_encoder("hash")
    return MemoryStore(encoder, make_index("chroma", encoder=encoder, **place))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    chroma = [sys.executable, "-c", "from chromadb.cli.cli import app; app()", "run"]
    process = subprocess.Popen(
        [*chroma, "--path", str(tmp_path_factory.mktemp("chroma")), "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        assert process.poll() is None, "chroma run has ended"
        time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait()


def write_and_read(**place):
    store = persistent(**place)
    store.clear()
    store.now = 4
    store.add("the red key", {"nested": {"a": [1]}})
    store.add("to be deleted")
    store.add("the blue door")
    store.update("m3", "the green door")
    store.delete("m2")
    store.close()

    again = persistent(**place)
    assert [(r.id, r.content, r.created, r.updated) for r in again] == [
        ("m1", "the red key", 4, None),
        ("m3", "the green door", 4, 4),
    ]
    assert again.get("m1").metadata == {"nested": {"a": [1]}}
    assert [match.record.id for match in again.search("green door")] == ["m3", "m1"]
    assert again.add("next").id == "m4"
    again.close()


def test_entries_on_a_path_survive_the_store(tmp_path):
    write_and_read(chroma_path=str(tmp_path / "db"))


_WRITER = """
import sys
from agemem_gym.memory import MemoryStore, make_encoder, make_index
encoder = make_encoder("hash")
store = MemoryStore(encoder, make_index("chroma", chroma_path=sys.argv[1], encoder=encoder))
store.add("written elsewhere")
"""


def test_entries_on_a_path_survive_the_process_even_without_close(tmp_path):
    subprocess.run([sys.executable, "-c", _WRITER, str(tmp_path)], check=True)
    store = persistent(chroma_path=str(tmp_path))
    assert [record.content for record in store] == ["written elsewhere"]
    store.close()


def test_entries_on_a_server_survive_the_store(server):
    write_and_read(chroma_url=server)


def test_collections_on_a_server_are_apart(server):
    one, two = (persistent(chroma_url=server, collection=name) for name in ("one", "two"))
    one.clear(), two.clear()
    one.add("of one")
    assert len(two) == 0
    assert [match.record.content for match in one.search("of")] == ["of one"]


def test_an_unreachable_server_is_one_clear_error():
    store = persistent(chroma_url="http://127.0.0.1:9")
    with pytest.raises(ConfigurationError, match=r"no Chroma server at http://127.0.0.1:9 .*`chroma run"):
        store.add("x")


def test_another_encoders_collection_is_refused(tmp_path):
    store = persistent(chroma_path=str(tmp_path))
    store.add("x")
    store.close()
    other = make_encoder(lambda texts: [[1.0, 0.0]] * len(texts))
    with pytest.raises(ConfigurationError, match="holds vectors of encoder 'hash-256'"):
        len(MemoryStore(other, make_index("chroma", chroma_path=str(tmp_path), encoder=other)))


@pytest.mark.parametrize(
    ("spec", "place", "message"),
    [
        ("chroma", {"chroma_path": "a", "chroma_url": "http://b"}, "exclude each other"),
        ("chroma", {"chroma_url": "localhost:8000"}, "expected http://HOST:PORT"),
        ("chroma", {"collection": "a"}, "3 to 512 characters"),
        ("exact", {"chroma_path": "a"}, "takes no chroma_path"),
        ("faiss", {}, "unknown index 'faiss'"),
    ],
)
def test_wrong_keywords_are_refused_at_once(spec, place, message):
    with pytest.raises(ConfigurationError, match=message):
        make_index(spec, **place)


def test_a_path_that_cannot_be_used_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    store = persistent(chroma_path=str(tmp_path / "file" / "db"))
    with pytest.raises((ConfigurationError, EngineError), match="cannot be used"):
        store.add("x")


def _child(store, queue):
    for i in range(20):
        store.add(f"child {i}")
    first = [match.record.content for match in store.search("parent 3", 1)]
    fresh = MemoryStore(make_encoder("hash"), make_index("chroma"))
    for i in range(20):
        fresh.add(f"fresh {i}")
    second = [match.record.content for match in fresh.search("fresh 7", 1)]
    queue.put((first, second, len(store)))
    for other in (store, fresh):
        other.clear()
        other.close()


def test_a_forked_child_neither_hangs_nor_touches_its_parents_store():
    store = MemoryStore(make_encoder("hash"), make_index("chroma"))
    for i in range(20):
        store.add(f"parent {i}")
    store.search("parent")  # the client is live
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_child, args=(store, queue))
    child.start()
    assert queue.get(timeout=60) == (["parent 3"], ["fresh 7"], 40)
    child.join(timeout=30)
    assert child.exitcode == 0
    assert len(store) == 20
    assert [match.record.content for match in store.search("parent 3", 1)] == ["parent 3"]
    store.close()


def _open_path_in_child(path, queue):
    try:
        persistent(chroma_path=path).add("x")
    except ConfigurationError as error:
        queue.put(str(error))


def test_a_path_in_a_forked_child_of_a_user_of_chroma_is_one_clear_error(tmp_path):
    store = persistent(chroma_path=str(tmp_path))
    store.add("x")
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_open_path_in_child, args=(str(tmp_path), queue))
    child.start()
    assert "start workers with spawn" in queue.get(timeout=60)
    child.join(timeout=30)
    store.close()
