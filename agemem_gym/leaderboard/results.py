"""``results.jsonl`` and ``episodes.jsonl``: a row and a record per finished episode, written as it finishes.

An episode's record is written before its row, and the row says where it lies. A kill at any moment loses at most what was
being written: on the next start a torn last row, and records behind the last one that a row names, are cut off, and those
episodes are played again. A lock on the folder keeps two runs from writing into it. Damage elsewhere (a cut line, a hole, a
value that cannot be) is never passed over: it is named by line, and set aside when that is asked for.
"""

from __future__ import annotations

import fcntl
import gzip
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from agemem_gym.episode import Episode
from agemem_gym.errors import ConfigurationError
from agemem_gym.leaderboard.row import EpisodeRow

RESULTS = "results.jsonl"
EPISODES = "episodes.jsonl"
DAMAGED = "results.damaged.jsonl"
MEMORIES = "memories.jsonl"
_SHOWN = 5  # damaged lines named in a message


@dataclass(frozen=True)
class Damage:
    """A line that is no result.

    Attributes:
        line: its number, from 1.
        reason: what is wrong with it.
        content: its bytes.
    """

    line: int
    reason: str
    content: bytes


class ResultsFolder:
    """The results of a board, open for writing.

    Args:
        folder: made if it is not there.
        repair: set damaged lines aside instead of refusing them.
        fresh: begin anew; what is there is moved into a folder of its own beside it.
        compressed: write episodes as ``episodes.jsonl.gz``; where the folder has a file of episodes, its form is kept.

    Attributes:
        rows: every row in the order in which they finished, failed ones that were played again among them.

    Raises:
        ConfigurationError: another run writes here, a file is damaged, or the folder cannot be written.
    """

    def __init__(self, folder: Path, *, repair: bool = False, fresh: bool = False, compressed: bool = False) -> None:
        self.folder = folder
        self.path = folder / RESULTS
        self._lock = _locked(folder)
        try:
            if fresh:
                _set_aside(folder)
            _refuse_old_form(folder / EPISODES)
            with writing(self.path):
                self.path.touch()
                _cut_torn_line(self.path)
            found = list(_read(self.path))
            damage = [item for item in found if isinstance(item, Damage)]
            self.rows = [item for item in found if isinstance(item, EpisodeRow)]
            packed = folder / f"{EPISODES}.gz"
            plain = folder / EPISODES
            self.episodes = packed if packed.exists() or (compressed and not plain.exists()) else plain
            lost = _without_episode(self.rows, self.episodes)
            if (damage or lost) and not repair:
                raise ConfigurationError(_complaint(self.path, damage, lost))
            if damage or lost:
                self._repair(damage, lost)
            self._end = max((row.place["offset"] + row.place["length"] for row in self._kept()), default=0)
            self._line = max((row.place["line"] for row in self._kept()), default=0)
            if self.episodes.exists():
                with writing(self.episodes):
                    os.truncate(self.episodes, self._end)
        except BaseException:
            os.close(self._lock)
            raise

    def __enter__(self) -> ResultsFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._lock)

    def append(self, row: EpisodeRow, episode: str | None = None) -> EpisodeRow:
        """Write a row, after its episode's record if that is to be kept; when this returns, both are on the disk."""
        if episode is not None:
            content = episode.encode("utf-8") + b"\n"
            if self.episodes.suffix == ".gz":
                content = gzip.compress(content, mtime=0)
            _append(self.episodes, content)
            self._line += 1
            place = {"file": self.episodes.name, "offset": self._end, "length": len(content), "line": self._line}
            self._end += len(content)
            row = replace(row, place=place)
        _append(self.path, row.to_json().encode("utf-8") + b"\n")
        self.rows.append(row)
        return row

    def newest(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], EpisodeRow]:
        """By key and versions, the newest row of each episode."""
        return newest_of(self.rows)

    def _kept(self) -> Iterator[EpisodeRow]:
        """The rows that say where in the file of episodes their record lies."""
        return (row for row in self.rows if row.place.get("file") == self.episodes.name)

    def _repair(self, damage: list[Damage], lost: list[EpisodeRow]) -> None:
        """Set damaged lines aside, and rows whose episodes are not there any more."""
        gone = {id(row) for row in lost}
        self.rows = [row for row in self.rows if id(row) not in gone]
        aside = [item.content for item in damage] + [row.to_json().encode("utf-8") for row in lost]
        with writing(self.path):
            _append(self.folder / DAMAGED, b"".join(content + b"\n" for content in aside))
            temporary = self.path.with_suffix(".tmp")
            temporary.write_bytes(b"".join(row.to_json().encode("utf-8") + b"\n" for row in self.rows))
            temporary.replace(self.path)


def newest_of(rows: Iterable[EpisodeRow]) -> dict[tuple[str, tuple[tuple[str, str], ...]], EpisodeRow]:
    """By key and versions, the newest of rows in the order in which they finished."""
    return {identity(row.key, row.versions): row for row in rows}


def identity(key: str, versions: Any) -> tuple[str, tuple[tuple[str, str], ...]]:
    """What makes two rows results of the same experiment: the episode's key, and the versions of everything."""
    return key, tuple(sorted(versions.items()))


def read_rows(path: Path) -> Iterator[EpisodeRow]:
    """The rows of a results file, in the order in which they finished.

    Raises:
        ConfigurationError: there is no such file, or lines of it are damaged; the message holds their numbers.
    """
    found = list(_read(path))
    damage = [item for item in found if isinstance(item, Damage)]
    if damage:
        raise ConfigurationError(_complaint(path, damage, []))
    yield from (item for item in found if isinstance(item, EpisodeRow))


def read_episode(folder: Path, row: EpisodeRow) -> Episode:
    """The record of a row's episode.

    Raises:
        ConfigurationError: it was not kept, or does not lie where the row says.
    """
    if not row.place:
        raise ConfigurationError(f"the episode of {row.agent} in {row.env_id}, seed {row.seed}, was not kept")
    path = folder / row.place["file"]
    with reading(path), path.open("rb") as file:
        file.seek(row.place["offset"])
        content = file.read(row.place["length"])
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")
    return Episode.from_json(text)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say in one sentence what keeps a file from being written: a full disk, a read-only folder, …"""
    try:
        yield
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}; what was finished before is kept") from None


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Say in one sentence what keeps a file from being read."""
    try:
        yield
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None


def _locked(folder: Path) -> int:
    """The folder, made and locked."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY)
    except (FileExistsError, NotADirectoryError):
        raise ConfigurationError(
            f"cannot write into {folder}: it is a file, or lies in one; expected a folder"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"cannot write into {folder}: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise ConfigurationError(
            f"{folder} is being written by another run; wait for it, or use another --out"
        ) from None
    return lock


def _set_aside(folder: Path) -> None:
    """Move what a board has left here into ``before-N``."""
    names = (RESULTS, DAMAGED, EPISODES, f"{EPISODES}.gz", MEMORIES, "leaderboard.md", "streams.md")
    present = [folder / name for name in names if (folder / name).exists()]
    if not present:
        return
    number = 1
    while (folder / f"before-{number}").exists():
        number += 1
    with writing(folder):
        (folder / f"before-{number}").mkdir()
        for path in present:
            path.rename(folder / f"before-{number}" / path.name)


def _refuse_old_form(path: Path) -> None:
    """Earlier versions kept their rows under the name that episodes have now."""
    if path.exists():
        with path.open("rb") as file:
            if file.read(11).startswith(b'{"agent": "'):
                raise ConfigurationError(
                    f"{path} holds results of an earlier version of agemem-gym; use another --out, or --fresh, which keeps "
                    "them beside the new ones"
                )


def _read(path: Path) -> Iterator[EpisodeRow | Damage]:
    with reading(path):
        lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield EpisodeRow.from_json(line.decode("utf-8"))
            except (ValueError, TypeError, RecursionError) as error:
                yield Damage(number, f"{error}", line)


def _without_episode(rows: list[EpisodeRow], path: Path) -> list[EpisodeRow]:
    """Rows that name an episode behind the end of its file."""
    sizes: dict[str, int] = {}
    for name in {row.place["file"] for row in rows if row.place}:
        file = path.parent / name
        sizes[name] = file.stat().st_size if file.exists() else 0
    return [row for row in rows if row.place and row.place["offset"] + row.place["length"] > sizes[row.place["file"]]]


def _complaint(path: Path, damage: list[Damage], lost: list[EpisodeRow]) -> str:
    named = [f"line {item.line} is no result ({item.reason})" for item in damage[:_SHOWN]]
    if len(damage) > _SHOWN:
        named.append(f"and so are {len(damage) - _SHOWN} more")
    if lost:
        named.append(f"{len(lost)} rows name episodes that are not in {lost[0].place['file']}")
    return f"{path} is damaged: {'; '.join(named)}; --repair sets them aside in {DAMAGED} and plays them again"


def _append(path: Path, content: bytes) -> None:
    with writing(path), path.open("ab") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _cut_torn_line(path: Path) -> None:
    """Remove what a killed run left behind the last line end."""
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
