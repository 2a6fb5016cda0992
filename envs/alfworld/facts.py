"""What could be said about an episode in passing: where things are, how the room is furnished, what a cupboard hides.

All sentences of :func:`casual_facts` and :func:`key_facts` are true in the episode's first state and come from its facts;
neither names the task. Those of :func:`distractors` are about other rooms, or about nothing in particular.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from .goals import Goal
from .state import WorldState

LIES = (
    "By the way, {a} is {where}.",
    "I noticed {a} {where} earlier.",
    "Last time I looked, {a} was {where}.",
    "You can find {a} {where}.",
    "Someone left {a} {where}.",
)
EMPTY = ("There is nothing {where}, I checked.", "Do not bother with the {place}: it is empty.")
CLOSED = ("The {place} is closed; you have to open it to see inside.", "Mind that the {place} is kept closed.")
OPEN_KINDS = ("cabinet", "drawer", "fridge", "microwave", "safe", "garbagecan", "box", "sinkbasin", "bathtubbasin")

USES = {
    "microwave": "The {place} heats whatever you hold when you stand before it.",
    "fridge": "The {place} cools whatever you hold when you stand before it.",
    "sinkbasin": "Things get clean at the {place}.",
}

ELSEWHERE = ("my neighbour's flat", "the office", "my parents' house", "the holiday cottage", "the old apartment")
THINGS = "mug plate apple book pen keychain creditcard cellphone soapbar towel candle vase laptop pillow watch".split()
PLACES = "drawer cabinet shelf countertop sidetable desk dresser fridge sofa diningtable armchair".split()
CHAT = (
    "In {home}, {a} is in the {place}.",
    "At {home} they always keep {a} on the {place}.",
    "When I visited {home}, I saw {a} near the {place}.",
    "I think {home} is getting a new {place} next month.",
    "Yesterday at {home} I spent an hour searching for {a}; it was behind the {place}.",
    "In {home}, the {place} has been broken for weeks, so {a} had to go elsewhere.",
)


USED = re.compile(r"take (?P<thing>.+?) from .+|use (?P<lamp>.+)")


class Scene:
    """The first state of an episode in words.

    Args:
        world: the facts.
        names: the name that an agent reads for each identifier.
        home: the address, where the room is one of several that are talked of.
    """

    def __init__(self, world: WorldState, names: Mapping[str, str], home: str = "") -> None:
        self._names = names
        self._home = home
        self._inside = [(item, place) for item, place in world.facts("inreceptacle")]
        self._places = [place for place, _ in world.facts("receptacletype")]
        self._closed = {place for (place,) in world.facts("openable")} - {place for (place,) in world.facts("opened")}
        self._kinds = {item: kind.removesuffix("type") for item, kind in world.facts("objecttype")}
        self._place_kinds = {place: kind.removesuffix("type") for place, kind in world.facts("receptacletype")}

    def casual_facts(self, rng: np.random.Generator) -> list[str]:
        """Where everything is, what is empty, what is closed and what a fixture is good for; in random order."""
        told = [self._told(rng, LIES, item, place) for item, place in self._inside]
        full = {place for _, place in self._inside}
        told += [self._told(rng, EMPTY, "", place) for place in self._places if place not in full]
        told += [self._told(rng, CLOSED, "", place) for place in sorted(self._closed)]
        for place in self._places:
            if use := USES.get(self._place_kinds[place]):
                told.append(self._here(use.format(place=self._names[place])))
        return [told[int(position)] for position in rng.permutation(len(told))]

    def key_facts(self, goal: Goal) -> tuple[str, ...]:
        """Where the goal's objects and its lamp are: what a memory should hold to win quickly.

        What lies where it belongs needs no finding, unless it has to be cleaned, heated or cooled first.
        """
        done_at = "" if goal.treatment else goal.place
        wanted = [
            self._fact(item, place)
            for item, place in self._inside
            if self._kinds.get(item) in (goal.kind, goal.lamp) and self._place_kinds.get(place) != done_at
        ]
        closed = [
            self._here(f"The {self._names[place]} is closed.")
            for place in sorted(self._closed)
            if any(place == where and self._kinds.get(item) == goal.kind for item, where in self._inside)
        ]
        return (*wanted, *closed)

    def facts_of(self, plan: Sequence[str]) -> tuple[str, ...]:
        """Where the things are that a plan takes, and the lamps that it lights: what it has to know and cannot see."""
        places = {self._names[item]: (item, place) for item, place in self._inside}
        found = (USED.fullmatch(command) for command in plan)
        used = dict.fromkeys(match["thing"] or match["lamp"] for match in found if match)
        return tuple(self._fact(*places[thing]) for thing in used if thing in places)

    def whereabouts(self) -> tuple[str, ...]:
        """Where each thing is, in the order of their names."""
        named = sorted((_in_order(self._names[item]), item, place) for item, place in self._inside)
        return tuple(self._fact(item, place) for _, item, place in named)

    def _fact(self, item: str, place: str) -> str:
        return self._here(f"The {self._names[item]} is {self._where(place)}.")

    def _told(self, rng: np.random.Generator, ways: Sequence[str], item: str, place: str) -> str:
        said = ways[int(rng.integers(len(ways)))]
        thing = f"the {self._names.get(item, '')}"
        return self._here(said.format(a=thing, where=self._where(place), place=self._names[place]))

    def _here(self, sentence: str) -> str:
        """The sentence, said of this home."""
        if not self._home:
            return sentence
        return f"At {self._home}, {sentence if sentence.startswith('I ') else sentence[0].lower() + sentence[1:]}"

    def _where(self, place: str) -> str:
        inside = self._place_kinds[place] in OPEN_KINDS
        return f"{'in' if inside else 'on'} the {self._names[place]}"


def _in_order(name: str) -> tuple[str, int]:
    """``"mug 10"`` comes after ``"mug 9"``."""
    kind, _, number = name.rpartition(" ")
    return (kind, int(number)) if number.isdigit() else (name, 0)


def distractors(rng: np.random.Generator, goal: Goal, count: int = 40) -> list[str]:
    """Sentences about the same kinds of things in other homes: alike in words, useless here."""
    kinds = [goal.kind, *THINGS]
    places = [place for place in (goal.place, *PLACES) if place]
    return [
        CHAT[int(rng.integers(len(CHAT)))].format(
            home=ELSEWHERE[int(rng.integers(len(ELSEWHERE)))],
            a=f"the {kinds[int(rng.integers(len(kinds)))]} {int(rng.integers(1, 4))}",
            place=f"{places[int(rng.integers(len(places)))]} {int(rng.integers(1, 6))}",
        )
        for _ in range(count)
    ]
