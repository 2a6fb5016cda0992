"""A bar whose dispensers have no labels and whose recipes are not written down: both are known only from hearsay."""

from __future__ import annotations

import numpy as np

from agemem_gym.envs.pddl.language import Atom
from agemem_gym.envs.pddl.worlds.layout import Layout, WorldKind, needed, other, part_of, some

_INGREDIENTS = (8, 8, 11, 11, 14)
_COCKTAILS, _SHOTS = 6, 4
_WANTED = ((2, 0), (0, 1), (1, 1), (0, 1), (1, 1))  # ingredients and cocktails that are to be served
_PARTS = ("cocktail-part1", "cocktail-part2")


def _lay_out(rng: np.random.Generator, level: int, variant: int) -> Layout:
    ingredients = [f"ingredient{i + 1}" for i in range(_INGREDIENTS[level] + variant)]
    cocktails = [f"cocktail{i + 1}" for i in range(_COCKTAILS)]
    shots = [f"shot{i + 1}" for i in range(_SHOTS)]
    levels = ["l0", "l1", "l2"]
    objects = {"left": "hand", "right": "hand", "shaker1": "shaker", **dict.fromkeys(shots, "shot")}
    for kind, names in (("ingredient", ingredients), ("cocktail", cocktails), ("level", levels)):
        objects |= dict.fromkeys(names, kind)
    initial: set[Atom] = {("handempty", "left"), ("handempty", "right"), ("shaker-level", "shaker1", "l0")}
    initial |= {("shaker-empty-level", "shaker1", "l0"), ("next", "l0", "l1"), ("next", "l1", "l2")}
    for container in ("shaker1", *shots):
        initial |= {("ontable", container), ("clean", container), ("empty", container)}
    for number, ingredient in enumerate(some(rng, ingredients, len(ingredients)), start=1):
        objects[f"dispenser{number}"] = "dispenser"
        initial.add(("dispenses", f"dispenser{number}", ingredient))
    for cocktail in cocktails:
        initial |= set(_recipe(cocktail, some(rng, ingredients, 2)))
    return Layout(objects, frozenset(initial))


def _recipe(cocktail: str, parts: list[str]) -> list[Atom]:
    return [(name, cocktail, part) for name, part in zip(_PARTS, parts, strict=True)]


def _alter(layout: Layout, rng: np.random.Generator, share: float) -> Layout:
    """Some dispensers change what they hold among each other; some cocktails are mixed of something else."""
    dispensers = layout.holding("dispenses")
    count = part_of(share, len(dispensers))
    chosen = [dispensers[int(i)] for i in rng.permutation(len(dispensers))[: max(2, count) if count else 0]]
    turned = [("dispenses", atom[1], next_[2]) for atom, next_ in zip(chosen, chosen[1:] + chosen[:1], strict=True)]
    old, new = set(chosen), set[Atom](turned)
    recipes = [atom for name in _PARTS for atom in layout.holding(name)]
    for index in sorted(rng.permutation(len(recipes))[: part_of(share, len(recipes))]):
        name, cocktail, part = recipes[int(index)]
        now = layout.exchanged(old, new)
        parts = [atom[2] for p in _PARTS for atom in now.holding(p) if atom[1] == cocktail]
        old.add((name, cocktail, part))
        new.add((name, cocktail, other(rng, layout.of_type("ingredient"), *parts)))
    return layout.exchanged(old, new)


def _draw_goal(layout: Layout, rng: np.random.Generator, level: int) -> set[Atom]:
    plain, mixed = _WANTED[level]
    drinks = some(rng, layout.of_type("ingredient"), plain) + some(rng, layout.of_type("cocktail"), mixed)
    return {
        ("contains", shot, drink)
        for shot, drink in zip(some(rng, layout.of_type("shot"), plain + mixed), drinks, strict=True)
    }


BARMAN = WorldKind(
    "barman",
    frozenset({"dispenses", *_PARTS}),
    frozenset({"ingredient", "cocktail", "dispenser"}),
    _lay_out,
    _alter,
    _draw_goal,
    needed,
)
