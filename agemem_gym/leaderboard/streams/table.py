"""The board of streams as text: a table of 80 columns for the terminal; Markdown, CSV and JSON with all that there is."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agemem_gym.foreign import code_span, for_markdown, for_terminal
from agemem_gym.intervals import Figure
from agemem_gym.leaderboard.columns import NOTHING
from agemem_gym.leaderboard.streams.board import MEASURES, Point, StreamLine
from agemem_gym.leaderboard.table import WIDTH

_SHORT = {
    "plasticity": "plast.",
    "stability": "stab.",
    "backward transfer": "bwd.",
    "forgetting": "forg.",
    "generalisation": "gen.",
}
_ALONG: tuple[tuple[str, Callable[[Point], float | None], int], ...] = (
    ("score on the tasks so far", lambda point: point.score, 2),
    ("hit rate", lambda point: point.hit_rate, 2),
    ("entries", lambda point: point.entries, 1),
    ("tokens", lambda point: point.tokens, 0),
)
_EXPLAINED = (
    "P[i][j] is the score on task j, alone, with the memory as it was after task i; P0[j] that without memory in the same "
    "world. Without memory: mean P0[j]; learned: mean P[j][j]; in the end: mean P[T][j]; plasticity: mean P[j-1][j] - P0[j]; "
    "stability: mean P[T][j] - P0[j]; backward transfer: mean P[T][j] - P[j][j]; forgetting: mean of the best P[i][j] less "
    "P[T][j]; generalisation: on held-out tasks of the same worlds in the end, less without memory. Means over streams, with "
    "95 % intervals."
)


def print_streams(lines: Sequence[StreamLine], console: Console) -> None:
    """An env after the other: what the levels differ by, ± half the interval, and the entries a task leaves."""
    for env in dict.fromkeys(line.env for line in lines):
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
        table.add_column("agent", overflow="fold", max_width=20)
        for heading in ("n", *_SHORT.values(), "entries"):
            table.add_column(heading, justify="right", no_wrap=True)
        for line in lines:
            if line.env == env:
                measures = [_brief(line.figure(measure)) for name, measure in MEASURES if name in _SHORT]
                kept = line.per_task(lambda point: point.entries)
                table.add_row(Text(for_terminal(line.agent)), str(len(line.streams)), *measures, _number(kept.value, 1))
        console.print(for_terminal(env), width=WIDTH)
        console.print(table, width=WIDTH)
    for note in _notes(lines):
        console.print(for_terminal(note), width=WIDTH)


def as_text(lines: Sequence[StreamLine], form: str, command: str) -> str:
    """The board as ``"md"``, ``"csv"`` or ``"json"``."""
    return {"md": markdown, "csv": as_csv, "json": as_json}[form](lines, command)


def markdown(lines: Sequence[StreamLine], command: str) -> str:
    """The tables as Markdown, with the command behind them."""
    names = [name for name, _ in MEASURES]
    text = ["# Streams", "", _EXPLAINED, ""]
    text += _head(["env", "agent", "streams", *names, "entries a task", "tokens a task"])
    for line in lines:
        cells = [_full(line.figure(measure)) for _, measure in MEASURES]
        kept = [_number(line.per_task(lambda point: point.entries).value, 1)]
        kept += [_number(line.per_task(lambda point: point.tokens).value, 0)]
        text.append(_row([for_markdown(line.env), for_markdown(line.agent), str(len(line.streams)), *cells, *kept]))
    text += ["", *(for_markdown(note) + "\n" for note in _notes(lines)), *_along(lines)]
    return "\n".join(
        [*text, f"Made by {code_span(command)}; it holds all streams that are in results.jsonl beside it.", ""]
    )


def as_csv(lines: Sequence[StreamLine], command: str) -> str:
    """A line an agent and env, numbers in full."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    ends = [f"{name}{end}" for name, _ in MEASURES for end in ("", " low", " high")]
    writer.writerow(["env", "agent", "streams", *ends, "entries a task", "tokens a task"])
    for line in lines:
        figures = [line.figure(measure) for _, measure in MEASURES]
        values = [_or_none(value) for figure in figures for value in (figure.value, figure.low, figure.high)]
        values += [_or_none(line.per_task(value).value) for value in (lambda p: p.entries, lambda p: p.tokens)]
        writer.writerow([for_terminal(line.env), for_terminal(line.agent), len(line.streams), *values])
    return file.getvalue()


def as_json(lines: Sequence[StreamLine], command: str) -> str:
    """All lines with their measures, and each stream's matrix and points."""
    whole = {"command": command, "notes": _notes(lines), "lines": [_as_data(line) for line in lines]}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _as_data(line: StreamLine) -> dict[str, object]:
    figures = {name: line.figure(measure) for name, measure in MEASURES}
    return {
        "env": line.env,
        "agent": line.agent,
        "streams": len(line.streams),
        "measures": {
            name: {"mean": _or_none(f.value), "low": _or_none(f.low), "high": _or_none(f.high)}
            for name, f in figures.items()
        },
        "played": [
            {
                "number": stream.number,
                "failed": stream.failed,
                "scores": stream.matrix.scores,
                "without": stream.matrix.without,
                "held_out": stream.matrix.held_out,
                "held_out_without": stream.matrix.held_out_without,
                "points": [vars(point) for point in stream.points],
            }
            for stream in line.streams
        ],
    }


def _along(lines: Sequence[StreamLine]) -> list[str]:
    """How each value goes from the first task to the last."""
    text = ["## Along the stream", "", "After each task, with the memory as it is then.", ""]
    for env in dict.fromkeys(line.env for line in lines):
        own = [line for line in lines if line.env == env and line.streams]
        if not own:
            continue
        tasks = max(len(line.streams[0].points) for line in own)
        text += [f"### {for_markdown(env)}", ""]
        text += _head(["value", "agent", *map(str, range(1, tasks + 1))])
        for name, value, digits in _ALONG:
            for line in own:
                cells = [_number(figure.value, digits) for figure in line.along(value)]
                text.append(_row([name, for_markdown(line.agent), *cells]))
        text.append("")
    return text


def _notes(lines: Sequence[StreamLine]) -> list[str]:
    notes = []
    if any("†" in line.agent for line in lines):
        notes.append("† privileged: the agent is shown the expert's replies and the key facts.")
    if any("‡" in line.agent for line in lines):
        notes.append("‡ The agent is shown the admissible commands.")
    failed = sum(stream.failed for line in lines for stream in line.streams)
    if failed:
        notes.append(f"{failed} episodes ended in an error; they score 0; the next run plays them again.")
    missing = sum(line.missing for line in lines)
    if missing:
        notes.append(f"{missing} streams are not whole yet and are left out.")
    return notes


def _head(headings: Sequence[str]) -> list[str]:
    return [_row(headings), "|---|---|" + "---:|" * (len(headings) - 2)]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _brief(figure: Figure) -> str:
    """``0.42±.05``."""
    if math.isnan(figure.value):
        return NOTHING
    half = f"±{(figure.high - figure.low) / 2:.2f}".replace("±0.", "±.") if not math.isnan(figure.low) else ""
    return f"{figure.value:.2f}{half}"


def _full(figure: Figure) -> str:
    return NOTHING if math.isnan(figure.value) else str(figure)


def _number(value: float, digits: int) -> str:
    return NOTHING if math.isnan(value) else f"{value:,.{digits}f}"


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
