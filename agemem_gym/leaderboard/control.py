"""Success with and without: what an agent does in an env, and what it does under the control's keywords.

``agemem leaderboard --control n1=0`` plays each three-stage env again without anything told in stage 1. What an agent solves
there it did not solve with its memory; the difference, task by task, is its *memory gain*.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agemem_gym.intervals import Figure, paired

if TYPE_CHECKING:
    from agemem_gym.leaderboard.board import Line
    from agemem_gym.leaderboard.row import EpisodeRow


@dataclass(frozen=True)
class Gain:
    """One line of the board beside its control.

    Attributes:
        line, control: the two.
        keywords: those that the control has besides.
        tasks: seeds that were played in both.
        success, without: shares in [0, 1] of these.
        gain: their difference, paired by seed, with its 95 % interval.
    """

    line: Line
    control: Line
    keywords: Mapping[str, Any]
    tasks: int
    success: float
    without: float
    gain: Figure

    @property
    def worded(self) -> str:
        """The control's keywords, as they are typed."""
        return ", ".join(f"{key}={value}" for key, value in sorted(self.keywords.items()))

    def percent(self) -> dict[str, Any]:
        """What programs read, success in percent as everywhere on the board."""
        shares = {"success": self.success, "without": self.without, "gain": self.gain.value}
        numbers = {
            name: 100 * value for name, value in {**shares, "low": self.gain.low, "high": self.gain.high}.items()
        }
        return {"keywords": dict(self.keywords), "tasks": self.tasks, **numbers}


def gains_of(lines: Sequence[Line], controls: Iterable[Mapping[str, Any]] = ()) -> tuple[Gain, ...]:
    """Each line that has a control on the board beside it, in the board's order.

    Args:
        lines: of the board.
        controls: keywords of controls that were asked for, besides those that the rows name.
    """
    named = [*controls, *(line.rows[0].memory_gain_control for line in lines)]
    each_once = list({json.dumps(keywords, sort_keys=True): keywords for keywords in named if keywords}.values())
    by_keywords = {_place(line, {}): line for line in lines}
    pairs = (
        (line, by_keywords.get(_place(line, keywords)), keywords)
        for line in lines
        for keywords in each_once
        if _place(line, keywords) != _place(line, {})
    )
    gains = (_gain(line, control, keywords) for line, control, keywords in pairs if control is not None)
    return tuple(gain for gain in gains if gain is not None)


def _place(line: Line, control: Mapping[str, Any]) -> tuple[str, str, str]:
    """What a line and its control share: the agent with its marks, the env, and its keywords under the control's."""
    row = line.rows[0]
    return line.agent, row.env_id, json.dumps({**row.env_kwargs, **control}, sort_keys=True)


def _gain(line: Line, control: Line, keywords: Mapping[str, Any]) -> Gain | None:
    with_it, without = _success_by_seed(line.rows), _success_by_seed(control.rows)
    seeds = sorted(set(with_it) & set(without))
    if not seeds:
        return None
    gain = paired([with_it[seed] - without[seed] for seed in seeds])
    success, rest = (math.fsum(shares[seed] for seed in seeds) / len(seeds) for shares in (with_it, without))
    return Gain(line, control, keywords, len(seeds), success, rest, gain)


def _success_by_seed(rows: Sequence[EpisodeRow]) -> dict[int, float]:
    """The share of a task's samples that was solved."""
    by_seed: dict[int, list[bool]] = {}
    for row in rows:
        by_seed.setdefault(row.seed, []).append(row.success)
    return {seed: sum(solved) / len(solved) for seed, solved in by_seed.items()}
