"""Which episodes a board wants, and what tells each of them from all others.

What a user gives beats what an agent brings: an entry holds the keywords that are in force, and they stand in its rows, its
keys and its title.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agemem_gym.agent import AgentSpec, close_agent, env_kwargs_of, is_privileged, limits_of
from agemem_gym.checks import at_least
from agemem_gym.errors import ConfigurationError, install_command
from agemem_gym.fingerprint import fingerprints_of_files
from agemem_gym.jobs import Job, check_plain
from agemem_gym.memory import make_encoder
from agemem_gym.plain import plain
from agemem_gym.registration import BENCHMARKS, known_id
from agemem_gym.reward import check_judge, make_judge
from agemem_gym.urls import masked

_ONE_OWNER = ("chroma_path", "chroma_url", "collection")


@dataclass(frozen=True)
class Entry:
    """An agent in an env: a line of the table.

    Attributes:
        agent: who plays.
        env_id: where.
        given: the user's keywords of ``gym.make``.
        env_kwargs: those in force, the agent's among them, as plain data without secrets.
        inputs: fingerprints of the files that keywords name, by keyword.
        privileged: the agent is shown the expert's replies and the key facts.
        limits: numbers that bound the agent's memory, by its own account.
        control: keywords by which it is the control of another entry; empty where it is none.
    """

    agent: AgentSpec
    env_id: str
    given: Mapping[str, Any] = field(default_factory=dict)
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    privileged: bool = False
    control: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_stream(self) -> bool:
        """Whether memory is carried over from each episode to the next, so that they are played in order, in one env."""
        return bool(self.env_kwargs.get("keep_memory"))


@dataclass(frozen=True)
class Wanted:
    """One episode that a board wants."""

    entry: Entry
    job: Job

    @property
    def key(self) -> str:
        """What tells it from all others, the versions of the packages apart."""
        entry = self.entry
        job = self.job
        return key_of(
            entry.agent.record(), entry.env_id, entry.env_kwargs, entry.inputs, job.seed, job.sample, job.options
        )


def key_of(
    agent: Mapping[str, Any],
    env_id: str,
    env_kwargs: Mapping[str, Any],
    inputs: Mapping[str, str],
    seed: int,
    sample: int,
    options: Mapping[str, Any],
) -> str:
    """The key of an episode: agent (name, class, keywords, fingerprint), env, keywords in force, files, seed, sample, and
    what the reset was given besides, if anything.
    """
    besides = [options] if options else []
    return json.dumps([agent, env_id, env_kwargs, inputs, seed, sample, *besides], sort_keys=True, ensure_ascii=False)


def make_plan(
    agents: Sequence[AgentSpec],
    env_ids: Sequence[str],
    seeds: Iterable[int],
    *,
    samples: int = 1,
    env_kwargs: Mapping[str, Any] | None = None,
    control: Mapping[str, Any] | None = None,
    only: Mapping[str, Sequence[str]] | None = None,
) -> list[Wanted]:
    """All episodes of ``agents x env_ids x seeds x samples``, numbered; whatever is named twice is there once.

    With a `control` each three-stage env is there once more, under those keywords. Agents whose name is in `only` play no
    other envs than those named there.

    Raises:
        ConfigurationError: an unknown env, keywords that are no plain data, two agents of one label, or a control of nothing.
    """
    given = dict(env_kwargs or {})
    check_plain("env keywords", given)
    at_least("samples", samples)
    check_envs(env_ids)
    each_env = list(dict.fromkeys(env_ids))
    entries = [
        entry
        for agent in _each_once(agents)
        for entry in _entries(agent, _of_these(each_env, (only or {}).get(agent.name)), given)
    ]
    if control:
        entries += _controls(entries, given, control)
    entries.sort(key=lambda entry: list(env_ids).index(entry.env_id))
    seeds = list(seeds)
    wanted = [(entry, seed, sample) for entry in entries for seed in seeds for sample in range(samples)]
    return [
        Wanted(entry, Job(number, entry.env_id, seed, entry.given, sample))
        for number, (entry, seed, sample) in enumerate(wanted)
    ]


def check_alone(plan: Sequence[Wanted], live: int) -> None:
    """Refuse envs that would share one collection of Chroma.

    Raises:
        ConfigurationError: several envs would write into it at a time.
    """
    shared = [name for name in _ONE_OWNER if live > 1 and any(name in wanted.entry.env_kwargs for wanted in plan)]
    if shared:
        raise ConfigurationError(
            f"{', '.join(shared)}: {live} envs at a time would share one collection; play one episode at a time (--jobs 1, "
            "--slots 1), or leave the keyword out: each env then has its own"
        )


def check_envs(env_ids: Sequence[str]) -> None:
    """Refuse ids that there are not.

    Raises:
        ConfigurationError: it says which id was probably meant.
    """
    for env_id in env_ids:
        known_id(env_id)


def check_judges(wanted: Iterable[Wanted]) -> None:
    """Ask each language model that is to judge whether it does, before an hour is spent on it.

    Raises:
        JudgeError: one does not; every score would be the offline judge's under its name.
    """
    asked: list[Any] = []
    for entry in {id(item.entry): item.entry for item in wanted}.values():
        kwargs, _ = _in_force(entry.agent, entry.given)
        judge = kwargs.get("judge", "offline"), kwargs.get("judge_options")
        if judge not in asked:
            asked.append(judge)
            check_judge(make_judge(judge[0], make_encoder("hash"), judge[1]))


def not_installed(env_id: str) -> str | None:
    """What this env's engine lacks here, and the command that brings it; None if it lacks nothing."""
    for benchmark in BENCHMARKS:
        if env_id in benchmark.ids:
            if not benchmark.installed:
                return f"{benchmark.engine} is not installed: {install_command(benchmark.extra)}"
            if benchmark.extra == "scienceworld" and shutil.which("java") is None:
                return "there is no java on the PATH: install a Java runtime (8 or later)"
    return None


def _each_once(agents: Sequence[AgentSpec]) -> list[AgentSpec]:
    by_label: dict[str, AgentSpec] = {}
    for agent in agents:
        if by_label.setdefault(agent.label, agent) != agent:
            raise ConfigurationError(
                f"two agents are called {agent.label!r} ({by_label[agent.label].target} and {agent.target}); name one of them: "
                f"NAME={agent.target}"
            )
    return list(by_label.values())


def _of_these(env_ids: Sequence[str], only: Sequence[str] | None) -> list[str]:
    return [env_id for env_id in env_ids if only is None or env_id in only]


def _entries(agent: AgentSpec, env_ids: Sequence[str], given: Mapping[str, Any]) -> list[Entry]:
    kwargs, limits = _in_force(agent, given)
    shown, files = masked(plain(kwargs)), fingerprints_of_files(kwargs)
    return [Entry(agent, env_id, given, shown, files, is_privileged(kwargs), limits=limits) for env_id in env_ids]


def _controls(entries: Sequence[Entry], given: Mapping[str, Any], control: Mapping[str, Any]) -> list[Entry]:
    """The three-stage entries once more, under the control's keywords."""
    check_plain("keywords of the control", control)
    worded = ", ".join(f"{key}={value}" for key, value in control.items())
    in_stages = [entry for entry in entries if is_in_stages(entry.env_id)]
    if not in_stages:
        raise ConfigurationError(f"control {worded}: it is played in three-stage envs, and none of these is one")
    controls = [
        replace(made, control=plain(control))
        for entry in in_stages
        for made in _entries(entry.agent, [entry.env_id], {**given, **control})
    ]
    for entry, made in zip(in_stages, controls, strict=True):
        if made.env_kwargs == entry.env_kwargs:
            raise ConfigurationError(
                f"control {worded}: {entry.env_id} is played so already; leave it out of --env-arg"
            )
    return controls


def is_in_stages(env_id: str) -> bool:
    """Whether an id is that of a three-stage env."""
    return "-ThreeStage-" in env_id


def _in_force(agent: AgentSpec, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, int]]:
    """The keywords that the agent brings, under those that the user gives; and the agent's limits."""
    made = agent.make()
    try:
        return {**env_kwargs_of(made), **given}, limits_of(made)
    finally:
        close_agent(made)
