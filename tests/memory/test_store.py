"""LTM: one truth in Python, whatever index proposes the candidates."""

import json
import os
import pickle

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agemem_gym.errors import ConfigurationError
from agemem_gym.memory import FilterError, MemoryStore, StoreSnapshot, UnknownMemoryError, make_encoder, make_index

INDICES = ("exact", "chroma")


@pytest.fixture(params=INDICES)
def store(request):
    store = MemoryStore(make_encoder("hash"), make_index(request.param))
    yield store
    store.close()


@pytest.fixture(scope="module")
def pair():
    stores = [MemoryStore(make_encoder("hash"), make_index(index)) for index in INDICES]
    yield stores
    for store in stores:
        store.close()


def found(store, *arguments, **keywords):
    return [match.record.id for match in store.search(*arguments, **keywords)]


def test_ids_are_sequential_and_never_used_twice(store):
    assert [store.add(text).id for text in ("a", "b", "c")] == ["m1", "m2", "m3"]
    store.delete("m3")
    assert store.add("d").id == "m4"
    assert [record.id for record in store] == ["m1", "m2", "m4"]


def test_clear_starts_ids_again(store):
    store.add("a")
    store.clear()
    assert len(store) == 0
    assert store.search("a") == []
    assert store.add("b").id == "m1"


def test_the_most_similar_comes_first(store):
    store.add("a blue door")
    store.add("the red key lies in the kitchen")
    best = store.search("red key", top_k=1)
    assert best[0].record.id == "m2"
    assert 0 < best[0].score <= 1


def test_ties_come_in_the_order_of_their_ids(store):
    for _ in range(40):
        store.add("the same words")
    store.update("m2", "the same words")  # written last
    assert found(store, "the same words", 12) == [f"m{i}" for i in range(1, 13)]


def test_update_changes_content_vector_and_time(store):
    store.now = 3
    store.add("a blue door", {"a": 1})
    store.add("green")
    store.now = 7
    record = store.update("m1", "a red key")
    assert (record.content, record.metadata, record.created, record.updated) == ("a red key", {"a": 1}, 3, 7)
    assert found(store, "red key", 1) == ["m1"]
    assert store.update("m1", "x", {"b": 2}).metadata == {"b": 2}


def test_a_deleted_entry_is_not_found(store):
    for i in range(20):
        store.add(f"red key {i}")
    store.search("red key")
    store.delete("m3")
    assert "m3" not in store
    assert "m3" not in found(store, "red key 2", 20)


@pytest.mark.parametrize("call", [lambda s: s.get("m9"), lambda s: s.update("m9", "x"), lambda s: s.delete("m9")])
def test_an_unknown_id_is_an_error_and_changes_nothing(store, call):
    store.add("a")
    before = store.snapshot()
    with pytest.raises(UnknownMemoryError, match="no entry 'm9'"):
        call(store)
    assert store.snapshot() == before


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ({"kind": "fact"}, ["m1", "m3"]),
        ({"kind": {"$ne": "fact"}}, ["m2"]),
        ({"step": {"$gt": 1}}, ["m2", "m3"]),
        ({"step": {"$gte": 1, "$lt": 3}}, ["m1", "m2"]),
        ({"step": {"$lte": 1}}, ["m1"]),
        ({"kind": {"$in": ["plan", "other"]}}, ["m2"]),
        ({"kind": {"$nin": ["plan"]}}, ["m1", "m3"]),
        ({"$and": [{"kind": "fact"}, {"step": 3}]}, ["m3"]),
        ({"$or": [{"kind": "plan"}, {"step": 3}]}, ["m2", "m3"]),
        ({"missing": 1}, []),
        ({"missing": {"$ne": 1}}, ["m1", "m2", "m3"]),
        ({"flag": 1}, []),
        ({"flag": True}, ["m1"]),
        ({"kind": {"$gt": 1}}, []),
        ({}, ["m1", "m2", "m3"]),
    ],
)
def test_metadata_filters(store, where, ids):
    store.add("x", {"kind": "fact", "step": 1, "flag": True})
    store.add("x", {"kind": "plan", "step": 2})
    store.add("x", {"kind": "fact", "step": 3})
    assert found(store, "x", 10, where) == ids


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"$nor": []}, "unknown operator"),
        ({"a": {"$like": 1}}, "unknown operator"),
        ({"a": {"$in": 1}}, "takes a list"),
        ({"$and": []}, "takes a list"),
        ({"$or": [3]}, "is an object"),
        ({"a": {}}, "is empty"),
        ([1], "is an object"),
    ],
)
def test_a_filter_that_is_none_says_so(store, where, message):
    store.add("x")
    with pytest.raises(FilterError, match=message):
        store.search("x", where=where)


def test_nested_and_empty_metadata_are_kept(store):
    metadata = {"a": {"b": [1, None, "ü"]}, "empty": {}}
    store.add("x", metadata)
    store.add("y", {})
    assert store.get("m1").metadata == metadata
    assert store.get("m2").metadata == {}


def test_snapshot_and_restore(store):
    store.add("red key", {"a": 1})
    store.add("blue door")
    store.delete("m1")
    snapshot = pickle.loads(pickle.dumps(store.snapshot()))
    assert StoreSnapshot.from_dict(json.loads(json.dumps(snapshot.to_dict()))) == snapshot
    store.add("green ball")
    store.update("m2", "changed")
    store.restore(snapshot)
    assert [(record.id, record.content) for record in store] == [("m2", "blue door")]
    assert found(store, "blue door") == ["m2"]
    assert store.add("next").id == "m3"


def test_a_failing_encoder_changes_nothing():
    def encode(texts):
        if "bad" in texts:
            raise RuntimeError("down")
        return np.ones((len(texts), 2))

    store = MemoryStore(make_encoder(encode), make_index("exact"))
    store.add("good")
    for call in (lambda: store.add("bad"), lambda: store.update("m1", "bad")):
        with pytest.raises(RuntimeError):
            call()
    assert [(record.id, record.content) for record in store] == [("m1", "good")]
    assert store.add("good").id == "m2"


def test_top_k_must_be_positive(store):
    with pytest.raises(ConfigurationError, match="top_k=0"):
        store.search("x", 0)


_TEXT = st.lists(st.sampled_from("red blue key door lamp".split()), min_size=1, max_size=3).map(" ".join)
_NUMBER = st.integers(0, 30)
_OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), _TEXT),
        st.tuples(st.just("add"), _TEXT),
        st.tuples(st.just("update"), _NUMBER, _TEXT),
        st.tuples(st.just("delete"), _NUMBER),
        st.tuples(st.just("search"), _TEXT, st.integers(1, 6)),
        st.tuples(st.just("clear")),
        st.tuples(st.just("again")),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(_OPERATIONS)
def test_both_indices_agree_with_a_plain_dict_under_any_operations(pair, operations):
    for store in pair:
        store.clear()
    model, number, snapshot = {}, 0, None
    for operation, *arguments in operations:
        if operation == "add":
            number += 1
            model[f"m{number}"] = arguments[0]
            assert {store.add(arguments[0]).id for store in pair} == {f"m{number}"}
        elif operation in ("update", "delete") and model:
            memory_id = sorted(model)[arguments[0] % len(model)]
            for store in pair:
                getattr(store, operation)(memory_id, *arguments[1:])
            if operation == "update":
                model[memory_id] = arguments[1]
            else:
                del model[memory_id]
        elif operation == "clear":
            for store in pair:
                store.clear()
            model, number = {}, 0
        elif operation == "again" and snapshot is None:
            snapshot = (pair[0].snapshot(), dict(model), number)
        elif operation == "again":
            for store in pair:
                store.restore(snapshot[0])
            model, number = dict(snapshot[1]), snapshot[2]
        elif operation == "search":
            exact, chroma = (store.search(*arguments) for store in pair)
            assert exact == chroma
            assert len(exact) == min(arguments[1], len(model))
        for store in pair:
            assert {record.id: record.content for record in store} == model


def test_both_indices_give_the_same_top_five_of_five_thousand():
    rng = np.random.default_rng(0)
    vectors = dict(enumerate(rng.standard_normal((5100, 64))))
    encoder = make_encoder(lambda texts: np.stack([vectors[int(text)] for text in texts]))
    stores = [MemoryStore(encoder, make_index(index)) for index in INDICES]
    for store in stores:
        store.add_many([(str(i), None) for i in range(5000)])
    agreed = sum(stores[0].search(str(q), 5) == stores[1].search(str(q), 5) for q in range(5000, 5100))
    for store in stores:
        store.close()
    assert agreed >= 99  # Chroma's graph search is approximate; random vectors are its worst case


def test_a_thousand_episodes_leak_neither_memory_nor_descriptors():
    process = psutil.Process()
    store = MemoryStore(make_encoder("hash"), make_index("chroma"))

    def episode(number):
        store.clear()
        for i in range(12):
            store.add(f"episode {number % 50} entry {i}")
        for i in range(3):
            store.update(f"m{i + 1}", f"changed {i}")
            store.search(f"entry {i}", 3)
        store.delete("m4")
        store.delete("m5")

    for number in range(100):
        episode(number)
    memory, descriptors = process.memory_info().rss, process.num_fds()
    for number in range(1000):
        episode(number)
    grown = process.memory_info().rss - memory
    assert grown < 50e6
    assert process.num_fds() <= descriptors
    store.close()


def test_indices_that_come_and_go_use_their_collections_again():
    from agemem_gym.memory import chroma

    def open_and_close():
        stores = [MemoryStore(make_encoder("hash"), make_index("chroma")) for _ in range(3)]
        for store in stores:
            for i in range(15):
                store.add(f"text {i}")
            assert len(store.search("text 3", 2)) == 2
        for store in stores:
            store.close()

    open_and_close()
    names = sorted(name for pid, _, name in chroma._free_names if pid == os.getpid())
    for _ in range(5):
        open_and_close()
    assert sorted(name for pid, _, name in chroma._free_names if pid == os.getpid()) == names


def test_two_open_stores_do_not_see_each_other():
    stores = [MemoryStore(make_encoder("hash"), make_index("chroma")) for _ in range(2)]
    for number, store in enumerate(stores):
        for i in range(15):
            store.add(f"secret of store {number} {i}")
    for number, store in enumerate(stores):
        contents = [match.record.content for match in store.search("secret of store", 15)]
        assert all(f"store {number}" in content for content in contents)
        store.close()
