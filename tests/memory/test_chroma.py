"""Chroma on a path, on a server, and across a fork."""

import gc
import multiprocessing
import subprocess
import sys
import time

import psutil
import pytest

from agemem_gym.errors import ConfigurationError, EngineError
from agemem_gym.memory import MemoryStore, make_encoder, make_index, make_memory


def persistent(**place):
    encoder = make_encoder("hash")
    return MemoryStore(encoder, make_index("chroma", encoder=encoder, **place))


def write_and_read(**place):
    store = persistent(**place)
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


def test_entries_on_a_server_survive_the_store(chroma_url):
    write_and_read(chroma_url=chroma_url)


def test_collections_on_a_server_are_apart(chroma_url):
    one, two = (persistent(chroma_url=chroma_url, collection=name) for name in ("one", "two"))
    one.add("of one")
    assert len(two) == 0
    assert [match.record.content for match in one.search("of")] == ["of one"]
    one.close(), two.close()


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
        ("chroma", {"chroma_url": "http://host/path"}, "expected http://HOST:PORT"),
        ("chroma", {"chroma_url": "http://host:port"}, "expected http://HOST:PORT"),
        (
            "chroma",
            {"chroma_url": "http://host", "chroma_timeout": 0},
            "chroma_timeout=0: expected a number of seconds",
        ),
        *(
            ("chroma", {"collection": name, **place}, "expected 3 to 512 characters of")
            for name in ("", "a", "ab", "with space", "ümlaut", "-begins", "ends.", "a/b", "x" * 513, "{m}-notes", 7)
            for place in ({}, {"chroma_path": "somewhere"}, {"chroma_url": "http://host"})
        ),
        ("exact", {"chroma_path": "a"}, "takes no chroma_path"),
        ("faiss", {}, "unknown index 'faiss'"),
    ],
)
def test_wrong_keywords_are_refused_at_once(spec, place, message):
    with pytest.raises(ConfigurationError, match=message):
        make_index(spec, **place)


def test_secrets_of_a_url_are_in_no_error():
    url = "http://ann:secret@127.0.0.1:9"
    store = persistent(chroma_url=url)
    with pytest.raises(ConfigurationError, match=r"http://\*\*\*@127\.0\.0\.1:9") as refused:
        store.add("x")
    with pytest.raises(ConfigurationError, match="expected http://HOST:PORT") as misspelt:
        make_index("chroma", chroma_url=url + "/?key=abc")
    for told in (str(refused.value), str(misspelt.value), str(store.index)):
        assert "secret" not in told
        assert "ann" not in told
        assert "abc" not in told


# ------------------------------------------------------------------------------------------------- one owner at a time


def other_process(code, *arguments):
    """A process that runs `code` and prints "ready" when it has done so, then waits for its input to end."""
    process = subprocess.Popen(
        [sys.executable, "-c", _OPEN + code + "\nprint('ready', flush=True)\nsys.stdin.read()", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    return process


_OPEN = """
import sys
from agemem_gym.memory import MemoryStore, make_encoder, make_index
encoder = make_encoder("hash")
def opened(**place):
    return MemoryStore(encoder, make_index("chroma", encoder=encoder, **place))
"""


def test_a_folder_has_one_process_at_a_time(tmp_path):
    owner = other_process("store = opened(chroma_path=sys.argv[1]); store.add('mine')", str(tmp_path))
    for name in (None, "another"):
        with pytest.raises(ConfigurationError, match=f"is in use by process {owner.pid}: "):
            persistent(chroma_path=str(tmp_path), collection=name).add("x")
    owner.kill()  # whatever way it ends
    owner.wait()
    store = persistent(chroma_path=str(tmp_path))
    assert [record.content for record in store] == ["mine"]
    store.close()


def test_a_folder_is_free_after_close(tmp_path):
    one = persistent(chroma_path=str(tmp_path))
    two = persistent(chroma_path=str(tmp_path), collection="two")
    one.add("of one"), two.add("of two")
    one.close()
    failing = _OPEN + "opened(chroma_path=sys.argv[1]).add('x')"
    refused = subprocess.run([sys.executable, "-c", failing, str(tmp_path)], capture_output=True, text=True)
    assert "is in use by process" in refused.stderr
    two.close()
    other_process("assert len(opened(chroma_path=sys.argv[1])) == 1", str(tmp_path)).communicate()
    again = persistent(chroma_path=str(tmp_path))
    assert len(again) == 1
    again.close()


def test_opening_and_closing_a_folder_leaves_nothing_open(tmp_path):
    def open_there():
        return [file.path for file in psutil.Process().open_files() if file.path.startswith(str(tmp_path))]

    for _ in range(5):
        store = persistent(chroma_path=str(tmp_path))
        store.add("x")
        assert open_there()
        store.close()
        given_up = time.monotonic() + 10  # Chroma's own threads close the last file a moment later
        while open_there() and time.monotonic() < given_up:
            time.sleep(0.01)
        assert open_there() == []


@pytest.mark.parametrize("where", ["process", "path", "server"])
def test_a_collection_has_one_env_at_a_time(where, tmp_path, chroma_url):
    place = {"process": {}, "path": {"chroma_path": str(tmp_path)}, "server": {"chroma_url": chroma_url}}[where]
    one, two = (persistent(collection=f"shared-{where}", **place) for _ in range(2))
    one.add("x"), one.search("x")
    for _ in range(2):
        with pytest.raises(
            ConfigurationError, match="in use by another env of this process: close it, or give each env"
        ):
            two.add("y"), two.search("y")
    one.close()
    assert two.search("x") is not None
    two.close()


@pytest.mark.parametrize("where", ["path", "server"])
def test_an_env_that_was_never_closed_lets_go_when_it_is_gone(where, tmp_path, chroma_url):
    place = {"path": {"chroma_path": str(tmp_path)}, "server": {"chroma_url": chroma_url}}[where]
    store = persistent(collection="left-open", **place)
    store.add("x")
    del store
    gc.collect()
    again = persistent(collection="left-open", **place)
    assert len(again) == 1
    again.close()


_FIFTEEN = """
store = opened(chroma_url=sys.argv[1], collection=sys.argv[2])
for i in range(15):
    store.add(f"note {i} of {sys.argv[3]}")
"""


def test_two_processes_with_fifteen_notes_each_leave_thirty(chroma_url):
    writers = [other_process(_FIFTEEN, chroma_url, "notes-{n}", name) for name in ("one", "two")]
    for writer in writers:
        writer.communicate()
    stores = [persistent(chroma_url=chroma_url, collection=f"notes-{n}") for n in range(2)]
    assert sorted({record.content.split()[-1] for store in stores for record in store}) == ["one", "two"]
    assert [len(store) for store in stores] == [15, 15]
    for store in stores:
        store.close()


def test_of_processes_that_open_one_collection_at_once_one_gets_it(chroma_url):
    code = _OPEN + (
        "import time\nstore = opened(chroma_url=sys.argv[1], collection='raced')\n"
        "time.sleep(max(0, float(sys.argv[2]) - time.time()))\n"
        "try:\n    store.add('x'); print('mine', flush=True); sys.stdin.read()\n"
        "except Exception as error:\n    print(error, flush=True)\n"
    )
    at = str(time.time() + 6)
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", code, chroma_url, at], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    lines = [racer.stdout.readline() for racer in racers]
    for racer in racers:
        racer.communicate()
    assert lines.count("mine\n") == 1, lines
    assert sum("is in use by process" in line for line in lines) == 3, lines


def test_a_collection_whose_process_was_killed_is_free_again(chroma_url):
    owner = other_process("store = opened(chroma_url=sys.argv[1], collection='killed'); store.add('left')", chroma_url)
    store = persistent(chroma_url=chroma_url, collection="killed")
    with pytest.raises(ConfigurationError, match=f"in use by process {owner.pid} on "):
        store.add("x")
    owner.kill()
    owner.wait()
    assert [record.content for record in store] == ["left"]
    store.close()


# ------------------------------------------------------------------------------------------------- what was there before


@pytest.mark.parametrize("where", ["path", "server"])
def test_what_was_there_before_is_not_wiped_unless_it_is_asked_for(where, tmp_path, chroma_url):
    place = {"path": {"chroma_path": str(tmp_path)}, "server": {"chroma_url": chroma_url, "collection": "earlier"}}[
        where
    ]
    other_process("store = opened(**eval(sys.argv[1])); store.now = 7; store.add('earlier')", repr(place)).communicate()

    store = persistent(**place)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=r"holds 1 entries that were there before.*chroma_existing='wipe'"):
            store.clear()
    assert store.now == 7  # the clock goes on
    store.add("later")
    assert [record.content for record in store] == ["earlier", "later"]
    store.delete("m1")  # a DELETE is asked for
    store.clear()  # what this store has written itself may go
    store.add("again")
    store.close()

    encoder = make_encoder("hash")
    wiping = make_memory(None, encoder, chroma_existing="wipe", **place)
    wiping.clear()
    assert len(wiping) == 0
    wiping.close()
    empty = persistent(**place)
    empty.clear()
    assert len(empty) == 0
    empty.close()


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


_AT_ONCE = """
import threading
from agemem_gym.memory import MemoryStore, make_encoder, make_index

encoder, together, found = make_encoder("hash"), threading.Barrier(12), []

def write_and_search(number):
    together.wait()
    for _ in range(3):  # a collection that one has closed is the next one's
        store = MemoryStore(encoder, make_index("chroma", encoder=encoder))
        store.add(f"the key of thread {number}")
        (match,) = store.search("the key of a thread")
        found.append((number, match.record.content))
        store.close()

threads = [threading.Thread(target=write_and_search, args=(number,)) for number in range(12)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert sorted(found) == [(number, f"the key of thread {number}") for number in range(12) for _ in range(3)], found
"""


def test_threads_that_open_their_first_memories_at_once_each_get_one():
    """In a process of its own: what goes wrong does so where Chroma is used first."""
    subprocess.run([sys.executable, "-c", _AT_ONCE], check=True)
