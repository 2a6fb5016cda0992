"""What an algorithm with vectors sees of an env of text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"[^\W_]+")
_STATE = 8  # numbers beside the words


def size(features: int) -> int:
    """Length of the vectors of :func:`features_of`."""
    return 2 * features + _STATE


def features_of(info: Mapping[str, Any], features: int) -> NDArray[np.float32]:
    """Words of what is new and of the whole context, hashed, and where the episode stands.

    Args:
        info: as ``env.reset`` and ``env.step`` return it.
        features: length of either bag of words.

    Returns:
        Shape ``(2 * features + 8,)``: two bags of words of length 1 (or 0), then one number each for stages 1 to 3, the share
        of the budget in use, entries shown, whether the last reply called tools, was malformed, or was not understood.
    """
    context = " ".join(message["content"] for message in info["messages"][1:])
    results = info["tool_results"]
    usage = info["token_usage"]
    state = [
        *(float(info["stage"] == stage) for stage in (1, 2, 3)),
        min(1.0, usage["context"] / usage["budget"]),
        min(1.0, sum(len(result["data"].get("ids", ())) for result in results) / 10),
        float(bool(results)),
        float(info["format_error"] is not None),
        float(not info["valid"]),
    ]
    return np.concatenate([_bag(info["observation"], features), _bag(context, features), np.asarray(state, np.float32)])


def _bag(text: str, features: int) -> NDArray[np.float32]:
    """A bag of words and pairs of words of Euclidean length 1."""
    words = _WORD.findall(text.lower())
    bag = np.zeros(features, dtype=np.float32)
    for term in (*words, *map(" ".join, pairwise(words))):
        place = _place(term)
        bag[place % features] += 1.0 if place & 0x40000000 else -1.0
    length = float(np.linalg.norm(bag))
    return bag / length if length else bag


@lru_cache(maxsize=100_000)
def _place(term: str) -> int:
    return crc32(term.encode())
