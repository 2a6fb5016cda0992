"""``no-memory`` and ``long-context``: a language model without long-term memory (AgeMem, arXiv:2601.01885, sec. 4.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agemem_gym.baselines.agents.language_model import LanguageModelAgent, as_shown
from agemem_gym.checks import at_least
from agemem_gym.context import Message

_WINDOW = 32_768


class NoMemoryAgent(LanguageModelAgent):
    """The context as it grows, its oldest messages dropped at the budget; no tool. Keywords: :class:`.LanguageModelAgent`."""

    def __init__(self, model: Any, **kwargs: Any) -> None:
        super().__init__(model, **kwargs)
        self.env_kwargs |= {"tools": []}


class LongContextAgent(NoMemoryAgent):
    """Everything that was ever said in the episode, up to the model's own window; what a stage clears stays before its eyes.

    The env's prompt tokens are those of its context; what was really read stands in the record's ``policy``.

    Args:
        model: as for :class:`.LanguageModelAgent`.
        window: tokens that the model takes, as the env counts them; the model's own ``window`` where it tells, else 32,768.
        kwargs: keywords of :class:`.LanguageModelAgent`.
    """

    def __init__(self, model: Any, window: int | None = None, **kwargs: Any) -> None:
        super().__init__(model, **kwargs)
        self._window = (
            _own_window(self.model, self._sampling.max_tokens) if window is None else at_least("window", window)
        )
        self.limits["window"] = self._window
        self._seen: dict[int, dict[int, Message]] = {}

    def shown(self, info: Mapping[str, Any], number: int) -> Sequence[Mapping[str, Any]]:
        """All messages of the episode in their order; the oldest go where they do not fit."""
        if info["step"] == 0:
            self._seen[number] = {}
        seen = self._seen.setdefault(number, {})
        seen.update((message.id, message) for message in info["context"])
        messages = [seen[key] for key in sorted(seen)]
        return [as_shown(message) for message in _fitting(messages, self._window)]


def _own_window(model: Any, reply: int) -> int:
    """What a model's window leaves for the messages beside a reply."""
    own = getattr(model, "window", None)
    return max(own - reply, 1) if own else _WINDOW


def _fitting(messages: Sequence[Message], window: int) -> list[Message]:
    """The messages without the oldest that may go, so that they fit."""
    left = list(messages)
    total = sum(message.tokens for message in left)
    for message in messages:
        if total <= window:
            break
        if not message.protected:
            left.remove(message)
            total -= message.tokens
    return left
