"""The row of an episode: one line of ``results.jsonl``."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from agemem_gym.agent import AgentSpec
from agemem_gym.episode import Episode
from agemem_gym.failure import Failure
from agemem_gym.leaderboard.plan import Wanted, key_of
from agemem_gym.plain import plain
from agemem_gym.reward import Judge, answer_scores, memory_metrics
from agemem_gym.reward.diagnosis import diagnose
from agemem_gym.rollout import Played
from agemem_gym.tools.effects import Retrieved
from agemem_gym.urls import masked
from agemem_gym.versions import installed_versions

_LONGEST_ERROR = 2000


@dataclass(frozen=True)
class EpisodeRow:
    """The result of one episode.

    All but `seconds`, `policy` and `place` is the same in every run. Who and what: `agent` is the agent's name, `agent_spec`,
    `agent_kwargs` and `agent_fingerprint` what it was made of; `privileged` agents are shown the expert's replies and the key
    facts; `env_kwargs` are the keywords in force and `inputs` the fingerprints of files that they name; `sample` is the number
    in a group of episodes of one task, `options` what the reset was given besides; `curriculum`, `wrappers` and `versions` are
    what was in force.

    `answer_scores` are J, EM and F1 of the answer to a question, in every reward mode; empty where the task is none.
    `tool_calls` counts calls by tool, `dialects` replies by the dialect in which they were understood, and `strict_replies`
    those that kept to the protocol's letter; `prompt_tokens` sums the context over all replies, `policy` what the agent's
    model counted itself, and `layer` calls, tokens, failures and cost of a memory layer's own calls; costs are those of a price
    table. `token_budget` is the context's, `limits` holds the numbers that bound the agent's memory by its own account, and
    `most_recalled` the most entries that one recall or RETRIEVE brought. `memory_quality` to `overflows`, but for `no_ops` (the
    share of a tool's calls that changed nothing), are those of :class:`agemem_gym.reward.MemoryMetrics`; tables show
    them where something had to be remembered (`had_to_remember`). `judge_fallbacks` says why another judge than `judge`
    gave some of the scores; `diagnosis` lists the findings of :mod:`agemem_gym.reward.diagnosis`; `distractor_similarity`
    is the mean cosine of its distractors to the query.

    `memory_gain_control` holds the keywords by which the episode is the control of another one (``{"n1": 0}``: nothing was
    told in stage 1), empty where it is none.

    `error` says why an episode could not be played to its end (it counts as a failure, and is played again on resume):
    `error_at` in which file and line, `error_step` after how many replies, `last_reply` which was the last of them. `place`
    says where the episode's record lies: ``file``, ``offset`` and ``length`` in bytes, and ``line`` from 1.
    """

    agent: str
    env_id: str
    env_kwargs: Mapping[str, Any]
    seed: int
    sample: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    agent_spec: str = ""
    agent_kwargs: Mapping[str, Any] = field(default_factory=dict)
    agent_fingerprint: str = ""
    privileged: bool = False
    inputs: Mapping[str, str] = field(default_factory=dict)
    memory_gain_control: Mapping[str, Any] = field(default_factory=dict)
    task_id: str = ""
    success: bool = False
    progress: float = 0.0
    reward: float = 0.0
    reward_terms: Mapping[str, float] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    answer_scores: Mapping[str, float] = field(default_factory=dict)
    steps: int = 0
    moves: int = 0
    valid_moves: int = 0
    tool_calls: Mapping[str, int] = field(default_factory=dict)
    format_errors: int = 0
    strict_replies: int = 0
    dialects: Mapping[str, int] = field(default_factory=dict)
    prompt_tokens: int = 0
    reply_tokens: int = 0
    policy: Mapping[str, float] = field(default_factory=dict)
    layer: Mapping[str, float] = field(default_factory=dict)
    token_budget: int = 0
    limits: Mapping[str, int] = field(default_factory=dict)
    most_recalled: int = 0
    memory_entries: int = 0
    had_to_remember: bool = False
    memory_quality: float = 0.0
    storage_quality: float = 0.0
    coverage: float = 0.0
    precision: float = 0.0
    hit_rate: float | None = None
    redundant_adds: int = 0
    no_ops: Mapping[str, float] = field(default_factory=dict)
    overflows: int = 0
    judge: str = ""
    judge_fallbacks: Sequence[str] = ()
    diagnosis: Sequence[Mapping[str, Any]] = ()
    distractors: int = 0
    distractor_similarity: float | None = None
    terminated: bool = False
    truncated: bool = False
    record: Mapping[str, Any] = field(default_factory=dict)
    curriculum: Mapping[str, Any] = field(default_factory=dict)
    wrappers: Sequence[Any] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    error: str | None = None
    error_at: str = ""
    error_step: int = 0
    last_reply: str = ""
    traceback: str = ""
    place: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What tells this episode from all others, the versions of the packages apart; as :attr:`.plan.Wanted.key`."""
        agent = {
            "name": self.agent,
            "spec": self.agent_spec,
            "kwargs": self.agent_kwargs,
            "fingerprint": self.agent_fingerprint,
        }
        return key_of(agent, self.env_id, self.env_kwargs, self.inputs, self.seed, self.sample, self.options)

    @property
    def agent_label(self) -> str:
        """Name and keywords of the agent."""
        return AgentSpec(self.agent, self.agent_spec, self.agent_kwargs).label

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(plain(asdict(self)), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, line: str) -> EpisodeRow:
        """Read what :meth:`to_json` wrote; keys of a later version are passed over.

        Raises:
            ValueError: the line is no row; the message says what is wrong with it.
        """
        data = json.loads(line)
        if not isinstance(data, dict):
            raise ValueError(f"expected a mapping, not {type(data).__name__}")
        known = {item.name: str(item.type) for item in fields(cls)}
        for name in ("agent", "env_id", "env_kwargs", "seed", "agent_fingerprint", "versions"):
            if name not in data:
                raise ValueError(f"it has no {name!r}")
        for name, value in data.items():
            if name in known and not _fits(value, known[name]):
                raise ValueError(f"{name!r} is {value!r:.40}, expected {known[name]}")
        return cls(**{name: value for name, value in data.items() if name in known})


def row_of(wanted: Wanted, played: Played) -> EpisodeRow:
    """The row of what came of a job."""
    row = _begun(wanted, played.seconds)
    if played.episode is not None and played.judge is not None:
        row = _told_by(row, played.episode, played.judge)
    if played.failure is not None:
        row = _failed(row, played.failure)
    return replace(row, success=False, progress=0.0, reward=0.0) if row.error is not None else row


def lost_row(wanted: Wanted, error: str) -> EpisodeRow:
    """The row of an episode of which nothing but its end is known."""
    return replace(_begun(wanted, 0.0), error=error)


def _begun(wanted: Wanted, seconds: float) -> EpisodeRow:
    entry, agent = wanted.entry, wanted.entry.agent.record()
    return EpisodeRow(
        agent=agent["name"],
        agent_spec=agent["spec"],
        agent_kwargs=agent["kwargs"],
        agent_fingerprint=agent["fingerprint"],
        privileged=entry.privileged,
        env_id=entry.env_id,
        env_kwargs=entry.env_kwargs,
        inputs=entry.inputs,
        memory_gain_control=entry.control,
        limits=entry.limits,
        seed=wanted.job.seed,
        sample=wanted.job.sample,
        options=plain(wanted.job.options),
        versions=installed_versions(),
        seconds=round(seconds, 4),
    )


def _told_by(row: EpisodeRow, episode: Episode, judge: Judge) -> EpisodeRow:
    """The row with all that the episode's record tells; `judge` rates what its memory was worth."""
    memory = memory_metrics(episode, judge)
    last = episode.steps[-1] if episode.steps else None
    return replace(
        row,
        task_id=episode.start.task_id,
        success=episode.success,
        progress=episode.progress,
        reward=episode.reward,
        reward_terms=episode.reward_terms,
        metrics=dict(last.metrics) if last else {},
        answer_scores=answer_scores(episode, judge),
        steps=len(episode.steps),
        moves=episode.moves,
        valid_moves=sum(step.action is not None and step.stage == 3 and step.valid for step in episode.steps),
        tool_calls=memory.tool_calls,
        format_errors=sum(step.format_error is not None for step in episode.steps),
        strict_replies=sum(step.format_error is None and not step.dialect for step in episode.steps),
        dialects=dict(sorted(Counter(step.dialect for step in episode.steps if step.dialect).items())),
        prompt_tokens=memory.prompt_tokens,
        reply_tokens=sum(step.reply_tokens for step in episode.steps),
        policy=_policy(episode),
        layer=_layer(episode),
        token_budget=episode.token_budget,
        most_recalled=_most_recalled(episode),
        memory_entries=memory.entries,
        had_to_remember=memory.needed,
        memory_quality=memory.quality,
        storage_quality=memory.storage,
        coverage=memory.coverage,
        precision=memory.precision,
        hit_rate=memory.hit_rate,
        redundant_adds=memory.redundant_adds,
        no_ops=memory.no_ops.rates,
        overflows=memory.overflows,
        judge=memory.judge,
        judge_fallbacks=(*episode.judge_fallbacks, *judge.take_fallbacks()),
        diagnosis=tuple(asdict(finding) for finding in diagnose(episode)),
        distractors=len(episode.distractors),
        distractor_similarity=_mean_similarity(episode),
        terminated=episode.terminated,
        truncated=episode.truncated,
        record=dict(episode.start.record),
        curriculum=plain(episode.curriculum),
        wrappers=plain(episode.wrappers),
        versions=episode.versions or row.versions,
        error=masked(episode.engine_error) if episode.engine_error is not None else None,
    )


def _policy(episode: Episode) -> dict[str, float]:
    """Sums of what the agent's model counted, of the replies for which it did."""
    sums: dict[str, float] = {}
    for step in episode.steps:
        for name in ("prompt_tokens", "completion_tokens", "cached_tokens", "cost", "seconds"):
            value = getattr(step.policy, name, None)
            if value is not None:
                sums[name] = sums.get(name, 0) + value
    return sums


def _layer(episode: Episode) -> dict[str, float]:
    """Sums over a memory layer's own calls; empty where it made none."""
    names = ("calls", "prompt_tokens", "completion_tokens", "failures", "cost")
    sums = {name: sum(item.get(name, 0) for item in episode.layer) for name in names}
    return {name: value for name, value in sums.items() if name != "cost" or value} if any(sums.values()) else {}


def _most_recalled(episode: Episode) -> int:
    by_layer = [int(item["entries"]) for item in episode.layer if item["what"] == "recall"]
    by_tool = [len(result.effect.matches) for result in episode.tool_results if isinstance(result.effect, Retrieved)]
    return max((*by_layer, *by_tool), default=0)


def _failed(row: EpisodeRow, failure: Failure) -> EpisodeRow:
    return replace(
        row,
        error=masked(failure.error)[:_LONGEST_ERROR],
        error_at=failure.where,
        error_step=failure.step,
        last_reply=failure.last_reply,
        traceback=masked(failure.traceback),
    )


def _mean_similarity(episode: Episode) -> float | None:
    """Mean cosine of the episode's distractors to the query."""
    known = [item["similarity"] for item in episode.distractors if item["similarity"] is not None]
    return math.fsum(known) / len(known) if known else None


def _fits(value: Any, annotation: str) -> bool:
    """Whether a value read from JSON has the type that the annotation names."""
    if value is None:
        return "None" in annotation
    kind = annotation.partition("[")[0].partition(" ")[0]
    if kind == "bool":
        return isinstance(value, bool)
    if kind in ("int", "float"):
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole or (kind == "float" and isinstance(value, float) and math.isfinite(value))
    return isinstance(value, {"str": str, "Mapping": dict, "Sequence": list}[kind])
