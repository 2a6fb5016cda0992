"""The facts of a running game, and the answers to the grammar's queries over them.

The same answers in the same order as ``textworld.logic.State.all_assignments``: predicates from left to right, facts
sorted by name, different placeholders bound to different entities. Facts are tuples of names here; TextWorld's
``Proposition`` objects are kept for ever in a table of the process, which grows with every new game.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product

from .grammar import Placeholder, Predicate, parse_query

Signature = tuple[str, tuple[str, ...]]
"""A predicate's name and the types of its arguments."""


class WorldState:
    """Facts by signature.

    Args:
        types: the type of each entity by name.
        subtypes: the types that count as a type, itself among them, in TextWorld's order.
    """

    def __init__(self, types: Mapping[str, str], subtypes: Mapping[str, tuple[str, ...]]) -> None:
        self._types = types
        self._subtypes = subtypes
        self._facts: dict[Signature, set[tuple[str, ...]]] = {}
        self._sorted: dict[Signature, list[tuple[str, ...]]] = {}
        self._signatures: dict[Signature, list[Signature]] = {}

    def add(self, name: str, arguments: tuple[str, ...]) -> None:
        """Make a fact true."""
        signature = self._signature(name, arguments)
        self._facts.setdefault(signature, set()).add(arguments)
        self._sorted.pop(signature, None)

    def discard(self, name: str, arguments: tuple[str, ...]) -> None:
        """Make a fact unknown, if it was true."""
        signature = self._signature(name, arguments)
        self._facts.get(signature, set()).discard(arguments)
        self._sorted.pop(signature, None)

    def holds(self, name: str, *arguments: str) -> bool:
        """Whether a fact is true."""
        return arguments in self._facts.get(self._signature(name, arguments), ())

    def facts(self, name: str) -> list[tuple[str, ...]]:
        """The arguments of every true fact with this predicate, sorted."""
        return sorted(fact for (found, _), facts in self._facts.items() if found == name for fact in facts)

    def entities(self) -> set[str]:
        """Every name that occurs in some fact."""
        return {argument for facts in self._facts.values() for fact in facts for argument in fact}

    def assignments(self, query: str, mapping: Mapping[Placeholder, str]) -> Iterator[dict[Placeholder, str]]:
        """Every way to bind the query's placeholders, beyond those that `mapping` binds, so that all of it is true."""
        return self._match(parse_query(query), 0, dict(mapping), set(mapping.values()))

    def _match(
        self, predicates: tuple[Predicate, ...], depth: int, mapping: dict[Placeholder, str], used: set[str]
    ) -> Iterator[dict[Placeholder, str]]:
        if depth == len(predicates):
            yield dict(mapping)
            return
        name, parameters = predicates[depth]
        for fact in self._candidates(name, parameters):
            bound: list[Placeholder] = []
            for placeholder, entity in zip(parameters, fact, strict=True):
                existing = mapping.get(placeholder)
                if existing is None and entity not in used:
                    mapping[placeholder] = entity
                    used.add(entity)
                    bound.append(placeholder)
                elif existing != entity:
                    break
            else:
                yield from self._match(predicates, depth + 1, mapping, used)
            for placeholder in bound:
                used.discard(mapping.pop(placeholder))

    def _candidates(self, name: str, parameters: tuple[Placeholder, ...]) -> Iterator[tuple[str, ...]]:
        asked = (name, tuple(kind for _, kind in parameters))
        signatures = self._signatures.get(asked)
        if signatures is None:
            choices = product(*(self._subtypes.get(kind, (kind,)) for kind in asked[1]))
            signatures = self._signatures[asked] = [(name, kinds) for kinds in choices]
        for signature in signatures:
            if signature in self._facts:
                yield from self._in_order(signature)

    def _in_order(self, signature: Signature) -> list[tuple[str, ...]]:
        found = self._sorted.get(signature)
        if found is None:
            found = self._sorted[signature] = sorted(self._facts[signature])
        return found

    def _signature(self, name: str, arguments: Iterable[str]) -> Signature:
        return name, tuple(self._types.get(argument, "object") for argument in arguments)
