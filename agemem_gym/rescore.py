"""Rescore: saved episodes judged again, by another judge or another return, without an engine.

Rewards, memory metrics and the diagnosis are functions of an :class:`~agemem_gym.episode.Episode`, so a record is enough::

    Episode ─► rescore(episode, reward, judge) ─► Rescored(episode with the new terms, metrics, diagnosis)

With the record's own reward and judge the terms come back as they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from agemem_gym.episode import Episode
from agemem_gym.errors import ConfigurationError
from agemem_gym.memory import make_encoder
from agemem_gym.plain import opaque, plain
from agemem_gym.reward import Judge, MemoryMetrics, Reward, make_judge, memory_metrics
from agemem_gym.reward.diagnosis import Finding, diagnose


@dataclass(frozen=True)
class Rescored:
    """An episode as it is judged now.

    Attributes:
        episode: the record with the new terms, return, judge and fallbacks; all else as it was.
        metrics: what its memory was worth.
        diagnosis: the findings.
        changes: terms that differ from the record's: old and new value, None where a term was not there.
    """

    episode: Episode
    metrics: MemoryMetrics
    diagnosis: tuple[Finding, ...]
    changes: Mapping[str, tuple[float | None, float | None]]


def rescore(episode: Episode, reward: Reward | None = None, judge: Judge | None = None) -> Rescored:
    """Judge a finished episode again.

    Args:
        episode: its record.
        reward: gives the return; the record's own for ``None``.
        judge: scores answers and memories; the record's own for ``None``.

    Raises:
        ConfigurationError: the episode is not over, or its own reward or judge cannot be made again from the record.
    """
    if not episode.over:
        raise ConfigurationError(f"the episode of seed {episode.seed} is not over: there is nothing to judge yet")
    judge = judge or recorded_judge(episode)
    reward = reward or recorded_reward(episode)
    terms = reward.terms(episode, episode.metric, judge)
    fallbacks = list(judge.take_fallbacks())
    again = replace(
        episode,
        reward=terms["total"],
        reward_terms=terms,
        reward_settings=plain(reward),
        judge=judge.name,
        judge_fallbacks=fallbacks,
    )
    metrics = memory_metrics(again, judge)
    again.judge_fallbacks.extend(judge.take_fallbacks())
    return Rescored(again, metrics, tuple(diagnose(again)), _changes(episode.reward_terms, terms))


def recorded_reward(episode: Episode) -> Reward:
    """The reward that the record was made with.

    Raises:
        ConfigurationError: one of its settings is an object of the user's own.
    """
    defaults = plain(Reward())
    own = {name: value for name, value in episode.reward_settings.items() if value != defaults.get(name)}
    if hidden := list(opaque(own)):
        raise ConfigurationError(f"the record's reward has {', '.join(hidden)}=<an object>: say which reward to use")
    return Reward(**own)


def recorded_judge(episode: Episode) -> Judge:
    """The judge that the record was made with.

    Raises:
        ConfigurationError: it, or the encoder that it compares texts with, is an object of the user's own.
    """
    specs = {
        "judge": episode.env_kwargs.get("judge", "offline"),
        "encoder": episode.env_kwargs.get("encoder", "minilm"),
        "judge_options": episode.env_kwargs.get("judge_options"),
    }
    if hidden := list(opaque(specs)):
        raise ConfigurationError(f"the record was made with {', '.join(hidden)}=<an object>: say which judge to use")
    return judge_for(episode, specs["judge"], specs["judge_options"])


def judge_for(episode: Episode, judge: str, options: Mapping[str, Any] | None = None) -> Judge:
    """The judge of that name with the record's encoder, where it can be made again; with the default one otherwise."""
    encoder = episode.env_kwargs.get("encoder", "minilm")
    name = encoder if isinstance(encoder, str) else "minilm"
    return _judge(judge, name, tuple(sorted((options or {}).items())))


@lru_cache(maxsize=8)
def _judge(spec: str, encoder: str, options: tuple[tuple[str, Any], ...]) -> Judge:
    keywords = {"options": dict(options)} if options else {}
    return make_judge(spec, make_encoder(encoder), **keywords)


def _changes(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, tuple[float | None, float | None]]:
    names = [*after, *(name for name in before if name not in after)]
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}
