"""The board as text: a table of at most 80 columns for the terminal; Markdown, CSV and JSON with all that there is.

Names, keywords and errors come from users' agents, files and servers: nothing of them is taken for markup, for Markdown or
for an escape sequence.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agemem_gym.foreign import code_span, for_markdown, for_terminal
from agemem_gym.leaderboard.board import Board, Line
from agemem_gym.leaderboard.columns import (
    COLUMNS,
    FALLBACKS,
    LIMIT_COLUMNS,
    MEMORY_COLUMNS,
    NO_OP_COLUMNS,
    SHORT_ANSWERS,
    SHORT_PROGRESS,
    TERMINAL,
    TOOL_COLUMNS,
    USAGE_COLUMNS,
    Column,
)
from agemem_gym.leaderboard.control import Gain
from agemem_gym.leaderboard.results import writing
from agemem_gym.reward.diagnosis import HABITS, LOSSES

_GAIN = ("without", "gain", "low", "high")
FORMATS = ("table", "md", "csv", "json")
WIDTH = 80


def print_board(board: Board, console: Console) -> None:
    """An env after the other, and the notes under it."""
    controls = [gain.control for gain in board.gains]
    shown = [line for line in board.lines if not any(line is control for control in controls)]
    for env in dict.fromkeys(line.env for line in shown):
        _print_env(env, [line for line in shown if line.env == env], console)
    if board.gains:
        _print_gains(board.gains, console)
    for note in board.notes:
        console.print(for_terminal(note), width=WIDTH)


def _print_env(env: str, lines: Sequence[Line], console: Console) -> None:
    columns = [(heading, column) for heading, column in TERMINAL if _is_shown(column, lines)]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("agent", overflow="fold")
    for heading, _ in columns:
        table.add_column(heading, justify="right", no_wrap=True)
    for line in lines:
        cells = [for_terminal(line.agent), *(column.text(line.rows) for _, column in columns)]
        table.add_row(*map(Text, cells))
    console.print(for_terminal(env), width=WIDTH)
    console.print(table, width=WIDTH)


def _is_shown(column: Column, lines: Sequence[Line]) -> bool:
    """Whether the terminal has room for a column: scores of answers stand where there are any, instead of progress."""
    if column is FALLBACKS:
        return any(FALLBACKS.value(line.rows) for line in lines)
    asks = any(line_row.answer_scores for line in lines for line_row in line.rows)
    return asks if column in SHORT_ANSWERS else not (asks and column is SHORT_PROGRESS)


def _print_gains(gains: Sequence[Gain], console: Console) -> None:
    """Success with and without, an env after the other."""
    for env, worded in dict.fromkeys((gain.line.env, gain.worded) for gain in gains):
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
        table.add_column("agent", overflow="fold")
        for heading in GAIN_HEADINGS[1:]:
            table.add_column(heading, justify="right", no_wrap=True)
        for gain in gains:
            if (gain.line.env, gain.worded) == (env, worded):
                table.add_row(*map(Text, [for_terminal(gain.line.agent), *_gain_cells(gain)]))
        console.print(for_terminal(env), width=WIDTH)
        console.print(for_terminal(f"success with and without (control {worded})"), width=WIDTH)
        console.print(table, width=WIDTH)


GAIN_HEADINGS = ("agent", "tasks", "success", "control", "gain", "95 % interval")


def _gain_cells(gain: Gain) -> list[str]:
    of = gain.percent()
    numbers = [f"{of[name]:.1f}" for name in ("success", "without", "gain")]
    return [f"{gain.tasks}", *numbers, f"{of['low']:.1f} to {of['high']:.1f}"]


def as_text(board: Board, form: str, command: str) -> str:
    """The board in one of :data:`FORMATS`, the table apart."""
    return {"md": markdown, "csv": as_csv, "json": as_json}[form](board, command)


def markdown(board: Board, command: str) -> str:
    """The tables as Markdown, with the command behind them and what their rows were made with."""
    lines = [
        "# Leaderboard",
        "",
        "Success and progress are percentages over all episodes, failed ones among them, ± one standard error over tasks; MQ "
        "(memory quality, – where nothing had to be remembered) and strict replies (those that keep to the protocol's letter) "
        "are percentages; the other columns are means per episode, of those that were played to their end.",
        "",
        *_markdown_table(board.lines, COLUMNS),
        "",
        *(text for note in board.notes for text in (for_markdown(note), "")),
        "## Memory",
        "",
        "MQ, storage quality, coverage and precision of the gold facts in the final memory, and the hit rate of retrievals are "
        "percentages; the other columns are means per episode.",
        "",
        *_markdown_table(board.lines, MEMORY_COLUMNS),
        "",
        "## Tool calls per episode",
        "",
        *_markdown_table(board.lines, TOOL_COLUMNS),
        "",
        "Share of the calls of a tool that were carried out and changed nothing, in percent, of the episodes that called it.",
        "",
        *_markdown_table(board.lines, NO_OP_COLUMNS),
        "",
        *_usage(board.lines),
        *_gains(board.gains),
        *_dialects(board.lines),
        *_diagnoses(board.lines),
    ]
    return "\n".join([*lines, f"Made by {code_span(command)}; it holds all that is in results.jsonl beside it.", ""])


def as_csv(board: Board, command: str) -> str:
    """A line an agent and env, numbers in full."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    columns = _all_columns()
    headings = [name for column in columns for name in _names(column)]
    writer.writerow(["env", "agent", "privileged", *headings, "control", *_GAIN])
    for line in board.lines:
        values = [value for column in columns for value in _values(column, line)]
        gain = next((gain for gain in board.gains if gain.line is line), None)
        compared = [gain.worded, *(gain.percent()[name] for name in _GAIN)] if gain else [None] * (1 + len(_GAIN))
        writer.writerow([for_terminal(line.env), for_terminal(line.agent), line.rows[0].privileged, *values, *compared])
    return file.getvalue()


def as_json(board: Board, command: str) -> str:
    """All lines with their numbers, the keywords, the versions and the notes."""
    lines = []
    for line in board.lines:
        row = line.rows[0]
        values = {
            name: value
            for column in _all_columns()
            for name, value in zip(_names(column), _values(column, line), strict=True)
        }
        facts = {
            "env": line.env,
            "env_id": row.env_id,
            "env_kwargs": row.env_kwargs,
            "agent": row.agent,
            "agent_spec": row.agent_spec,
            "agent_kwargs": row.agent_kwargs,
            "agent_fingerprint": row.agent_fingerprint,
            "privileged": row.privileged,
            "versions": row.versions,
            "dialects": _dialect_counts(line),
            "memory_gain_control": [gain.percent() for gain in board.gains if gain.line is line],
        }
        lines.append(facts | values)
    whole = {"command": command, "lines": lines, "notes": board.notes, "superseded": board.superseded}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def write_text(path: Path, text: str) -> None:
    """Write through a temporary file, so that a kill leaves either the old text or the new one."""
    temporary = path.with_name(f"{path.name}.tmp")
    with writing(path):
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)


def _all_columns() -> list[Column]:
    return list(
        dict.fromkeys((*COLUMNS, *MEMORY_COLUMNS, *TOOL_COLUMNS, *NO_OP_COLUMNS, *USAGE_COLUMNS, *LIMIT_COLUMNS))
    )


def _names(column: Column) -> list[str]:
    return [column.heading, f"{column.heading} error"] if column.error else [column.heading]


def _values(column: Column, line: Line) -> list[float | None]:
    found = [column.value(line.rows), *([column.error(line.rows)] if column.error else [])]
    return [None if value is None else column.factor * value for value in found]


def _markdown_table(board_lines: Sequence[Line], columns: Sequence[Column]) -> list[str]:
    rows = [(line, [column.text(line.rows) for column in columns]) for line in board_lines]
    return _table([column.heading for column in columns], rows)


def _table(headings: Sequence[str], rows: Sequence[tuple[Line, Sequence[str]]]) -> list[str]:
    head = [
        "| " + " | ".join(["env", "agent", *map(for_markdown, headings)]) + " |",
        "|---|---|" + "---:|" * len(headings),
    ]
    return head + [
        "| " + " | ".join([for_markdown(line.env), for_markdown(line.agent), *cells]) + " |" for line, cells in rows
    ]


def _usage(board_lines: Sequence[Line]) -> list[str]:
    """What the language models of agents and memories read and wrote, and what bounded them."""
    lines = [line for line in board_lines if any(row.policy or row.layer or row.limits for row in line.rows)]
    if not lines:
        return []
    return [
        "## Language models",
        "",
        "Means per episode, as the models count; memory's calls are those that a memory system makes of its own. Costs are by "
        "the prices that were given, for all episodes in the last column.",
        "",
        *_markdown_table(lines, USAGE_COLUMNS),
        "",
        "What each may read: the context's budget, the entries that a recall brings, and the most that one brought.",
        "",
        *_markdown_table(lines, LIMIT_COLUMNS),
        "",
    ]


def _gains(gains: Sequence[Gain]) -> list[str]:
    """Success with and without, for the lines that have a control."""
    if not gains:
        return []
    text = (
        "Success in percent, with and without: under the keywords of the control the same tasks are played without what they "
        "take away. The gain is the difference, paired by task, with its 95 % interval (Bonett and Price)."
    )
    head = ["| env | control | " + " | ".join(GAIN_HEADINGS) + " |", "|---|---|---|" + "---:|" * len(GAIN_HEADINGS[1:])]
    lines = [
        "| "
        + " | ".join([*map(for_markdown, (gain.line.env, gain.worded, gain.line.agent)), *_gain_cells(gain)])
        + " |"
        for gain in gains
    ]
    return ["## Memory gain", "", text, "", *head, *lines, ""]


def _dialect_counts(line: Line) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in line.rows:
        for name, count in row.dialects.items():
            counts[name] = counts.get(name, 0) + count
    return dict(sorted(counts.items()))


def _dialects(board_lines: Sequence[Line]) -> list[str]:
    """In which dialects replies were understood, for the agents that use any."""
    counts = [(line, _dialect_counts(line)) for line in board_lines]
    names = sorted({name for _, found in counts for name in found})
    if not names:
        return []
    rows = [(line, [str(found.get(name, 0)) for name in names]) for line, found in counts if found]
    text = "Replies that were understood, but do not keep to the protocol's letter, by dialect."
    return ["## Dialects", "", text, "", *_table(names, rows), ""]


def _diagnoses(board_lines: Sequence[Line]) -> list[str]:
    """The share of episodes with each finding, for the agents that have any."""
    rows = []
    for line in board_lines:
        kinds = [{str(finding["kind"]) for finding in row.diagnosis} for row in line.rows]
        shares = [100 * sum(kind in found for found in kinds) / len(line.rows) for kind in (*HABITS, *LOSSES)]
        if any(shares):
            rows.append((line, [f"{share:.0f}" for share in shares]))
    if not rows:
        return []
    text = "Share of episodes, in percent, in which memory failed in this way (agemem_gym/reward/diagnosis.py)."
    headings = [kind.replace("_", " ") for kind in (*HABITS, *LOSSES)]
    return ["## Diagnosis", "", text, "", *_table(headings, rows), ""]
