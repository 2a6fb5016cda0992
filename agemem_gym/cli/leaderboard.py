"""``agemem leaderboard``: agents x envs x episodes, resumable."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from agemem_gym.cli.arguments import add_env_arg, env_kwargs
from agemem_gym.registration import BENCHMARKS

if TYPE_CHECKING:
    from agemem_gym.cli.arguments import Commands

_DEFAULT_AGENTS = ["random", "oracle", "scripted"]


def add(commands: Commands) -> None:
    """Add the command's parser."""
    command = commands.add_parser("leaderboard", help="agents x envs x episodes, resumable")
    command.add_argument(
        "--agents", nargs="+", default=_DEFAULT_AGENTS, metavar="AGENT", help="names or package.module:Class"
    )
    command.add_argument("--agent", action="append", dest="agents", metavar="AGENT", help="one more agent")
    command.add_argument("--envs", nargs="+", metavar="ID", help="all benchmarks by default")
    command.add_argument("--episodes", type=int, default=20, help="per agent and env")
    command.add_argument("--seed", type=int, default=0, help="seed of the first episode")
    command.add_argument("--jobs", type=int, default=1, metavar="N", help="worker processes")
    command.add_argument(
        "--out", type=Path, default=Path("results/leaderboard"), metavar="FOLDER", help="where results are kept"
    )
    add_env_arg(command)
    command.set_defaults(command=leaderboard)


def leaderboard(options: argparse.Namespace, console: Console) -> int:
    """Play what is missing and print the tables; status 1 if an episode ended in an error."""
    from agemem_gym.leaderboard import run_leaderboard

    rows = run_leaderboard(
        options.agents,
        options.envs or [benchmark.env_id for benchmark in BENCHMARKS],
        options.episodes,
        options.out,
        first_seed=options.seed,
        processes=options.jobs,
        env_kwargs=env_kwargs(options.env_arg),
        command=shlex.join(["agemem", *options.given]),
        console=console,
    )
    return int(any(row.error for row in rows))
