"""A small honest task whose worlds come back: things lie in closed places, and one of them is to be fetched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import pytest

from agemem_gym.checks import one_of, only_options
from agemem_gym.registration import make_stream
from agemem_gym.task import WORLD, TaskStart, TaskStep, World

THINGS = tuple("mug pan cup jar pot fork bowl vase book lamp soap comb".split())
PLACES = 20


class PantryTask:
    """Fetch a thing out of one of twenty boxes: ``open box 7``. Four boxes may be opened."""

    benchmark: ClassVar[str] = "pantry"
    metric: ClassVar[str] = "success"

    def __init__(self, moves: int = 4, split: str = "train") -> None:
        self._moves = moves
        one_of("split", split, ("train", "test"))
        self.resets: list[tuple[int, dict[str, Any]]] = []

    def reset(self, seed: int, options: Mapping[str, Any]) -> TaskStart:
        chosen = only_options(options, (WORLD,), task="Pantry")
        self.resets.append((seed, dict(chosen)))
        world = World.of(chosen) or World(seed)
        self._where = _pantry(world)
        self._wanted = THINGS[seed % len(THINGS)]
        self._found = False
        return TaskStart(
            task_id=f"Pantry/{world.seed}/{world.epoch}/{self._wanted}",
            instruction=f"Fetch the {self._wanted}.",
            observation="There are 20 boxes, all of them closed.",
            commands="open box N",
            max_moves=self._moves,
            key_facts=(self._says(self._wanted),),
        )

    def act(self, command: str) -> TaskStep:
        self._found |= command == f"open box {self._where[self._wanted]}"
        inside = [thing for thing, box in self._where.items() if command == f"open box {box}"]
        return TaskStep(f"You see: {', '.join(inside) or 'nothing'}.", float(self._found), self._found, self._found)

    def answer(self, text: str) -> TaskStep:
        return TaskStep("", float(self._found), self._found, True)

    def admissible(self) -> list[str]:
        return sorted(f"open box {box}" for box in range(PLACES))

    def expert(self) -> Iterator[str]:
        yield f"open box {self._where[self._wanted]}"

    def background(self, rng: np.random.Generator) -> list[str]:
        return list(self.world_facts())

    def distractor_pool(self, rng: np.random.Generator) -> list[str]:
        return [f"At my aunt's the {thing} is in box {int(rng.integers(PLACES))}." for thing in THINGS]

    def world_facts(self) -> tuple[str, ...]:
        return tuple(map(self._says, THINGS))

    def size(self) -> None:
        return None

    def close(self) -> None:
        pass

    def _says(self, thing: str) -> str:
        return f"The {thing} is in box {self._where[thing]}."


def _pantry(world: World) -> dict[str, int]:
    """Where each thing lies; each epoch a share of the things has moved."""
    where = dict(zip(THINGS, map(int, world.rng(0).integers(PLACES, size=len(THINGS))), strict=True))
    for epoch in range(1, world.epoch + 1):
        rng = world.rng(1, epoch)
        for thing in rng.permutation(THINGS)[: round(world.changes * len(THINGS))]:
            where[str(thing)] = (where[str(thing)] + int(rng.integers(1, PLACES))) % PLACES
    return where


FAST = {"encoder": "hash", "index": "exact"}


@pytest.fixture
def pantry():
    """Makes a stream of pantries."""
    made = []

    def make(**kwargs):
        made.append(make_stream(PantryTask, **{**FAST, **kwargs}))
        return made[-1]

    yield make
    for env in made:
        env.close()
