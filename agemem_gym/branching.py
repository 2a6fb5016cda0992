"""Branching: the state of a :class:`~agemem_gym.env.MemoryEnv` as plain data, and the way back to it.

The engine itself is not in it: engines are exactly reproducible, so it is reset and its commands are played again.
"""

from __future__ import annotations

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
    env.recorder.begin(episode)
    env.stage = task_stage if snapshot.stage is None else snapshot.stage.resume(env)
