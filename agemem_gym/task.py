"""The border between an engine and the rest: a :class:`Task` is one engine whose episodes a :class:`MemoryEnv` plays.

A task knows its engine and nothing else: no agent, no tool, no memory, no reward. Per episode the flow is::

    start = task.reset(seed, options)           TaskStart: what is to be done and what is seen first
    step = task.act("go to desk 1")             TaskStep: what is seen now, how far, won?, over?
    step = task.answer("Paris")                 the agent's final answer: ends the episode

A task is exactly reproducible: the same constructor arguments, seed, options and commands give the same texts, byte for
byte, in any process. It counts no step limit itself; :attr:`TaskStart.max_moves` tells the env where to truncate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np

from agemem_gym.checks import at_least, within
from agemem_gym.errors import ConfigurationError

Metric = Literal["success", "progress"]
JSONScalar = str | int | float | bool | None


WORLD = "world"
"""The reset option that names the world in which a task is to be set."""


@dataclass(frozen=True)
class World:
    """A world that comes back: a floor plan with its things, a house, an encyclopedia; ``options["world"]``.

    Attributes:
        seed: the same number is the same world, whatever the task in it.
        epoch: how often it has changed; each epoch builds on the one before.
        changes: share of what can change that does so from one epoch to the next.
    """

    seed: int
    epoch: int = 0
    changes: float = 0.0

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> World | None:
        """The world that reset options name, or None.

        Raises:
            ConfigurationError: it is no mapping of seed, epoch and changes, or out of range.
        """
        given = options.get(WORLD)
        if given is None:
            return None
        if not isinstance(given, Mapping) or "seed" not in given or set(given) - {"seed", "epoch", "changes"}:
            raise ConfigurationError(
                f"options[{WORLD!r}]={given!r:.200}: expected {{'seed': 3}}, and perhaps 'epoch' and 'changes'"
            )
        at_least("options['world']['seed']", given["seed"], 0)
        at_least("options['world']['epoch']", given.get("epoch", 0), 0)
        within("options['world']['changes']", given.get("changes", 0.0), 0, 1)
        return cls(**given)

    def rng(self, *tags: int) -> np.random.Generator:
        """Draws that depend on the world alone and on `tags`, not on its epoch."""
        return np.random.default_rng([0x3081D, self.seed, *tags])


@dataclass(frozen=True)
class TaskStart:
    """What an episode starts with.

    Attributes:
        task_id: stable name of this episode's task within the benchmark, e.g. ``"BabyAI-GoToObj-v0/1234"``; the same id
            is always the same task.
        instruction: the query `q`: what the agent is to do or to answer. Stands, protected, in the context.
        observation: what the agent sees first (without the instruction). May be empty.
        commands: one short paragraph that tells an agent which ``<action>`` commands this engine understands; empty where
            only an answer is expected.
        max_moves: number of engine commands after which the episode is truncated (the protocol's limit), at least 1.
        key_facts: the gold facts, one sentence each, that a memory should hold to solve this task; hidden from the agent.
        answer: the expected answer `A_q` for question tasks, hidden from the agent; ``None`` where the engine's state
            decides.
        record: plain facts that belong to every result row: engine version, hash of a game file, level, variation, seed.
        documents: what the agent may read from the start besides the observation; each is a message of its own in the
            context, so that FILTER can drop one and keep another.
        progress: in [0, 1], what counts as done before anything was done.
        key_phrases: what of the query must still be findable in the context when the task is solved: names, places, things,
            each as the engine writes it; empty where the query's own words tell (:mod:`agemem_gym.facts.phrases`).
        takes_commands: whether the engine takes any command; where it takes none, a plain text is the answer.
    """

    task_id: str
    instruction: str
    observation: str
    commands: str
    max_moves: int
    key_facts: tuple[str, ...] = ()
    answer: str | None = None
    record: Mapping[str, JSONScalar] = field(default_factory=dict)
    documents: tuple[str, ...] = ()
    progress: float = 0.0
    key_phrases: tuple[str, ...] = ()
    takes_commands: bool = True

    @property
    def shown(self) -> tuple[str, ...]:
        """All that the agent sees first besides the instruction, a message each."""
        return tuple(text for text in (self.observation, *self.documents) if text)


@dataclass(frozen=True)
class TaskStep:
    """What came of one command or of the final answer.

    Attributes:
        observation: the engine's text. For a command that the engine does not understand: what was wrong with it.
        progress: in [0, 1]; best so far in this episode, so it never falls.
        success: the task is solved.
        done: the episode is over for the engine (solved, failed beyond repair, or answered).
        valid: the engine understood the command (AgentBoard's grounding accuracy = valid / all commands).
        metrics: further numbers by name, e.g. ``{"engine_score": 0.5}`` or ``{"em": 1.0, "f1": 1.0}``.
    """

    observation: str
    progress: float
    success: bool
    done: bool
    valid: bool = True
    metrics: Mapping[str, float] = field(default_factory=dict)


@runtime_checkable
class Task(Protocol):
    """One engine. Constructor keywords are the user's keywords of ``gym.make``; mistakes raise ConfigurationError there.

    The constructor is cheap and picklable: it starts no process and reads no large file; the first ``reset`` does.
    """

    benchmark: ClassVar[str]
    """Name of the room, e.g. ``"babyai"``."""

    metric: ClassVar[Metric]
    """What the paper reports for this benchmark: ``"success"`` or ``"progress"``."""

    def reset(self, seed: int, options: Mapping[str, Any]) -> TaskStart:
        """Start the episode that `seed` stands for.

        A finite split is walked round-robin, so that seeds ``0 … size-1`` play each of its tasks exactly once and few seeds
        already cover many kinds. ``options["task_index"]`` picks the i-th task of the split in the official order instead.

        Raises:
            ConfigurationError: an option that this engine does not know, or an index outside the split.
            MissingDependencyError: the engine, Java or the data set is not there.
            EngineError: the engine could not be started.
        """

    def act(self, command: str) -> TaskStep:
        """Carry out one command, any text at all; only a dead engine raises (EngineError)."""

    def answer(self, text: str) -> TaskStep:
        """Take the agent's final answer; ``done`` is True. Where the engine's state decides, the state is the answer."""

    def admissible(self) -> list[str]:
        """All commands that the engine would take now, sorted. May be slow; called only when asked for."""

    def expert(self) -> Iterator[str]:
        """The engine's own expert from the present state: an iterator of replies, asked for one at a time, each carried out
        before the next is asked for. A reply is a command, or ``<answer>…</answer>``. It ends where the expert gives up.
        """

    def background(self, rng: np.random.Generator) -> list[str]:
        """`I_q` of stage 1: true, useful facts about this episode in casual sentences; neither the query nor its answer."""

    def distractor_pool(self, rng: np.random.Generator) -> list[str]:
        """Texts related in meaning to this episode, but useless or misleading for it."""

    def size(self) -> int | None:
        """Number of tasks in the split; ``None`` where it is unlimited."""

    def close(self) -> None:
        """Free the engine. Safe to call twice; ``reset`` afterwards starts it again."""


@runtime_checkable
class LastingTask(Task, Protocol):
    """A task whose worlds can come back: ``reset(seed, {"world": {"seed": 3, "epoch": 1, "changes": 0.3}})``.

    In one world the seed chooses among ten goals or more, each of which can be reached; key facts are among the world's. Where
    its facts and instructions tell one world from another (an address, names that occur once) it says ``names_worlds = True``;
    otherwise a stream gives worlds names.
    """

    def world_facts(self) -> tuple[str, ...]:
        """What holds in the present world and can matter to a task in it, plain sentences in a fixed order."""
