"""What is told about a question before it is asked, in casual words; what distracts; and what of the question must be kept."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from agemem_gym import facts
from agemem_gym.envs.hotpotqa.question import Question, standing_alone

_CASUAL = (
    "I read this today: {0}",
    "Did you know? {0}",
    "Here is something from the encyclopedia. {0}",
    "A friend told me: {0}",
    "By the way: {0}",
    "I came across this: {0}",
)
_FURTHER_FACTS = 4
_BRACKETED = re.compile(r"\s*\([^()]*\)$")


def background(question: Question, rng: np.random.Generator, world: Sequence[str] = ()) -> list[str]:
    """The supporting facts and a few further true sentences of the gold paragraphs, in mixed order.

    Where the question is set in a `world` that comes back, all facts of this world are told instead of further sentences.
    """
    told = list(dict.fromkeys([*question.facts, *(world or _further(question, rng))]))
    lines = [_CASUAL[int(rng.integers(len(_CASUAL)))].format(fact) for fact in told]
    return [lines[int(i)] for i in rng.permutation(len(lines))]


def _further(question: Question, rng: np.random.Generator) -> list[str]:
    gold = set(question.supporting)
    others = [
        standing_alone(paragraph, index)
        for paragraph in question.gold
        for index, sentence in enumerate(paragraph.sentences)
        if (paragraph.title, index) not in gold and sentence.strip()
    ]
    return [others[int(i)] for i in rng.permutation(len(others))[:_FURTHER_FACTS]]


def distractors(question: Question, rng: np.random.Generator) -> list[str]:
    """The question's other paragraphs."""
    others = [str(paragraph) for paragraph in question.distracting]
    return [others[int(i)] for i in rng.permutation(len(others))]


def key_phrases(question: Question) -> tuple[str, ...]:
    """What a question names: titles of the encyclopedia as they stand in it, and other names, dates and numbers, in its order.

    A title may stand without what tells it from others of its name: "Ed Wood" for "Ed Wood (film)".
    """
    text = question.question
    titles = {_BRACKETED.sub("", paragraph.title) for paragraph in question.paragraphs}
    spans: list[tuple[int, int]] = []
    for phrase in [*sorted(titles - {""}, key=lambda title: (-len(title), title)), *facts.key_phrases(text)]:
        for found in re.finditer(rf"(?<!\w){re.escape(phrase)}(?!\w)", text):
            if all(found.end() <= start or end <= found.start() for start, end in spans):
                spans.append(found.span())
    return tuple(dict.fromkeys(text[start:end] for start, end in sorted(spans)))
