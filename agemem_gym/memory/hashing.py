"""A hashing encoder: words and word pairs, hashed into signed buckets. Microseconds a text, no meaning beyond shared words."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from agemem_gym.memory.tokens import count_words

_WORD = re.compile(r"\w+")


class HashEncoder:
    """The hashing trick (Weinberger et al., 2009) over lower-cased words and word pairs.

    Args:
        dimension: number of buckets.
    """

    def __init__(self, dimension: int = 256) -> None:
        self.dimension = dimension
        self.name = f"hash-{dimension}"

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors, float32, shape (n, d); all zeros for a text without words."""
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            words = _WORD.findall(text.lower())
            for feature in (*words, *(f"{a} {b}" for a, b in pairwise(words))):
                code = zlib.crc32(feature.encode("utf-8", "replace"))  # stable in every process, unlike hash()
                row[(code >> 1) % self.dimension] += 1.0 if code & 1 else -1.0
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)

    def count_tokens(self, text: str) -> int:
        """Words and punctuation marks."""
        return count_words(text)
