"""What every suite does with what is played: say what is not installed, write rows and records down, show how far it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from agemem_gym.errors import ConfigurationError
from agemem_gym.foreign import for_terminal
from agemem_gym.leaderboard.plan import not_installed
from agemem_gym.leaderboard.play import Result
from agemem_gym.leaderboard.results import ResultsFolder
from agemem_gym.leaderboard.row import EpisodeRow
from agemem_gym.rollout import EpisodeError

KEEP = ("all", "failed", "none")


def installed_of(env_ids: Sequence[str], console: Console) -> list[str]:
    """The envs whose engines are there; of the others the console says what they lack."""
    lacks = {env_id: not_installed(env_id) for env_id in env_ids}
    for env_id, lack in lacks.items():
        if lack is not None:
            console.print(f"skipped {env_id}: {lack}")
    present = [env_id for env_id in env_ids if lacks[env_id] is None]
    if not present:
        raise ConfigurationError("none of these envs is installed; `agemem doctor` says what is missing")
    return present


def kept(
    played: Iterator[Result],
    results: ResultsFolder,
    keep: str,
    stop_at_error: bool,
    console: Console,
    total: int,
    missing: int,
) -> Iterator[Result]:
    """What is played, each written down before it is handed on; a line on the console for each error.

    Args:
        played: results as they come.
        results: where to.
        keep: one of :data:`KEEP`: which records.
        stop_at_error: raise EpisodeError at the first, after writing it down.
        console: where to say how far it is.
        total, missing: how many episodes are wanted, and how many of them are to be played.
    """
    with _progress(console) as progress:
        bar = progress.add_task("episodes", total=total, completed=total - missing)
        for result in played:
            row = result.row
            wanted = keep == "all" or (keep == "failed" and not row.success)
            results.append(row, result.episode if wanted else None)
            yield result
            name = for_terminal(f"{row.env_id} · {row.agent}")
            progress.update(bar, advance=1, description=name)
            if row.error is not None:
                progress.console.print(f"{name} · seed {row.seed}: {_told(row)}", style="red")
                if stop_at_error:
                    raise EpisodeError(f"{name} · seed {row.seed}: {_told(row)}\n\n{row.traceback}".rstrip())


def _told(row: EpisodeRow) -> str:
    where = f" (at {row.error_at}, after {row.error_step} replies)" if row.error_at else ""
    return for_terminal(f"{row.error}{where}")


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
