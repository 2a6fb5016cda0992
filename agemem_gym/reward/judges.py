"""Judges: how right an answer is, and how well stored and retrieved entries match the gold facts.

A judge never raises for what an agent wrote. What it had to do without (a model that did not answer, say) it tells through
:meth:`Judge.take_fallbacks`, and the episode's record keeps it.

- :class:`Judge`: what a judge does; :class:`MemoryVerdict`: what it finds out about a set of entries
- :class:`~agemem_gym.reward.offline.OfflineJudge`: exact match, F1, word overlap and the env's encoder (the default)
- :class:`~agemem_gym.reward.chat.ChatJudge`: a language model behind a callable or an endpoint
- :func:`~agemem_gym.reward.making.make_judge`: from a keyword of ``gym.make`` to a judge
- :func:`unasked`, :func:`findings`: the scores that need no model, for where the others do not count
- :func:`check_judge`: whether a judge judges, found out before a run
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from agemem_gym.errors import ConfigurationError


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


def unasked(judge: Judge) -> Judge:
    """The judge for scores that do not count: of one that asks a model the one that steps in for it, else itself."""
    offline = getattr(judge, "offline", None)
    return offline if isinstance(offline, Judge) else judge


def findings(judge: Judge, question: str, expected: str, facts: Sequence[str], entries: Sequence[str]) -> MemoryVerdict:
    """Which facts are covered and which entries are useful, where their quality is not wanted.

    A judge that would ask a model for the quality alone has a method ``findings`` that does without.
    """
    find = getattr(judge, "findings", None)
    found = (
        find(question, expected, facts, entries) if callable(find) else judge.memory(question, expected, facts, entries)
    )
    assert isinstance(found, MemoryVerdict)
    return found


class JudgeError(ConfigurationError):
    """A judge that a user asked for does not judge: it is not there, or gives no scores."""


def check_judge(judge: Judge) -> None:
    """Find out before a run whether a judge judges, where it has a way to tell (a method ``check()`` that raises).

    Raises:
        JudgeError: it does not; without it every score of the run would be another judge's.
    """
    check = getattr(judge, "check", None)
    if not callable(check):
        return
    try:
        check()
    except JudgeError:
        raise
    except Exception as error:  # a user's own judge
        raise JudgeError(f"the judge {judge.name} failed before the run, {type(error).__name__}: {error}") from error
