"""What BabyAI's text says: things by steps ahead and to the right, the wall ahead, what is carried; and the mission's parts."""

from __future__ import annotations

import re
from dataclasses import dataclass

COLOURS = ("red", "green", "blue", "purple", "yellow", "grey")
_THING = re.compile(
    r"There is an? ((?:\w+ )+?)(\d+) (?:right in front of you (\d+) steps away"
    r"|(\d+) steps in front of you and (\d+) steps to your (right|left))"
)
_BARRIER = re.compile(r"You are facing an? (\w+) (\d+) steps away")
_CARRYING = re.compile(r"You are carrying an? (\w+ \w+)")
_CLAUSE = re.compile(r", then | after you | and (?=go to|pick up|open|put)")
_PUT = re.compile(r"put (.+) next to (.+)")
_DO = re.compile(r"(go to|pick up|open) (.+)")
_SIDES = "on your left|on your right|in front of you|behind you"
_WHAT = re.compile(rf"(?:the|an?) (?:({'|'.join(COLOURS)}) )?(ball|box|key|door|object)(?: ({_SIDES}))?")
_HOUSE = re.compile(r"\bIn ((?:[A-Z]\w+ )+House), ")


@dataclass(frozen=True)
class Seen:
    """A thing in view.

    Attributes:
        name: as the text calls it, e.g. ``"blue closed door"``.
        number: which of this name.
        ahead, right: steps ahead of the agent and to its right (negative: left).
    """

    name: str
    number: int
    ahead: int
    right: int

    @property
    def colour(self) -> str:
        """Its colour."""
        return self.name.split()[0]

    @property
    def kind(self) -> str:
        """Ball, box, key or door."""
        return self.name.split()[-1]

    @property
    def state(self) -> str:
        """Open, closed or locked; empty where it is no door."""
        return self.name.split()[1] if self.kind == "door" else ""


@dataclass(frozen=True)
class Observation:
    """All that one text says; `barrier` is the kind and distance of the wall or box straight ahead, if one is in view."""

    things: tuple[Seen, ...]
    barrier: tuple[str, int] | None
    carrying: str

    @property
    def faced(self) -> Seen | None:
        """The thing in the cell ahead."""
        return next((thing for thing in self.things if (thing.ahead, thing.right) == (1, 0)), None)


@dataclass(frozen=True)
class What:
    """What a mission speaks of; empty words leave it open."""

    colour: str
    kind: str
    side: str = ""

    def fits(self, colour: str, kind: str) -> bool:
        """Whether a thing may be meant."""
        return self.colour in ("", colour) and self.kind in ("object", kind)

    def __str__(self) -> str:
        return f"{self.colour} {self.kind}".strip()


@dataclass(frozen=True)
class Part:
    """One thing to do: ``"go to"``, ``"pick up"``, ``"open"``, or ``"put"`` (next to `beside`)."""

    verb: str
    what: What
    beside: What | None = None


def is_observation(text: str) -> bool:
    """Whether a text is what is seen, and no message of the engine such as a refusal."""
    return "You are carrying " in text or "You are not carrying" in text


def read_observation(text: str) -> Observation:
    """An engine's text; a message that is no observation shows nothing."""
    things = []
    for name, number, straight, ahead, right, side in _THING.findall(text):
        steps = (int(straight), 0) if straight else (int(ahead), int(right) * (1 if side == "right" else -1))
        things.append(Seen(name.strip(), int(number), *steps))
    barrier, carrying = _BARRIER.search(text), _CARRYING.search(text)
    return Observation(
        tuple(things), (barrier[1], int(barrier[2])) if barrier else None, carrying[1] if carrying else ""
    )


def read_mission(text: str) -> tuple[str, tuple[Part, ...]]:
    """The house that a mission is about ("" where it names none), and its parts in the order in which to do them."""
    house = _HOUSE.search(text)
    text = text[house.end() :] if house else text
    halves = text.split(" after you ")
    ordered = " and ".join(reversed(halves))
    parts = [part for clause in _CLAUSE.split(ordered) if (part := _part(clause.strip(" ,."))) is not None]
    return house[1] if house else "", tuple(parts)


def _part(clause: str) -> Part | None:
    put, do = _PUT.fullmatch(clause), _DO.fullmatch(clause)
    if put:
        what, beside = _what(put[1]), _what(put[2])
        return Part("put", what, beside) if what and beside else None
    what = _what(do[2]) if do else None
    return Part(do[1], what) if do and what else None


def _what(text: str) -> What | None:
    match = _WHAT.fullmatch(text)
    return What(match[1] or "", match[2], match[3] or "") if match else None
