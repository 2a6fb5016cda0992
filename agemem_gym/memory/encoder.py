"""What a text encoder `enc` is: it turns a text into a unit vector. :mod:`.encoders` makes the named ones.

- :class:`Encoder`: the protocol
- :func:`encoded`: ask any encoder; whatever goes wrong is an :class:`EncoderError`
- :class:`CachedEncoder`: an encoder with a cache by text
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from agemem_gym.errors import AgeMemError, EngineError

CACHE_SIZE = 16_384
"""Vectors that a process keeps per encoder: 25 MB at 384 dimensions."""


class EncoderError(EngineError):
    """The encoder could not encode: it raised, an endpoint did not answer, or what came were no vectors."""


@runtime_checkable
class Encoder(Protocol):
    """Turns texts into unit vectors, the same vector for the same text, alone or in a batch."""

    @property
    def name(self) -> str:
        """What tells this encoder's vectors from those of others."""

    @property
    def dimension(self) -> int:
        """Length d of a vector."""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of `texts`: float32, shape (n, d), each of length 1 (or all zeros for a text without content)."""

    def count_tokens(self, text: str) -> int:
        """Length of `text` in this encoder's tokens, uncut."""


class CachedEncoder:
    """An encoder with a least-recently-used cache by text; what is missing is encoded in one batch.

    Attributes:
        hits, misses: texts that were, and were not, in the cache.
    """

    def __init__(self, encoder: Encoder, size: int = CACHE_SIZE) -> None:
        self.inner = encoder
        self.hits = self.misses = 0
        self._size = size
        self._cache: OrderedDict[str, np.ndarray] = OrderedDict()

    @property
    def name(self) -> str:
        """Name of the encoder behind the cache."""
        return self.inner.name

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self.inner.dimension

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """As :meth:`Encoder.encode`."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._cache]
        self.misses += len(missing)
        self.hits += len(texts) - len(missing)
        fresh = dict(zip(missing, self.inner.encode(missing), strict=True)) if missing else {}
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row] = fresh[text] if text in fresh else self._cache[text]
            if text not in fresh:
                self._cache.move_to_end(text)
        for text, vector in fresh.items():
            self._cache[text] = vector
        while len(self._cache) > self._size:
            self._cache.popitem(last=False)
        return vectors

    def count_tokens(self, text: str) -> int:
        """As :meth:`Encoder.count_tokens`."""
        return self.inner.count_tokens(text)


def unit_rows(value: Any, rows: int, source: str, dimension: int | None = None) -> np.ndarray:
    """`value` as float32 vectors of length 1, shape (rows, d).

    Raises:
        EncoderError: it has another shape, or is not finite.
    """
    try:
        vectors = np.asarray(value, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise EncoderError(f"encoder {source} gave no vectors: {error}") from None
    if vectors.ndim != 2 or vectors.shape[0] != rows or (dimension is not None and vectors.shape[1] != dimension):
        raise EncoderError(f"encoder {source} gave shape {vectors.shape}, expected ({rows}, {dimension or 'd'})")
    if not np.isfinite(vectors).all():
        raise EncoderError(f"encoder {source} gave a vector that is not finite")
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)


_UNIT = 1e-3
"""Vectors whose square is this close to 1 are left as they are, so that they keep their bytes."""


def encoded(encoder: Encoder, texts: Sequence[str], dimension: int | None = None) -> np.ndarray:
    """Vectors of `texts` by any encoder, a user's own too: float32, shape (n, d), of length 1 or 0.

    Raises:
        EncoderError: the encoder raised, or gave anything but one finite vector a text, of `dimension` numbers if that
            is given.
    """
    try:
        vectors = encoder.encode(texts)
    except AgeMemError:
        raise
    except Exception as error:
        raise EncoderError(f"encoder {_name(encoder)} failed: {type(error).__name__}: {error}") from error
    if _fit(vectors, len(texts), dimension):
        return vectors
    return unit_rows(vectors, len(texts), _name(encoder), dimension)


def _fit(vectors: Any, rows: int, dimension: int | None) -> bool:
    """Whether these are vectors as an :class:`Encoder` promises them; as cheap as it can be, for it is asked at every call."""
    if not isinstance(vectors, np.ndarray) or vectors.dtype != np.float32 or vectors.ndim != 2:
        return False
    if len(vectors) != rows or dimension not in (None, vectors.shape[1]):
        return False
    for vector in vectors:
        square = float(vector.dot(vector))
        if not (-_UNIT < square - 1 < _UNIT or square == 0):  # NaN is neither
            return False
    return True


def _name(encoder: Encoder) -> str:
    return str(getattr(encoder, "name", type(encoder).__name__))
