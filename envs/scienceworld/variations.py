"""The 30 tasks of ScienceWorld, their variations, and the order in which a split is walked.

The simulator numbers a task's variations and cuts them into train, dev and test, in this order; the table holds how many
there are of each (``getVariationsTrain`` and its like, scienceworld 1.2.3; a test compares it with the simulator).
"""

from __future__ import annotations

from functools import cache

SPLITS = ("train", "dev", "test")

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

AGENTBOARD_PER_TASK = 3


@cache
def in_order(tasks: tuple[str, ...], split: str) -> tuple[tuple[str, int], ...]:
    """All (task, variation) of a split in the official order: task by task."""
    return tuple((task, variation) for task in tasks for variation in _of_split(task, split))


@cache
def round_robin(tasks: tuple[str, ...], split: str) -> tuple[tuple[str, int], ...]:
    """The same ones, the first variation of each task first: few seeds cover every task."""
    rows = [[(task, variation) for variation in _of_split(task, split)] for task in tasks]
    return tuple(row[rank] for rank in range(max(map(len, rows))) for row in rows if rank < len(row))


@cache
def agentboard_choice(tasks: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    """Three test variations a task, the first, the middle and the last one: 90 for all tasks, as many as AgentBoard has.

    Which ones AgentBoard chose stands in its data set, whose licence keeps it out of this package.
    """
    chosen = []
    for task in tasks:
        variations = list(_of_split(task, "test"))
        picks = (variations[0], variations[len(variations) // 2], variations[-1])
        chosen += [(task, variation) for variation in picks[:AGENTBOARD_PER_TASK]]
    return tuple(chosen)


def _of_split(task: str, split: str) -> range:
    counts = COUNTS[task]
    place = SPLITS.index(split)
    return range(sum(counts[:place]), sum(counts[: place + 1]))
