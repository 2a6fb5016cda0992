"""Planning on what one believes: a domain's rules as everybody knows them, and facts read from sentences.

Nothing here knows an episode. Whoever is told or shows how things stand may plan on it::

    rules = Rules.of("gripper")
    facts = rules.read("The robot is at room1. ball1 is at room2.")
    steps = rules.plan({"room1": "room", …}, facts, rules.read("ball1 is at room1"))
    steps[0].command                                                                     # "move room1 room2"
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from agemem_gym.envs.pddl import wording
from agemem_gym.envs.pddl.conditions import bound
from agemem_gym.envs.pddl.grounding import Ground
from agemem_gym.envs.pddl.language import And, Atom, Domain, Effect, Literal, Operator, Problem, conjuncts
from agemem_gym.envs.pddl.library import own_or_packaged
from agemem_gym.envs.pddl.planner import plan_in_turn
from agemem_gym.envs.pddl.relevance import in_turn, involved
from agemem_gym.envs.pddl.sight import Sight, sight_in

_EVALUATIONS = 600  # of states; a plan for what is involved in a goal takes fewer, or there is none
_NAME = r"[a-z][\w-]*"


@dataclass(frozen=True)
class Step:
    """An action of a plan: as it is written, and what it needs, makes true and makes untrue."""

    name: str
    arguments: tuple[str, ...]
    needs: frozenset[Atom]
    add: frozenset[Atom]
    delete: frozenset[Atom]
    command: str


class Rules:
    """The rules of one of AgentBoard's four domains.

    Attributes:
        name: the domain's.
        domain: its operators.
        sight: what of it can be seen where the facts are hidden.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.domain: Domain = own_or_packaged(name)
        self.sight: Sight = sight_in(name)

    @staticmethod
    @lru_cache(maxsize=8)
    def of(name: str) -> Rules:
        """The rules of a domain."""
        return Rules(name)

    def read(self, text: str, objects: Mapping[str, str]) -> list[Atom]:
        """The facts that sentences state, each a sentence of its own or parted by commas; what states none is passed over."""
        found = []
        for clause in re.split(r"[.,](?:\s+|$)", text):
            atom = self._atom(clause.strip().lower(), objects)
            if atom is not None:
                found.append(atom)
        return found

    def step(self, name: str, arguments: Sequence[str]) -> Step:
        """An operator on certain things."""
        operator = self._operators[name]
        binding = dict(zip((variable for variable, _ in operator.parameters), arguments, strict=True))
        literals = (part for part in conjuncts(operator.precondition) if isinstance(part, Literal))
        unsaid = self.sight.unsaid.get(name, frozenset())
        said = (thing for place, thing in enumerate(arguments) if place not in unsaid)
        return Step(
            name,
            tuple(arguments),
            frozenset(bound(part.atom, binding) for part in literals),
            frozenset(bound(atom, binding) for effect in operator.effects for atom in effect.add),
            frozenset(bound(atom, binding) for effect in operator.effects for atom in effect.delete),
            " ".join((name, *said)),
        )

    def plan(self, objects: Mapping[str, str], facts: Iterable[Atom], goal: Iterable[Atom]) -> list[Step] | None:
        """The steps to a goal from where things are believed to stand; None where no way is found."""
        goal = list(goal)
        objects = involved(self.name, objects, facts := set(facts), goal)
        initial = frozenset(atom for atom in facts if all(thing in objects for thing in atom[1:]))
        wanted = And(tuple(Literal(atom) for atom in sorted(goal)))
        ground = Ground(self.domain, Problem("believed", tuple(sorted(objects.items())), initial, wanted))
        parts = (And(tuple(map(Literal, part))) for part in in_turn(self.name, goal))
        found = plan_in_turn(ground, parts, evaluations=_EVALUATIONS)
        return None if found is None else [self.step(action.name, action.arguments) for action in found]

    @cached_property
    def _operators(self) -> dict[str, Operator]:
        return {operator.name: operator for operator in self.domain.operators}

    @cached_property
    def _wordings(self) -> list[tuple[re.Pattern[str], str, tuple[frozenset[str], ...]]]:
        """How each predicate is worded, and the types that its arguments may have."""
        return [
            (re.compile(wording.pattern(name, count, _NAME)), name, self._types(name, count))
            for name, count in self.domain.predicates.items()
        ]

    def _types(self, predicate: str, count: int) -> tuple[frozenset[str], ...]:
        """The types of a predicate's arguments, by the operators that speak of it."""
        kinds: list[set[str]] = [set() for _ in range(count)]
        for operator in self.domain.operators:
            types = dict(operator.parameters)
            for atom in _atoms_of(operator):
                if atom[0] == predicate:
                    for place, term in enumerate(atom[1:]):
                        kind = types.get(term, "")
                        kinds[place] |= {kind} | self.domain.subtypes.get(kind, frozenset())
        return tuple(frozenset(found) for found in kinds)

    def _atom(self, clause: str, objects: Mapping[str, str]) -> Atom | None:
        for shape, name, kinds in self._wordings:
            match = shape.fullmatch(clause)
            things = [match[f"a{place}"] for place in range(len(kinds))] if match else []
            if match and all(objects.get(thing) in kind for thing, kind in zip(things, kinds, strict=True)):
                return (name, *things)
        return None


def _atoms_of(operator: Operator) -> Iterable[Atom]:
    yield from (part.atom for part in conjuncts(operator.precondition) if isinstance(part, Literal))
    effects: Iterable[Effect] = operator.effects
    yield from (atom for effect in effects for atom in (*effect.add, *effect.delete))
