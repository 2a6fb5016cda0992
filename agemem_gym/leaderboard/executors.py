"""Where jobs are played: one small protocol, so that a board need not know.

- :class:`InThisProcess`: here
- :class:`~agemem_gym.leaderboard.pool.InProcesses`: in worker processes
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from agemem_gym.leaderboard.plan import Wanted
from agemem_gym.leaderboard.play import Block, Result, blocks_of


class Executor(Protocol):
    """Plays numbered jobs, which are plain data, and gives their results, which are plain data, too."""

    def play(self, wanted: Sequence[Wanted]) -> Iterator[Result]:
        """One result a job, in the order in which they finish. Closing the iterator ends what is being played."""


class InThisProcess:
    """Plays here, with `slots` live episodes at a time."""

    def __init__(self, slots: int = 1) -> None:
        self._slots = slots

    def play(self, wanted: Sequence[Wanted]) -> Iterator[Result]:
        """Agent after agent; a slot whose episode ends takes the agent's next job, in whichever env."""
        yield from self.play_blocks(blocks_of(wanted, self._slots, None))

    def play_blocks(self, blocks: Sequence[Block]) -> Iterator[Result]:
        """Block after block."""
        for block in blocks:
            yield from block.play()
