"""Text encoders `enc`: what turns a text into a unit vector. AgeMem (arXiv:2601.01885) leaves the encoder open.

::

    make_encoder("minilm")  ─► CachedEncoder(MiniLMEncoder)     all-MiniLM-L6-v2, offline (the default)
                "hash"                      HashEncoder         speed before meaning
                "sentence-transformers:X"   SentenceTransformerEncoder
                "http(s)://…"               HTTPEncoder         an OpenAI-compatible /embeddings endpoint
                a callable                  CallableEncoder
                an Encoder                  itself

An encoder is shared by all envs of a process, made lazily, and made anew in a forked child.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from agemem_gym.errors import ConfigurationError, EngineError

CACHE_SIZE = 16_384
"""Vectors that a process keeps per encoder: 25 MB at 384 dimensions."""


class EncoderError(EngineError):
    """The encoder could not encode: an endpoint did not answer, or a callable gave something else than vectors."""


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


class CallableEncoder:
    """Any function from a list of texts to vectors; they are brought to length 1."""

    def __init__(self, function: Callable[[Sequence[str]], Any], name: str | None = None) -> None:
        self._function = function
        self.name = name or f"callable:{getattr(function, '__qualname__', type(function).__name__)}"
        self._dimension: int | None = None

    @property
    def dimension(self) -> int:
        """Length of a vector, found out by encoding one text."""
        if self._dimension is None:
            self.encode(["dimension"])
        assert self._dimension is not None
        return self._dimension

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Call the function; EncoderError where it gives anything but one finite vector a text."""
        vectors = unit_rows(self._function(list(texts)), len(texts), self.name, self._dimension)
        self._dimension = vectors.shape[1]
        return vectors

    def count_tokens(self, text: str) -> int:
        """Words and punctuation marks: a function has no tokenizer."""
        from agemem_gym.memory.tokens import count_words

        return count_words(text)


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


_SHARED: dict[tuple[int, str], CachedEncoder] = {}


def make_encoder(spec: str | Encoder | Callable[[Sequence[str]], Any] = "minilm") -> Encoder:
    """The encoder that `spec` stands for, see the module. One per name and process; nothing is loaded before the first use.

    Raises:
        ConfigurationError: an unknown name.
        MissingDependencyError: the package of that encoder is not installed.
    """
    if isinstance(spec, str):
        key = (os.getpid(), spec)  # a forked child must not use its parent's sessions
        if key not in _SHARED:
            _SHARED[key] = CachedEncoder(_named(spec))
        return _SHARED[key]
    if isinstance(spec, Encoder):
        return spec
    if callable(spec):
        return CachedEncoder(CallableEncoder(spec))
    raise ConfigurationError(f"encoder={spec!r}: expected a name, an URL, a callable or an Encoder")


def _named(spec: str) -> Encoder:
    if spec == "minilm":
        from agemem_gym.memory.minilm import MiniLMEncoder

        return MiniLMEncoder()
    if spec == "hash":
        from agemem_gym.memory.hashing import HashEncoder

        return HashEncoder()
    if spec.startswith("sentence-transformers:"):
        from agemem_gym.memory.remote import SentenceTransformerEncoder

        return SentenceTransformerEncoder(spec.partition(":")[2])
    if spec.startswith(("http://", "https://")):
        from agemem_gym.memory.remote import HTTPEncoder

        return HTTPEncoder(spec)
    raise ConfigurationError(
        f"unknown encoder {spec!r}: expected 'minilm', 'hash', 'sentence-transformers:NAME', the URL of an embeddings "
        "endpoint, a callable, or an Encoder"
    )
