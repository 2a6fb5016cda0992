"""What PDDL says, as plain data: formulas in negation normal form, operators, domains and problems.

An atom is a tuple ``(predicate, argument, …)``; an argument that begins with ``?`` is a variable. ``And(())`` is what always
holds, ``Or(())`` what never does. Every name is in small letters, as PDDL knows no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Atom = tuple[str, ...]
Parameters = tuple[tuple[str, str], ...]
"""Names with their types; a type ``a|b`` is what PDDL writes ``(either a b)``."""

EQUAL = "="
ANYTHING = "object"


@dataclass(frozen=True)
class Literal:
    """An atom that holds, or one that does not."""

    atom: Atom
    positive: bool = True


@dataclass(frozen=True)
class And:
    """All of them hold."""

    parts: tuple[Formula, ...] = ()


@dataclass(frozen=True)
class Or:
    """One of them holds at least."""

    parts: tuple[Formula, ...] = ()


@dataclass(frozen=True)
class Every:
    """The body holds for all objects of the parameters' types."""

    parameters: Parameters
    body: Formula


@dataclass(frozen=True)
class Some:
    """The body holds for certain objects at least."""

    parameters: Parameters
    body: Formula


Formula = Literal | And | Or | Every | Some


def conjuncts(formula: Formula) -> Iterator[Formula]:
    """The parts that all have to hold, without any ``And`` among them."""
    if isinstance(formula, And):
        for part in formula.parts:
            yield from conjuncts(part)
    else:
        yield formula


@dataclass(frozen=True)
class Effect:
    """What an operator does to the state: for all objects of `parameters`, where `condition` held before it."""

    add: tuple[Atom, ...] = ()
    delete: tuple[Atom, ...] = ()
    parameters: Parameters = ()
    condition: Formula = And()

    @property
    def always(self) -> bool:
        """Whether it comes with every application, once."""
        return not self.parameters and self.condition == And()


@dataclass(frozen=True)
class Operator:
    """A lifted action. `action_atom`: pddlgym's own way to name an action, where the domain uses it."""

    name: str
    parameters: Parameters
    precondition: Formula
    effects: tuple[Effect, ...]
    action_atom: Atom | None = None


@dataclass(frozen=True)
class Axiom:
    """A derived predicate: `head` holds in a state for those objects of which `body` does."""

    head: Atom
    parameters: Parameters
    body: Formula
    layer: int = 0


@dataclass(frozen=True)
class Domain:
    """A PDDL domain.

    Attributes:
        subtypes: maps a type to itself and all types below it.
        predicates: the number of arguments of each.
        borrowed: the objects that its operators name though no constant is called so, each with a line; a problem has to have
            them.
        axioms: the rules of derived predicates; those of a layer deny only what lower layers derive.
        action_predicates: those of pddlgym's ``(:actions …)``, which are part of no state.
    """

    name: str
    operators: tuple[Operator, ...]
    subtypes: dict[str, frozenset[str]]
    constants: Parameters
    predicates: dict[str, int]
    borrowed: Mapping[str, int]
    axioms: tuple[Axiom, ...] = ()
    action_predicates: frozenset[str] = frozenset()

    @property
    def changing(self) -> frozenset[str]:
        """The predicates that an action or a rule can change."""
        effects = (effect for operator in self.operators for effect in operator.effects)
        changed = {atom[0] for effect in effects for atom in (*effect.add, *effect.delete)}
        return frozenset(changed | {axiom.head[0] for axiom in self.axioms})

    def members(self, wanted: str, objects: Parameters) -> list[str]:
        """The objects of a type, in the order given."""
        if wanted == ANYTHING:
            return [name for name, _ in objects]
        kinds = frozenset[str]().union(*(self.subtypes.get(kind, {kind}) for kind in wanted.split("|")))
        return [name for name, kind in objects if not kinds.isdisjoint(kind.split("|"))]


@dataclass(frozen=True)
class Problem:
    """A PDDL problem: objects with their types, the atoms that hold at first, and what is to hold."""

    name: str
    objects: Parameters
    initial: frozenset[Atom]
    goal: Formula
