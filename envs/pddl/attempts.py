"""Commands where not everything is seen: an agent may try what cannot be done, and learns why as far as it can see.

What has to be seen before an action is looked at first; only where all of that holds does the rest come to light::

    pick ball1 room3 left    in room5: it is not so that the robot is at room3          (nothing about the ball)
                             in room3: it is not so that ball1 is at room3
    fill-shot shot1 left right dispenser4                   what comes out need not be known
    shake cocktail2 shaker1 left right                      nothing comes of it, if the parts are others
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from agemem_gym.envs.pddl import wording
from agemem_gym.envs.pddl.conditions import bound
from agemem_gym.envs.pddl.grounding import Action, Ground
from agemem_gym.envs.pddl.language import Atom, Domain, Literal, Operator, Problem, conjuncts
from agemem_gym.envs.pddl.sight import Sight

NOTHING = "You try it, but nothing comes of it."


class Attempts:
    """What can be tried in one problem.

    Args:
        domain, problem: whose operators and objects.
        ground: the same, grounded.
        sight: what can be seen.
    """

    def __init__(self, domain: Domain, problem: Problem, ground: Ground, sight: Sight) -> None:
        self._ground, self._sight = ground, sight
        possible = frozenset(ground.atoms)
        self._operators = {operator.name: operator for operator in domain.operators}
        self._members = {
            kind: domain.members(kind, problem.objects) for op in domain.operators for _, kind in op.parameters
        }
        self._unsaid = [
            attempt
            for operator in domain.operators
            if operator.name in sight.unsaid
            for attempt in self._without_names(operator, possible)
        ]

    def result(self, name: str, things: Sequence[str], state: int) -> Action | str:
        """The action that an operator on these things comes to, or why it comes to none; ``""``: there is no such action."""
        operator = self._operators.get(name)
        binding = None if operator is None else self._binding(operator, things)
        if operator is None or binding is None:
            return ""
        holding = self.holding(state)
        literals = [part for part in conjuncts(operator.precondition) if isinstance(part, Literal)]
        for hidden in (False, True):
            for literal in literals:
                atom = bound(literal.atom, binding)
                known = not any(term.startswith("?") for term in atom)
                if known and (atom[0] in self._sight.hidden) == hidden and (atom in holding) != literal.positive:
                    return f"It is not so that {wording.clause(atom, literal.positive)}."
        arguments = [binding.get(variable) for variable, _ in operator.parameters]
        for action in self._ground.applicable(state):
            if action.name == name and all(a in (None, b) for a, b in zip(arguments, action.arguments, strict=True)):
                return action
        return NOTHING

    def admissible(self, state: int) -> list[str]:
        """What can be tried with success as far as can be seen, in words."""
        said = {
            wording.command(action)
            for action in self._ground.applicable(state)
            if action.name not in self._sight.unsaid
        }
        return sorted(said | {text for text, needs in self._unsaid if state & needs == needs})

    def hint(self) -> str:
        """How commands are written without what cannot be seen, an example each; empty where all is seen in time."""
        examples: dict[str, str] = {}
        for text, _ in self._unsaid:
            examples.setdefault(text.partition(" ")[0], text)
        return f"; what cannot be seen need not be named ({', '.join(examples.values())})" if examples else ""

    def holding(self, state: int) -> frozenset[Atom]:
        """All that holds."""
        return self._ground.static.union(self._ground.holding(state))

    def seen(self, state: int) -> list[Atom]:
        """What is seen of a state."""
        return self._sight.seen(self._ground.holding(state))

    def _binding(self, operator: Operator, things: Sequence[str]) -> dict[str, str] | None:
        """The things by parameter; None where they are too few, too many, or of another type."""
        unsaid = self._sight.unsaid.get(operator.name, frozenset())
        said = [p for place, p in enumerate(operator.parameters) if place not in unsaid]
        for parameters in (operator.parameters, said):
            if len(parameters) == len(things) and all(
                thing in self._members[kind] for thing, (_, kind) in zip(things, parameters, strict=True)
            ):
                return {variable: thing for thing, (variable, _) in zip(things, parameters, strict=True)}
        return None

    def _without_names(self, operator: Operator, possible: frozenset[Atom]) -> Iterator[tuple[str, int]]:
        """Each way to write an operator without what nobody can see, with the bits that have to be seen for it."""
        said = [p for place, p in enumerate(operator.parameters) if place not in self._sight.unsaid[operator.name]]
        for things in product(*(self._members[kind] for _, kind in said)):
            binding: Mapping[str, str] = {variable: thing for thing, (variable, _) in zip(things, said, strict=True)}
            atoms = [
                bound(part.atom, binding)
                for part in conjuncts(operator.precondition)
                if isinstance(part, Literal) and part.atom[0] not in self._sight.hidden
            ]
            needed = [atom for atom in atoms if not any(term.startswith("?") for term in atom)]
            if possible.issuperset(needed):
                yield " ".join((operator.name, *things)), self._ground.mask(needed)
