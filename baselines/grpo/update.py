"""One step of an optimiser on a batch of rows, a pack at a time, and of a pack a block at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from agemem_gym.baselines.grpo.blocks import Block
from agemem_gym.baselines.grpo.config import GRPOConfig
from agemem_gym.baselines.grpo.loss import Loss, loss_of, shares_of, targets_of
from agemem_gym.baselines.grpo.rows import StepRow
from agemem_gym.baselines.grpo.scoring import Reader, Scores
from agemem_gym.baselines.grpo.trie import Pack, packs_of
from agemem_gym.errors import AgeMemError


class SamplerError(AgeMemError):
    """What was sampled is not what the learner would have sampled: a gradient from it would be a wrong one."""


@dataclass(frozen=True)
class Gradient:
    """What a batch came to.

    Attributes:
        loss, gain, divergence, entropy: see :class:`~agemem_gym.baselines.grpo.loss.Loss`.
        clipped: share of the sampled tokens.
        off: the largest difference between a log-probability and the sampler's; before the first step on a batch it says
            whether sampler and learner are the same policy.
        tokens, laid_out: of the rows as they are, and as the model read them.
        sampled: tokens of the replies.
        norm: of the gradient, before it was made shorter; not known before :func:`update`.
    """

    loss: float
    gain: float
    divergence: float
    entropy: float
    clipped: float
    off: float
    tokens: int
    laid_out: int
    sampled: int
    norm: float = float("nan")


def add_gradient(model: Any, rows: Sequence[StepRow], config: GRPOConfig) -> Gradient:
    """Add the gradient of a batch to a model's parameters.

    Raises:
        ConfigurationError: ``beta`` is above 0, and a row has no reference.
        ValueError: there is no row.
    """
    if not rows:
        raise ValueError("a batch needs at least one row: did every group lack spread?")
    shares = shares_of(rows, config)
    packs = packs_of(rows, config)
    parts = [part for pack in packs for part in _learned(model, pack, rows, shares, config)]
    sampled = sum(len(row.reply) for row in rows)
    return Gradient(
        loss=sum(float(part.total.detach()) for part in parts),
        gain=sum(part.gain for part in parts),
        divergence=sum(part.divergence for part in parts),
        entropy=sum(part.entropy for part in parts),
        clipped=sum(part.clipped for part in parts) / sampled,
        off=max(part.off for part in parts),
        tokens=sum(len(row) for row in rows),
        laid_out=sum(len(pack) for pack in packs),
        sampled=sampled,
    )


def _learned(
    model: Any, pack: Pack, rows: Sequence[StepRow], shares: Sequence[Sequence[float]], config: GRPOConfig
) -> Iterator[Loss]:
    """Add the gradient of a pack; the losses of its rows, as they come.

    A row's loss needs all of its tokens, of which some may be in blocks that are still open: it is computed from numbers, and
    its gradient is kept until their blocks are closed.
    """
    reader = Reader(model, pack, config.live_tokens, config.temperature, entropy=config.entropy > 0)
    lengths = [len(rows[place].reply) for place in pack.rows]
    ends = np.cumsum(lengths)
    last = pack.sources[ends - 1]
    known = gradients = None  # (2, targets): log-probabilities and entropies
    opened: list[tuple[Block, Scores]] = []
    for block in reader.blocks():
        while len(opened) > block.under:
            _close(*opened.pop(), gradients)
        scores = reader.read(block)
        opened.append((block, scores))
        if known is None or gradients is None:
            known, gradients = scores.logprobs.new_zeros((2, 2, len(pack.targets)))
        known[:, block.targets] = torch.stack([scores.logprobs.detach(), scores.entropies.detach()])
        over = np.flatnonzero((last >= block.start) & (last < block.end))
        if len(over):
            chosen = np.concatenate([np.arange(ends[row] - lengths[row], ends[row]) for row in over])
            values = known[:, chosen].requires_grad_()
            places = [pack.rows[row] for row in over]
            targets = targets_of([rows[place] for place in places], [shares[place] for place in places], config, values)
            part = loss_of(*values, targets, config)
            (gradients[:, chosen],) = torch.autograd.grad(part.total, values)
            yield part
    while opened:
        _close(*opened.pop(), gradients)


def _close(block: Block, scores: Scores, gradients: torch.Tensor | None) -> None:
    """Send the gradient of a block's targets back through it: all that goes on from it has done so."""
    assert gradients is not None
    to_logprobs, to_entropies = gradients[:, block.targets]
    if scores.entropies.requires_grad:
        torch.autograd.backward([scores.logprobs, scores.entropies], [to_logprobs, to_entropies])
    else:
        scores.logprobs.backward(to_logprobs)


def update(
    model: Any,
    optimiser: torch.optim.Optimizer,
    rows: Sequence[StepRow],
    config: GRPOConfig,
    tolerance: float | None = None,
) -> Gradient:
    """One step on a batch, its gradient no longer than ``max_norm``.

    Args:
        model, optimiser: what learns, and how.
        rows: the batch.
        config: how it becomes a gradient.
        tolerance: how far a log-probability may be from the sampler's, where the batch has just been sampled with these
            weights; None where they have moved on since.

    Raises:
        SamplerError: it is further; the model is as it was.
    """
    optimiser.zero_grad(set_to_none=True)
    gradient = add_gradient(model, rows, config)
    if tolerance is not None and not gradient.off < tolerance:
        optimiser.zero_grad(set_to_none=True)
        raise SamplerError(
            f"a sampled log-probability is off by {gradient.off:.3g} from what the learner computes (tolerance {tolerance:g}): "
            "sampler and learner are not the same policy"
        )
    learned = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    norm = float(torch.nn.utils.clip_grad_norm_(learned, config.max_norm))
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    return replace(gradient, norm=norm)
