"""Key phrases of a query: what of it must still be findable in the context when the answer is given.

A phrase is a quoted title, a date, an entity (a run of capitalised words), or a number or any other word with a digit in it,
such as "room2", in the order in which they stand::

    >>> key_phrases('Was "Ed Wood" shot before March 1995, and who is its director, Tim Burton of Burbank?')
    ('Ed Wood', 'March 1995', 'Tim Burton of Burbank')

A capitalised word alone at the beginning of a sentence is no entity: every sentence begins with one. AgeMem
(arXiv:2601.01885), appendix A.2, names entities, times and places, and leaves the extractor open; any callable of this form
may take its place (``reward_options={"key_phrases": …}``).
"""

from __future__ import annotations

import re
from collections.abc import Callable

PhraseExtractor = Callable[[str], tuple[str, ...]]
"""From a query to its key phrases, each a substring of it."""

_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_DATE = rf"(?:\d{{1,2}}(?:st|nd|rd|th)? (?:of )?)?\b{_MONTH}(?: \d{{1,2}}(?:st|nd|rd|th)?\b)?(?:,? \d{{4}})?(?<=\d)"
_MARKED = re.compile(rf'"([^"\n]+)"|“([^”\n]+)”|({_DATE})')
_WORD = re.compile(r"\d+(?:[.,:/]\d+)+%?|\d+%|[^\W_](?:[\w'’&-]|\.(?=\w))*\.?")  # a number, or a word
_JOINING = frozenset("of the de la le du del der den van von da di for upon".split())
_LEADING = frozenset(
    "a an and are as at by can could did do does during for from had has have how if in is it its of on or our the their "
    "there these this those to was were what when where which while who whom whose why will with would you your".split()
)
"""Words that may begin a sentence with a capital without being part of the name behind them."""


def key_phrases(text: str) -> tuple[str, ...]:
    """Quoted titles, dates, entities and numbers of `text`, each once, in order."""
    found: dict[str, None] = {}
    end = 0
    for marked in _MARKED.finditer(text):
        found |= dict.fromkeys(_names_and_numbers(text, end, marked.start()))
        found[next(group for group in marked.groups() if group is not None).strip()] = None
        end = marked.end()
    found |= dict.fromkeys(_names_and_numbers(text, end, len(text)))
    return tuple(phrase for phrase in found if phrase)


def _names_and_numbers(text: str, start: int, end: int) -> list[str]:
    """Entities and numbers of ``text[start:end]``."""
    phrases: list[str] = []
    run: list[re.Match[str]] = []
    for word in _WORD.finditer(text, start, end):
        if run and not _goes_on(text, run[-1], word):
            phrases += _closed(text, run)
            run = []
        if word[0][0].isupper() or (run and word[0] in _JOINING):
            run.append(word)
            continue
        phrases += _closed(text, run)
        run = []
        if any(map(str.isdigit, word[0])):
            phrases.append(word[0].rstrip("."))
    return phrases + _closed(text, run)


def _goes_on(text: str, last: re.Match[str], word: re.Match[str]) -> bool:
    """Whether a run of capitalised words can reach over the gap: one space, and no end of a sentence before it."""
    abbreviated = not last[0].endswith(".") or len(last[0]) <= 4  # "St. Louis", "J. K. Rowling"
    return abbreviated and text[last.end() : word.start()] == " "


def _closed(text: str, run: list[re.Match[str]]) -> list[str]:
    """The entity that a run of words makes, if any."""
    first = bool(run) and _begins_sentence(text, run[0].start())
    if first and run[0][0].lower() in _LEADING:
        run, first = run[1:], False
    while run and run[0][0] in _JOINING:
        run = run[1:]
    while run and run[-1][0] in _JOINING:
        run = run[:-1]
    if not run or (first and len(run) == 1):
        return []
    phrase = text[run[0].start() : run[-1].end()]
    return [phrase.removesuffix(".").removesuffix("'s").removesuffix("’s")]


def _begins_sentence(text: str, position: int) -> bool:
    before = text[:position].rstrip(" \t\"'“”‘’([")
    return not before or before[-1] in ".?!:\n"
