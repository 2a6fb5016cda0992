"""A stream worked out: the goal of each task, and what is said before it. Engines are asked only for what is new.

Which goals there are, and which facts they need, only an engine knows; so its task is reset in the world in question. What was
found stays, for a stream is walked through many times when memories of it are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from agemem_gym.stream.news import Line, news, remembered
from agemem_gym.stream.order import StreamSettings, Visit, latest_visit, visits
from agemem_gym.stream.places import place_names
from agemem_gym.task import WORLD, LastingTask

_GOALS = 0x60A15
_SEEDS = 2**31 - 1
_TRIES = 12  # for a goal that the stream has not had in this world


@dataclass(frozen=True)
class Setting:
    """What a task is reset with.

    Attributes:
        seed: chooses the goal.
        world: the reset option.
    """

    seed: int
    world: Mapping[str, Any]


@dataclass
class Script:
    """One stream in one engine.

    Args:
        task: the engine's.
        settings: what the stream is made of.
        number: the stream's.
        most: how many things are said before a task, `n1`.

    Attributes:
        stream: its tasks' places.
        held_out: for each held-out task, a visit of its world as it stands at the end.
        names: of its worlds.
    """

    task: LastingTask
    settings: StreamSettings
    number: int
    most: int
    stream: tuple[Visit, ...] = ()
    held_out: tuple[Visit, ...] = ()
    names: tuple[str, ...] = ()
    _goals: dict[int, list[int]] = field(default_factory=dict)
    _needs: dict[tuple[int, int, int], tuple[str, ...]] = field(default_factory=dict)
    _facts: dict[tuple[int, int], tuple[str, ...]] = field(default_factory=dict)
    _said: dict[int, list[Line]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stream = visits(self.settings, self.number)
        self.names = place_names(self.number, len({visit.place for visit in self.stream}))
        last = [latest_visit(self.stream, place, self.settings.tasks) for place in self._coming_back()]
        self.held_out = tuple(visit for visit in last for _ in range(self.settings.held_out))

    def setting(self, task: int, after: int | None = None) -> Setting:
        """Task `task` of the stream, in its world as it stands after task `after` (by default when it is its turn)."""
        visit = self.stream[task - 1]
        then = visit if after is None else latest_visit(self.stream, visit.place, after)
        return Setting(self._goals_of(visit.place)[self._turn(visit)], self._world(then))

    def held_out_setting(self, number: int) -> Setting:
        """The held-out task of this number, from 1, in its world as it stands at the end."""
        visit = self.held_out[number - 1]
        played = sum(other.place == visit.place for other in self.stream)
        which = sum(other.place == visit.place for other in self.held_out[: number - 1])
        return Setting(self._goals_of(visit.place)[played + which], self._world(visit))

    def said(self, task: int) -> list[Line]:
        """What is said before a task, in the order of its saying."""
        if task not in self._said:
            visit = self.stream[task - 1]
            told: tuple[str, ...] = ()
            for earlier in self.stream[: task - 1]:
                if earlier.place == visit.place:
                    told = remembered(told, self.said(earlier.task))
            lines = news(self._facts_of(visit), told, list(self._needed(visit)), self.most)
            rng = np.random.default_rng([_GOALS, self.number, task])
            self._said[task] = [lines[int(position)] for position in rng.permutation(len(lines))]
        return self._said[task]

    # ------------------------------------------------------------------------------------------------- from the engine

    def _coming_back(self) -> list[int]:
        return list(dict.fromkeys(visit.place for visit in self.stream if visit.returns))

    def _turn(self, visit: Visit) -> int:
        """Which of its world's goals a task has."""
        return visit.visit - 1

    def _world(self, visit: Visit) -> dict[str, Any]:
        return {"seed": visit.world, "epoch": visit.epoch, "changes": self.settings.change_rate}

    def _goals_of(self, place: int) -> list[int]:
        """Seeds of the goals in a world: those of the stream's tasks, then the held-out ones, none twice if it can be."""
        if place not in self._goals:
            here = [visit for visit in self.stream if visit.place == place]
            wanted = len(here) + (self.settings.held_out if here[0].returns else 0)
            rng = np.random.default_rng([_GOALS, here[0].world])
            chosen: list[int] = []
            instructions: set[str] = set()
            while len(chosen) < wanted:
                for _ in range(_TRIES):
                    seed = int(rng.integers(_SEEDS))
                    instruction = self._ask(here[0], seed)
                    if instruction not in instructions:
                        break
                chosen.append(seed)
                instructions.add(instruction)
            self._goals[place] = chosen
        return self._goals[place]

    def _needed(self, visit: Visit) -> Iterator[str]:
        """The facts, as they are at a visit, that the goals from there on need, the next one's first."""
        for seed in self._goals_of(visit.place)[self._turn(visit) :]:
            key = (visit.place, visit.epoch, seed)
            if key not in self._needs:
                self._ask(visit, seed)
            yield from self._needs[key]

    def _facts_of(self, visit: Visit) -> tuple[str, ...]:
        key = (visit.place, visit.epoch)
        if key not in self._facts:
            self._ask(visit, self._goals_of(visit.place)[0])
        return self._facts[key]

    def _ask(self, visit: Visit, seed: int) -> str:
        """Reset the engine there, and keep what it says; returns the goal in words."""
        start = self.task.reset(seed, {WORLD: self._world(visit)})
        facts = self.task.world_facts()
        self._facts[visit.place, visit.epoch] = facts
        self._needs[visit.place, visit.epoch, seed] = tuple(fact for fact in start.key_facts if fact in set(facts))
        return start.instruction
