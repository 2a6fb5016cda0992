"""Anybody's sentences and questions, by shape."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from agemem_gym.baselines.reading.wording import pieces
from agemem_gym.facts import key_phrases

_TALK = re.compile(
    r"\b(?:my|our|your|you|we|me)\b|\bI(?:'m| (?:am|was|have|had|read|keep|think|stayed)\b)|^(?:My|Our|You|We|Do you|Have you)\b"
)
_NAME_OR_NUMBER = re.compile(r"(?<!^)\b[A-Z][\w'’&.-]*|\d[\d,.]*")


def subject(text: str) -> str | None:
    """What a sentence states something about: its heading, and its words without names and numbers."""
    said = [piece for piece in pieces(text) if not _TALK.search(piece.sentence)]
    if not said or said[-1].sentence[-1:] not in set('.!?"”)’'):
        return None
    return "|".join((said[0].heading, " ".join(piece.sentence for piece in said)))


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
