"""From the returns of a group of episodes to the advantage of each step.

A group is K episodes of one task. What one of them is worth is measured against the others, and there are several ways to hand
that to its steps (`T` of them, the last one is T):

=================  ===================================================  =====================================================
``group``          A_t = (r − mean) / (std + ε), K − 1 in std           the paper's, eq. 5: the same for all steps
``last``           A_T as above, 0 before                               credit for the last step alone: does broadcasting help?
``discounted``     A_t = γ^(T − t) · A_T                                between the two
``leave_one_out``  A_t = r − mean of the other K − 1                    RLOO (arXiv:2402.14740): unbiased, not scaled
=================  ===================================================  =====================================================

A group whose returns are all alike teaches nothing; it is counted and left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agemem_gym.baselines.grpo.config import GRPOConfig

_ALIKE = 1e-9  # a spread below this share of the returns' size is rounding

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Played:
    """What an episode came to.

    Attributes:
        total: its return.
        steps: how many steps it has.
    """

    total: float
    steps: int


@dataclass(frozen=True)
class Credited:
    """The advantages of a batch of groups.

    Attributes:
        groups: for each group the advantages of each episode's steps; None for a group without spread.
        skipped: how many groups have none.
    """

    groups: tuple[tuple[Floats, ...] | None, ...]

    @property
    def skipped(self) -> int:
        """Groups that teach nothing."""
        return sum(group is None for group in self.groups)


def credit(groups: Sequence[Sequence[Played]], config: GRPOConfig) -> Credited:
    """The advantages of all groups.

    Raises:
        ValueError: a return is no finite number.
    """
    return Credited(tuple(group_advantages(group, config) for group in groups))


def group_advantages(group: Sequence[Played], config: GRPOConfig) -> tuple[Floats, ...] | None:
    """The advantages of each episode's steps; None if the returns have no spread (a single one has none)."""
    returns = [episode.total for episode in group]
    if not all(map(math.isfinite, returns)):
        raise ValueError(f"returns of a group have to be finite numbers: {returns}")
    if not has_spread(returns):
        return None
    found = left_out(returns) if config.credit == "leave_one_out" else normalised(returns, config.epsilon)
    return tuple(_over_steps(float(a), episode.steps, config) for a, episode in zip(found, group, strict=True))


def has_spread(returns: Sequence[float]) -> bool:
    """Whether returns differ by more than rounding."""
    return len(returns) > 1 and max(returns) - min(returns) > _ALIKE * max(1.0, *map(abs, returns))


def normalised(returns: Sequence[float], epsilon: float) -> Floats:
    """(r − mean) / (std + ε), with K − 1 in the standard deviation: eq. 5."""
    values = np.asarray(returns, np.float64)
    return (values - values.mean()) / (values.std(ddof=1) + epsilon)


def left_out(returns: Sequence[float]) -> Floats:
    """Each return less the mean of the others."""
    values = np.asarray(returns, np.float64)
    return values - (values.sum() - values) / (len(values) - 1)


def _over_steps(advantage: float, steps: int, config: GRPOConfig) -> Floats:
    before_end = np.arange(steps)[::-1]
    if config.credit == "last":
        return advantage * (before_end == 0)
    if config.credit == "discounted":
        return advantage * config.discount**before_end
    return np.full(steps, advantage)
