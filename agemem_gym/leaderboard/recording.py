"""A file of episodes that a run writes: nothing there before is ever lost, and nothing half-written ever stands there."""

from __future__ import annotations

import gzip
from pathlib import Path
from types import TracebackType

from agemem_gym.errors import ConfigurationError
from agemem_gym.leaderboard.results import writing


class Recording:
    """Episodes written beside the file and put in its place at the end, also at the end of a run that was stopped.

    Args:
        path: the file, or None for no recording; compressed where its name ends in ``.gz``.
        append: add to the file if it is there, instead of refusing.

    Raises:
        ConfigurationError: the file is there, or cannot be written.
    """

    def __init__(self, path: Path | None, *, append: bool = False) -> None:
        self._path = path
        self._written = 0
        if path is None:
            return
        if path.is_dir():
            raise ConfigurationError(f"cannot write {path}: it is a folder; expected a file")
        if path.exists() and not append:
            raise ConfigurationError(f"{path} is there already: --append adds to it, or name another file")
        self._beside = path.with_name(f"{path.name}.partial")
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._beside.write_bytes(path.read_bytes() if path.exists() else b"")

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._path is None:
            return
        with writing(self._path):
            if self._written:
                self._beside.replace(self._path)
            else:
                self._beside.unlink()

    def write(self, episode: str | None) -> None:
        """Add an episode's line, where there is one."""
        if self._path is None or episode is None:
            return
        content = episode.encode("utf-8") + b"\n"
        with writing(self._path), self._beside.open("ab") as file:
            file.write(gzip.compress(content, mtime=0) if self._path.suffix == ".gz" else content)
        self._written += 1
