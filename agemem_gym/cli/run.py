"""``agemem run``: let an agent play an env."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from agemem_gym.cli.arguments import add_env_arg, env_kwargs, positive

if TYPE_CHECKING:
    from agemem_gym.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add the command's parser."""
    command = commands.add_parser("run", help="let an agent play an env")
    command.add_argument("env", metavar="ID", help="id of an env; `agemem list` names them")
    command.add_argument("--agent", default="scripted", help="short name or package.module:Class")
    command.add_argument("--episodes", type=int, default=1, help="how many, of one seed after the other (1)")
    command.add_argument("--seed", type=int, default=0, help="seed of the first episode")
    command.add_argument("--record", type=Path, metavar="FILE", help="write the episodes as JSON Lines")
    add_env_arg(command)
    command.set_defaults(command=run)


def run(options: argparse.Namespace, console: Console) -> int:
    """Play the episodes, a line each, and print their table; status 1 if one ended in an error."""
    from agemem_gym.episode import write_episodes
    from agemem_gym.leaderboard.play import Job, play_jobs
    from agemem_gym.leaderboard.table import print_table

    kwargs = env_kwargs(options.env_arg)
    seeds = range(options.seed, options.seed + positive("episodes", options.episodes))
    if options.record:
        options.record.parent.mkdir(parents=True, exist_ok=True)
        options.record.write_text("", encoding="utf-8")
    rows = []
    for row, episode in play_jobs([Job(options.agent, options.env, seed, kwargs) for seed in seeds]):
        rows.append(row)
        outcome = row.error or f"{'solved' if row.success else 'not solved'}, progress {row.progress:.2f}"
        console.print(f"seed {row.seed}  {row.task_id}: {outcome}, {row.steps} replies", highlight=False, markup=False)
        if options.record and episode is not None:
            write_episodes(options.record, [episode], append=True)
    print_table(rows, console)
    return int(any(row.error for row in rows))
