"""``agemem leaderboard``: agents x envs x episodes, resumable."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from agemem_gym.cli.agents import add_agents, agent_specs, status_of_rows
from agemem_gym.cli.arguments import add_env_arg, env_kwargs
from agemem_gym.registration import BENCHMARKS

if TYPE_CHECKING:
    from agemem_gym.cli.arguments import Commands

_DEFAULT_AGENTS = ("random", "scripted", "oracle")


def add(commands: Commands) -> None:
    """Add the command's parser."""
    command = commands.add_parser(
        "leaderboard",
        help="agents x envs x episodes, resumable",
        description="Play agents x envs x episodes on held-out tasks and print the table. What the folder holds already is not "
        "played again. Status 0, 1 if an episode ended in an error, 2 if it could not begin, 3 if the judge failed somewhere.",
    )
    add_agents(command, several=True)
    command.add_argument(
        "--envs", nargs="+", metavar="ID", help="by default all that are installed, in three stages and then bare"
    )
    command.add_argument("--episodes", type=int, default=20, metavar="N", help="per agent and env (default: 20)")
    command.add_argument("--samples", type=int, default=1, metavar="K", help="episodes of each task (default: 1)")
    command.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the first episode (default: 0)")
    command.add_argument("--split", default="test", metavar="NAME", help="train, validation or test (default: test)")
    command.add_argument("--jobs", type=int, default=1, metavar="N", help="worker processes (default: 1, this one)")
    command.add_argument("--slots", type=int, default=1, metavar="N", help="live episodes in each process (default: 1)")
    command.add_argument(
        "--control",
        nargs="+",
        default=[],
        metavar="KEYWORD=VALUE",
        help="play each three-stage env under these keywords too (n1=0: nothing is told), and print the difference",
    )
    command.add_argument(
        "--out", type=Path, default=Path("results/leaderboard"), metavar="FOLDER", help="(default: results/leaderboard)"
    )
    command.add_argument(
        "--keep-episodes",
        choices=("all", "failed", "none"),
        default="all",
        help="which records to keep in episodes.jsonl; failed: those not solved (default: all)",
    )
    command.add_argument("--gzip", action="store_true", help="keep records in episodes.jsonl.gz")
    command.add_argument(
        "--fresh", action="store_true", help="play all anew; what is there is moved into a folder beside"
    )
    command.add_argument("--repair", action="store_true", help="set damaged lines of results.jsonl aside and go on")
    command.add_argument("--raise", action="store_true", dest="stop_at_error", help="stop at the first error")
    command.add_argument(
        "--format", choices=("table", "md", "csv", "json"), default="table", dest="form", help="of what is printed"
    )
    add_env_arg(command)
    command.set_defaults(command=leaderboard)


def leaderboard(options: argparse.Namespace, console: Console) -> int:
    """Play what is missing and print the tables; see the command's description for the status."""
    from agemem_gym.leaderboard import run_leaderboard

    in_stages = [benchmark.three_stage_id for benchmark in BENCHMARKS]
    bare = [benchmark.env_id for benchmark in BENCHMARKS]
    rows = run_leaderboard(
        agent_specs(options, _DEFAULT_AGENTS),
        options.envs or [*in_stages, *bare],
        options.episodes,
        options.out,
        first_seed=options.seed,
        samples=options.samples,
        processes=options.jobs,
        slots=options.slots,
        env_kwargs={"split": options.split, **env_kwargs(options.env_arg)},
        control=env_kwargs(options.control, "--control"),
        keep_episodes=options.keep_episodes,
        compressed=options.gzip,
        fresh=options.fresh,
        repair=options.repair,
        stop_at_error=options.stop_at_error,
        form=options.form,
        command=shlex.join(["agemem", *options.given]),
        console=console,
    )
    return status_of_rows(rows)
