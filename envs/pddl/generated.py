"""Problems of graded difficulty for the four domains of AgentBoard (gripper, blockworld, barman, tyreworld), drawn by seed.

The small ones are few: of the smallest gripper problems there are sixteen. So that nothing that is tested on was trained on,
the problems of the validation and test splits have a shape of their own at every level: `variant` 1 and 2 change how many
things there are (or, in blockworld, which towers are asked for), to numbers that no problem of another variant has.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from agemem_gym.envs.pddl.language import And, Atom, Literal, Problem

LEVELS = 5
_AGENTBOARD_LEVELS = 3  # those whose plans fit 30 moves
Drawn = tuple[dict[str, str], set[Atom], set[Atom]]
"""Objects with their types, initial atoms, goal atoms."""


def _gripper(rng: np.random.Generator, level: int, variant: int) -> Drawn:
    rooms = [f"room{i + 1}" for i in range(2 + level // 2 + variant)]  # the balls tell the level, the rooms the variant
    balls = [f"ball{i + 1}" for i in range(3 + level)]
    objects = {"left": "gripper", "right": "gripper", **dict.fromkeys(rooms, "room"), **dict.fromkeys(balls, "ball")}
    initial: set[Atom] = {("at-robby", str(rng.choice(rooms))), ("free", "left"), ("free", "right")}
    goal: set[Atom] = set()
    for ball in balls:
        here, there = rng.permutation(len(rooms))[:2]
        initial.add(("at", ball, rooms[here]))
        goal.add(("at", ball, rooms[there]))
    return objects, initial, goal


def _blockworld(rng: np.random.Generator, level: int, variant: int) -> Drawn:
    blocks = [f"b{i + 1}" for i in range(4 + level)]
    initial: set[Atom] = {("handempty",)}
    for tower in _towers(blocks, rng):
        initial |= {("ontable", tower[0]), ("clear", tower[-1])}
        initial |= {("on", above, below) for below, above in pairwise(tower)}
    order = [blocks[i] for i in rng.permutation(len(blocks))]
    wanted = (
        [order[:-1]],
        [order[:-2]],
        [order[:-2], order[-2:]],
    )  # a tower of all but one, of all but two, and two towers
    goal: set[Atom] = {("on", above, below) for tower in wanted[variant] for below, above in pairwise(tower)}
    return dict.fromkeys(blocks, "block"), initial, goal


def _towers(blocks: list[str], rng: np.random.Generator) -> list[list[str]]:
    towers: list[list[str]] = []
    for place in rng.permutation(len(blocks)):
        pick = int(rng.integers(len(towers) + 1))
        if pick == len(towers):
            towers.append([])
        towers[pick].append(blocks[place])
    return towers


def _barman(rng: np.random.Generator, level: int, variant: int) -> Drawn:
    ingredients = [
        f"ingredient{i + 1}" for i in range(2 + level // 2 + variant)
    ]  # one more than cocktails, and the variant
    cocktails = [f"cocktail{i + 1}" for i in range(1 + level // 2)]
    shots = [f"shot{i + 1}" for i in range(2 + (level + 1) // 2)]
    levels = ["l0", "l1", "l2"]
    objects = {"left": "hand", "right": "hand", "shaker1": "shaker", **dict.fromkeys(shots, "shot")}
    objects |= (
        dict.fromkeys(ingredients, "ingredient") | dict.fromkeys(cocktails, "cocktail") | dict.fromkeys(levels, "level")
    )
    initial: set[Atom] = {("handempty", "left"), ("handempty", "right"), ("shaker-level", "shaker1", "l0")}
    initial |= {("shaker-empty-level", "shaker1", "l0"), ("next", "l0", "l1"), ("next", "l1", "l2")}
    for container in ("shaker1", *shots):
        initial |= {("ontable", container), ("clean", container), ("empty", container)}
    for number, ingredient in enumerate(ingredients, start=1):
        objects[f"dispenser{number}"] = "dispenser"
        initial.add(("dispenses", f"dispenser{number}", ingredient))
    for cocktail in cocktails:
        first, second = rng.permutation(len(ingredients))[:2]
        initial |= {("cocktail-part1", cocktail, ingredients[first]), ("cocktail-part2", cocktail, ingredients[second])}
    drinks = cocktails + [str(rng.choice(ingredients)) for _ in range(level % 2)]
    goal: set[Atom] = {("contains", shot, drink) for shot, drink in zip(shots, drinks, strict=False)}
    return objects, initial, goal


def _tyreworld(rng: np.random.Generator, level: int, variant: int) -> Drawn:
    count = 1 + level // 3
    objects = {"boot": "container", "wrench": "tool", "jack": "tool", "pump": "tool"}
    initial: set[Atom] = {("closed", "boot"), ("unlocked", "boot")}
    goal: set[Atom] = set()
    for i in range(1, count + 1):
        flat, spare, hub, nuts = f"flat{i}", f"spare{i}", f"the-hub{i}", f"nuts{i}"
        objects |= {flat: "wheel", spare: "wheel", hub: "hub", nuts: "nuts"}
        initial |= {
            ("on", flat, hub),
            ("deflated", flat),
            ("deflated", spare),
            ("intact", spare),
            ("in", spare, "boot"),
        }
        initial |= {("tight", nuts, hub), ("on-ground", hub), ("fastened", hub)}
        goal |= {("on", spare, hub)} if level else {("inflated", spare)}
        if level >= 1 and rng.random() < 0.7:
            goal.add(("inflated", spare))
        if level >= 2:
            goal |= {("tight", nuts, hub)}
        if level == 2 or level == 4:
            goal |= {("in", flat, "boot"), ("closed", "boot")}
    goal |= {("in", tool, "boot") for tool in ("wrench", "jack", "pump") if level in (1, 2) and rng.random() < 0.5}
    if level == 0:
        goal |= {("in", "pump", "boot"), ("closed", "boot")}
    for i in range(1, variant + 1):  # wheels that are of no use: they cannot be inflated
        objects[f"torn{i}"] = "wheel"
        initial |= {("deflated", f"torn{i}"), ("in", f"torn{i}", "boot")}
    initial |= {("in", tool, "boot") for tool in ("wrench", "jack", "pump")}
    return objects, initial, goal


GENERATORS: dict[str, Callable[[np.random.Generator, int, int], Drawn]] = {
    "gripper": _gripper,
    "blockworld": _blockworld,
    "barman": _barman,
    "tyreworld": _tyreworld,
}
_SPLIT_CODES = {"train": 0, "validation": 1, "test": 2, "agentboard": 3}
_VARIANTS = {"train": 0, "validation": 1, "test": 2, "agentboard": 0}


def draw(domain: str, split: str, number: int, attempt: int) -> Problem:
    """Problem `number` of a split: levels 0 to 4 in turn; `attempt` draws another one where the first was not solvable."""
    level = number % (_AGENTBOARD_LEVELS if split == "agentboard" else LEVELS)
    seed = [sorted(GENERATORS).index(domain), _SPLIT_CODES[split], number, attempt]
    objects, initial, goal = GENERATORS[domain](np.random.default_rng(seed), level, _VARIANTS[split])
    wanted = And(tuple(Literal(atom) for atom in sorted(goal)))
    return Problem(f"{split}-{number}", tuple(sorted(objects.items())), frozenset(initial), wanted)
