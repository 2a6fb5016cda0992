"""Eight deep towers: only the top of each, and what it stands on, is seen."""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise

import numpy as np

from agemem_gym.envs.pddl.language import Atom
from agemem_gym.envs.pddl.worlds.layout import Layout, WorldKind, some

_TOWERS = 8
_BLOCKS = (30, 33, 30, 33, 36)
_SEEN = 2  # from the top
_WANTED = ((2,), (2,), (3,), (2, 2), (3,))  # how many blocks each tower of the goal has


def _lay_out(rng: np.random.Generator, level: int, variant: int) -> Layout:
    blocks = [f"b{i + 1}" for i in range(_BLOCKS[level] + variant)]
    mixed = some(rng, blocks, len(blocks))
    return Layout(dict.fromkeys(blocks, "block"), _standing([mixed[i::_TOWERS] for i in range(_TOWERS)]))


def _standing(towers: list[list[str]]) -> frozenset[Atom]:
    """The atoms of towers, each from the table up."""
    atoms: set[Atom] = {("handempty",)}
    for tower in towers:
        atoms |= {("ontable", tower[0]), ("clear", tower[-1])}
        atoms |= {("on", above, below) for below, above in pairwise(tower)}
    return frozenset(atoms)


def _towers(layout: Layout) -> list[list[str]]:
    above = {atom[2]: atom[1] for atom in layout.holding("on")}
    towers = [[atom[1]] for atom in layout.holding("ontable")]
    for tower in towers:
        while tower[-1] in above:
            tower.append(above[tower[-1]])
    return towers


def _alter(layout: Layout, rng: np.random.Generator, share: float) -> Layout:
    """Two blocks change places, again and again, until the share of what stands on what is another."""
    before, now = set(layout.holding("on")), layout
    while len(before - now.initial) < share * len(before):
        one, another = some(rng, layout.of_type("block"), 2)
        swap = {one: another, another: one}
        now = Layout(layout.objects, _standing([[swap.get(b, b) for b in tower] for tower in _towers(now)]))
    return now


def _draw_goal(layout: Layout, rng: np.random.Generator, level: int) -> set[Atom]:
    buried = sorted(block for tower in _towers(layout) for block in tower[:-_SEEN])
    held = layout.initial
    while True:
        chosen = some(rng, buried, sum(_WANTED[level]))
        wanted = {pair for height in _WANTED[level] for pair in pairwise([chosen.pop() for _ in range(height)])}
        goal: set[Atom] = {("on", above, below) for above, below in wanted}
        if not goal & held:
            return goal


def _bearing(initial: Collection[Atom], goal: Collection[Atom], needs: Collection[Atom]) -> Collection[Atom]:
    """What stands on the goal's blocks, up to the top; what is beneath them comes to light by itself."""
    above = {atom[2]: atom for atom in initial if atom[0] == "on"}
    found: dict[Atom, None] = {}
    for block in sorted({block for atom in goal for block in atom[1:]}):
        while block in above:
            found[above[block]] = None
            block = above[block][1]
    return found


BLOCKWORLD = WorldKind("blockworld", frozenset({"on"}), frozenset({"b"}), _lay_out, _alter, _draw_goal, _bearing)
