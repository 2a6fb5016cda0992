"""``agemem run``: let an agent play an env."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from agemem_gym.cli.agents import add_agents, add_prices, agent_specs, prices_of, status_of_rows
from agemem_gym.cli.arguments import add_env_arg, env_kwargs, positive
from agemem_gym.errors import ConfigurationError

if TYPE_CHECKING:
    from agemem_gym.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add the command's parser."""
    command = commands.add_parser(
        "run",
        help="let an agent play an env",
        description="Let an agent play episodes of an env, a line each. Status 0, 1 if an episode ended in an error, 2 if it "
        "could not begin, 3 if the judge failed somewhere.",
    )
    command.add_argument("env", metavar="ID", help="an id of `agemem list`")
    add_agents(command, several=False)
    command.add_argument("--episodes", type=int, default=1, metavar="N", help="how many (default: 1)")
    command.add_argument("--samples", type=int, default=1, metavar="K", help="episodes of each task (default: 1)")
    command.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the first episode (default: 0)")
    command.add_argument("--jobs", type=int, default=1, metavar="N", help="worker processes (default: 1, this one)")
    command.add_argument("--slots", type=int, default=1, metavar="N", help="live episodes in each process (default: 1)")
    command.add_argument(
        "--record", type=Path, metavar="FILE", help="write the episodes as JSON Lines, compressed if it ends in .gz"
    )
    command.add_argument("--append", action="store_true", help="add to the FILE of --record, if it is there")
    command.add_argument("--raise", action="store_true", dest="stop_at_error", help="stop at the first error")
    add_prices(command)
    add_env_arg(command)
    command.set_defaults(command=run)


def run(options: argparse.Namespace, console: Console) -> int:
    """Play the episodes, a line each, and print their table; see the command's description for the status."""
    from agemem_gym.leaderboard.board import make_board
    from agemem_gym.leaderboard.costs import priced
    from agemem_gym.leaderboard.executors import InThisProcess
    from agemem_gym.leaderboard.plan import check_alone, check_judges, make_plan
    from agemem_gym.leaderboard.pool import InProcesses
    from agemem_gym.leaderboard.recording import Recording
    from agemem_gym.leaderboard.table import print_board
    from agemem_gym.rollout import EpisodeError

    prices = prices_of(options)
    agents = agent_specs(options, ["scripted"])
    if len(agents) > 1:
        raise ConfigurationError("`agemem run` takes one --agent; `agemem leaderboard` takes several")
    seeds = range(options.seed, options.seed + positive("episodes", options.episodes))
    processes, slots = positive("jobs", options.jobs), positive("slots", options.slots)
    plan = make_plan(agents, [options.env], seeds, samples=options.samples, env_kwargs=env_kwargs(options.env_arg))
    check_alone(plan, processes * slots)
    check_judges(plan)
    executor = InThisProcess(slots) if processes == 1 else InProcesses(processes, slots)
    rows = []
    with Recording(options.record, append=options.append) as recording:
        for number, result in enumerate(executor.play(plan), start=1):
            row = priced(result.row, prices)
            rows.append(row)
            recording.write(result.episode)
            outcome = row.error or f"{'solved' if row.success else 'not solved'}, progress {row.progress:.2f}"
            where = f" (at {row.error_at})" if row.error_at else ""
            console.print(
                f"{number}/{len(plan)}  seed {row.seed}  {row.task_id}: {outcome}{where}, {row.steps} replies"
            )
            if options.stop_at_error and row.error is not None:
                raise EpisodeError(f"seed {row.seed}: {row.error}{where}\n\n{row.traceback}".rstrip())
    console.print()
    print_board(make_board(rows), console)
    return status_of_rows(rows)
