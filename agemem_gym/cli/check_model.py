"""``agemem check-model``: whether a model can speak to these envs at all."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from agemem_gym.cli.status import Status

if TYPE_CHECKING:
    from agemem_gym.cli.arguments import Commands
    from agemem_gym.model_check import Report
    from agemem_gym.terminal import Terminal

_SHOWN = 300


def add(commands: Commands) -> None:
    """Add the command's parser."""
    command = commands.add_parser(
        "check-model",
        help="see whether a model can call the tools, act and answer",
        description="Ask a model for a call of each tool, an action and an answer, without and with examples; show how many of "
        "its replies keep to the letter, can be read, and are right, what failed, and what to do.",
    )
    command.add_argument("model", metavar="SPEC", help="local:FOLDER, smollm, openai:MODEL@BASE_URL, …")
    command.add_argument(
        "--shots", type=int, nargs="+", choices=range(4), default=[0, 2], help="numbers of examples (default: 0 2)"
    )
    command.add_argument("--samples", type=int, default=3, help="cases of each kind (default: 3)")
    command.add_argument("--temperature", type=float, default=0.0, help="of its replies (default: 0, greedy)")
    command.add_argument("--max-tokens", type=int, default=256, help="of a reply (default: 256)")
    command.add_argument("--seed", type=int, help="of its replies")
    command.set_defaults(command=check_model)


def check_model(options: argparse.Namespace, terminal: Terminal) -> Status:
    """Ask, and show."""
    from agemem_gym.chat import Sampling, make_chat_model
    from agemem_gym.model_check import check_model as ask

    model = make_chat_model(options.model)
    sampling = Sampling(options.temperature, max_tokens=options.max_tokens, seed=options.seed)
    report = ask(model, shots=options.shots, samples=options.samples, sampling=sampling)
    _show(report, terminal, model.name)
    return Status.FINDING if all(item.error for item in report.tried) else Status.OK


def _show(report: Report, terminal: Terminal, name: str) -> None:
    table = Table(title=Text(f"What {name} writes, in percent"))
    for heading in ("shots", "asked for", "n", "to the letter", "readable", "right", "dialects"):
        table.add_column(heading, justify="left" if heading in ("asked for", "dialects") else "right")
    for line in report.lines:
        dialects = ", ".join(f"{dialect} {count}" for dialect, count in sorted(line.dialects.items()))
        shares = [f"{100 * share:.0f}" for share in (line.strict, line.valid, line.right)]
        table.add_row(str(line.shots), line.kind, str(line.count), *shares, Text(dialects))
    terminal.print(table)
    for tried in report.failures:
        asked, wrote = tried.case.said[-1], tried.error or tried.text
        terminal.print(Text(f"{tried.case.kind}, {tried.shots} shots: asked {asked[:_SHOWN]!r}"))
        terminal.print(Text(f"  wrote {wrote[:_SHOWN]!r}"))
    for sentence in report.advice:
        terminal.print(Text(sentence))
