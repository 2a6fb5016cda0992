"""What a message of PDDL's stage 1 states: told by its wording alone, without knowing the episode."""

from __future__ import annotations

import re
from dataclasses import dataclass

_THING = r"(?:(?:ball|room|b|cocktail|ingredient|dispenser|box|spare|flat|nuts)\d+|wrench|jack|pump|boot)"
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(rf"({_THING}) is (?:at|in|on) {_THING}"), "where {0} is"),
    (re.compile(rf"({_THING}) is on the table"), "where {0} is"),
    (re.compile(rf"({_THING}) dispenses {_THING}"), "what {0} dispenses"),
    (re.compile(rf"the (first|second) ingredient of ({_THING}) is {_THING}"), "the {0} ingredient of {1}"),
)
_ELSEWHERE = re.compile(
    r"\b(?:next door|neighbour\w*|in the (?:game|picture)|dreamt|dream|ago|last (?:week|month|year)|yesterday|used to|"
    r"long past|other (?:bar|garage|building|house|place))\b",
    re.IGNORECASE,
)
_NO_MORE = re.compile(
    r"no longer|not true|not so|changed since|do not rely|out of date|wrong about this", re.IGNORECASE
)


@dataclass(frozen=True)
class Statement:
    """One fact.

    Attributes:
        subject: what it is about; of one subject only one fact holds.
        clause: the fact, in small letters.
        holds: whether it is stated or taken back.
    """

    subject: str
    clause: str
    holds: bool = True


def statement_in(text: str) -> Statement | None:
    """The last fact that a message states; None where it states none of this world.

    Example:
        >>> statement_in("By the way, ball1 is at room3.")
        Statement(subject='where ball1 is', clause='ball1 is at room3', holds=True)
        >>> statement_in("Please forget this, it has changed since: Ball1 is at room3.").holds
        False
        >>> statement_in("In the building next door ball1 is at room3.") is None
        True
    """
    if _ELSEWHERE.search(text):
        return None
    words = text.lower()
    found = [(match, subject) for shape, subject in _SHAPES for match in shape.finditer(words)]
    if not found:
        return None
    match, subject = max(found, key=lambda pair: pair[0].start())
    taken_back = bool(_NO_MORE.search(words[: match.start()]))
    return Statement(subject.format(*match.groups()), match[0], not taken_back)
