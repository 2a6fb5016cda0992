"""Worlds that come back: one file a kind. In each, what a task needs to know is hidden from sight and told beforehand.

::

    lay_out ──► Layout, epoch 0 ──► alter ──► epoch 1 ──► …      the same for every task in the world
                     └──► draw_goal                              drawn by the task's seed

A memory task without ``options["world"]`` is a goal in a world of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from agemem_gym.envs.pddl.generated import LEVELS
from agemem_gym.envs.pddl.language import And, Atom, Literal, Problem, conjuncts
from agemem_gym.envs.pddl.wording import natural
from agemem_gym.envs.pddl.worlds.barman import BARMAN
from agemem_gym.envs.pddl.worlds.blockworld import BLOCKWORLD
from agemem_gym.envs.pddl.worlds.gripper import GRIPPER
from agemem_gym.envs.pddl.worlds.layout import Layout, WorldKind
from agemem_gym.envs.pddl.worlds.tyreworld import TYREWORLD
from agemem_gym.task import World

MEMORY = "memory"
"""The name of all kinds together."""

KINDS: Mapping[str, WorldKind] = {f"{MEMORY}-{kind.rules}": kind for kind in (GRIPPER, BLOCKWORLD, BARMAN, TYREWORLD)}
"""By the name that ``domain=`` takes."""

_SPLITS = {"train": 0, "validation": 1, "test": 2}
_LAYOUT, _CHANGE, _GOAL = range(3)
_NAMES = 89  # worlds whose things have different names


def draw(domain: str, split: str, number: int, attempt: int) -> Problem:
    """Problem `number` of a split, in a world of its own; levels 0 to 4 in turn."""
    level, kind = number % LEVELS, KINDS[domain]
    rng = np.random.default_rng([*_tags(domain, split), number, attempt])
    layout = kind.lay_out(rng, level, _SPLITS[split])
    return _problem(f"{split}-{number}", layout, kind.draw_goal(layout, rng, level))


def draw_in(world: World, number: int, domain: str, split: str, seed: int, attempt: int) -> Problem:
    """The goal that `seed` stands for in a world, the `number`-th of its kind."""
    level, kind = number % LEVELS, KINDS[domain]
    tags = _tags(domain, split)
    layout = kind.lay_out(world.rng(*tags, _LAYOUT), level, _SPLITS[split])
    for epoch in range(1, world.epoch + 1):
        layout = kind.alter(layout, world.rng(*tags, _CHANGE, epoch), world.changes)
    name = f"{split}-world{world.seed}-epoch{world.epoch}-changes{world.changes:g}-{seed}"
    problem = _problem(name, layout, kind.draw_goal(layout, world.rng(*tags, _GOAL, seed, attempt), level))
    return _with_names_of_its_own(problem, kind.numbered, 100 * (1 + world.seed % _NAMES))


def _with_names_of_its_own(problem: Problem, numbered: frozenset[str], above: int) -> Problem:
    """The same problem with other numbers, so that what is told of two worlds is never told of the same things."""

    def new(thing: str) -> str:
        word, number = natural(thing)
        return f"{word}{above + number}" if word in numbered else thing

    def all_new(atom: Atom) -> Atom:
        return (atom[0], *map(new, atom[1:]))

    goal = And(tuple(Literal(all_new(part.atom)) for part in conjuncts(problem.goal) if isinstance(part, Literal)))
    objects = tuple(sorted((new(thing), kind) for thing, kind in problem.objects))
    return Problem(problem.name, objects, frozenset(map(all_new, problem.initial)), goal)


def _tags(domain: str, split: str) -> tuple[int, int]:
    return sorted(KINDS).index(domain), _SPLITS[split]


def _problem(name: str, layout: Layout, goal: set[Atom]) -> Problem:
    wanted = And(tuple(Literal(atom) for atom in sorted(goal)))
    return Problem(name, tuple(sorted(layout.objects.items())), layout.initial, wanted)


__all__ = ["KINDS", "MEMORY", "Layout", "WorldKind", "draw", "draw_in"]
