"""How the next token is drawn: greedily, or by temperature and top-p from a stream of draws that belongs to the reply alone.

The stream is a function of the reply's seed, and its n-th number decides its n-th token: what else is in the batch, and when,
has no part in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

_LIKELIEST = 256  # tokens among which top-p looks first


@dataclass(frozen=True)
class Drawn:
    """A token that was drawn.

    Attributes:
        token: its id.
        logprob: its log-probability by the model, whatever the temperature.
        sampled_logprob: its log-probability in what it was drawn from: at the temperature, within top-p; 0 where it was the
            greedy choice.
    """

    token: int
    logprob: float
    sampled_logprob: float


class Stream:
    """The draws of one reply.

    Args:
        temperature: 0 is greedy.
        top_p: share of the probability that tokens are drawn from.
        seed: one number, or several that together name the reply, e.g. job and step.
        forced: these tokens are taken, whatever is likely.
    """

    def __init__(
        self,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | Sequence[int] = 0,
        forced: Sequence[int] = (),
    ) -> None:
        self.temperature = temperature
        self.top_p = top_p
        self._forced = iter(forced)
        self._random = np.random.Generator(np.random.Philox(np.random.SeedSequence(seed)))

    @property
    def greedy(self) -> bool:
        """Whether nothing is left to chance."""
        return self.temperature == 0.0

    def next_forced(self) -> int | None:
        """The token that has to be taken now, if any."""
        return next(self._forced, None)

    def next_number(self) -> float:
        """The number in [0, 1) that decides the next token."""
        return float(self._random.random())


def draw(logits: torch.Tensor, streams: Sequence[Stream]) -> list[Drawn]:
    """The next token of each row.

    Args:
        logits: ``(rows, vocabulary)``.
        streams: of each row.
    """
    logprobs = logits.float().log_softmax(-1)  # (rows, vocabulary)
    tokens = logprobs.argmax(-1)
    forced = [stream.next_forced() for stream in streams]
    by_chance = [row for row, stream in enumerate(streams) if not stream.greedy]
    sampled = torch.zeros(len(streams), device=logits.device)
    if by_chance:
        source = _tempered(logprobs[by_chance], [streams[row] for row in by_chance])
        tokens[by_chance] = _drawn(source, [streams[row].next_number() for row in by_chance])
    for row, token in enumerate(forced):
        if token is not None:
            tokens[row] = token
    if by_chance:
        sampled[by_chance] = source.gather(1, tokens[by_chance][:, None])[:, 0]
    chosen = logprobs.gather(1, tokens[:, None])[:, 0]
    return [Drawn(*row) for row in zip(tokens.tolist(), chosen.tolist(), sampled.tolist(), strict=True)]


def _tempered(logprobs: torch.Tensor, streams: Sequence[Stream]) -> torch.Tensor:
    """The log-probabilities that are drawn from."""
    temperatures = torch.tensor([stream.temperature for stream in streams], device=logprobs.device)
    tempered = (logprobs / temperatures[:, None]).log_softmax(-1)
    for row, stream in enumerate(streams):
        if stream.top_p < 1.0:
            kept = tempered[row].masked_fill(~_nucleus(tempered[row], stream.top_p), float("-inf"))
            tempered[row] = kept.log_softmax(-1)
    return tempered


def _drawn(logprobs: torch.Tensor, numbers: Sequence[float]) -> torch.Tensor:
    """The token of each row at which the summed probability passes its number."""
    summed = logprobs.exp().double().cumsum(-1)
    wanted = torch.tensor(numbers, dtype=torch.float64, device=logprobs.device)[:, None] * summed[:, -1:]
    return torch.searchsorted(summed, wanted, right=True)[:, 0].clamp(max=logprobs.shape[1] - 1)


def _nucleus(logprobs: torch.Tensor, top_p: float) -> torch.Tensor:
    """The fewest tokens that together have a probability of `top_p`."""
    count = min(_LIKELIEST, len(logprobs))
    values, places = logprobs.topk(count)
    if values.exp().sum() < top_p:
        values, places = logprobs.sort(descending=True)
    before = values.exp().cumsum(-1) - values.exp()  # the probability of those that are likelier
    chosen = torch.zeros_like(logprobs, dtype=torch.bool)
    chosen[places[before < top_p]] = True
    return chosen
