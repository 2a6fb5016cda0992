"""Worker processes that play blocks of jobs and send each row as soon as it is there.

Workers are spawned, never forked: a live Chroma client or JVM does not survive a fork. A worker that dies (killed, out of
memory) loses nothing: what it had not sent is given to a new one, once; an episode that takes a second worker with it gets
a row that says so. When the parent is gone, workers end themselves.
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
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from agemem_gym.errors import AgeMemError
from agemem_gym.leaderboard.play import EpisodeRow, Job, play_jobs

_ATTEMPTS = 2
_STOP = None


class WorkerFailure(AgeMemError):
    """A worker could not do its jobs at all (a wrong configuration, a missing package)."""


def play_in_processes(blocks: list[list[Job]], processes: int) -> Iterator[EpisodeRow]:
    """Play blocks of jobs (each of one agent and one env) and yield rows in the order in which they finish.

    Raises:
        WorkerFailure: a job's configuration is wrong; the message is that of the worker's error.
    """
    waiting = deque(block for block in blocks if block)
    attempts: dict[str, int] = {}
    workers = [_Worker() for _ in range(min(processes, len(waiting)))]
    try:
        for worker in workers:
            worker.give(waiting)
        while any(worker.jobs for worker in workers):
            ready = wait([handle for worker in workers if worker.jobs for handle in worker.handles()])
            for worker in [worker for worker in workers if worker.jobs and worker.has(ready)]:
                yield from worker.collect()
                if worker.jobs and not worker.process.is_alive():
                    yield from _bury(worker, waiting, attempts)
                    workers.remove(worker)
                    workers.append(_Worker())
                    worker = workers[-1]
                if not worker.jobs:
                    worker.give(waiting)
    finally:
        for worker in workers:
            worker.stop()


def _bury(worker: _Worker, waiting: deque[list[Job]], attempts: dict[str, int]) -> Iterator[EpisodeRow]:
    """Give back what a dead worker had not done; the job that it died of gets a row when that happened before."""
    worker.process.join()
    suspect = worker.jobs[0]
    attempts[suspect.key] = attempts.get(suspect.key, 0) + 1
    left = worker.jobs
    if attempts[suspect.key] >= _ATTEMPTS:
        left = worker.jobs[1:]
        error = f"the worker process died (exit code {worker.process.exitcode})"
        yield EpisodeRow(suspect.agent, suspect.env_id, dict(suspect.env_kwargs), suspect.seed, error=error)
    if left:
        waiting.appendleft(left)
    worker.jobs = []


class _Worker:
    """One process, and what it has been given and not yet answered."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=_work, args=(theirs, os.getpid()), daemon=False)
        self.process.start()
        theirs.close()
        self.jobs: list[Job] = []

    def handles(self) -> list[Connection | int]:
        return [self._connection, self.process.sentinel]

    def has(self, ready: Sequence[object]) -> bool:
        return self._connection in ready or self.process.sentinel in ready

    def give(self, waiting: deque[list[Job]]) -> None:
        """Hand over the next block, if there is one."""
        if waiting:
            self.jobs = list(waiting.popleft())
            try:
                self._connection.send(self.jobs)
            except OSError:  # it died while idle: its sentinel says so on the next round
                return

    def collect(self) -> Iterator[EpisodeRow]:
        """The rows that have arrived."""
        try:
            while self._connection.poll():
                message = self._connection.recv()
                if isinstance(message, str):
                    raise WorkerFailure(message)
                self.jobs = [job for job in self.jobs if job.key != message.job.key]
                yield message
        except (EOFError, ConnectionResetError):
            self.process.join(timeout=10)

    def stop(self) -> None:
        """Ask it to end; insist after a while."""
        with suppress(OSError):  # it may be dead already
            self._connection.send(_STOP)
        if self.jobs:  # it would play its block to the end first
            self.process.terminate()
        self.process.join(timeout=20)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _work(connection: Connection, parent: int) -> None:
    """What a worker does: blocks in, rows out."""
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()
    while (jobs := connection.recv()) is not _STOP:
        try:
            for row, _ in play_jobs(jobs):
                connection.send(row)
        except AgeMemError as error:
            connection.send(f"{type(error).__name__}: {error}")
        except Exception:
            connection.send(traceback.format_exc())


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
