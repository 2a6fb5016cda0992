"""A fictional world: entities with names, facts between them, and the encyclopedia's paragraph on each.

The same split and number give the same world in any process. A world is small (about 200 paragraphs) and made in
milliseconds; there are as many as one asks for.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from agemem_gym.envs.hotpotqa.kinds import KIND, KINDS, MONTHS, VALUES, Kind, Relation
from agemem_gym.envs.hotpotqa.names import Namer, is_woman
from agemem_gym.envs.hotpotqa.question import Paragraph

_FIRST_BIRTH, _LAST_BIRTH = 1889, 1968
_LAST_YEAR = _LAST_BIRTH + 55
_GROWN_UP, _OLD = 18, 75
_TRIES = 20


@dataclass(frozen=True)
class Fact:
    """What one relation says about one entity.

    Attributes:
        text: the object as it is written.
        entity: whether the object is an entity of the world.
        order: the value as a number, for years, dates and numbers; else 0.
    """

    text: str
    entity: bool
    order: int = 0


@dataclass(frozen=True)
class World:
    """All that is true, and how it is told.

    Attributes:
        kinds: name of an entity to its kind.
        facts: name of an entity to its facts by relation.
        paragraphs: name of an entity to its paragraph.
        stated: name of an entity to the index of the sentence that states each relation.
    """

    kinds: Mapping[str, str]
    facts: Mapping[str, Mapping[str, Fact]]
    paragraphs: Mapping[str, Paragraph]
    stated: Mapping[str, Mapping[str, int]]

    def of_kind(self, kind: str) -> list[str]:
        """The entities of a kind, in the order in which they were made."""
        return [name for name, its_kind in self.kinds.items() if its_kind == kind]

    def linked(self, one: str, other: str) -> bool:
        """Whether a fact about one of the two entities names the other."""
        return one in self.linked_with((other,), (one,))

    def linked_with(self, entities: Collection[str], others: Iterable[str]) -> set[str]:
        """Those of `others` that a fact about one of the entities names, or that have a fact that names one of these."""
        wanted = frozenset(entities)
        named = {fact.text for entity in entities for fact in self.facts[entity].values()}
        return {
            other
            for other in others
            if other in named or any(fact.text in wanted for fact in self.facts[other].values())
        }


Changes = Mapping[tuple[str, str], Fact]
"""What another edition says otherwise: by entity and relation."""


@lru_cache(maxsize=8)
def make_world(split: str, number: int) -> World:
    """The world of that number in a split."""
    return make_edition(split, number, {})


def make_edition(split: str, number: int, changes: Changes) -> World:
    """The same world with some facts changed: every sentence is worded as before, but for the objects of these."""
    rng = np.random.default_rng([zlib.crc32(split.encode()), number])
    namer = Namer(split, rng)
    kinds = {namer.name(kind.name): kind.name for kind in KINDS for _ in range(kind.count)}
    by_kind = {kind.name: [name for name, its in kinds.items() if its == kind.name] for kind in KINDS}
    facts: dict[str, dict[str, Fact]] = {}
    for name, kind in kinds.items():
        own: dict[str, Fact] = {}
        for relation in KIND[kind].relations:
            own[relation.name] = _draw(name, relation, own, facts, by_kind, rng)
        facts[name] = own
    for (name, its_relation), fact in changes.items():
        facts[name][its_relation] = fact
    told = {name: _tell(name, KIND[kind], facts[name], rng) for name, kind in kinds.items()}
    return World(
        kinds=kinds,
        facts=facts,
        paragraphs={name: paragraph for name, (paragraph, _) in told.items()},
        stated={name: stated for name, (_, stated) in told.items()},
    )


def draw_another(world: World, name: str, relation: Relation, rng: np.random.Generator) -> Fact | None:
    """Another object of a relation, as possible as the present one; None where there is none."""
    own = world.facts[name]
    now = own[relation.name]
    others = [other for other in world.of_kind(relation.target) if other != now.text]
    by_kind = {relation.target: others} if others else {}
    for _ in range(_TRIES):
        drawn = _draw(name, relation, own, world.facts, by_kind, rng)
        if drawn != now:
            return drawn
    return None


def _draw(
    name: str,
    relation: Relation,
    own: Mapping[str, Fact],
    facts: Mapping[str, Mapping[str, Fact]],
    by_kind: Mapping[str, list[str]],
    rng: np.random.Generator,
) -> Fact:
    """The object of a relation; persons come first in a world, and bands before albums, so that their years are known."""
    if relation.target in by_kind:
        others = [other for other in by_kind[relation.target] if other != name]
        others = of_age(others, relation, own, facts) or others
        return Fact(others[int(rng.integers(len(others)))], True)
    if relation.target in VALUES:
        values = VALUES[relation.target]
        return Fact(values[int(rng.integers(len(values)))], False)
    if relation.target == "date":
        year, month, day = (int(rng.integers(*ends)) for ends in ((_FIRST_BIRTH, _LAST_BIRTH + 1), (12,), (1, 29)))
        return Fact(f"{day} {MONTHS[month]} {year}", False, (year * 12 + month) * 31 + day)
    if relation.target == "year":
        year = int(rng.integers(1780, 2001))
        if relation.after:
            first = facts[own[relation.after].text]
            if "born" in first:
                year = _birth_year(first) + int(rng.integers(21, 56))
            else:
                year = first["year"].order + int(rng.integers(min(21, _LAST_YEAR + 1 - first["year"].order)))
        return Fact(str(year), False, year)
    number = int(np.exp(rng.uniform(np.log(relation.low), np.log(relation.high))))
    return Fact(f"{number:,}", False, number)


def of_age(
    entities: Iterable[str], relation: Relation, own: Mapping[str, Fact], facts: Mapping[str, Mapping[str, Fact]]
) -> list[str]:
    """Which entities may be the object: a person has to be grown up by the year in question, and not too old."""
    if relation.target != "person" or "year" not in own:
        return list(entities)
    year = own["year"].order
    return [one for one in entities if _GROWN_UP <= year - _birth_year(facts[one]) <= _OLD]


def _birth_year(person: Mapping[str, Fact]) -> int:
    return int(person["born"].text.split()[-1])


# ------------------------------------------------------------------------------------------------------- telling


def _tell(
    title: str, kind: Kind, facts: Mapping[str, Fact], rng: np.random.Generator
) -> tuple[Paragraph, dict[str, int]]:
    """The paragraph on an entity, and which of its sentences states which relation."""
    introduction = kind.introductions[int(rng.integers(len(kind.introductions)))]
    stated = {relation.name: 0 for relation in kind.relations if f"{{{relation.name}}}" in introduction}
    values = {
        relation.name: with_article(facts[relation.name].text)
        if relation.target == "profession"
        else facts[relation.name].text
        for relation in kind.relations
    }
    if "a retired {profession}" in introduction or "the {profession}" in introduction:
        values["profession"] = facts["profession"].text
    sentences = [_articles(introduction.format(t=title, **values))]
    rest = [relation for relation in kind.relations if relation.name not in stated]
    for position in rng.permutation(len(rest)):
        relation = rest[int(position)]
        stated[relation.name] = len(sentences)
        sentences.append(_sentence(title, kind, relation, values[relation.name], rng))
    if rng.random() < 0.5:
        filler = kind.fillers[int(rng.integers(len(kind.fillers)))]
        sentences.append(_capital(filler.format(s=_subject(title, kind, rng))))
    return Paragraph(title, tuple(sentences)), stated


def _sentence(title: str, kind: Kind, relation: Relation, value: str, rng: np.random.Generator) -> str:
    template = relation.sentences[int(rng.integers(len(relation.sentences)))]
    starts = template.startswith("{s}")
    subject = _subject(title, kind, rng) if starts else _short(title, kind)
    return _capital(template.format(s=subject, o=value))


def _subject(title: str, kind: Kind, rng: np.random.Generator) -> str:
    """The subject as a later sentence may call it: by its name, shortened, or by a noun or pronoun."""
    general = {
        "person": "She" if kind.name == "person" and is_woman(title) else "He",
        "band": "The band",
        "ship": "The ship",
    }.get(kind.name, f"The {kind.name}")
    return (title, _short(title, kind), general)[int(rng.choice(3, p=(0.2, 0.4, 0.4)))]


def _short(title: str, kind: Kind) -> str:
    return title.split()[-1] if kind.name == "person" else title


def with_article(noun: str) -> str:
    """``"an actor"``, ``"a poet"``."""
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"


def _articles(sentence: str) -> str:
    """Mend the article before a value that begins with a vowel."""
    for letter in "aeio":
        sentence = sentence.replace(f" is a {letter}", f" is an {letter}").replace(
            f" are a {letter}", f" are an {letter}"
        )
    return sentence


def _capital(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]
