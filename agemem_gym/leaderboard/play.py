"""Blocks of jobs played, each result a row and the episode's record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from agemem_gym.leaderboard.plan import Wanted
from agemem_gym.leaderboard.row import EpisodeRow, row_of
from agemem_gym.rollout import rollout


@dataclass(frozen=True)
class Block:
    """Jobs of one agent that are played together, in as many live episodes as there are slots."""

    wanted: tuple[Wanted, ...]
    slots: int = 1

    @property
    def in_order(self) -> bool:
        """Whether each job needs the one before it, so that they live and die together."""
        return self.wanted[0].entry.is_stream

    def play(self) -> Iterator[Result]:
        """The jobs in one rollout."""
        by_number = {wanted.job.number: wanted for wanted in self.wanted}
        agent = self.wanted[0].entry.agent
        for played in rollout(agent, [wanted.job for wanted in self.wanted], slots=self.slots):
            row = row_of(by_number[played.job.number], played)
            yield Result(played.job.number, row, played.episode.to_json() if played.episode is not None else None)

    def without(self, result: Result) -> Block:
        """What is left when there is this result."""
        return replace(self, wanted=tuple(wanted for wanted in self.wanted if wanted.job.number != result.number))


@dataclass(frozen=True)
class Result:
    """What came of a job.

    Attributes:
        number: of the job.
        row: its row.
        episode: the record as JSON, where there is one.
        memory: what it left in long-term memory, as JSON, where other jobs begin with it.
    """

    number: int
    row: EpisodeRow
    episode: str | None = None
    memory: str | None = None


def play_block(block: Block) -> Iterator[Result]:
    """Play a block; what an executor of one's own calls."""
    yield from block.play()


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
