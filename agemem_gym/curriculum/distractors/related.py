"""Sources that are related to the episode: the benchmark's own pool, and what lies near the query in a corpus."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agemem_gym.answers import normalise_answer
from agemem_gym.curriculum.distractors.source import Chooser, Distractor, DistractorScene, states_a_fact
from agemem_gym.errors import ConfigurationError
from agemem_gym.memory.encoder import encoded
from agemem_gym.memory.similarity import cosines

_ENOUGH = 8  # candidates asked of a corpus for each distractor wanted


class BenchmarkSource:
    """The benchmark's own distractors, e.g. HotpotQA's other eight paragraphs."""

    name = "benchmark"

    def __init__(self, chooser: Chooser) -> None:
        self._chooser = chooser

    def draw(self, scene: DistractorScene, count: int, rng: np.random.Generator) -> list[Distractor]:
        """In mixed order."""
        order = [scene.pool[int(i)] for i in rng.permutation(len(scene.pool))]
        return self._chooser.choose(order, scene, count, self.name)


class NeighbourSource:
    """The texts of a corpus that lie nearest to the query by embedding.

    Texts that hold the expected answer are left out: 1.5 % of the nearest paragraphs of other HotpotQA questions do, and
    would help instead.

    Args:
        chooser: measures and picks.
        corpus: the texts; without one, the benchmark's own pool serves.

    Raises:
        ConfigurationError: an empty corpus.
    """

    name = "neighbours"

    def __init__(self, chooser: Chooser, corpus: Sequence[str] | None = None) -> None:
        if corpus is not None and not corpus:
            raise ConfigurationError("corpus=[]: expected texts among which the nearest are looked for")
        self._chooser = chooser
        self._corpus = None if corpus is None else tuple(dict.fromkeys(corpus))
        self._vectors: np.ndarray | None = None

    def draw(self, scene: DistractorScene, count: int, rng: np.random.Generator) -> list[Distractor]:
        """Nearest first; ties in the corpus's order."""
        texts = self._corpus or tuple(dict.fromkeys(scene.pool))
        if not texts:
            return []
        scores = self._scores(scene.query, texts)
        nearest = [texts[int(i)] for i in np.argsort(-scores, kind="stable")]
        kept = [text for text in nearest if not _holds_answer(text, scene)]
        candidates = kept[: _ENOUGH * count]
        return self._chooser.choose(candidates, scene, count, self.name)

    def _scores(self, query: str, texts: tuple[str, ...]) -> np.ndarray:
        if self._corpus is None:
            return self._chooser.similarities(query, texts)
        if self._vectors is None:
            self._vectors = encoded(self._chooser.encoder, list(texts)).astype(
                np.float64
            )  # (n, d), once for the corpus
        return cosines(self._vectors, encoded(self._chooser.encoder, [query])[0])


def _holds_answer(text: str, scene: DistractorScene) -> bool:
    if scene.answer is None or normalise_answer(scene.answer) in ("yes", "no", ""):
        return states_a_fact(text, scene)
    return f" {normalise_answer(scene.answer)} " in f" {normalise_answer(text)} "
