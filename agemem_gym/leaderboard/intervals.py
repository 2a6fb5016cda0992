"""95 % intervals of what a board compares, in closed form: the same on every machine, and without a library of statistics."""

from __future__ import annotations

import math
from collections.abc import Sequence

_Z = 1.959963984540054  # of 95 % of a normal distribution


def mean_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean, low and high: normal, of independent values; of fewer than two the interval is the mean alone.

    Example:
        >>> [round(value, 3) for value in mean_interval([0.0, 1.0, 2.0])]
        [1.0, -0.132, 2.132]
    """
    mean = math.fsum(values) / len(values)
    if len(values) < 2:
        return mean, mean, mean
    spread = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
    half = _Z * math.sqrt(spread / len(values))
    return mean, mean - half, mean + half


def paired_interval(differences: Sequence[float]) -> tuple[float, float, float]:
    """Mean, low and high of differences in [-1, 1] between two figures of the same tasks.

    The interval of Bonett and Price (2012) for paired shares: normal, with one more pair for either side, so that it stays
    honest where all pairs agree. A difference between shares of several samples counts as the fraction that it is.

    Example:
        >>> [round(value, 3) for value in paired_interval([1.0] * 8)]  # (8 of 8) - (0 of 8)
        [1.0, 0.428, 1.0]
    """
    count = len(differences) + 2
    middle = math.fsum(differences) / count
    squares = (math.fsum(value * value for value in differences) + 2) / count
    half = _Z * math.sqrt(max(0.0, squares - middle * middle) / count)
    mean = math.fsum(differences) / len(differences)
    return mean, max(-1.0, middle - half), min(1.0, middle + half)
