"""From messages to token ids: every message is encoded once, and a sampled reply never.

::

    messages ─► turns ─► chat template ─► text ─► pieces between control tokens ─► ids of each, remembered ─► prompt
                                              └─► replies of this conversation ─► the ids that were sampled ──┘

A tokenizer never joins what a control token (``<|im_end|>``) parts, so the ids of the pieces are those of the whole; a message
that stands in a prompt again is found by its text and the control token before it. A model's own replies are another matter:
what it has written need not be how the tokenizer would write the same text. They stay what was sampled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from agemem_gym.chat.local.engine import Ids
from agemem_gym.chat.local.stopping import Vocabulary
from agemem_gym.chat.turns import TemplateRules, template_rules, turns
from agemem_gym.errors import ConfigurationError

_MOST_PIECES = 65_536
_MOST_REPLIES = 512
_MOST_BEYOND = 8  # characters that a reply's last token may hold behind its closing tag
_PROBE: tuple[Mapping[str, str], ...] = (
    {"role": "user", "content": "One probe,  two\n\nprobes"},
    {"role": "assistant", "content": "<answer>a probe</answer>"},
    {"role": "user", "content": " and an end\n"},
)


@dataclass
class Replies:
    """The replies of one conversation: what was sampled, by its text."""

    by_text: dict[str, Ids] = field(default_factory=dict)
    tails: dict[str, Ids] = field(default_factory=dict)

    def add(self, text: str, ids: Sequence[int]) -> None:
        """A reply, without what ended it."""
        if text and ids:
            self.by_text[text] = np.array(ids, np.int64)
        if len(self.by_text) > _MOST_REPLIES:
            del self.by_text[next(iter(self.by_text))]


class ChatEncoder:
    """Encodes chats for one model.

    Args:
        tokenizer: of ``transformers``.
        template: the chat template, Jinja source, if it is not the tokenizer's own.

    Attributes:
        rules: what the template demands.
        vocabulary: what its tokens say.
        thinking: the template opens a thought where the reply begins.
        encoded: how many characters have been encoded so far.

    Raises:
        ConfigurationError: there is no chat template, or it does not take a plain chat.
    """

    def __init__(self, tokenizer: Any, template: str | None = None) -> None:
        if not (template or tokenizer.chat_template):
            raise ConfigurationError(
                "the tokenizer has no chat template: give the model one (template='…', Jinja source)"
            )
        self._tokenizer = tokenizer
        self._template = {"chat_template": template} if template else {}
        self.rules: TemplateRules = template_rules(self._render)
        self.vocabulary = Vocabulary(tokenizer)
        self.encoded = 0
        self._pieces: dict[str, Ids] = {}
        self._control = _control_tokens(tokenizer)
        probe = self._render(turns(_PROBE, self.rules))
        self.thinking = probe.rstrip().endswith("<think>")
        if not np.array_equal(np.concatenate([*self._literal(probe)]), self._encode(probe)):
            self._control = None  # this tokenizer joins across control tokens: only whole prompts are as they should be

    def prompt(self, messages: Sequence[Mapping[str, Any]], replies: Replies | None = None) -> Ids:
        """The token ids of a prompt, up to where the reply begins."""
        chat = turns(messages, self.rules)
        text = self._render(chat)
        parts: list[Ids] = []
        done = 0
        for start, end, ids in self._sampled(chat, text, replies) if replies and replies.by_text else ():
            parts += [*self._literal(text[done:start]), ids]
            done = end
        parts += self._literal(text[done:])
        return np.concatenate(parts)

    def reply(self, text: str) -> Ids:
        """The token ids of a reply by itself, as one that is to be imitated."""
        return self._encode(text)

    def _render(self, chat: Sequence[Mapping[str, Any]]) -> str:
        options = {"tokenize": False, "add_generation_prompt": True, **self._template}
        return str(self._tokenizer.apply_chat_template(list(chat), **options))

    # -------------------------------------------------------------------------------------------------- what was said

    def _literal(self, text: str) -> Iterator[Ids]:
        """The ids of a text, piece by piece."""
        for piece in self._parted(text):
            ids = self._pieces.get(piece)
            if ids is None:
                if len(self._pieces) >= _MOST_PIECES:
                    self._pieces.clear()
                ids = self._pieces[piece] = self._encode(piece)
            yield ids

    def _parted(self, text: str) -> Iterator[str]:
        """Pieces that each begin with a control token, the first one perhaps apart."""
        if self._control is None:
            yield from [text] if text else []
            return
        starts = [found.start() for found in self._control.finditer(text)]
        for start, end in zip([0, *starts], [*starts, len(text)], strict=True):
            if end > start:
                yield text[start:end]

    def _encode(self, text: str) -> Ids:
        self.encoded += len(text)
        text = text.encode("utf-8", "replace").decode()  # no tokenizer takes a lone surrogate
        return np.array(self._tokenizer.encode(text, add_special_tokens=False), np.int64)

    # ----------------------------------------------------------------------------------------------- what was sampled

    def _sampled(
        self, chat: Sequence[Mapping[str, Any]], text: str, replies: Replies
    ) -> Iterator[tuple[int, int, Ids]]:
        """Where in a prompt's text replies of this conversation stand: start, end, and their ids."""
        at = 0
        for message in chat:
            found = _shown(message.get("content") or "", text, at)
            if found is None:
                continue
            start, at = found
            if message["role"] == "assistant":
                yield from self._replies_in(text, start, at, replies)

    def _replies_in(self, text: str, start: int, end: int, replies: Replies) -> Iterator[tuple[int, int, Ids]]:
        """The replies that a message is made of: one as a rule, several where a template takes no two in a row."""
        said = text[start:end]
        if (whole := replies.by_text.get(said)) is not None:
            yield start, end, whole
            return
        while start < end:
            fits = [reply for reply in replies.by_text if text.startswith(reply, start) and start + len(reply) <= end]
            if not fits:
                break
            reply = max(fits, key=len)
            yield start, start + len(reply), replies.by_text[reply]
            start += len(reply)
            start += len(text[start:end]) - len(text[start:end].lstrip())
        else:
            return
        if text[start:end] == said and (tail := self._tail(said, replies)) is not None:
            yield start, end, tail

    def _tail(self, said: str, replies: Replies) -> Ids | None:
        """The last tokens of a reply of which the template shows the end only, its thoughts left out."""
        if said not in replies.tails:
            ends = [ids for reply, ids in replies.by_text.items() if reply.endswith(said)]
            for ids in ends[-1:]:
                for first in range(len(ids) - 1, -1, -1):
                    tail = self.vocabulary.text(ids[first:].tolist())
                    if tail.startswith(said):
                        replies.tails[said] = ids[first:]
                    if len(tail) > len(said) + _MOST_BEYOND:
                        break
        return replies.tails.get(said)


def _shown(content: str, text: str, at: int) -> tuple[int, int] | None:
    """Where a template shows a message: as it is, without spaces round it, or without its thoughts."""
    forms = (content, content.strip(), content.rpartition("</think>")[2].strip())
    found = [(start, -len(form)) for form in forms if form and (start := text.find(form, at)) >= 0]
    if not found:
        return None
    start, length = min(found)
    return start, start - length


def _control_tokens(tokenizer: Any) -> re.Pattern[str] | None:
    """What parts a text for the tokenizer; tokens that swallow spaces beside them do not."""
    tokens = [
        token.content
        for token in tokenizer.added_tokens_decoder.values()
        if not (token.lstrip or token.rstrip or token.single_word or token.normalized)
    ]
    longest_first = sorted(tokens, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))) if tokens else None
