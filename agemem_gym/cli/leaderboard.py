"""``agemem leaderboard``: agents x envs x episodes, resumable."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from agemem_gym.cli.agents import add_agents, add_prices, agent_specs, prices_of, status_of_rows
from agemem_gym.cli.arguments import add_env_arg, env_kwargs
from agemem_gym.cli.status import Status
from agemem_gym.errors import ConfigurationError, missing_extra
from agemem_gym.registration import BENCHMARKS
from agemem_gym.terminal import Terminal

if TYPE_CHECKING:
    from agemem_gym.cli.arguments import Commands
    from agemem_gym.leaderboard import EpisodeRow

_SUITES = ("episodes", "stream")
_DEFAULT_AGENTS = ("random", "explorer", "store-all", "oracle")
_STREAM_AGENTS = ("explorer", "store-all", "store-only")
_EPISODES, _STREAMS = 20, 10


@dataclass(frozen=True)
class _Trained:
    """A default agent whose weights lie in the package.

    Attributes:
        envs: where it was trained; by default it plays there and nowhere else.
        keywords: its keywords, each ``KEYWORD=VALUE``.
        needs: a package that has to be there, and the extra that brings it.
    """

    envs: tuple[str, ...] = ("AgeMem-HotpotQA-ThreeStage-v0",)
    keywords: tuple[str, ...] = ()
    needs: tuple[str, str] | None = None

    @property
    def lack(self) -> str | None:
        """What it lacks here to play."""
        if self.needs is None or find_spec(self.needs[0]) is not None:
            return None
        return str(missing_extra(*self.needs))


_TRAINED = {
    "sb3-ppo": _Trained(),
    "agemem-norl": _Trained(keywords=("model=small", "threads=1"), needs=("transformers", "local")),
}


def add(commands: Commands) -> None:
    """Add the command's parser."""
    command = commands.add_parser(
        "leaderboard",
        help="agents x envs x episodes, resumable",
        description="Play agents x envs x episodes on held-out tasks and print the table. What the folder holds already is not "
        "played again. Status 0, 1 if an episode ended in an error, 2 if it could not begin, 3 if the judge failed somewhere.",
    )
    command.add_argument(
        "--suite",
        choices=_SUITES,
        default="episodes",
        help="single episodes, or streams: what memory is worth over tasks in a row (default: episodes)",
    )
    add_agents(command, several=True)
    command.add_argument(
        "--envs", nargs="+", metavar="ID", help="by default all that are installed, in three stages and then bare"
    )
    command.add_argument(
        "--episodes",
        type=int,
        metavar="N",
        help=f"per agent and env (default: {_EPISODES}); of the suite stream: how many streams (default: {_STREAMS})",
    )
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
        "--out",
        type=Path,
        metavar="FOLDER",
        help="(default: results/leaderboard; of the suite stream: results/streams)",
    )
    command.add_argument(
        "--keep-episodes",
        choices=("all", "failed", "none"),
        help="which records to keep in episodes.jsonl; failed: those not solved (default: all; of the suite stream: none)",
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
    command.add_argument(
        "--cells",
        choices=("needed", "all"),
        help="of the suite stream: score each task from just before its turn on, or after every task (default: needed)",
    )
    command.add_argument(
        "--score", choices=("success", "progress"), help="of the suite stream: what is scored (default: success)"
    )
    add_prices(command)
    command.add_argument(
        "--dry-run",
        action="store_true",
        help="say what the run will ask of language models, and what it will cost; asks none, and plays nothing",
    )
    command.add_argument(
        "--tokenizer",
        metavar="SPEC",
        help="of --dry-run: encoder, words or hf:NAME, where the model is not run here (default: encoder)",
    )
    command.add_argument(
        "--measure", type=int, metavar="N", help="of --dry-run: episodes to measure, of each agent and env (default: 3)"
    )
    add_env_arg(command)
    command.set_defaults(command=leaderboard)


def leaderboard(options: argparse.Namespace, console: Console) -> int:
    """Play what is missing and print the tables; see the command's description for the status."""
    if options.dry_run:
        return _dry_run(options, console)
    _refuse_without_dry_run(options)
    return status_of_rows(_streams(options, console) if options.suite == "stream" else _episodes(options, console))


def _episodes(options: argparse.Namespace, console: Console) -> Sequence[EpisodeRow]:
    from agemem_gym.leaderboard import run_leaderboard

    _refuse(options, "episodes", cells=None, score=None)
    return run_leaderboard(
        **_asked_for(options, console),
        processes=options.jobs,
        slots=options.slots,
        keep_episodes=options.keep_episodes or "all",
        compressed=options.gzip,
        repair=options.repair,
        stop_at_error=options.stop_at_error,
        command=shlex.join(["agemem", *options.given]),
        console=console,
    )


def _asked_for(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    """What is to be played, and where it is to be written: the same for a run and for its forecast."""
    lacks = {} if options.agents else {name: trained.lack for name, trained in _TRAINED.items()}
    for name, lack in lacks.items():
        if lack is not None:
            (console if options.form == "table" else Terminal(stderr=True)).print(
                f"skipped {name}: {lack}", markup=False
            )
    there = {name: trained for name, trained in _TRAINED.items() if lacks.get(name) is None}
    return {
        "agents": agent_specs(
            options, (*_DEFAULT_AGENTS, *there), {name: trained.keywords for name, trained in there.items()}
        ),
        "env_ids": _env_ids(options),
        "episodes": _EPISODES if options.episodes is None else options.episodes,
        "out": options.out or Path("results/leaderboard"),
        "first_seed": options.seed,
        "samples": options.samples,
        "env_kwargs": {"split": options.split, **env_kwargs(options.env_arg)},
        "control": env_kwargs(options.control, "--control"),
        "only": {} if options.agents else {name: trained.envs for name, trained in there.items()},
        "fresh": options.fresh,
        "prices": prices_of(options),
        "form": options.form,
    }


def _env_ids(options: argparse.Namespace) -> list[str]:
    in_stages = [benchmark.three_stage_id for benchmark in BENCHMARKS]
    bare = [benchmark.env_id for benchmark in BENCHMARKS]
    return options.envs or [*in_stages, *bare]


def _dry_run(options: argparse.Namespace, console: Console) -> int:
    """Say what the episodes that are missing would ask for."""
    from agemem_gym.leaderboard.forecast import forecast

    if options.suite != "episodes":
        raise ConfigurationError("--dry-run goes with --suite episodes; leave one of them out")
    forecast(
        **_asked_for(options, console),
        tokenizer=options.tokenizer or "encoder",
        measure=3 if options.measure is None else options.measure,
        console=console,
    )
    return Status.OK


def _refuse_without_dry_run(options: argparse.Namespace) -> None:
    for name in ("tokenizer", "measure"):
        if getattr(options, name) is not None:
            raise ConfigurationError(f"--{name} goes with --dry-run; leave it out, or ask for one")


def _streams(options: argparse.Namespace, console: Console) -> Sequence[EpisodeRow]:
    from agemem_gym.leaderboard.streams import run_streams

    _refuse(options, "stream", samples=1, slots=1, control=[], prices=None)
    return run_streams(
        agent_specs(options, _STREAM_AGENTS),
        options.envs or [benchmark.stream_id for benchmark in BENCHMARKS],
        _STREAMS if options.episodes is None else options.episodes,
        options.out or Path("results/streams"),
        first_stream=options.seed,
        processes=options.jobs,
        env_kwargs={"split": options.split, **env_kwargs(options.env_arg)},
        cells=options.cells or "needed",
        score=options.score or "success",
        keep_episodes=options.keep_episodes or "none",
        compressed=options.gzip,
        fresh=options.fresh,
        repair=options.repair,
        stop_at_error=options.stop_at_error,
        form=options.form,
        command=shlex.join(["agemem", *options.given]),
        console=console,
    )


def _refuse(options: argparse.Namespace, suite: str, **unset: Any) -> None:
    """What another suite takes is not passed over in silence.

    Raises:
        ConfigurationError: one of the options is set.
    """
    for name, default in unset.items():
        if getattr(options, name) != default:
            raise ConfigurationError(f"--{name} does not go with --suite {suite}; leave it out")
