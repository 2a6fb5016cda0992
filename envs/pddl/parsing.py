"""PDDL files to :class:`.Domain` and :class:`.Problem`; what cannot be read or is not supported is refused with file and line.

Read are STRIPS with types, constants, equality, negation, disjunction, quantifiers, conditional effects and derived predicates;
costs are read and left out of account. Numeric conditions, durations, chance and preferences are refused. pddlgym's own
``(:actions …)``, which may stand in a comment, is understood: its predicates name actions and are part of no state.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from agemem_gym.envs.pddl.axioms import read_axioms
from agemem_gym.envs.pddl.formulas import Names, parameter_names, read_condition, read_effects
from agemem_gym.envs.pddl.language import EQUAL, And, Atom, Domain, Formula, Literal, Operator, Problem, conjuncts
from agemem_gym.envs.pddl.text import (
    Form,
    Node,
    as_form,
    as_word,
    explained,
    fail,
    read_text,
    refuse_name,
    sections,
)
from agemem_gym.envs.pddl.types import Types

_IN_DOMAIN = frozenset(
    {":requirements", ":types", ":constants", ":predicates", ":functions", ":derived", ":action", ":actions"}
)
_IN_PROBLEM = frozenset({":domain", ":requirements", ":objects", ":init", ":goal", ":metric", ":length"})
_NOT_SUPPORTED = {
    ":durative-action": "actions with durations are not supported",
    ":constraints": "constraints on the way to the goal are not supported",
    ":event": "events are not supported",
    ":process": "processes are not supported",
    ":observe": "actions that observe are not supported",
}
_ACTIONS = re.compile(r"\(:actions([^()]*)\)", re.IGNORECASE)


def parse_domain(path: Path) -> Domain:
    """Read a domain file.

    Raises:
        ConfigurationError: it cannot be read, or uses what is not supported; names file and line.
    """
    return domain_from(read_text(path), path)


def parse_problem(path: Path, domain: Domain) -> Problem:
    """Read a problem file of `domain`.

    Raises:
        ConfigurationError: as :func:`parse_domain`.
    """
    return problem_from(read_text(path), path, domain)


def domain_from(text: str, path: Path) -> Domain:
    """The domain in a text that was read from `path`."""
    with explained(path):
        defined = sections(text, "domain")
        parts = _sections(defined, _IN_DOMAIN)
        types = Types.declared(_sole(parts, ":types"))
        constants = types.parameters(_items(parts, ":constants"))
        predicates = _predicates(parts, types)
        actions = frozenset(name.lower() for found in _ACTIONS.findall(text) for name in found.split())
        names = Names(types, predicates, frozenset(name for name, _ in constants), borrowed={})
        operators: dict[str, Operator] = {}
        for form in parts.get(":action", ()):
            operator = _operator(form, names, actions)
            if operator.name in operators:
                fail(form, f"the action {operator.name!r} is defined twice")
            operators[operator.name] = operator
        axioms = read_axioms(parts.get(":derived", ()), names, operators.values())
        if not operators:
            fail(defined, "the domain has no (:action …)")
    name = as_word(as_form(defined.items[1], "(domain NAME)").items[1], "the domain's name")
    listed = tuple(operators[name] for name in sorted(operators))
    return Domain(
        name, listed, types.subtypes, tuple(sorted(constants)), predicates, names.borrowed or {}, axioms, actions
    )


def problem_from(text: str, path: Path, domain: Domain) -> Problem:
    """The problem of `domain` in a text that was read from `path`."""
    with explained(path):
        defined = sections(text, "problem")
        parts = _sections(defined, _IN_PROBLEM)
        types = Types(domain.subtypes)
        objects = dict(types.parameters(_items(parts, ":objects"))) | dict(domain.constants)
        names = Names(types, domain.predicates, frozenset(objects))
        for name, line in domain.borrowed.items():
            if name not in objects:
                fail(defined, f"there is no object {name!r}, of which the domain speaks in its line {line}")
        initial = _initial(_items(parts, ":init"), names)
        goal_form = _sole(parts, ":goal") or fail(defined, "the problem has no (:goal …)")
        if len(goal_form.rest) != 1:
            fail(goal_form, "expected (:goal CONDITION)")
        goal = _sorted_goal(read_condition(goal_form.rest[0], names))
    held = frozenset(atom for atom in initial if atom[0] not in domain.action_predicates)
    return Problem(path.stem, tuple(sorted(objects.items())), held, goal)


def _sections(defined: Form, known: frozenset[str]) -> dict[str, list[Form]]:
    """The sections of a ``(define …)`` by keyword."""
    found: dict[str, list[Form]] = {}
    for node in defined.items[2:]:
        form = as_form(node, "a section such as (:predicates …)")
        if form.head in _NOT_SUPPORTED:
            fail(form, _NOT_SUPPORTED[form.head])
        if form.head not in known:
            refuse_name(form, "section", form.head, known)
        if form.head in found and form.head not in (":action", ":derived"):
            fail(form, f"a second ({form.head} …)")
        found.setdefault(form.head, []).append(form)
    return found


def _sole(parts: Mapping[str, list[Form]], name: str) -> Form | None:
    return parts[name][0] if name in parts else None


def _items(parts: Mapping[str, list[Form]], name: str) -> tuple[Node, ...]:
    form = _sole(parts, name)
    return form.rest if form is not None else ()


def _predicates(parts: Mapping[str, list[Form]], types: Types) -> dict[str, int]:
    found: dict[str, int] = {}
    for node in _items(parts, ":predicates"):
        form = as_form(node, "a predicate such as (on ?x ?y)")
        name = form.head or fail(form, "expected the name of a predicate")
        arity = len(types.variables(form.rest))
        if found.get(name, arity) != arity:
            fail(form, f"the predicate {name!r} is declared twice")
        found[name] = arity
    return found


def _operator(form: Form, names: Names, actions: frozenset[str]) -> Operator:
    """One ``(:action …)``."""
    if not form.rest:
        fail(form, "the action has no name")
    name = as_word(form.rest[0], "the action's name")
    given: dict[str, Node] = {}
    rest = list(form.rest[1:])
    while rest:
        keyword = rest.pop(0)
        word = as_word(keyword, "a keyword such as :effect")
        if word not in (":parameters", ":precondition", ":effect"):
            refuse_name(keyword, "keyword", word, (":parameters", ":precondition", ":effect"))
        if word in given:
            fail(keyword, f"a second {word}")
        if rest and isinstance(rest[0], Form):
            given[word] = rest.pop(0)  # nothing behind the keyword is an empty condition or effect
    listed = given.get(":parameters")
    parameters = parameter_names(as_form(listed, "parameters").items, names.types) if listed else ()
    inner = names.inside(parameters)
    condition = read_condition(given[":precondition"], inner) if ":precondition" in given else And()
    effects = read_effects(given[":effect"], inner) if ":effect" in given else ()
    precondition, action_atom = _without_action(condition, actions)
    return Operator(name, parameters, precondition, effects, action_atom)


def _without_action(condition: Formula, actions: frozenset[str]) -> tuple[Formula, Atom | None]:
    """The condition without pddlgym's own atom that names the action, and that atom: any binding of it may be chosen."""
    parts, action_atom = [], None
    for part in conjuncts(condition):
        if isinstance(part, Literal) and part.atom[0] in actions:
            action_atom = part.atom
        else:
            parts.append(part)
    return And(tuple(parts)), action_atom


def _initial(nodes: tuple[Node, ...], names: Names) -> list[Atom]:
    """The atoms that hold at first; values of functions, and what is said not to hold, are left out."""
    found = []
    for node in nodes:
        form = as_form(node, "an atom")
        if form.head == "not" and len(form.rest) == 1:
            names.atom(as_form(form.rest[0], "an atom"))
        elif form.head == EQUAL:
            continue
        elif form.head == "at" and len(form.rest) == 2 and isinstance(form.rest[1], Form):
            fail(form, "timed initial literals are not supported")
        else:
            found.append(names.atom(form))
    return found


def _sorted_goal(goal: Formula) -> Formula:
    """The parts of the goal, literals first and in order."""
    parts = list(conjuncts(goal))
    literals = sorted((p for p in parts if isinstance(p, Literal)), key=lambda p: (p.atom, p.positive))
    return And((*literals, *(part for part in parts if not isinstance(part, Literal))))
