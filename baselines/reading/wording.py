"""How the generated encyclopedia words its relations, turned round: from a sentence to the facts that it states.

The templates are the public ones of :mod:`agemem_gym.envs.hotpotqa.kinds`; each becomes a pattern. What a message says is found
behind its casual opening, and a sentence without its subject's name is about what the heading before it names::

    By the way: Emil Brolind: The family came from Port Vell.
    opening     heading       sentence                          → (Emil Brolind, person, birthplace, Port Vell)

One sentence may fit relations of several kinds ("… was produced by …": a film's studio, an album's producer); all are kept,
since the question says of which kind its entity is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from agemem_gym.envs.hotpotqa.kinds import KIND, KINDS, MONTHS, VALUES, Kind, Relation

Key = tuple[str, str]
"""A kind and a relation of it."""

DATE = rf"\d{{1,2}} (?:{'|'.join(MONTHS)}) \d{{4}}"
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_SLOT = re.compile(r"\{(\w+)\}")
_GENERAL = frozenset(
    {"She", "He", "It", "They", "The band", "The ship", *(f"The {kind.name}" for kind in KINDS)}
)  # a subject that is not named
_TAKEN_BACK = re.compile(
    r"no longer|out of date|has changed since|forget (?:this|that|it)|was wrong|do not rely|used to be",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Stated:
    """One fact as a text states it.

    Attributes:
        entity: what it is about.
        kind, relation: how the encyclopedia names the relation.
        value: the object.
        sentence: the sentence that states it.
        holds: False where the text takes the fact back.
    """

    entity: str
    kind: str
    relation: str
    value: str
    sentence: str
    holds: bool = True

    @property
    def key(self) -> Key:
        """The relation with its kind."""
        return self.kind, self.relation


@dataclass(frozen=True)
class _Pattern:
    """A template as a pattern.

    Attributes:
        kind, relations: what it states.
        literal: the longest stretch that every fitting sentence holds.
        fixed: how many characters are fixed: the more, the more specific.
        regex: fits the whole sentence.
    """

    kind: str
    relations: tuple[str, ...]
    literal: str
    fixed: int
    regex: re.Pattern[str]


@dataclass(frozen=True)
class Piece:
    """A sentence of a message with what stands before it."""

    prefix: tuple[str, ...]
    heading: str
    sentence: str


def pieces(text: str) -> tuple[Piece, ...]:
    """The sentences of a message; the heading of a sentence holds for those behind it, too."""
    found: list[Piece] = []
    heading = ""
    for sentence in _SENTENCE_END.split(text.strip()):
        *prefix, said = sentence.split(": ")
        heading = prefix[-1] if prefix else heading
        found.append(Piece(tuple(prefix), heading, said))
    return tuple(found)


@lru_cache(maxsize=8192)
def stated(text: str) -> tuple[Stated, ...]:
    """All that a message states, in order."""
    return tuple(fact for piece in pieces(text) for fact in _stated(piece))


def _stated(piece: Piece) -> list[Stated]:
    """What the most specific wording that fits says; the same wording may stand for relations of several kinds."""
    holds = not any(_TAKEN_BACK.search(part) for part in piece.prefix)
    best, facts = 0, []
    for pattern in _patterns():
        if pattern.fixed < best or pattern.literal not in piece.sentence:
            continue
        match = pattern.regex.fullmatch(piece.sentence)
        entity = match and _entity(match.groupdict().get("s"), piece.heading)
        if match and entity:
            facts = facts if pattern.fixed == best else []
            best = pattern.fixed
            for relation in pattern.relations:
                facts.append(Stated(entity, pattern.kind, relation, match[f"r_{relation}"], piece.sentence, holds))
    return facts


def _entity(subject: str | None, heading: str) -> str:
    """What a sentence is about; empty where nothing names it."""
    if subject is None or subject in _GENERAL:
        return heading
    return heading if heading.endswith(f" {subject}") else subject


@cache
def _patterns() -> tuple[_Pattern, ...]:
    return tuple(
        pattern
        for kind in KINDS
        for pattern in (
            *(_of_introduction(kind, template) for template in kind.introductions),
            *(_of_sentence(kind, relation, t) for relation in kind.relations for t in relation.sentences),
        )
    )


def _of_introduction(kind: Kind, template: str) -> _Pattern:
    relations = {relation.name: relation for relation in kind.relations}
    named = tuple(slot for slot in _SLOT.findall(template) if slot in relations)
    slots = {"t": r"(?P<s>[A-Z].*?)", **{name: _slot(relations[name]) for name in named}}
    return _Pattern(kind.name, named, *_fixed(template), re.compile(_regex(template, slots)))


def _of_sentence(kind: Kind, relation: Relation, template: str) -> _Pattern:
    slots = {"s": r"(?P<s>.+?)", "o": _slot(relation)}
    capital = template[0].upper() + template[1:]
    return _Pattern(kind.name, (relation.name,), *_fixed(capital), re.compile(_regex(capital, slots)))


def _slot(relation: Relation) -> str:
    article = "(?:an? )?" if relation.target == "profession" else ""
    return f"{article}(?P<r_{relation.name}>{_value(relation)})"


def _value(relation: Relation) -> str:
    """What an object of the relation looks like."""
    if relation.target in VALUES:
        return "|".join(map(re.escape, sorted(VALUES[relation.target], key=len, reverse=True)))
    return {"year": r"\d{4}", "date": DATE, "number": r"\d[\d,]*"}.get(relation.target, r"[A-Z].*?")


def _regex(template: str, slots: dict[str, str]) -> str:
    """The template with its slots as groups; before a slot, "a" may be "an"."""
    parts = _SLOT.split(template)
    fixed = [re.escape(part) for part in parts[::2]]
    fixed[:-1] = [re.sub(r"(?<=\\ )a\\ $", r"an?\\ ", part) for part in fixed[:-1]]
    return "".join(part + (slots[parts[2 * i + 1]] if 2 * i + 1 < len(parts) else "") for i, part in enumerate(fixed))


def _fixed(template: str) -> tuple[str, int]:
    """The longest fixed stretch, and how much is fixed; an article before a slot may change."""
    fixed = [re.sub(r"^ | a $| $", "", part) for part in _SLOT.split(template)[::2]]
    return max(fixed, key=len), sum(map(len, fixed))


# ------------------------------------------------------------------------------------------------------- questions


@dataclass(frozen=True)
class Asked:
    """One way to understand a question.

    Attributes:
        form: ``"value"`` (of one entity), ``"smaller"`` or ``"larger"`` (of two), or ``"same"``.
        entities: the names that stand in the question.
        steps: relations to follow one after the other; of each the kinds that its wording fits.
    """

    form: str
    entities: tuple[str, ...]
    steps: tuple[Key, ...]


@lru_cache(maxsize=1024)
def understood(question: str) -> tuple[Asked, ...]:
    """All ways to understand a question of the encyclopedia's, the most specific wording first; empty for another's."""
    text = question.removeprefix("Question: ").strip()
    found: list[tuple[int, Asked]] = []
    for literal, form, key, regex in _question_patterns():
        match = regex.fullmatch(text)
        if match and form == "value":
            found += _of_phrase(match["s"], key, literal)
        elif match:
            found += [(literal, Asked(form, pair, (key,))) for pair in _pairs(match["a"], match["b"], form)]
    found.sort(key=lambda item: -item[0])
    return tuple(asked for _, asked in found)


def _of_phrase(subject: str, last: Key, literal: int) -> list[tuple[int, Asked]]:
    """The ways to understand what a question asks about: by a relation to something named, or by its name."""
    bridges = [
        (literal + fixed, Asked("value", (match["s"],), (first, last)))
        for fixed, first, regex in _phrase_patterns()
        if _target(first) == last[0] and (match := regex.fullmatch(subject))
    ]
    return bridges or ([(literal, Asked("value", (subject,), (last,)))] if subject[0].isupper() else [])


def _pairs(one: str, other: str, form: str) -> list[tuple[str, str]]:
    """Two names joined by "and" or "or"; a name may hold an "and", but none before a capital."""
    if form != "same":
        return [(one, other)]
    joined = f"{one} and {other}"
    cuts = [match.span() for match in re.finditer(r" and (?=[A-Z0-9])", joined)]
    return [(joined[:start], joined[end:]) for start, end in cuts]


@cache
def _question_patterns() -> tuple[tuple[int, str, Key, re.Pattern[str]], ...]:
    made = []
    for kind in KINDS:
        for relation in kind.relations:
            forms = [("value", text) for text in relation.ask]
            forms += [("smaller", relation.earlier), ("larger", relation.larger), ("same", relation.same)]
            for form, text in forms:
                if text:
                    capital = text[0].upper() + text[1:]
                    regex = re.compile(_regex(capital, {slot: f"(?P<{slot}>.+?)" for slot in "sab"}))
                    made.append((len(text), form, (kind.name, relation.name), regex))
    return tuple(made)


@cache
def _phrase_patterns() -> tuple[tuple[int, Key, re.Pattern[str]], ...]:
    return tuple(
        (len(text), (kind.name, relation.name), re.compile(_regex(text, {"s": r"(?P<s>[A-Z].*)"})))
        for kind in KINDS
        for relation in kind.relations
        for text in relation.phrase
    )


# --------------------------------------------------------------------------------------------------- relations


def _target(key: Key) -> str:
    return relation_of(key).target


@cache
def relation_of(key: Key) -> Relation:
    """The relation that a key names."""
    return next(relation for relation in KIND[key[0]].relations if relation.name == key[1])


@cache
def statements(key: Key, entity: str) -> tuple[str, ...]:
    """How the encyclopedia would state the relation of an entity, the object left out: what to look up."""
    opening = [t for t in KIND[key[0]].introductions if f"{{{key[1]}}}" in t]
    return tuple(dict.fromkeys(_without_object(t, entity) for t in (*relation_of(key).sentences, *opening)))


def _without_object(template: str, entity: str) -> str:
    named = "{s}" in template or "{t}" in template
    text = _SLOT.sub(lambda slot: entity if slot[1] in ("s", "t") else "", template)
    return f"{'' if named else f'{entity}: '}{' '.join(text.split()).strip(' .')}"


def order_of(value: str) -> int:
    """A year, date or number as something to compare."""
    parts = value.split()
    if len(parts) == 3 and parts[1] in MONTHS:
        return (int(parts[2]) * 12 + MONTHS.index(parts[1])) * 31 + int(parts[0])
    digits = re.sub(r"\D", "", value)
    return int(digits) if digits else 0
