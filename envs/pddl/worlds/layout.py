"""What a world is made of: its objects, how they stand at the start, what of it is told, and how it changes."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agemem_gym.envs.pddl.language import Atom
from agemem_gym.envs.pddl.wording import natural


@dataclass(frozen=True)
class Layout:
    """A world at one time: objects with their types, and what holds at the start of every task in it."""

    objects: Mapping[str, str]
    initial: frozenset[Atom]

    def of_type(self, kind: str) -> list[str]:
        """The objects of a type, in the order in which they were made."""
        return [name for name, its_kind in self.objects.items() if its_kind == kind]

    def holding(self, predicate: str) -> list[Atom]:
        """The atoms of a predicate, sorted."""
        return sorted(atom for atom in self.initial if atom[0] == predicate)

    def exchanged(self, old: set[Atom], new: set[Atom]) -> Layout:
        """The same world with some atoms in the place of others."""
        return Layout(self.objects, self.initial - old | new)


@dataclass(frozen=True)
class WorldKind:
    """One kind of world.

    Attributes:
        rules: the domain whose operators it has.
        told: the predicates of what is hidden from sight and told instead; all of it can change between tasks.
        numbered: the words before the numbers of the things that are told of.
        lay_out: draws a world of a level; `variant` 0, 1 and 2 give numbers of things that no other variant has.
        alter: the world after a share of what is told has changed.
        draw_goal: what is to be reached in it; of what the goal needs, something at least is hidden.
        bearing: of what holds at the start, what one has to know to go straight to the goal, seen or not; given the goal and
            what the steps of a plan need.
    """

    rules: str
    told: frozenset[str]
    numbered: frozenset[str]
    lay_out: Callable[[np.random.Generator, int, int], Layout]
    alter: Callable[[Layout, np.random.Generator, float], Layout]
    draw_goal: Callable[[Layout, np.random.Generator, int], set[Atom]]
    bearing: Callable[[Collection[Atom], Collection[Atom], Collection[Atom]], Collection[Atom]]

    def facts(self, initial: frozenset[Atom]) -> list[Atom]:
        """What can be told of a world, sorted by object."""
        return sorted((atom for atom in initial if atom[0] in self.told), key=lambda atom: (atom[0], natural(atom[1])))


def needed(initial: Collection[Atom], goal: Collection[Atom], needs: Collection[Atom]) -> Collection[Atom]:
    """What the steps of the plan need."""
    return [atom for atom in needs if atom in initial]


def some(rng: np.random.Generator, things: Sequence[str], count: int) -> list[str]:
    """`count` different ones of them."""
    return [things[int(i)] for i in rng.permutation(len(things))[:count]]


def other(rng: np.random.Generator, things: Sequence[str], *than: str) -> str:
    """One of them that is none of `than`."""
    return some(rng, [thing for thing in things if thing not in than], 1)[0]


def part_of(share: float, count: int) -> int:
    """How many of `count` a share of them is; one at least where the share is not nothing."""
    return min(count, math.ceil(share * count))


def moved(layout: Layout, rng: np.random.Generator, share: float, predicate: str, places: Sequence[str]) -> Layout:
    """A share of the atoms ``(predicate, thing, place)`` with another place."""
    held = layout.holding(predicate)
    chosen = [held[int(i)] for i in sorted(rng.permutation(len(held))[: part_of(share, len(held))])]
    return layout.exchanged(set(chosen), {(predicate, atom[1], other(rng, places, atom[2])) for atom in chosen})
