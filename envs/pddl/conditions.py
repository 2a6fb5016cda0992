"""Conditions over states that are bit sets: what has to be set, what must not be, and what else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from agemem_gym.envs.pddl.language import EQUAL, And, Atom, Every, Formula, Literal, Or, Some


@dataclass(frozen=True)
class Condition:
    """All bits of `needs` are set, none of `forbids`, and of each of `others` one at least holds."""

    needs: int = 0
    forbids: int = 0
    others: tuple[tuple[Condition, ...], ...] = ()

    def holds(self, state: int) -> bool:
        """Whether it holds in a state."""
        return (
            state & self.needs == self.needs
            and not state & self.forbids
            and (not self.others or all(any(part.holds(state) for part in any_of) for any_of in self.others))
        )


ALWAYS = Condition()


class Grounding:
    """Turns formulas into conditions, once the objects and the bits are known.

    Args:
        members: the objects of a type.
        bit: the bit of an atom that changes and can come to hold.
        static: whether an atom without a bit holds; it does so for ever.
        count: called once for each literal that is looked at; may raise where it becomes too many.
    """

    def __init__(
        self,
        members: Callable[[str], Sequence[str]],
        bit: Mapping[Atom, int],
        static: frozenset[Atom],
        count: Callable[[], None],
    ) -> None:
        self._members, self._bit, self._static, self._count = members, bit, static, count

    def condition(self, formula: Formula, binding: Mapping[str, str]) -> Condition | None:
        """The condition on certain objects; ``None`` if it can never hold."""
        if isinstance(formula, Literal):
            return self._literal(formula, binding)
        if isinstance(formula, And):
            return _all(self.condition(part, binding) for part in formula.parts)
        if isinstance(formula, Or):
            return _any(self.condition(part, binding) for part in formula.parts)
        inner = (self.condition(formula.body, {**binding, **more}) for more in self.bindings(formula))
        return _all(inner) if isinstance(formula, Every) else _any(inner)

    def bindings(self, quantified: Every | Some) -> Iterator[dict[str, str]]:
        """All choices of objects for the variables of a quantifier."""
        names = [name for name, _ in quantified.parameters]
        for chosen in product(*(self._members(kind) for _, kind in quantified.parameters)):
            yield dict(zip(names, chosen, strict=True))

    def _literal(self, literal: Literal, binding: Mapping[str, str]) -> Condition | None:
        self._count()
        atom = bound(literal.atom, binding)
        bit = self._bit.get(atom)
        if bit is not None:
            return Condition(bit) if literal.positive else Condition(0, bit)
        holds = atom[1] == atom[2] if atom[0] == EQUAL else atom in self._static
        return ALWAYS if holds == literal.positive else None


def bound(atom: Atom, binding: Mapping[str, str]) -> Atom:
    """An atom with objects for its variables."""
    return (atom[0], *(binding.get(term, term) for term in atom[1:]))


def substituted(formula: Formula, binding: Mapping[str, str]) -> Formula:
    """A formula with objects for its free variables."""
    if isinstance(formula, Literal):
        return Literal(bound(formula.atom, binding), formula.positive)
    if isinstance(formula, And | Or):
        return type(formula)(tuple(substituted(part, binding) for part in formula.parts))
    inner = {name: value for name, value in binding.items() if name not in dict(formula.parameters)}
    return type(formula)(formula.parameters, substituted(formula.body, inner))


def _all(parts: Iterator[Condition | None]) -> Condition | None:
    needs = forbids = 0
    others: list[tuple[Condition, ...]] = []
    for part in parts:
        if part is None:
            return None
        needs |= part.needs
        forbids |= part.forbids
        others += part.others
    return None if needs & forbids else Condition(needs, forbids, tuple(others))


def _any(parts: Iterator[Condition | None]) -> Condition | None:
    possible: list[Condition] = []
    for part in parts:
        if part == ALWAYS:
            return ALWAYS
        if part is not None and part not in possible:
            possible.append(part)
    if len(possible) <= 1:
        return possible[0] if possible else None
    return Condition(0, 0, (tuple(possible),))
