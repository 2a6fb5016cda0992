"""Whether entries say the same: nearly the same content words, and the same numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from agemem_gym.facts.overlap import Words, words_of

_NEAR = 0.9  # Jaccard similarity of content words from which an entry says nothing new


def say_the_same(one: str, other: str) -> bool:
    """Whether two texts do.

    Example:
        >>> say_the_same("The mill stands in Port Vell.", "the mill, it stands in Port Vell"), say_the_same("book 1", "book 2")
        (True, False)
    """
    a, b = words_of(one), words_of(other)
    return _alike(a, b) if a.all or b.all else one.split() == other.split()


class Held:
    """Entries by id, findable by nearly equal content words and equal numbers.

    Two sets with a Jaccard similarity of at least 0.9 share one of the first tenth (and one) of their sorted words, so only
    entries that share such a word are compared.
    """

    def __init__(self, entries: Mapping[str, str]) -> None:
        self._words: dict[str, Words] = {}
        self._by_word: dict[str, dict[str, None]] = {}
        for memory_id, content in entries.items():
            self.put(memory_id, content)

    def put(self, memory_id: str, content: str) -> None:
        """Keep an entry under its id, in place of one that was there."""
        self.drop(memory_id)
        self._words[memory_id] = words_of(content)
        for word in _first_words(self._words[memory_id]):
            self._by_word.setdefault(word, {})[memory_id] = None

    def drop(self, memory_id: str) -> None:
        """Forget an entry."""
        for word in _first_words(self._words.pop(memory_id, Words((), frozenset()))):
            del self._by_word[word][memory_id]

    def knows(self, content: str) -> bool:
        """Whether an entry says the same."""
        return bool(self.alike(content))

    def alike(self, content: str) -> set[str]:
        """Ids of the entries that say the same."""
        new = words_of(content)
        near = {memory_id for word in _first_words(new) for memory_id in self._by_word.get(word, ())}
        return {memory_id for memory_id in near if _alike(new, self._words[memory_id])}


def _first_words(words: Words) -> list[str]:
    ordered = sorted(set(words.all))
    return ordered[: int((1 - _NEAR) * len(ordered)) + 1]


def _alike(one: Words, other: Words) -> bool:
    a, b = frozenset(one.all), frozenset(other.all)
    return _numbers(a) == _numbers(b) and len(a & b) >= _NEAR * len(a | b)


def _numbers(words: Iterable[str]) -> frozenset[str]:
    return frozenset(word for word in words if any(map(str.isdigit, word)))
