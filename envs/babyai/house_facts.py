"""What is true of a house, as sentences that somebody can use who only reads: which room, through which doors, which key.

Rooms are named by the compass, each by a word of its own, and every sentence names its house, so that memories of several
houses can be told apart::

    In Old Birch House, you start in the middle room, facing east.
    In Old Birch House, a red ball lies open in the northwest room.
    In Old Birch House, a blue box stands in the east room.
    In Old Birch House, a green key is hidden in the blue box in the east room.
    In Old Birch House, the blue door joins the north room and the middle room; it is locked and a blue key opens it.
    In Old Birch House, there is no wall between the middle room and the south room.

In a house of three by three rooms the names also say in which wall a door is: from the middle to the north room it leads north.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from agemem_gym.envs.babyai.facts import COMPASS, room_name
from agemem_gym.envs.babyai.houses import COLOURS, KINDS, House, Passage, Thing, house_name
from agemem_gym.envs.babyai.missions import Mission, legs_of

_START = (
    "When you come to {house}, you start in {room}, facing {facing}.",
    "In {house} they always let you start in {room}, facing {facing}.",
)
_THING = (
    "By the way, in {house} {thing} lies open in {room}.",
    "I was in {house} earlier: {thing} lies open in {room}.",
    "In {house}, somebody left {thing} lying open in {room}.",
    "Funny, {thing} lies open in {room} of {house}.",
)
_BOX = (
    "By the way, in {house} {thing} stands in {room}.",
    "I was in {house} earlier: {thing} stands in {room}.",
    "In {house}, somebody left {thing} in {room}, there it stands.",
    "Funny, {thing} stands in {room} of {house}.",
)
_HIDDEN = (
    "By the way, in {house} there is {thing} hidden in the {box} in {room}.",
    "In {house} I put {thing} into the {box} in {room}, hidden from sight.",
    "In {house}, have a look into the {box} in {room}: {thing} is hidden there.",
)
_DOOR = (
    "In {house}, if you take the {colour} door of {one}, which is {state}, you get to {other}.",
    "In {house}, the {colour} door between {one} and {other} is {state}, last I looked.",
    "In {house} you can walk from {one} to {other} by the {colour} door; it is {state} now.",
)
_LOCKED = (
    "Careful, in {house} the {colour} door between {one} and {other} is locked; only a {colour} key opens it.",
    "In {house} I could not get from {one} to {other}: the {colour} door is locked and only a {colour} key opens it.",
)
_GAP = ("In {house}, there is no wall between {one} and {other}, just walk over.",)
_NEIGHBOURS = 3  # houses that distractors speak of


@dataclass(frozen=True)
class Statement:
    """One fact: its plain wording, the ways to say it casually, and the words to put into them."""

    text: str
    ways: tuple[str, ...]
    words: tuple[tuple[str, str], ...]

    def plain(self) -> str:
        """As a gold fact."""
        return self.text.format(**dict(self.words))

    def casual(self, rng: np.random.Generator) -> str:
        """As talk."""
        return self.ways[int(rng.integers(len(self.ways)))].format(**dict(self.words))


class HouseFacts:
    """The facts of a house, and which of them a mission needs.

    Args:
        house: as it is when the episode begins.
        mission: what is asked for.
    """

    def __init__(self, house: House, mission: Mission) -> None:
        self._house, self._name = house, house.name
        self._rooms = {place: room_name(*place, *house.shape, joint="") for place in house.places}
        self._start = self._start_statement()
        self._things = {id(thing): self._thing_statement(thing) for thing in house.things}
        self._passages = {(passage.one, passage.other): self._passage_statement(passage) for passage in house.passages}
        self._needed = tuple(dict.fromkeys(statement.plain() for statement in self._on_the_way(mission)))

    def key_facts(self) -> tuple[str, ...]:
        """Where one starts, what the mission speaks of, and the doors and keys on the shortest way there."""
        return self._needed

    def everything(self) -> tuple[str, ...]:
        """All facts, in a fixed order."""
        return tuple(statement.plain() for statement in self._statements())

    def background(self, rng: np.random.Generator) -> list[str]:
        """Every fact, casually; where one starts comes first, the rest in an order of `rng`'s."""
        start, *rest = [statement.casual(rng) for statement in self._statements()]
        return [start, *(rest[int(i)] for i in rng.permutation(len(rest)))]

    def distractors(self, rng: np.random.Generator) -> list[str]:
        """Sentences of the same kind about other houses, and about what this one does not have any more."""
        here = {thing.name for thing in self._house.things}
        absent = [name for colour in COLOURS for kind in KINDS if (name := f"{colour} {kind}") not in here]
        houses = [house_name(int(seed)) for seed in rng.integers(1 << 30, size=2 * _NEIGHBOURS)]
        houses = [name for name in houses if name != self._name][:_NEIGHBOURS]
        names = [f"{colour} {kind}" for colour in COLOURS for kind in ("ball", "key")]
        rooms = list(self._rooms.values())
        sentences = []
        for number in range(12):
            one, other = (str(room) for room in rng.choice(rooms, 2, replace=False))
            words = {
                "house": houses[number % len(houses)],
                "colour": str(rng.choice(COLOURS)),
                "one": one,
                "other": other,
            }
            words |= {
                "thing": f"a {rng.choice(names)}",
                "room": one,
                "state": "closed",
                "box": f"{rng.choice(COLOURS)} box",
            }
            sentences += [
                _one_of((*_THING, *_HIDDEN), rng).format(**words),
                _one_of((*_DOOR, *_LOCKED), rng).format(**words),
            ]
            if absent:
                gone = rng.choice(absent)
                sentences.append(f"Last year there was a {gone} in {one} of {self._name}, but it is long gone.")
        return list(dict.fromkeys(sentences))

    def _statements(self) -> list[Statement]:
        return [self._start, *self._things.values(), *self._passages.values()]

    def _start_statement(self) -> Statement:
        facing = COMPASS[int(self._house.env.agent_dir)]
        words = {"house": self._name, "room": self._rooms[self._house.start], "facing": facing}
        return _statement("In {house}, you start in {room}, facing {facing}.", _START, words)

    def _thing_statement(self, thing: Thing) -> Statement:
        words = {"house": self._name, "thing": f"a {thing.name}", "room": self._rooms[thing.place]}
        if thing.box is not None:
            words["box"] = thing.box.name
            return _statement("In {house}, {thing} is hidden in the {box} in {room}.", _HIDDEN, words)
        if thing.thing.type == "box":
            return _statement("In {house}, {thing} stands in {room}.", _BOX, words)
        return _statement("In {house}, {thing} lies open in {room}.", _THING, words)

    def _passage_statement(self, passage: Passage) -> Statement:
        words = {"house": self._name, "one": self._rooms[passage.one], "other": self._rooms[passage.other]}
        door = passage.door
        if door is None:
            return _statement("In {house}, there is no wall between {one} and {other}.", _GAP, words)
        words |= {"colour": door.color, "state": "locked" if door.is_locked else "open" if door.is_open else "closed"}
        key = " and a {colour} key opens it" if door.is_locked else ""
        text = "In {house}, the {colour} door joins {one} and {other}; it is {state}" + key + "."
        return _statement(text, _LOCKED if door.is_locked else _DOOR, words)

    def _on_the_way(self, mission: Mission) -> Iterator[Statement]:
        yield self._start
        for leg in legs_of(self._house, mission):
            if isinstance(leg.target, Thing):
                yield self._things[id(leg.target)]
            else:
                yield self._of(leg.target)
            yield from (self._of(passage) for passage in leg.passages if passage.door is not None)

    def _of(self, passage: Passage) -> Statement:
        return self._passages[passage.one, passage.other]


def _statement(text: str, ways: tuple[str, ...], words: dict[str, Any]) -> Statement:
    return Statement(text, ways, tuple(words.items()))


def _one_of(ways: tuple[str, ...], rng: np.random.Generator) -> str:
    return ways[int(rng.integers(len(ways)))]
