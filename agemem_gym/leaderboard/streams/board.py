"""What the rows of streams come to: a line an agent and env, measures with intervals over streams, points along the stream."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from agemem_gym.intervals import Figure, mean
from agemem_gym.leaderboard.board import env_title, marks
from agemem_gym.leaderboard.row import EpisodeRow
from agemem_gym.leaderboard.streams.plan import Cell, cells_of, same_state, settings_of
from agemem_gym.stream import Matrix, StreamSettings, visits

SCORES = ("success", "progress")
"""What stands in the matrix."""

MEASURES: tuple[tuple[str, Callable[[Matrix], float | None]], ...] = (
    ("without memory", lambda matrix: matrix.without_memory),
    ("learned", lambda matrix: matrix.learned),
    ("in the end", lambda matrix: matrix.in_the_end),
    ("plasticity", lambda matrix: matrix.plasticity),
    ("stability", lambda matrix: matrix.stability),
    ("backward transfer", lambda matrix: matrix.backward_transfer),
    ("forgetting", lambda matrix: matrix.forgetting),
    ("generalisation", lambda matrix: matrix.generalisation),
)
"""The measures of :class:`~agemem_gym.stream.Matrix` by their headings: three levels, then what the levels differ by."""


@dataclass(frozen=True)
class Point:
    """How things stand after a task of a stream: means over the tasks so far, each scored with the memory as it is then.

    Attributes:
        after: after which task, from 1.
        score: on the tasks so far.
        hit_rate: share of lookups that brought a fact that the task needs; None where nothing was looked up.
        entries, tokens: of the memory.
    """

    after: int
    score: float
    hit_rate: float | None
    entries: float
    tokens: float


@dataclass(frozen=True)
class Played:
    """One stream of one agent.

    Attributes:
        number: the stream's.
        matrix: its scores.
        points: how it went along.
        failed: episodes that ended in an error; they score 0.
    """

    number: int
    matrix: Matrix
    points: tuple[Point, ...]
    failed: int


@dataclass(frozen=True)
class StreamLine:
    """All streams of one agent in one env.

    Attributes:
        env, agent: as they stand in a table.
        streams: by number; whole ones only.
        missing: streams that are not whole yet.
    """

    env: str
    agent: str
    streams: tuple[Played, ...]
    missing: int = 0

    def figure(self, measure: Callable[[Matrix], float | None]) -> Figure:
        """A measure over the streams, with its 95 % interval."""
        found = [measure(stream.matrix) for stream in self.streams]
        return mean([value for value in found if value is not None])

    def along(self, value: Callable[[Point], float | None]) -> list[Figure]:
        """A value after each task, over the streams."""
        positions = zip(*(stream.points for stream in self.streams), strict=True)
        return [mean([v for point in points if (v := value(point)) is not None]) for points in positions]

    def per_task(self, value: Callable[[Point], float]) -> Figure:
        """What memory holds in the end, by the task."""
        return mean([value(stream.points[-1]) / len(stream.points) for stream in self.streams])


def stream_board(rows: Iterable[EpisodeRow], score: str = "success") -> list[StreamLine]:
    """The lines of rows given in the order in which they finished; of an episode that was played again the last row counts.

    Of an agent in an env the newest version is shown: one fingerprint, one set of package versions.
    """
    groups: dict[tuple[str, str], dict[object, list[EpisodeRow]]] = {}
    newest: dict[tuple[str, str], object] = {}
    for row in rows:
        if not row.options:
            continue
        title = env_title(row), row.agent_label + marks(row)
        variant = (row.agent_spec, row.agent_fingerprint, tuple(sorted(row.versions.items())), str(row.inputs))
        groups.setdefault(title, {}).setdefault(variant, []).append(row)
        newest[title] = variant
    lines = [
        _line(env, agent, variants[newest[env, agent]], score) for (env, agent), variants in sorted(groups.items())
    ]
    lines.sort(key=lambda line: (line.env, -_or_nothing(line.figure(lambda matrix: matrix.plasticity).value)))
    return lines


def _or_nothing(value: float) -> float:
    return -math.inf if math.isnan(value) else value


def _line(env: str, agent: str, rows: Sequence[EpisodeRow], score: str) -> StreamLine:
    by_number = sorted(rows, key=lambda row: row.seed)
    streams = [_played(number, list(own), score) for number, own in groupby(by_number, key=lambda row: row.seed)]
    whole = tuple(stream for stream in streams if stream is not None)
    return StreamLine(env, agent, whole, len(streams) - len(whole))


def _played(number: int, rows: Sequence[EpisodeRow], score: str) -> Played | None:
    """One stream; None if it is not whole."""
    settings = settings_of(rows[-1].env_id, rows[-1].env_kwargs)
    found = {Cell.of(row.options): row for row in rows}
    if not set(cells_of(settings, number)) <= set(found):
        return None
    matrix = _matrix(settings, number, found, score)
    points = tuple(_point(after, found, score) for after in range(1, settings.tasks + 1))
    return Played(number, matrix, points, sum(row.error is not None for row in found.values()))


def _matrix(settings: StreamSettings, number: int, found: Mapping[Cell, EpisodeRow], score: str) -> Matrix:
    tasks, stream = range(1, settings.tasks + 1), visits(settings, number)
    held_out = sorted(cell.task for cell in found if cell.kind == "held_out")

    def scored(cell: Cell) -> float | None:
        return _score(found[cell], score) if cell in found else None

    return Matrix(
        scores=[[scored(Cell("scored", task, after)) for task in tasks] for after in tasks],
        without=[[scored(Cell("without", task, same_state(stream, task, after))) for task in tasks] for after in tasks],
        held_out=[scored(Cell("held_out", task)) for task in held_out],
        held_out_without=[scored(Cell("held_out_without", task)) for task in held_out],
    )


def _point(after: int, found: Mapping[Cell, EpisodeRow], score: str) -> Point:
    rows = [found[Cell("scored", task, after)] for task in range(1, after + 1)]
    rates = [row.hit_rate for row in rows if row.hit_rate is not None]
    memory: Mapping[str, Any] = next((row.curriculum["stream"] for row in rows if "stream" in row.curriculum), {})
    return Point(
        after=after,
        score=math.fsum(_score(row, score) for row in rows) / len(rows),
        hit_rate=math.fsum(rates) / len(rates) if rates else None,
        entries=float(memory.get("entries", 0)),
        tokens=float(memory.get("tokens", 0)),
    )


def _score(row: EpisodeRow, score: str) -> float:
    return float(row.success) if score == "success" else row.progress
