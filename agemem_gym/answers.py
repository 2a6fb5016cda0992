"""How far a short answer agrees with the expected one: exact match and F1, as HotpotQA's official evaluation defines them.

Both compare normalised texts: lower case, without punctuation, without the articles a, an, the, with single spaces.
Source of the definitions: ``hotpot_evaluate_v1.py`` (Yang et al., 2018), which took the normalisation over from SQuAD.
"""

from __future__ import annotations

import re
import string
from collections import Counter

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_CLOSED = frozenset(("yes", "no", "noanswer"))


def normalise_answer(text: str) -> str:
    """The form in which answers are compared.

    Example:
        >>> normalise_answer("The  Beatles!")
        'beatles'
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(predicted: str, expected: str) -> float:
    """1.0 if the normalised texts are equal, else 0.0."""
    return float(normalise_answer(predicted) == normalise_answer(expected))


def f1(predicted: str, expected: str) -> float:
    """Harmonic mean of the precision and the recall of words, in [0, 1].

    An answer of yes, no or noanswer shares nothing with any other answer, however the words overlap.

    Example:
        >>> round(f1("the city of Paris", "Paris"), 2), f1("yes", "yes it is")
        (0.5, 0.0)
    """
    ours, theirs = normalise_answer(predicted), normalise_answer(expected)
    if ours != theirs and (ours in _CLOSED or theirs in _CLOSED):
        return 0.0
    our_words, their_words = ours.split(), theirs.split()
    shared = sum((Counter(our_words) & Counter(their_words)).values())
    if not shared:
        return 0.0
    precision, recall = shared / len(our_words), shared / len(their_words)
    return 2 * precision * recall / (precision + recall)
