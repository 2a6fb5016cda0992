"""Whose turn it is: a :class:`Stage` says what it opens with, takes the agent's actions and answers, and speaks after a reply.

Without a curriculum there is one stage, the task itself. A curriculum puts others before it: a wrapper hands an
:data:`Opener` to :meth:`MemoryEnv.open_with <agemem_gym.env.MemoryEnv.open_with>` before it resets the env::

    reset ─► opener(env) ─► Opening(stage, …) ─► stage.begin()
    reply ─► stage.act | stage.answer ─► stage.after(reply) ─► the stage that follows, or None: this one stays

Until a stage that hides the task is over, neither ``info`` nor anything rendered says what the task is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from agemem_gym.protocol import Reply
from agemem_gym.task import Task, TaskStart, TaskStep

if TYPE_CHECKING:
    from agemem_gym.env import MemoryEnv


class StageState(Protocol):
    """What brings a stage back: plain data that can be pickled."""

    def resume(self, env: MemoryEnv) -> Stage:
        """The stage as it was, in an env whose context, memory and record have been restored."""


class Stage(Protocol):
    """Who answers the agent."""

    @property
    def number(self) -> int:
        """1 to 3 (AgeMem, arXiv:2601.01885, alg. 1-5); 3 is the task."""

    @property
    def hides_task(self) -> bool:
        """Whether the task is not to be known yet."""

    def begin(self) -> None:
        """Say what the stage opens with."""

    def act(self, command: str) -> TaskStep:
        """Take a command."""

    def answer(self, text: str) -> TaskStep:
        """Take an answer."""

    def after(self, reply: Reply) -> Stage | None:
        """Say what follows a reply; return the stage that takes over now, or None where this one goes on."""

    def admissible(self) -> list[str]:
        """Commands that would be taken now, sorted."""

    def expert(self) -> str | None:
        """The expert's next reply."""

    def info(self) -> Mapping[str, Any]:
        """What ``info`` holds besides in this stage."""

    def state(self) -> StageState | None:
        """What brings it back; None for the task, which is played again from its commands."""


@dataclass(frozen=True)
class Opening:
    """How an episode begins.

    Attributes:
        stage: the first one.
        rounds: replies for which it needs room, beside `N_max`.
        curriculum: the settings in force, for the record.
    """

    stage: Stage
    rounds: int = 0
    curriculum: Mapping[str, Any] = field(default_factory=dict)


Opener = Callable[["MemoryEnv"], Opening]
"""Makes the opening of an episode whose task has been reset and whose record has begun; the context is empty yet."""

Speaker = Callable[..., Any]
"""``say(role, content, *, kind, protected)``: puts a message into the context."""


class TaskStage:
    """Stage 3, and the only one without a curriculum: the task itself.

    Args:
        task: the engine, reset.
        start: what it said at its reset.
        say: puts a message into the context.

    Attributes:
        commands: those that went to the engine; with the seed they bring it here again.
        turns: messages of the stages before it, if there were any.
    """

    number = 3
    hides_task = False

    def __init__(self, task: Task, start: TaskStart, say: Speaker) -> None:
        self._task, self._start, self._say = task, start, say
        self.commands: list[str] = []
        self.turns: int | None = None
        self._expert: Iterator[str] | None = None
        self._expert_reply: str | None = None

    def begin(self) -> None:
        """The query, then what the task shows first."""
        self._say("user", self._start.instruction, kind="task", protected=True)
        for text in self._start.shown:
            self._say("user", text, kind="observation")

    def act(self, command: str) -> TaskStep:
        """Pass the command to the engine."""
        self.commands.append(command)
        if command != self._expert_reply:
            self._expert = None  # the expert has to think again from where this leads
        self._expert_reply = None
        return self._task.act(command)

    def answer(self, text: str) -> TaskStep:
        """Pass the answer to the task."""
        return self._task.answer(text)

    def after(self, reply: Reply) -> Stage | None:
        """The task is the last stage."""
        return None

    def admissible(self) -> list[str]:
        """The engine's."""
        return self._task.admissible()

    def expert(self) -> str | None:
        """The engine's expert, asked again only after its last reply was carried out, or after the agent left its way."""
        if self._expert is None:
            self._expert, self._expert_reply = self._task.expert(), None
        if self._expert_reply is None:
            self._expert_reply = next(self._expert, None)
        return self._expert_reply

    def info(self) -> Mapping[str, Any]:
        """Behind other stages their number of messages."""
        return {} if self.turns is None else {"turn": self.turns, "turns": self.turns}

    def state(self) -> StageState | None:
        """None: the commands are played again."""
        return None

    def play_again(self, commands: list[str]) -> None:
        """Bring the engine, just reset, to where these commands lead."""
        for command in commands:
            self._task.act(command)
        self.commands = list(commands)
