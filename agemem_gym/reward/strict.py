"""Terms that are earned by effects: ``Reward(variant="strict")``.

The paper's terms (:mod:`.terms`; AgeMem, arXiv:2601.01885, appendix A.2) ask whether a tool ran, and measure precision alone.
An agent that reads nothing, adds "x", updates it and filters "x" earns half of them; one that does everything right and then
wipes what it retrieved earns nearly all. These ask what came of it. What is done to the context, and what is searched for, is
done for the task, and is looked at when the task moves forward (:mod:`.moments`), each moment weighing as much as the way it
went:

=================  ====================================================================================================
compression        share of the tokens that no key fact needs which SUMMARY and FILTER had taken out by then, before the
                   limit and without wiping a key fact
preventive         1 if they had taken out any, else 0
preservation       1 if they had taken something out, and nothing that the query needs was lost by it, else 0
relevance          F1 of precision and recall of the key facts in what had been retrieved and still stood there
=================  ====================================================================================================

So of a task that never moved forward they are 0. Long-term memory outlasts the task, and is looked at in the end:

=================  ====================================================================================================
storage            F1 of precision and recall of the key facts in what was written and is still held. Which facts are key only
                   the query tells, which comes later: precision is full where it is that of storing all that was told, once
maintenance        share of the entries that were stale, false, copied from a distractor or double which UPDATE and DELETE
                   mended, 1 where none was, in proportion to the key facts that memory holds; 0 where they lost one
coverage           share of the key facts that memory holds: reported, not part of a mean
=================  ====================================================================================================

Without success an agent can thus earn storage and maintenance, 2/9 of the return. Each is a pure function of the Episode (and a
judge).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from agemem_gym.episode import Episode
from agemem_gym.facts import PhraseExtractor, key_phrases, states_fact
from agemem_gym.reward.calls import kind_of, texts_of
from agemem_gym.reward.judges import Judge, MemoryVerdict, findings
from agemem_gym.reward.ledger import Ledger
from agemem_gym.reward.moments import TOLD, Moment, facts_in, is_needless, moments_of
from agemem_gym.reward.terms import phrases_lost

_SHOWS_ENTRIES = ("tool_result", "summary")


def _over(moments: Sequence[Moment], value: Callable[[Moment], float]) -> float:
    """What a term comes to over the moments at which the task moved forward."""
    return math.fsum(moment.weight * value(moment) for moment in moments)


# ----------------------------------------------------------------------------------------------------- context


def compression(episode: Episode, moments: Sequence[Moment] | None = None) -> float:
    """Share of the needless tokens that SUMMARY and FILTER had taken out of the context when the task moved forward."""

    def share(moment: Moment) -> float:
        removed = removed_needless(episode, moment)
        kept = sum(message.tokens for message in moment.standing if is_needless(message, episode))
        return removed / (removed + kept) if removed else 0.0

    return _over(moments_of(episode) if moments is None else moments, share)


def preventive(episode: Episode, moments: Sequence[Moment] | None = None) -> float:
    """Whether they had taken out needless tokens by then, while the context had never been over its budget."""
    given = moments_of(episode) if moments is None else moments
    return _over(given, lambda moment: float(removed_needless(episode, moment) > 0))


def preservation(
    episode: Episode, extract: PhraseExtractor = key_phrases, moments: Sequence[Moment] | None = None
) -> float:
    """Whether they had taken out something told by then, and nothing that the query needs was lost by it.

    What it needs are the key facts that stood there, and the phrases that the task names
    (:attr:`agemem_gym.task.TaskStart.key_phrases`), else those of the query.
    """
    phrases = tuple(episode.start.key_phrases) or extract(episode.start.instruction)

    def is_whole(moment: Moment) -> float:
        if not any(message.kind in TOLD for reduction in moment.reductions for message in reduction.gone):
            return 0.0
        left = facts_in(episode, *moment.standing)
        wiped = any(not reduction.wiped <= left for reduction in moment.reductions)
        return float(not wiped and not phrases_lost(phrases, moment.gone, moment.standing))

    return _over(moments_of(episode) if moments is None else moments, is_whole)


def removed_needless(episode: Episode, moment: Moment) -> int:
    """Tokens that no key fact needs and that SUMMARY and FILTER took out before the limit, less what summaries added.

    A call that took the last of a key fact with them earns nothing.
    """
    removed = 0
    for reduction in moment.reductions:
        needless = sum(message.tokens for message in reduction.gone if is_needless(message, episode))
        if reduction.early and not reduction.wiped:
            removed += max(0, needless - reduction.added)
    return removed


# ------------------------------------------------------------------------------------------------------ memory


def relevance(episode: Episode, judge: Judge, moments: Sequence[Moment] | None = None) -> float:
    """F1 of precision and recall of the key facts in what had been retrieved for the query and still stood in the context when
    the task moved forward; by the judge's own measure where no facts are known.
    """

    def quality(moment: Moment) -> float:
        entries = _standing_entries(episode, moment)
        if entries and not episode.start.key_facts:
            return judge.relevance(episode.start.instruction, (), entries)
        return _f1(_found(episode, judge, entries))

    return _over(moments_of(episode) if moments is None else moments, quality)


def storage(episode: Episode, judge: Judge, ledger: Ledger | None = None) -> float:
    """F1 of precision and recall of the key facts in what was written (in stage 1, where there is one), as memory holds it in
    the end.

    Each key fact counts once. Precision is measured by the share of the messages of stage 1 that state one. What was
    held before the episode counts as remembered, and costs no precision.
    """
    ledger = ledger or Ledger(episode)
    before = {str(record.get("id", "")) for record in episode.initial_memory}
    counted = {name: text for name, text in ledger.held.items() if name in ledger.written or name in before}
    verdict = _found(episode, judge, tuple(counted.values()))
    useful = {name for name, is_useful in zip(counted, verdict.useful, strict=True) if is_useful} - ledger.bad
    written = ledger.written & set(counted)
    if not written:
        return _harmonic(float(bool(useful)), verdict.coverage)
    precision = _once(len(useful & written), verdict) / len(written)
    return _harmonic(min(1.0, precision / told_precision(episode, judge)), verdict.coverage)


def told_precision(episode: Episode, judge: Judge) -> float:
    """The share of what was told in stage 1, distractors apart, that states a key fact; 1 where none of it does."""
    talk = tuple(message.content for message in episode.messages if message.kind == "talk")
    verdict = _found(episode, judge, talk)
    return _once(sum(verdict.useful), verdict) / len(talk) if any(verdict.useful) else 1.0


def _once(useful: int, verdict: MemoryVerdict) -> int:
    """How many of the useful entries say something that the others do not."""
    return min(useful, sum(verdict.covered))


def maintenance(episode: Episode, judge: Judge, ledger: Ledger | None = None) -> float:
    """Whether UPDATE and DELETE made memory truer, in proportion to what memory is worth: see the module."""
    ledger = ledger or Ledger(episode)
    if not ledger.was_used or ledger.lost:
        return 0.0
    mended = 1.0 - len(ledger.bad) / len(ledger.ever_bad) if ledger.ever_bad else 1.0
    return mended * coverage(episode, judge, ledger) if mended else 0.0


def coverage(episode: Episode, judge: Judge, ledger: Ledger | None = None) -> float:
    """Share of the key facts that memory holds in the end."""
    ledger = ledger or Ledger(episode)
    return _found(episode, judge, tuple(ledger.held.values())).coverage


def _standing_entries(episode: Episode, moment: Moment) -> tuple[str, ...]:
    """What RETRIEVE had brought in stage 3, and still stood there, in a summary or as it came."""
    steps = [step for step in episode.steps[: moment.step - 1] if step.stage == 3]
    results = [result for step in steps for result in step.tool_results if kind_of(result) == "retrieved"]
    entries = dict.fromkeys(text for result in results for text in texts_of(result))
    shown = [message.content for message in moment.standing if message.kind in _SHOWS_ENTRIES]
    return tuple(entry for entry in entries if any(entry in text or states_fact(entry, text) for text in shown))


def _found(episode: Episode, judge: Judge, entries: tuple[str, ...]) -> MemoryVerdict:
    start = episode.start
    if not entries:
        return MemoryVerdict(0.0, (False,) * len(start.key_facts), ())
    return findings(judge, start.instruction, start.answer or "", start.key_facts, entries)


def _f1(verdict: MemoryVerdict) -> float:
    return _harmonic(verdict.precision, verdict.coverage)


def _harmonic(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
