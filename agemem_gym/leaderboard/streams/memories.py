"""``memories.jsonl``: the long-term memory after each task of a stream, written before the task's row.

So a board that was stopped goes on from the last task that was played. A memory other than our own store has a form of its own,
which is not written; its streams are played again from their beginning.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from agemem_gym.errors import ConfigurationError
from agemem_gym.leaderboard.results import MEMORIES, identity, reading, writing
from agemem_gym.leaderboard.row import EpisodeRow
from agemem_gym.memory import MemoryRecord, StoreSnapshot
from agemem_gym.plain import plain

Identity = tuple[str, tuple[tuple[str, str], ...]]


def memory_to_json(snapshot: Any) -> str | None:
    """A snapshot as one line of JSON; None for a memory that is not our own store."""
    return json.dumps(plain(snapshot), ensure_ascii=False) if isinstance(snapshot, StoreSnapshot) else None


def memory_from_json(text: str) -> StoreSnapshot:
    """Read what :func:`memory_to_json` wrote.

    Raises:
        ConfigurationError: it is no memory.
    """
    try:
        data = json.loads(text)
        records = tuple(MemoryRecord(**record) for record in data["records"])
        return StoreSnapshot(records, int(data["next_number"]), int(data["now"]))
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"not a memory: {error!r} (in {text[:80]!r}…)") from None


class MemoriesFile:
    """The memories of a folder of results.

    Args:
        folder: the folder; its lock is the results'.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / MEMORIES
        self._found: dict[Identity, str] = {}
        if self.path.exists():
            with reading(self.path):
                whole, _, torn = self.path.read_bytes().rpartition(b"\n")
            for line in whole.split(b"\n"):
                self._take(line)
            if torn:  # a run was killed while it wrote this
                with writing(self.path):
                    os.truncate(self.path, len(whole) + 1 if whole else 0)

    def append(self, row: EpisodeRow, memory: str) -> None:
        """Write the memory after the task of a row."""
        line = json.dumps({"key": row.key, "versions": dict(row.versions), "memory": memory}, ensure_ascii=False)
        with writing(self.path), self.path.open("ab") as file:
            file.write(line.encode("utf-8") + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self._found[identity(row.key, row.versions)] = memory

    def get(self, identity: Identity) -> str | None:
        """The memory after the task of this identity."""
        return self._found.get(identity)

    def _take(self, line: bytes) -> None:
        """A line; a damaged one is as if it had not been written: its task is played again."""
        try:
            data = json.loads(line)
            memory_from_json(data["memory"])
            self._found[identity(data["key"], data["versions"])] = data["memory"]
        except (ValueError, KeyError, TypeError, AttributeError, ConfigurationError):
            return
