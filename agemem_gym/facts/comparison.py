"""Whether an entry of any length states a fact: each of its stretches is looked at, with the entry's heading if need be.

::

    >>> entry = "Ann Lee: She was a smith. She was born in Ulm."
    >>> states_fact("Ann Lee was born in Ulm.", entry), states_fact("Ann Lee was born in Bonn.", entry)
    (True, False)
"""

from __future__ import annotations

from agemem_gym.facts.overlap import recall, sentences, states, stretches, words_of

LOW, HIGH = 0.5, 0.85
"""Recall of a fact's words under which an entry does not state it, and from which it does (``benchmarks/judges.py``)."""

_LONGEST_HEADING = 8  # words


def states_fact(fact: str, entry: str) -> bool:
    """Whether words prove that `entry` states `fact`."""
    return compare(fact, entry)[0]


def compare(fact: str, entry: str, *, low: float = LOW, high: float = HIGH) -> tuple[bool, list[str]]:
    """Whether words prove that `entry` states `fact`, and if not, the stretch that they leave open, if any.

    What an entry says is about what its heading names ("Ann Lee: … She was born in Ulm."): a stretch that leaves the fact
    open is looked at again with the heading before it. Of several open stretches it is the one that shares the most words
    with the fact.
    """
    if (wanted := words_of(fact).all) and recall(wanted, words_of(entry).all) < low:
        return False, []  # the whole holds too few of its words, so no stretch can hold more
    heading, mark, _ = entry.partition(": ")
    headed = bool(mark) and len(heading.split()) <= _LONGEST_HEADING
    undecided = []
    for text in stretches(entry, len(sentences(fact)) or 1):
        verdict = states(fact, text, low=low, high=high)
        if verdict is None and headed and not text.startswith(heading):
            verdict = states(fact, f"{heading}: {text}", low=low, high=high)
        if verdict:
            return True, []
        if verdict is None:
            undecided.append(text)
    return False, sorted(undecided, key=lambda text: -recall(wanted, words_of(text).all))[:1]
