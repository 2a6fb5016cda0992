"""Homes: rooms that are furnished before anybody knows what for, so that several quests can be set in one of them.

::

    furnish(split, seed)  ─►  Home  ─ later(epochs, changes) ─►  Home: the same room, some things elsewhere
                                └─ quests ─►  Quest  ─ game_in ─►  Game

A home holds some dozen kinds of things, most once, some twice. With ``hidden=True`` it is a home that needs a memory:

- A thing is as likely to lie in a place as it takes moves to look there (a drawer that has to be opened is two, a shelf
  one). So no order of searching is better than another, and whoever searches for `m` moves finds it with the chance
  `m` / *all the moves that looking everywhere would take*.
- Only quests are set whose searcher has a slim chance (:func:`chance`) within the limit of
  :func:`~agemem_gym.envs.moves.memory_limit`.
- A thing of which one is wanted is there once, a thing of which two are wanted twice: one fact a thing tells all.

What changes from one epoch to the next is where things lie; the room and its furniture stay. A home that comes back has an
address, by which what is said of it is told from what is said of others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain, zip_longest

import numpy as np

from agemem_gym.envs.moves import memory_limit
from agemem_gym.errors import ConfigurationError

from . import packaged
from .game import Game
from .generated import CROWDING, SPLITS, choices, decorated, lamp_spots, movable, plans_for, shuffled_index, thing_at
from .goals import TASK_TYPES
from .problem import LAMP, Quest, Thing, goal_sentence, problem_text, walkthrough_of
from .rooms import Receptacle, Room, holds, load_room

MOST_KINDS = 12
"""Kinds of things in a home; with those that are there twice about as many things as the smallest official games have."""

TWICE = 1 / 3
"""Share of the kinds that are there twice."""

SLIM_CHANCES = (0.35, 0.5, 0.75, 1.0)
"""The most that a searcher's chance may be; the first for which the split has a room that is large enough."""

FEWEST_QUESTS = 10
"""A home has at least as many quests, if its room and the task types allow it at all."""

ERRANDS = {
    "pick_and_place_simple": 3,
    "look_at_obj_in_light": 3,
    "pick_clean_then_place_in_recep": 5,
    "pick_heat_then_place_in_recep": 5,
    "pick_cool_then_place_in_recep": 5,
    "pick_two_obj_and_place": 6,
}
"""Moves of a quest besides those that look where the wanted things are: take, go, put down or light, treat."""

STREETS = (
    "Acorn Alder Amber Aspen Beech Birch Bridge Canal Cedar Cherry Chestnut Clover Elder Elm Fern Garden Harbour Hazel"
)
STREETS += " Heather Holly Ivy Juniper Larch Linden Maple Meadow Mill Orchard Poplar Rowan Station Willow"
HIGHEST_NUMBER = 997

_LOOK = 2  # moves: go there, open it
_TAG = 0x40E


@dataclass(frozen=True)
class Home:
    """A furnished room.

    Attributes:
        split, seed: which home it is.
        room: its floor plan.
        things: everything in it, and where it lies.
        task_types: of the quests that are set in it.
        hidden: whether its quests need a memory.
        most: the greatest chance that a searcher may have in one of them.
    """

    split: str
    seed: int
    room: Room
    things: tuple[Thing, ...]
    task_types: tuple[str, ...]
    hidden: bool
    most: float

    def quests(self) -> tuple[Quest, ...]:
        """What can be asked for as things lie now, in a mixed order that goes round the task types.

        Where these are fewer than :data:`FEWEST_QUESTS`, a searcher may have better chances in them.
        """
        found: tuple[Quest, ...] = ()
        for most in SLIM_CHANCES:
            if most >= self.most and len(found) < FEWEST_QUESTS:
                by_type = [self.quests_of(kind, most) for kind in self.task_types]
                found = tuple(quest for quest in chain.from_iterable(zip_longest(*by_type)) if quest is not None)
        return found

    def quests_of(self, task_type: str, most: float | None = None) -> tuple[Quest, ...]:
        """The quests of one type, in mixed order."""
        wanted = _possible(task_type, self.room, self.most if most is None else most)
        order = np.random.default_rng([_TAG, self.seed, TASK_TYPES.index(task_type)]).permutation(len(wanted))
        return tuple(quest for i in order if self._is_open(quest := Quest(task_type, *wanted[int(i)], self.room)))

    def _is_open(self, quest: Quest) -> bool:
        """Whether a quest can be set: as many of the kind as it wants, and none where it belongs."""
        lying = [thing.where.kind for thing in self.things if thing.kind == quest.kind and thing.where]
        enough = len(lying) == _count(quest.task_type) if self.hidden else len(lying) >= _count(quest.task_type)
        return enough and quest.place not in lying

    def later(self, epochs: int, changes: float) -> Home:
        """The home after some epochs, in each of which a share of its things has come to lie elsewhere."""
        home = self
        for epoch in range(1, epochs + 1):
            rng = np.random.default_rng([_TAG, SPLITS.index(self.split), self.seed, epoch])
            home = replace(home, things=tuple(_moved(home, changes, rng)))
        return home


def furnish(split: str, seed: int, task_types: Sequence[str], rooms: Sequence[str], hidden: bool = False) -> Home:
    """The home that `seed` stands for; it holds a quest of :func:`lead_type`.

    Raises:
        ConfigurationError: none of these rooms can hold any of these tasks.
    """
    able = _able(split, tuple(task_types), tuple(rooms), hidden)
    lead, plans, most = able[seed % len(able)]
    room = load_room(plans[shuffled_index(seed // len(able), len(plans), lead)])
    rng = np.random.default_rng([_TAG, SPLITS.index(split), seed])
    while True:
        things = tuple(_laid_out(room, hidden, most, lead, rng))
        home = Home(split, seed, room, things, tuple(dict.fromkeys(task_types)), hidden, most)
        if home.quests_of(lead):
            return home


def lead_type(split: str, seed: int, task_types: Sequence[str], rooms: Sequence[str], hidden: bool = False) -> str:
    """The task type whose turn it is in the home that `seed` stands for: seeds go round the types."""
    able = _able(split, tuple(task_types), tuple(rooms), hidden)
    return able[seed % len(able)][0]


def address(seed: int) -> str:
    """The home that `seed` stands for, as people call it: ``"5 Maple Street"``."""
    turn, street = divmod(seed, len(STREETS.split()))
    return f"{turn % HIGHEST_NUMBER + 1} {STREETS.split()[street]} Street"


def game_in(home: Home, quest: Quest, name: str) -> Game:
    """A quest in a home as a game of this name."""
    rng = np.random.default_rng(
        [_TAG, home.seed, TASK_TYPES.index(quest.task_type), *quest.kind.encode(), *quest.place.encode()]
    )
    problem = problem_text(quest, home.things, "home")
    way = tuple(walkthrough_of(quest, home.things))
    return Game(name, packaged.domain(), packaged.grammar(), goal_sentence(quest, rng), problem, way)


# -- how long a search takes --------------------------------------------------------------------------------------------


def chance(task_type: str, kind: str, place: str, room: Room) -> float:
    """The chance that whoever knows nothing but the room finds all that is wanted within the limit, the places being as likely
    as they take moves to look at.
    """
    count = _count(task_type)
    time = memory_limit(ERRANDS[task_type] + _LOOK * count) - ERRANDS[task_type]
    everywhere = sum(
        _moves_to_look(_spots(kind, room, "" if task_type not in _NOT_WHERE_IT_BELONGS else place)).values()
    )
    return float(min(1.0, time / everywhere) ** count)


_NOT_WHERE_IT_BELONGS = ("pick_and_place_simple", "pick_two_obj_and_place")


def _moves_to_look(spots: Sequence[Receptacle]) -> dict[Receptacle, float]:
    """Moves that each of these takes if all are looked at: the way there, shared by what stands together, and opening it."""
    locations = [spot.location for spot in spots]
    return {spot: 1 / locations.count(spot.location) + spot.openable for spot in spots}


def _spots(kind: str, room: Room, but: str = "") -> list[Receptacle]:
    return [spot for spot in room.receptacles if kind in holds(spot.kind) and spot.kind != but]


def _count(task_type: str) -> int:
    return 2 if task_type == "pick_two_obj_and_place" else 1


@lru_cache(maxsize=4096)
def _possible(task_type: str, room: Room, most: float) -> tuple[tuple[str, str], ...]:
    """What may be asked for in a room: every (kind, place) in which a searcher's chance is at most `most`."""
    return tuple(
        (kind, place) for kind, place in choices(task_type, room) if chance(task_type, kind, place, room) <= most
    )


# -- which room ---------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _able(
    split: str, task_types: tuple[str, ...], rooms: tuple[str, ...], hidden: bool
) -> tuple[tuple[str, tuple[int, ...], float], ...]:
    """The task types that these rooms can hold, each with its floor plans and the greatest chance allowed there."""
    able = tuple((kind, *_large_enough(split, kind, rooms, hidden)) for kind in task_types)
    if not any(plans for _, plans, _ in able):
        raise ConfigurationError(
            f"no room of the kinds {list(rooms)} in split {split!r} can hold a task of the types {list(task_types)}; "
            "give more rooms or more task_types"
        )
    return tuple(item for item in able if item[1])


@lru_cache(maxsize=256)
def _large_enough(split: str, task_type: str, rooms: tuple[str, ...], hidden: bool) -> tuple[tuple[int, ...], float]:
    for most in SLIM_CHANCES if hidden else SLIM_CHANCES[-1:]:
        plans = tuple(n for n in plans_for(split, task_type, rooms) if _possible(task_type, load_room(n), most))
        if plans:
            return plans, most
    return (), 1.0


# -- laying out ---------------------------------------------------------------------------------------------------------


def _laid_out(room: Room, hidden: bool, most: float, lead: str, rng: np.random.Generator) -> Iterator[Thing]:
    """Some kinds of things, those first that a quest may ask for, each where it may lie; then what only stands there."""
    wanted = {kind for kind, _ in _possible(lead, room, most)}
    kinds = sorted(movable(room))
    order = [kinds[int(i)] for i in rng.permutation(len(kinds))]
    order.sort(key=lambda kind: kind not in wanted)
    for kind in order[:MOST_KINDS]:
        copies = 2 if rng.random() < TWICE else 1
        for _ in range(copies):
            yield thing_at(kind, _drawn(kind, room, hidden, rng), rng)
    if LAMP in room.kinds and (spots := lamp_spots(room)):
        yield thing_at(LAMP, spots[int(rng.integers(len(spots)))], rng)
    yield from decorated(room, rng)


def _drawn(kind: str, room: Room, hidden: bool, rng: np.random.Generator, but: Receptacle | None = None) -> Receptacle:
    """A place for a thing of a kind; not `but`, where there is another."""
    spots = lamp_spots(room) if kind == LAMP else _spots(kind, room)
    moves = _moves_to_look(spots)
    spots = [spot for spot in spots if spot != but] or spots
    weights = np.array([moves[spot] if hidden else CROWDING.get(spot.kind, 0.3) for spot in spots])
    return spots[int(rng.choice(len(spots), p=weights / weights.sum()))]


def _moved(home: Home, changes: float, rng: np.random.Generator) -> Iterator[Thing]:
    """Everything, a share of it elsewhere; at least one thing, if anything changes at all."""
    lying = [i for i, thing in enumerate(home.things) if thing.where]
    count = max(round(changes * len(lying)), 1 if changes > 0 else 0)
    chosen = {lying[int(i)] for i in rng.permutation(len(lying))[:count]}
    for i, thing in enumerate(home.things):
        spot = _drawn(thing.kind, home.room, home.hidden, rng, thing.where) if i in chosen else thing.where
        yield replace(thing, where=spot)
