"""Many rooms, twelve balls in them: where a ball lies is seen only in its room."""

from __future__ import annotations

import numpy as np

from agemem_gym.envs.pddl.language import Atom
from agemem_gym.envs.pddl.worlds.layout import Layout, WorldKind, moved, needed, other, some

_BALLS = 12
_ROOMS = (23, 23, 26, 26, 29)
_WANTED = (2, 2, 3, 3, 4)


def _lay_out(rng: np.random.Generator, level: int, variant: int) -> Layout:
    rooms = [f"room{i + 1}" for i in range(_ROOMS[level] + variant)]
    balls = [f"ball{i + 1}" for i in range(_BALLS)]
    objects = {"left": "gripper", "right": "gripper", **dict.fromkeys(balls, "ball"), **dict.fromkeys(rooms, "room")}
    start, *others = some(rng, rooms, len(rooms))
    lying = {("at", ball, others[int(rng.integers(len(others)))]) for ball in balls}
    return Layout(objects, frozenset({("at-robby", start), ("free", "left"), ("free", "right")} | lying))


def _alter(layout: Layout, rng: np.random.Generator, share: float) -> Layout:
    (start,) = (atom[1] for atom in layout.holding("at-robby"))
    return moved(layout, rng, share, "at", [room for room in layout.of_type("room") if room != start])


def _draw_goal(layout: Layout, rng: np.random.Generator, level: int) -> set[Atom]:
    rooms = layout.of_type("room")
    lying = {atom[1]: atom[2] for atom in layout.holding("at")}
    return {("at", ball, other(rng, rooms, lying[ball])) for ball in some(rng, layout.of_type("ball"), _WANTED[level])}


GRIPPER = WorldKind("gripper", frozenset({"at"}), frozenset({"ball", "room"}), _lay_out, _alter, _draw_goal, needed)
