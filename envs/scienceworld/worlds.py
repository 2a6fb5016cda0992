"""A laboratory that comes back: the same house and the same secrets, new goals, and things that have been moved since.

One world is a set of the simulator's variations that can all be true of one house (two variations may know different things
of "unknown substance B"), and a place for each thing that any of them needs. Its secrets are for ever; what changes from epoch
to epoch is where things are. What a task alone brings along (its boxes, its inclined planes) stands where the world says
whenever it is there; what stands in every house (thermometer, paints, a banana) does so in each task.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from agemem_gym.envs.scienceworld import assignments
from agemem_gym.envs.scienceworld.assignments import Assignment
from agemem_gym.envs.scienceworld.memory import SCENES, Scene, movable, place_fact
from agemem_gym.envs.scienceworld.placing import SPOTS, Placed, Spot
from agemem_gym.envs.scienceworld.simulator import Simulator, Situation
from agemem_gym.envs.scienceworld.variations import Variation
from agemem_gym.task import World

GOALS_A_TASK = 2
_BOXES = frozenset(("red box", "green box", "blue box"))
"""Boxes that the world puts somewhere; tasks that say themselves where their boxes are use others."""

_MOST_TRIES = 40


@dataclass(frozen=True)
class Grounds:
    """What a world can be made of.

    Attributes:
        able: the variations to choose goals from.
        simplifications: as of every situation.
    """

    able: tuple[Variation, ...]
    simplifications: tuple[str, ...]


class Laboratories:
    """The worlds that were entered, by what they were made of and their seeds: to make one takes some thirty loads."""

    def __init__(self) -> None:
        self._known: dict[tuple[Grounds, int], Laboratory] = {}

    def enter(self, simulator: Simulator, grounds: Grounds, world: World, seed: int) -> tuple[Variation, Scene]:
        """The goal of a world that `seed` stands for, ready to be played."""
        laboratory = self._laboratory(simulator, grounds, world)
        variation = laboratory.goals[seed % len(laboratory.goals)][0]
        return variation, _scene(simulator, grounds, variation, spots(laboratory, world))

    def facts(self, simulator: Simulator, grounds: Grounds, world: World) -> tuple[str, ...]:
        """All that holds in a world now: its secrets, and where things are. Secrets are found out when first asked for."""
        laboratory = self._laboratory(simulator, grounds, world)
        where = spots(laboratory, world)
        for variation, _ in laboratory.goals:
            if variation not in laboratory.secrets:
                laboratory.secrets[variation] = _scene(simulator, grounds, variation, where).secret
        secrets = dict.fromkeys(laboratory.secrets[variation] for variation, _ in laboratory.goals)
        return (*filter(None, secrets), *(place_fact(Placed(thing, spot)) for thing, spot in where.items()))

    def _laboratory(self, simulator: Simulator, grounds: Grounds, world: World) -> Laboratory:
        key = (grounds, world.seed)
        if key not in self._known:
            self._known[key] = make_laboratory(simulator, grounds, world)
        return self._known[key]


LABORATORIES = Laboratories()
"""Those of this process."""


@dataclass
class Laboratory:
    """The world of one seed, without its epochs.

    Attributes:
        goals: the variations, each with what it asks for, in a fixed order.
        secrets: those that were found out.
    """

    goals: tuple[tuple[Variation, Assignment], ...]
    secrets: dict[Variation, str] = field(default_factory=dict)

    def things(self) -> list[str]:
        """All that is put somewhere."""
        return sorted({thing for _, assignment in self.goals for thing in movable(assignment)})


def make_laboratory(simulator: Simulator, grounds: Grounds, world: World) -> Laboratory:
    """Choose goals that fit together; of the world its seed counts, not its epoch."""
    chosen: list[tuple[Variation, Assignment]] = []
    for place, task in enumerate(dict.fromkeys(variation.task for variation in grounds.able)):
        of_task = [variation for variation in grounds.able if variation.task == task]
        order = world.rng(1, place).permutation(len(of_task))
        fitting = 0
        for i in order[:_MOST_TRIES]:
            simulator.prepare(Situation(task, of_task[i].number, grounds.simplifications))
            assignment = assignments.read(simulator.task_description())
            if assignment and _fits(assignment, [other for _, other in chosen]):
                chosen.append((of_task[i], assignment))
                fitting += 1
            if fitting == GOALS_A_TASK:
                break
    mixed = [chosen[i] for i in world.rng(4).permutation(len(chosen))]
    return Laboratory(tuple(mixed))


def spots(laboratory: Laboratory, world: World) -> dict[str, Spot]:
    """Where each thing is in the world's epoch."""
    things = laboratory.things()
    rng = world.rng(2)
    where = {thing: SPOTS[int(rng.integers(len(SPOTS)))] for thing in things}
    for epoch in range(1, world.epoch + 1):
        rng = world.rng(3, epoch)
        for i in sorted(rng.permutation(len(things))[: round(world.changes * len(things))]):
            others = [spot for spot in SPOTS if spot.room != where[things[i]].room]
            where[things[i]] = others[int(rng.integers(len(others)))]
    return where


def _scene(simulator: Simulator, grounds: Grounds, variation: Variation, where: dict[str, Spot]) -> Scene:
    situation = Situation(variation.task, variation.number, grounds.simplifications)
    return SCENES.scene(simulator, situation, where)


def _fits(a: Assignment, others: Sequence[Assignment]) -> bool:
    """Whether an assignment contradicts none of the world's."""
    if a.boxes_room and _BOXES & set(a.boxes):
        return False
    if a.kind in ("conductivity", "trait") and not set(a.boxes) <= _BOXES:
        return False
    if any(other.kind == a.kind and other.thing == a.thing and a.kind != "temperature" for other in others):
        return False
    return not any(set(a.choices) & set(other.choices) for other in others)
