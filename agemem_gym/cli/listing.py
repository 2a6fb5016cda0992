"""``agemem list``: the envs and agents that there are."""

from __future__ import annotations

import argparse
import importlib.util
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from agemem_gym.registration import BENCHMARKS

if TYPE_CHECKING:
    from agemem_gym.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add the command's parser."""
    command = commands.add_parser("list", help="the envs and agents that there are")
    command.set_defaults(command=list_all)


def list_all(options: argparse.Namespace, console: Console) -> None:
    """Print the table of envs, and the names of agents."""
    from agemem_gym.agent import AGENTS

    table = Table(title="Envs")
    for heading in ("id", "what it is", "extra", "installed"):
        table.add_column(heading)
    for benchmark in BENCHMARKS:
        engine = benchmark.engine
        installed = "yes" if importlib.util.find_spec(engine) else f"no: pip install 'agemem-gym[{benchmark.extra}]'"
        table.add_row(benchmark.env_id, benchmark.summary, benchmark.extra, installed)
    console.print(table)
    console.print("Each again behind the three-stage curriculum: " + BENCHMARKS[0].three_stage_id + ", …", markup=False)
    console.print("Agents: " + ", ".join(AGENTS) + ", or your own as package.module:Class", markup=False)
