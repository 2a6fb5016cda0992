"""Cosine similarity, the one way it is computed here: `s` of eq. 8-9 and 15 (AgeMem, arXiv:2601.01885).

Each row is summed by itself and in float64. ``vectors @ vector`` in float32 would make the similarity of two texts depend on
which others stand in the same matrix (BLAS sums blocks of rows in an order of its own), and beside Chroma's threads BLAS's wait
for each other by whole time slices (8 ms instead of 0.4).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agemem_gym.memory.encoder import Encoder, encoded


def cosines(vectors: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Similarities, float64, shape (n,), of unit vectors, shape (n, d), with another one, or row by row with n others.

    Example:
        >>> cosines(np.array([[1.0, 0.0], [0.6, 0.8]]), np.array([1.0, 0.0]))
        array([1. , 0.6])
    """
    rows, other = (np.ascontiguousarray(part, dtype=np.float64) for part in (vectors, vector))
    return np.einsum("nd,d->n" if other.ndim == 1 else "nd,nd->n", rows, other)


def similarities(encoder: Encoder, text: str, others: Sequence[str]) -> np.ndarray:
    """Similarities, shape (n,), of `text` with `others`.

    Raises:
        EncoderError: the encoder failed.
    """
    vectors = encoded(encoder, [text, *others])
    return cosines(vectors[1:], vectors[0])
