"""The number in a judge's reply, and a file that keeps numbers.

Judges are told to reply with a number alone. What they write instead is taken where it can mean one thing only::

    0.75            **0.75**            {"score": 0.75}            ```json            <think>Half of it …</think>
                                                                  {"score": 0.75}    0.75
                                                                  ```

A number in prose is none: "I would not say 0.75" and "0.75 of the answer is wrong" hold one, too.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from pathlib import Path
from typing import Any, BinaryIO

_NUMBER = re.compile(r"(?:0(?:\.[0-9]+)?|1(?:\.0+)?)")
_THOUGHTS = re.compile(r"<(/?)(?:think|thinking|thought|thoughts|reasoning)>", re.IGNORECASE)
_END = re.compile(r"(?:<\|[\w-]{1,40}\|>|</s>|<eos>|<end_of_turn>)\Z")
_FENCE = re.compile(r"```[\w+-]*[ \t]*\n?(?P<inside>[^`]*)```")
_MARKED = re.compile(r"(?P<mark>\*\*|__|[*_`\"'])(?P<inside>.{0,100})(?P=mark)", re.DOTALL)
_LAST_OBJECT = re.compile(r"^(?P<inside>\{[^{}]*\})\Z", re.MULTILINE)
_LAST_FENCE = re.compile(rf"^{_FENCE.pattern}\Z", re.MULTILINE)
_NAMES = ("score", "rating")


def parse_score(text: str) -> float | None:
    """The score from 0 to 1 that a judge replied, or None where there is none, or more than one.

    Taken are a number in decimal form, a JSON object with a ``"score"``, and either of them in a fence or in emphasis; thoughts
    before it in tags of their own are passed over. After prose, only an object on lines of its own at the end is taken.

    Example:
        >>> parse_score(" 0.75\\n"), parse_score("**0.75**"), parse_score('{"score": 0.75}'), parse_score("<think>1?</think>0")
        (0.75, 0.75, 0.75, 0.0)
        >>> parse_score("0.75 because"), parse_score("1.5"), parse_score("I would say 0.75"), parse_score(".5")
        (None, None, None, None)
    """
    text = _without_end(_after_thoughts(text)).strip()
    alone = _unwrapped(text)
    if _NUMBER.fullmatch(alone):
        return float(alone)
    if (score := _score_in(alone)) is not None:
        return score
    return _score_after_prose(text)


def _after_thoughts(text: str) -> str:
    """What follows the last closed thought; nothing where one is still open."""
    end, is_open = 0, False
    for tag in _THOUGHTS.finditer(text):
        is_open = not tag[1]
        end = tag.end()
    return "" if is_open else text[end:]


def _without_end(text: str) -> str:
    """The text without the tokens that end a turn in some templates."""
    text = text.rstrip()
    while end := _END.search(text, max(0, len(text) - 50)):
        text = text[: end.start()].rstrip()
    return text


def _unwrapped(text: str) -> str:
    """What stands in a fence or in emphasis, where all of the text does."""
    if fence := _FENCE.fullmatch(text):
        text = fence["inside"].strip()
    while marked := _MARKED.fullmatch(text):
        text = marked["inside"].strip()
    return text


def _score_after_prose(text: str) -> float | None:
    """The score of the one object that stands at the end on lines of its own."""
    found = _LAST_FENCE.search(text) or _LAST_OBJECT.search(text)
    if found is None or sum(text.count(f'"{name}"') for name in _NAMES) != 1:
        return None
    return _score_in(found["inside"].strip())


def _score_in(text: str) -> float | None:
    """The score of a JSON object."""
    if not text.startswith("{"):
        return None
    try:
        pairs: Any = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError):
        return None
    scores = [value for name, value in pairs if name.lower() in _NAMES]
    if len(scores) != 1 or isinstance(scores[0], bool):
        return None
    (score,) = scores
    if isinstance(score, str):
        return float(score) if _NUMBER.fullmatch(score.strip()) else None
    return float(score) if isinstance(score, (int, float)) and 0.0 <= score <= 1.0 else None


class ScoreCache:
    """Scores by key, in memory and, with a path, in a JSON Lines file to which every process appends whole lines."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._scores: dict[str, float] | None = None

    def get(self, key: str) -> float | None:
        """The score that was put under this key, or None."""
        return self._loaded().get(key)

    def put(self, key: str, score: float) -> None:
        """Keep a score."""
        self._loaded()[key] = score
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            line = json.dumps({"key": key, "score": score}).encode() + b"\n"
            file.write(b"\n" + line if _is_torn(file) else line)

    def _loaded(self) -> dict[str, float]:
        if self._scores is None:
            exists = self._path is not None and self._path.exists()
            lines = self._path.read_bytes().split(b"\n") if exists and self._path else []
            self._scores = dict(filter(None, map(_kept, lines)))
        return self._scores


def _is_torn(file: BinaryIO) -> bool:
    """Whether the last line has no end: its writer was killed."""
    if file.seek(0, os.SEEK_END) == 0:
        return False
    file.seek(-1, os.SEEK_END)
    return file.read(1) != b"\n"


def _kept(line: bytes) -> tuple[str, float] | None:
    """Key and score of one line of the file; None for a torn or foreign one: it is asked again."""
    try:
        data = json.loads(line)
        score = parse_score(str(data["score"]))
        return None if score is None else (str(data["key"]), score)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
