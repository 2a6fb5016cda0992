"""One episode of an agent in an env, and the row that it leaves."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import gymnasium as gym

from agemem_gym.agent import Agent, agent_env_kwargs, make_agent
from agemem_gym.env import MemoryEnv
from agemem_gym.episode import Episode
from agemem_gym.errors import ConfigurationError, MissingDependencyError
from agemem_gym.reward import Judge, memory_metrics
from agemem_gym.reward.diagnosis import diagnose


@dataclass(frozen=True)
class Job:
    """One episode to be played.

    Attributes:
        agent: short name or ``package.module:Class``.
        env_id: e.g. ``"AgeMem-BabyAI-v0"``.
        env_kwargs: keywords of ``gym.make``, apart from those that the agent itself asks for.
        seed: what ``env.reset`` is given.
    """

    agent: str
    env_id: str
    seed: int
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What tells this episode from all others."""
        return json.dumps([self.agent, self.env_id, self.env_kwargs, self.seed], sort_keys=True, default=repr)


@dataclass(frozen=True)
class EpisodeRow:
    """The result of one episode: one line of ``episodes.jsonl``.

    All but `seconds` is the same in every run. `tool_calls` counts calls by tool; `prompt_tokens` sums the context over all
    replies; `memory_quality` to `overflows` are those of :class:`agemem_gym.reward.MemoryMetrics`; `judge_fallbacks` says why
    another judge than `judge` gave some of the scores; `diagnosis` lists the findings of
    :mod:`agemem_gym.reward.diagnosis`; `distractor_similarity` is the mean cosine of its distractors to the query; `error`
    says why an episode could not be played to its end (it is played again on resume).
    """

    agent: str
    env_id: str
    env_kwargs: Mapping[str, Any]
    seed: int
    task_id: str = ""
    success: bool = False
    progress: float = 0.0
    reward: float = 0.0
    reward_terms: Mapping[str, float] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    steps: int = 0
    moves: int = 0
    valid_moves: int = 0
    tool_calls: Mapping[str, int] = field(default_factory=dict)
    format_errors: int = 0
    prompt_tokens: int = 0
    reply_tokens: int = 0
    memory_entries: int = 0
    memory_quality: float = 0.0
    storage_quality: float = 0.0
    coverage: float = 0.0
    precision: float = 0.0
    hit_rate: float | None = None
    redundant_adds: int = 0
    overflows: int = 0
    judge: str = ""
    judge_fallbacks: Sequence[str] = ()
    diagnosis: Sequence[Mapping[str, Any]] = ()
    distractors: int = 0
    distractor_similarity: float | None = None
    terminated: bool = False
    truncated: bool = False
    record: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    error: str | None = None

    @property
    def job(self) -> Job:
        """The job that this row answers."""
        return Job(self.agent, self.env_id, self.seed, self.env_kwargs)

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, default=repr)


def row_of(job: Job, episode: Episode, judge: Judge, seconds: float) -> EpisodeRow:
    """The row of a finished episode; `judge` rates what its memory was worth."""
    memory = memory_metrics(episode, judge)
    last = episode.steps[-1] if episode.steps else None
    return EpisodeRow(
        agent=job.agent,
        env_id=job.env_id,
        env_kwargs=dict(job.env_kwargs),
        seed=job.seed,
        task_id=episode.start.task_id,
        success=episode.success,
        progress=episode.progress,
        reward=episode.reward,
        reward_terms=episode.reward_terms,
        metrics=dict(last.metrics) if last else {},
        steps=len(episode.steps),
        moves=episode.moves,
        valid_moves=sum(step.action is not None and step.stage == 3 and step.valid for step in episode.steps),
        tool_calls=memory.tool_calls,
        format_errors=sum(step.format_error is not None for step in episode.steps),
        prompt_tokens=memory.prompt_tokens,
        reply_tokens=sum(step.reply_tokens for step in episode.steps),
        memory_entries=memory.entries,
        memory_quality=memory.quality,
        storage_quality=memory.storage,
        coverage=memory.coverage,
        precision=memory.precision,
        hit_rate=memory.hit_rate,
        redundant_adds=memory.redundant_adds,
        overflows=memory.overflows,
        judge=memory.judge,
        judge_fallbacks=(*episode.judge_fallbacks, *judge.take_fallbacks()),
        diagnosis=tuple(asdict(finding) for finding in diagnose(episode)),
        distractors=len(episode.distractors),
        distractor_similarity=_mean_similarity(episode),
        terminated=episode.terminated,
        truncated=episode.truncated,
        record=dict(episode.start.record),
        seconds=round(seconds, 4),
        error=episode.engine_error,
    )


def _mean_similarity(episode: Episode) -> float | None:
    """Mean cosine of the episode's distractors to the query."""
    known = [item["similarity"] for item in episode.distractors if item["similarity"] is not None]
    return sum(known) / len(known) if known else None


def play_episode(env: gym.Env[str, str], agent: Agent, seed: int, options: dict[str, Any] | None = None) -> Episode:
    """Play one episode to its end and return its record."""
    obs, info = env.reset(seed=seed, options=options)
    agent.reset(info)
    over = False
    while not over:
        obs, _, terminated, truncated, info = env.step(agent.act(obs, info))
        over = terminated or truncated
    base = env.unwrapped
    assert isinstance(base, MemoryEnv)
    return base.episode


def play_jobs(jobs: list[Job]) -> Iterator[tuple[EpisodeRow, Episode | None]]:
    """Play jobs that share agent and env, one after another, in one env.

    What an agent or an engine raises ends that episode with an ``error`` and a fresh env; a wrong configuration is raised.
    """
    env: gym.Env[str, str] | None = None
    agent: Agent | None = None
    try:
        for job in jobs:
            started = time.perf_counter()
            if env is None or agent is None:
                env = gym.make(job.env_id, **{**job.env_kwargs, **agent_env_kwargs(job.agent)})
                agent = make_agent(job.agent)
            try:
                episode = play_episode(env, agent, job.seed)
            except (ConfigurationError, MissingDependencyError):
                raise
            except Exception as error:  # one broken episode must not end a run of hours; the row and the log say so
                _close(env, agent)
                env = None
                seconds = time.perf_counter() - started
                yield _failed(job, error, seconds), None
            else:
                yield row_of(job, episode, _judge_of(env), time.perf_counter() - started), episode
    finally:
        if env is not None and agent is not None:
            _close(env, agent)


def _judge_of(env: gym.Env[str, str]) -> Judge:
    base = env.unwrapped
    assert isinstance(base, MemoryEnv)
    return base.judge


def _failed(job: Job, error: Exception, seconds: float) -> EpisodeRow:
    text = f"{type(error).__name__}: {error}"
    return EpisodeRow(job.agent, job.env_id, dict(job.env_kwargs), job.seed, seconds=round(seconds, 4), error=text)


def _close(env: gym.Env[str, str], agent: Agent) -> None:
    env.close()
    close = getattr(agent, "close", None)
    if callable(close):
        close()
