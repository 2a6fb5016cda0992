"""Anybody's sentences and questions, by shape."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from agemem_gym.baselines.reading.wording import Piece, pieces
from agemem_gym.facts import key_phrases

_TALK = re.compile(
    r"\b(?:my|our|your|you|we|me)\b|\bI(?:'m| (?:am|was|have|had|read|keep|think|stayed)\b)|^(?:My|Our|You|We)\b|\bsays that\b"
)
_NAME_OR_NUMBER = re.compile(
    r"(?<=\S )[\"“(]?(?!(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b)[A-Z][\w'’&.-]*|\d[\d,.]*"
)
_ENDS = frozenset('.!"”)’')


def subject(text: str) -> str | None:
    """What a message states something about: its heading, and its words without names and numbers.

    None for small talk, questions, logs, and whatever names nothing.
    """
    said = statements(text)
    if not said:
        return None
    words = " ".join(_NAME_OR_NUMBER.sub("_", piece.sentence) for piece in said)
    telling = len(words.split()) - words.split().count("_") >= _LEAST_WORDS
    return f"{said[0].heading}|{words if said[0].heading and telling else ' '.join(p.sentence for p in said)}"


_LEAST_WORDS = 4  # a shorter frame, such as "He played for _.", may be true of several things


def statements(text: str) -> list[Piece]:
    """The sentences of a message that state something."""
    said = [piece for piece in pieces(text) if piece.sentence[-1:] in _ENDS and not _TALK.search(piece.sentence)]
    named = any(piece.heading or _NAME_OR_NUMBER.search(piece.sentence) for piece in said)
    return said if named else []


def take(text: str, sentences: dict[str, str]) -> None:
    """Keep the sentences of a text."""
    key = subject(text)
    if key is not None:
        sentences[key] = text


def names_to_look_up(question: str, sentences: Iterable[str]) -> list[str]:
    """The names in a question."""
    return list(key_phrases(question))


def answer(question: str, sentences: Sequence[str]) -> str | None:
    """None yet."""
    return None
