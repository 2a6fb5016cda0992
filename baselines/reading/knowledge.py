"""What has been read, and what follows from it for a question of the generated encyclopedia.

The newest word on a relation holds; what is taken back gives way to what was said before it::

    Lo Kand: The mayor is A.   Lo Kand: The mayor is B.   No longer true: … is B.   →  A
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from agemem_gym.baselines.reading.wording import Asked, Key, Stated, order_of, relation_of, stated, statements

_WORD = re.compile(r"[^\W_]+")


class Knowledge:
    """Facts by entity and relation."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, Key], list[Stated]] = {}

    def take(self, text: str) -> bool:
        """Take what a text states as true; False where it states nothing in the encyclopedia's words."""
        facts = stated(text)
        for fact in facts:
            said = self._said.setdefault((_name(fact.entity), fact.key), [])
            said[:] = [earlier for earlier in said if earlier.value != fact.value]
            if fact.holds:
                said.append(fact)
        return bool(facts)

    def value(self, entity: str, key: Key) -> str | None:
        """The object of a relation, as far as is known."""
        said = self._said.get((_name(entity), key))
        return said[-1].value if said else None

    def values(self, key: Key) -> list[str]:
        """All objects of a relation that are known, of whatever entity."""
        return [said[-1].value for (_, its_key), said in self._said.items() if its_key == key and said]

    def of_kind(self, kind: str) -> list[str]:
        """All names that are known to belong to things of a kind, each once."""
        named = [said[-1].value for (_, key), said in self._said.items() if said and relation_of(key).target == kind]
        return list(dict.fromkeys(named))


def missing(asked: Asked, knowledge: Knowledge) -> Iterator[tuple[str, Key]]:
    """The entities and relations that have to be looked up next."""
    for entity in asked.entities:
        name: str | None = entity
        for key in asked.steps:
            assert name is not None
            found = knowledge.value(name, key)
            if found is None:
                yield name, key
                break
            name = found


def lookups(asked: Asked, knowledge: Knowledge) -> list[tuple[str, ...]]:
    """What to look up next: for each thing that is missing the ways in which it may be stated."""
    return [statements(key, entity) for entity, key in missing(asked, knowledge)]


def conclusion(asked: Asked, knowledge: Knowledge) -> str | None:
    """The answer that follows from what is known."""
    if next(missing(asked, knowledge), None) is not None:
        return None
    if asked.form == "value":
        name: str | None = asked.entities[0]
        for key in asked.steps:
            assert name is not None
            name = knowledge.value(name, key)
        return name
    values = [knowledge.value(entity, asked.steps[0]) or "" for entity in asked.entities]
    if asked.form == "same":
        return "yes" if values[0] == values[1] else "no"
    choose = min if asked.form == "smaller" else max
    return choose(zip(asked.entities, values, strict=True), key=lambda pair: order_of(pair[1]))[0]


def reasons(asked: Asked, knowledge: Knowledge) -> list[str]:
    """What an answer follows from, a line a fact: ``"The Pioneer of Ciod - director: Ingrid Yond"``."""
    lines = []
    for entity in asked.entities:
        name = entity
        for kind, relation in asked.steps:
            value = knowledge.value(name, (kind, relation))
            if value is None:
                break
            lines.append(f"{name} - {relation.replace('_', ' ')}: {value}")
            name = value
    return lines


def _name(entity: str) -> str:
    """A name as names are compared."""
    return " ".join(_WORD.findall(entity.lower()))
