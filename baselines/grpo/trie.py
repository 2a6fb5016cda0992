"""Rows as one prefix tree of token ids: what several of them share is read once.

An episode asks with nearly the same context again and again, and the episodes of a group begin alike. Their rows, as paths from
one root::

    p p p p p a a . q q q b b .              row 1: prompt, reply a
            │     └ r r c .                  row 2 goes on from it: its own first token is r
            └ d d .                          row 3 replies something else after the same prompt

A node is keyed by all tokens up to it, so that a reply's token *is* a node, and its target is its own even where several
replies branch: the token before them has one distribution and several targets, one of each child. Equal replies are the same
nodes; their loss terms stay two, because terms belong to rows.

Rows in lexicographic order make the tree without a search: each adds what it has beyond the row before, a *stretch*, and what
it shares with that one is the most that it shares with any before. Nodes stand in the order in which they were added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agemem_gym.baselines.grpo.config import GRPOConfig
from agemem_gym.baselines.grpo.rows import Ids, StepRow

Nodes = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Stretch:
    """Nodes that stand behind one another, each the child of the one before.

    Attributes:
        start, count: where they stand among all.
        path: all nodes from the root to the last of them.
    """

    start: int
    count: int
    path: Nodes


@dataclass(frozen=True, eq=False)
class Pack:
    """Rows that go through the model together.

    Attributes:
        ids, depths: token and position of each node.
        stretches: the tree.
        rows: which rows of the batch these are.
        targets: node of each reply's tokens, row after row.
        sources: node of the token before each of them.
    """

    ids: Ids
    depths: Nodes
    stretches: tuple[Stretch, ...]
    rows: tuple[int, ...]
    targets: Nodes
    sources: Nodes

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def branched(self) -> bool:
        """Whether it is more than a plain sequence."""
        return bool((self.depths != np.arange(len(self))).any())


def packs_of(rows: Sequence[StepRow], config: GRPOConfig) -> list[Pack]:
    """The rows of a batch, laid out; every row is in one pack."""
    if config.layout == "trie":
        return [_trie(rows, part) for part in _parts(rows, config.micro_tokens)]
    chains = _chains(rows) if config.layout == "segments" else [[place] for place in range(len(rows))]
    return [_trie(rows, chain) for chain in chains]


def shared_prefix(one: Ids, other: Ids) -> int:
    """How many tokens two sequences begin with alike."""
    length = min(len(one), len(other))
    differ = one[:length] != other[:length]
    return int(differ.argmax()) if differ.any() else length


def _trie(rows: Sequence[StepRow], chosen: Sequence[int]) -> Pack:
    """The tree of some rows, given in lexicographic order."""
    stretches: list[Stretch] = []
    ids: list[Ids] = []
    targets: list[Nodes] = []
    sources: list[Nodes] = []
    before, path, nodes = np.zeros(0, np.int64), np.zeros(0, np.int64), 0
    for place in chosen:
        row = rows[place]
        own = row.ids
        shared = shared_prefix(before, own)
        new = len(own) - shared
        before, path = own, np.concatenate([path[:shared], np.arange(nodes, nodes + new)])
        if new:
            stretches.append(Stretch(nodes, new, path))
            ids.append(own[shared:])
            nodes += new
        targets.append(path[len(row.prompt) :])
        sources.append(path[len(row.prompt) - 1 : -1])
    depths = [np.arange(len(stretch.path) - stretch.count, len(stretch.path)) for stretch in stretches]
    parts: list[list[NDArray[np.int64]]] = [ids, depths, targets, sources]
    tokens, deep, to, of = (np.concatenate(part) for part in parts)
    return Pack(tokens, deep, tuple(stretches), tuple(chosen), to, of)


def _parts(rows: Sequence[StepRow], most: int) -> Iterator[list[int]]:
    """Rows in lexicographic order, as many together as their tree has tokens for."""
    order = sorted(range(len(rows)), key=_in_order(rows))
    part: list[int] = []
    tokens = 0
    for place in order:
        new = len(rows[place]) - (shared_prefix(rows[part[-1]].ids, rows[place].ids) if part else 0)
        if part and tokens + new > most:
            yield part
            part, tokens, new = [], 0, len(rows[place])
        part.append(place)
        tokens += new
    if part:
        yield part


def _in_order(rows: Sequence[StepRow]) -> Callable[[int], bytes]:
    return lambda place: rows[place].ids.astype(">i8").tobytes()  # ids are never negative: bytes compare as they do


def _chains(rows: Sequence[StepRow]) -> list[list[int]]:
    """Rows of an episode that go on from each other: the next one's prompt begins with all of the one before."""
    chains: list[list[int]] = []
    for place, row in enumerate(rows):
        fitting = [chain for chain in chains if _goes_on(rows[chain[-1]], row)]
        longest = max(fitting, key=lambda chain: len(rows[chain[-1]]), default=None)
        if longest is None:
            chains.append([place])
        else:
            longest.append(place)
    return chains


def _goes_on(before: StepRow, row: StepRow) -> bool:
    if before.episode != row.episode or len(before) > len(row.prompt):
        return False
    return shared_prefix(before.ids, row.prompt) == len(before)
