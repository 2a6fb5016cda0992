"""What the learner is given: a row a step of an episode, as token ids.

The ids are those that the model was given and drew; nothing here is ever made of text again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class StepRow:
    """One step.

    Attributes:
        prompt: ids of the context that the reply was drawn in, at least one.
        reply: ids of the reply, the ending one among them (a reply that was cut by a limit has none).
        sampled: log-probability of each of them in what it was drawn from.
        advantage: of the step.
        episode: what tells its episode from others of the batch.
        reference: log-probability of each by the reference; None if there is no reference.
        weights: of each in the loss; None weighs all alike. One of weight 0 is read, but not learned.
    """

    prompt: Ids
    reply: Ids
    sampled: Sequence[float]
    advantage: float
    episode: int = 0
    reference: Sequence[float] | None = None
    weights: Sequence[float] | None = None

    def __post_init__(self) -> None:
        for name in ("prompt", "reply"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), np.int64))
            if not len(getattr(self, name)):
                raise ValueError(f"a row needs at least one token of its {name}")
        for name in ("sampled", "reference", "weights"):
            values = getattr(self, name)
            if values is not None and len(values) != len(self.reply):
                raise ValueError(f"{name} of a row: {len(values)} values for {len(self.reply)} tokens of the reply")

    def __len__(self) -> int:
        return len(self.prompt) + len(self.reply)

    @property
    def ids(self) -> Ids:
        """Prompt and reply."""
        return np.concatenate([self.prompt, self.reply])

    @property
    def token_weights(self) -> Sequence[float]:
        """The weight of each token of the reply."""
        return [1.0] * len(self.reply) if self.weights is None else self.weights
