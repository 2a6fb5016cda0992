"""Token counters: functions from a text to its length."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from agemem_gym.errors import ConfigurationError, MissingDependencyError, import_extra
from agemem_gym.memory.encoder import Encoder

_WORD_OR_MARK = re.compile(r"\w+|[^\w\s]")


def count_words(text: str) -> int:
    """Words and punctuation marks."""
    return len(_WORD_OR_MARK.findall(text))


def make_token_counter(spec: str | Callable[[str], int], encoder: Encoder) -> Callable[[str], int]:
    """The counter that `spec` stands for.

    Args:
        spec: ``"encoder"`` (the encoder's tokenizer), ``"words"``, ``"hf:NAME_OR_PATH"`` (a Hugging Face tokenizer), or a
            callable.
        encoder: whose tokenizer ``"encoder"`` means.

    Raises:
        ConfigurationError: anything else, or a tokenizer that cannot be loaded.
    """
    if callable(spec):
        return spec
    if spec == "encoder":
        return encoder.count_tokens
    if spec == "words":
        return count_words
    if isinstance(spec, str) and spec.startswith("hf:"):
        return _hugging_face(spec[3:])
    raise ConfigurationError(f"token_counter={spec!r}: expected 'encoder', 'words', 'hf:NAME' or a callable")


def _hugging_face(name: str) -> Callable[[str], int]:
    transformers = import_extra("transformers", "models")
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(name)
    except (OSError, ValueError, ImportError) as error:
        if isinstance(error, MissingDependencyError):
            raise
        raise ConfigurationError(f"token_counter='hf:{name}' cannot be loaded: {error}") from None

    @lru_cache(maxsize=16_384)
    def count(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False))

    return count
