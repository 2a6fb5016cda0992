"""Where a reply ends: at the first of some texts, found as its tokens come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

CLOSING = ("</tool_call>", "</answer>", "</action>")
"""The tags that close a reply of the protocol."""

_OPEN, _CLOSE = "<think>", "</think>"


class Vocabulary:
    """What token ids say.

    Args:
        tokenizer: of ``transformers``.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._of: dict[int, str] = {}

    def text(self, ids: Sequence[int]) -> str:
        """The text of several tokens, as they are."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))

    def of(self, token: int) -> str:
        """The text of one; a part of a character is shown as one that cannot be read."""
        if token not in self._of:
            self._of[token] = self.text([token])
        return self._of[token]


class StopTexts:
    """Tells where a reply ends.

    Args:
        vocabulary: of the model.
        closing: tags that end a reply and belong to it; inside a thought they are words like others.
        cut: texts that end it and do not belong to it.
        thinking: the reply begins inside a thought, which the prompt has opened.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        closing: Sequence[str] = CLOSING,
        cut: Sequence[str] = (),
        *,
        thinking: bool = False,
    ) -> None:
        self._vocabulary = vocabulary
        self._closing = tuple(closing)
        self._cut = tuple(cut)
        self._thinking = thinking
        self._last = {text[-1] for text in (*closing, *cut)}

    def __call__(self, ids: Sequence[int]) -> bool:
        """Whether the reply so far ends with its last token; asked after each."""
        newest = self._vocabulary.of(ids[-1])
        if not self._last or not (self._last.intersection(newest) or "\ufffd" in newest):
            return False
        return self._end(self._vocabulary.text(ids)) is not None

    def kept(self, text: str) -> str:
        """What of a reply's text counts: up to its closing tag, or before what cuts it."""
        end = self._end(text)
        return text if end is None else text[:end]

    def _end(self, text: str) -> int | None:
        """How much of a text counts; None if nothing ends it."""
        said = self._after_thoughts(text)
        found = [(at, at + len(tag)) for tag in self._closing if said is not None and (at := text.find(tag, said)) >= 0]
        found += [(at, at) for stop in self._cut if (at := text.find(stop)) >= 0]
        return min(found)[1] if found else None

    def _after_thoughts(self, text: str) -> int | None:
        """Where the thoughts end; None as long as they go on."""
        opened = self._thinking or text.lstrip().startswith(_OPEN)
        closed = text.find(_CLOSE)
        if closed >= 0:
            return closed + len(_CLOSE)
        return None if opened else 0
