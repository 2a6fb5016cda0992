"""``agemem agreement``: how well a judge agrees with the labels of ``agemem label``."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from agemem_gym.checks import file_at
from agemem_gym.cli.label import add_labels, labels_path
from agemem_gym.cli.status import Status
from agemem_gym.errors import ConfigurationError

if TYPE_CHECKING:
    from agemem_gym.cli.arguments import Commands
    from agemem_gym.intervals import Figure
    from agemem_gym.terminal import Terminal


def add(commands: Commands) -> None:
    """Add the command's parser."""
    command = commands.add_parser(
        "agreement",
        help="how well a judge agrees with people's labels",
        description="Accuracy, Cohen's kappa and correlation of a judge with labels, with 95 % intervals over tasks.",
    )
    command.add_argument("file", type=Path, metavar="FILE", help="the episodes that were labelled")
    add_labels(command)
    command.add_argument(
        "--judge", default="offline", help="'offline' or the URL of a chat endpoint (default: offline)"
    )
    command.add_argument(
        "--threshold", type=float, default=0.5, metavar="S", help="a score from S on counts as right (default: 0.5)"
    )
    command.set_defaults(command=agreement)


def agreement(options: argparse.Namespace, terminal: Terminal) -> Status:
    """Judge what is labelled, and print the figures."""
    from agemem_gym.agreement import LabelFile, agreements, items_of
    from agemem_gym.episode import read_episodes
    from agemem_gym.rescore import judge_for
    from agemem_gym.reward import check_judge

    if not 0 <= options.threshold <= 1:
        raise ConfigurationError(f"--threshold {options.threshold}: expected a number in [0, 1]")
    episodes = [*read_episodes(file_at("FILE", options.file, "a file of recorded episodes"))]
    labels = LabelFile(file_at("--labels", labels_path(options), "labels, as `agemem label` writes them"))
    items = [item for item in items_of(episodes) if labels.labels.get(item.key) is not None]
    if not items:
        raise ConfigurationError(f"{labels_path(options)} holds no label of what is in {options.file}")
    judge = judge_for(episodes[0], options.judge)
    check_judge(judge)
    table = Table(title=f"Agreement of judge {judge.name} with {len(items)} labels")
    for heading in ("kind", "labels", "accuracy", "kappa", "correlation"):
        table.add_column(heading, justify="left" if heading == "kind" else "right")
    for kind, found in agreements(judge, items, labels.labels, threshold=options.threshold).items():
        figures = (found.accuracy, found.kappa, found.correlation)
        table.add_row(kind, str(found.count), *map(_text, figures))
    terminal.print(table)
    fallbacks = judge.take_fallbacks()
    if fallbacks:
        terminal.print(f"{len(fallbacks)} verdicts are not the judge's own, the first because: {fallbacks[0]}")
    return Status.FALLBACK if fallbacks else Status.OK


def _text(figure: Figure) -> str:
    if math.isnan(figure.value):
        return "–"
    interval = "" if math.isnan(figure.low) else f" [{figure.low:.2f}, {figure.high:.2f}]"
    return f"{figure.value:.2f}{interval}"
