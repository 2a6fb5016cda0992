"""From PDDL text to plain tuples, through pddlgym's parsers.

An atom is a tuple ``(predicate, argument, …)``. What the grounder cannot handle (quantifiers, conditional effects, …) and
what the parsers cannot read is refused with the file's name and, where it can be known, the line.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from agemem_gym.errors import ConfigurationError, import_extra

Atom = tuple[str, ...]


@dataclass(frozen=True)
class Operator:
    """A lifted action: parameters with their types, and literals over them; an argument that is no parameter is a constant."""

    name: str
    parameters: tuple[tuple[str, str], ...]
    preconditions: tuple[tuple[Atom, bool], ...]
    add: tuple[Atom, ...]
    delete: tuple[Atom, ...]
    action_atom: Atom | None = None


@dataclass(frozen=True)
class Domain:
    """A PDDL domain. `subtypes` maps a type to itself and all types below it."""

    name: str
    operators: tuple[Operator, ...]
    subtypes: dict[str, frozenset[str]]
    constants: tuple[tuple[str, str], ...]
    source: Any = None


@dataclass(frozen=True)
class Problem:
    """A PDDL problem: objects with their types, the atoms that hold at first, and those that are to hold."""

    name: str
    objects: tuple[tuple[str, str], ...]
    initial: frozenset[Atom]
    goal: tuple[tuple[Atom, bool], ...]


def parse_domain(path: Path) -> Domain:
    """Read a domain file.

    Raises:
        ConfigurationError: it cannot be read, or uses what is not supported; names file and line.
    """
    text = _checked_text(path)
    parser = _pddlgym("parser")
    with _explained(path, text):
        parsed = parser.PDDLDomainParser(str(path), expect_action_preds="(:actions" in text, operators_as_actions=False)
        actions = {str(name) for name in parsed.actions}
        operators = tuple(_operator(parsed.operators[name], actions) for name in sorted(parsed.operators))
    constants = tuple(sorted((str(c.name), str(c.var_type).strip()) for c in parsed.constants or ()))
    return Domain(parsed.domain_name, operators, _subtypes(parsed.type_hierarchy), constants, parsed)


def parse_problem(path: Path, domain: Domain) -> Problem:
    """Read a problem file of `domain`.

    Raises:
        ConfigurationError: as :func:`parse_domain`.
    """
    text = _checked_text(path)
    parser = _pddlgym("parser")
    source = domain.source
    with _explained(path, text):
        parsed = parser.PDDLProblemParser(
            str(path), source.domain_name, source.types, source.predicates, source.actions, source.constants
        )
        objects = {str(thing.name): str(thing.var_type).strip() for thing in parsed.objects}
        initial = frozenset(_atom(literal) for literal in parsed.initial_state)
        goal = tuple(sorted(_literals(parsed.goal)))
    return Problem(path.stem, tuple(sorted((objects | dict(domain.constants)).items())), initial, goal)


@cache
def _pddlgym(module: str) -> ModuleType:
    """A module of pddlgym, without the advertisement that the old gym prints when it is imported."""
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        return import_extra(f"pddlgym.{module}", "pddl")


def _operator(operator: Any, actions: set[str]) -> Operator:
    preconditions, action_atom = [], None
    for atom, positive in _literals(operator.preconds):
        if atom[0] in actions:
            action_atom = atom  # pddlgym's own way to name an action; any binding may be chosen
        else:
            preconditions.append((atom, positive))
    effects = list(_literals(operator.effects))
    return Operator(
        str(operator.name),
        tuple((str(p.name), str(p.var_type).strip()) for p in operator.params),
        tuple(preconditions),
        tuple(atom for atom, positive in effects if positive),
        tuple(atom for atom, positive in effects if not positive),
        action_atom,
    )


def _literals(expression: Any) -> Iterator[tuple[Atom, bool]]:
    """The literals of a conjunction; anything else is refused."""
    structs = _pddlgym("structs")
    if isinstance(expression, structs.LiteralConjunction):
        for part in expression.literals:
            yield from _literals(part)
    elif isinstance(expression, structs.Literal):
        positive = not (expression.is_negative or expression.is_anti)
        name = str(expression.predicate.name)
        for prefix in ("Not", "Anti"):
            if not positive and name.startswith(prefix):
                name = name[len(prefix) :]
                break
        yield (name, *(str(v.name) for v in expression.variables)), positive
    else:
        raise ValueError(f"{type(expression).__name__} is not supported: only conjunctions of literals are")


def _atom(literal: Any) -> Atom:
    return (str(literal.predicate.name), *(str(v.name) for v in literal.variables))


def _subtypes(hierarchy: dict[Any, Iterable[Any]]) -> dict[str, frozenset[str]]:
    children = {
        str(parent).strip(): {str(child).strip() for child in below} for parent, below in (hierarchy or {}).items()
    }

    def below(name: str) -> frozenset[str]:
        return frozenset({name}).union(*(below(child) for child in children.get(name, ())))

    names = set(children) | {child for group in children.values() for child in group}
    return {name: below(name) for name in sorted(names)}


def _checked_text(path: Path) -> str:
    """The file's text, if its parentheses are balanced."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from None
    opened: list[int] = []
    for number, line in enumerate(text.splitlines(), start=1):
        for character in line.split(";")[0]:
            if character == "(":
                opened.append(number)
            elif character == ")" and not opened:
                raise ConfigurationError(f"{path}, line {number}: ')' without '('")
            elif character == ")":
                opened.pop()
    if opened:
        raise ConfigurationError(f"{path}, line {opened[-1]}: '(' is never closed")
    if "(define" not in text:
        raise ConfigurationError(f"{path}, line 1: no '(define' found: this is no PDDL file")
    return text


@contextlib.contextmanager
def _explained(path: Path, text: str) -> Iterator[None]:
    """What a parser raises, as one error with file and line; its prints are swallowed."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    except (ConfigurationError, ImportError):
        raise
    except Exception as error:  # pddlgym's parsers raise whatever their string handling meets
        words = [word for word in re.findall(r"[\w-]{2,}", str(error)) if word in text]
        lines = [n for n, line in enumerate(text.splitlines(), start=1) if words and max(words, key=len) in line]
        place = f"{path}, line {lines[0] if lines else 1}"
        raise ConfigurationError(f"{place}: cannot be parsed: {type(error).__name__}: {error}") from error
