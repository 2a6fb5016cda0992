"""Worker processes that play blocks of jobs and send each result as soon as it is there.

Workers are spawned, never forked: a live Chroma client or JVM does not survive a fork. A worker that dies (killed, out of
memory) loses nothing: what it had not sent is given to another, and an episode that takes a second worker with it gets a row
that says so. When the parent is gone, workers end themselves.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from agemem_gym.errors import AgeMemError
from agemem_gym.leaderboard.plan import Wanted
from agemem_gym.leaderboard.play import Block, Result, blocks_of
from agemem_gym.leaderboard.row import EpisodeRow, lost_row

_ATTEMPTS = 2
_BLOCK = 5  # jobs that a worker takes at a time, for each slot: few engine starts, little waiting at the end
_STOP = None


class WorkerFailure(AgeMemError):
    """A worker could not do its jobs at all (a wrong configuration, a missing package)."""


class InProcesses:
    """Plays in worker processes, each with `slots` live episodes at a time."""

    def __init__(self, processes: int, slots: int = 1) -> None:
        self._processes = processes
        self._slots = slots

    def play(self, wanted: Sequence[Wanted]) -> Iterator[Result]:
        """Results in the order in which they finish.

        Raises:
            WorkerFailure: a job's configuration is wrong; the message is that of the worker's error.
        """
        yield from self.play_blocks(blocks_of(wanted, self._slots, _BLOCK * self._slots))

    def play_blocks(self, blocks: Sequence[Block]) -> Iterator[Result]:
        """The same for blocks, each of which one worker plays."""
        waiting = deque(blocks)
        attempts: dict[int, int] = {}
        workers = [_Worker() for _ in range(min(self._processes, len(waiting)))]
        try:
            for worker in workers:
                worker.give(waiting)
            while any(worker.block for worker in workers):
                ready = wait([handle for worker in workers if worker.block for handle in worker.handles()])
                for worker in [worker for worker in workers if worker.block and worker.has(ready)]:
                    yield from worker.collect()
                    if worker.block and not worker.process.is_alive():
                        yield from _bury(worker, waiting, attempts)
                        workers.remove(worker)
                        workers.append(_Worker())
                        worker = workers[-1]
                    if not worker.block:
                        worker.give(waiting)
        finally:
            for worker in workers:
                worker.stop()


def _bury(worker: _Worker, waiting: deque[Block], attempts: dict[int, int]) -> Iterator[Result]:
    """Give back what a dead worker had not done, a job at a time for those that may have been its death.

    The live jobs are suspects: each is tried once more in a worker of its own, and gets a row that says so if that dies, too.
    """
    worker.process.join()
    block = worker.block
    assert block is not None
    live = len(block.wanted) if block.in_order else block.slots
    suspects, rest = block.wanted[:live], block.wanted[live:]
    again = []
    for suspect in suspects:
        number = suspect.job.number
        attempts[number] = attempts.get(number, 0) + 1
        if attempts[number] < _ATTEMPTS:
            again.append(suspect)
        else:
            error = f"the worker process died (exit code {worker.process.exitcode})"
            yield Result(number, lost_row(suspect, error))
    if rest:
        waiting.appendleft(replace(block, wanted=rest))
    parts = [tuple(again)] if block.in_order else [(suspect,) for suspect in again]
    waiting.extendleft(replace(block, wanted=part, slots=1) for part in parts if part)
    worker.block = None


class _Worker:
    """One process, and what it has been given and not yet answered."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=_work, args=(theirs, os.getpid()), daemon=False)
        self.process.start()
        theirs.close()
        self.block: Block | None = None  # what it has not answered yet

    def handles(self) -> list[Connection | int]:
        return [self._connection, self.process.sentinel]

    def has(self, ready: Sequence[object]) -> bool:
        return self._connection in ready or self.process.sentinel in ready

    def give(self, waiting: deque[Block]) -> None:
        """Hand over the next block, if there is one."""
        if waiting:
            self.block = waiting.popleft()
            try:
                self._connection.send(self.block)
            except OSError:  # it died while idle: its sentinel says so on the next round
                return

    def collect(self) -> Iterator[Result]:
        """The results that have arrived."""
        try:
            while self._connection.poll():
                message = self._connection.recv()
                if isinstance(message, str):
                    raise WorkerFailure(message)
                number, row, *more = message
                result = Result(number, EpisodeRow.from_json(row), *more)
                assert self.block is not None
                left = self.block.without(result)
                self.block = left if left.wanted else None
                yield result
        except (EOFError, ConnectionResetError):
            self.process.join(timeout=10)

    def stop(self) -> None:
        """Ask it to end; insist after a while."""
        with suppress(OSError):  # it may be dead already
            self._connection.send(_STOP)
        if self.block:  # it would play its block to the end first
            self.process.terminate()
        self.process.join(timeout=20)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _work(connection: Connection, parent: int) -> None:
    """What a worker does: blocks in, results out."""
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()
    while (block := connection.recv()) is not _STOP:
        try:
            for result in block.play():
                connection.send((result.number, result.row.to_json(), result.episode, result.memory))
        except AgeMemError as error:
            connection.send(f"{type(error).__name__}: {error}")
        except Exception:
            connection.send(traceback.format_exc())


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
