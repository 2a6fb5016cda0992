"""Stretches of a sentence that could be an answer, with what they look like: names, titles, dates, numbers, plain phrases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from agemem_gym.envs.hotpotqa.kinds import MONTHS

_MONTH = f"(?:{'|'.join(MONTHS)})"
_CAPITAL = r"(?:(?:[A-ZÀ-Þ]\.)+|[A-ZÀ-Þ][\w'’.-]*\w|[A-ZÀ-Þ]|\d+(?:st|nd|rd|th)\b)"
_JOINING = r"(?:of|the|de|la|le|du|del|der|van|von|di|da|&)"
_NAME = rf"{_CAPITAL}(?:(?: {_JOINING}){{1,2}} {_CAPITAL}| \"{_CAPITAL}\" {_CAPITAL}| {_CAPITAL}|, (?:Jr|Sr)\.)*"
_SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("date", re.compile(rf"\b\d{{1,2}} {_MONTH},? \d{{4}}\b|\b{_MONTH} \d{{1,2}}, \d{{4}}\b")),
    ("date", re.compile(rf"\b{_MONTH} \d{{1,2}}\b|\b{_MONTH},? \d{{4}}\b")),
    ("year", re.compile(r"\b(?:1[0-9]|20)\d\d(?:[–-]\d{2,4})?s?\b|\b\d{1,2}(?:st|nd|rd|th)[ -]century\b")),
    ("number", re.compile(r"(?<![\w,.])\d[\d,]*(?:\.\d+)?(?: (?:million|billion|thousand|hundred|percent))?(?!\w)")),
    ("number", re.compile(r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twice|once)\b")),
    ("quoted", re.compile(r"[\"“]([^\"”]{2,60})[\"”]")),
    ("list", re.compile(rf"{_NAME}(?:, {_NAME})*,? and {_NAME}")),
    ("place", re.compile(rf"{_CAPITAL}(?: {_CAPITAL}){{0,3}}(?:, {_CAPITAL}(?: {_CAPITAL}){{0,2}}){{1,2}}")),
    ("name", re.compile(rf"{_NAME}(?: \d+\b)?|\b[a-z]{{1,3}}[A-Z]\w+")),
    ("name", re.compile(rf"{_CAPITAL}(?: {_CAPITAL})*")),
    ("phrase", re.compile(r"\b[a-z][a-z'’-]+(?: (?:of|and) [a-z][a-z'’-]+| [a-z][a-z'’-]+){0,3}\b")),
)
_LITTLE = frozenset(
    "a an and are as at be been both but by did do does for from had has have he her his him i in into is it its known of on "
    "or she so than that the their them then there these they this those to under until up was were what when where which "
    "while who whom whose will with within also about after all before being between during later most not one other over "
    "such used well including became made born named called first however since although despite while because through".split()
)  # a phrase neither begins nor ends with these
_NATION = re.compile(
    r"(?:(?:South|North|East|West) )?(?:[A-Z][a-z]+(?:ian|ean|can|man|ish|ese|ench|utch|eek|wiss|elsh|aeli|aqi)|Thai|Czech)"
)
_BODY = re.compile(
    r"\b(?:University|College|School|Company|Inc|Records|Pictures|Party|Association|Corporation|Group|Club|Council|Institute|"
    r"League|Airport|Studios?|Entertainment|Network|Orchestra|Army|Navy|Museum|Bank|Hospital|Society|Committee|Agency|F\.?C)\b"
)


@dataclass(frozen=True)
class Span:
    """One stretch.

    Attributes:
        text: as it stands.
        start, end: where.
        looks: ``"date"``, ``"year"``, ``"number"``, ``"quoted"``, ``"list"``, ``"place"``, ``"body"``, ``"nation"``,
            ``"full name"`` (of two words or three), ``"name"`` or ``"phrase"``.
    """

    text: str
    start: int
    end: int
    looks: str


@lru_cache(maxsize=4096)
def spans(sentence: str) -> tuple[Span, ...]:
    """All stretches of a sentence that could be an answer, each once, by what it looks like first."""
    found: dict[tuple[int, int], Span] = {}
    for looks, shape in _SHAPES:
        group = 1 if shape.groups else 0
        for match in shape.finditer(sentence):
            for span in _parts(sentence, match.start(group), match.end(group), looks):
                found.setdefault((span.start, span.end), span)
    return tuple(found.values())


def _parts(sentence: str, start: int, end: int, looks: str) -> Iterator[Span]:
    """The stretches that a match stands for."""
    text = sentence[start:end]
    if looks == "phrase":
        yield from _phrases(text, start)
    elif looks != "name":
        yield Span(text, start, end, looks)
    else:
        text = re.split(r"['’]s?(?: |$)", text)[0]
        while " " in text and text.split(" ")[0].lower() in _LITTLE:
            start += len(text.split(" ")[0]) + 1
            text = text.partition(" ")[2]
        if text and text.lower() not in _LITTLE and text.split()[0] not in MONTHS:
            yield Span(text, start, start + len(text), _kind_of_name(text))


def _kind_of_name(text: str) -> str:
    if _NATION.fullmatch(text):
        return "nation"
    if _BODY.search(text):
        return "body"
    return "full name" if 2 <= len(text.split()) <= 3 else "name"


def _phrases(text: str, start: int) -> Iterator[Span]:
    """Runs of plain words: the whole, the first two, the last two and the last one."""
    words = [(match[0], match.start()) for match in re.finditer(r"\S+", text)]
    while words and words[0][0] in _LITTLE:
        words = words[1:]
    while words and words[-1][0] in _LITTLE:
        words = words[:-1]
    count = len(words)
    if not words or any(word in _LITTLE - {"of", "and"} for word, _ in words):
        return
    for first, last in sorted({(0, count), (0, min(2, count)), (max(0, count - 2), count), (count - 1, count)}):
        begin, end = words[first][1], words[last - 1][1] + len(words[last - 1][0])
        yield Span(text[begin:end], start + begin, start + end, "phrase")
