"""Bindings of a rule's parameters, by joining the facts that its conditions speak of; the first condition is a new fact."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from agemem_gym.envs.pddl.language import EQUAL, Atom, Literal, Operator, Parameters

Values = tuple[str, ...]
_EFFORT = 50


class TooLarge(Exception):
    """More actions than allowed."""


class Counter:
    """Counts what is looked at, and ends it where that is out of all proportion to the actions allowed."""

    def __init__(self, max_ground: int) -> None:
        self._left = max_ground * _EFFORT

    def __call__(self) -> None:
        """Count one more."""
        self._left -= 1
        if self._left < 0:
            raise TooLarge


@dataclass(frozen=True)
class Rule:
    """An operator, or a conditional effect of one: where `positive` holds for a binding that passes `tests`, `add` can."""

    parameters: Parameters
    positive: tuple[Atom, ...]
    tests: tuple[Literal, ...]
    add: tuple[Atom, ...]
    operator: Operator | None


class Facts:
    """The known facts, with an index for each set of places that is asked for."""

    def __init__(self) -> None:
        self._by_predicate: dict[str, list[Values]] = defaultdict(list)
        self._indices: dict[str, dict[tuple[int, ...], dict[Values, list[Values]]]] = defaultdict(dict)

    def add(self, atom: Atom) -> None:
        """Make a fact known; it must not be known yet."""
        values = atom[1:]
        self._by_predicate[atom[0]].append(values)
        for places, index in self._indices[atom[0]].items():
            index.setdefault(tuple(values[p] for p in places), []).append(values)

    def count(self, predicate: str) -> int:
        """How many facts of a predicate are known."""
        return len(self._by_predicate[predicate])

    def index(self, predicate: str, places: tuple[int, ...]) -> Mapping[Values, list[Values]]:
        """The facts of a predicate by what stands at these places; it grows with the facts."""
        indices = self._indices[predicate]
        if places not in indices:
            indices[places] = {}
            for values in self._by_predicate[predicate]:
                indices[places].setdefault(tuple(values[p] for p in places), []).append(values)
        return indices[places]


@dataclass(frozen=True)
class _Match:
    """One condition: what stands at which places of its atom."""

    fixed: tuple[tuple[int, str], ...]  # constants
    known: tuple[tuple[int, int], ...]  # place and slot of variables that are bound before
    fresh: tuple[tuple[int, int], ...]  # place and slot of those that it binds
    again: tuple[tuple[int, int], ...]  # the second place of one that it binds


class Join:
    """All bindings of a rule in which one condition is a given fact, called as ``join(values of the fact)``.

    Args:
        rule: whose parameters are bound.
        first: the condition that is given; ``None`` for a rule without conditions on what changes.
        members: the objects that fit each parameter.
        facts: what is known; may grow between calls.
        static: what holds for ever, for the tests.
        count: called for each fact and object tried.
    """

    def __init__(
        self,
        rule: Rule,
        first: Atom | None,
        members: Mapping[str, Sequence[str]],
        facts: Facts,
        static: frozenset[Atom],
        count: Counter,
    ) -> None:
        self.rule = rule
        self._static, self._count = static, count
        self._slots = {name: slot for slot, (name, _) in enumerate(rule.parameters)}
        self._members = [members[name] for name, _ in rule.parameters]
        self._allowed = [frozenset(things) for things in self._members]
        bound: set[str] = set()
        waiting = [atom for atom in rule.positive if atom != first]
        tests = list(rule.tests)
        self._first = self._match(first, bound) if first is not None else None
        self._first_tests = self._due(tests, bound)
        self._steps: list[tuple[_Match | int, Mapping[Values, list[Values]], list[Literal]]] = []
        while waiting:
            atom = min(waiting, key=lambda a: self._guess(a, bound, facts))
            waiting.remove(atom)
            match = self._match(atom, bound)
            places = tuple(place for place, _ in (*match.fixed, *match.known))
            self._steps.append((match, facts.index(atom[0], places), self._due(tests, bound)))
        for name, slot in self._slots.items():
            if name not in bound:
                bound.add(name)
                self._steps.append((slot, {}, self._due(tests, bound)))

    def __call__(self, values: Values) -> Iterator[Values]:
        """The bindings with this fact."""
        binding = [""] * len(self._slots)
        fits = self._first is None or self._take(self._first, values, binding, fixed_too=True)
        if fits and self._pass(self._first_tests, binding):
            yield from self._extend(0, binding)

    def _extend(self, number: int, binding: list[str]) -> Iterator[Values]:
        if number == len(self._steps):
            yield tuple(binding)
            return
        what, index, tests = self._steps[number]
        if isinstance(what, int):
            for thing in self._members[what]:
                self._count()
                binding[what] = thing
                if self._pass(tests, binding):
                    yield from self._extend(number + 1, binding)
            return
        key = (*(text for _, text in what.fixed), *(binding[slot] for _, slot in what.known))
        for values in index.get(key, ()):
            self._count()
            if self._take(what, values, binding) and self._pass(tests, binding):
                yield from self._extend(number + 1, binding)

    def _take(self, match: _Match, values: Values, binding: list[str], *, fixed_too: bool = False) -> bool:
        """Bind what a fact tells, if it fits."""
        if fixed_too and any(values[place] != text for place, text in match.fixed):
            return False
        for place, slot in match.fresh:
            if values[place] not in self._allowed[slot]:
                return False
            binding[slot] = values[place]
        return all(values[place] == binding[slot] for place, slot in match.again)

    def _pass(self, tests: list[Literal], binding: list[str]) -> bool:
        for literal in tests:
            name, *terms = (self._value(term, binding) for term in literal.atom)
            holds = terms[0] == terms[1] if name == EQUAL else (name, *terms) in self._static
            if holds != literal.positive:
                return False
        return True

    def _value(self, term: str, binding: list[str]) -> str:
        return binding[self._slots[term]] if term in self._slots else term

    def _match(self, atom: Atom, bound: set[str]) -> _Match:
        """How a condition is matched once `bound` are bound; adds to them."""
        places = list(enumerate(atom[1:]))
        fixed = tuple((place, term) for place, term in places if term not in self._slots)
        known = tuple((place, self._slots[term]) for place, term in places if term in bound)
        fresh: list[tuple[int, int]] = []
        again: list[tuple[int, int]] = []
        new: set[str] = set()
        for place, term in places:
            if term in self._slots and term not in bound:
                (again if term in new else fresh).append((place, self._slots[term]))
                new.add(term)
        bound |= new
        return _Match(fixed, known, tuple(fresh), tuple(again))

    def _due(self, tests: list[Literal], bound: set[str]) -> list[Literal]:
        """The tests whose variables are all bound by now, taken out of `tests`."""
        due = [t for t in tests if all(term in bound or term not in self._slots for term in t.atom[1:])]
        for test in due:
            tests.remove(test)
        return due

    def _guess(self, atom: Atom, bound: set[str], facts: Facts) -> float:
        """How many facts will fit a condition, about; what changes is not known yet when joins are planned."""
        free = {term for term in atom[1:] if term in self._slots and term not in bound}
        known = facts.count(atom[0])
        most = float(prod(len(self._members[self._slots[term]]) for term in free))
        return min(most, float(known) ** (len(free) / max(1, len(atom) - 1))) if known else most
