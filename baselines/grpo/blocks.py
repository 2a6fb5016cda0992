"""In what parts a tree goes through the model, so that few of its tokens are alive at a time.

A pack is read block by block, depth first. A block sees the keys and values of those that it goes on from, and these stay
*open* until all that goes on from them has been learned: then a block gets its whole gradient, from its own replies and from
all that saw it, and what its forward pass kept is free::

    p p p p p ┬ a a a a .      read p   read a, learn a   read b   read c, learn c   read d, learn d   learn b   learn p
              └ b b ┬ c c .    open     p                 p b      p b               p b               p         -
                    └ d .

No token is read twice, and what is alive at a time is one path from the root, besides subtrees that fit beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from agemem_gym.baselines.grpo.trie import Nodes, Pack, Stretch


@dataclass(frozen=True, eq=False)
class Block:
    """Nodes that the model reads at once. Those of open blocks and its own have *places*, one after another.

    Attributes:
        start, end: which nodes.
        under: how many blocks are open when it is read; those opened after them are to be closed before.
        offset: place of its first node.
        chains: its nodes, as stretches in which both nodes and paths are places.
        targets: which of the pack's targets are drawn from its nodes, in their order.
    """

    start: int
    end: int
    under: int
    offset: int
    chains: tuple[Stretch, ...]
    targets: Nodes

    @property
    def places(self) -> slice:
        """Where it stands among what is open."""
        return slice(self.offset, self.offset + self.end - self.start)


def alive(pack: Pack, least: int) -> int:
    """How many tokens of a pack are alive at a time: `least`, or as many as its longest row has; all of a plain sequence."""
    if not pack.branched:
        return len(pack)
    return min(len(pack), max(least, int(pack.depths.max()) + 1))


def blocks_of(pack: Pack, least: int) -> Iterator[Block]:
    """A pack's blocks in the order in which they are to be read, no more than :func:`alive` tokens open or read at a time."""
    room = alive(pack, least)
    pieces = _pieces(pack)
    past, sizes = _subtrees(pieces)
    order = np.argsort(pack.sources, kind="stable")
    sources = pack.sources[order]
    places = np.zeros(len(pack), np.int64)
    opened: list[int] = []  # pieces; each is all of its block
    piece = 0
    while piece < len(pieces):
        while opened and past[opened[-1]] <= piece:
            opened.pop()
        offset = sum(pieces[one].count for one in opened)
        end, tokens = piece, 0
        while end < len(pieces) and offset + tokens + sizes[end] <= room:
            tokens, end = tokens + sizes[end], past[end]
        closed = end > piece
        of_block = pieces[piece : end if closed else piece + 1]
        start, stop = of_block[0].start, of_block[-1].start + of_block[-1].count
        places[start:stop] = np.arange(offset, offset + stop - start)
        chains = tuple(Stretch(int(places[c.start]), c.count, places[c.path]) for c in _joined(of_block))
        first, last = np.searchsorted(sources, (start, stop))
        yield Block(start, stop, len(opened), offset, chains, np.sort(order[first:last]))
        if not closed:
            opened.append(piece)
        piece = end if closed else piece + 1


def _pieces(pack: Pack) -> list[Stretch]:
    """The stretches, cut where others go on from within them."""
    parents = [s.path[len(s.path) - s.count - 1] for s in pack.stretches if len(s.path) > s.count]
    cuts = np.unique(np.asarray(parents, np.int64)) + 1
    pieces: list[Stretch] = []
    for s in pack.stretches:
        inside = cuts[(cuts > s.start) & (cuts < s.start + s.count)].tolist()
        shared = len(s.path) - s.count
        for start, end in zip([s.start, *inside], [*inside, s.start + s.count], strict=True):
            pieces.append(Stretch(start, end - start, s.path[: shared + end - s.start]))
    return pieces


def _subtrees(pieces: list[Stretch]) -> tuple[list[int], list[int]]:
    """Of each piece: the first one after those that go on from it, and how many tokens it has with them."""
    past, sizes = list(range(1, len(pieces) + 1)), [piece.count for piece in pieces]
    ends = {piece.start + piece.count - 1: number for number, piece in enumerate(pieces)}
    for number in reversed(range(len(pieces))):
        piece = pieces[number]
        if len(piece.path) > piece.count:
            parent = ends[int(piece.path[len(piece.path) - piece.count - 1])]
            sizes[parent] += sizes[number]
            past[parent] = max(past[parent], past[number])
    return past, sizes


def _joined(pieces: list[Stretch]) -> list[Stretch]:
    """Pieces that stand behind one another as one again."""
    joined: list[Stretch] = []
    for piece in pieces:
        before = joined[-1] if joined else None
        shared = len(piece.path) - piece.count
        if before is not None and shared and piece.path[shared - 1] == piece.start - 1:
            joined[-1] = Stretch(before.start, before.count + piece.count, piece.path)
        else:
            joined.append(piece)
    return joined
