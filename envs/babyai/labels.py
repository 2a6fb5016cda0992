"""AgentBoard's label file, for users who have it: sub-goal patterns and a difficulty for each of the 112 tasks.

A line is a JSON object with ``subgoals`` (a list of patterns), or ``subgoals_1``, ``subgoals_2``, … (alternative lists), and
``difficulty``. A pattern matches an observation of which one sentence contains all of its parts between ``*`` or ``**``. This
progress is credited by what the text says, so it is only reported (``label_progress``) and never decides success.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agemem_gym.envs.rows import read_rows
from agemem_gym.errors import ConfigurationError


@dataclass(frozen=True)
class Label:
    """One line: alternative lists of patterns, and how hard the task is."""

    alternatives: tuple[tuple[str, ...], ...]
    difficulty: str


def read_labels(path: Path, expected: int) -> tuple[Label, ...]:
    """All labels of `path`, in its order.

    Raises:
        ConfigurationError: a line that is no label, or another number of lines than `expected`.
    """
    labels = []
    rows = read_rows(path)
    for number in range(len(rows)):
        try:
            labels.append(_label(rows[number]))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ConfigurationError(
                f"{rows.place(number)}: no BabyAI label ({error!r}); expected JSON with subgoals and difficulty"
            ) from error
    if len(labels) != expected:
        raise ConfigurationError(f"{path} has {len(labels)} labels; AgentBoard's BabyAI has {expected} tasks")
    return tuple(labels)


def _label(line: dict[str, Any]) -> Label:
    if "subgoals" in line and "subgoals_1" not in line:
        lists = [line["subgoals"]]
    else:
        lists = [line[key] for key in line if "subgoals" in key]
    if not lists or not all(isinstance(one, list) and one for one in lists):
        raise ValueError("no list of subgoals")
    if len({len(one) for one in lists}) != 1:
        raise ValueError("alternatives of different length")
    return Label(tuple(tuple(str(pattern) for pattern in one) for one in lists), str(line["difficulty"]))


class LabelProgress:
    """Sub-goals met so far; each observation meets at most one."""

    def __init__(self, label: Label) -> None:
        self._left = [list(patterns) for patterns in label.alternatives]
        self._total = len(label.alternatives[0])

    @property
    def value(self) -> float:
        """Share of sub-goals met, in [0, 1]."""
        return (self._total - len(self._left[0])) / self._total

    def see(self, observation: str) -> None:
        """Take an observation into account."""
        sentences = observation.split(".")
        for index in range(len(self._left[0])):
            if any(_matches(sentences, patterns[index]) for patterns in self._left):
                for patterns in self._left:
                    patterns.pop(index)
                return


def _matches(sentences: list[str], pattern: str) -> bool:
    pattern = pattern.strip()
    parts = [part.strip(".") for part in pattern.split("**" if "**" in pattern else "*")]
    return any(all(part in sentence for part in parts) for sentence in sentences)
