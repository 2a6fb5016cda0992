"""A problem with all its actions written out, over states that are bit sets.

Only actions that can ever be applied are kept (:mod:`.reachability`). A state is an int: bit i is set where atom i holds.
Applying an action without conditional effects is three bit operations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass

from agemem_gym.envs.pddl.axioms import Derivation, Derived
from agemem_gym.envs.pddl.conditions import ALWAYS, Condition, Grounding, bound, substituted
from agemem_gym.envs.pddl.joins import Counter
from agemem_gym.envs.pddl.language import (
    And,
    Atom,
    Domain,
    Effect,
    Every,
    Formula,
    Literal,
    Operator,
    Problem,
    conjuncts,
)
from agemem_gym.envs.pddl.reachability import Reachability

MAX_GROUND = 100_000


@dataclass(frozen=True)
class Change:
    """A conditional effect: where `condition` holds before the action."""

    condition: Condition
    add: int
    delete: int


@dataclass(frozen=True)
class Action:
    """One action on certain objects; the masks are over the atoms of its :class:`Ground`."""

    name: str
    arguments: tuple[str, ...]
    needs: int
    forbids: int
    add: int
    delete: int
    action_atom: Atom | None = None
    others: tuple[tuple[Condition, ...], ...] = ()
    changes: tuple[Change, ...] = ()

    def applicable(self, state: int) -> bool:
        """Whether the preconditions hold."""
        if state & self.needs != self.needs or state & self.forbids:
            return False
        return not self.others or Condition(0, 0, self.others).holds(state)

    def apply(self, state: int) -> int:
        """The state afterwards: deletions first, as PDDL says; conditions are asked before the action."""
        add, delete = self.add, self.delete
        for change in self.changes:
            if change.condition.holds(state):
                add |= change.add
                delete |= change.delete
        return state & ~delete | add


class Ground:
    """A grounded problem.

    Args:
        domain, problem: what is to be grounded.
        max_ground: the most actions that are written out.

    Attributes:
        atoms: the atoms that can change, sorted; bit i of a state stands for ``atoms[i]``.
        static: the atoms that hold for ever.
        actions: sorted by name and arguments.
        initial: the first state.
        derived: what follows in a state from the rest of it.
        goal: the parts of the goal, all of which have to hold; literals, and whatever else is no conjunction.
        goal_bits: what must hold at the end whichever way the goal is reached, as one bit each.

    Raises:
        TooLarge: more than `max_ground` actions can be reached, or finding them is out of all proportion to it.
    """

    def __init__(self, domain: Domain, problem: Problem, max_ground: int = MAX_GROUND) -> None:
        count = Counter(max_ground)
        self.static = frozenset(atom for atom in problem.initial if atom[0] not in domain.changing)
        reached = Reachability(domain, problem, self.static, max_ground, count)
        asked = {part.atom for part in conjuncts(problem.goal) if isinstance(part, Literal) and part.atom[0] != "="}
        self.atoms: tuple[Atom, ...] = tuple(sorted(reached.atoms | asked))
        self._bit = {atom: 1 << i for i, atom in enumerate(self.atoms)}
        cached: dict[str, list[str]] = {}

        def members(kind: str) -> list[str]:
            if kind not in cached:
                cached[kind] = domain.members(kind, problem.objects)
            return cached[kind]

        self._grounding = Grounding(members, self._bit, self.static, count)
        self.actions = tuple(
            action
            for operator in domain.operators
            for binding in sorted(reached.bindings[operator.name])
            if (action := self._action(operator, binding)) is not None
        )
        self.derived = self._derived(domain, reached.atoms)
        self.initial = self.derived.complete(self.mask(problem.initial))
        self._set_goal(problem.goal)
        self._plain = not any(action.others for action in self.actions)
        self._index = {(action.name, action.arguments): action for action in self.actions}

    def with_goal(self, goal: Formula) -> Ground:
        """The same actions and states with another goal, one of atoms that can come to hold."""
        other = copy(self)
        other._set_goal(goal)
        return other

    def mask(self, atoms: Iterable[Atom]) -> int:
        """The bits of those atoms that can change."""
        mask = 0
        for atom in atoms:
            mask |= self._bit.get(atom, 0)
        return mask

    def after(self, state: int, action: Action) -> int:
        """The state after an action, with all that follows from it."""
        following = action.apply(state)
        return self.derived.complete(following) if self.derived.rules else following

    def holding(self, state: int) -> list[Atom]:
        """The changing atoms that hold, in order."""
        return [atom for i, atom in enumerate(self.atoms) if state >> i & 1]

    def applicable(self, state: int) -> list[Action]:
        """The actions that can be applied, in order."""
        found = [a for a in self.actions if state & a.needs == a.needs and not state & a.forbids]
        return found if self._plain else [action for action in found if action.applicable(state)]

    def find(self, name: str, arguments: tuple[str, ...]) -> Action | None:
        """The action of this name on these objects, if it can ever be applied."""
        return self._index.get((name, arguments))

    def satisfied(self, state: int) -> float:
        """Share of the goal's parts that hold."""
        met = sum(condition is not None and condition.holds(state) for condition in self._parts)
        return met / max(1, len(self._parts))

    def reached(self, state: int) -> bool:
        """Whether the goal holds."""
        return self._whole is not None and self._whole.holds(state)

    def _set_goal(self, goal: Formula) -> None:
        parts: list[Formula] = []
        for part in conjuncts(goal):
            if isinstance(part, Every):  # counted and told one by one
                parts += [p for p in conjuncts(self._written_out(part)) if self._grounding.condition(p, {}) != ALWAYS]
            else:
                parts.append(part)
        self.goal = tuple(parts)
        self._parts = [self._grounding.condition(part, {}) for part in parts]
        self._whole = self._grounding.condition(And(self.goal), {})
        needs = self._whole.needs if self._whole is not None else 0
        self.goal_bits = tuple(1 << i for i in range(len(self.atoms)) if needs >> i & 1)

    def _derived(self, domain: Domain, reached: set[Atom]) -> Derived:
        by_head: dict[str, list[Atom]] = {}
        for atom in self.atoms:
            if atom in reached:
                by_head.setdefault(atom[0], []).append(atom)
        layers: dict[int, list[Derivation]] = {}
        for axiom in domain.axioms:
            for atom in by_head.get(axiom.head[0], ()):
                binding = dict(zip(axiom.head[1:], atom[1:], strict=True))
                condition = self._grounding.condition(axiom.body, binding)
                if condition is not None:
                    layers.setdefault(axiom.layer, []).append(Derivation(self._bit[atom], condition))
        return Derived([layers[number] for number in sorted(layers)])

    def _written_out(self, every: Every) -> Formula:
        return And(tuple(substituted(every.body, binding) for binding in self._grounding.bindings(every)))

    def _action(self, operator: Operator, arguments: tuple[str, ...]) -> Action | None:
        """The action on these objects; ``None`` if its conditions can never hold."""
        binding = dict(zip((name for name, _ in operator.parameters), arguments, strict=True))
        condition = self._grounding.condition(operator.precondition, binding)
        if condition is None:
            return None
        add, delete, changes = 0, 0, []
        for effect in operator.effects:
            for change in self._changes(effect, binding):
                if change.condition == ALWAYS:
                    add |= change.add
                    delete |= change.delete
                else:
                    changes.append(change)
        named = bound(operator.action_atom, binding) if operator.action_atom else None
        return Action(
            operator.name,
            arguments,
            condition.needs,
            condition.forbids,
            add,
            delete,
            named,
            condition.others,
            tuple(changes),
        )

    def _changes(self, effect: Effect, binding: Mapping[str, str]) -> list[Change]:
        found = []
        for more in (
            self._grounding.bindings(Every(effect.parameters, effect.condition)) if effect.parameters else ({},)
        ):
            inner = {**binding, **more}
            condition = self._grounding.condition(effect.condition, inner)
            add = self.mask(bound(atom, inner) for atom in effect.add)
            delete = self.mask(bound(atom, inner) for atom in effect.delete)
            if condition is not None and (add or delete):
                found.append(Change(condition, add, delete))
        return found
