"""PDDL in words: facts as English sentences, actions as an operator word and object names in order."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence

from agemem_gym.envs.pddl.grounding import Action
from agemem_gym.envs.pddl.language import And, Atom, Every, Formula, Literal, Or

_SENTENCES: dict[tuple[str, int], str] = {
    ("on", 2): "{0} is on {1}",
    ("ontable", 1): "{0} is on the table",
    ("clear", 1): "{0} is clear",
    ("handempty", 0): "your hand is empty",
    ("handempty", 1): "{0} is empty",
    ("handfull", 1): "{0} is full",
    ("holding", 1): "you are holding {0}",
    ("holding", 2): "{0} is holding {1}",
    ("at-robby", 1): "the robot is at {0}",
    ("at", 2): "{0} is at {1}",
    ("at", 1): "you are at {0}",
    ("free", 1): "{0} is free",
    ("carry", 2): "the robot carries {0} with {1}",
    ("empty", 1): "{0} is empty",
    ("clean", 1): "{0} is clean",
    ("used", 2): "{0} is used with {1}",
    ("contains", 2): "{0} contains {1}",
    ("dispenses", 2): "{0} dispenses {1}",
    ("unshaked", 1): "{0} is not shaken",
    ("shaked", 1): "{0} is shaken",
    ("shaker-level", 2): "{0} is at level {1}",
    ("shaker-empty-level", 2): "{0} is at level {1} when empty",
    ("next", 2): "level {0} is next to level {1}",
    ("cocktail-part1", 2): "the first ingredient of {0} is {1}",
    ("cocktail-part2", 2): "the second ingredient of {0} is {1}",
    ("open", 1): "{0} is open",
    ("closed", 1): "{0} is closed",
    ("unlocked", 1): "{0} is unlocked",
    ("locked", 1): "{0} is locked",
    ("have", 1): "you have {0}",
    ("in", 2): "{0} is in {1}",
    ("tight", 2): "{0} on {1} is tight",
    ("loose", 2): "{0} on {1} is loose",
    ("on-ground", 1): "{0} is on the ground",
    ("lifted", 1): "{0} is lifted",
    ("fastened", 1): "{0} is fastened",
    ("unfastened", 1): "{0} is unfastened",
    ("inflated", 1): "{0} is inflated",
    ("deflated", 1): "{0} is not inflated",
    ("intact", 1): "{0} is intact",
    ("at-ferry", 1): "the ferry is at {0}",
    ("empty-ferry", 0): "the ferry is empty",
    ("lift-at", 1): "the lift is at {0}",
    ("origin", 2): "{0} waits on {1}",
    ("destin", 2): "{0} wants to go to {1}",
    ("boarded", 1): "{0} is in the lift",
    ("served", 1): "{0} has arrived",
    ("above", 2): "{1} is above {0}",
    ("smaller", 2): "{1} is smaller than {0}",
    ("vehicle-at", 1): "the car is at {0}",
    ("spare-in", 1): "there is a spare tire at {0}",
    ("road", 2): "a road leads from {0} to {1}",
    ("link", 2): "{0} is linked to {1}",
    ("is-goal", 1): "{0} is a goal position",
    ("at-goal", 1): "{0} is at a goal",
    ("move-dir", 3): "from {0} one comes to {1} by going {2}",
    ("locinroom", 2): "{0} lies in {1}",
    ("keyforroom", 2): "{0} opens {1}",
    ("keyat", 2): "{0} lies at {1}",
    ("useable", 1): "{0} is usable",
    ("tightened", 1): "{0} is tightened",
    ("carrying", 2): "{0} is carrying {1}",
    ("lifting", 2): "{0} is lifting {1}",
    ("available", 1): "{0} is available",
    ("not-flattire", 0): "no tire is flat",
    ("hasspare", 0): "you have a spare tire",
}
_LISTED = re.compile(r"Objects of type (\S+): ([^.]+)\.")
_WORD = re.compile(r"[\w-]+")


def clause(atom: Atom, positive: bool = True) -> str:
    """One literal as a clause without a capital: ``"b1 is on b2"``."""
    if atom[0] == "=":
        return f"{atom[1]} is {'' if positive else 'not '}{atom[2]}"
    template = _SENTENCES.get((atom[0], len(atom) - 1))
    if template is not None:
        text = template.format(*atom[1:])
    else:
        text = _generic(atom)
    return text if positive else f"it is not so that {text}"


def _generic(atom: Atom) -> str:
    name, arguments = atom[0].replace("-", " ").replace("_", " "), atom[1:]
    if not arguments:
        return f"{name} holds"
    if len(arguments) == 1:
        return f"{arguments[0]} is {name}"
    if len(arguments) == 2:
        return f"{arguments[0]} is {name} {arguments[1]}"
    return f"{name} holds of {', '.join(arguments)}"


def pattern(predicate: str, count: int, name: str) -> str:
    """A regular expression for the clause of an atom in small letters; argument i is the group ``a{i}``, of the form `name`."""
    template = _SENTENCES.get((predicate, count)) or _generic((predicate, *(f"{{{i}}}" for i in range(count))))
    pieces = re.split(r"\{(\d)\}", template.lower())  # words, a number, words, …
    return "".join(f"(?P<a{piece}>{name})" if i % 2 else re.escape(piece) for i, piece in enumerate(pieces))


def sentence(atom: Atom, positive: bool = True) -> str:
    """One literal as a sentence: ``"B1 is on b2."``; names keep their letters, only other words are capitalised."""
    text = clause(atom, positive)
    first = text.split(" ", 1)[0]
    return (text if first in atom[1:] else text[0].upper() + text[1:]) + "."


OBJECTS = "Objects of type "


def listed(objects: Sequence[tuple[str, str]]) -> str:
    """The objects, a sentence a type: ``"Objects of type ball: ball1 to ball12. Objects of type room: room1, room2."``"""
    by_kind: dict[str, list[str]] = {}
    for name, kind in sorted(objects, key=lambda entry: (entry[1], natural(entry[0]))):
        by_kind.setdefault(kind, []).append(name)
    return " ".join(f"{OBJECTS}{kind}: {', '.join(_runs(names))}." for kind, names in by_kind.items())


def _runs(names: Sequence[str]) -> list[str]:
    """Three names or more that are numbered in a row as the first and the last of them."""
    runs: list[list[str]] = []
    for name in names:
        word, number = natural(name)
        if runs and natural(runs[-1][-1]) == (word, number - 1) and number > 1:
            runs[-1].append(name)
        else:
            runs.append([name])
    return [part for run in runs for part in ([f"{run[0]} to {run[-1]}"] if len(run) > 2 else run)]


def objects_in(text: str) -> dict[str, str]:
    """The objects with their types, where a text lists them as :func:`listed` does."""
    found: dict[str, str] = {}
    for kind, names in _LISTED.findall(text):
        for part in names.split(", "):
            first, _, last = part.partition(" to ")
            word, number = natural(first)
            more = range(number + 1, natural(last)[1] + 1) if last else ()
            found |= dict.fromkeys([first, *(f"{word}{i}" for i in more)], kind)
    return found


def natural(name: str) -> tuple[str, int]:
    """A key to sort names by: ``ball2`` before ``ball10``."""
    word = name.rstrip("0123456789")
    return word, int(name[len(word) :] or 0)


def describe(atoms: Sequence[Atom]) -> str:
    """One sentence a literal, sorted."""
    return " ".join(sorted(sentence(atom) for atom in atoms))


def goal_text(goal: Sequence[Formula]) -> str:
    """The task."""
    return "Reach a state in which " + ", ".join(phrase(part) for part in goal) + "."


def phrase(formula: Formula) -> str:
    """A formula as a clause: ``"(a is lit or b is lit)"``, ``"for some lamp l: l is lit"``."""
    if isinstance(formula, Literal):
        return clause(tuple(term.removeprefix("?") for term in formula.atom), formula.positive)
    if isinstance(formula, And | Or):
        joined = (" and " if isinstance(formula, And) else " or ").join(phrase(part) for part in formula.parts)
        return (
            f"({joined})"
            if formula.parts
            else f"({'nothing more is asked' if isinstance(formula, And) else 'no way is left'})"
        )
    things = " and ".join(f"{kind.replace('|', ' or ')} {name.removeprefix('?')}" for name, kind in formula.parameters)
    return f"(for {'every' if isinstance(formula, Every) else 'some'} {things}: {phrase(formula.body)})"


def command(action: Action, hidden: frozenset[int] = frozenset()) -> str:
    """An action as the agent writes it: ``"stack b1 b2"``; arguments at the places in `hidden` need not be named."""
    return " ".join((action.name, *(a for place, a in enumerate(action.arguments) if place not in hidden)))


def words(text: str, known: Container[str] = ()) -> list[str]:
    """The words of a command in small letters, without marks; a name in `known` is kept with all that is in it (``b.1``)."""
    found: list[str] = []
    for part in text.lower().split():
        found += [part] if part in known else _WORD.findall(part)
    return found
