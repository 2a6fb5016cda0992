"""Distractors that a language model writes."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from agemem_gym.chat import ChatError, Sampling, make_chat_model, text_of
from agemem_gym.curriculum.distractors.related import BenchmarkSource
from agemem_gym.curriculum.distractors.source import Chooser, Distractor, DistractorScene

PROMPT = (
    "Write {count} short messages, one a line, as people might send them in a chat. Each is about the same things as the "
    "question below, sounds relevant, and is of no use for answering it. Do not answer the question, do not mention the "
    "phrase {answer!r}, and do not number the lines.\n\nQuestion: {query}"
)
MAX_CHARACTERS = 600
"""A line of the model is cut to this length: its text is not trusted."""

_SAMPLING = Sampling(max_tokens=2048)
_MARK = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+")


class ChatModelSource:
    """Asks a chat model for messages that sound relevant and are not.

    What the model writes is only ever shown as a message. Lines that state a key fact or hold the answer are dropped; where
    too few are left, or the model fails, the benchmark's own pool steps in, and the distractor's source says why.

    Args:
        chooser: measures and picks.
        chat: the model, in any form that :func:`~agemem_gym.chat.make_chat_model` takes. The distractors are as deterministic
            as it is.
    """

    name = "llm"

    def __init__(self, chooser: Chooser, chat: Any) -> None:
        self._chooser = chooser
        self._model = make_chat_model(chat)

    def draw(self, scene: DistractorScene, count: int, rng: np.random.Generator) -> list[Distractor]:
        """The model's first usable lines."""
        prompt = PROMPT.format(count=2 * count, query=scene.query, answer=scene.answer or "")
        try:
            reply = text_of(self._model, [{"role": "user", "content": prompt}], _SAMPLING)
            reason = "too few usable lines"
        except ChatError as error:  # the episode begins all the same
            reply, reason = "", type(error.__cause__ or error).__name__
        lines = [_MARK.sub("", line).strip()[:MAX_CHARACTERS] for line in reply.splitlines()]
        usable = [line for line in lines if line and not (scene.answer and scene.answer.lower() in line.lower())]
        written = self._chooser.choose(usable, scene, count, self.name)
        if len(written) < count:
            others = BenchmarkSource(self._chooser).draw(scene, count - len(written), rng)
            source = f"llm, replaced by benchmark ({reason})"
            written += [Distractor(other.text, source, other.similarity) for other in others]
        return written
