"""What a distractor source is, and the choice among candidates that all sources share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, runtime_checkable

import numpy as np

from agemem_gym.errors import ConfigurationError
from agemem_gym.facts import states_fact
from agemem_gym.memory.encoder import Encoder
from agemem_gym.memory.similarity import similarities

SimilarityRange = tuple[float, float]
"""Lowest and highest cosine similarity to the query that a distractor may have."""


@dataclass(frozen=True)
class DistractorScene:
    """What a source may know of the episode.

    Attributes:
        query: the instruction.
        key_facts: the gold facts.
        answer: the expected answer of a question, else None.
        background: what the task tells in stage 1.
        pool: the benchmark's own distractors (:meth:`agemem_gym.task.Task.distractor_pool`).
        seed: the episode's seed.
    """

    query: str
    key_facts: tuple[str, ...]
    answer: str | None
    background: tuple[str, ...]
    pool: tuple[str, ...]
    seed: int


@dataclass(frozen=True)
class Distractor:
    """One distracting message.

    Attributes:
        text: what is said.
        source: name of its source; with the reason behind it where another source had to step in.
        similarity: cosine similarity to the query.
        corrected_by: for a stale fact the later message that takes it back.
    """

    text: str
    source: str
    similarity: float
    corrected_by: str | None = None


@runtime_checkable
class DistractorSource(Protocol):
    """Where distractors come from. The same scene and generator state give the same distractors in any process."""

    name: str

    def draw(self, scene: DistractorScene, count: int, rng: np.random.Generator) -> list[Distractor]:
        """At most `count` distractors; fewer where the source has no more."""


class Chooser:
    """Picks distractors out of candidates and records how similar they are to the query.

    Args:
        encoder: measures the similarity.
        similarity: range that is asked for, or None.

    Raises:
        ConfigurationError: a range that is none.
    """

    def __init__(self, encoder: Encoder, similarity: SimilarityRange | None = None) -> None:
        if similarity is not None:
            similarity = _range(similarity)
        self.encoder = encoder
        self._similarity = similarity

    def choose(self, texts: Iterable[str], scene: DistractorScene, count: int, source: str) -> list[Distractor]:
        """The first `count` candidates in the range; where too few are, those nearest to it, recorded as they are.

        Candidates that state a key fact or repeat another one are left out.
        """
        good = (text for text in dict.fromkeys(texts) if text.strip() and not states_a_fact(text, scene))
        candidates = list(good if self._similarity is not None else islice(good, count))
        scores = self.similarities(scene.query, candidates)
        if self._similarity is None:
            chosen = range(len(candidates))
        else:
            low, high = self._similarity
            distance = [max(low - score, score - high, 0.0) for score in scores]
            best = sorted(range(len(candidates)), key=lambda i: (distance[i], i))[:count]
            chosen = sorted(best)  # type: ignore[assignment]
        return [Distractor(candidates[i], source, round(float(scores[i]), 6)) for i in chosen]

    def similarities(self, query: str, texts: Sequence[str]) -> np.ndarray:
        """Cosine similarities to the query, shape (n,)."""
        if not texts:
            return np.zeros(0)
        return similarities(self.encoder, query, texts)


def states_a_fact(text: str, scene: DistractorScene) -> bool:
    """Whether a text states a gold fact: then it does not distract."""
    return any(states_fact(fact, text) for fact in scene.key_facts)


def _range(similarity: SimilarityRange) -> SimilarityRange:
    try:
        low, high = (float(end) for end in similarity)
    except (TypeError, ValueError):
        low, high = 1.0, -1.0
    if not -1.0 <= low <= high <= 1.0:
        raise ConfigurationError(f"similarity={similarity!r}: expected two cosines in [-1, 1], the lower first")
    return low, high
