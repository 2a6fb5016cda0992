"""What is believed of an episode of PDDL, and how what is missing is guessed: one class a domain, with its questions.

A guess is hopeful: what is looked for lies in the next place that nobody has looked into yet. It stands until something seen
speaks against it. So a plan on guesses is a search.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Protocol

import numpy as np

from agemem_gym.envs.pddl.beliefs import Rules, Step
from agemem_gym.envs.pddl.language import Atom

_PLACES = frozenset(("at", "in", "on", "ontable", "carry", "have", "holding"))
"""Predicates that say where their first object is: one of them holds of each."""


class Beliefs:
    """What is seen, what was told, and what turned out to be wrong.

    Args:
        rules: the domain's.
        objects: all there are, with their types.
        goal: what is to hold in the end.
        seen: what is seen at the start.
    """

    def __init__(self, rules: Rules, objects: Mapping[str, str], goal: Collection[Atom], seen: set[Atom]) -> None:
        self.rules, self.objects, self.goal = rules, objects, list(goal)
        self.seen, self.told, self.wrong = seen, set[Atom](), set[Atom]()
        self.guessed: set[Atom] = set()
        self._shown = set(seen)  # all that was ever seen

    def of_type(self, kind: str) -> list[str]:
        """The objects of a type."""
        return [name for name, its_kind in self.objects.items() if its_kind == kind]

    def facts(self, guessed: Collection[Atom] = ()) -> set[Atom]:
        """All that is believed: seen before told, told before guessed, and what everybody takes for granted."""
        return self.seen | self.believed() | set(guessed) | set(_GRANTED[self.rules.name](self))

    def believed(self) -> set[Atom]:
        """What was told, as far as nothing seen speaks against it."""
        return {atom for atom in self.told if self.possible(atom)}

    def possible(self, atom: Atom) -> bool:
        """Whether nothing seen speaks against an atom."""
        if atom in self.seen:
            return True
        if atom in self.wrong or self.rules.sight.sees(atom, self._shown):
            return False  # it would have been seen
        if atom[0] in _PLACES and any(other[0] in _PLACES and other[1] == atom[1] for other in self.seen):
            return False
        if atom[0] == "on" and (("clear", atom[2]) in self.seen or self.beneath(atom[2]) is not None):
            return False
        if atom[0] == "dispenses":  # each holds one drink, and each drink is in one of them
            known = [other for other in self.seen if other[0] == "dispenses"]
            return not any(other[1] == atom[1] or other[2] == atom[2] for other in known)
        return True

    def beneath(self, block: str) -> str | None:
        """What is seen to stand on a block."""
        return next((atom[1] for atom in self.seen if atom[0] == "on" and atom[2] == block), None)

    def saw(self, step: Step, seen: set[Atom]) -> None:
        """Take in what a step showed."""
        self.seen = {atom for atom in self.seen if atom not in step.delete} | seen
        if "fill-shot" in step.name:
            drink = next((atom[2] for atom in seen if atom[0] == "contains" and atom[1] == step.arguments[0]), None)
            if drink is not None:
                self.seen.add(("dispenses", step.arguments[4], drink))
        self._shown |= self.seen
        self.guessed = {atom for atom in self.guessed if self.possible(atom)}

    def allow(self, plan: Sequence[Step]) -> bool:
        """Whether a plan still leads to the end, as far as is believed now."""
        facts = self.facts(self.guessed)
        for step in plan:
            if not step.needs <= facts:
                return False
            facts = facts - step.delete | step.add
        return True

    def refused(self, step: Step, clause: str) -> None:
        """Take in that a step could not be done."""
        denied = set(self.rules.read(clause, self.objects))
        if step.name == "shake" and not denied:
            cocktail, *parts = step.arguments[:3]
            self.wrong |= {("recipe", cocktail, *sorted(parts))}
        self.wrong |= denied or {atom for atom in step.needs if atom not in self.seen}
        self.seen -= denied
        self.guessed = {atom for atom in self.guessed if self.possible(atom)}


class Guesses(Protocol):
    """How a domain is searched."""

    def questions(self, beliefs: Beliefs) -> list[str]:
        """What is not known, worded as it would be told."""

    def guess(self, beliefs: Beliefs, rng: np.random.Generator) -> set[Atom]:
        """Hopeful guesses at what is not known."""


class _Lying:
    """Things that lie in places one has to go to or to open: those nobody knows of are guessed to lie together."""

    def __init__(self, predicate: str, place_kind: str, preposition: str) -> None:
        self._predicate, self._kind, self._preposition = predicate, place_kind, preposition

    def questions(self, beliefs: Beliefs) -> list[str]:
        return [f"{thing} is {self._preposition}" for thing in self._missing(beliefs)]

    def guess(self, beliefs: Beliefs, rng: np.random.Generator) -> set[Atom]:
        missing = self._missing(beliefs)
        kept = {atom for atom in beliefs.guessed if atom[1] in missing}
        left = [thing for thing in missing if thing not in {atom[1] for atom in kept}]
        for thing in left:
            lying = [(self._predicate, thing, place) for place in beliefs.of_type(self._kind)]
            places = [atom[2] for atom in lying if beliefs.possible(atom) and atom not in beliefs.goal]
            together = [atom[2] for atom in sorted(kept) if atom[2] in places]
            if places:
                kept.add((self._predicate, thing, together[0] if together else _one(places, rng)))
        beliefs.guessed = kept
        return kept

    def _missing(self, beliefs: Beliefs) -> list[str]:
        known = {atom[1] for atom in beliefs.seen | beliefs.believed() if atom[0] in _PLACES}
        return [thing for thing in _wanted(beliefs) if thing not in known]


def _wanted(beliefs: Beliefs) -> list[str]:
    """The things that the goal needs, tools included."""
    things: dict[str, None] = {}
    on_hubs = {atom[1] for atom in beliefs.seen if atom[0] == "on"}
    for atom in beliefs.goal:
        things.setdefault(atom[1])
        if beliefs.rules.name == "tyreworld":
            mounts = atom[0] == "on" or (atom[0] == "in" and atom[1] in on_hubs)
            tools = ("wrench", "jack") if mounts or atom[0] == "tight" else ()
            things |= dict.fromkeys((*tools, *(("pump",) if atom[0] == "inflated" else ())))
    return [thing for thing in things if beliefs.objects[thing] in ("ball", "tool", "wheel") and thing not in on_hubs]


class _Towers:
    """Blocks inside towers: one that nobody knows of is guessed right under the last one that is known."""

    def questions(self, beliefs: Beliefs) -> list[str]:
        return [f"is on {block}" for block in self._open(beliefs)]

    def guess(self, beliefs: Beliefs, rng: np.random.Generator) -> set[Atom]:
        known = beliefs.seen | beliefs.believed()
        standing = {atom[1] for atom in known if atom[0] in ("on", "ontable", "holding")}
        missing = self._open(beliefs)
        all_ends = self._ends(beliefs, known)
        guessed = {atom for atom in beliefs.guessed if atom[0] == "on" and atom[1] in all_ends and atom[2] in missing}
        for block in missing:
            if block in {atom[2] for atom in guessed}:
                continue
            under = {atom[1] for atom in guessed}
            ends = [b for b in all_ends if b not in under and b != block]
            possible = [end for end in ends if beliefs.possible(("on", end, block))]
            if possible:
                guessed.add(("on", _one(possible, rng), block))
        beliefs.guessed = guessed | self._feet(beliefs, standing | {atom[1] for atom in guessed})
        return beliefs.guessed

    def _feet(self, beliefs: Beliefs, standing: Collection[str]) -> set[Atom]:
        """Blocks of the goal of which nobody knows what they stand on are taken to stand on the table."""
        wanted = {block for atom in beliefs.goal for block in atom[1:]}
        return {("ontable", block) for block in wanted if block not in standing}

    def _open(self, beliefs: Beliefs) -> list[str]:
        """The tops of what is known above the goal's blocks, where they are not in sight."""
        known = beliefs.seen | beliefs.believed()
        above = {atom[2]: atom[1] for atom in sorted(known) if atom[0] == "on"}
        free = {atom[1] for atom in known if atom[0] in ("clear", "holding")}
        tops: dict[str, None] = {}
        for block in dict.fromkeys(block for atom in beliefs.goal for block in atom[1:]):
            passed = {block}
            while block in above and above[block] not in passed:
                block = above[block]
                passed.add(block)
            if block not in free:
                tops.setdefault(block)
        return list(tops)

    def _ends(self, beliefs: Beliefs, known: Collection[Atom]) -> list[str]:
        """The lowest block known of each tower that goes on beneath it."""
        below = {atom[1]: atom[2] for atom in sorted(known) if atom[0] == "on"}
        ends = []
        for top in sorted(atom[1] for atom in beliefs.seen if atom[0] == "clear"):
            block, passed = top, {top}
            while block in below and below[block] not in passed:
                block = below[block]
                passed.add(block)
            if ("ontable", block) not in known and ("holding", block) not in known:
                ends.append(block)
        return ends


class _Bar:
    """Dispensers without labels and recipes that nobody wrote down."""

    def questions(self, beliefs: Beliefs) -> list[str]:
        known = beliefs.seen | beliefs.believed()
        held = {atom[2] for atom in known if atom[0] == "dispenses"}
        asked = [
            f"the {number} ingredient of {cocktail} is"
            for cocktail in self._cocktails(beliefs)
            for number, part in (("first", "cocktail-part1"), ("second", "cocktail-part2"))
            if not any(atom[:2] == (part, cocktail) for atom in known)
        ]
        return asked + [f"dispenses {drink}" for drink in self._drinks(beliefs, known) if drink not in held]

    def guess(self, beliefs: Beliefs, rng: np.random.Generator) -> set[Atom]:
        known = beliefs.seen | beliefs.believed()
        guessed = {atom for atom in beliefs.guessed if atom[0] != "dispenses"}
        for cocktail in self._cocktails(beliefs):
            if not any(atom[1] == cocktail for atom in guessed):
                guessed |= self._recipe(beliefs, cocktail, known, rng)
        held = {atom[2] for atom in known if atom[0] == "dispenses"}
        full = {atom[1] for atom in known if atom[0] == "dispenses"}
        kept = {a for a in beliefs.guessed if a[0] == "dispenses" and a[1] not in full and a[2] not in held}
        guessed |= kept
        for drink in self._drinks(beliefs, known | guessed):
            taken = full | {atom[1] for atom in guessed if atom[0] == "dispenses"}
            if drink in held or drink in {atom[2] for atom in kept}:
                continue
            places = [d for d in beliefs.of_type("dispenser") if beliefs.possible(("dispenses", d, drink))]
            places = [place for place in places if place not in taken] or places
            if places:
                guessed.add(("dispenses", _one(places, rng), drink))
        beliefs.guessed = guessed
        return guessed

    def _cocktails(self, beliefs: Beliefs) -> list[str]:
        return [
            atom[2] for atom in beliefs.goal if beliefs.objects.get(atom[-1]) == "cocktail" and atom not in beliefs.seen
        ]

    def _drinks(self, beliefs: Beliefs, known: Collection[Atom]) -> list[str]:
        """The ingredients that the goal needs, as far as the recipes are known."""
        cocktails = self._cocktails(beliefs)
        parts = [atom[2] for atom in sorted(known) if atom[0].startswith("cocktail-part") and atom[1] in cocktails]
        plain = [atom[2] for atom in beliefs.goal if atom[0] == "contains" and beliefs.objects[atom[2]] == "ingredient"]
        return list(dict.fromkeys([*plain, *parts]))

    def _recipe(self, beliefs: Beliefs, cocktail: str, known: Collection[Atom], rng: np.random.Generator) -> set[Atom]:
        parts = {atom[0]: atom[2] for atom in known if atom[0].startswith("cocktail-part") and atom[1] == cocktail}
        pairs = [
            pair
            for pair in combinations(beliefs.of_type("ingredient"), 2)
            if set(parts.values()) <= set(pair) and ("recipe", cocktail, *sorted(pair)) not in beliefs.wrong
        ]
        if not pairs or len(parts) == 2:
            return set()
        chosen = list(pairs[int(rng.integers(len(pairs)))])
        first = parts.get("cocktail-part1", next(p for p in chosen if p != parts.get("cocktail-part2")))
        (second,) = (part for part in chosen if part != first)
        return {("cocktail-part1", cocktail, first), ("cocktail-part2", cocktail, second)}


def _one(things: list[str], rng: np.random.Generator) -> str:
    return things[int(rng.integers(len(things)))]


def _nothing(_: Beliefs) -> Iterator[Atom]:
    return iter(())


def _garage(beliefs: Beliefs) -> Iterator[Atom]:
    """Boxes are not locked, and tyres not torn."""
    yield from (("unlocked", box) for box in beliefs.of_type("container"))
    yield from (("intact", wheel) for wheel in beliefs.of_type("wheel"))


def _bar(beliefs: Beliefs) -> Iterator[Atom]:
    """A shaker holds two glasses."""
    yield from (("shaker-empty-level", shaker, "l0") for shaker in beliefs.of_type("shaker"))
    yield from (("next", "l0", "l1"), ("next", "l1", "l2"))


_GRANTED = {"gripper": _nothing, "blockworld": _nothing, "barman": _bar, "tyreworld": _garage}
GUESSES: Mapping[str, Guesses] = {
    "gripper": _Lying("at", "room", "at"),
    "blockworld": _Towers(),
    "barman": _Bar(),
    "tyreworld": _Lying("in", "container", "in"),
}
