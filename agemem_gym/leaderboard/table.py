"""The table: means over episodes, on the terminal and as ``leaderboard.md``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agemem_gym.leaderboard.play import EpisodeRow
from agemem_gym.reward.diagnosis import HABITS, LOSSES
from agemem_gym.tools import PAPER_TOOLS


@dataclass(frozen=True)
class Column:
    """One column: its heading, and its text for the episodes of one agent in one env."""

    heading: str
    text: Callable[[Sequence[EpisodeRow]], str]


def _mean(value: Callable[[EpisodeRow], float]) -> Callable[[Sequence[EpisodeRow]], float]:
    return lambda rows: math.fsum(value(row) for row in rows) / len(rows)


def _share(value: Callable[[EpisodeRow], float]) -> Callable[[Sequence[EpisodeRow]], str]:
    """A mean x 100 with its standard error over episodes."""

    def text(rows: Sequence[EpisodeRow]) -> str:
        mean = _mean(value)(rows)
        if len(rows) < 2:
            return f"{100 * mean:.1f}"
        variance = math.fsum((value(row) - mean) ** 2 for row in rows) / (len(rows) - 1)
        return f"{100 * mean:.1f} ± {100 * math.sqrt(variance / len(rows)):.1f}"

    return text


def _number(value: Callable[[EpisodeRow], float], digits: int) -> Callable[[Sequence[EpisodeRow]], str]:
    return lambda rows: f"{_mean(value)(rows):,.{digits}f}"


def _known(value: Callable[[EpisodeRow], float | None]) -> Callable[[Sequence[EpisodeRow]], str]:
    """A mean x 100 over the episodes that have the value."""

    def text(rows: Sequence[EpisodeRow]) -> str:
        values = [found for row in rows if (found := value(row)) is not None]
        return f"{100 * math.fsum(values) / len(values):.1f}" if values else "–"

    return text


COLUMNS: tuple[Column, ...] = (
    Column("episodes", lambda rows: str(len(rows))),
    Column("success", _share(lambda row: float(row.success))),
    Column("progress", _share(lambda row: row.progress)),
    Column("reward", _number(lambda row: row.reward, 2)),
    Column("MQ", _known(lambda row: row.memory_quality)),
    Column("steps", _number(lambda row: row.steps, 1)),
    Column("tool calls", _number(lambda row: sum(row.tool_calls.values()), 1)),
    Column("prompt tokens", _number(lambda row: row.prompt_tokens, 0)),
    Column("seconds", _number(lambda row: row.seconds, 2)),
)
"""The columns behind env and agent; all but the last are the same in every run."""

MEMORY_COLUMNS: tuple[Column, ...] = (
    Column("MQ", _known(lambda row: row.memory_quality)),
    Column("storage", _known(lambda row: row.storage_quality)),
    Column("coverage", _known(lambda row: row.coverage)),
    Column("precision", _known(lambda row: row.precision)),
    Column("hit rate", _known(lambda row: row.hit_rate)),
    Column("entries", _number(lambda row: row.memory_entries, 1)),
    Column("redundant adds", _number(lambda row: row.redundant_adds, 1)),
    Column("overflows", _number(lambda row: row.overflows, 1)),
)
"""The columns of the table on memory."""

TOOL_COLUMNS: tuple[Column, ...] = tuple(
    Column(name, _number(lambda row, name=name: row.tool_calls.get(name, 0), 2))  # type: ignore[misc]
    for name in PAPER_TOOLS
)
"""The columns of the table on tool calls (TC)."""


def grouped(rows: Iterable[EpisodeRow]) -> list[tuple[str, str, list[EpisodeRow]]]:
    """Rows by (env, agent), the best success first within an env; episodes in the order of their seeds."""
    groups: dict[tuple[str, str], list[EpisodeRow]] = {}
    for row in sorted(rows, key=lambda row: row.job.key):
        if row.error is None:
            groups.setdefault((_env_name(row), row.agent), []).append(row)
    order = sorted(groups, key=lambda key: (key[0], -_mean(lambda row: float(row.success))(groups[key]), key[1]))
    return [(env, agent, groups[env, agent]) for env, agent in order]


def _env_name(row: EpisodeRow) -> str:
    keywords = ", ".join(f"{key}={value}" for key, value in sorted(row.env_kwargs.items()))
    return f"{row.env_id} ({keywords})" if keywords else row.env_id


def print_table(rows: Iterable[EpisodeRow], console: Console) -> None:
    """The tables on the terminal."""
    groups = grouped(rows)
    for title, columns in (("Leaderboard", COLUMNS), ("Memory", MEMORY_COLUMNS)):
        table = Table(title=title)
        table.add_column("env")
        table.add_column("agent")
        for column in columns:
            table.add_column(column.heading, justify="right")
        last = None
        for env, agent, group in groups:
            if last not in (None, env):
                table.add_section()
            table.add_row("" if env == last else env, agent, *(column.text(group) for column in columns))
            last = env
        console.print(table)


def markdown(rows: Sequence[EpisodeRow], command: str, versions: dict[str, str]) -> str:
    """The tables as Markdown, with the command and the versions that made them."""
    groups = grouped(rows)
    lines = [
        "# Leaderboard",
        "",
        "Success and progress are percentages, ± one standard error over episodes; MQ (memory quality) is a percentage; the "
        "other columns are means per episode.",
        "",
        *_markdown_table(groups, COLUMNS),
        "",
        "## Memory",
        "",
        "MQ, storage quality, coverage and precision of the gold facts in the final memory, and the hit rate of retrievals are "
        "percentages; the other columns are means per episode.",
        "",
        *_markdown_table(groups, MEMORY_COLUMNS),
        "",
        "## Tool calls per episode",
        "",
        *_markdown_table(groups, TOOL_COLUMNS),
        "",
        *_diagnoses(rows),
    ]
    packages = ", ".join(f"{name} {version}" for name, version in versions.items())
    return "\n".join([*lines, "", f"Made by `{command}` with {packages}.", ""])


def _markdown_table(groups: Sequence[tuple[str, str, list[EpisodeRow]]], columns: Sequence[Column]) -> list[str]:
    headings = ["env", "agent", *(column.heading for column in columns)]
    lines = ["| " + " | ".join(headings) + " |", "|---|---|" + "---:|" * len(columns)]
    for env, agent, group in groups:
        lines.append("| " + " | ".join([env, agent, *(column.text(group) for column in columns)]) + " |")
    return lines


def _diagnoses(rows: Iterable[EpisodeRow]) -> list[str]:
    """The share of episodes with each finding, for the agents that have any."""
    lines = []
    for env, agent, group in grouped(rows):
        kinds = [{str(finding["kind"]) for finding in row.diagnosis} for row in group]
        shares = [100 * sum(kind in found for found in kinds) / len(group) for kind in (*HABITS, *LOSSES)]
        if any(shares):
            lines.append(f"| {env} | {agent} | " + " | ".join(f"{share:.0f}" for share in shares) + " |")
    if not lines:
        return []
    headings = ["env", "agent", *(kind.replace("_", " ") for kind in (*HABITS, *LOSSES))]
    return [
        "## Diagnosis",
        "",
        "Share of episodes, in percent, in which memory failed in this way (`agemem_gym/reward/diagnosis.py`).",
        "",
        "| " + " | ".join(headings) + " |",
        "|---|---|" + "---:|" * (len(headings) - 2),
        *lines,
    ]


def write_markdown(path: Path, text: str) -> None:
    """Write through a temporary file, so that a kill leaves either the old table or the new one."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
