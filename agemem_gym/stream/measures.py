"""What a memory was worth as it grew: pure functions of a matrix of scores.

``P[i][j]`` is the score on task `j` with the memory as it was after task `i`, frozen, and ``P0[j]`` that without memory; both
count tasks from 1. Where worlds change, both are measured in the world as it stands after task `i`, so that ``P0`` has an `i`,
too, and nobody is asked for what nobody was told. For `T` tasks:

=====================  ================================================  ===============================================
plasticity             mean over j > 1 of ``P[j-1][j] - P0[j-1][j]``     what earlier tasks are worth before a task's turn
stability              mean over j of ``P[T][j] - P0[T][j]``             what is left of it all in the end
backward transfer      mean over j < T of ``P[T][j] - P[j][j]``          what later tasks did to earlier ones
forgetting             mean over j < T of ``max_i P[i][j] - P[T][j]``,   what was held at best, and lost
                       i from j to T
generalisation         mean over held-out tasks of their score in the    what it is worth for tasks that were never played
                       end, less that without memory
=====================  ================================================  ===============================================

In worlds that do not change ``P0[i][j]`` is ``P0[j]``. In those that do, a task may become easier or harder for anybody: that
is no merit of a memory, and backward transfer and forgetting of an agent without memory say how much of it there is. A cell
that was not measured is None; a measure that needs one is None, but for forgetting, which takes the best of the cells that
there are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Row = Sequence[float | None]


@dataclass(frozen=True)
class Matrix:
    """The scores of one stream.

    Attributes:
        scores: ``P[1] … P[T]``, each with `T` scores.
        without: ``P0[1] … P0[T]``, likewise.
        held_out: scores on the held-out tasks with the memory after task `T`.
        held_out_without: the same without memory.

    Raises:
        ValueError: the sizes do not fit each other.

    Example:
        >>> matrix = Matrix.still(scores=((1.0, 0.5), (0.0, 1.0)), without=(0.0, 0.0))
        >>> matrix.plasticity, matrix.stability, matrix.backward_transfer, matrix.forgetting
        (0.5, 0.5, -1.0, 1.0)
    """

    scores: Sequence[Row]
    without: Sequence[Row]
    held_out: Row = ()
    held_out_without: Row = ()

    def __post_init__(self) -> None:
        size = len(self.scores)
        if not size or len(self.without) != size or any(len(row) != size for row in (*self.scores, *self.without)):
            raise ValueError(
                f"{size} rows of scores: expected as many without memory, and as many scores in each of them"
            )
        if len(self.held_out) != len(self.held_out_without):
            raise ValueError(f"{len(self.held_out)} held-out scores and {len(self.held_out_without)} without memory")

    @classmethod
    def still(cls, scores: Sequence[Row], without: Row, held_out: Row = (), held_out_without: Row = ()) -> Matrix:
        """Of worlds that do not change: one row, ``P0[j]``, says what is reached without memory."""
        return cls(scores, [without] * len(scores), held_out, held_out_without)

    def score(self, i: int, j: int) -> float | None:
        """``P[i][j]``."""
        return self.scores[i - 1][j - 1]

    def gain(self, i: int, j: int) -> float | None:
        """``P[i][j] - P0[i][j]``."""
        return _less(self.score(i, j), self.without[i - 1][j - 1])

    @property
    def tasks(self) -> int:
        """`T`."""
        return len(self.scores)

    @property
    def plasticity(self) -> float | None:
        """Mean over j > 1 of ``P[j-1][j] - P0[j-1][j]``."""
        return mean([self.gain(j - 1, j) for j in range(2, self.tasks + 1)])

    @property
    def stability(self) -> float | None:
        """Mean over j of ``P[T][j] - P0[T][j]``."""
        return mean([self.gain(self.tasks, j) for j in range(1, self.tasks + 1)])

    @property
    def backward_transfer(self) -> float | None:
        """Mean over j < T of ``P[T][j] - P[j][j]``."""
        return mean([_less(self.score(self.tasks, j), self.score(j, j)) for j in range(1, self.tasks)])

    @property
    def forgetting(self) -> float | None:
        """Mean over j < T of the best ``P[i][j]``, i from j to T, less ``P[T][j]``."""
        return mean([_less(self._best(j), self.score(self.tasks, j)) for j in range(1, self.tasks)])

    @property
    def generalisation(self) -> float | None:
        """Mean over the held-out tasks of their score in the end, less that without memory."""
        return mean([_less(*pair) for pair in zip(self.held_out, self.held_out_without, strict=True)])

    @property
    def learned(self) -> float | None:
        """Mean over j of ``P[j][j]``: the score right after a task's own turn."""
        return mean([self.scores[j][j] for j in range(self.tasks)])

    @property
    def in_the_end(self) -> float | None:
        """Mean over j of ``P[T][j]``."""
        return mean(self.scores[-1])

    @property
    def without_memory(self) -> float | None:
        """Mean over j of ``P0[j][j]``: the score without memory when it is a task's turn."""
        return mean([self.without[j][j] for j in range(self.tasks)])

    def _best(self, j: int) -> float | None:
        known = [score for i in range(j, self.tasks + 1) if (score := self.score(i, j)) is not None]
        return max(known) if known else None


def mean(values: Row) -> float | None:
    """The mean; None where there is nothing, or a value is missing."""
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known and len(known) == len(values) else None


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other
