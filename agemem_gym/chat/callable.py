"""Any function from chat messages to text as a chat model."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agemem_gym.chat.model import GREEDY, ChatError, ChatMessages, Completion, Sampling
from agemem_gym.endpoints import described
from agemem_gym.urls import masked


class CallableModel:
    """Calls a function with each chat, one after another. The function samples as it will; what it raises is a ChatError.

    Args:
        function: from a list of ``{"role", "content"}`` to the reply's text, or to a :class:`Completion`.
        name: by default ``function.model``, or the function's own name.

    Example:
        >>> model = CallableModel(lambda messages: messages[-1]["content"].upper(), name="shout")
        >>> model.complete([[{"role": "user", "content": "hello"}]])[0].text
        'HELLO'
    """

    def __init__(self, function: Callable[[list[dict[str, Any]]], Any], name: str | None = None) -> None:
        self._function = function
        own = getattr(function, "__qualname__", type(function).__name__)
        self.name = name or str(getattr(function, "model", "") or own)

    def complete(
        self,
        batch: Sequence[ChatMessages],
        sampling: Sampling = GREEDY,
        tools: Sequence[Mapping[str, Any]] | None = None,
    ) -> list[Completion]:
        """See :class:`~agemem_gym.chat.model.ChatModel`."""
        return [self._complete(messages) for messages in batch]

    def _complete(self, messages: ChatMessages) -> Completion:
        started = time.perf_counter()
        try:
            reply = self._function([dict(message) for message in messages])
        except Exception as error:  # a user's function may raise anything
            raise ChatError(masked(described(error))) from error
        if isinstance(reply, Completion):
            return reply
        if not isinstance(reply, str):
            raise ChatError(f"the model replied {reply!r:.60}")  # which is no text
        return Completion(reply, model=self.name, seconds=time.perf_counter() - started)
