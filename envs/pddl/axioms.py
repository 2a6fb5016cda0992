"""Derived predicates: read from ``(:derived (above ?x ?y) …)``, put into layers, and worked out in a state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from agemem_gym.envs.pddl.conditions import Condition
from agemem_gym.envs.pddl.formulas import Names, counted, parameter_names, read_condition
from agemem_gym.envs.pddl.language import And, Axiom, Every, Formula, Literal, Operator, Or, Some
from agemem_gym.envs.pddl.text import Form, as_form, fail, refuse_name


def read_axioms(forms: Sequence[Form], names: Names, operators: Iterable[Operator]) -> tuple[Axiom, ...]:
    """The rules of a domain, lower layers first.

    Raises:
        Fault: a rule that cannot be read, an action that changes what is derived, or predicates that deny each other.
    """
    if not forms:
        return ()
    axioms = [_axiom(form, names) for form in forms]
    changed = {a[0] for op in operators for effect in op.effects for a in (*effect.add, *effect.delete)}
    for form, axiom in zip(forms, axioms, strict=True):
        if axiom.head[0] in changed:
            fail(form, f"{axiom.head[0]!r} is derived, but an action changes it, too")
    layers = _layers(axioms)
    for form, axiom in zip(forms, axioms, strict=True):
        if layers[axiom.head[0]] >= len(layers):
            fail(form, f"{axiom.head[0]!r} is derived from its own denial")
    layered = [replace(axiom, layer=layers[axiom.head[0]]) for axiom in axioms]
    return tuple(sorted(layered, key=lambda axiom: axiom.layer))


def _axiom(form: Form, names: Names) -> Axiom:
    if len(form.rest) != 2:
        fail(form, "expected (:derived (PREDICATE VARIABLES) CONDITION)")
    head = as_form(form.rest[0], "a predicate with variables")
    if head.head not in names.predicates:
        refuse_name(head, "predicate", head.head, names.predicates)
    parameters = parameter_names(head.rest, names.types)
    if len(parameters) != names.predicates[head.head]:
        fail(head, f"{head.head!r} takes {counted(names.predicates[head.head])}, {len(parameters)} given")
    body = read_condition(form.rest[1], names.inside(parameters))
    return Axiom((head.head, *(name for name, _ in parameters)), parameters, body)


def _layers(axioms: Sequence[Axiom]) -> dict[str, int]:
    """The layer of each derived predicate; as many as there are predicates, or more, where they deny each other."""
    layers = dict.fromkeys((axiom.head[0] for axiom in axioms), 0)
    rising = True
    while rising and max(layers.values()) < len(layers):
        rising = False
        for axiom in axioms:
            for name, positive in _mentioned(axiom.body):
                if name in layers and layers[axiom.head[0]] < layers[name] + (not positive):
                    layers[axiom.head[0]] = layers[name] + (not positive)
                    rising = True
    return layers


def _mentioned(formula: Formula) -> Iterator[tuple[str, bool]]:
    if isinstance(formula, Literal):
        yield formula.atom[0], formula.positive
    elif isinstance(formula, And | Or):
        for part in formula.parts:
            yield from _mentioned(part)
    elif isinstance(formula, Every | Some):
        yield from _mentioned(formula.body)


@dataclass(frozen=True)
class Derivation:
    """One rule on certain objects: the bit holds where the condition does."""

    bit: int
    condition: Condition


class Derived:
    """What follows in a state; `layers` are worked out in turn, each until nothing more follows."""

    def __init__(self, layers: Sequence[Sequence[Derivation]]) -> None:
        self._layers = layers
        self._mask = 0
        for layer in layers:
            for derivation in layer:
                self._mask |= derivation.bit

    @property
    def rules(self) -> list[Derivation]:
        """All of them, lower layers first."""
        return [derivation for layer in self._layers for derivation in layer]

    def complete(self, state: int) -> int:
        """The state with what follows from the rest of it, and nothing else derived."""
        state &= ~self._mask
        for layer in self._layers:
            waiting = list(layer)
            while True:
                following = [d for d in waiting if d.condition.holds(state)]
                if not following:
                    break
                for derivation in following:
                    state |= derivation.bit
                waiting = [d for d in waiting if not state & d.bit]
        return state
