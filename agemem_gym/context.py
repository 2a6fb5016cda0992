"""The short-term context (STM) `C_t`: a list of chat messages with cached token counts.

Appending costs as much as counting the new message's tokens, however long the context is. SUMMARY and FILTER
(AgeMem, arXiv:2601.01885, eq. 14-15) never remove a protected message: the system message and the task.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

Role = Literal["system", "user", "assistant", "tool"]
TokenCounter = Callable[[str], int]
Summariser = Callable[[Sequence["Message"]], str]
"""Makes one text of a span of messages (eq. 14)."""
Similarity = Callable[[str, Sequence[str]], np.ndarray]
"""Cosine similarities, shape (n,), of one text with n others."""


@dataclass(frozen=True)
class Message:
    """One message of the context.

    Attributes:
        id: running number within the episode, from 1; never used twice.
        role: as in a chat completion.
        content: the text.
        kind: what it is: ``system``, ``task``, ``observation``, ``reply``, ``tool_result``, ``complaint``, ``summary``,
            ``talk`` (stage 1), ``distractor`` …
        tokens: length of the content by the context's token counter.
        protected: never removed by SUMMARY or FILTER.
        sources: for a summary the ids of the messages that it replaced.
    """

    id: int
    role: Role
    content: str
    kind: str
    tokens: int
    protected: bool = False
    sources: tuple[int, ...] = ()

    def as_chat(self) -> dict[str, str]:
        """The message as a chat completion takes it."""
        return {"role": self.role, "content": self.content}


@dataclass(frozen=True)
class ContextSnapshot:
    """Everything that a :class:`Context` holds."""

    messages: tuple[Message, ...]
    next_id: int


class Context:
    """A token-counted list of messages.

    Args:
        token_budget: `T_max`; the context may grow beyond it, :attr:`overflowed` says so.
        count_tokens: token counter, called once per message.

    Example:
        >>> context = Context(token_budget=100, count_tokens=lambda text: len(text.split()))
        >>> _ = context.append("system", "Be brief.", kind="system", protected=True)
        >>> _ = context.append("user", "The sky is blue today.", kind="observation")
        >>> context.tokens, context.overflowed
        (7, False)
        >>> print(context.render())
        [system] Be brief.
        <BLANKLINE>
        [user] The sky is blue today.
    """

    def __init__(self, token_budget: int, count_tokens: TokenCounter) -> None:
        self.token_budget = token_budget
        self._count_tokens = count_tokens
        self._messages: list[Message] = []
        self._rendered: list[str] = []  # one string per message, joined by render()
        self._next_id = 1
        self.tokens = 0

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[Message]:
        return iter(self._messages)

    @property
    def overflowed(self) -> bool:
        """Whether the context holds more tokens than its budget; exactly the budget still fits."""
        return self.tokens > self.token_budget

    def append(
        self,
        role: Role,
        content: str,
        *,
        kind: str,
        protected: bool = False,
        sources: Iterable[int] = (),
        at: int | None = None,
    ) -> Message:
        """Add a message at the end, or before the message at position `at`, and return it."""
        message = self._make(role, content, kind, protected, tuple(sources))
        position = len(self._messages) if at is None else at
        self._messages.insert(position, message)
        self._rendered.insert(position, _rendered(message))
        self.tokens += message.tokens
        return message

    def chat(self) -> list[dict[str, str]]:
        """The messages as a chat completion takes them; a fresh list that the caller may change."""
        return [message.as_chat() for message in self._messages]

    def render(self) -> str:
        """The whole context as one text."""
        return "\n\n".join(self._rendered)

    def summarise(self, span: int | None, summariser: Summariser, *, keep: Collection[int] = ()) -> tuple[Message, ...]:
        """Replace the last `span` messages (all for ``None``) by one summary, which stands where the first of them stood.

        Protected messages and those whose ids are in `keep` stay and do not count. Returns the replaced messages, none if
        there was nothing to replace. AgeMem, arXiv:2601.01885, eq. 14.
        """
        replaced = [message for message in self._messages if not message.protected and message.id not in keep]
        if span is not None:
            replaced = replaced[-span:] if span > 0 else []
        if not replaced:
            return ()
        content = summariser(replaced)
        ids = tuple(message.id for message in replaced)
        summary = self._make("user", f"[Summary of {len(ids)} earlier messages] {content}", "summary", False, ids)
        gone = frozenset(ids)
        kept = [summary if message.id == ids[0] else message for message in self._messages]
        self._set([message for message in kept if message.id not in gone])
        return tuple(replaced)

    def filter(
        self,
        criteria: str,
        similarity: Similarity,
        threshold: float,
        *,
        keep: Collection[int] = (),
        matching: bool = True,
    ) -> tuple[tuple[Message, float], ...]:
        """Drop every message with ``sim(criteria, message) >= threshold``; return what was dropped, with the similarity.

        With ``matching=False`` the messages under the threshold are dropped instead. Protected messages and those in `keep`
        stay. AgeMem, arXiv:2601.01885, eq. 15.
        """
        candidates = [message for message in self._messages if not message.protected and message.id not in keep]
        if not candidates:
            return ()
        scores = similarity(criteria, [message.content for message in candidates])
        dropped = tuple(
            (message, float(score))
            for message, score in zip(candidates, scores, strict=True)
            if (score >= threshold) == matching
        )
        gone = {message.id for message, _ in dropped}
        if gone:
            self._set([message for message in self._messages if message.id not in gone])
        return dropped

    def find(self, message_id: int) -> Message | None:
        """The message with this id, if it is still in the context."""
        return next((message for message in self._messages if message.id == message_id), None)

    def amend(self, message_id: int, **changes: Any) -> None:
        """Change fields of one message in place, e.g. protect it."""
        self._set([replace(m, **changes) if m.id == message_id else m for m in self._messages])

    def clear(self, *, keep: Callable[[Message], bool] = lambda message: False) -> tuple[Message, ...]:
        """Remove all messages but those for which `keep` is true, protected ones too; return the removed ones."""
        removed = tuple(message for message in self._messages if not keep(message))
        self._set([message for message in self._messages if keep(message)])
        return removed

    def reset(self) -> None:
        """Forget everything, and number messages from 1 again."""
        self._set([])
        self._next_id = 1

    def snapshot(self) -> ContextSnapshot:
        """The present content; messages are immutable, so this is one shallow copy."""
        return ContextSnapshot(tuple(self._messages), self._next_id)

    def restore(self, snapshot: ContextSnapshot) -> None:
        """Go back to a snapshot."""
        self._set(list(snapshot.messages))
        self._next_id = snapshot.next_id

    def _make(self, role: Role, content: str, kind: str, protected: bool, sources: tuple[int, ...]) -> Message:
        message = Message(self._next_id, role, content, kind, self._count_tokens(content), protected, sources)
        self._next_id += 1
        return message

    def _set(self, messages: list[Message]) -> None:
        self._messages = messages
        self._rendered = [_rendered(message) for message in messages]
        self.tokens = sum(message.tokens for message in messages)


def _rendered(message: Message) -> str:
    return f"[{message.role}] {message.content}"
