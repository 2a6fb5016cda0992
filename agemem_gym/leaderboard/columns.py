"""The columns of the board, as data: a heading, and what stands under it for the episodes of one agent in one env.

Success, progress, reward, J, EM and F1 are means over all episodes, failed ones among them, which count 0; all other
columns are means over the episodes that were played to their end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agemem_gym.leaderboard.row import EpisodeRow
from agemem_gym.tools import PAPER_TOOLS

Rows = Sequence[EpisodeRow]
NOTHING = "–"


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        heading: as it stands in a table.
        value: the number, or None where there is nothing to measure.
        digits: behind the point.
        factor: 100 for percentages.
        error: its standard error, where it has one.
    """

    heading: str
    value: Callable[[Rows], float | None]
    digits: int = 1
    factor: float = 1.0
    error: Callable[[Rows], float | None] | None = None

    def text(self, rows: Rows) -> str:
        """The cell."""
        value = self.value(rows)
        if value is None:
            return NOTHING
        text = f"{self.factor * value:,.{self.digits}f}"
        error = self.error(rows) if self.error else None
        return text if error is None else f"{text} ± {self.factor * error:.{self.digits}f}"


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _of_all(value: Callable[[EpisodeRow], float]) -> Callable[[Rows], float | None]:
    return lambda rows: _mean([value(row) for row in rows])


def _of_played(value: Callable[[EpisodeRow], float | None]) -> Callable[[Rows], float | None]:
    """The mean over the episodes that were played to their end and have the value."""
    return lambda rows: _mean([found for row in rows if row.error is None and (found := value(row)) is not None])


def _of_memory(value: Callable[[EpisodeRow], float]) -> Callable[[Rows], float | None]:
    """The mean over the episodes in which something had to be remembered."""
    return _of_played(lambda row: value(row) if row.had_to_remember else None)


def _count(value: Callable[[EpisodeRow], float]) -> Callable[[Rows], float | None]:
    return lambda rows: math.fsum(value(row) for row in rows)


def _standard_error(value: Callable[[EpisodeRow], float]) -> Callable[[Rows], float | None]:
    """Of the mean over tasks: episodes of one task (a group of samples) are not independent and count as one."""

    def error(rows: Rows) -> float | None:
        by_task: dict[int, list[float]] = {}
        for row in rows:
            by_task.setdefault(row.seed, []).append(value(row))
        means = [math.fsum(values) / len(values) for values in by_task.values()]
        if len(means) < 2:
            return None
        mean = math.fsum(means) / len(means)
        return math.sqrt(math.fsum((item - mean) ** 2 for item in means) / (len(means) - 1) / len(means))

    return error


def _of_answer(name: str) -> Callable[[Rows], float | None]:
    """The mean over all episodes of an env that asks questions; without an answer it is 0."""

    def value(rows: Rows) -> float | None:
        return _mean([row.answer_scores.get(name, 0.0) for row in rows]) if any(r.answer_scores for r in rows) else None

    return value


def _strict(rows: Rows) -> float | None:
    """The share of all replies that keep to the protocol's letter."""
    replies = sum(row.steps for row in rows if row.error is None)
    return sum(row.strict_replies for row in rows if row.error is None) / replies if replies else None


def _is_solved(row: EpisodeRow) -> float:
    return float(row.success)


def _progress(row: EpisodeRow) -> float:
    return row.progress


EPISODES = Column("episodes", _count(lambda row: 1), 0)
FAILED = Column("failed", _count(lambda row: row.error is not None), 0)
SUCCESS = Column("success", _of_all(_is_solved), factor=100, error=_standard_error(_is_solved))
PROGRESS = Column("progress", _of_all(_progress), factor=100, error=_standard_error(_progress))
QUALITY = Column("MQ", _of_memory(lambda row: row.memory_quality), factor=100)
STRICT = Column("strict replies", _strict, factor=100)
REPLIES = Column("steps", _of_played(lambda row: row.steps))
ANSWERS = tuple(Column(name, _of_answer(name), factor=100) for name in ("J", "EM", "F1"))
"""Judged answer, exact match and F1, of envs that ask questions."""
FALLBACKS = Column("judge fallbacks", _count(lambda row: len(row.judge_fallbacks)), 0)

COLUMNS: tuple[Column, ...] = (
    EPISODES,
    FAILED,
    SUCCESS,
    PROGRESS,
    Column("reward", _of_all(lambda row: row.reward), 2),
    *ANSWERS,
    QUALITY,
    STRICT,
    REPLIES,
    Column("tool calls", _of_played(lambda row: sum(row.tool_calls.values()))),
    Column("prompt tokens", _of_played(lambda row: row.prompt_tokens), 0),
    FALLBACKS,
    Column("seconds", _of_played(lambda row: row.seconds), 2),
)
"""The columns behind env and agent; all but the last are the same in every run."""

SHORT_PROGRESS = Column("progress", PROGRESS.value, factor=100)
SHORT_ANSWERS = tuple(Column(column.heading, column.value, 0, 100) for column in ANSWERS)

TERMINAL: tuple[tuple[str, Column], ...] = (
    ("n", EPISODES),
    ("fail", FAILED),
    ("success", SUCCESS),
    ("prog.", SHORT_PROGRESS),
    *((column.heading, column) for column in SHORT_ANSWERS),
    ("MQ", QUALITY),
    ("strict", STRICT),
    ("steps", REPLIES),
    ("judge-", FALLBACKS),
)
"""The few columns of the terminal, with short headings: 80 characters have to hold them."""

MEMORY_COLUMNS: tuple[Column, ...] = (
    QUALITY,
    Column("storage", _of_memory(lambda row: row.storage_quality), factor=100),
    Column("coverage", _of_memory(lambda row: row.coverage), factor=100),
    Column("precision", _of_memory(lambda row: row.precision), factor=100),
    Column("hit rate", _of_played(lambda row: row.hit_rate), factor=100),
    Column("entries", _of_played(lambda row: row.memory_entries)),
    Column("redundant adds", _of_played(lambda row: row.redundant_adds)),
    Column("overflows", _of_played(lambda row: row.overflows)),
)
"""The columns of the table on memory."""

NO_OP_COLUMNS: tuple[Column, ...] = tuple(
    Column(f"{name} without effect", _of_played(lambda row, name=name: row.no_ops.get(name)), factor=100)  # type: ignore[misc]
    for name in ("Add_memory", "Update_memory", "Delete_memory", "Summary_context", "Filter_context")
)
"""The share of a tool's calls that changed nothing, of the episodes that called it: ADD of what was there already, UPDATE to
the same, FILTER and SUMMARY that removed nothing.
"""


def _counted(whose: str, name: str) -> Callable[[EpisodeRow], float | None]:
    """What the agent's model (``"policy"``) or its memory's calls (``"layer"``) came to in an episode, where counted."""
    return lambda row: getattr(row, whose).get(name)


def _of_counting(value: Callable[[EpisodeRow], float | None]) -> Callable[[Rows], float | None]:
    """The mean over the episodes that have the value, failed ones among them: what they read was read."""
    return lambda rows: _mean([found for row in rows if (found := value(row)) is not None])


def _most(value: Callable[[EpisodeRow], float | None]) -> Callable[[Rows], float | None]:
    return lambda rows: max((found for row in rows if (found := value(row)) is not None), default=None)


def total_cost(rows: Rows) -> float | None:
    """Of all episodes, memory's calls among it; None where no price was given."""
    costs = [cost for row in rows for counted in (row.policy, row.layer) if (cost := counted.get("cost")) is not None]
    return math.fsum(costs) if costs else None


COST = Column("cost in all", total_cost, 4)

USAGE_COLUMNS: tuple[Column, ...] = (
    Column("model prompt tokens", _of_counting(_counted("policy", "prompt_tokens")), 0),
    Column("of these cached", _of_counting(_counted("policy", "cached_tokens")), 0),
    Column("model completion tokens", _of_counting(_counted("policy", "completion_tokens")), 0),
    Column("cost", _of_counting(_counted("policy", "cost")), 5),
    Column("memory calls", _of_counting(_counted("layer", "calls"))),
    Column("memory calls failed", _of_counting(_counted("layer", "failures")), 2),
    Column("memory prompt tokens", _of_counting(_counted("layer", "prompt_tokens")), 0),
    Column("memory completion tokens", _of_counting(_counted("layer", "completion_tokens")), 0),
    Column("memory cost", _of_counting(_counted("layer", "cost")), 5),
    COST,
)
"""What the agent's model counted, and beside it the calls of a memory layer's own; by the prices that were given."""

LIMIT_COLUMNS: tuple[Column, ...] = (
    Column("token budget", _most(lambda row: row.token_budget or None), 0),
    Column("top_k", _most(lambda row: row.limits.get("top_k")), 0),
    Column("own window", _most(lambda row: row.limits.get("window")), 0),
    Column("most recalled at once", _most(lambda row: row.most_recalled), 0),
)
"""What an agent's memory may bring, and the most that it brought."""

TOOL_COLUMNS: tuple[Column, ...] = tuple(
    Column(name, _of_played(lambda row, name=name: row.tool_calls.get(name, 0)), 2)  # type: ignore[misc]
    for name in PAPER_TOOLS
)
"""The columns of the table on tool calls (TC)."""
