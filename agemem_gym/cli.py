"""The command line: ``agemem list | play | run | replay | leaderboard | doctor``."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from agemem_gym.errors import AgeMemError, ConfigurationError
from agemem_gym.registration import BENCHMARKS

_DEFAULT_AGENTS = ["random", "oracle", "scripted"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, or 1 for an error or a finding."""
    parser = _parser()
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = parser.parse_args(given)
    options.given = given
    console = Console(width=None if sys.stdout.isatty() else 160)
    # a user's own agents and envs are looked for where the command is run, as `python -m` does
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return int(options.command(options, console) or 0)
    except AgeMemError as error:
        print(f"agemem: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nagemem: stopped; what was finished is kept", file=sys.stderr)
        return 130


def _list(options: argparse.Namespace, console: Console) -> None:
    import importlib.util

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


def _doctor(options: argparse.Namespace, console: Console) -> int:
    from agemem_gym.doctor import examine

    table = Table(title="Doctor")
    for heading in ("", "what", "found", "to mend it"):
        table.add_column(heading)
    missing = 0
    for finding in examine():
        missing += finding.ok is False
        mark = {True: "[green]ok", False: "[red]missing", None: "[yellow]optional"}[finding.ok]
        table.add_row(mark, finding.what, finding.found, finding.mend)
    console.print(table)
    return 1 if missing else 0


def _play(options: argparse.Namespace, console: Console) -> None:
    from agemem_gym.play import play_in_terminal

    play_in_terminal(options.env, options.seed, _env_kwargs(options.env_arg), console)


def _run(options: argparse.Namespace, console: Console) -> int:
    from agemem_gym.episode import write_episodes
    from agemem_gym.leaderboard.play import Job, play_jobs
    from agemem_gym.leaderboard.table import print_table

    kwargs = _env_kwargs(options.env_arg)
    seeds = range(options.seed, options.seed + _positive("episodes", options.episodes))
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


def _replay(options: argparse.Namespace, console: Console) -> int:
    from agemem_gym.episode import read_episodes
    from agemem_gym.replay import replay

    different = count = 0
    for episode in read_episodes(options.file):
        count += 1
        difference = replay(episode)
        different += difference is not None
        name = f"{episode.env_id} {episode.start.task_id}, {len(episode.steps)} replies"
        console.print(f"{name}: {'the same' if difference is None else f'differs at {difference}'}", markup=False)
    if not count:
        raise ConfigurationError(f"{options.file} holds no episode")
    console.print(f"{count - different} of {count} episodes are the same, byte for byte.")
    return 1 if different else 0


def _leaderboard(options: argparse.Namespace, console: Console) -> int:
    from agemem_gym.leaderboard import run_leaderboard

    rows = run_leaderboard(
        options.agents,
        options.envs or [benchmark.env_id for benchmark in BENCHMARKS],
        options.episodes,
        options.out,
        first_seed=options.seed,
        processes=options.jobs,
        env_kwargs=_env_kwargs(options.env_arg),
        command=shlex.join(["agemem", *options.given]),
        console=console,
    )
    return int(any(row.error for row in rows))


def _env_kwargs(pairs: Sequence[str]) -> dict[str, Any]:
    """``["split=train", "token_budget=4096"]`` as keywords; values are JSON, or else text."""
    kwargs = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.isidentifier():
            raise ConfigurationError(f"--env-arg {pair!r}: expected KEYWORD=VALUE")
        try:
            kwargs[key] = json.loads(value)
        except ValueError:
            kwargs[key] = value
    return kwargs


def _positive(name: str, value: int) -> int:
    if value < 1:
        raise ConfigurationError(f"--{name} {value}: expected a whole number of at least 1")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="agemem", description="Environments for agents that manage their own memory.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("list", help="the envs and agents that there are")
    command.set_defaults(command=_list)

    command = commands.add_parser("doctor", help="what is installed, what is missing, how to mend it")
    command.set_defaults(command=_doctor)

    command = commands.add_parser("play", help="play an env yourself, in the terminal")
    command.add_argument("env", metavar="ID")
    command.add_argument("--seed", type=int, default=0)
    _add_env_arg(command)
    command.set_defaults(command=_play)

    command = commands.add_parser("run", help="let an agent play an env")
    command.add_argument("env", metavar="ID")
    command.add_argument("--agent", default="scripted", help="short name or package.module:Class")
    command.add_argument("--episodes", type=int, default=1)
    command.add_argument("--seed", type=int, default=0, help="seed of the first episode")
    command.add_argument("--record", type=Path, metavar="FILE", help="write the episodes as JSON Lines")
    _add_env_arg(command)
    command.set_defaults(command=_run)

    command = commands.add_parser("replay", help="play recorded episodes again and compare byte for byte")
    command.add_argument("file", type=Path, metavar="FILE")
    command.set_defaults(command=_replay)

    _add_leaderboard(commands.add_parser("leaderboard", help="agents x envs x episodes, resumable"))
    return parser


def _add_leaderboard(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--agents", nargs="+", default=_DEFAULT_AGENTS, metavar="AGENT", help="names or package.module:Class"
    )
    command.add_argument("--agent", action="append", dest="agents", metavar="AGENT", help="one more agent")
    command.add_argument("--envs", nargs="+", metavar="ID", help="all benchmarks by default")
    command.add_argument("--episodes", type=int, default=20, help="per agent and env")
    command.add_argument("--seed", type=int, default=0, help="seed of the first episode")
    command.add_argument("--jobs", type=int, default=1, metavar="N", help="worker processes")
    command.add_argument("--out", type=Path, default=Path("results/leaderboard"), metavar="FOLDER")
    _add_env_arg(command)
    command.set_defaults(command=_leaderboard)


def _add_env_arg(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--env-arg", action="append", default=[], metavar="KEYWORD=VALUE", help="keyword of gym.make; may be repeated"
    )


if __name__ == "__main__":
    sys.exit(main())
