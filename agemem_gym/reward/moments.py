"""The moments at which the task moved forward, and what the agent had before its eyes at each.

::

    reply   1     2     3     4     5     6
    progress 0    0    1/2   1/2    1     –          two moments: before reply 3 and before reply 5, of weight 1/2 each

What a context or a search was good for shows there: what had been taken out by then, what was wiped by then, what still stood.
Of a task that never moved forward there is no moment, and nothing was put to use. Pure functions of an Episode.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from agemem_gym.context import Edit, Message
from agemem_gym.episode import Episode
from agemem_gym.facts import states_fact
from agemem_gym.reward.calls import KINDS, kind_of

TOLD = ("talk", "distractor", "observation")
"""Kinds of messages that the agent was told; what it made itself, it could make in order to remove it."""

_OWN = ("reply", "complaint", "system", "task")
_REDUCING = frozenset(name for name, kind in KINDS.items() if kind == "reduced")


@dataclass(frozen=True)
class Reduction:
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


@dataclass(frozen=True)
class Moment:
    """A reply that brought the task forward, and the context that it was written from.

    Attributes:
        step: its number, from 1.
        weight: the share of the whole way that it went; all weights of a solved task add up to 1.
        standing: the context then.
        gone: what had left the context since the last stage cleared it.
        reductions: what SUMMARY and FILTER had done to it.
    """

    step: int
    weight: float
    standing: tuple[Message, ...]
    gone: tuple[Message, ...]
    reductions: tuple[Reduction, ...]


def moments_of(episode: Episode, score: float | None = None) -> tuple[Moment, ...]:
    """The moments of an episode.

    Args:
        episode: a finished one.
        score: of the final answer to a question, in [0, 1], where a judge gave one; by default what the benchmark says.
    """
    weights = dict(_advances(episode, score))
    contexts = _Contexts(episode)
    return tuple(
        Moment(step, weight, *contexts.before(step))
        for step, weight in sorted(weights.items())  # contexts are gone through once
    )


def facts_in(episode: Episode, *messages: Message) -> frozenset[str]:
    """The key facts that stand in these messages; what the agent said itself does not count."""
    shown = [message for message in messages if message.kind not in _OWN]
    facts = episode.start.key_facts
    return frozenset(fact for fact in facts if any(states_fact(fact, message.content) for message in shown))


def is_needless(message: Message, episode: Episode) -> bool:
    """Whether the agent was told this message, and no key fact stands in it."""
    return message.kind in TOLD and not facts_in(episode, message)


def _advances(episode: Episode, score: float | None) -> Iterator[tuple[int, float]]:
    """Number and weight of each reply after which the task stood better than ever before."""
    best = min(max(episode.start.progress, 0.0), 1.0)
    way = 1.0 - best
    for number, step in enumerate(episode.steps, start=1):
        answers = step.answer is not None and step.stage == 3 and episode.start.answer is not None
        reached = score if answers and score is not None else 1.0 if step.success else step.progress
        if reached > best and way > 0:
            yield number, (min(reached, 1.0) - best) / way
            best = min(reached, 1.0)


@dataclass
class _Contexts:
    """The context, reply after reply: goes through the record's edits once, forward."""

    episode: Episode
    _standing: dict[int, Message] = field(default_factory=dict)
    _gone: list[Message] = field(default_factory=list)
    _reductions: list[Reduction] = field(default_factory=list)
    _place: int = 0

    def __post_init__(self) -> None:
        steps = self.episode.steps
        over = (n for n, step in enumerate(steps, start=1) if step.prompt_tokens > self.episode.token_budget)
        self._limit = next(over, len(steps) + 1)
        named = {result.name for result in self.episode.tool_results if kind_of(result) == "reduced"}
        self._tools = _REDUCING | named
        self._messages = {message.id: message for message in self.episode.messages}

    def before(self, step: int) -> tuple[tuple[Message, ...], tuple[Message, ...], tuple[Reduction, ...]]:
        """What stood in the context when this reply was asked for, what had left it, and what had been done to it."""
        edits = self.episode.edits
        while self._place < len(edits) and edits[self._place].step < step:
            self._carry_out(edits[self._place])
            self._place += 1
        return tuple(self._standing.values()), tuple(self._gone), tuple(self._reductions)

    def _carry_out(self, edit: Edit) -> None:
        reduces = edit.by in self._tools and bool(edit.removed)
        before = facts_in(self.episode, *self._standing.values()) if reduces else frozenset()
        gone = tuple(self._messages[message_id] for message_id in edit.removed)
        for message in gone:
            self._standing.pop(message.id, None)
        if edit.added is not None:
            self._standing[edit.added] = self._messages[edit.added]
        if edit.by == "stage" and gone:  # that was not the agent, and what it had done before is past
            self._gone, self._reductions = [], []
            return
        self._gone += gone
        if reduces:
            added = self._messages[edit.added].tokens if edit.added is not None else 0
            wiped = before - facts_in(self.episode, *self._standing.values())
            self._reductions.append(Reduction(gone, added, edit.step < self._limit, wiped))
