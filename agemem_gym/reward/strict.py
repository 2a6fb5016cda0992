"""Terms that are earned by effects: ``Reward(variant="strict")``.

The paper's terms (:mod:`.terms`; AgeMem, arXiv:2601.01885, appendix A.2) ask whether a tool ran, and measure precision alone.
An agent that reads nothing, adds "x", updates it and filters "x" earns half of them. These ask what came of it:

=================  ====================================================================================================
compression        share of the tokens that no key fact needs which SUMMARY and FILTER took out of the task's context, before
                   the limit and without wiping a key fact
preventive         1 if they took out any, else 0
preservation       1 if they took something out, and nothing that the query needs was lost by it, else 0
storage            F1 of precision and recall of the key facts in what was written
maintenance        share of the entries that were stale, false, copied from a distractor or double which UPDATE and DELETE
                   mended; 1 where none was, 0 where they lost a key fact, and where there never was an entry
relevance          F1 of precision and recall of the key facts in what was retrieved once the query was known
coverage           share of the key facts that were written: reported, not part of a mean
=================  ====================================================================================================

Each is a pure function of the Episode (and a judge).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agemem_gym.context import Message
from agemem_gym.episode import Episode
from agemem_gym.facts import Held, PhraseExtractor, key_phrases, sentences, states_fact
from agemem_gym.reward.calls import KINDS, entry_of, kind_of
from agemem_gym.reward.judges import Judge, findings
from agemem_gym.reward.terms import lost_phrases, retrieved_entries, written_entries

_TOLD = ("talk", "distractor", "observation")
"""Kinds of messages that the agent was told; what it made itself, it could make in order to remove it."""

_OWN = ("reply", "complaint", "system", "task")
_REDUCING = frozenset(name for name, kind in KINDS.items() if kind == "reduced")
_TAKEN_BACK = re.compile(r"\b(?:no longer|not true|out of date|outdated|obsolete|wrong|false)\b", re.IGNORECASE)


# ----------------------------------------------------------------------------------------------------- context


def compression(episode: Episode) -> float:
    """Share of the needless tokens of the last context that SUMMARY and FILTER took out; 0 where there were none."""
    removed = removed_needless(episode)
    kept = sum(message.tokens for message in episode.final_context() if _is_needless(message, episode))
    return removed / (removed + kept) if removed else 0.0


def preventive(episode: Episode) -> float:
    """1 if SUMMARY or FILTER took out needless tokens while the context had never been over its budget, else 0."""
    return float(removed_needless(episode) > 0)


def preservation(episode: Episode, extract: PhraseExtractor = key_phrases) -> float:
    """1 if SUMMARY or FILTER took out something told, and nothing that the query needs was lost by it, else 0.

    What it needs are the phrases that the task names (:attr:`agemem_gym.task.TaskStart.key_phrases`), else those of the query,
    else the key facts.
    """
    reductions = list(_reductions(episode))
    if not any(_was_told(message) for reduction in reductions for message in reduction.gone):
        return 0.0
    named = tuple(episode.start.key_phrases) or extract(episode.start.instruction)
    if named:
        return float(not lost_phrases(episode, lambda text: named))
    left = _facts_in(episode, *episode.final_context())
    return float(all(reduction.wiped <= left for reduction in reductions))


def removed_needless(episode: Episode) -> int:
    """Tokens that no key fact needs and that SUMMARY and FILTER took out before the limit, less what summaries added.

    A call that took the last of a key fact with them earns nothing.
    """
    removed = 0
    for reduction in _reductions(episode):
        needless = sum(message.tokens for message in reduction.gone if _is_needless(message, episode))
        if reduction.early and not reduction.wiped:
            removed += max(0, needless - reduction.added)
    return removed


@dataclass(frozen=True)
class _Reduction:
    """What one SUMMARY or FILTER did to the context.

    Attributes:
        gone: the messages that it took out.
        added: tokens of the summary that came instead.
        early: the context had never been over its budget.
        wiped: key facts that stood in the context before and not after.
    """

    gone: tuple[Message, ...]
    added: int
    early: bool
    wiped: frozenset[str]


def _reductions(episode: Episode) -> Iterator[_Reduction]:
    """The reductions of the last context, the one that the task was solved in: what a new stage cleared is past."""
    over = (n for n, step in enumerate(episode.steps, start=1) if step.prompt_tokens > episode.token_budget)
    limit = next(over, len(episode.steps) + 1)
    tools = _REDUCING | {result.name for result in episode.tool_results if kind_of(result) == "reduced"}
    cleared = max((n for n, edit in enumerate(episode.edits) if edit.by == "stage" and edit.removed), default=-1)
    messages = {message.id: message for message in episode.messages}
    standing: dict[int, Message] = {}
    for number, edit in enumerate(episode.edits):
        reduces = number > cleared and edit.by in tools and edit.removed
        before = _facts_in(episode, *standing.values()) if reduces else frozenset()
        gone = tuple(messages[message_id] for message_id in edit.removed)
        for message in gone:
            standing.pop(message.id, None)
        if edit.added is not None:
            standing[edit.added] = messages[edit.added]
        if reduces:
            added = messages[edit.added].tokens if edit.added is not None else 0
            wiped = before - _facts_in(episode, *standing.values())
            yield _Reduction(gone, added, edit.step < limit, wiped)


def _facts_in(episode: Episode, *messages: Message) -> frozenset[str]:
    """The key facts that stand in these messages; what the agent said itself does not count."""
    shown = [message for message in messages if message.kind not in _OWN]
    facts = episode.start.key_facts
    return frozenset(fact for fact in facts if any(states_fact(fact, message.content) for message in shown))


def _was_told(message: Message) -> bool:
    return message.kind in _TOLD


def _is_needless(message: Message, episode: Episode) -> bool:
    """Whether the agent was told this message, and no key fact stands in it."""
    return _was_told(message) and not _facts_in(episode, message)


# ------------------------------------------------------------------------------------------------------ memory


def storage(episode: Episode, judge: Judge) -> float:
    """F1 of precision and recall of the key facts in what was written, see :func:`.terms.written_entries`."""
    return _f1(episode, judge, written_entries(episode))


def relevance(episode: Episode, judge: Judge) -> float:
    """F1 of precision and recall of the key facts in what was retrieved; by the judge's own measure where none are known."""
    entries = retrieved_entries(episode)
    if entries and not episode.start.key_facts:
        return judge.relevance(episode.start.instruction, (), entries)
    return _f1(episode, judge, entries)


def coverage(episode: Episode, judge: Judge) -> float:
    """Share of the key facts that some written entry states."""
    entries, start = written_entries(episode), episode.start
    return findings(judge, start.instruction, start.answer or "", start.key_facts, entries).coverage if entries else 0.0


def _f1(episode: Episode, judge: Judge, entries: Sequence[str]) -> float:
    start = episode.start
    if not entries or not start.key_facts:
        return 0.0
    verdict = findings(judge, start.instruction, start.answer or "", start.key_facts, entries)
    both = verdict.precision + verdict.coverage
    return 2 * verdict.precision * verdict.coverage / both if both else 0.0


def maintenance(episode: Episode) -> float:
    """Whether UPDATE and DELETE made memory truer, see the module."""
    ledger = _Ledger(episode)
    for step in episode.steps:
        for result in step.tool_results:
            kind, entry = kind_of(result), entry_of(result)
            if kind in ("added", "updated"):
                ledger.write(entry.id, entry.content)
            elif kind == "deleted":
                ledger.delete(entry.id)
    if not ledger.was_used or ledger.lost:
        return 0.0
    return 1.0 - len(ledger.bad) / len(ledger.ever_bad) if ledger.ever_bad else 1.0


class _Ledger:
    """Long-term memory as it was written: which entries are bad now, which ever were, and which key facts it lost."""

    def __init__(self, episode: Episode) -> None:
        self._facts = episode.start.key_facts
        self._false = _false_sentences(episode)
        self._contents: dict[str, str] = {}
        self._held = Held({})
        self._facts_of: dict[str, frozenset[str]] = {}
        self._falsehoods: dict[str, bool] = {}
        self.bad: set[str] = set()
        self.ever_bad: set[str] = set()
        self.lost: set[str] = set()
        self.was_used = False
        for record in episode.initial_memory:
            self.write(str(record.get("id", "")), str(record.get("content", "")))

    def write(self, memory_id: str, content: str) -> None:
        self.was_used = True
        before = self._contents.get(memory_id)
        self._contents[memory_id] = content
        self._held.put(memory_id, content)
        self._judge(before)

    def delete(self, memory_id: str) -> None:
        before = self._contents.pop(memory_id, None)
        self._held.drop(memory_id)
        self._judge(before)

    def _judge(self, before: str | None) -> None:
        """See what a change made of memory."""
        known = set().union(*map(self._stated, self._contents.values()))
        self.lost -= known
        if before is not None:
            self.lost |= self._stated(before) - known
        order = {memory_id: place for place, memory_id in enumerate(self._contents)}
        self.bad = {
            memory_id
            for memory_id, content in self._contents.items()
            if self._is_false(content) or any(order[o] < order[memory_id] for o in self._held.alike(content))
        }
        self.ever_bad |= self.bad

    def _stated(self, content: str) -> frozenset[str]:
        """The key facts that an entry states."""
        if content not in self._facts_of:
            self._facts_of[content] = frozenset(fact for fact in self._facts if states_fact(fact, content))
        return self._facts_of[content]

    def _is_false(self, content: str) -> bool:
        """Whether an entry repeats a distractor, and states no key fact beside it."""
        if content not in self._falsehoods:
            told = any(states_fact(sentence, content) for sentence in self._false)
            self._falsehoods[content] = told and not _TAKEN_BACK.search(content) and not self._stated(content)
        return self._falsehoods[content]


def _false_sentences(episode: Episode) -> tuple[str, ...]:
    """What distractors said, a sentence each: irrelevant, misleading, or out of date."""
    said = {item.get("message_id") for item in episode.distractors}
    texts = [message.content for message in episode.messages if message.id in said]
    return tuple(dict.fromkeys(sentence for text in texts for sentence in sentences(text)))
