"""Blocks of jobs played, each result a row and the episode's record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agemem_gym.leaderboard.plan import Wanted
from agemem_gym.leaderboard.row import EpisodeRow, row_of
from agemem_gym.rollout import rollout


@dataclass(frozen=True)
class Block:
    """Jobs of one agent that are played together, in as many live episodes as there are slots."""

    wanted: tuple[Wanted, ...]
    slots: int = 1


@dataclass(frozen=True)
class Result:
    """What came of a job: its number, its row, and the episode's record as JSON, where there is one."""

    number: int
    row: EpisodeRow
    episode: str | None = None


def play_block(block: Block) -> Iterator[Result]:
    """Play a block's jobs in one rollout."""
    by_number = {wanted.job.number: wanted for wanted in block.wanted}
    agent = block.wanted[0].entry.agent
    for played in rollout(agent, [wanted.job for wanted in block.wanted], slots=block.slots):
        row = row_of(by_number[played.job.number], played)
        yield Result(played.job.number, row, played.episode.to_json() if played.episode is not None else None)


def blocks_of(wanted: Sequence[Wanted], slots: int, largest: int | None) -> list[Block]:
    """Jobs of one agent together, with `largest` those of one env too and at most so many; a stream of memory is one block."""
    groups: dict[object, list[Wanted]] = {}
    for item in wanted:
        entry = item.entry
        alone = entry.is_stream or largest is not None
        groups.setdefault((entry.agent.label, entry.env_id if alone else ""), []).append(item)
    blocks = []
    for group in groups.values():
        stream = group[0].entry.is_stream
        size = len(group) if stream or largest is None else largest
        blocks += [
            Block(tuple(group[start : start + size]), 1 if stream else slots) for start in range(0, len(group), size)
        ]
    return blocks
