"""Groups of episodes of one task, played at the same time, and the rows that the learner makes of them.

::

    tasks × K ─► rollout (each goes on as soon as its reply is there) ─► Trajectory: record, replies as ids
                     └─ Sampler ─► LocalModel ─► slots                         │
                     └─ TrainingEnvs: kept from iteration to iteration         ▼
                                                              Group ─► credit ─► StepRows

An episode's return is what its env gives at the end: the env's ``reward=`` says which.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np

from agemem_gym.agent import close_agent
from agemem_gym.baselines.grpo import advantages
from agemem_gym.baselines.grpo.config import GRPOConfig
from agemem_gym.baselines.grpo.rows import StepRow
from agemem_gym.baselines.grpo.sampler import Drawn, Sampler
from agemem_gym.chat.local.model import LocalModel
from agemem_gym.episode import Episode
from agemem_gym.errors import AgeMemError
from agemem_gym.jobs import Job
from agemem_gym.plain import plain
from agemem_gym.registration import make_memory_env
from agemem_gym.rescore import recorded_reward
from agemem_gym.reward import Judge, MemoryMetrics, memory_metrics
from agemem_gym.rollout import Played, rollout


class CollectError(AgeMemError):
    """No episode of an iteration could be played."""


@dataclass(frozen=True, eq=False)
class Trajectory:
    """An episode that was played.

    Attributes:
        job: what was played.
        episode: its record, over: terminated or truncated.
        replies: all that were drawn, in order.
        judge: the env's.
        outgrown: it ended because its prompt filled the model's window.
    """

    job: Job
    episode: Episode
    replies: tuple[Drawn, ...]
    judge: Judge
    outgrown: bool = False

    @property
    def total(self) -> float:
        """Its return."""
        return self.episode.reward

    @property
    def tokens(self) -> int:
        """Tokens that were drawn."""
        return sum(len(reply.ids) for reply in self.replies)

    def memory(self) -> MemoryMetrics:
        """What its memory was worth."""
        return memory_metrics(self.episode, self.judge)


@dataclass(frozen=True)
class Group:
    """Episodes of one task that differ in what was drawn; those that failed are not among them."""

    episodes: tuple[Trajectory, ...]

    @property
    def played(self) -> list[advantages.Played]:
        """What each came to."""
        return [advantages.Played(episode.total, len(episode.replies)) for episode in self.episodes]


@dataclass(frozen=True)
class Collected:
    """What came of an iteration's jobs.

    Attributes:
        trajectories: in the order of their jobs.
        failures: errors of the episodes that could not be played to an end; the policy is not to blame for these.
        seconds, generating: of it all, and of them those that went into prompts and replies; the rest is env, memory, encoder.
    """

    trajectories: tuple[Trajectory, ...]
    failures: tuple[str, ...]
    seconds: float
    generating: float

    def groups(self) -> tuple[Group, ...]:
        """The trajectories of each task together, in the order of tasks."""
        of_task: dict[tuple[str, int], list[Trajectory]] = {}
        for trajectory in self.trajectories:
            of_task.setdefault((trajectory.job.env_id, trajectory.job.seed), []).append(trajectory)
        return tuple(Group(tuple(episodes)) for episodes in of_task.values())


class Collector:
    """Plays jobs with a model, in slots and envs that it keeps.

    Args:
        model: the policy, in memory.
        slots: live episodes at a time.
        temperature, max_tokens, seed: of :class:`~agemem_gym.baselines.grpo.sampler.Sampler`.
        precision: makes the context in which the model is asked, autocasting say.
    """

    def __init__(
        self,
        model: LocalModel,
        *,
        slots: int,
        temperature: float,
        max_tokens: int,
        seed: int,
        precision: Callable[[], AbstractContextManager[Any]] = contextlib.nullcontext,
    ) -> None:
        self._model = model
        self._slots = slots
        self._precision = precision
        self.sampler = Sampler(model, temperature=temperature, max_tokens=max_tokens, seed=seed)
        self.envs = TrainingEnvs()

    def play(self, jobs: Sequence[Job], iteration: int, curriculum: Mapping[str, Any] | None = None) -> Collected:
        """Play jobs to their ends.

        Args:
            jobs: episodes of one task behind one another, no task twice; their numbers have never been used before.
            iteration: part of what seeds the draws.
            curriculum: the state that the envs' curriculum is in, for all episodes alike.

        Raises:
            CollectError: none of them could be played.
            ConfigurationError, MissingDependencyError: an env cannot be made or started as it is configured.
        """
        started = time.perf_counter()
        self._model.engine.forget()  # the weights may have changed
        self.sampler.begin(iteration)
        self.envs.curriculum = curriculum
        with self._precision():
            played = list(rollout(self.sampler, jobs, slots=self._slots, envs=self.envs))
        order = {job.number: place for place, job in enumerate(jobs)}
        played.sort(key=lambda one: order[one.job.number])
        found = [self._trajectory(one) for one in played]
        failures = tuple(_why(one) for one, made in zip(played, found, strict=True) if made is None)
        if played and len(failures) == len(played):
            raise CollectError(f"no episode could be played; the first one: {failures[0]}")
        trajectories = tuple(made for made in found if made is not None)
        return Collected(trajectories, failures, time.perf_counter() - started, self.sampler.seconds)

    def close(self) -> None:
        """Close agent and envs."""
        self.sampler.close()
        self.envs.shut()

    def _trajectory(self, played: Played) -> Trajectory | None:
        replies = tuple(self.sampler.drawn.get(played.job.number, ()))
        outgrown = played.job.number in self.sampler.outgrown
        episode = played.episode
        if episode is None or episode.engine_error is not None or played.judge is None or not replies:
            return None
        if played.failure is not None:
            if not outgrown:
                return None
            _end(episode, played.judge)
        return Trajectory(played.job, episode, replies, played.judge, outgrown)


def _why(played: Played) -> str:
    """Why an episode does not count."""
    if played.failure is not None:
        return f"{played.failure.error}\n{played.failure.traceback}"
    return (played.episode.engine_error if played.episode else None) or "it has no reply"


def _end(episode: Episode, judge: Judge) -> None:
    """Let an episode end where its slot does, truncated, with the return that its env would have given."""
    episode.truncated, episode.ended_by = True, "overflow"
    episode.reward_terms = recorded_reward(episode).terms(episode, episode.metric, judge)
    episode.reward = episode.reward_terms["total"]


class TrainingEnvs:
    """Each slot's envs, one for each kind that was wanted of it; they outlive a rollout.

    Attributes:
        curriculum: the state that a curriculum is put into before each episode.
    """

    def __init__(self) -> None:
        self.curriculum: Mapping[str, Any] | None = None
        self._envs: dict[tuple[int, str], gym.Env[str, str]] = {}

    def take(self, slot: int, job: Job, kwargs: Mapping[str, Any]) -> tuple[gym.Env[str, str], bool]:
        """The env for this slot's next job, and whether it is a fresh one."""
        key = slot, f"{job.env_id} {plain(dict(kwargs))!r}"
        fresh = key not in self._envs
        if fresh:
            self._envs[key] = make_memory_env(job.env_id, **kwargs)
        env = self._envs[key]
        if self.curriculum is not None and env.has_wrapper_attr("set_progress"):
            env.get_wrapper_attr("load_state_dict")(self.curriculum)
        return env, fresh

    def drop(self, slot: int) -> None:
        """An env of this slot has failed."""
        for key in [key for key in self._envs if key[0] == slot]:
            with contextlib.suppress(Exception):
                close_agent(self._envs.pop(key))

    def close(self) -> None:
        """A rollout is over; the envs stay."""

    def shut(self) -> None:
        """Close all envs."""
        for slot in {slot for slot, _ in self._envs}:
            self.drop(slot)


def jobs_of(
    env_id: str, seeds: Sequence[int], k: int, env_kwargs: Mapping[str, Any], first_number: int = 0
) -> list[Job]:
    """K episodes of each task, behind one another."""
    return [
        Job(first_number + place * k + sample, env_id, seed, env_kwargs, sample)
        for place, seed in enumerate(seeds)
        for sample in range(k)
    ]


def rows_of(groups: Sequence[Group], config: GRPOConfig) -> tuple[list[StepRow], advantages.Credited]:
    """The rows of all groups that have a spread, with their advantages, and what was left out."""
    credited = advantages.credit([group.played for group in groups], config)
    rows: list[StepRow] = []
    episodes = 0
    for group, of_group in zip(groups, credited.groups, strict=True):
        for trajectory, values in zip(group.episodes, of_group or (), strict=False):
            rows += _rows(trajectory, values, episodes)
            episodes += 1
    return rows, credited


def _rows(trajectory: Trajectory, values: Any, number: int) -> list[StepRow]:
    return [
        StepRow(reply.prompt, np.asarray(reply.ids, np.int64), reply.logprobs, float(value), number)
        for reply, value in zip(trajectory.replies, values, strict=True)
    ]
