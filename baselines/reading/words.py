"""Words that count, and their stems: enough to see that "directed" and "director" are alike."""

from __future__ import annotations

import re
from functools import lru_cache

WORD = re.compile(r"[^\W_]+")
_STOP_WORDS = frozenset(
    "a an and are as at be been by did do does for from had has have he her his in is it its of on or s she that the their "
    "they this to was were what when where which who whom whose with name named also both".split()
)
_ENDINGS = (("ies", "es", "s"), ("ing", "ed", "er", "or", "ion"))
_SHORTEST = 4


def stems(text: str) -> list[str]:
    """The words of a text that count, without their endings, in order."""
    return [stem(word) for word in WORD.findall(text.lower()) if word not in _STOP_WORDS]


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """A word in lower case without plural and one ending more."""
    for endings in _ENDINGS:
        ending = next((end for end in endings if word.endswith(end) and len(word) - len(end) >= _SHORTEST), "")
        word = word.removesuffix(ending)
    return word.rstrip("ey") if len(word) > _SHORTEST else word


def bare(title: str) -> str:
    """A title without what tells it from others of its name: "Ed Wood" for "Ed Wood (film)"."""
    return re.sub(r"\s*\([^()]*\)$", "", title)
