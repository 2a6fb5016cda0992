"""A problem with all its actions written out, over states that are bit sets.

Only actions that can ever be applied are kept (static preconditions, then reachability without deletions). A state is an
int: bit i is set where atom i holds. Applying an action is three bit operations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agemem_gym.envs.pddl.parsing import Atom, Domain, Operator, Problem


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

    def applicable(self, state: int) -> bool:
        """Whether the preconditions hold."""
        return state & self.needs == self.needs and not state & self.forbids

    def apply(self, state: int) -> int:
        """The state afterwards: deletions first, as PDDL says."""
        return state & ~self.delete | self.add


class Ground:
    """A grounded problem.

    Attributes:
        atoms: the atoms that can change, sorted; bit i of a state stands for ``atoms[i]``.
        static: the atoms that hold for ever.
        actions: sorted by name and arguments.
        initial: the first state.
        goal_bits, goal_forbidden: what must hold at the end, and what must not, as one bit each.
    """

    def __init__(self, domain: Domain, problem: Problem) -> None:
        changing = {atom[0] for op in domain.operators for atom in (*op.add, *op.delete)}
        self.static = frozenset(atom for atom in problem.initial if atom[0] not in changing)
        found = sorted(_reachable(domain, problem, self.static, changing), key=lambda item: (item[0].name, item[1]))
        atoms = {atom for atom in problem.initial if atom[0] in changing} | {atom for atom, _ in problem.goal}
        for operator, binding in found:
            atoms |= {_bound(operator, atom, binding) for atom in (*operator.add, *operator.delete)}
        self.atoms: tuple[Atom, ...] = tuple(sorted(atoms))
        self._bit = {atom: 1 << i for i, atom in enumerate(self.atoms)}
        self.actions = tuple(self._action(operator, binding) for operator, binding in found)
        self.initial = self.mask(problem.initial)
        self.goal = problem.goal
        self.goal_bits = tuple(self._bit[atom] for atom, positive in problem.goal if positive)
        self.goal_forbidden = tuple(self._bit[atom] for atom, positive in problem.goal if not positive)
        self._index = {(action.name, action.arguments): action for action in self.actions}

    def mask(self, atoms: frozenset[Atom] | Sequence[Atom]) -> int:
        """The bits of those atoms that can change."""
        mask = 0
        for atom in atoms:
            mask |= self._bit.get(atom, 0)
        return mask

    def holding(self, state: int) -> list[Atom]:
        """The changing atoms that hold, in order."""
        return [atom for i, atom in enumerate(self.atoms) if state >> i & 1]

    def applicable(self, state: int) -> list[Action]:
        """The actions that can be applied, in order."""
        return [a for a in self.actions if state & a.needs == a.needs and not state & a.forbids]

    def find(self, name: str, arguments: tuple[str, ...]) -> Action | None:
        """The action of this name on these objects, if it can ever be applied."""
        return self._index.get((name, arguments))

    def satisfied(self, state: int) -> float:
        """Share of the goal's literals that hold."""
        met = sum(bool(state & bit) for bit in self.goal_bits) + sum(not state & bit for bit in self.goal_forbidden)
        return met / max(1, len(self.goal_bits) + len(self.goal_forbidden))

    def _action(self, operator: Operator, binding: tuple[str, ...]) -> Action:
        positive = [_bound(operator, atom, binding) for atom, wanted in operator.preconditions if wanted]
        negative = [_bound(operator, atom, binding) for atom, wanted in operator.preconditions if not wanted]
        return Action(
            operator.name,
            binding,
            self.mask(positive),
            self.mask([atom for atom in negative if atom[0] != "="]),
            self.mask([_bound(operator, atom, binding) for atom in operator.add]),
            self.mask([_bound(operator, atom, binding) for atom in operator.delete]),
            _bound(operator, operator.action_atom, binding) if operator.action_atom else None,
        )


def _bound(operator: Operator, atom: Atom, arguments: tuple[str, ...]) -> Atom:
    values = {name: value for (name, _), value in zip(operator.parameters, arguments, strict=True)}
    return (atom[0], *(values.get(term, term) for term in atom[1:]))


def _reachable(
    domain: Domain, problem: Problem, static: frozenset[Atom], changing: set[str]
) -> Iterator[tuple[Operator, tuple[str, ...]]]:
    """All bindings whose positive preconditions can become true when nothing is ever deleted."""
    waiting = [
        (operator, binding)
        for operator in domain.operators
        for binding in _static_bindings(operator, domain, problem, static, changing)
    ]
    needs = [
        {_bound(op, atom, binding) for atom, wanted in op.preconditions if wanted and atom[0] in changing}
        for op, binding in waiting
    ]
    by_atom: dict[Atom, list[int]] = defaultdict(list)
    for number, atoms in enumerate(needs):
        for atom in atoms:
            by_atom[atom].append(number)
    missing = [len(atoms) for atoms in needs]
    queue = [atom for atom in sorted(problem.initial) if atom[0] in changing]
    known = set(queue)
    ready = [number for number, count in enumerate(missing) if count == 0]
    while ready or queue:
        while ready:
            number = ready.pop()
            operator, binding = waiting[number]
            yield operator, binding
            for atom in (_bound(operator, atom, binding) for atom in operator.add):
                if atom not in known:
                    known.add(atom)
                    queue.append(atom)
        if queue:
            for number in by_atom[queue.pop()]:
                missing[number] -= 1
                if missing[number] == 0:
                    ready.append(number)


def _static_bindings(
    operator: Operator, domain: Domain, problem: Problem, static: frozenset[Atom], changing: set[str]
) -> Iterator[tuple[str, ...]]:
    """Bindings of the parameters that fit their types and the static preconditions."""
    objects = dict(problem.objects)
    allowed = {
        name: [
            thing
            for thing, kind in problem.objects
            if kind in domain.subtypes.get(wanted, {wanted}) or wanted == "object"
        ]
        for name, wanted in operator.parameters
    }
    members = {name: frozenset(things) for name, things in allowed.items()}
    facts: dict[str, list[Atom]] = defaultdict(list)
    for atom in sorted(static):
        facts[atom[0]].append(atom)
    positive = [
        atom for atom, wanted in operator.preconditions if wanted and atom[0] not in changing and atom[0] != "="
    ]
    rest = [
        (atom, wanted)
        for atom, wanted in operator.preconditions
        if (atom[0] == "=" or not wanted) and atom[0] not in changing
    ]
    order = [name for name, _ in operator.parameters]

    def extend(bound: dict[str, str], left: list[Atom]) -> Iterator[dict[str, str]]:
        if left:
            atom = max(left, key=lambda a: sum(term in bound or term in objects for term in a[1:]))
            others = [a for a in left if a is not atom]
            for fact in facts[atom[0]]:
                merged = _unify(atom, fact, bound, members)
                if merged is not None:
                    yield from extend(merged, others)
            return
        free = next((name for name in order if name not in bound), None)
        if free is None:
            yield bound
            return
        for thing in allowed[free]:
            yield from extend({**bound, free: thing}, [])

    seen = set()
    for bound in extend({}, positive):
        binding = tuple(bound[name] for name in order)
        if binding not in seen and all(_static_holds(atom, wanted, bound, static) for atom, wanted in rest):
            seen.add(binding)
            yield binding


def _unify(
    atom: Atom, fact: Atom, bound: Mapping[str, str], members: Mapping[str, frozenset[str]]
) -> dict[str, str] | None:
    if len(atom) != len(fact):
        return None
    merged = dict(bound)
    for term, value in zip(atom[1:], fact[1:], strict=True):
        if term not in members:
            if term != value:
                return None
        elif merged.setdefault(term, value) != value or value not in members[term]:
            return None
    return merged


def _static_holds(atom: Atom, wanted: bool, bound: Mapping[str, str], static: frozenset[Atom]) -> bool:
    terms = tuple(bound.get(term, term) for term in atom[1:])
    holds = len(set(terms)) == 1 if atom[0] == "=" else (atom[0], *terms) in static
    return holds == wanted
