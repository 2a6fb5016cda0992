"""The 30 tasks of ScienceWorld, their variations, and the order in which a split is walked.

The simulator numbers a task's variations and cuts them into train, dev and test, in this order; the table holds how many
there are of each (``getVariationsTrain`` and its like, scienceworld 1.2.3; a test compares it with the simulator).
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

SPLITS = ("train", "dev", "test")
ALIASES = {"validation": "dev"}

COUNTS: dict[str, tuple[int, int, int]] = {
    "boil": (14, 7, 9),
    "melt": (14, 7, 9),
    "freeze": (14, 7, 9),
    "change-the-state-of-matter-of": (14, 7, 9),
    "use-thermometer": (270, 135, 135),
    "measure-melting-point-known-substance": (218, 109, 109),
    "measure-melting-point-unknown-substance": (150, 75, 75),
    "power-component": (10, 5, 5),
    "power-component-renewable-vs-nonrenewable-energy": (10, 5, 5),
    "test-conductivity": (450, 225, 225),
    "test-conductivity-of-unknown-substances": (300, 150, 150),
    "find-living-thing": (150, 75, 75),
    "find-non-living-thing": (150, 75, 75),
    "find-plant": (150, 75, 75),
    "find-animal": (150, 75, 75),
    "grow-plant": (62, 31, 33),
    "grow-fruit": (62, 31, 33),
    "chemistry-mix": (16, 8, 8),
    "chemistry-mix-paint-secondary-color": (18, 9, 9),
    "chemistry-mix-paint-tertiary-color": (18, 9, 9),
    "lifespan-longest-lived": (62, 31, 32),
    "lifespan-shortest-lived": (62, 31, 32),
    "lifespan-longest-lived-then-shortest-lived": (62, 31, 32),
    "identify-life-stages-1": (6, 3, 5),
    "identify-life-stages-2": (4, 2, 4),
    "inclined-plane-determine-angle": (84, 42, 42),
    "inclined-plane-friction-named-surfaces": (692, 346, 348),
    "inclined-plane-friction-unnamed-surfaces": (80, 40, 42),
    "mendelian-genetics-known-plant": (60, 30, 30),
    "mendelian-genetics-unknown-plant": (240, 120, 120),
}
"""Task name to (train, dev, test); in the simulator's order of tasks."""

AGENTBOARD_SIZE = 90

MEMORY = "memory"
"""What the keyword ``task_names`` calls the tasks of :mod:`.memory`."""

MEMORY_TASKS = (
    "use-thermometer",
    "measure-melting-point-unknown-substance",
    "test-conductivity-of-unknown-substances",
    "mendelian-genetics-unknown-plant",
    "chemistry-mix",
    "chemistry-mix-paint-secondary-color",
    "inclined-plane-determine-angle",
    "inclined-plane-friction-unnamed-surfaces",
)
_SOLID_MIXTURES = frozenset((2, 4, 6, 7, 10, 12, 14, 15, 16, 19, 20, 23, 25, 29))
"""The variations of chemistry-mix whose ingredients can be carried: nuts, sandwiches, smores."""

_MISTAKEN = frozenset((82, 230, 245, 407, 433, 435, 445, 496, 509, 519))
"""The variations of use-thermometer whose wire, wood or salt is taken for another one of the house, so that the plan fails."""


class Variation(NamedTuple):
    """One variation of one task."""

    task: str
    number: int


def is_electrical(task: str) -> bool:
    """It cannot be solved where ``noElectricalAction`` takes the electrical commands away (upstream refuses to load it)."""
    return "power-component" in task or "conductivity" in task


def split_of(variation: Variation) -> str:
    """The split that a variation belongs to."""
    return next(split for split in SPLITS if variation.number in _numbers(variation.task, split))


@cache
def in_order(tasks: tuple[str, ...], split: str) -> tuple[Variation, ...]:
    """All variations of a split in the official order: task by task."""
    return tuple(Variation(task, number) for task in tasks for number in _numbers(task, split))


@cache
def agentboard_choice(tasks: tuple[str, ...]) -> tuple[Variation, ...]:
    """90 test variations of the 26 tasks that need no electricity: three a task, four of the first twelve, spread evenly
    over the task's list. Of these, those of `tasks`.

    Which 90 AgentBoard chose stands in its data set, whose licence keeps it out of this package; its label file gives them.
    """
    able = [task for task in COUNTS if not is_electrical(task)]
    share, rest = divmod(AGENTBOARD_SIZE, len(able))
    chosen: list[Variation] = []
    for place, task in enumerate(able):
        numbers, wanted = _numbers(task, "test"), share + (place < rest)
        chosen += [Variation(task, numbers[i * (len(numbers) - 1) // (wanted - 1)]) for i in range(wanted)]
    return tuple(variation for variation in chosen if variation.task in tasks)


@cache
def memory_choice(tasks: tuple[str, ...], split: str) -> tuple[Variation, ...]:
    """The variations of a split that can be memory tasks, task by task; each task's in one mixed order."""
    chosen: list[Variation] = []
    for task in tasks:
        able = [variation for variation in in_order((task,), split) if _can_be_told(variation)]
        chosen += [able[i] for i in np.random.default_rng(len(able)).permutation(len(able))]
    return tuple(chosen)


def _can_be_told(variation: Variation) -> bool:
    if variation.task == "chemistry-mix":
        return variation.number in _SOLID_MIXTURES
    return variation.task != "use-thermometer" or variation.number not in _MISTAKEN


@cache
def round_robin(variations: tuple[Variation, ...]) -> tuple[Variation, ...]:
    """The same ones, the first of each task first: few seeds cover every task."""
    by_task: dict[str, list[Variation]] = {}
    for variation in variations:
        by_task.setdefault(variation.task, []).append(variation)
    rows = list(by_task.values())
    return tuple(row[rank] for rank in range(max(map(len, rows))) for row in rows if rank < len(row))


def _numbers(task: str, split: str) -> range:
    counts = COUNTS[task]
    place = SPLITS.index(split)
    return range(sum(counts[:place]), sum(counts[: place + 1]))
