"""Rows as token ids; rows that go on from each other share one sequence.

An episode asks with nearly the same context again and again. Where the next prompt begins with a whole earlier prompt and its
reply, both replies are learned in one pass over one sequence: the loss terms are those of the rows, each of the same tokens
after the same tokens, and a third of the tokens is read (``tests/baselines/test_sft.py`` compares the gradients).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agemem_gym.baselines.agents.language_model import RULES
from agemem_gym.baselines.sft.demos import Demo
from agemem_gym.chat.turns import turns

if TYPE_CHECKING:
    from agemem_gym.chat.local.encoding import ChatEncoder

Weigh = Callable[[Demo], float]


@dataclass(frozen=True)
class Row:
    """A row as token ids.

    Attributes:
        prompt: ids of the prompt.
        reply: ids of the reply, and the token that ends it.
        weight: of each of the reply's tokens in the loss.
    """

    prompt: NDArray[np.int64]
    reply: tuple[int, ...]
    weight: float = 1.0


@dataclass
class Segment:
    """A sequence with the replies in it.

    Attributes:
        ids: token ids.
        weights: of each token as a target; 0 for what was not replied.
    """

    ids: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)

    def goes_on_in(self, prompt: Sequence[int]) -> bool:
        """Whether a prompt begins with all of this."""
        return len(prompt) > len(self.ids) and list(prompt[: len(self.ids)]) == self.ids

    def add(self, row: Row) -> None:
        """A row whose prompt begins with all that is here."""
        new = row.prompt[len(self.ids) :].tolist()
        self.ids += [*new, *row.reply]
        self.weights += [0.0] * len(new) + [row.weight] * len(row.reply)


def encode(
    demos: Iterable[Demo], encoder: ChatEncoder, end: int, weigh: Weigh = lambda demo: 1.0
) -> Iterator[list[Row]]:
    """The rows of each episode, in the turns in which a language model that plays is asked.

    A reply's tokens are its own: they are not joined with what the template puts before it.

    Args:
        demos: rows; those of an episode stand together, in order.
        encoder: of the model's chats.
        end: the token that ends a reply.
        weigh: weight of a row's tokens; rows of weight 0 are left out.
    """
    from agemem_gym.chat.local.encoding import Replies

    for _, group in groupby(demos, key=lambda demo: demo.episode):
        replies, rows = Replies(), []
        for demo in group:
            ids = tuple(int(token) for token in encoder.reply(demo.reply))
            weight = weigh(demo)
            if weight:
                prompt = encoder.prompt(turns(demo.prompt, RULES), replies)
                rows.append(Row(prompt, (*ids, end), weight))
            replies.add(demo.reply, ids)
        yield rows


def segments_of(rows: Sequence[Row], longest: int) -> list[Segment]:
    """The rows of an episode in as few sequences as go on from each other.

    Args:
        rows: of one episode, in order.
        longest: rows whose prompt and reply are longer are left out: the model could not have been asked so.
    """
    segments: list[Segment] = []
    for row in rows:
        if len(row.prompt) + len(row.reply) > longest:
            continue
        open_ones = [segment for segment in segments if segment.goes_on_in(row.prompt.tolist())]
        segment = max(open_ones, key=lambda found: len(found.ids), default=None)
        if segment is None:
            segment = Segment()
            segments.append(segment)
        segment.add(row)
    return segments


def alone(rows: Sequence[Row], longest: int) -> list[Segment]:
    """Each row in a sequence of its own: what :func:`segments_of` is compared with."""
    made = []
    for row in rows:
        if len(row.prompt) + len(row.reply) <= longest:
            segment = Segment()
            segment.add(row)
            made.append(segment)
    return made
