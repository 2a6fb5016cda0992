"""How many threads suit a model here: measured, because neither one nor all of them is always right.

Two threads on cores that others use as well were three to four times slower than one.
"""

from __future__ import annotations

import os
import time
from typing import Any

import torch

_GAIN = 1.15  # more threads have to pay by at least so much
_ROWS, _TIMES = 8, 5


def usable_cores() -> int:
    """The cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def suitable_threads(model: Any, cores: int | None = None) -> int:
    """How many threads generate fastest with this model; leaves torch's number as it was."""
    cores = usable_cores() if cores is None else cores
    before = torch.get_num_threads()
    best, seconds = 1, _seconds(model, 1)
    tried = 2
    try:
        while tried <= cores:
            taken = _seconds(model, tried)
            if taken * _GAIN > seconds:
                break
            best, seconds = tried, taken
            tried = min(2 * tried, cores) if tried < cores else cores + 1
    finally:
        torch.set_num_threads(before)
    return best


def _seconds(model: Any, threads: int) -> float:
    """The best of some forward passes over a few tokens."""
    torch.set_num_threads(threads)
    tokens = torch.zeros((1, _ROWS), dtype=torch.long)
    found = []
    with torch.inference_mode():
        for _ in range(_TIMES):
            started = time.perf_counter()
            model(input_ids=tokens, use_cache=False)
            found.append(time.perf_counter() - started)
    return min(found)
