"""An encyclopedia that comes back with new questions, and in new editions.

A world has hundreds of facts, and two questions about it seldom share one. Here the questions keep to a *chapter*, a small part
of a world, so that what was told for one question serves another::

    three films ──director, studio──► up to six persons and companies ──birthday, birthplace, …──► values

Three entities of one kind, two relations of theirs to other entities, three relations of each of these: some twenty facts, over
which all bridges and comparisons are asked. With each epoch a new edition appears, in which a share of these facts is another:
a film has another director, a town another number of inhabitants. Dates and years stay, and who directs a film has to be of age
when it is made. The wording stays, but for what has changed; the gold answers follow.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import TypeVar

import numpy as np

from agemem_gym.envs.hotpotqa.generated import bridge, ordered, same, with_paragraphs
from agemem_gym.envs.hotpotqa.kinds import KIND, KINDS, Kind, Relation
from agemem_gym.envs.hotpotqa.question import Question, standing_alone
from agemem_gym.envs.hotpotqa.search import Corpus
from agemem_gym.envs.hotpotqa.world import Fact, World, draw_another, make_edition, make_world, of_age
from agemem_gym.task import World as Setting

T = TypeVar("T")

_STARTS, _LINKS, _DETAILS = 3, 2, 3
_COMPARED_EVERY = 5  # HotpotQA's share of comparisons is a fifth
_CHAPTER, _CHANGES, _GOALS, _QUESTION = range(4)  # tags of draws
_LASTING = frozenset({"date", "year"})


def _links(kind: Kind) -> list[Relation]:
    """The relations of a kind that lead to entities of other kinds."""
    return [relation for relation in kind.relations if relation.phrase and relation.target != kind.name]


_KINDS = [kind for kind in KINDS if kind.name != "person" and len(_links(kind)) >= _LINKS]


@dataclass(frozen=True)
class Chapter:
    """What the questions of a world keep to.

    Attributes:
        starts: entities of one kind.
        links: relations of theirs that lead to others.
        details: of each kind that a link leads to, the relations that are asked for.
    """

    starts: tuple[str, ...]
    links: tuple[Relation, ...]
    details: dict[str, tuple[Relation, ...]]


@dataclass(frozen=True)
class Goal:
    """A question without its wording: by relations from one entity to a value, or a comparison of two."""

    entities: tuple[str, ...]
    relations: tuple[Relation, ...]
    wording: str = ""


@dataclass(frozen=True)
class Edition:
    """A chapter as it stands in one epoch.

    Attributes:
        world: all facts and paragraphs of this epoch.
        chapter: what is asked about.
        middles: entities that a link leads to, in this epoch or in an earlier one.
    """

    world: World
    chapter: Chapter
    middles: tuple[str, ...]

    def facts(self) -> Iterator[tuple[str, Relation]]:
        """The facts of the chapter, as entity and relation."""
        for start in self.chapter.starts:
            yield from ((start, link) for link in self.chapter.links)
        for middle in self.middles:
            yield from ((middle, detail) for detail in self.chapter.details[self.world.kinds[middle]])

    def sentences(self) -> tuple[str, ...]:
        """The facts as they are told, each sentence once."""
        world = self.world
        told = (
            standing_alone(world.paragraphs[name], world.stated[name][relation.name]) for name, relation in self.facts()
        )
        return tuple(dict.fromkeys(told))


@lru_cache(maxsize=32)
def edition(split: str, setting: Setting) -> Edition:
    """The chapter of a world in an epoch, each epoch made from the one before."""
    changed: dict[tuple[str, str], Fact] = {}
    world = make_world(split, setting.seed)
    chapter = _chapter(split, world, setting)
    now = Edition(world, chapter, _middles(world, chapter, ()))
    for epoch in range(1, setting.epoch + 1):
        changed |= _changes(now, setting, setting.rng(_tag(split), _CHANGES, epoch))
        world = make_edition(split, setting.seed, changed)
        now = Edition(world, chapter, _middles(world, chapter, now.middles))
    return now


@lru_cache(maxsize=8)
def corpus_of_edition(split: str, setting: Setting) -> Corpus:
    """The whole encyclopedia of an epoch."""
    return Corpus(tuple(edition(split, setting).world.paragraphs.values()))


def ask(split: str, setting: Setting, number: int, levels: Sequence[str]) -> Question:
    """The question of that number in a world; the same in every epoch, as long as it can be asked."""
    level = levels[number % len(levels)]
    goals = _goals(split, setting.seed, level)
    now = edition(split, setting)
    for step in range(len(goals)):
        place = (number + step) % len(goals)
        draft = _draft(now.world, level, goals[place])
        if draft is not None:
            break
    else:  # pragma: no cover
        raise AssertionError("a chapter holds dozens of questions")
    rng = setting.rng(_tag(split), _QUESTION, place)
    edited = f"-epoch{setting.epoch}-changes{setting.changes:g}" if setting.epoch else ""
    name = f"{split}-world{setting.seed}-{level}-{place}{edited}"
    return with_paragraphs(draft, now.world, corpus_of_edition(split, setting), name, rng)


# ------------------------------------------------------------------------------------------------ what is asked


@lru_cache(maxsize=32)
def _goals(split: str, seed: int, level: str) -> tuple[Goal, ...]:
    """All that can be asked in the first epoch, mixed; every fifth goal is a comparison."""
    setting = Setting(seed)
    first = edition(split, setting)
    rng = setting.rng(_tag(split), _GOALS)
    bridges = _mixed([goal for goal in _bridges(first) if _draft(first.world, level, goal)], rng)
    compared = _mixed([goal for goal in _comparisons(first) if _draft(first.world, level, goal)], rng)
    goals: list[Goal] = []
    for i, goal in enumerate(bridges):
        if i % (_COMPARED_EVERY - 1) == _COMPARED_EVERY - 2 and compared:
            goals.append(compared.pop())
        goals.append(goal)
    return tuple(goals)


def _bridges(now: Edition) -> Iterator[Goal]:
    for start in now.chapter.starts:
        for link in now.chapter.links:
            for detail in now.chapter.details[link.target]:
                yield Goal((start,), (link, detail))


def _comparisons(now: Edition) -> Iterator[Goal]:
    """Of two entities that are linked to; those whose answer is no are as many as those whose answer is yes, or one more."""
    no: list[Goal] = []
    yes = 0
    for pair in combinations(now.middles, 2):
        kind = now.world.kinds[pair[0]]
        if kind != now.world.kinds[pair[1]]:
            continue
        for detail in now.chapter.details[kind]:
            for wording in filter(None, (detail.earlier, detail.larger)):
                yield Goal(pair, (detail,), wording)
            if detail.same and now.world.facts[pair[0]][detail.name] == now.world.facts[pair[1]][detail.name]:
                yes += 1
                yield Goal(pair, (detail,), detail.same)
            elif detail.same:
                no.append(Goal(pair, (detail,), detail.same))
    yield from no[: yes + 1]


def _draft(world: World, level: str, goal: Goal) -> Question | None:
    """The goal in words, with the answer of this world; None where the words would tell too much or nothing decides."""
    if len(goal.relations) == 2:
        return bridge(world, level, goal.entities[0], *goal.relations)
    one, other = goal.entities
    relation = goal.relations[0]
    if goal.wording == relation.same:
        return same(world, level, (one, other), relation)
    return ordered(world, level, (one, other), relation, goal.wording)


# ---------------------------------------------------------------------------------------- what it is asked about


def _chapter(split: str, world: World, setting: Setting) -> Chapter:
    rng = setting.rng(_tag(split), _CHAPTER)
    kind = _KINDS[int(rng.integers(len(_KINDS)))]
    starts = _mixed(world.of_kind(kind.name), rng)[:_STARTS]
    links = _mixed(_links(kind), rng)[:_LINKS]
    details = {target: _details(KIND[target], rng) for target in sorted({link.target for link in links})}
    return Chapter(tuple(starts), tuple(links), details)


def _details(kind: Kind, rng: np.random.Generator) -> tuple[Relation, ...]:
    """One that compares, where the kind has one, and others that may change."""
    comparing = _mixed([relation for relation in kind.relations if relation.earlier or relation.larger], rng)[:1]
    others = [relation for relation in kind.relations if relation not in comparing and relation.target not in _LASTING]
    return tuple([*comparing, *_mixed(others, rng)][:_DETAILS])


def _middles(world: World, chapter: Chapter, before: tuple[str, ...]) -> tuple[str, ...]:
    """What the links lead to now, behind what they led to before."""
    now = (world.facts[start][link.name].text for start in chapter.starts for link in chapter.links)
    return tuple(dict.fromkeys([*before, *now]))


def _changes(before: Edition, setting: Setting, rng: np.random.Generator) -> dict[tuple[str, str], Fact]:
    """What is otherwise in the next edition: a share of the facts that can be, at least one."""
    can = [(name, relation) for name, relation in before.facts() if relation.target not in _LASTING]
    count = max(1, round(setting.changes * len(can))) if setting.changes else 0
    changed = {}
    for name, relation in _mixed(can, rng)[:count]:
        fact = _another(before, name, relation, rng)
        if fact is not None:
            changed[name, relation.name] = fact
    return changed


def _another(before: Edition, name: str, relation: Relation, rng: np.random.Generator) -> Fact | None:
    """Another object; of a link one that the chapter knows already, where one is possible."""
    world = before.world
    now = world.facts[name][relation.name].text
    if name in before.chapter.starts:
        of_kind = [middle for middle in before.middles if world.kinds[middle] == relation.target and middle != now]
        known = of_age(of_kind, relation, world.facts[name], world.facts)
        if known:
            return Fact(known[int(rng.integers(len(known)))], True)
    return draw_another(world, name, relation, rng)


def _mixed(items: Sequence[T], rng: np.random.Generator) -> list[T]:
    return [items[int(i)] for i in rng.permutation(len(items))]


def _tag(split: str) -> int:
    return zlib.crc32(split.encode())
