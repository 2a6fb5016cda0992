"""``episodes.jsonl``: one line per finished episode, written as it finishes.

A kill at any moment loses at most the line that was being written: on the next start a torn last line is cut off and its
episode is played again. A lock keeps two runs from writing into one file.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import TextIO

from agemem_gym.errors import ConfigurationError
from agemem_gym.leaderboard.play import EpisodeRow

_FIELDS = frozenset(field.name for field in fields(EpisodeRow))


class ResultsFile:
    """The results of one leaderboard, open for appending.

    Attributes:
        rows: by job key, the newest row of each episode.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise ConfigurationError(
                f"{path} is being written by another run; wait for it, or use another --out"
            ) from None
        _cut_torn_line(path)
        self.rows: dict[str, EpisodeRow] = {row.job.key: row for row in read_rows(path)}

    def __enter__(self) -> ResultsFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def append(self, row: EpisodeRow) -> None:
        """Write a row; when this returns, the row is on the disk."""
        self._file.write(row.to_json() + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.rows[row.job.key] = row

    def done(self) -> set[str]:
        """Keys of the episodes that need not be played again."""
        return {key for key, row in self.rows.items() if row.error is None}


def read_rows(path: Path) -> Iterator[EpisodeRow]:
    """The rows of a results file, in the order in which they finished.

    Raises:
        ConfigurationError: a line is no result; the message holds file and line number.
    """
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
            yield EpisodeRow(**{key: value for key, value in data.items() if key in _FIELDS})
        except (ValueError, TypeError, AttributeError) as error:
            raise ConfigurationError(f"{path}, line {number} is no result: {error}") from None


def _cut_torn_line(path: Path) -> None:
    """Remove what a killed run left behind the last line end."""
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
