"""Anybody's sentences and questions, by shape: what a message states, what it is about, and what the answer is.

A message may have a casual opening and a heading before its sentences, as those of stage 1 have; small talk and logs state
nothing. What answers is found by :mod:`.closed` where the question offers its answers, else by :mod:`.ranking`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from agemem_gym.baselines.reading import closed
from agemem_gym.baselines.reading.ranking import Sentence, best
from agemem_gym.baselines.reading.spans import spans
from agemem_gym.baselines.reading.weights import WEIGHTS
from agemem_gym.baselines.reading.words import stems
from agemem_gym.facts import key_phrases

_TALK = re.compile(
    r"\b(?:my|our|your|you|we|me)\b|\bI(?:'m| (?:am|was|have|had|read|keep|think|stayed)\b)|^(?:My|Our|You|We) [a-z]|"
    r"\b(?:colleague|intern|friend|neighbour)\b[^.]* says that\b"
)
_NAME_OR_NUMBER = re.compile(
    r"(?<=\S )[\"“(]?(?!(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b)[A-Z][\w'’&.-]*|\d[\d,.]*"
)
_LEADING = re.compile(
    r"((?:[A-ZÀ-Þ\d][\w'’.&-]*|\"[^\"]+\")(?:,? (?:(?:of|the|and|de|van|von|in|for|at|on|&) )*[A-ZÀ-Þ\d][\w'’.&-]*)*)"
)
_PRONOUNS = frozenset(
    "He She It They His Her Its Their In On At The A An As After During This These Since From By".split()
)
_OPENING = re.compile(
    r"^(?:(?:I (?:read|came|was|am)|A friend|By the way|Here is|Note this|As far as|As things|At the moment|The latest|"
    r"Everybody|Correction|Please)[^:.]*[:.]|Did you know\?)\s+"
)
_SENTENCE_END = re.compile(
    r"(?<=[.!?])(?<!\b[A-Z]\.)(?<!\b(?:Mr|Dr|Jr|Sr|St|vs|No|Co)\.)(?<!\b(?:Mrs|Inc|Ltd|Pvt)\.)\s+"
)
_DEFINES = re.compile(r"[A-Z][^.]*?\b(?:is|are|was|were)\b (?:an?|the|usually|often|also)\b")
_LONGEST_TITLE, _LONG = 12, 8  # words
_QUOTED = re.compile(r'"[^"]*"|“[^”]*”')
_ENDS = frozenset(".!:\"”)’'")


def subject(text: str) -> str | None:
    """What a message states something about: its heading, and its words without names and numbers.

    None for small talk, questions, logs, and whatever names nothing.
    """
    said = statements(text)
    if not said:
        return None
    whole = " ".join(sentence.text for sentence in said)
    frame = _NAME_OR_NUMBER.sub("_", whole)
    telling = len(frame.split()) - frame.split().count("_") >= _LEAST_WORDS
    return f"{said[0].title}|{frame if said[0].title and telling else whole}"


_LEAST_WORDS = 4  # a shorter frame, such as "He played for _.", may be true of several things


def statements(text: str) -> list[Sentence]:
    """The sentences of a message that state something, each with what it is about."""
    said = _OPENING.sub("", text.strip())
    title, _, rest = said.partition(": ")
    headed = bool(rest) and _is_title(title)
    parts = [part.strip() for part in _SENTENCE_END.split(rest if headed else said)]
    kept = [part for part in parts if _is_whole(part, headed) and not _TALK.search(_QUOTED.sub("", part))]
    if not (headed or any(_NAME_OR_NUMBER.search(part) or _DEFINES.match(part) for part in kept)):
        return []
    return [Sentence(title if headed else leading_name(parts[0]), part) for part in kept]


def _is_title(text: str) -> bool:
    return (
        not (text[:1].islower() or text[:1] in "[{")
        and len(text.split()) <= _LONGEST_TITLE
        and text.count("(") == text.count(")")
    )


def _is_whole(part: str, headed: bool) -> bool:
    """Whether it is a sentence: it ends as one, or is long enough behind a heading."""
    return part[-1:] in _ENDS or (headed and len(part.split()) >= _LONG)


def sentences(texts: Iterable[str]) -> list[Sentence]:
    """All sentences of messages that state something."""
    return [sentence for text in texts for sentence in statements(text)]


def leading_name(sentence: str) -> str:
    """The name that a sentence begins with; empty for a pronoun or an article alone."""
    match = _LEADING.match(sentence)
    return match[1].strip(" ,") if match and match[1].split()[0] not in _PRONOUNS else ""


def take(text: str, held: dict[str, str]) -> None:
    """Keep a text under its subject, in place of what was held there."""
    key = subject(text)
    if key is not None:
        held.pop(key, None)
        held[key] = text


def names_to_look_up(question: str, texts: Iterable[str]) -> list[str]:
    """The names in a question, and those in the sentences that share most words with it: where a second hop may lead."""
    named = list(key_phrases(question))
    asked = set(stems(question))
    read = sorted(sentences(texts), key=lambda s: -len(asked & set(stems(f"{s.title} {s.text}"))))[:_NEAREST]
    found = [span.text for sentence in read for span in spans(sentence.text) if span.looks in _LEADS]
    new = [name for name in found if name.lower() not in question.lower() and len(name) > _SHORT]
    return [*named, *list(dict.fromkeys(new))[:_MOST_NAMES]]


_LEADS = frozenset(("full name", "quoted", "body"))
_NEAREST, _MOST_NAMES, _SHORT = 2, 4, 3


def answer(question: str, texts: Iterable[str]) -> str | None:
    """The answer that the texts speak for; None where nothing was read that could be one."""
    read = sentences(texts)
    offered = closed.answer(question, read)
    if offered is not None or closed.is_closed(question) or closed.choice(question):
        return offered
    found = best(question, read, WEIGHTS)
    return None if found is None else found.text
