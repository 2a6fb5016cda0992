"""Stages 1 and 2 at work: messages, one at a time, before the task (AgeMem, arXiv:2601.01885, alg. 3-4).

- :class:`Turn`: one message of the plan
- :class:`Talk`: the stage that says them; :class:`TalkState` brings it back
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agemem_gym.context import Message
from agemem_gym.env import MemoryEnv
from agemem_gym.protocol import STAGES_PROMPT, Reply
from agemem_gym.stage import Stage
from agemem_gym.task import TaskStep
from agemem_gym.tools.ltm import format_matches

ORDERS = ("progressive", "reversed", "interleaved", "all_at_once")
"""Orders of the stages: 1, 2, 3; 2, 1, 3; 1 and 2 mixed, then 3; and all in one context that is never cleared."""


@dataclass(frozen=True)
class Turn:
    """One message of stage 1 or 2.

    Attributes:
        stage: 1 or 2.
        text: the message.
        source: ``"background"``, or the name of the distractor source.
        similarity: cosine to the query for a distractor, else None.
    """

    stage: int
    text: str
    source: str
    similarity: float | None = None


@dataclass(frozen=True)
class TalkState:
    """What brings a :class:`Talk` back: plain data that can be pickled."""

    plan: tuple[Turn, ...]
    turns: int
    top_k: int
    order: str
    position: int
    replies: int

    def resume(self, env: MemoryEnv) -> Talk:
        """The conversation as it was."""
        talk = Talk(env, self.plan, turns=self.turns, top_k=self.top_k, order=self.order)
        talk.position, talk.replies = self.position, self.replies
        return talk


class Talk:
    """Stages 1 and 2: messages of a plan, one at a time; then the task takes over.

    Args:
        env: whose context and memory it speaks into.
        plan: the messages, at least one.
        turns: replies for each.
        top_k: entries of memory put beside each message of stage 1.
        order: one of :data:`ORDERS`; says when the context is cleared.
    """

    hides_task = True

    def __init__(self, env: MemoryEnv, plan: Sequence[Turn], *, turns: int, top_k: int, order: str) -> None:
        self._env = env
        self._plan, self._turns, self._top_k, self._order = tuple(plan), turns, top_k, order
        self.position = self.replies = 0

    @property
    def number(self) -> int:
        """The stage of the message that waits for a reply."""
        return self._plan[self.position].stage

    def begin(self) -> None:
        """What an agent is told of the stages, and the first message."""
        self._env.say("system", STAGES_PROMPT, kind="system", protected=True)
        self._speak()

    def act(self, command: str) -> TaskStep:
        """There is no engine yet."""
        return TaskStep(
            "There is nothing to act on yet. Call tools, or reply with <answer>…</answer> to go on.",
            0.0,
            False,
            False,
            valid=False,
        )

    def answer(self, text: str) -> TaskStep:
        """It ends the message's turn."""
        return TaskStep("", 0.0, False, False)

    def after(self, reply: Reply) -> Stage | None:
        """Go on to the next message, or to the task, when this message's turn is over."""
        self.replies += 1
        if reply.answer is None and self.replies < self._turns:
            return None
        finished = self.number
        last = self.position + 1 == len(self._plan)
        following = 3 if last else self._plan[self.position + 1].stage
        if self._clears(finished, following):
            self._env.clear_context("stage", keep=_system_only)
        if last:
            return self._env.task_stage
        self.position, self.replies = self.position + 1, 0
        self._speak()
        return None

    def admissible(self) -> list[str]:
        """None yet."""
        return []

    def expert(self) -> str | None:
        """The engine's expert is not asked before the task begins."""
        return None

    def info(self) -> Mapping[str, Any]:
        """The number of the message, from 1, and how many there are."""
        return {"turn": self.position + 1, "turns": len(self._plan)}

    def state(self) -> TalkState:
        """What brings it back."""
        return TalkState(self._plan, self._turns, self._top_k, self._order, self.position, self.replies)

    def _speak(self) -> None:
        """Say the message whose turn it is."""
        turn, env = self._plan[self.position], self._env
        if turn.stage == 1:
            env.say("user", turn.text, kind="talk")
        else:
            env.distract(turn.text, turn.source, turn.similarity)
        if turn.stage == 1 and self._top_k and len(env.memory):
            matches = env.memory.search(turn.text, self._top_k)
            env.say("tool", f"Entries of memory near this message:\n{format_matches(matches)}", kind="recall")

    def _clears(self, finished: int, following: int) -> bool:
        """Whether the context is cleared between two messages: when what was to be remembered has all been said."""
        if self._order == "all_at_once":
            return False
        if self._order == "interleaved":
            return following == 3
        return finished == 1 and following != 1


def _system_only(message: Message) -> bool:
    return message.kind == "system"
