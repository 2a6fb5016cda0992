"""``agemem train``: a model learns from groups of its own episodes (GRPO), with a view of how it goes."""

from __future__ import annotations

import argparse
import contextlib
import importlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.live import Live
from rich.table import Table

from agemem_gym.cli.arguments import add_env_arg, env_kwargs
from agemem_gym.cli.status import Status
from agemem_gym.errors import import_extra

if TYPE_CHECKING:
    from agemem_gym.cli.arguments import Commands
    from agemem_gym.terminal import Terminal

_ROOM = "agemem_gym.baselines.grpo"
_SHOWN = 12  # iterations
_COLUMNS = (
    ("iteration", "iteration", "{:.0f}"),
    ("return", "return", "{:.3f}"),
    ("success", "success", "{:.3f}"),
    ("held out", "eval/success", "{:.3f}"),
    ("control", "control/success", "{:.3f}"),
    ("KL", "kl", "{:.4f}"),
    ("entropy", "entropy", "{:.3f}"),
    ("skipped", "skipped", "{:.0f}"),
    ("tokens/s", "tokens_per_second", "{:.0f}"),
    ("env", "share/env", "{:.0%}"),
    ("generation", "share/generation", "{:.0%}"),
    ("update", "share/update", "{:.0%}"),
    ("seconds", "seconds", "{:.1f}"),
)
"""Head, metric and form of each column of the view; terms of the return stand below it."""


def add(commands: Commands) -> None:
    """Add the command's parser."""
    command = commands.add_parser(
        "train",
        help="train a model on its own episodes (GRPO)",
        description="Step-wise GRPO: groups of episodes of one task, advantages within each group, one gradient for all their "
        "steps. Settings come from CONFIG, those given here on top. A run that was stopped goes on with the same command.",
    )
    command.add_argument("config", nargs="?", metavar="CONFIG", help="a YAML file of settings")
    command.add_argument("--model", metavar="MODEL", help="what training begins from: a folder, a hub name, smollm")
    command.add_argument("--env", metavar="ID", help="an id of `agemem list`")
    command.add_argument("--out", metavar="FOLDER", help="folder of the run")
    command.add_argument("--iterations", type=int, metavar="N", help="how many (default: 100)")
    command.add_argument("--groups", type=int, metavar="N", help="tasks of an iteration (default: 12)")
    command.add_argument("--k", type=int, metavar="K", help="episodes of each task (default: 8)")
    command.add_argument("--lr", type=float, metavar="RATE", help="learning rate after warm-up (default: 1e-4)")
    command.add_argument("--lora", type=int, metavar="RANK", help="train adapters of this rank (default: all weights)")
    command.add_argument("--seed", type=int, metavar="N", help="of all that is drawn (default: 0)")
    add_env_arg(command)
    command.add_argument(
        "--control",
        nargs="+",
        default=[],
        metavar="KEYWORD=VALUE",
        help="evaluate a second time with these keywords, e.g. n1=0: without anything to remember",
    )
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SETTING=VALUE",
        help="any other setting, e.g. slots=16, learner.beta=0.05, evaluate_kwargs.split=test; may be repeated",
    )
    command.set_defaults(command=train)


def train(options: argparse.Namespace, terminal: Terminal) -> Status:
    """Train, with a table that grows in a terminal, or else a line an iteration; curves at the end."""
    import_extra("torch", "train")
    config = importlib.import_module(f"{_ROOM}.config").TrainConfig.load(options.config, _given(options))
    plots = importlib.import_module(f"{_ROOM}.plots")
    with _view(terminal, config.iterations) as show:
        trained = importlib.import_module(f"{_ROOM}.trainer").train(config, show)
    for path in plots.write_curves(Path(config.out), trained.rows):
        terminal.print(f"curves: {path}")
    terminal.print(f"model: {trained.folder}")
    return Status.OK


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """The settings that were given beside the file."""
    names = {"model": "model", "env": "env", "out": "out", "iterations": "iterations", "groups": "groups", "k": "k"}
    names |= {"lr": "learning_rate", "lora": "lora", "seed": "seed"}
    given: dict[str, Any] = {
        name: getattr(options, option) for option, name in names.items() if getattr(options, option) is not None
    }
    if options.env_arg:
        given["env_kwargs"] = env_kwargs(options.env_arg)
    if options.control:
        given["control"] = env_kwargs(options.control, "--control")
    for pair in options.set:
        name, equals, value = pair.partition("=")
        part, dot, rest = name.partition(".")
        parsed = env_kwargs([f"{rest if dot else part}{equals}{value}"], "--set")
        if dot:
            given[part] = {**given.get(part, {}), **parsed}
        else:
            given |= parsed
    return given


@contextlib.contextmanager
def _view(terminal: Terminal, iterations: int) -> Iterator[Any]:
    """What is told each row of metrics, and shows it."""
    rows: list[Mapping[str, float]] = []
    if not terminal.is_terminal:
        yield lambda row: terminal.print(line_of(row, iterations))
        return
    with Live(console=terminal, auto_refresh=False) as live:

        def show(row: Mapping[str, float]) -> None:
            rows.append(row)
            live.update(table_of(rows[-_SHOWN:], iterations), refresh=True)

        yield show


def line_of(row: Mapping[str, float], iterations: int) -> str:
    """A row of metrics as a line."""
    parts = [f"{head} {form.format(row[name])}" for head, name, form in _COLUMNS[1:] if name in row]
    return f"iteration {row['iteration']:.0f}/{iterations}  {'  '.join(parts)}"


def table_of(rows: Sequence[Mapping[str, float]], iterations: int) -> Table:
    """The last rows as a table, the terms of the last return below it."""
    terms = [
        f"{name.removeprefix('term/')} {value:.3f}" for name, value in rows[-1].items() if name.startswith("term/")
    ]
    caption = f"iteration {rows[-1]['iteration']:.0f} of {iterations}; {', '.join(terms)}" if terms else None
    table = Table(caption=caption, caption_justify="left")
    there = [column for column in _COLUMNS if any(column[1] in row for row in rows)]
    for head, _, _ in there:
        table.add_column(head, justify="right")
    for row in rows:
        table.add_row(*(form.format(row[name]) if name in row else "" for _, name, form in there))
    return table
