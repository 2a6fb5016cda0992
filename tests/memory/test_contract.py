"""The contract of a memory, on ours over every index and on a small one as a user would write it."""

import operator

import pytest

from agemem_gym.errors import ConfigurationError
from agemem_gym.memory import (
    Match,
    Memory,
    MemoryRecord,
    MemoryStore,
    UnknownMemoryError,
    contract,
    make_encoder,
    make_index,
    make_memory,
)
from agemem_gym.memory.filters import matches, validate


class WordMemory:
    """A dict of records; the nearest entry is the one that shares most words."""

    def __init__(self):
        self.clear()

    def clear(self):
        self.now, self._records, self._next = 0, {}, 1

    def add(self, content, metadata=None):
        record = MemoryRecord(f"note-{self._next}", content, dict(metadata or {}), self.now)
        self._next += 1
        self._records[record.id] = record
        return record

    def update(self, memory_id, content, metadata=None):
        old = self.get(memory_id)
        kept = old.metadata if metadata is None else dict(metadata)
        self._records[memory_id] = MemoryRecord(memory_id, content, kept, old.created, self.now)
        return self._records[memory_id]

    def delete(self, memory_id):
        self.get(memory_id)
        return self._records.pop(memory_id)

    def get(self, memory_id):
        if memory_id not in self._records:
            raise UnknownMemoryError(f"no note {memory_id!r}")
        return self._records[memory_id]

    def search(self, query, top_k=3, metadata_filter=None):
        validate(metadata_filter or {})
        asked = set(query.lower().split())
        found = [
            Match(record, len(asked & set(record.content.lower().split())) / max(1, len(asked)))
            for record in self
            if matches(record.metadata, metadata_filter or {})
        ]
        return sorted(found, key=lambda match: -match.score)[:top_k]

    def __iter__(self):
        return iter(self._records.values())

    def __len__(self):
        return len(self._records)

    def snapshot(self):
        return dict(self._records), self._next, self.now

    def restore(self, snapshot):
        records, self._next, self.now = snapshot
        self._records = dict(records)

    def close(self):
        pass


def on_a_path(tmp_path):
    encoder = make_encoder("hash")
    return MemoryStore(encoder, make_index("chroma", chroma_path=str(tmp_path), encoder=encoder))


MEMORIES = {
    "exact": lambda tmp_path: MemoryStore(make_encoder("hash"), make_index("exact")),
    "chroma": lambda tmp_path: MemoryStore(make_encoder("hash"), make_index("chroma")),
    "path": on_a_path,
    "a user's": lambda tmp_path: WordMemory(),
}


@pytest.mark.parametrize("name", MEMORIES)
@pytest.mark.parametrize("check", contract.CHECKS, ids=operator.attrgetter("__name__"))
def test_every_memory_keeps_the_contract(check, name, tmp_path):
    memory = MEMORIES[name](tmp_path)
    check(memory)
    memory.close()


class Forgetful(WordMemory):
    def restore(self, snapshot):
        pass


class Careless(WordMemory):
    def delete(self, memory_id):
        return self._records.pop(memory_id, None)


class Reusing(WordMemory):
    def delete(self, memory_id):
        self._next -= 1
        return super().delete(memory_id)


class Unsorted(WordMemory):
    def search(self, *arguments, **keywords):
        return super().search(*arguments, **keywords)[::-1]


class Timeless(WordMemory):
    def clear(self):
        now = getattr(self, "now", 0)
        super().clear()
        self.now = now


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (Forgetful, "restore brings every entry back"),
        (Careless, "an unknown id is an UnknownMemoryError"),
        (Reusing, "an id is not used again"),
        (Unsorted, "a text's nearest entry is that text"),
        (Timeless, "clear sets the clock to 0"),
    ],
)
def test_a_memory_that_breaks_the_contract_is_told_in_which_sentence(make, sentence):
    with pytest.raises(AssertionError, match=sentence):
        contract.check_memory(make)


def test_a_memory_is_made_of_none_a_name_a_class_a_function_or_itself():
    encoder = make_encoder("hash")
    mine = WordMemory()
    assert isinstance(make_memory(None, encoder, index="exact"), MemoryStore)
    assert isinstance(make_memory("store", encoder, index="exact"), MemoryStore)
    assert make_memory(mine, encoder) is mine
    assert isinstance(make_memory(WordMemory, encoder), WordMemory)
    assert isinstance(make_memory(lambda: mine), Memory)
    made = make_memory(lambda given: MemoryStore(given, make_index("exact")), encoder)
    assert made.encoder is encoder


def test_a_memory_may_be_named_by_its_module(tmp_path, monkeypatch):
    (tmp_path / "my_memory.py").write_text(
        "from agemem_gym.memory import MemoryStore, make_index\n"
        "def make(encoder):\n    return MemoryStore(encoder, make_index('exact'))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    one, two = (make_memory("my_memory:make", make_encoder("hash")) for _ in range(2))
    assert isinstance(one, MemoryStore)
    assert one is not two


@pytest.mark.parametrize(
    ("spec", "keywords", "message"),
    [
        ("nonsense", {}, "unknown memory 'nonsense': expected 'store'"),
        ("no.such.module:Class", {}, "cannot be imported"),
        ("json:loads", {}, "failed: TypeError"),
        (3, {}, "a int is no Memory, it lacks"),
        (dict, {}, "a dict is no Memory, it lacks add, close, delete, now"),
        (WordMemory, {"chroma_path": "x"}, "chroma_path= is for memory='store'"),
        (None, {"index": object()}, "expected 'chroma', 'exact', or a VectorIndex"),
        (None, {"chroma_existing": "keep", "index": "exact"}, "chroma_existing='keep': expected 'refuse' or 'wipe'"),
    ],
)
def test_what_is_no_memory_is_one_clear_error(spec, keywords, message):
    with pytest.raises(ConfigurationError, match=message):
        make_memory(spec, make_encoder("hash"), **keywords)
