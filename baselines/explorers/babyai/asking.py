"""What to ask of memory: where one starts, where the mission's things are, then the way door by door, and keys."""

from __future__ import annotations

from collections.abc import Iterator

from agemem_gym.baselines.explorers.babyai.knowledge import Knowledge
from agemem_gym.baselines.explorers.babyai.observation import Part
from agemem_gym.baselines.explorers.babyai.statements import Joins


class Asking:
    """Asks each question once.

    Args:
        told: what is known, which grows between the questions.
    """

    def __init__(self, told: Knowledge) -> None:
        self._told = told
        self._asked: set[str] = set()
        self._things: list[str] = []
        self._doors: list[str] = []

    def begin(self, parts: tuple[Part, ...]) -> None:
        """What the mission speaks of."""
        meant = [what for part in parts for what in (part.what, part.beside) if what is not None and not what.side]
        self._things = list(dict.fromkeys(str(what) for what in meant if what.kind != "door" and what.colour))
        self._doors = list(dict.fromkeys(what.colour for what in meant if what.kind == "door" and what.colour))

    def questions(self) -> list[str]:
        """What is still worth asking, the most important first."""
        new = [text for text in dict.fromkeys(self._all()) if text not in self._asked]
        self._asked |= set(new)
        return new

    def _all(self) -> Iterator[str]:
        told = self._told
        if told.start is None:
            yield self._put("you start in a room, facing")
        doors = [joins for joins in told.joins() if joins.colour in self._doors]
        keys = [f"{joins.colour} key" for joins in told.joins() if joins.locked]
        for name in (*self._things, *keys):
            if not told.told_rooms(name):
                yield self._put(f"a {name} in the room")
        for colour in self._doors:
            if not any(joins.colour == colour for joins in doors):
                yield self._put(f"the {colour} door joins")
        goals = [room for name in (*self._things, *keys) for room in told.told_rooms(name)]
        goals += [room for joins in doors for room in sorted(joins.rooms)]
        if goals and told.start is not None:
            yield from self._between(told.start.room, goals)

    def _between(self, start: str, goals: list[str]) -> Iterator[str]:
        """The doors of every room that is joined to a goal, until all of them are joined to the start."""
        here = _joined(start, self._told.joins())
        for goal in goals:
            there = _joined(goal, self._told.joins())
            if start not in there:
                yield from (self._doors_of(room) for room in [*there, *here])

    def _doors_of(self, room: str) -> str:
        return self._put(f"the door joins the {room}")

    def _put(self, text: str) -> str:
        return f"In {self._told.house}, {text}" if self._told.house else text


def _joined(room: str, joins: list[Joins]) -> list[str]:
    """The rooms that are known to be joined to one, itself first."""
    found = [room]
    for one in found:
        for pair in joins:
            if one in pair.rooms:
                found += [other for other in sorted(pair.rooms) if other not in found]
    return found
