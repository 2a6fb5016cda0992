"""Conditions and effects, from nested lists to :mod:`.language`: conditions in negation normal form, effects flat."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from agemem_gym.envs.pddl.language import EQUAL, And, Atom, Effect, Every, Formula, Literal, Or, Parameters, Some
from agemem_gym.envs.pddl.text import Form, Node, Word, as_form, as_word, fail, refuse_name
from agemem_gym.envs.pddl.types import Types

_COMPARISONS = frozenset({"<", ">", "<=", ">="})
_CHANGES = frozenset({"increase", "decrease", "assign", "scale-up", "scale-down"})
_REFUSED = {
    "preference": "preferences are not supported",
    "probabilistic": "probabilistic effects are not supported",
    "oneof": "effects that are chosen by chance are not supported",
    "at": "timed conditions are not supported",
    "over": "timed conditions are not supported",
}


@dataclass(frozen=True)
class Names:
    """What a formula may speak of: predicates with their arity, constants or objects, and the variables in force.

    Where `borrowed` is a dict, an object that is not known is not refused, but noted there with its line: some domains name
    objects that only their problems have.
    """

    types: Types
    predicates: Mapping[str, int]
    things: frozenset[str]
    variables: frozenset[str] = frozenset()
    borrowed: dict[str, int] | None = None

    def inside(self, parameters: Parameters) -> Names:
        """The same under a quantifier, or in an action."""
        return replace(self, variables=self.variables | {name for name, _ in parameters})

    def atom(self, form: Form) -> Atom:
        """An atom whose predicate and arguments are known."""
        name = form.head or fail(form, "expected a predicate and its arguments")
        if name not in self.predicates and name != EQUAL:
            if name in _REFUSED:
                fail(form, _REFUSED[name])
            refuse_name(form, "predicate", name, self.predicates)
        arity = 2 if name == EQUAL else self.predicates[name]
        if len(form.rest) != arity:
            fail(form, f"{name!r} takes {counted(arity)}, {len(form.rest)} given")
        return (name, *(self._term(node) for node in form.rest))

    def _term(self, node: Node) -> str:
        term = as_word(node, "the name of an object or a variable")
        known = self.variables if term.startswith("?") else self.things
        if term not in known and not term.startswith("?") and self.borrowed is not None:
            self.borrowed.setdefault(term, node.line)
        elif term not in known:
            refuse_name(node, "variable" if term.startswith("?") else "object", term, known)
        return term


def counted(arity: int) -> str:
    """``"1 argument"``, ``"2 arguments"``."""
    return f"{arity} argument{'s' * (arity != 1)}"


def read_condition(node: Node, names: Names, positive: bool = True) -> Formula:
    """A precondition or a goal, or its negation."""
    form = as_form(node, "a condition")
    if not form.items:
        return And() if positive else Or()
    head = form.head
    if head in ("and", "or"):
        parts = tuple(read_condition(part, names, positive) for part in form.rest)
        return And(parts) if (head == "and") == positive else Or(parts)
    if head == "not":
        return read_condition(_parts(form, 1, "(not CONDITION)")[0], names, not positive)
    if head == "imply":
        premise, conclusion = _parts(form, 2, "(imply CONDITION CONDITION)")
        both = (read_condition(premise, names, not positive), read_condition(conclusion, names, positive))
        return Or(both) if positive else And(both)
    if head in ("forall", "exists"):
        bound, body = _parts(form, 2, f"({head} (VARIABLES) CONDITION)")
        parameters = names.types.variables(as_form(bound, "variables").items)
        inner = read_condition(body, names.inside(parameters), positive)
        return Every(parameters, inner) if (head == "forall") == positive else Some(parameters, inner)
    if head in _COMPARISONS or (head == EQUAL and any(isinstance(part, Form) for part in form.rest)):
        fail(form, "numeric conditions are not supported")
    return Literal(names.atom(form), positive)


def read_effects(node: Node, names: Names) -> tuple[Effect, ...]:
    """What an action does: one effect for all that comes always, and one for each ``when`` and ``forall``."""
    found: list[Effect] = []
    _collect(node, names, (), And(), found.append)
    always = [effect for effect in found if effect.always]
    merged = Effect(
        tuple(atom for effect in always for atom in effect.add),
        tuple(atom for effect in always for atom in effect.delete),
    )
    return ((merged,) if always else ()) + tuple(effect for effect in found if not effect.always)


def _collect(
    node: Node, names: Names, parameters: Parameters, condition: Formula, found: Callable[[Effect], None]
) -> None:
    form = as_form(node, "an effect")
    if not form.items:
        return
    head = form.head
    if head == "and":
        for part in form.rest:
            _collect(part, names, parameters, condition, found)
    elif head == "forall":
        bound, body = _parts(form, 2, "(forall (VARIABLES) EFFECT)")
        more = names.types.variables(as_form(bound, "variables").items)
        _collect(body, names.inside(more), parameters + more, condition, found)
    elif head == "when":
        premise, body = _parts(form, 2, "(when CONDITION EFFECT)")
        both = (
            And((condition, read_condition(premise, names))) if condition != And() else read_condition(premise, names)
        )
        _collect(body, names, parameters, both, found)
    elif head == "not":
        inner = as_form(_parts(form, 1, "(not ATOM)")[0], "an atom")
        found(Effect((), (_changed(inner, names),), parameters, condition))
    elif head in _CHANGES:
        _parts(form, 2, f"({head} FUNCTION NUMBER)")  # numbers decide nothing here: no condition may ask for them
    else:
        found(Effect((_changed(form, names),), (), parameters, condition))


def _changed(form: Form, names: Names) -> Atom:
    if form.head in ("or", "exists", "imply", EQUAL):
        fail(form, f"an effect cannot be {form.head!r}")
    return names.atom(form)


def _parts(form: Form, count: int, shape: str) -> Sequence[Node]:
    if len(form.rest) != count:
        fail(form, f"expected {shape}")
    return form.rest


def parameter_names(nodes: Sequence[Node], types: Types) -> Parameters:
    """The parameters of an action, none of them twice."""
    parameters = types.variables(nodes)
    seen: set[str] = set()
    for name, _ in parameters:
        if name in seen:
            fail(next(n for n in nodes if isinstance(n, Word) and n.text == name), f"{name} is given twice")
        seen.add(name)
    return parameters
