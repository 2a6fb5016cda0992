"""The encoders that ``encoder=`` of ``gym.make`` names. AgeMem (arXiv:2601.01885) leaves the encoder open.

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
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from agemem_gym.checks import did_you_mean
from agemem_gym.errors import ConfigurationError
from agemem_gym.memory.encoder import CachedEncoder, Encoder, EncoderError, unit_rows
from agemem_gym.memory.tokens import count_words

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
        f"endpoint, a callable, or an Encoder{did_you_mean(spec, ('minilm', 'hash'))}"
    )


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
        """Call the function; EncoderError where it raises, or gives anything but one finite vector a text."""
        try:
            value = self._function(list(texts))
        except Exception as error:
            raise EncoderError(f"encoder {self.name} failed: {type(error).__name__}: {error}") from error
        vectors = unit_rows(value, len(texts), self.name, self._dimension)
        self._dimension = vectors.shape[1]
        return vectors

    def count_tokens(self, text: str) -> int:
        """Words and punctuation marks: a function has no tokenizer."""
        return count_words(text)
