"""Answers without knowledge: yes or no, one of two named things, or something of the kind that is asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agemem_gym.baselines.reading.asking import asks_for
from agemem_gym.baselines.reading.closed import choice, is_closed
from agemem_gym.baselines.reading.knowledge import Knowledge
from agemem_gym.baselines.reading.wording import Asked, order_of, relation_of
from agemem_gym.envs.hotpotqa.kinds import MONTHS, VALUES


def guess(question: str, ways: Sequence[Asked], knowledge: Knowledge, rng: np.random.Generator) -> str:
    """The best guess.

    Args:
        question: the question.
        ways: how it may be understood in the encyclopedia's words; none for another's question.
        knowledge: what has been read.
        rng: draws among what is equally good.
    """
    if ways:
        return _of_form(ways[0], knowledge, rng)
    if is_closed(question):
        return _pick(("yes", "no"), rng)
    offered = choice(question)
    if offered:
        return _pick(offered, rng)
    kind = asks_for(question)
    if kind in ("year", "date"):
        return str(rng.integers(1900, 2010))
    return str(rng.integers(2, 10)) if kind == "number" else "unknown"


def _of_form(asked: Asked, knowledge: Knowledge, rng: np.random.Generator) -> str:
    if asked.form == "same":
        return _pick(("yes", "no"), rng)
    if asked.form == "value":
        return _of_kind(asked, knowledge, rng)
    return _one_of_two(asked, knowledge, rng)


def _one_of_two(asked: Asked, knowledge: Knowledge, rng: np.random.Generator) -> str:
    """Where one of the values is known, it is compared with the middle of what there is."""
    relation = relation_of(asked.steps[0])
    middle = {"year": 1930, "date": order_of("1 January 1929")}.get(
        relation.target, (relation.low * relation.high) ** 0.5
    )
    for one, other in (asked.entities, asked.entities[::-1]):
        value = knowledge.value(one, asked.steps[0])
        if value is not None:
            return one if (order_of(value) < middle) == (asked.form == "smaller") else other
    return _pick(asked.entities, rng)


def _of_kind(asked: Asked, knowledge: Knowledge, rng: np.random.Generator) -> str:
    """An object of the relation that was read of something else; else anything of its kind."""
    relation = relation_of(asked.steps[-1])
    read = knowledge.values(asked.steps[-1]) or knowledge.of_kind(relation.target)
    read = [name for name in read if name not in asked.entities]
    if read:
        return read[-1]
    if relation.target in VALUES:
        return _pick(VALUES[relation.target], rng)
    if relation.target == "year":
        return str(rng.integers(1910, 1990))
    if relation.target == "date":
        return f"{rng.integers(1, 29)} {_pick(MONTHS, rng)} {rng.integers(1889, 1969)}"
    if relation.target == "number":
        return f"{round((relation.low * relation.high) ** 0.5):,}"
    return "unknown"


def _pick(items: Sequence[str], rng: np.random.Generator) -> str:
    return items[int(rng.integers(len(items)))]
