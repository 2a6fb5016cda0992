"""Questions over a fictional world, in HotpotQA's schema: bridge and comparison, with related distracting paragraphs.

A bridge question names one entity, describes a second by its relation to the first, and asks for a fact about the second::

    In which town was [the director of The Silver Harbour] born?
                       paragraph 1: who directed it      paragraph 2: where she was born

A comparison question sets two entities of a kind side by side. Shares and levels follow HotpotQA: a fifth are comparisons,
of these three in ten are answered by yes or no.

======  =========================================  ==============================================
level   wording                                    the eight other paragraphs
======  =========================================  ==============================================
easy    the article's own words                    linked with the two, on entities of other kinds
medium  the article's own words                    those that a search for the question finds
hard    other words than the article's             found by the question, and by the second paragraph
======  =========================================  ==============================================
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from agemem_gym.envs.hotpotqa.kinds import KIND, KINDS, Relation
from agemem_gym.envs.hotpotqa.question import Paragraph, Question
from agemem_gym.envs.hotpotqa.search import Corpus
from agemem_gym.envs.hotpotqa.world import World, make_world

LEVELS = ("easy", "medium", "hard")
QUESTIONS_PER_WORLD = 6
DISTRACTORS = 8
_COMPARISONS, _YES_NO = 0.2, 0.3
_TRIES = 500

_BRIDGES = [
    (kind, first, second)
    for kind in KINDS
    for first in kind.relations
    if first.phrase
    for second in KIND[first.target].relations
]
_ORDERED = [(kind, relation) for kind in KINDS for relation in kind.relations if relation.earlier or relation.larger]
_SAME = [(kind, relation) for kind in KINDS for relation in kind.relations if relation.same]


def generate(split: str, index: int, levels: Sequence[str] = LEVELS) -> Question:
    """The question of that index; `levels` are walked in turn."""
    level = levels[index % len(levels)]
    number, slot = divmod(index // len(levels), QUESTIONS_PER_WORLD)
    world = make_world(split, number)
    rng = np.random.default_rng([zlib.crc32(f"{split}/{level}".encode()), number, slot])
    for _ in range(_TRIES):
        draft = _draft(world, level, rng)
        if draft is not None:
            return with_paragraphs(draft, world, _corpus(split, number), f"{split}-{number}-{level}-{slot}", rng)
    raise AssertionError("a world of this size holds thousands of questions")  # pragma: no cover


@lru_cache(maxsize=8)
def _corpus(split: str, number: int) -> Corpus:
    return Corpus(tuple(make_world(split, number).paragraphs.values()))


def corpus_of(split: str, index: int, levels: Sequence[str] = LEVELS) -> Corpus:
    """The whole encyclopedia of the world that a question is about."""
    return _corpus(split, index // len(levels) // QUESTIONS_PER_WORLD)


def _draft(world: World, level: str, rng: np.random.Generator) -> Question | None:
    """A question without its paragraphs, or None where the draw does not make one."""
    if rng.random() >= _COMPARISONS:
        kind, first, second = _BRIDGES[int(rng.integers(len(_BRIDGES)))]
        return bridge(world, level, _pick(world.of_kind(kind.name), rng), first, second)
    if rng.random() < _YES_NO:
        return _same(world, level, rng)
    kind, relation = _ORDERED[int(rng.integers(len(_ORDERED)))]
    pair = _pair(world.of_kind(kind.name), rng)
    wordings = [text for text in (relation.earlier, relation.larger) if text]
    return ordered(world, level, pair, relation, wordings[int(rng.integers(len(wordings)))])


def bridge(world: World, level: str, named: str, first: Relation, second: Relation) -> Question | None:
    """What the second relation says of what the first one leads to; None where the question would tell too much."""
    reworded = level == "hard"
    middle = world.facts[named][first.name].text
    answer = world.facts[middle][second.name].text
    phrase = first.phrase[reworded].format(s=named)
    question = second.ask[reworded].format(s=phrase)
    if answer == named or answer.lower() in question.lower() or middle.lower() in question.lower():
        return None
    return _question(world, question, answer, "bridge", level, second.target, ((named, first), (middle, second)))


def ordered(world: World, level: str, pair: tuple[str, str], relation: Relation, wording: str) -> Question | None:
    """Which of two has the smaller or the larger value; None where they are equal."""
    sign = 1 if wording == relation.earlier else -1
    values = {name: sign * world.facts[name][relation.name].order for name in pair}
    one, other = pair
    if values[one] == values[other]:
        return None
    answer = min(pair, key=lambda name: values[name])
    steps = ((one, relation), (other, relation))
    return _question(world, wording.format(a=one, b=other), answer, "comparison", level, world.kinds[one], steps)


def same(world: World, level: str, pair: tuple[str, str], relation: Relation) -> Question:
    """Whether two things have the same object."""
    one, other = pair
    yes = world.facts[one][relation.name] == world.facts[other][relation.name]
    question = relation.same.format(a=one, b=other)
    steps = ((one, relation), (other, relation))
    return _question(world, question, "yes" if yes else "no", "comparison", level, "yes or no", steps)


def _same(world: World, level: str, rng: np.random.Generator) -> Question | None:
    """Yes and no are equally frequent: which it is to be is drawn first."""
    kind, relation = _SAME[int(rng.integers(len(_SAME)))]
    yes = bool(rng.random() < 0.5)
    one, other = _pair(world.of_kind(kind.name), rng)
    while yes and world.facts[one][relation.name] != world.facts[other][relation.name]:
        one, other = _pair(world.of_kind(kind.name), rng)
        if rng.random() < 0.02:  # this world may hold no such pair
            kind, relation = _SAME[int(rng.integers(len(_SAME)))]
            one, other = _pair(world.of_kind(kind.name), rng)
    asked = same(world, level, (one, other), relation)
    return None if asked.answer == "yes" and not yes else asked


def _question(
    world: World,
    question: str,
    answer: str,
    kind: str,
    level: str,
    answer_kind: str,
    steps: tuple[tuple[str, Relation], ...],
) -> Question:
    supporting = tuple((name, world.stated[name][relation.name]) for name, relation in steps)
    return Question("", question[0].upper() + question[1:], answer, kind, level, (), supporting, answer_kind)


def with_paragraphs(draft: Question, world: World, corpus: Corpus, name: str, rng: np.random.Generator) -> Question:
    """The draft with its gold paragraphs and eight others, mixed."""
    gold = [world.paragraphs[title] for title in draft.gold_titles]
    others = _distractors(draft, gold, world, corpus, rng)
    paragraphs = [*gold, *others]
    mixed = tuple(paragraphs[int(i)] for i in rng.permutation(len(paragraphs)))
    return Question(
        name, draft.question, draft.answer, draft.kind, draft.level, mixed, draft.supporting, draft.answer_kind
    )


def _distractors(
    draft: Question, gold: list[Paragraph], world: World, corpus: Corpus, rng: np.random.Generator
) -> list[Paragraph]:
    titles = {paragraph.title for paragraph in gold}
    if draft.level == "easy":
        kinds = {world.kinds[title] for title in titles}
        far = [title for title in world.paragraphs if world.kinds[title] not in kinds]
        mixed = [far[int(i)] for i in rng.permutation(len(far))]
        linked = world.linked_with(titles, mixed)
        mixed.sort(key=lambda title: title not in linked)
        return [world.paragraphs[title] for title in mixed[:DISTRACTORS]]
    by_question = corpus.search(draft.question, 3 * DISTRACTORS)
    by_second = corpus.search(gold[-1].text, 3 * DISTRACTORS) if draft.level == "hard" else []
    order = [*by_question[: DISTRACTORS // 2 + 2], *by_second, *by_question] if by_second else by_question
    chosen = {p.title: p for p in [*order, *world.paragraphs.values()] if p.title not in titles}
    return list(chosen.values())[:DISTRACTORS]


def _pick(names: Sequence[str], rng: np.random.Generator) -> str:
    return names[int(rng.integers(len(names)))]


def _pair(names: Sequence[str], rng: np.random.Generator) -> tuple[str, str]:
    one, other = rng.choice(len(names), size=2, replace=False)
    return names[int(one)], names[int(other)]
