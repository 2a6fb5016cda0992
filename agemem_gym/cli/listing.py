"""``agemem list``: the envs and agents that there are."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from agemem_gym.agent import AGENTS
from agemem_gym.errors import install_command
from agemem_gym.registration import BENCHMARKS

if TYPE_CHECKING:
    from agemem_gym.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add the command's parser."""
    command = commands.add_parser("list", help="the envs and agents that there are")
    command.set_defaults(command=list_all)


def list_all(options: argparse.Namespace, console: Console) -> None:
    """Print the table of envs, how to install those that are not, and the names of agents."""
    table = Table(title="Envs")
    for heading in ("id", "what it is", "installed"):
        table.add_column(heading)
    absent = []
    for benchmark in BENCHMARKS:
        table.add_row(benchmark.env_id, benchmark.summary, "yes" if benchmark.installed else "no")
        if not benchmark.installed:
            absent.append(benchmark)
    console.print(table)
    for benchmark in absent:
        console.print(f"To install {benchmark.name}: {install_command(benchmark.extra)}", soft_wrap=True)
    console.print(f"Each again behind the three-stage curriculum: {BENCHMARKS[0].three_stage_id}, …")
    console.print(f"and as a stream of tasks over one memory: {BENCHMARKS[0].stream_id}, …")
    console.print("Agents: " + ", ".join(AGENTS) + ", or your own as package.module:Class")
