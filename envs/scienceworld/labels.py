"""AgentBoard's label file (``data/scienceworld/test.jsonl``), for users who have it: its 90 variations, goals and patterns.

A line is a JSON object with ``goal``, ``subgoals`` (regular expressions), ``difficulty`` and ``additional_info`` (``env_name``
and ``var``). A pattern counts once an observation matches it. That is progress by what the text says, so it is only reported
(``label_progress``) and never decides success.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agemem_gym.envs.scienceworld.variations import COUNTS, Variation
from agemem_gym.errors import ConfigurationError


@dataclass(frozen=True)
class Label:
    """One line: which variation, how the goal is put, the patterns, and how hard it is."""

    variation: Variation
    goal: str
    patterns: tuple[re.Pattern[str], ...]
    difficulty: str


def read_labels(path: Path) -> dict[Variation, Label]:
    """All labels of `path`, in its order.

    Raises:
        ConfigurationError: a line that is no label, or a task or variation that ScienceWorld has not.
    """
    labels: dict[Variation, Label] = {}
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if line.strip():
            try:
                label = _label(json.loads(line))
            except (ValueError, TypeError, KeyError, AttributeError, re.error) as error:
                raise ConfigurationError(
                    f"{path}:{number} is no ScienceWorld label ({error!r}); expected JSON with goal, subgoals, difficulty "
                    "and additional_info (env_name, var)"
                ) from error
            labels[label.variation] = label
    if not labels:
        raise ConfigurationError(f"{path} holds no labels")
    return labels


def _text(path: Path) -> str:
    """With or without a byte-order mark."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is no text in UTF-8 ({error})") from error


def _label(line: dict[str, Any]) -> Label:
    info = line["additional_info"]
    # older lists of tasks carry ids and a misspelling (scienceworld/utils.py, infer_task)
    task = re.sub(r"^task-[0-9ab-]+|[()]", "", str(info["env_name"])).replace("mendellian", "mendelian")
    variation = Variation(task, int(info["var"]))
    if task not in COUNTS or not 0 <= variation.number < sum(COUNTS[task]):
        raise ValueError(f"no such variation: {variation.task} {variation.number}")
    patterns = tuple(re.compile(str(pattern)) for pattern in line["subgoals"])
    if not patterns:
        raise ValueError("no subgoals")
    return Label(variation, str(line["goal"]), patterns, str(line["difficulty"]))


class LabelProgress:
    """Patterns matched so far."""

    def __init__(self, label: Label) -> None:
        self._left = list(label.patterns)
        self._count = len(label.patterns)

    def see(self, observation: str) -> None:
        """Take note of what an observation matches."""
        self._left = [pattern for pattern in self._left if not pattern.search(observation)]

    @property
    def value(self) -> float:
        """Share of the patterns matched, in [0, 1]."""
        return 1.0 - len(self._left) / self._count
