"""Whether a text states a fact, as far as the words that both share can tell: what the offline judge looks at first.

Names, numbers and words such as *north* or *red* carry a fact: where one of them is exchanged for another, the text states
something else, however similar it is::

    fact  Ball1 is at room2.
    yes   I noticed that ball1 is at room2.           no     ball2 is at room1.
    fact  The mill was built in 1840 by Ada Karr.
    yes   Built in 1840 by Ada Karr: the mill.        no     The mill was built in 1850 by Ada Karr.
    open  The mill is from 1840.                      (left to the encoder)
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_WORD = re.compile(r"\w+(?:[.,:]\d+)*")
_LITTLE = frozenset(
    "a an and are as at be been but by did do does for from had has have he her here his i in into is it its of on onto or "
    "s she so than that the their them there these they this those to was were what when where which who whom whose will with "
    "you your".split()
)
_CONTRASTING = frozenset(
    "north south east west left right front behind above below first second third fourth fifth last before after older younger "
    "larger smaller open "
    "closed locked unlocked not no never on off red green blue purple yellow grey gray white black yes".split()
)
_NEGATING = frozenset(("not", "no", "never"))
_SHORT = 3  # content words up to which a fact is a bare relation, such as "b3 is on b2"
_CACHE = 4096


@dataclass(frozen=True)
class Words:
    """A text as its content words, in lower case and in order; a number is one word with the noun before it ("desk 1").

    Attributes:
        all: every content word.
        telling: those that carry a fact: names, numbers, and words of a few contrasting sets.
    """

    all: tuple[str, ...]
    telling: frozenset[str]


@lru_cache(maxsize=_CACHE)
def words_of(text: str) -> Words:
    """The content words of a text."""
    content: list[str] = []
    telling: set[str] = set()
    end = -1  # of the content word before this one
    for found in _WORD.finditer(text):
        word = found[0].lower()
        if word in _LITTLE:
            continue
        if word.isdigit() and end >= 0 and text[end : found.start()] == " " and not content[-1][-1].isdigit():
            word = f"{content.pop()} {word}"
            telling.discard(word.partition(" ")[0])
        content.append(word)
        named = found[0][0].isupper() and found.start() > 0
        if named or word in _CONTRASTING or any(map(str.isdigit, word)):
            telling.add(word)
        end = found.end()
    return Words(tuple(content), frozenset(telling))


def sentences(text: str) -> list[str]:
    """The sentences of a text."""
    return [piece.strip() for piece in _SENTENCE_END.split(text) if piece.strip()]


@lru_cache(maxsize=_CACHE)
def stretches(text: str, length: int) -> tuple[str, ...]:
    """All runs of `length` sentences of `text`; the text itself if it has no more."""
    parts = sentences(text)
    if len(parts) <= length:
        return (text,)
    return tuple(" ".join(parts[start : start + length]) for start in range(len(parts) - length + 1))


def recall(fact: Collection[str], text: Collection[str]) -> float:
    """Share of the fact's words that stand in the text, in any order; 1 for a fact without words."""
    there = frozenset(text)
    return sum(word in there for word in fact) / len(fact) if fact else 1.0


def states(fact: str, text: str, *, low: float, high: float) -> bool | None:
    """Whether a stretch of text about as long as the fact states it; ``None`` where words cannot tell.

    Args:
        fact: one gold fact.
        text: one to a few sentences.
        low: recall of the fact's content words under which the text does not state it.
        high: recall from which it does, if no telling word is missing.
    """
    wanted, there = words_of(fact), words_of(text)
    if not wanted.all:
        return None
    if len(wanted.all) <= _SHORT:
        return _states_relation(wanted.all, there.all)
    share = recall(wanted.all, there.all)
    if share < low or not _keeps_order(wanted.all, there.all):
        return False
    missing = wanted.telling.difference(there.all)
    if missing and there.telling.difference(wanted.all):
        return False  # a telling word was exchanged for another
    return True if share >= high and not missing else None


def _states_relation(fact: Sequence[str], text: Sequence[str]) -> bool:
    """Whether each two neighbours of the fact stand together: no other word of their kinds ("b3" and "b2") between them,
    and in the fact's order where both are of one kind, or where a word between two others says how they relate.
    """
    if len(fact) == 1:
        return fact[0] in text
    return all(_together(one, other, text, in_order=len(fact) > 2) for one, other in pairwise(fact))


def _together(one: str, other: str, text: Sequence[str], *, in_order: bool) -> bool:
    kinds = {_kind(one), _kind(other)}
    last: str | None = None  # the latest word of either kind
    for word in text:
        if word in _NEGATING and word not in (one, other):
            last = None
        elif _kind(word) in kinds:
            if (last, word) == (one, other):
                return True
            if (last, word) == (other, one) and len(kinds) == 2 and not in_order:
                return True
            last = word
    return False


def _keeps_order(fact: Sequence[str], text: Sequence[str]) -> bool:
    """Whether numbered things of one kind ("b3", "b2"), where the fact names several, stand in the text in its order."""
    numbered = [word for word in fact if word[-1].isdigit() and _kind(word)]
    kinds = [_kind(word) for word in numbered]
    several = [word for word, kind in zip(numbered, kinds, strict=True) if kinds.count(kind) > 1]
    rest = iter(text)
    return all(word in rest for word in several)


def _kind(word: str) -> str:
    return word.rstrip("0123456789 ")
