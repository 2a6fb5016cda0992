"""The whole suite: which episodes of which streams are wanted, which are there already, play the rest, print the table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console

from agemem_gym.agent import AgentSpec
from agemem_gym.checks import at_least, one_of
from agemem_gym.leaderboard.executors import InThisProcess
from agemem_gym.leaderboard.keeping import KEEP, installed_of, kept
from agemem_gym.leaderboard.plan import Wanted, check_alone, check_judges
from agemem_gym.leaderboard.pool import InProcesses
from agemem_gym.leaderboard.results import ResultsFolder, identity
from agemem_gym.leaderboard.row import EpisodeRow
from agemem_gym.leaderboard.streams.board import SCORES, stream_board
from agemem_gym.leaderboard.streams.memories import MemoriesFile
from agemem_gym.leaderboard.streams.plan import Cell, settings_of, stream_plan
from agemem_gym.leaderboard.streams.play import StreamBlock
from agemem_gym.leaderboard.streams.table import as_text, markdown, print_streams
from agemem_gym.leaderboard.table import write_text
from agemem_gym.terminal import Terminal, make_terminal
from agemem_gym.versions import installed_versions


def run_streams(
    agents: Sequence[str | AgentSpec],
    env_ids: Sequence[str],
    streams: int,
    out: Path,
    *,
    first_stream: int = 0,
    processes: int = 1,
    env_kwargs: Mapping[str, Any] | None = None,
    cells: str = "needed",
    score: str = "success",
    keep_episodes: str = "none",
    compressed: bool = False,
    fresh: bool = False,
    repair: bool = False,
    stop_at_error: bool = False,
    form: str = "table",
    command: str = "agemem leaderboard --suite stream",
    console: Console | None = None,
) -> list[EpisodeRow]:
    """Play ``agents x env_ids x streams`` and return the rows that were asked for; :func:`.board.stream_board` reads them.

    Rows and memories are appended to ``out/results.jsonl`` and ``out/memories.jsonl`` as they come; what stands there already
    is not played again, if it was played with the same versions and did not end in an error: a stream goes on from the last
    memory that it needs. ``out/streams.md`` holds the tables of all streams in the folder.

    Args:
        agents: by name, or made by :meth:`AgentSpec.parse`.
        env_ids: ids of streams.
        streams: how many per agent and env; their numbers are ``first_stream, first_stream + 1, …``.
        out: the folder of results.
        first_stream: number of the first stream.
        processes: worker processes, each with one stream at a time; 1 plays in this one.
        env_kwargs: keywords of ``gym.make`` for every env; they beat those that an agent brings.
        cells: of the matrix P: ``"needed"`` for the measures, or ``"all"``.
        score: what stands in it: ``"success"`` or ``"progress"``.
        keep_episodes: which records to keep: ``"all"``, ``"failed"`` (those not solved) or ``"none"``.
        compressed: write ``episodes.jsonl.gz``.
        fresh: play everything anew; what is in `out` is moved into a folder there.
        repair: set damaged rows aside instead of refusing them.
        stop_at_error: raise EpisodeError at the first episode that ends in an error, after writing it down.
        form: what is printed at the end: ``"table"``, ``"md"``, ``"csv"`` or ``"json"``.
        command: what to name as the table's origin.
        console: where to print.

    Raises:
        ConfigurationError: an unknown agent or env, a number below 1, an env that is no stream, or `out` is in use, damaged or
            cannot be written.
    """
    at_least("episodes", streams)
    at_least("jobs", processes)
    at_least("seed", first_stream, 0)
    one_of("keep_episodes", keep_episodes, KEEP)
    one_of("score", score, SCORES)
    console = console or make_terminal()
    notes = console if form == "table" else Terminal(stderr=True)
    specs = [agent if isinstance(agent, AgentSpec) else AgentSpec.parse(agent) for agent in agents]
    numbers = range(first_stream, first_stream + streams)
    plan = stream_plan(specs, installed_of(env_ids, notes), numbers, env_kwargs=env_kwargs, cells=cells)
    check_alone(plan, processes)
    executor = InThisProcess() if processes == 1 else InProcesses(processes)
    with ResultsFolder(out, repair=repair, fresh=fresh, compressed=compressed) as results:
        memories = MemoriesFile(out)
        blocks = list(_blocks(plan, results, memories))
        missing = [wanted for block in blocks for wanted in block.wanted]
        if len(missing) < len(plan):
            notes.print(f"{len(plan) - len(missing)} of {len(plan)} episodes are in {results.path} already.")
        check_judges(missing)
        played = executor.play_blocks(blocks)
        try:
            with_memories = _remembered(played, memories)
            for _ in kept(with_memories, results, keep_episodes, stop_at_error, notes, len(plan), len(missing)):
                pass
        finally:
            write_text(out / "streams.md", markdown(stream_board(results.rows, score), command))
        newest = {row.key: row for row in results.rows} | {
            row.key: row for row in results.rows if row.versions == installed_versions()
        }
        rows = [newest[wanted.key] for wanted in plan]
    lines = stream_board(rows, score)
    if form == "table":
        print_streams(lines, console)
        console.print(f"All measures, and how they go along the stream: {out / 'streams.md'}, or --format md or json.")
    else:
        console.file.write(as_text(lines, form, command))
    return rows


def _remembered(played: Iterator[Any], memories: MemoriesFile) -> Iterator[Any]:
    """Results, the memory of each written down before its row will be."""
    for result in played:
        if result.memory is not None:
            memories.append(result.row, result.memory)
        yield result


def _blocks(plan: Sequence[Wanted], results: ResultsFolder, memories: MemoriesFile) -> Iterator[StreamBlock]:
    """What has to be played of each stream."""
    versions = installed_versions()
    done = {key: row for key, row in results.newest().items() if row.error is None}
    for _, group in groupby(plan, key=lambda wanted: (id(wanted.entry), wanted.job.seed)):
        stream = list(group)
        cells = {wanted.job.number: Cell.of(wanted.job.options) for wanted in stream}
        tasks = settings_of(stream[0].entry.env_id, stream[0].entry.env_kwargs).tasks
        found = {w.job.number: done.get(identity(w.key, versions)) for w in stream}
        kept_memories = {
            cells[w.job.number].task: memory
            for w in stream
            if cells[w.job.number].kind == "played"
            and found[w.job.number] is not None
            and (memory := memories.get(identity(w.key, versions))) is not None
        }
        missing = {number for number, row in found.items() if row is None}
        first = _first_to_play([cells[number] for number in missing], kept_memories, tasks)
        missing |= {number for number, cell in cells.items() if cell.rests_on(tasks) >= first}
        if missing:
            yield StreamBlock(
                tuple(wanted for wanted in stream if wanted.job.number in missing),
                memories={task: memory for task, memory in kept_memories.items() if task < first},
                known=tuple(row for number, row in found.items() if row is not None and number not in missing),
            )


def _first_to_play(missing: Sequence[Cell], memories: Mapping[int, str], tasks: int) -> float:
    """The first task of a stream that has to be played, again or for the first time: all that rests on it has to be, too."""
    lacking = [cell.task for cell in missing if cell.kind == "played"]
    needed = [after for cell in missing if (after := cell.begins_with(tasks)) is not None]
    first = min([*lacking, *(after for after in needed if after not in memories)], default=math.inf)
    if math.isfinite(first) and first > 1 and first - 1 not in memories:
        return 1  # a memory that cannot be written down: from the beginning
    return first
