"""The whole leaderboard: which episodes are wanted, which are there already, play the rest, print the table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from agemem_gym.agent import agent_env_kwargs
from agemem_gym.errors import ConfigurationError
from agemem_gym.leaderboard.play import EpisodeRow, Job, play_jobs
from agemem_gym.leaderboard.pool import play_in_processes
from agemem_gym.leaderboard.results import ResultsFile
from agemem_gym.leaderboard.table import markdown, print_table, write_markdown
from agemem_gym.versions import installed_versions

_BLOCK = (
    5  # episodes that one worker plays in one env before it asks for more: few engine starts, little waiting at the end
)


def run_leaderboard(
    agents: Sequence[str],
    env_ids: Sequence[str],
    episodes: int,
    out: Path,
    *,
    first_seed: int = 0,
    processes: int = 1,
    env_kwargs: Mapping[str, Any] | None = None,
    command: str = "agemem leaderboard",
    console: Console | None = None,
) -> list[EpisodeRow]:
    """Play ``agents x env_ids x episodes`` and return the rows that were asked for.

    Rows are appended to ``out/episodes.jsonl`` as they finish; episodes that stand there already are not played again, those
    that ended in an error are. ``out/leaderboard.md`` holds the table of the rows that were asked for.

    Args:
        agents: short names or ``package.module:Class``.
        env_ids: registered ids.
        episodes: how many per agent and env; their seeds are ``first_seed, first_seed + 1, …``.
        out: the folder of results.
        first_seed: seed of the first episode.
        processes: worker processes; 1 plays in this one.
        env_kwargs: keywords of ``gym.make`` for every env.
        command: what to name as the table's origin.
        console: where to print.

    Raises:
        ConfigurationError: an unknown agent or env, a number below 1, or `out` is in use.
    """
    _check(agents, env_ids, episodes, processes, first_seed)
    console = console or Console()
    jobs = [
        Job(agent, env_id, seed, dict(env_kwargs or {}))
        for env_id in env_ids
        for agent in agents
        for seed in range(first_seed, first_seed + episodes)
    ]
    with ResultsFile(out / "episodes.jsonl") as results:
        done = results.done()
        missing = [job for job in jobs if job.key not in done]
        if len(missing) < len(jobs):
            console.print(f"{len(jobs) - len(missing)} of {len(jobs)} episodes are in {results.path} already.")
        with _progress(console) as progress:
            bar = progress.add_task("episodes", total=len(jobs), completed=len(jobs) - len(missing))
            for row in _play(missing, processes):
                results.append(row)
                progress.update(bar, advance=1, description=f"{row.env_id} · {row.agent}")
                if row.error is not None:
                    progress.console.print(
                        f"[red]{row.env_id} · {row.agent} · seed {row.seed}: {row.error}", markup=True
                    )
        rows = [results.rows[job.key] for job in jobs]
    print_table(rows, console)
    failed = sum(row.error is not None for row in rows)
    if failed:
        console.print(
            f"[red]{failed} episodes ended in an error and are not in the table; run again to play them again."
        )
    write_markdown(out / "leaderboard.md", markdown(rows, command, installed_versions()))
    return rows


def _check(agents: Sequence[str], env_ids: Sequence[str], episodes: int, processes: int, first_seed: int) -> None:
    """Fail before the first episode, not after the first hour."""
    from gymnasium.envs.registration import registry

    for name, value, least in (("episodes", episodes, 1), ("jobs", processes, 1), ("seed", first_seed, 0)):
        if value < least:
            raise ConfigurationError(f"{name}={value}: expected a whole number of at least {least}")
    for agent in agents:
        agent_env_kwargs(agent)
    for env_id in env_ids:
        if env_id not in registry:
            known = sorted(name for name in registry if name.startswith("AgeMem-"))
            raise ConfigurationError(f"unknown env {env_id!r}; known are {', '.join(known)}")


def _play(jobs: list[Job], processes: int) -> Iterator[EpisodeRow]:
    blocks = _blocks(jobs)
    if processes == 1:
        for block in blocks:
            for row, _ in play_jobs(block):
                yield row
    else:
        yield from play_in_processes(blocks, processes)


def _blocks(jobs: list[Job]) -> list[list[Job]]:
    """Jobs of one agent and env together, at most :data:`_BLOCK` of them."""
    groups: dict[tuple[str, str], list[Job]] = {}
    for job in jobs:
        groups.setdefault((job.agent, job.env_id), []).append(job)
    return [group[start : start + _BLOCK] for group in groups.values() for start in range(0, len(group), _BLOCK)]


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )
