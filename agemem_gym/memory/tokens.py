"""Token counters: functions from a text to its length."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from agemem_gym.chat.local.loading import NAMED, source_of
from agemem_gym.errors import ConfigurationError, MissingDependencyError, import_extra
from agemem_gym.memory.encoder import Encoder

_WORD_OR_MARK = re.compile(r"\w+|[^\w\s]")


@lru_cache(maxsize=4096)
def count_words(text: str) -> int:
    """Words and punctuation marks."""
    return len(_WORD_OR_MARK.findall(text))


def make_token_counter(spec: str | Callable[[str], int], encoder: Encoder) -> Callable[[str], int]:
    """The counter that `spec` stands for.

    Args:
        spec: ``"encoder"`` (the encoder's tokenizer), ``"words"``, ``"hf:NAME_OR_PATH"`` (a Hugging Face tokenizer; also
            ``"hf:smollm"``, ``"hf:small"``), or a callable.
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
        tokenizer = transformers.AutoTokenizer.from_pretrained(source_of(name) if name in NAMED else name)
    except (OSError, ValueError, ImportError) as error:
        if isinstance(error, MissingDependencyError):
            raise
        raise ConfigurationError(f"token_counter='hf:{name}' cannot be loaded: {error}") from None
    return TemplateCounter(tokenizer)


class TemplateCounter:
    """Counts as a model reads: with its own tokenizer, and for a message with what its chat template puts round it.

    Args:
        tokenizer: of Hugging Face's transformers; without a chat template the content alone counts.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._count = lru_cache(maxsize=16_384)(self._encoded_length)
        self._around = self._measure() if tokenizer.chat_template else {}

    def __call__(self, text: str) -> int:
        """Tokens of a text."""
        return self._count(text)

    def count_message(self, role: str, content: str) -> int:
        """Tokens of a message in the model's prompt; the system message's hold the prompt's beginning and end as well."""
        return self._count(content) + self._around.get(role, self._around.get("user", 0))

    def _encoded_length(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False))

    def _measure(self) -> dict[str, int]:
        """By role what the template adds to a message, from the lengths of prompts that differ by one."""
        word = "word"
        user, assistant = {"role": "user", "content": word}, {"role": "assistant", "content": word}
        alone, pair = self._prompt_length([user]), self._prompt_length([user, assistant])
        asked_again = self._prompt_length([user, assistant, user])
        content = self._count(word)
        around = {"assistant": pair - alone - content, "user": asked_again - pair - content}
        try:
            with_system = self._prompt_length([{"role": "system", "content": word}, user], generate=True)
        except Exception:  # the template refuses a system message, in an error type of its own; it goes into the user's
            with_system = self._prompt_length([user], generate=True) + content
        return around | {"system": with_system - content - (around["user"] + content)}

    def _prompt_length(self, messages: list[dict[str, str]], *, generate: bool = False) -> int:
        text = self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=generate)
        return self._encoded_length(text)
