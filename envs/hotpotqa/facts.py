"""What is told about a question before it is asked: its supporting facts among others, in casual words; and what distracts."""

from __future__ import annotations

import numpy as np

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


def background(question: Question, rng: np.random.Generator) -> list[str]:
    """The supporting facts and a few further true sentences of the gold paragraphs, in mixed order."""
    gold = set(question.supporting)
    others = [
        standing_alone(paragraph, index)
        for paragraph in question.gold
        for index, sentence in enumerate(paragraph.sentences)
        if (paragraph.title, index) not in gold and sentence.strip()
    ]
    picked = [others[int(i)] for i in rng.permutation(len(others))[:_FURTHER_FACTS]]
    facts = list(dict.fromkeys([*question.facts, *picked]))
    lines = [_CASUAL[int(rng.integers(len(_CASUAL)))].format(fact) for fact in facts]
    return [lines[int(i)] for i in rng.permutation(len(lines))]


def distractors(question: Question, rng: np.random.Generator) -> list[str]:
    """The question's other paragraphs."""
    others = [str(paragraph) for paragraph in question.distracting]
    return [others[int(i)] for i in rng.permutation(len(others))]
