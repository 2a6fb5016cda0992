"""Distractors that a language model writes, over any chat callable."""

from __future__ import annotations

import re

import numpy as np

from agemem_gym.curriculum.distractors.related import BenchmarkSource
from agemem_gym.curriculum.distractors.source import Chooser, Distractor, DistractorScene
from agemem_gym.summariser import ChatCallable

PROMPT = (
    "Write {count} short messages, one a line, as people might send them in a chat. Each is about the same things as the "
    "question below, sounds relevant, and is of no use for answering it. Do not answer the question, do not mention the "
    "phrase {answer!r}, and do not number the lines.\n\nQuestion: {query}"
)
MAX_CHARACTERS = 600
"""A line of the model is cut to this length: its text is not trusted."""

_MARK = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+")


class ChatModelSource:
    """Asks a chat model for messages that sound relevant and are not.

    What the model writes is only ever shown as a message. Lines that state a key fact or hold the answer are dropped; where
    too few are left, or the model fails, the benchmark's own pool steps in, and the distractor's source says why.

    Args:
        chooser: measures and picks.
        chat: from chat messages to the text of the reply. The distractors are as deterministic as it is.
    """

    name = "llm"

    def __init__(self, chooser: Chooser, chat: ChatCallable) -> None:
        self._chooser = chooser
        self._chat = chat

    def draw(self, scene: DistractorScene, count: int, rng: np.random.Generator) -> list[Distractor]:
        """The model's first usable lines."""
        prompt = PROMPT.format(count=2 * count, query=scene.query, answer=scene.answer or "")
        try:
            reply = str(self._chat([{"role": "user", "content": prompt}]))
            reason = "too few usable lines"
        except Exception as error:  # whatever a user's callable raises, the episode begins
            reply, reason = "", type(error).__name__
        lines = [_MARK.sub("", line).strip()[:MAX_CHARACTERS] for line in reply.splitlines()]
        usable = [line for line in lines if line and not (scene.answer and scene.answer.lower() in line.lower())]
        written = self._chooser.choose(usable, scene, count, self.name)
        if len(written) < count:
            others = BenchmarkSource(self._chooser).draw(scene, count - len(written), rng)
            source = f"llm, replaced by benchmark ({reason})"
            written += [Distractor(other.text, source, other.similarity) for other in others]
        return written
