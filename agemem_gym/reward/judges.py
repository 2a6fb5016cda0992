"""Judges: how right an answer is, and how well stored and retrieved entries match the gold facts.

A judge never raises for what an agent wrote. What it had to do without (a model that did not answer, say) it tells through
:meth:`Judge.take_fallbacks`, and the episode's record keeps it.

- :class:`Judge`: what a judge does; :class:`MemoryVerdict`: what it finds out about a set of entries
- :class:`~agemem_gym.reward.offline.OfflineJudge`: exact match, F1, word overlap and the env's encoder (the default)
- :class:`~agemem_gym.reward.chat.ChatJudge`: a language model behind a callable or an endpoint
- :func:`make_judge`: from a keyword of ``gym.make`` to a judge
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from agemem_gym.errors import ConfigurationError
from agemem_gym.memory.encoder import Encoder
from agemem_gym.summariser import ChatCallable


@dataclass(frozen=True)
class MemoryVerdict:
    """What a judge finds in a set of memory entries.

    Attributes:
        quality: MQ in [0, 1], how well the entries as a whole match the gold facts; 0 without entries, and where no facts
            are known: then there is nothing to judge by.
        covered: for each gold fact whether some entry states it.
        useful: for each entry whether it states some gold fact.
        fallback: why the verdict is not this judge's own, or None.
    """

    quality: float
    covered: tuple[bool, ...]
    useful: tuple[bool, ...]
    fallback: str | None = None

    @property
    def coverage(self) -> float:
        """Share of the facts that some entry states; 0 if no facts are known."""
        return sum(self.covered) / len(self.covered) if self.covered else 0.0

    @property
    def precision(self) -> float:
        """Share of the entries that state some fact; 0 without entries."""
        return sum(self.useful) / len(self.useful) if self.useful else 0.0


@runtime_checkable
class Judge(Protocol):
    """Scores answers and memories."""

    @property
    def name(self) -> str:
        """What tells this judge from others; stands in every result row."""

    def answer(self, question: str, predicted: str, expected: str) -> float:
        """`S_judge`: how right the predicted answer is, in [0, 1]."""

    def memory(self, question: str, expected: str, facts: Sequence[str], entries: Sequence[str]) -> MemoryVerdict:
        """How well `entries` match the gold `facts` of a question whose expected answer is `expected` (may be empty)."""

    def relevance(self, question: str, facts: Sequence[str], retrieved: Sequence[str]) -> float:
        """How well retrieved entries match the question, in [0, 1]; 0 without any."""

    def take_fallbacks(self) -> tuple[str, ...]:
        """Why verdicts since the last call of this were not the judge's own; empty for a judge that needs no other."""


def make_judge(spec: str | Judge | ChatCallable, encoder: Encoder) -> Judge:
    """The judge that `spec` stands for.

    Args:
        spec: ``"offline"``, the URL of an OpenAI-compatible chat endpoint (``"http://host/v1#model"``), a callable from chat
            messages to text, or a Judge.
        encoder: what the offline judge compares texts with.

    Raises:
        ConfigurationError: anything else.
    """
    from agemem_gym.reward.chat import ChatJudge
    from agemem_gym.reward.endpoint import ChatEndpoint
    from agemem_gym.reward.offline import OfflineJudge

    if spec == "offline":
        return OfflineJudge(encoder)
    if isinstance(spec, str) and spec.startswith(("http://", "https://")):
        return ChatJudge(ChatEndpoint(spec), OfflineJudge(encoder))
    if isinstance(spec, type):
        raise ConfigurationError(f"judge={spec.__name__}: expected a judge, not a class; make one: {spec.__name__}(…)")
    if isinstance(spec, Judge):
        return spec
    if callable(spec):
        return ChatJudge(spec, OfflineJudge(encoder))
    raise ConfigurationError(
        f"judge={spec!r}: expected 'offline', the URL of a chat endpoint, a callable from chat messages to text, or a Judge"
    )
