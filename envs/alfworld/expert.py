"""The shortest errand from a known state: which thing to fetch, where to treat it, where to put it, what to open on the way.

fast-downward's own search finds the same plans, but takes seconds in a kitchen and minutes for some two-object tasks (it holds
the engine all that while). The six task types need no search: every plan is a chain of errands, so all chains are written
out and the shortest is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import permutations

from .goals import TREATMENTS, Goal
from .state import WorldState

TOOLS = {"isclean": "sinkbasintype", "ishot": "microwavetype", "iscool": "fridgetype"}
"""Where an object gets each state."""


def shortest_plan(world: WorldState, names: Mapping[str, str], goal: Goal) -> list[str]:
    """Commands that reach `goal` from `world`; empty where it is reached already or nothing reaches it.

    Args:
        world: the facts of the present state.
        names: the name that an agent reads for each identifier.
        goal: what is to be reached.
    """
    room = _Room(world, names)
    ways = [way for way in _ways(room, goal) if way is not None]
    return min(ways, key=len, default=[])


def _ways(room: _Room, goal: Goal) -> Iterator[list[str] | None]:
    things = room.of_kind(goal.kind)
    if goal.lamp:
        for thing in things:
            for lamp in room.of_kind(goal.lamp):
                yield _Walk(room).light(thing, lamp)
        return
    tools = room.places(TOOLS[goal.treatment]) if goal.treatment else [""]
    for target in room.places(f"{goal.place}type"):
        there = [thing for thing in things if room.where.get(thing) == target] if goal.count > 1 else []
        others = [thing for thing in things if thing not in there]
        for chosen in permutations(others, max(0, goal.count - len(there))):
            for tool in tools:
                yield _Walk(room).bring(chosen, target, tool, goal.treatment)


class _Room:
    """A state, indexed for errands. Nothing here changes."""

    def __init__(self, world: WorldState, names: Mapping[str, str]) -> None:
        self.world = world
        self.names = names
        self.where = dict(world.facts("inreceptacle"))
        self.location = dict(world.facts("receptacleatlocation"))
        self.openable = {place for (place,) in world.facts("openable")}
        self.opened = {place for (place,) in world.facts("opened")}
        self.kind = dict(world.facts("objecttype"))
        self.place_kind = dict(world.facts("receptacletype"))
        self.fits = set(world.facts("cancontain"))
        self.at = next((location for _, location in world.facts("atlocation")), "")
        self.held = next((thing for _, thing in world.facts("holds")), "")

    def of_kind(self, kind: str) -> list[str]:
        """The things of one kind that can be reached."""
        return [t for t, k in self.kind.items() if k == f"{kind}type" and (t in self.where or t == self.held)]

    def places(self, kind: str) -> list[str]:
        """The receptacles of one type that one can walk to."""
        return [place for place, found in self.place_kind.items() if found == kind and place in self.location]


class _Walk:
    """One walk through the room: where the agent would stand, what it would hold and what it would have opened."""

    def __init__(self, room: _Room) -> None:
        self._room = room
        self._at, self._held, self._opened = room.at, room.held, set(room.opened)
        self._commands: list[str] = []

    def bring(self, things: tuple[str, ...], target: str, tool: str, treatment: str) -> list[str] | None:
        """Take each of `things`, treat it with `tool` if it is not yet so, and put it at `target`."""
        for thing in things:
            if not (self._fits(thing, target) and self._take(thing)):
                return None
            if treatment and not self._room.world.holds(treatment, thing):
                self._go(tool)
                self._say(f"{TREATMENTS[treatment]} {{}} with {{}}", thing, tool)
            self._put(thing, target)
        return self._commands

    def light(self, thing: str, lamp: str) -> list[str] | None:
        """Take `thing` to `lamp` and switch that on."""
        if not self._take(thing):
            return None
        self._go(self._room.where[lamp])
        if not self._room.world.holds("istoggled", lamp):
            self._say("use {}", lamp)
        return self._commands

    def _take(self, thing: str) -> bool:
        if self._held == thing:
            return True
        if self._held and not self._put_down():
            return False
        if thing not in self._room.where:
            return False
        place = self._room.where[thing]
        self._go(place)
        self._open(place)
        self._say("take {} from {}", thing, place)
        self._held = thing
        return True

    def _put_down(self) -> bool:
        """Get rid of what is in hand: here if it may lie here, else at the first place where it may."""
        places = [place for place in self._room.location if self._fits(self._held, place)]
        if not places:
            return False
        self._put(self._held, min(places, key=self._cost))
        return True

    def _put(self, thing: str, place: str) -> None:
        self._go(place)
        self._open(place)
        self._say("move {} to {}", thing, place)
        self._held = ""

    def _go(self, place: str) -> None:
        if self._room.location[place] != self._at:
            self._at = self._room.location[place]
            self._say("go to {}", place)

    def _open(self, place: str) -> None:
        if self._shut(place):
            self._opened.add(place)
            self._say("open {}", place)

    def _shut(self, place: str) -> bool:
        return place in self._room.openable and place not in self._opened

    def _cost(self, place: str) -> int:
        return (self._room.location[place] != self._at) + self._shut(place)

    def _fits(self, thing: str, place: str) -> bool:
        return (self._room.place_kind.get(place, ""), self._room.kind[thing]) in self._room.fits

    def _say(self, template: str, *items: str) -> None:
        self._commands.append(template.format(*(self._room.names[item] for item in items)))
