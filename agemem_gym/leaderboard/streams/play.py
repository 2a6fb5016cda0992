"""One stream of one agent, played in order, in one env.

Before each episode the memory is put to what it was after the task that the episode begins with; so what an evaluation writes
is thrown away. An evaluation that was made before, of the same task in the same world with the same entries, is not played
again: its row is copied.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import gymnasium as gym

from agemem_gym.agent import close_agent
from agemem_gym.env import MemoryEnv
from agemem_gym.jobs import Job
from agemem_gym.leaderboard.plan import Wanted
from agemem_gym.leaderboard.play import Block, Result
from agemem_gym.leaderboard.row import EpisodeRow, lost_row, row_of
from agemem_gym.leaderboard.streams.memories import memory_from_json, memory_to_json
from agemem_gym.leaderboard.streams.plan import Cell, same_state, settings_of
from agemem_gym.memory import StoreSnapshot
from agemem_gym.plain import plain
from agemem_gym.registration import make_memory_env
from agemem_gym.rollout import Played, rollout
from agemem_gym.stream import visits


@dataclass(frozen=True)
class StreamBlock(Block):
    """What is to be played of one stream.

    Attributes:
        memories: as JSON, by the task after which they were so.
        known: rows of the stream that are there already.
    """

    memories: Mapping[int, str] = field(default_factory=dict)
    known: tuple[EpisodeRow, ...] = ()

    @property
    def in_order(self) -> bool:
        """Always."""
        return True

    def play(self) -> Iterator[Result]:
        """The episodes in order."""
        yield from _Play(self).results()

    def without(self, result: Result) -> StreamBlock:
        """What is left when there is this result; its memory is where others begin."""
        left = tuple(wanted for wanted in self.wanted if wanted.job.number != result.number)
        memories = dict(self.memories)
        if result.memory is not None:
            memories[result.row.options["stream_from"]] = result.memory
        known = self.known if result.row.error else (*self.known, result.row)
        return replace(self, wanted=left, memories=memories, known=known)


class _Play:
    """The state of a stream that is being played; where its rollout gets envs from."""

    def __init__(self, block: StreamBlock) -> None:
        first = block.wanted[0]
        self._wanted = block.wanted
        self._agent = first.entry.agent
        self._settings = settings_of(first.entry.env_id, first.entry.env_kwargs)
        self._stream = visits(self._settings, first.job.seed)
        self._memories: dict[int, Any] = {task: memory_from_json(text) for task, text in block.memories.items()}
        self._scores: dict[object, EpisodeRow] = {}
        self._env: gym.Env[str, str] | None = None
        self._spare: list[Result] = []
        for row in block.known:
            self._note(Cell.of(row.options), row)

    def results(self) -> Iterator[Result]:
        """What comes of each wanted episode."""
        by_number = {wanted.job.number: wanted for wanted in self._wanted}
        for played in rollout(self._agent, self._jobs(), envs=self):
            yield from self._taken()
            yield self._result(by_number[played.job.number], played)
        yield from self._taken()

    # ------------------------------------------------------------------------------------------- where envs come from

    def take(self, slot: int, job: Job, kwargs: Mapping[str, Any]) -> tuple[gym.Env[str, str], bool]:
        """The stream's env, its memory put to where the job begins."""
        fresh = self._env is None
        if self._env is None:
            self._env = make_memory_env(job.env_id, **kwargs)
        begins_with = Cell.of(job.options).begins_with(self._settings.tasks)
        if begins_with is not None:
            self._base.memory.restore(self._memories[begins_with])
        return self._env, fresh

    def drop(self, slot: int) -> None:
        """The env has failed; the next job gets a new one."""
        self.close()

    def close(self) -> None:
        """The stream is over."""
        env, self._env = self._env, None
        if env is not None:
            close_agent(env)

    @property
    def _base(self) -> MemoryEnv:
        assert self._env is not None
        base = self._env.unwrapped
        assert isinstance(base, MemoryEnv)
        return base

    # ------------------------------------------------------------------------------------------- jobs and results

    def _jobs(self) -> Iterator[Job]:
        """Those that have to be played; asked for one by one, when the one before is over."""
        for wanted in self._wanted:
            cell = Cell.of(wanted.job.options)
            begins_with = cell.begins_with(self._settings.tasks)
            if begins_with is not None and begins_with not in self._memories:
                lost = lost_row(wanted, f"the stream broke off: there is no memory after its task {begins_with}")
                self._spare.append(Result(wanted.job.number, lost))
            elif (row := self._scores.get(self._key(cell))) is not None:
                self._spare.append(Result(wanted.job.number, _copied(row, wanted, cell)))
            else:
                yield wanted.job

    def _taken(self) -> Iterator[Result]:
        """Results that needed no playing."""
        spare, self._spare = self._spare, []
        yield from spare

    def _result(self, wanted: Wanted, played: Played) -> Result:
        row = row_of(wanted, played)
        cell = Cell.of(wanted.job.options)
        memory = None
        if row.error is None and cell.kind == "played":
            snapshot = self._base.memory.snapshot()
            self._memories[cell.task] = snapshot
            memory = memory_to_json(snapshot)
        elif row.error is None:
            self._note(cell, row)
        return Result(wanted.job.number, row, played.episode.to_json() if played.episode is not None else None, memory)

    def _note(self, cell: Cell, row: EpisodeRow) -> None:
        """An evaluation that is there, for others that come to the same."""
        key = self._key(cell)
        if key is not None:
            self._scores[key] = row

    def _key(self, cell: Cell) -> object | None:
        """What makes two evaluations the same; None for a task that is played, and where a memory cannot be looked into."""
        if cell.kind == "played":
            return None
        held_out = cell.kind.startswith("held_out")
        state = 0 if held_out else same_state(self._stream, cell.task, cell.after or 0)
        begins_with = cell.begins_with(self._settings.tasks)
        if begins_with is None:
            return held_out, cell.task, state, ()
        memory = self._memories.get(begins_with)
        if not isinstance(memory, StoreSnapshot):
            return None
        entries = tuple((r.id, r.content, json.dumps(plain(r.metadata), sort_keys=True)) for r in memory.records)
        return held_out, cell.task, state, entries


def _copied(row: EpisodeRow, wanted: Wanted, cell: Cell) -> EpisodeRow:
    """The row of an evaluation that came to the same as another."""
    stream = {**row.curriculum.get("stream", {}), "after": cell.after}
    curriculum = {**row.curriculum, "stream": stream}
    return replace(row, options=plain(wanted.job.options), curriculum=curriculum, seconds=0.0, policy={}, place={})
