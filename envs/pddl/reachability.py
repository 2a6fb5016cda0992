"""Which actions can ever be applied, if nothing were ever deleted: found by joining what is known, never by listing bindings.

An operator's positive preconditions are relations of facts. Each new fact is joined (:mod:`.joins`) with the known facts of the
operator's other preconditions, through indices by the places that are bound already; an operator on sixty objects with four
parameters costs as much as it has applicable actions, not sixty to the fourth. Parameters that no positive precondition speaks
of are filled in from their type at the end. What the join leaves out of account (disjunctions, quantifiers, negations of what
changes) only makes the result larger; it is checked when the actions are made.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from agemem_gym.envs.pddl.joins import Counter, Facts, Join, Rule, TooLarge, Values
from agemem_gym.envs.pddl.language import EQUAL, Atom, Domain, Effect, Literal, Operator, Problem, conjuncts


def rules(domain: Domain, changing: frozenset[str]) -> list[Rule]:
    """All rules of a domain; `changing` are the predicates that some effect speaks of."""
    found = []
    for operator in domain.operators:
        always = [effect for effect in operator.effects if effect.always]
        found.append(_rule(operator, Effect(tuple(a for e in always for a in e.add)), changing, operator))
        found += [_rule(operator, e, changing, None) for e in operator.effects if not e.always and e.add]
    for axiom in domain.axioms:
        as_operator = Operator(axiom.head[0], axiom.parameters, axiom.body, ())
        found.append(_rule(as_operator, Effect((axiom.head,)), changing, None))
    return found


def _rule(operator: Operator, effect: Effect, changing: frozenset[str], owner: Operator | None) -> Rule:
    inner = {name for name, _ in effect.parameters}
    hidden = inner & {name for name, _ in operator.parameters}  # then the preconditions speak of another variable
    formulas = (effect.condition,) if hidden else (operator.precondition, effect.condition)
    literals = [p for formula in formulas for p in conjuncts(formula) if isinstance(p, Literal)]
    outer = tuple(p for p in operator.parameters if p[0] not in inner)
    positive = tuple(dict.fromkeys(p.atom for p in literals if p.positive and p.atom[0] != EQUAL))
    tests = tuple(p for p in literals if p.atom[0] == EQUAL or (not p.positive and p.atom[0] not in changing))
    return Rule(outer + effect.parameters, positive, tests, effect.add, owner)


class Reachability:
    """Everything that can come to be.

    Attributes:
        bindings: for each operator name, the objects for which its actions can be reached.
        atoms: the atoms of changing predicates that can come to hold.
    """

    def __init__(
        self, domain: Domain, problem: Problem, static: frozenset[Atom], max_ground: int, count: Counter
    ) -> None:
        changing = domain.changing
        facts = Facts()
        self.atoms: set[Atom] = set()
        self.bindings: dict[str, set[Values]] = {operator.name: set() for operator in domain.operators}
        self._left = max_ground
        for atom in sorted(static):
            facts.add(atom)
        triggers: dict[str, list[Join]] = defaultdict(list)
        self._queue: list[Atom] = []
        for atom in sorted(problem.initial - static):
            self._found(atom)
        for rule in rules(domain, changing):
            members = {name: domain.members(kind, problem.objects) for name, kind in rule.parameters}
            firsts = [atom for atom in rule.positive if atom[0] in changing]
            for first in firsts:
                triggers[first[0]].append(Join(rule, first, members, facts, static, count))
            if not firsts:
                self._fire(rule, Join(rule, None, members, facts, static, count)(()))
        while self._queue:
            atom = self._queue.pop()
            facts.add(atom)
            for triggered in triggers[atom[0]]:
                self._fire(triggered.rule, triggered(atom[1:]))

    def _found(self, atom: Atom) -> None:
        if atom not in self.atoms:
            self.atoms.add(atom)
            self._queue.append(atom)

    def _fire(self, rule: Rule, bindings: Iterable[Values]) -> None:
        names = [name for name, _ in rule.parameters]
        seen = self.bindings[rule.operator.name] if rule.operator is not None else set()
        for binding in bindings:
            if binding in seen:
                continue
            seen.add(binding)
            if rule.operator is not None:
                self._left -= 1
                if self._left < 0:
                    raise TooLarge
            values = dict(zip(names, binding, strict=True))
            for atom in rule.add:
                self._found((atom[0], *(values.get(term, term) for term in atom[1:])))
