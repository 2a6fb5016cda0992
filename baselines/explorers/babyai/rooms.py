"""Rooms as a graph: what was seen and what was told of the doors between them, and the best way from here."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from agemem_gym.baselines.explorers.babyai.floor import Cell, Room
from agemem_gym.baselines.explorers.babyai.house_map import STEPS, HouseMap
from agemem_gym.baselines.explorers.babyai.knowledge import Knowledge

_GAP, _DOOR, _LOCKED, _UNKNOWN, _SEEN_ASKANCE = 0.5, 1.0, 6.0, 4.0, 8.0


class Rooms:
    """The rooms round an explorer.

    Args:
        house: what was seen.
        told: what was told.
        key: the colour of the key in hand.
        missing: colours of keys that cannot be had on the way.
    """

    def __init__(self, house: HouseMap, told: Knowledge, key: str, missing: frozenset[str] = frozenset()) -> None:
        self._house, self._key, self._missing = house, key, missing
        plan = house.floor.plan
        self._doors = {
            frozenset(plan.rooms(cell)): item for cell, item in house.doors().items() if plan.lines(cell) == 1
        }
        self._bounds = told.bounds()
        self._told = {pair: joins for pair, joins in told.edges().items() if not self._refuted(pair)}

    def route(self, goals: list[Room]) -> list[tuple[Room, Room]] | None:
        """The cheapest way from here to one of the rooms, as pairs of neighbours; None where none is known."""
        here = self._house.room
        best, came = {here: 0.0}, dict[Room, Room]()
        queue = [(0.0, here)]
        while queue:
            cost, room = heapq.heappop(queue)
            if cost > best[room]:
                continue
            if room in goals:
                passed = []
                while room != here:
                    passed.append((came[room], room))
                    room = came[room]
                return passed[::-1]
            for other, step in self._beside(room):
                if cost + step < best.get(other, float("inf")):
                    best[other], came[other] = cost + step, room
                    heapq.heappush(queue, (cost + step, other))
        return None

    def is_known(self, one: Room, other: Room) -> bool:
        """Whether the way between two rooms has been seen."""
        pair = frozenset((one, other))
        return pair in self._doors or pair in self._house.gaps

    def lacks_key(self, one: Room, other: Room) -> str:
        """The colour of the key that is missing between two rooms; empty if none is."""
        pair = frozenset((one, other))
        item, joins = self._doors.get(pair), self._told.get(pair)
        colour = item.colour if item else joins.colour if joins else ""
        locked = item.state == "locked" if item else bool(joins and joins.locked)
        return colour if locked and colour != self._key else ""

    def _beside(self, room: Room) -> Iterator[tuple[Room, float]]:
        for dx, dy in STEPS:
            other = room[0] + dx, room[1] + dy
            pair = frozenset((room, other))
            if pair in self._house.gaps or (pair in self._told and not self._told[pair].colour):
                yield other, _GAP
            elif pair in self._doors or pair in self._told:
                lacking = self.lacks_key(room, other)
                if not lacking or lacking not in self._missing:
                    yield other, _LOCKED if lacking else _DOOR
            elif self._bounds and other[0] in self._bounds[0] and other[1] in self._bounds[1]:
                if not self._refuted(pair):
                    yield other, _UNKNOWN
                elif not self._is_wall(pair):
                    yield other, _SEEN_ASKANCE

    def _refuted(self, pair: frozenset[Room]) -> bool:
        """Whether the wall in question has been looked at, and has no door."""
        wall = self._wall(pair)
        return bool(wall) and wall <= self._house.seen and pair not in self._house.gaps

    def _is_wall(self, pair: frozenset[Room]) -> bool:
        """Whether it is known that there is a wall: an observation names walls straight ahead only, and no gap."""
        return bool(self._wall(pair) & self._house.walls)

    def _wall(self, pair: frozenset[Room]) -> set[Cell]:
        one, other = sorted(pair)
        return set(self._house.floor.plan.wall(one, other))
