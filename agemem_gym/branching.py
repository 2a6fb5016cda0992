"""Branching: the state of a :class:`~agemem_gym.env.MemoryEnv` as plain data, and the way back to it.

The engine itself is not in it: engines are exactly reproducible, so it is reset and its commands are played again.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agemem_gym.context import ContextSnapshot
from agemem_gym.episode import Episode
from agemem_gym.stage import StageState, TaskStage
from agemem_gym.task import TaskStep

if TYPE_CHECKING:
    from agemem_gym.env import MemoryEnv


@dataclass(frozen=True)
class EnvSnapshot:
    """Everything that :func:`go_back` needs: plain data that can be pickled."""

    commands: tuple[str, ...]
    context: ContextSnapshot
    memory: Any
    rng: Mapping[str, Any]
    episode: str
    standing: TaskStep
    stage: StageState | None
    turns: int | None
    clock: int


@dataclass(frozen=True)
class Parts:
    """What an env was made of: enough to make another one.

    Attributes:
        task: class of the task.
        of_task, of_env: the keywords of both.
    """

    task: type
    of_task: Mapping[str, Any]
    of_env: Mapping[str, Any]


@dataclass(frozen=True)
class Twin:
    """An env as data: how it was made, and its state where it has an episode. :meth:`make` makes another one of it."""

    env_class: type[MemoryEnv]
    parts: Parts
    made_by: tuple[str, Mapping[str, Any]]
    spec: Any
    state: EnvSnapshot | None

    @classmethod
    def of(cls, env: MemoryEnv) -> Twin:
        """The data of an env.

        Raises:
            TypeError: the env was not made by ``gym.make``, ``make_env`` or ``make_three_stage``.
        """
        if env.parts is None:
            raise TypeError(
                "this MemoryEnv cannot be copied or pickled: its task was handed over ready-made; make it with gym.make or "
                "agemem_gym.registration.make_env"
            )
        return cls(type(env), env.parts, env.made_by, env.spec, take(env) if env.recorder.recording else None)

    def make(self) -> MemoryEnv:
        """Another env in the same state; engine, index and model are its own or the process's, never copied."""
        env = self.env_class(self.parts.task(**self.parts.of_task), **self.parts.of_env)
        env.parts, env.made_by, env.spec = self.parts, self.made_by, self.spec
        if self.state is not None:
            go_back(env, self.state)
        return env

    def check_picklable(self) -> None:
        """Raise for a keyword that pickle cannot carry.

        Raises:
            TypeError: naming it.
        """
        for name, value in {**self.parts.of_task, **self.parts.of_env}.items():
            try:
                pickle.dumps(value)
            except Exception as error:  # whatever an object of the user's own raises
                raise TypeError(
                    f"this env cannot be pickled: {name}={value!r:.80} cannot ({error}); give it by name, or as a function "
                    "or object of a module"
                ) from error


def remade(twin: Twin) -> MemoryEnv:
    """What pickle calls."""
    return twin.make()


def take(env: MemoryEnv) -> EnvSnapshot:
    """The present state of an env."""
    return EnvSnapshot(
        commands=tuple(env.task_stage.commands),
        context=env.context.snapshot(),
        memory=env.memory.snapshot(),
        rng=dict(env.np_random.bit_generator.state),
        episode=env.episode.to_json(),
        standing=env.standing,
        stage=env.stage.state(),
        turns=env.task_stage.turns,
        clock=env.clock,
    )


def go_back(env: MemoryEnv, snapshot: EnvSnapshot) -> None:
    """Bring an env to a snapshot of it, or of another one made with the same keywords."""
    env.recorder.forget()  # if the engine fails there is no episode, rather than the old one over a new world
    episode = Episode.from_json(snapshot.episode)
    env.task.reset(episode.seed, dict(episode.options))
    task_stage = TaskStage(env.task, episode.start, env.say)
    task_stage.play_again(list(snapshot.commands))
    task_stage.turns = snapshot.turns
    env.task_stage = task_stage
    env.context.restore(snapshot.context)
    env.memory.restore(snapshot.memory)
    env.np_random.bit_generator.state = dict(snapshot.rng)
    env.standing, env.clock = snapshot.standing, snapshot.clock
    env.tokens_so_far = (episode.prompt_tokens, sum(step.reply_tokens for step in episode.steps))
    env.recorder.begin(episode)
    env.stage = task_stage if snapshot.stage is None else snapshot.stage.resume(env)
