"""A garage full of closed boxes: what is in one is seen only when it is open."""

from __future__ import annotations

import numpy as np

from agemem_gym.envs.pddl.language import Atom
from agemem_gym.envs.pddl.worlds.layout import Layout, WorldKind, moved, needed, some

_BOXES = (24, 24, 27, 27, 30)
_SPARES, _HUBS = 9, 2
_TOOLS = ("wrench", "jack", "pump")
_BOOT = "boot"


def _lay_out(rng: np.random.Generator, level: int, variant: int) -> Layout:
    boxes = [f"box{i + 1}" for i in range(_BOXES[level] + variant)]
    spares = [f"spare{i + 1}" for i in range(_SPARES)]
    objects = {_BOOT: "container", **dict.fromkeys(boxes, "container"), **dict.fromkeys(_TOOLS, "tool")}
    objects |= dict.fromkeys(spares, "wheel")
    initial: set[Atom] = {(state, container) for container in (_BOOT, *boxes) for state in ("closed", "unlocked")}
    initial |= {("in", thing, boxes[int(rng.integers(len(boxes)))]) for thing in (*_TOOLS, *spares)}
    initial |= {(state, spare) for spare in spares for state in ("deflated", "intact")}
    for i in range(1, _HUBS + 1):
        flat, hub, nuts = f"flat{i}", f"the-hub{i}", f"nuts{i}"
        objects |= {flat: "wheel", hub: "hub", nuts: "nuts"}
        initial |= {("on", flat, hub), ("deflated", flat), ("tight", nuts, hub), ("on-ground", hub), ("fastened", hub)}
    return Layout(objects, frozenset(initial))


def _alter(layout: Layout, rng: np.random.Generator, share: float) -> Layout:
    return moved(layout, rng, share, "in", [box for box in layout.of_type("container") if box != _BOOT])


def _draw_goal(layout: Layout, rng: np.random.Generator, level: int) -> set[Atom]:
    spares = [wheel for wheel in layout.of_type("wheel") if wheel.startswith("spare")]
    (spare,) = some(rng, spares, 1)
    number = int(rng.integers(1, _HUBS + 1))
    flat, hub, nuts = f"flat{number}", f"the-hub{number}", f"nuts{number}"
    goals: tuple[set[Atom], ...] = (
        {("in", thing, _BOOT) for thing in some(rng, [*_TOOLS, *spares], 2)},
        {("inflated", spare), ("in", spare, _BOOT)},
        {("in", flat, _BOOT), ("in", spare, _BOOT)},
        {("on", spare, hub)},
        {("on", spare, hub), ("inflated", spare), ("tight", nuts, hub)},
    )
    return goals[level]


TYREWORLD = WorldKind("tyreworld", frozenset({"in"}), frozenset({"box", "spare"}), _lay_out, _alter, _draw_goal, needed)
