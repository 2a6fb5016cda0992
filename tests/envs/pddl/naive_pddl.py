"""A naive executor of PDDL for the tests: reads a file by itself, keeps a state as a set of atoms, and interprets formulas as
they stand, over all objects. Nothing here is shared with ``agemem_gym.envs.pddl``: where both agree, both read PDDL alike.

It is slow on purpose: no grounding, no reachability, no bits. Only the choice of objects is guided: a parameter takes what some
positive precondition allows in the present state, else every object of its type.
"""

from __future__ import annotations

import itertools
import re


def read(text):
    """The lists of a PDDL text as nested Python lists."""
    stack = [[]]
    for token in re.findall(r"[()]|[^\s()]+", re.sub(r";[^\n]*", "", text).lower()):
        if token == "(":
            stack.append([])
        elif token == ")":
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(token)
    (defined,) = (form for form in stack[0] if form[:1] == ["define"])
    return defined


def typed(items):
    """Pairs of name and list of types of a typed list."""
    pairs, names, items = [], [], list(items)
    while items:
        item = items.pop(0)
        if item == "-":
            kind = items.pop(0)
            pairs += [(name, kind[1:] if isinstance(kind, list) else [kind]) for name in names]
            names = []
        else:
            names.append(item)
    return pairs + [(name, ["object"]) for name in names]


WORDS = ("and", "not", "or", "=", "imply", "forall", "exists")


class Executor:
    """A domain and a problem, played."""

    def __init__(self, domain_text, problem_text, ignored=()):
        domain, problem = read(domain_text), read(problem_text)
        self.parents = {}
        for name, kinds in self._section(domain, ":types", typed):
            self.parents.setdefault(name, set()).update(kinds)
        self.kinds = dict(self._section(problem, ":objects", typed) + self._section(domain, ":constants", typed))
        self.operators, self.axioms = {}, []
        for form in domain:
            if form[0] == ":action":
                self.operators[form[1]] = self._operator(form[2:])
            elif form[0] == ":derived":
                self.axioms.append((form[1][0], typed(form[1][1:]), form[2]))
        self.derived = {axiom[0] for axiom in self.axioms}
        init = next(form for form in problem if form[0] == ":init")[1:]
        self.state = {tuple(atom) for atom in init if atom[0] not in ("=", "not", *ignored)}
        self.goal = next(form for form in problem if form[0] == ":goal")[1]
        self.things = {}
        self._close()

    @staticmethod
    def _section(form, name, reader):
        return [pair for part in form if part[0] == name for pair in reader(part[1:])]

    @staticmethod
    def _operator(items):
        parts = {
            key: value for key, value in itertools.pairwise(items) if str(key)[0] == ":" and isinstance(value, list)
        }
        return typed(parts.get(":parameters", [])), parts.get(":precondition", []), parts.get(":effect", [])

    def _is(self, kind, wanted):
        if kind == wanted or wanted == "object":
            return True
        return any(self._is(above, wanted) for above in self.parents.get(kind, ()) if above != kind)

    def objects(self, wanted):
        """All objects of one of these types."""
        key = tuple(wanted)
        if key not in self.things:
            self.things[key] = [
                name
                for name, kinds in sorted(self.kinds.items())
                if any(self._is(kind, want) for kind in kinds for want in wanted)
            ]
        return self.things[key]

    def choices(self, parameters):
        """All assignments to quantified variables."""
        for chosen in itertools.product(*(self.objects(kinds) for _, kinds in parameters)):
            yield {name: thing for (name, _), thing in zip(parameters, chosen, strict=True)}

    def holds(self, formula, binding):
        """Whether a formula holds in the present state."""
        if not formula:
            return True
        head, *rest = formula
        if head == "and":
            return all(self.holds(part, binding) for part in rest)
        if head == "or":
            return any(self.holds(part, binding) for part in rest)
        if head == "not":
            return not self.holds(rest[0], binding)
        if head == "imply":
            return not self.holds(rest[0], binding) or self.holds(rest[1], binding)
        if head in ("forall", "exists"):
            results = (self.holds(rest[1], {**binding, **more}) for more in self.choices(typed(rest[0])))
            return all(results) if head == "forall" else any(results)
        terms = [binding.get(term, term) for term in rest]
        return terms[0] == terms[1] if head == "=" else (head, *terms) in self.state

    def changes(self, effect, binding):
        """The atoms that an effect adds and deletes."""
        if not effect:
            return
        head, *rest = effect
        if head == "and":
            for part in rest:
                yield from self.changes(part, binding)
        elif head == "forall":
            for more in self.choices(typed(rest[0])):
                yield from self.changes(rest[1], {**binding, **more})
        elif head == "when":
            if self.holds(rest[0], binding):
                yield from self.changes(rest[1], binding)
        elif head == "not":
            yield (rest[0][0], *(binding.get(term, term) for term in rest[0][1:])), False
        elif head not in ("increase", "decrease", "assign"):
            yield (head, *(binding.get(term, term) for term in rest)), True

    def applicable(self):
        """All actions that can be applied now, as tuples of name and objects."""
        return {
            (name, *arguments)
            for name, (parameters, condition, _) in self.operators.items()
            for arguments in self._fitting(parameters, condition)
        }

    def _fitting(self, parameters, condition):
        """The objects for which a condition holds."""
        by_predicate = {}
        for atom in self.state:
            by_predicate.setdefault((atom[0], len(atom)), []).append(atom)
        guides = [part for part in self._conjuncts(condition) if part and part[0] not in WORDS]
        for binding in self._bindings(parameters, guides, {}, by_predicate):
            if self.holds(condition, binding):
                yield tuple(binding[name] for name, _ in parameters)

    def _conjuncts(self, formula):
        if formula and formula[0] == "and":
            return [inner for part in formula[1:] for inner in self._conjuncts(part)]
        return [formula]

    def _bindings(self, parameters, guides, binding, by_predicate):
        kinds = dict(parameters)
        if guides:
            guide = min(guides, key=lambda g: sum(term in kinds and term not in binding for term in g[1:]))
            rest = [other for other in guides if other is not guide]
            if not any(term in kinds and term not in binding for term in guide[1:]):
                if (guide[0], *(binding.get(term, term) for term in guide[1:])) in self.state:
                    yield from self._bindings(parameters, rest, binding, by_predicate)
                return
            for atom in by_predicate.get((guide[0], len(guide)), ()):
                more = dict(binding)
                if all(
                    more.setdefault(term, value) == value if term in kinds else term == value
                    for term, value in zip(guide[1:], atom[1:], strict=True)
                ):
                    yield from self._bindings(parameters, rest, more, by_predicate)
            return
        free = [p for p in parameters if p[0] not in binding]
        if all(binding[name] in self.objects(kinds[name]) for name in binding):
            for more in self.choices(free):
                yield {**binding, **more}

    def apply(self, name, *arguments):
        """Carry out an action whose preconditions hold."""
        parameters, condition, effect = self.operators[name]
        binding = {parameter: value for (parameter, _), value in zip(parameters, arguments, strict=True)}
        assert self.holds(condition, binding), (name, arguments)
        changes = list(self.changes(effect, binding))
        self.state -= {atom for atom, positive in changes if not positive}
        self.state |= {atom for atom, positive in changes if positive}
        self._close()

    def solved(self):
        """Whether the goal holds."""
        return self.holds(self.goal, {})

    def _close(self):
        """Derived predicates anew: layer by layer, in each until nothing is added."""
        self.state = {atom for atom in self.state if atom[0] not in self.derived}
        for layer in self._layers():
            before = None
            while before != len(self.state):
                before = len(self.state)
                for head, parameters, body in self.axioms:
                    if head in layer:
                        self.state |= {(head, *arguments) for arguments in list(self._fitting(parameters, body))}

    def _layers(self):
        """The derived predicates so that each stands behind those that its rules deny."""
        level = dict.fromkeys(self.derived, 0)
        for _ in range(len(level) + 1):
            for head, _, body in self.axioms:
                for name, denied in self._mentioned(body, False):
                    level[head] = max(level[head], level[name] + denied)
        assert all(value <= len(level) for value in level.values()), "derived predicates that deny each other"
        return [{name for name in level if level[name] == number} for number in sorted(set(level.values()))]

    def _mentioned(self, formula, denied):
        if not formula:
            return
        head, *rest = formula
        if head in ("and", "or"):
            for part in rest:
                yield from self._mentioned(part, denied)
        elif head == "not":
            yield from self._mentioned(rest[0], not denied)
        elif head == "imply":
            yield from self._mentioned(rest[0], not denied)
            yield from self._mentioned(rest[1], denied)
        elif head in ("forall", "exists"):
            yield from self._mentioned(rest[1], denied)
        elif head in self.derived:
            yield head, denied
