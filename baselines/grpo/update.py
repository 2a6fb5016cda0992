"""One step of an optimiser on a batch of rows, a pack at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from agemem_gym.baselines.grpo.config import GRPOConfig
from agemem_gym.baselines.grpo.loss import Loss, loss_of, shares_of, targets_of
from agemem_gym.baselines.grpo.rows import StepRow
from agemem_gym.baselines.grpo.scoring import scores_of
from agemem_gym.baselines.grpo.trie import packs_of
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
    parts: list[Loss] = []
    for pack in packs:
        chosen = [rows[place] for place in pack.rows]
        scores = scores_of(model, pack, config.temperature, entropy=config.entropy > 0)
        targets = targets_of(chosen, [shares[place] for place in pack.rows], config, scores.logprobs)
        part = loss_of(scores.logprobs, scores.entropies, targets, config)
        part.total.backward()
        parts.append(part)
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
