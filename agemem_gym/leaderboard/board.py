"""The board: what all rows of a folder come to, an agent in an env a line.

A line holds the episodes of one agent (name and keywords) in one env (with the keywords in force), all of one fingerprint and
of the same versions: the newest. Rows of other ones stay in the results and are counted, not shown.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agemem_gym.leaderboard.columns import total_cost
from agemem_gym.leaderboard.control import Gain, gains_of
from agemem_gym.leaderboard.plan import is_in_stages
from agemem_gym.leaderboard.row import EpisodeRow

PRIVILEGED = "†"
ADMISSIBLE = "‡"
_SHOWN_BY_A_MARK = ("info_expert", "info_admissible")


@dataclass(frozen=True)
class Line:
    """The episodes of one agent in one env.

    Attributes:
        env, agent: as they stand in a table; behind an agent's name stand its marks.
        rows: by seed and sample.
    """

    env: str
    agent: str
    rows: tuple[EpisodeRow, ...]


@dataclass(frozen=True)
class Board:
    """All lines, env after env, the best success first within an env; `gains` are those beside their controls, and `notes` what
    a reader has to know besides.
    """

    lines: tuple[Line, ...]
    superseded: int = 0
    notes: tuple[str, ...] = field(default_factory=tuple)
    gains: tuple[Gain, ...] = ()


def make_board(rows: Iterable[EpisodeRow], control: Mapping[str, Any] | None = None) -> Board:
    """The board of rows given in the order in which they finished; of an episode that was played again the last row counts.

    Lines are set beside those of the controls that rows name, and of `control`.
    """
    groups: dict[tuple[str, str], dict[object, dict[tuple[int, int], EpisodeRow]]] = {}
    newest: dict[tuple[str, str], object] = {}
    total = 0
    for row in rows:
        if row.options:  # an episode of a stream, which has a board of its own
            continue
        total += 1
        title = env_title(row), row.agent_label + marks(row)
        variant = (row.agent_spec, row.agent_fingerprint, tuple(sorted(row.versions.items())), str(row.inputs))
        group = groups.setdefault(title, {}).setdefault(variant, {})
        total -= (row.seed, row.sample) in group
        group[row.seed, row.sample] = row
        newest[title] = variant
    lines = [
        Line(env, agent, tuple(row for _, row in sorted(variants[newest[env, agent]].items())))
        for (env, agent), variants in groups.items()
    ]
    lines.sort(key=lambda line: (_memory_first(line.env), -_success(line.rows), line.agent))
    superseded = total - sum(len(line.rows) for line in lines)
    return Board(tuple(lines), superseded, tuple(_notes(lines, superseded)), gains_of(lines, [control or {}]))


def env_title(row: EpisodeRow) -> str:
    """The env with the keywords in force; what an agent is shown stands behind the agent instead."""
    kwargs = {key: value for key, value in row.env_kwargs.items() if key not in _SHOWN_BY_A_MARK}
    keywords = ", ".join(f"{key}={_worded(value)}" for key, value in sorted(kwargs.items()))
    return f"{row.env_id} ({keywords})" if keywords else row.env_id


def marks(row: EpisodeRow) -> str:
    """What the agent is shown besides the observation."""
    seen = (PRIVILEGED if row.privileged else "") + (ADMISSIBLE if row.env_kwargs.get("info_admissible") else "")
    return f" {seen}" if seen else ""


def _worded(value: object) -> object:
    return value["not_plain"] if isinstance(value, Mapping) and set(value) == {"not_plain"} else value


def _memory_first(env: str) -> tuple[bool, str]:
    return not is_in_stages(env), env


def _success(rows: Sequence[EpisodeRow]) -> float:
    return math.fsum(row.success for row in rows) / len(rows)


def _notes(lines: Sequence[Line], superseded: int) -> list[str]:
    """What a reader has to know to read the table rightly."""
    rows = [row for line in lines for row in line.rows]
    notes = []
    if any(row.privileged for row in rows):
        notes.append(f"{PRIVILEGED} privileged: the agent is shown the expert's replies and the key facts.")
    if any(row.env_kwargs.get("info_admissible") for row in rows):
        notes.append(f"{ADMISSIBLE} The agent is shown the admissible commands.")
    notes += [note for note in (_limits(lines), _costs(lines)) if note]
    failed = [row for row in rows if row.error is not None]
    if failed:
        notes.append(
            f"{len(failed)} of {len(rows)} episodes ended in an error; they count as failures; the next run plays them again."
        )
    fallbacks = [row for row in rows if row.judge_fallbacks]
    if fallbacks:
        count = sum(len(row.judge_fallbacks) for row in fallbacks)
        judges = ", ".join(sorted({row.judge for row in fallbacks}))
        notes.append(
            f"The judge {judges} failed {count} times in {len(fallbacks)} episodes, and the offline judge judged instead; the "
            f"first time: {fallbacks[0].judge_fallbacks[0]}"
        )
    if superseded:
        notes.append(
            f"{superseded} more episodes, of earlier versions of these agents, files or packages, are in the results, not "
            "in the table."
        )
    return notes + _versions(rows)


def _limits(lines: Sequence[Line]) -> str:
    """Whether the agents whose memory is bound are bound alike: who may read three times as much is not comparable."""
    bound: dict[tuple[int, int], dict[str, None]] = {}
    for line in lines:
        for row in line.rows:
            if "top_k" in row.limits and row.token_budget:
                bound.setdefault((row.token_budget, row.limits["top_k"]), {})[line.agent] = None
    if not bound:
        return ""
    worded = {key: f"a context of {key[0]:,} tokens and top_k {key[1]}" for key in bound}
    windows = sorted(
        {(line.agent, row.limits["window"]) for line in lines for row in line.rows if "window" in row.limits}
    )
    beside = "".join(f" {agent} reads what its episode said up to {window:,} tokens." for agent, window in windows)
    more = {
        (line.agent, row.most_recalled)
        for line in lines
        for row in line.rows
        if row.most_recalled > row.limits.get("top_k", 10**9)
    }
    most = {agent: max(count for name, count in more if name == agent) for agent, _ in sorted(more)}
    beside += "".join(f" {agent} asked RETRIEVE for up to {count} entries at once." for agent, count in most.items())
    if len(bound) == 1:
        return f"All agents with a language model had {next(iter(worded.values()))}.{beside}"
    each = "; ".join(
        f"{worded[key]}: {', '.join(agents)}" for key, agents in sorted(bound.items(), key=lambda kv: kv[0])
    )
    return f"Not to be compared: agents with a language model had different bounds. {each}.{beside}"


def _costs(lines: Sequence[Line]) -> str:
    costs: dict[str, list[EpisodeRow]] = {}
    for line in lines:
        costs.setdefault(line.agent, []).extend(line.rows)
    found = {agent: cost for agent, rows in costs.items() if (cost := total_cost(rows)) is not None}
    each = ", ".join(f"{agent} {cost:,.4f}" for agent, cost in found.items())
    return f"Cost by the prices given, memory's calls included: {each}." if found else ""


def _versions(rows: Sequence[EpisodeRow]) -> list[str]:
    """What the rows say they were made with."""
    kinds = Counter(tuple(row.versions.items()) for row in rows)
    if len(kinds) == 1:
        return [f"Played with {_listed(next(iter(kinds)))}."]
    return [f"{count} episodes were played with {_listed(kind)}." for kind, count in kinds.most_common()]


def _listed(versions: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions)
