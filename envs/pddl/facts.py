"""What is told of a problem: its key facts, its background in casual sentences, and what is not true of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from agemem_gym.envs.pddl import wording
from agemem_gym.envs.pddl.grounding import Ground
from agemem_gym.envs.pddl.language import And, Atom, Every, Formula, Literal, Or, Some
from agemem_gym.envs.pddl.library import Case

_MOST_RELEVANT = 40
_CASUAL = (
    "By the way, {0}.",
    "I noticed that {0}.",
    "Just so you know, {0}.",
    "At the start, {0}.",
    "They told me that {0}.",
)
_ELSEWHERE = (
    "In the building next door {0}.",
    "In the game that my sister played, {0}.",
    "I dreamt that {0}.",
    "A year ago it was so that {0}, but that is long past.",
    "In the picture in my book {0}.",
)


def relevant(ground: Ground) -> list[Atom]:
    """What holds at the start of the objects that the goal names."""
    named = {thing for part in ground.goal for atom in _atoms(part) for thing in atom[1:]}
    return [atom for atom in _facts(ground) if named & set(atom[1:])][:_MOST_RELEVANT]


def background(case: Case, rng: np.random.Generator) -> list[str]:
    """How things stand at the start, in casual sentences and mixed order: all that the goal's objects are in, and more."""
    first = relevant(case.ground)
    others = [atom for atom in _facts(case.ground) if atom not in first]
    picked = (
        [others[i] for i in sorted(rng.choice(len(others), size=min(10, len(others)), replace=False))] if others else []
    )
    return _told(first + picked, rng)


def hearsay(atoms: Sequence[Atom], rng: np.random.Generator) -> list[str]:
    """What is told of a world that one cannot see, in casual sentences and mixed order."""
    return _told(atoms, rng)


def elsewhere(case: Case, rng: np.random.Generator) -> list[str]:
    """What may hold in other places and has held at other times, of the same kind as what is told of this world."""
    kinds = dict(case.problem.objects)
    lines = []
    for atom in case.told:
        others = [name for name, kind in kinds.items() if kind == kinds[atom[-1]] and name not in atom]
        false = (*atom[:-1], others[int(rng.integers(len(others)))])
        if false not in case.told:
            lines.append(_ELSEWHERE[int(rng.integers(len(_ELSEWHERE)))].format(wording.clause(false)))
    return [lines[i] for i in rng.permutation(len(lines))]


def named(ground: Ground) -> tuple[str, ...]:
    """The things that the goal names."""
    things = (term for part in ground.goal for atom in _atoms(part) for term in atom[1:] if not term.startswith("?"))
    return tuple(dict.fromkeys(things))


def distractors(case: Case, rng: np.random.Generator) -> list[str]:
    """Facts with their objects exchanged, so that they do not hold at the start."""
    facts = _facts(case.ground)
    held, kinds = set(facts), dict(case.problem.objects)
    lines = []
    for atom in facts:
        if len(atom) < 2:
            continue
        others = [thing for thing, kind in sorted(kinds.items()) if kind == kinds.get(atom[-1]) and thing != atom[-1]]
        false = [(*atom[:-1], thing) for thing in others if (*atom[:-1], thing) not in held]
        if false:
            lines.append(_casual(false[int(rng.integers(len(false)))], rng))
    return [lines[i] for i in rng.permutation(len(lines))]


def _facts(ground: Ground) -> list[Atom]:
    """The atoms of the initial state that somebody might tell, sorted."""
    return sorted(ground.holding(ground.initial)) + sorted(ground.static)


def _told(atoms: Sequence[Atom], rng: np.random.Generator) -> list[str]:
    lines = [_casual(atom, rng) for atom in atoms]
    return [lines[i] for i in rng.permutation(len(lines))]


def _casual(atom: Atom, rng: np.random.Generator) -> str:
    return _CASUAL[int(rng.integers(len(_CASUAL)))].format(wording.clause(atom))


def _atoms(formula: Formula) -> Iterator[Atom]:
    if isinstance(formula, Literal):
        yield formula.atom
    elif isinstance(formula, And | Or):
        for part in formula.parts:
            yield from _atoms(part)
    elif isinstance(formula, Every | Some):
        yield from _atoms(formula.body)
