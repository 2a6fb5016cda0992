"""The whole leaderboard: which episodes are wanted, which are there already, play the rest, print the table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from agemem_gym.agent import AgentSpec
from agemem_gym.chat.prices import Price
from agemem_gym.checks import at_least, one_of
from agemem_gym.leaderboard.board import make_board
from agemem_gym.leaderboard.costs import priced
from agemem_gym.leaderboard.executors import Executor, InThisProcess
from agemem_gym.leaderboard.keeping import KEEP, installed_of, kept
from agemem_gym.leaderboard.plan import Wanted, check_alone, check_judges, make_plan
from agemem_gym.leaderboard.play import Result
from agemem_gym.leaderboard.pool import InProcesses
from agemem_gym.leaderboard.results import ResultsFolder, identity
from agemem_gym.leaderboard.row import EpisodeRow
from agemem_gym.leaderboard.table import as_text, markdown, print_board, write_text
from agemem_gym.terminal import Terminal, make_terminal
from agemem_gym.versions import installed_versions


def run_leaderboard(
    agents: Sequence[str | AgentSpec],
    env_ids: Sequence[str],
    episodes: int,
    out: Path,
    *,
    first_seed: int = 0,
    samples: int = 1,
    processes: int = 1,
    slots: int = 1,
    env_kwargs: Mapping[str, Any] | None = None,
    control: Mapping[str, Any] | None = None,
    only: Mapping[str, Sequence[str]] | None = None,
    keep_episodes: str = "all",
    compressed: bool = False,
    fresh: bool = False,
    repair: bool = False,
    stop_at_error: bool = False,
    form: str = "table",
    executor: Executor | None = None,
    prices: Mapping[str, Price] | None = None,
    command: str = "agemem leaderboard",
    console: Console | None = None,
) -> list[EpisodeRow]:
    """Play ``agents x env_ids x episodes x samples`` and return the rows that were asked for.

    Rows are appended to ``out/results.jsonl`` and episodes to ``out/episodes.jsonl`` as they finish; what stands there already
    is not played again, if it was played with the same versions and did not end in an error. ``out/leaderboard.md`` holds the
    table of all rows in the folder.

    Args:
        agents: by name, or made by :meth:`AgentSpec.parse`.
        env_ids: registered ids.
        episodes: how many per agent and env; their seeds are ``first_seed, first_seed + 1, …``.
        out: the folder of results.
        first_seed: seed of the first episode.
        samples: episodes of each task, which differ in what the agent draws.
        processes: worker processes; 1 plays in this one.
        slots: live episodes at a time in each process.
        env_kwargs: keywords of ``gym.make`` for every env; they beat those that an agent brings.
        control: keywords under which each three-stage env is played once more, ``{"n1": 0}`` for one; the tables then set
            success with and without side by side, and the difference.
        only: by an agent's name the envs that it plays, where these are not all.
        keep_episodes: ``"all"``, ``"failed"`` (those not solved) or ``"none"``.
        compressed: write ``episodes.jsonl.gz``.
        fresh: play everything anew; what is in `out` is moved into a folder there.
        repair: set damaged rows aside instead of refusing them.
        stop_at_error: raise EpisodeError at the first episode that ends in an error, after writing it down.
        form: what is printed at the end: one of :data:`.table.FORMATS`.
        executor: where jobs are played, if neither here nor in processes.
        prices: of models by name, for a million tokens; rows and tables then say what they cost, rows of earlier runs too.
        command: what to name as the table's origin.
        console: where to print.

    Raises:
        ConfigurationError: an unknown agent or env, a number below 1, or `out` is in use, damaged or cannot be written.
    """
    at_least("episodes", episodes)
    at_least("jobs", processes)
    at_least("slots", slots)
    at_least("seed", first_seed, 0)
    one_of("keep_episodes", keep_episodes, KEEP)
    console = console or make_terminal()
    notes = console if form == "table" else Terminal(stderr=True)
    specs = [agent if isinstance(agent, AgentSpec) else AgentSpec.parse(agent) for agent in agents]
    plan = make_plan(
        specs,
        installed_of(env_ids, notes),
        range(first_seed, first_seed + episodes),
        samples=samples,
        env_kwargs=env_kwargs,
        control=control,
        only=only,
    )
    check_alone(plan, processes * slots)
    executor = executor or (InThisProcess(slots) if processes == 1 else InProcesses(processes, slots))
    with ResultsFolder(out, repair=repair, fresh=fresh, compressed=compressed) as results:
        missing = missing_of(plan, results.newest())
        if len(missing) < len(plan):
            notes.print(f"{len(plan) - len(missing)} of {len(plan)} episodes are in {results.path} already.")
        check_judges(missing)
        try:
            for _ in kept(
                _priced(executor.play(missing), prices),
                results,
                keep_episodes,
                stop_at_error,
                notes,
                len(plan),
                len(missing),
            ):
                pass
        finally:
            whole = make_board([priced(row, prices or {}) for row in results.rows], control)
            write_text(out / "leaderboard.md", markdown(whole, command))
        newest = {row.key: row for row in results.rows} | {
            row.key: row for row in results.rows if row.versions == installed_versions()
        }
        rows = [priced(newest[wanted.key], prices or {}) for wanted in plan]
    asked = make_board(rows, control)
    if form == "table":
        print_board(asked, console)
        _name_the_rest(len(whole.lines) - len(asked.lines), out, console)
    else:
        console.file.write(as_text(asked, form, command))
    return rows


def _priced(played: Iterator[Result], prices: Mapping[str, Price] | None) -> Iterator[Result]:
    return (replace(result, row=priced(result.row, prices or {})) for result in played)


def missing_of(plan: Sequence[Wanted], newest: Mapping[Any, EpisodeRow]) -> list[Wanted]:
    """What has to be played where these are the newest rows; a stream of memory is played as a whole or not at all."""
    versions = installed_versions()
    done = {key for key, row in newest.items() if row.error is None}
    missing = [wanted for wanted in plan if identity(wanted.key, versions) not in done]
    torn = {id(wanted.entry) for wanted in missing if wanted.entry.is_stream}
    again = {wanted.job.number for wanted in missing} | {w.job.number for w in plan if id(w.entry) in torn}
    return [wanted for wanted in plan if wanted.job.number in again]


def _name_the_rest(others: int, out: Path, console: Console) -> None:
    more = f" and {others} more lines of what was played before" if others > 0 else ""
    console.print(f"All columns{more}: {out / 'leaderboard.md'}, or --format md, csv or json.")
