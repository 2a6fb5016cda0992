"""Long-term memory as an episode wrote it: which entries are bad, which ever were, and which key facts it lost."""

from __future__ import annotations

import re

from agemem_gym.episode import Episode
from agemem_gym.facts import Held, sentences, states_fact
from agemem_gym.reward.calls import entry_of, kind_of

_TAKEN_BACK = re.compile(r"\b(?:no longer|not true|out of date|outdated|obsolete|wrong|false)\b", re.IGNORECASE)


class Ledger:
    """The entries, change by change.

    An entry is **bad** while it repeats a distractor (irrelevant, misleading, or out of date), unless it takes it back or
    states a key fact beside it, and while an earlier entry says the same.

    Attributes:
        bad, ever_bad: ids of the entries that are bad in the end, and of those that ever were.
        lost: key facts that memory stated once and does not in the end.
        was_used: whether there ever was an entry.
        written: ids of the entries that the episode itself added in its stage 1, or at all where it had none.
        held: contents by id, in the end.
    """

    def __init__(self, episode: Episode) -> None:
        self._facts = episode.start.key_facts
        self._false = _false_sentences(episode)
        self._index = Held({})
        self._facts_of: dict[str, frozenset[str]] = {}
        self._falsehoods: dict[str, bool] = {}
        self.held: dict[str, str] = {}
        self.bad: set[str] = set()
        self.ever_bad: set[str] = set()
        self.lost: set[str] = set()
        self.was_used = False
        self.written: set[str] = set()
        for record in episode.initial_memory:
            self._write(str(record.get("id", "")), str(record.get("content", "")))
        self._play(episode)

    def _play(self, episode: Episode) -> None:
        has_stages = any(step.stage == 1 for step in episode.steps)
        for step in episode.steps:
            for result in step.tool_results:
                kind, entry = kind_of(result), entry_of(result)
                if kind in ("added", "updated"):
                    self._write(entry.id, entry.content)
                elif kind == "deleted":
                    self._delete(entry.id)
                if kind == "added" and (step.stage == 1 or not has_stages):
                    self.written.add(entry.id)

    def _write(self, memory_id: str, content: str) -> None:
        self.was_used = True
        before = self.held.get(memory_id)
        self.held[memory_id] = content
        self._index.put(memory_id, content)
        self._judge(before)

    def _delete(self, memory_id: str) -> None:
        before = self.held.pop(memory_id, None)
        self._index.drop(memory_id)
        self._judge(before)

    def _judge(self, before: str | None) -> None:
        """See what a change made of memory."""
        known = set().union(*map(self._stated, self.held.values()))
        self.lost -= known
        if before is not None:
            self.lost |= self._stated(before) - known
        order = {memory_id: place for place, memory_id in enumerate(self.held)}
        self.bad = {
            memory_id
            for memory_id, content in self.held.items()
            if self._is_false(content) or any(order[o] < order[memory_id] for o in self._index.alike(content))
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
    """What distractors said, a sentence each."""
    said = {item.get("message_id") for item in episode.distractors}
    texts = [message.content for message in episode.messages if message.id in said]
    return tuple(dict.fromkeys(sentence for text in texts for sentence in sentences(text)))
