"""Figures with their 95 % intervals.

Example:
    >>> share([True] * 18 + [False] * 2)
    Figure(value=0.9, low=0.699, high=0.972)
    >>> print(mean([0.5, 0.75, 1.0, 0.75]))
    0.75 [0.56, 0.94]
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
_Z = 1.959964


@dataclass(frozen=True)
class Figure:
    """A figure with its 95 % interval; NaN where it is not defined (nothing measured, an interval from one value)."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f}" if math.isnan(self.low) else f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


def share(found: Sequence[bool]) -> Figure:
    """How often something was so, with Wilson's interval, which stays within 0 and 1 and has a width at both ends."""
    n = len(found)
    if not n:
        return Figure(math.nan, math.nan, math.nan)
    value = sum(map(bool, found)) / n
    middle = (value + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    width = _Z / (1 + _Z**2 / n) * math.sqrt(value * (1 - value) / n + _Z**2 / (4 * n * n))
    return Figure(round(value, 6), round(max(0.0, middle - width), 3), round(min(1.0, middle + width), 3))


def mean(values: Sequence[float], seed: int = 0) -> Figure:
    """A mean with its percentile-bootstrap interval; the values are independent (one a task, or one a training seed).

    For differences between two agents give one difference a task: pairs need far fewer tasks.
    """
    given = np.asarray(values, dtype=float)
    if not given.size:
        return Figure(math.nan, math.nan, math.nan)
    value = float(given.mean())
    if given.size == 1:
        return Figure(value, math.nan, math.nan)
    draws = np.random.default_rng(seed).integers(given.size, size=(RESAMPLES, given.size))
    low, high = np.quantile(given[draws].mean(axis=1), (0.025, 0.975))
    return Figure(value, float(low), float(high))


def paired(differences: Sequence[float]) -> Figure:
    """The mean of differences in [-1, 1] between two shares of the same tasks, with the interval of Bonett and Price (2012).

    It is normal, with one more pair for either side, so that it has a width where all pairs agree, as a bootstrap has not.

    Example:
        >>> paired([1.0] * 8)  # (8 of 8) - (0 of 8)
        Figure(value=1.0, low=0.428, high=1.0)
    """
    n = len(differences)
    if not n:
        return Figure(math.nan, math.nan, math.nan)
    middle = math.fsum(differences) / (n + 2)
    squares = (math.fsum(value * value for value in differences) + 2) / (n + 2)
    width = _Z * math.sqrt(max(0.0, squares - middle * middle) / (n + 2))
    value = math.fsum(differences) / n
    return Figure(value, round(max(-1.0, middle - width), 3), round(min(1.0, middle + width), 3))
