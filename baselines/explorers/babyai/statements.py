"""What people say of a house, read: where one starts, which room a thing is in, what joins two rooms.

::

    "Funny, in the north room of Old Birch House I noticed a red ball."     Lies("red ball", "north room"), in Old Birch House
    "Correction: … It is no longer true that: In Old Birch House, …"        the same statement, taken back
    "Last year there was a red ball in the north room, but it is long gone."    nothing
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_COLOUR = "red|green|blue|purple|yellow|grey"
_HOUSE = re.compile(r"\b((?:[A-Z]\w+ )+House)\b")
_ROOM = re.compile(r"\bthe ((?:(?:north|south)-?(?:east|west)?|east|west|middle) room)\b|\bthe (room)\b(?! in row)")
_START = re.compile(r"\bstart in the ([\w-]+ room|room), facing (north|south|east|west)\b")
_DOOR = re.compile(rf"\b({_COLOUR}) door\b")
_THING = re.compile(rf"\b(?:[Aa]n?|\d+) ({_COLOUR}) (ball|key|box)(?:e?s)?\b")
_BOX = re.compile(rf"\bthe ({_COLOUR}) box\b")
_STEPS = re.compile(r"(\d+) steps? (north|south|east|west)")
_ELSEWHERE = re.compile(r"\b(?:next door|my place|my neighbour|last year|long gone|last week|used to)\b", re.IGNORECASE)
_TAKEN_BACK = re.compile(r"no longer true|please forget|do not rely|is not so|no longer", re.IGNORECASE)


@dataclass(frozen=True)
class Starts:
    """Where one starts, and which way one faces."""

    room: str
    facing: str


@dataclass(frozen=True)
class Lies:
    """A thing is in a room, in a box there if one is named; `steps` (east, south) say where from the start, if told."""

    name: str
    room: str
    steps: tuple[int, int] | None = None
    box: str = ""


@dataclass(frozen=True)
class Joins:
    """What is between two rooms: a door of a colour, or no wall (``""``)."""

    rooms: frozenset[str]
    colour: str
    locked: bool


@dataclass(frozen=True)
class Statement:
    """Something said of a house (``""``: of the only one there is).

    Attributes:
        subject: two statements of one subject and different content cannot both hold.
        taken_back: it is said to hold no longer.
    """

    house: str
    subject: str
    content: Starts | Lies | Joins
    taken_back: bool = False


def read_statement(text: str) -> Statement | None:
    """What a message says, or None where it says nothing of a house that one might be in."""
    if _ELSEWHERE.search(text):
        return None
    named = _HOUSE.search(text)
    house = named[1].removeprefix("In ") if named else ""
    content = _content(text)
    if content is None:
        return None
    return Statement(house, f"{house}|{_subject(content, house)}", content, bool(_TAKEN_BACK.search(text)))


def _content(text: str) -> Starts | Lies | Joins | None:
    start = _START.search(text)
    if start:
        return Starts(start[1], start[2])
    rooms = [one or other for one, other in _ROOM.findall(text)]
    door = _DOOR.search(text)
    if len(set(rooms)) == 2 and (door or "no wall" in text):
        return Joins(frozenset(rooms), door[1] if door else "", "locked" in text)
    thing = _THING.search(text)
    if thing and not door and len(set(rooms)) == 1:
        box = _BOX.search(text)
        return Lies(f"{thing[1]} {thing[2]}", rooms[0], _steps(text), f"{box[1]} box" if box else "")
    return None


def _subject(content: Starts | Lies | Joins, house: str) -> str:
    if isinstance(content, Starts):
        return "start"
    if isinstance(content, Joins):
        return " - ".join(sorted(content.rooms))
    return content.name if house else f"{content.name} in the {content.room}"  # a named house has one thing of a name


def _steps(text: str) -> tuple[int, int] | None:
    found = [(int(count), way) for count, way in _STEPS.findall(text)]
    if not found:
        return None
    east = sum(count * {"east": 1, "west": -1}.get(way, 0) for count, way in found)
    south = sum(count * {"south": 1, "north": -1}.get(way, 0) for count, way in found)
    return east, south
