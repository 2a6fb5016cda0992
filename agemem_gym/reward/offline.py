"""The judge that needs no language model: exact match and F1, word overlap, and the encoder where words cannot tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agemem_gym.answers import exact_match, f1
from agemem_gym.errors import ConfigurationError
from agemem_gym.facts import compare
from agemem_gym.memory.encoder import Encoder, EncoderError, encoded
from agemem_gym.memory.similarity import cosines
from agemem_gym.reward.judges import MemoryVerdict

THRESHOLD = 0.75
THRESHOLDS = {"hash-256": 0.5}
"""Cosine from which an entry states a fact that words leave open: of MiniLM and its like, and by name of other encoders.

Calibrated by ``benchmarks/judges.py``, which does it for any encoder. For MiniLM the optimum is flat: accuracies differ by
0.004 over LOW 0.3 to 0.5, HIGH 0.8 to 1 and thresholds 0.7 to 0.8; a higher LOW saves encoding.
"""


_TYPOGRAPHIC = str.maketrans("“”„«»‘’–—…", '"""""\'\'--.')


class OfflineJudge:
    """Scores without a language model, the same in every process.

    An **answer** scores 1 for an exact match, else its F1 (:mod:`agemem_gym.answers`).

    An **entry** states a fact if one of its stretches does: by the words that they share (:mod:`agemem_gym.facts`), and where
    these leave it open, if the encoder finds them at least `threshold` alike. **MQ** is the harmonic mean of the share of facts
    that are stated and the share of entries that state one, so that hoarding costs as much as forgetting. **Relevance** is the
    share of retrieved entries that state a fact; where no facts are known, their mean cosine with the question.

    Nothing is encoded where there is no entry, or where words decide. An encoder that fails leaves open cases unproven, and
    the verdict says so.

    How well it agrees with labels (``benchmarks/judges.py --data …``, the half of 100 generated and 300 real questions that
    calibrated nothing, 1,600 answers and 1,196 memories): right or wrong answer 0.991 (correlation 0.94); stated or not stated
    fact 0.984, where the best cosine threshold alone reaches 0.904; coverage correlates by 0.98 with the true one. Weak are
    answers in long sentences, and facts of which a word of no name or number was exchanged.

    Args:
        encoder: compares what words leave open.
        threshold: cosine in [-1, 1]; by default the one calibrated for the encoder, see :data:`THRESHOLDS`.

    Example:
        >>> from agemem_gym.memory import make_encoder
        >>> judge = OfflineJudge(make_encoder("minilm"))
        >>> facts = ("The red key is in the kitchen.", "The door needs the red key.")
        >>> judge.memory("Open the door.", "", facts, ["Remember: the red key is in the kitchen.", "Lunch was nice."])
        MemoryVerdict(quality=0.5, covered=(True, False), useful=(True, False), fallback=None)
    """

    name = "offline"

    def __init__(self, encoder: Encoder, threshold: float | None = None) -> None:
        if threshold is not None and not -1.0 <= threshold <= 1.0:
            raise ConfigurationError(f"threshold={threshold!r}: expected a cosine in [-1, 1]")
        self._encoder = encoder
        self._threshold = THRESHOLDS.get(encoder.name, THRESHOLD) if threshold is None else threshold
        self._fallbacks: list[str] = []

    def answer(self, question: str, predicted: str, expected: str) -> float:
        """1 for an exact match, else F1, with typographic quotes and dashes as plain ones."""
        predicted, expected = predicted.translate(_TYPOGRAPHIC), expected.translate(_TYPOGRAPHIC)
        return exact_match(predicted, expected) or f1(predicted, expected)

    def memory(self, question: str, expected: str, facts: Sequence[str], entries: Sequence[str]) -> MemoryVerdict:
        """See :class:`~agemem_gym.reward.judges.Judge`."""
        if not facts or not entries:
            return MemoryVerdict(0.0, (False,) * len(facts), (False,) * len(entries))
        before = len(self._fallbacks)
        table = self._table(facts, entries)
        covered, useful = np.any(table, axis=1), np.any(table, axis=0)  # (facts,), (entries,)
        coverage, precision = float(covered.mean()), float(useful.mean())
        quality = 2 * coverage * precision / (coverage + precision) if coverage else 0.0
        fallback = "; ".join(self._fallbacks[before:]) or None
        return MemoryVerdict(quality, tuple(covered.tolist()), tuple(useful.tolist()), fallback)

    def relevance(self, question: str, facts: Sequence[str], retrieved: Sequence[str]) -> float:
        """See :class:`~agemem_gym.reward.judges.Judge`."""
        if not retrieved:
            return 0.0
        if facts:
            return self.memory(question, "", facts, retrieved).precision
        scores = self._cosines([(question, text) for text in retrieved])
        return float(np.clip(scores, 0.0, 1.0).mean())

    def take_fallbacks(self) -> tuple[str, ...]:
        """Failures of the encoder."""
        taken, self._fallbacks = tuple(self._fallbacks), []
        return taken

    def _table(self, facts: Sequence[str], entries: Sequence[str]) -> np.ndarray:
        """Which entry states which fact, bool, shape (facts, entries)."""
        table = np.zeros((len(facts), len(entries)), dtype=bool)
        open_cases: list[tuple[int, int, str]] = []
        for row, fact in enumerate(facts):
            for column, entry in enumerate(entries):
                verdict, undecided = compare(fact, entry)
                table[row, column] = verdict
                open_cases += [(row, column, text) for text in undecided]
        covered, useful = np.logical_or.reduce(table, axis=1), np.logical_or.reduce(table, axis=0)
        open_cases = [case for case in open_cases if not (covered[case[0]] and useful[case[1]])]  # can still matter
        scores = self._cosines([(facts[row], text) for row, _, text in open_cases])
        for (row, column, _), score in zip(open_cases, scores, strict=True):
            table[row, column] |= score >= self._threshold
        return table

    def _cosines(self, pairs: Sequence[tuple[str, str]]) -> np.ndarray:
        """Cosine of each pair, shape (n,), encoded in one batch; zeros where the encoder fails."""
        texts = list(dict.fromkeys(text for pair in pairs for text in pair))
        if not texts:
            return np.zeros(0)
        try:
            vectors = encoded(self._encoder, texts)  # (t, d), unit length
        except EncoderError as error:
            self._fallbacks.append(f"word overlap alone: {error}")
            return np.zeros(len(pairs))
        row = {text: number for number, text in enumerate(texts)}
        return cosines(vectors[[row[one] for one, _ in pairs]], vectors[[row[other] for _, other in pairs]])
