"""What stage 1 of a stream's task says: what is new about the world since it was last talked of.

At the first visit the facts that the stream's tasks there need first; at a further one what has changed, as corrections that
say what holds now and what does not hold any more, and then what was not said yet. A fact that stands is never said again: who
has not kept it has lost it.

::

    >>> facts = ("The mug is on shelf 2.", "The pan is on shelf 1.")
    >>> [line.text for line in news(facts, told=("The mug is on shelf 1.",), needed=(), most=3)]
    ['The mug is on shelf 2. It is no longer true that: The mug is on shelf 1.', 'The pan is on shelf 1.']
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agemem_gym.facts.overlap import words_of

CORRECTION = "{now} It is no longer true that: {before}"
WITHDRAWAL = "It is no longer true that: {before}"
_ALIKE = 0.3  # so alike a fact and the one in whose place it stands have to be


@dataclass(frozen=True)
class Line:
    """One thing to be said.

    Attributes:
        now: the fact that holds; empty where something only ceased to hold.
        before: the fact in whose place it holds; empty for what is new.
    """

    now: str = ""
    before: str = ""

    @property
    def text(self) -> str:
        """As it is said."""
        if not self.before:
            return self.now
        return (CORRECTION if self.now else WITHDRAWAL).format(now=self.now, before=self.before)


def news(facts: Sequence[str], told: Sequence[str], needed: Sequence[str], most: int) -> list[Line]:
    """What is to be said of a world, most important first.

    Args:
        facts: all that holds there now.
        told: what was said of it before, and not taken back.
        needed: the facts among them that tasks need, those of the next task first.
        most: how many lines at most.
    """
    corrections = _corrections(facts, told)
    corrected = {line.now for line in corrections}
    new = [fact for fact in facts if fact not in told and fact not in corrected]
    ranks = {fact: rank for rank, fact in reversed(list(enumerate(needed)))}
    corrections.sort(key=lambda line: ranks.get(line.now, len(ranks)))
    new.sort(key=lambda fact: ranks.get(fact, len(ranks)))
    return [*corrections, *map(Line, new)][:most]


def remembered(told: Sequence[str], said: Sequence[Line]) -> tuple[str, ...]:
    """What was told and stands, after these lines have been said, too."""
    gone = {line.before for line in said}
    return (*(fact for fact in told if fact not in gone), *(line.now for line in said if line.now))


def _corrections(facts: Sequence[str], told: Sequence[str]) -> list[Line]:
    """Each fact that was told and holds no more, with the untold one in whose place it stood, if there is one."""
    now, known = set(facts), set(told)
    gone = [fact for fact in told if fact not in now]
    free = [fact for fact in facts if fact not in known]
    pairs = [(likeness(before, fact), i, j) for i, before in enumerate(gone) for j, fact in enumerate(free)]
    successors: dict[int, int] = {}
    for likely, i, j in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2])):
        if likely >= _ALIKE and i not in successors and j not in successors.values():
            successors[i] = j
    return [Line(free[successors[i]] if i in successors else "", before) for i, before in enumerate(gone)]


def likeness(one: str, other: str) -> float:
    """How far two facts say something of the same thing: the share of content words that they have in common, and more for each
    with which both begin; 0 where they begin with different ones.
    """
    a, b = words_of(one).all, words_of(other).all
    beginning = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    if not beginning:
        return 0.0
    return len(set(a) & set(b)) / max(len(set(a)), len(set(b))) + beginning / (len(a) + len(b))
