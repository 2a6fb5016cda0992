"""Whether a memory keeps the contract of :class:`agemem_gym.memory.Memory`: one check a sentence, for tests of your own memory.

Example:
    >>> from agemem_gym.memory import MemoryStore, make_encoder, make_index
    >>> check_memory(lambda: MemoryStore(make_encoder("hash"), make_index("exact")))
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from agemem_gym.memory.filters import FilterError
from agemem_gym.memory.protocol import Memory
from agemem_gym.memory.record import MemoryRecord, UnknownMemoryError

_TEXTS = ("the red key lies in the kitchen", "a blue door leads north", "lunch is at noon")


def check_memory(make: Callable[[], Memory]) -> None:
    """Run every check, each on a memory of its own that `make` returns empty.

    Raises:
        AssertionError: the memory does not keep the contract; the message says in which sentence.
    """
    for check in CHECKS:
        memory = make()
        try:
            check(memory)
        finally:
            memory.close()


def _expect(holds: bool, sentence: str, seen: Any = None) -> None:
    if not holds:
        raise AssertionError(sentence if seen is None else f"{sentence}; it was {seen!r}")


def _filled(memory: Memory) -> list[MemoryRecord]:
    return [memory.add(text, {"number": number}) for number, text in enumerate(_TEXTS)]


def _state(memory: Memory) -> list[tuple[Any, ...]]:
    return [(r.id, r.content, dict(r.metadata), r.created, r.updated) for r in memory]


def fulfils_the_protocol(memory: Memory) -> None:
    """It has all verbs, and begins empty, at time 0."""
    _expect(isinstance(memory, Memory), "a memory has every verb of the protocol")
    _expect(len(memory) == 0 and list(memory) == [], "a new memory is empty")
    _expect(memory.now == 0, "the clock of a new memory stands at 0", memory.now)


def add_stores_content_metadata_and_time(memory: Memory) -> None:
    """What was added is there, under ids that differ."""
    memory.now = 4
    records = _filled(memory)
    _expect(len({record.id for record in records}) == len(memory) == len(_TEXTS), "every entry has an id of its own")
    _expect([r.content for r in memory] == list(_TEXTS), "entries come in the order in which they were added")
    for number, record in enumerate(records):
        _expect(memory.get(record.id) == record, "get gives what add returned", memory.get(record.id))
        _expect(dict(record.metadata) == {"number": number}, "add keeps metadata", record.metadata)
        _expect((record.created, record.updated) == (4, None), "a record says when it was added", record)


def nested_and_missing_metadata_are_kept(memory: Memory) -> None:
    """Metadata are any JSON."""
    nested = {"a": {"b": [1, None, "ü"]}, "empty": {}}
    _expect(dict(memory.get(memory.add("x", nested).id).metadata) == nested, "metadata may be nested")
    _expect(dict(memory.add("y").metadata) == {}, "metadata may be left out")


def update_replaces_content(memory: Memory) -> None:
    """UPDATE keeps the id, and the metadata unless there are new ones."""
    first = _filled(memory)[0]
    memory.now = 7
    changed = memory.update(first.id, "the green key lies in the hall")
    _expect(changed == memory.get(first.id), "get gives what update returned", memory.get(first.id))
    _expect(changed.content == "the green key lies in the hall", "update replaces the content", changed.content)
    _expect(dict(changed.metadata) == {"number": 0}, "update keeps metadata that are not given", changed.metadata)
    _expect((changed.created, changed.updated) == (first.created, 7), "a record says when it was changed", changed)
    _expect(dict(memory.update(first.id, "z", {"b": 2}).metadata) == {"b": 2}, "update replaces metadata given")
    _expect(len(memory) == len(_TEXTS), "update adds nothing")


def delete_removes_one(memory: Memory) -> None:
    """A deleted entry is gone, and its id is not used again."""
    records = _filled(memory)
    _expect(memory.delete(records[1].id) == records[1], "delete returns what the entry was")
    _expect([r.id for r in memory] == [records[0].id, records[2].id], "delete removes one entry and no other")
    _expect(records[1].id not in {m.record.id for m in memory.search(_TEXTS[1], 9)}, "search finds no deleted entry")
    memory.delete(records[2].id)
    _expect(memory.add("new").id not in {record.id for record in records}, "an id is not used again")


def unknown_ids_change_nothing(memory: Memory) -> None:
    """An id that is not there is an UnknownMemoryError."""
    _filled(memory)
    before = _state(memory)
    calls: list[Callable[[], Any]] = [
        lambda: memory.get("no such id"),
        lambda: memory.update("no such id", "x"),
        lambda: memory.delete("no such id"),
    ]
    for call in calls:
        try:
            call()
        except UnknownMemoryError:
            continue
        _expect(False, "an unknown id is an UnknownMemoryError")
    _expect(_state(memory) == before, "a call that raises changes nothing")


def search_finds_the_nearest_first(memory: Memory) -> None:
    """The text itself is its own nearest, scores fall, and the answer is the same whenever asked."""
    _expect(memory.search("anything", 3) == [], "an empty memory finds nothing")
    records = _filled(memory)
    for record in records:
        found = memory.search(record.content, len(records))
        _expect(bool(found) and found[0].record == record, "a text's nearest entry is that text", found)
        scores = [match.score for match in found]
        _expect(scores == sorted(scores, reverse=True), "matches come best first", scores)
        _expect(found == memory.search(record.content, len(records)), "the same search has the same answer")
    _expect(len(memory.search(_TEXTS[0], 1)) == 1, "search gives at most top_k entries")


def search_heeds_metadata_filters(memory: Memory) -> None:
    """Only entries that match come, and what is no filter is a FilterError."""
    _filled(memory)
    for query in _TEXTS:
        numbers = [match.record.metadata["number"] for match in memory.search(query, 9, {"number": {"$gte": 1}})]
        _expect(set(numbers) <= {1, 2}, "a filter leaves out what does not match", numbers)
        _expect(query == _TEXTS[0] or numbers[:1] == [_TEXTS.index(query)], "a filter leaves what matches", numbers)
    try:
        memory.search(_TEXTS[0], 9, {"$nonsense": []})
    except FilterError:
        return
    _expect(False, "what is no metadata filter is a FilterError")


def clear_begins_anew(memory: Memory) -> None:
    """After clear nothing is left, and ids and clock begin again: an episode does not depend on the one before."""
    first = _state_after_a_beginning(memory)
    memory.delete(memory.add("more").id)
    memory.clear()
    _expect(len(memory) == 0 and memory.search(_TEXTS[0]) == [], "clear forgets everything")
    _expect(memory.now == 0, "clear sets the clock to 0", memory.now)
    _expect(_state_after_a_beginning(memory) == first, "after clear everything is as in a new memory")


def _state_after_a_beginning(memory: Memory) -> list[tuple[Any, ...]]:
    memory.now = 2
    _filled(memory)
    return _state(memory)


def restore_goes_back(memory: Memory) -> None:
    """A snapshot, pickled or not, brings content, ids and time back, as often as asked."""
    memory.now = 3
    records = _filled(memory)
    memory.delete(records[0].id)
    before, snapshot = _state(memory), pickle.loads(pickle.dumps(memory.snapshot()))
    found = memory.search(_TEXTS[1], 2)
    following = memory.add("next").id
    for _ in range(2):
        memory.now = 9
        memory.update(records[1].id, "changed")
        memory.delete(records[2].id)
        memory.restore(snapshot)
        _expect(_state(memory) == before, "restore brings every entry back", _state(memory))
        _expect(memory.now == 3, "restore brings the clock back", memory.now)
        _expect(memory.search(_TEXTS[1], 2) == found, "restore brings what searches find back")
        _expect(memory.add("next").id == following, "restore brings the next id back")
    memory.clear()
    memory.restore(snapshot)
    _expect(_state(memory) == before, "restore works after clear", _state(memory))


def close_may_be_called_twice(memory: Memory) -> None:
    """And right after the memory was made."""
    memory.close()
    memory.close()


CHECKS: tuple[Callable[[Memory], None], ...] = (
    fulfils_the_protocol,
    add_stores_content_metadata_and_time,
    nested_and_missing_metadata_are_kept,
    update_replaces_content,
    delete_removes_one,
    unknown_ids_change_nothing,
    search_finds_the_nearest_first,
    search_heeds_metadata_filters,
    clear_begins_anew,
    restore_goes_back,
    close_may_be_called_twice,
)
"""Every check; each takes a memory that is empty, and leaves it in any state."""
