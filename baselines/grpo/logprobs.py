"""Log-probabilities and entropies of words out of logits, some rows of logits at a time.

Written as plain operations, a softmax over the vocabulary leaves several tensors as large as the logits behind; here it leaves
two numbers a row, and the backward pass makes one such tensor, the gradient.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

_AT_ONCE = 2**20  # logits


def of_draws(
    logits: torch.Tensor, temperature: float, rows: torch.Tensor, words: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probabilities of draws, and entropies of what they were drawn from, in single precision at least.

    Args:
        logits: ``(rows, words)``.
        temperature: of the distributions.
        rows, words: of each draw.
    """
    logprobs, entropies = _OfDraws.apply(logits, temperature, rows, words)
    return logprobs, entropies


class _OfDraws(torch.autograd.Function):
    """See :func:`of_draws`."""

    @staticmethod
    def forward(
        ctx: Any, logits: torch.Tensor, temperature: float, rows: torch.Tensor, words: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        dtype = torch.promote_types(logits.dtype, torch.float32)
        norms, entropies = torch.empty((2, len(logits)), dtype=dtype, device=logits.device)
        for part in _parts(logits):
            scores = logits[part].to(dtype) / temperature
            norms[part] = scores.logsumexp(-1)
            scores -= norms[part, None]
            entropies[part] = -torch.linalg.vecdot(scores.exp(), scores)
        ctx.save_for_backward(logits, rows, words, norms, entropies)
        ctx.temperature = temperature
        return logits[rows, words].to(dtype) / temperature - norms[rows], entropies[rows]

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[Any, ...]:
        logits, rows, words, norms, entropies = ctx.saved_tensors
        to_draws, to_entropies = (torch.zeros_like(norms).index_add_(0, rows, part) for part in gradients)
        found = torch.empty_like(logits)
        for part in _parts(logits):
            scores = logits[part].to(norms.dtype).div_(ctx.temperature).sub_(norms[part, None])
            shares = scores.exp()
            scores += entropies[part, None]
            scores *= to_entropies[part, None]
            scores += to_draws[part, None]
            found[part] = shares.mul_(scores).neg_().div_(ctx.temperature)
        found.index_put_((rows, words), (gradients[0] / ctx.temperature).to(found.dtype), accumulate=True)
        return found, None, None, None


def _parts(logits: torch.Tensor) -> Iterator[slice]:
    """Rows of logits, few enough to be computed with at a time."""
    step = max(1, _AT_ONCE // logits.shape[1])
    return (slice(start, start + step) for start in range(0, len(logits), step))
