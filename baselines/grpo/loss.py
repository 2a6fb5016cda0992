"""The loss of step-wise GRPO, token by token.

For a token of log-probability `l` by the policy, `o` by the sampler, `f` by the reference, with advantage `A`, entropy `H`::

    ρ = exp(l − o)                                    of the token, or of the sum over its step (ratio="step", eq. 6)
    gain = ρ·A, or min(ρ·A, clip(ρ, 1 − low, 1 + high)·A)
    divergence = exp(f − l) − (f − l) − 1             k3, never below 0
    loss of the token = −gain + β·divergence − entropy·H

The loss of a batch is the sum of its tokens' losses, each by a share that says what counts alike:

=============  ==============================================  ==============================================================
``step``       1 / (tokens of its reply · steps)               the paper's (eq. 6): every step counts alike
``sequence``   1 / (replied tokens of its episode · episodes)  GRPO (arXiv:2402.03300), an episode being the sequence
``token``      1 / replied tokens of the batch                 DAPO (arXiv:2503.14476): long replies count more
``dr_grpo``    1 / (longest reply · steps)                     Dr. GRPO (arXiv:2503.20783): not divided by a reply's length
=============  ==============================================  ==============================================================

Shares are of the whole batch, so that it may go through the model in any parts. Tokens with weights count by their weight.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import torch

from agemem_gym.baselines.grpo.config import GRPOConfig
from agemem_gym.baselines.grpo.rows import StepRow
from agemem_gym.errors import ConfigurationError


@dataclass(frozen=True)
class Targets:
    """What is known of sampled tokens before the model is asked, a number a token.

    Attributes:
        sampled, reference: log-probabilities by sampler and reference; no reference with ``beta=0``.
        advantages: of their steps.
        shares: in the loss of the batch.
        rows: number of the row that they are of, from 0 on.
    """

    sampled: torch.Tensor
    reference: torch.Tensor | None
    advantages: torch.Tensor
    shares: torch.Tensor
    rows: torch.Tensor


@dataclass(frozen=True)
class Loss:
    """The loss of some tokens of a batch.

    Attributes:
        total: what is minimised, with its gradient.
        gain, divergence, entropy: its parts before their weights, by the same shares.
        clipped: how many ratios were beyond the clip's bounds, on the side where that ends the gradient.
        off: the largest difference between a log-probability and the sampler's.
    """

    total: torch.Tensor
    gain: float
    divergence: float
    entropy: float
    clipped: int
    off: float


def shares_of(rows: Sequence[StepRow], config: GRPOConfig) -> list[tuple[float, ...]]:
    """The share of each token of each row in the loss of a batch; rows whose tokens weigh nothing do not count."""
    weights = [row.token_weights for row in rows]
    sums = [sum(of_row) for of_row in weights]
    steps = sum(total > 0 for total in sums)
    divisors = _divisors(rows, sums, steps, config)
    return [
        tuple(weight / divisor if weight else 0.0 for weight in of_row)
        for of_row, divisor in zip(weights, divisors, strict=True)
    ]


def _divisors(rows: Sequence[StepRow], sums: Sequence[float], steps: int, config: GRPOConfig) -> list[float]:
    """What a token's weight is divided by, for each row."""
    if config.mean == "step":
        return [total * steps for total in sums]
    if config.mean == "token":
        return [sum(sums)] * len(rows)
    if config.mean == "dr_grpo":
        return [float(config.longest_reply * steps)] * len(rows)
    episodes: dict[Hashable, float] = defaultdict(float)
    for row, total in zip(rows, sums, strict=True):
        episodes[row.episode] += total
    count = sum(total > 0 for total in episodes.values())
    return [episodes[row.episode] * count for row in rows]


def targets_of(
    rows: Sequence[StepRow], shares: Sequence[Sequence[float]], config: GRPOConfig, like: torch.Tensor
) -> Targets:
    """The rows of a pack, in its order, as tensors of the type and on the device of another.

    Raises:
        ConfigurationError: ``beta`` is above 0, and a row has no reference.
    """

    def flat(values: Sequence[Sequence[float]]) -> torch.Tensor:
        return torch.tensor([value for of_row in values for value in of_row], dtype=like.dtype, device=like.device)

    references = [row.reference for row in rows if row.reference is not None]
    if config.beta and len(references) < len(rows):
        raise ConfigurationError(f"beta={config.beta:g} needs the reference's log-probabilities, and rows lack them")
    return Targets(
        sampled=flat([row.sampled for row in rows]),
        reference=flat(references) if config.beta else None,
        advantages=flat([[row.advantage] * len(row.reply) for row in rows]),
        shares=flat(shares),
        rows=torch.tensor([n for n, row in enumerate(rows) for _ in row.reply], device=like.device),
    )


def loss_of(logprobs: torch.Tensor, entropies: torch.Tensor, targets: Targets, config: GRPOConfig) -> Loss:
    """The loss of tokens; all of a row's tokens have to be among them."""
    moved = logprobs - targets.sampled
    gains, clipped = _gains(moved, targets, config)
    divergences = torch.zeros_like(logprobs) if targets.reference is None else k3(logprobs, targets.reference)
    gain, divergence, entropy = (
        (targets.shares * values).sum()
        for values in (gains, divergences, entropies if config.entropy else entropies.detach())
    )
    return Loss(
        total=-gain + config.beta * divergence - config.entropy * entropy,
        gain=float(gain.detach()),
        divergence=float(divergence.detach()),
        entropy=float(entropy.detach()),
        clipped=clipped,
        off=float(moved.detach().abs().max()),
    )


def k3(logprobs: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """Schulman's estimator of KL(policy ‖ reference) from tokens of the policy: unbiased, and never below 0."""
    beyond = reference - logprobs
    return torch.expm1(beyond) - beyond


def _gains(moved: torch.Tensor, targets: Targets, config: GRPOConfig) -> tuple[torch.Tensor, int]:
    """What each token's advantage is worth under its ratio, and how many ratios were clipped."""
    if config.ratio == "step":
        learned = moved * (targets.shares > 0)  # a token that is not learned is not the policy's
        steps = torch.zeros(int(targets.rows.max()) + 1, dtype=moved.dtype, device=moved.device)
        moved = steps.index_add(0, targets.rows, learned)[targets.rows]
    ratios = moved.exp()
    gains = ratios * targets.advantages
    if config.clip is None:
        return gains, 0
    bounded = ratios.clamp(1 - config.clip[0], 1 + config.clip[1]) * targets.advantages
    clipped = int(((bounded < gains) & (targets.shares > 0)).sum())
    return torch.minimum(gains, bounded), clipped
