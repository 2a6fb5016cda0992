"""The short-term context (STM) `C_t`: a list of chat messages with cached token counts.

Appending costs as much as counting the new message's tokens, however long the context is. SUMMARY and FILTER
(AgeMem, arXiv:2601.01885, eq. 14-15) never remove a protected message: the system message and the task.

Whatever changes the list is one :class:`Edit`, and a listener is told of each: from the edits alone
:func:`replayed` makes the list again, order included. That is how a record rebuilds every prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

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
        numbered: whether its number stands before it (``[12] …``), for tools that point at messages; `content` is without.
    """

    id: int
    role: Role
    content: str
    kind: str
    tokens: int
    protected: bool = False
    sources: tuple[int, ...] = ()
    numbered: bool = False

    @property
    def shown(self) -> str:
        """The content as the agent reads it."""
        return _numbered(self.id, self.content) if self.numbered else self.content

    def as_chat(self) -> ChatMessage:
        """The message as a chat completion takes it."""
        return ChatMessage(role=self.role, content=self.shown)


class ChatMessage(dict[str, str]):
    """``{"role", "content"}`` that cannot be changed: the same object stands in ``info["messages"]`` of every later step.

    It is equal to the plain dict, and JSON and pickle take it as one; ``dict(message)`` is a copy to change.
    """

    __slots__ = ()

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("messages of info are read-only; change a copy: dict(message)")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type[ChatMessage], tuple[dict[str, str]]]:
        return ChatMessage, (dict(self),)


@dataclass(frozen=True)
class Edit:
    """One change of the context: some messages leave, then at most one comes.

    Attributes:
        removed: ids of the messages that left.
        added: id of the message that came, if any.
        at: its position in what was left; ``None`` for the end.
        step: number of the reply that brought the change about, from 1; 0 at the start.
        by: who made it: ``"env"``, a tool's name, ``"stage"``, ``"overflow"``, or what a wrapper calls itself.
    """

    removed: tuple[int, ...] = ()
    added: int | None = None
    at: int | None = None
    step: int = 0
    by: str = "env"


_CUT = " [… cut: the rest does not fit into the context]"
_GAP = "\n\n"  # between two rendered messages
_NUMBERED = ("user", "tool")

EditListener = Callable[[tuple[int, ...], "Message | None", "int | None"], None]
"""Told of each change: ids that left, the message that came, and its position (``None`` for the end)."""


def replayed(edits: Iterable[Edit], messages: Mapping[int, Message]) -> list[Message]:
    """The context that these edits lead to, in its order.

    Args:
        edits: from the empty context on.
        messages: by id, at least those that were added.

    Example:
        >>> text = {i: Message(i, "user", f"text {i}", "observation", 2) for i in (1, 2, 3)}
        >>> edits = [Edit(added=1), Edit(added=2), Edit(removed=(1,), added=3, at=0)]
        >>> [message.content for message in replayed(edits, text)]
        ['text 3', 'text 2']
    """
    context: list[Message] = []
    for edit in edits:
        if edit.removed:
            gone = frozenset(edit.removed)
            context = [message for message in context if message.id not in gone]
        if edit.added is not None:
            context.insert(len(context) if edit.at is None else edit.at, messages[edit.added])
    return context


@dataclass(frozen=True)
class ContextSnapshot:
    """Everything that a :class:`Context` holds."""

    messages: tuple[Message, ...]
    next_id: int


class Context:
    """A token-counted list of messages.

    Args:
        token_budget: `T_max`; the context may grow beyond it, :attr:`overflowed` says so.
        count_tokens: token counter, called once per message; its method ``count_message(role, content)`` where it has one.
        numbered: whether messages of users and tools show their numbers.

    Attributes:
        listener: told of every change but :meth:`reset` and :meth:`restore`.

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

    def __init__(self, token_budget: int, count_tokens: TokenCounter, numbered: bool = False) -> None:
        self.token_budget = token_budget
        self._numbered = numbered
        self.listener: EditListener = lambda removed, added, at: None
        self._count_message: Callable[[Role, str], int] = getattr(
            count_tokens, "count_message", lambda role, content: count_tokens(content)
        )
        self._messages: list[Message] = []
        self._chat: list[ChatMessage] = []  # these two beside the messages, so that they need not be made again
        self._rendered: list[str] = []
        self._tail: _Tail | None = None
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
        self._insert(message, at)
        self.listener((), message, at)
        return message

    def count(self, text: str) -> int:
        """Tokens of a text, as those of a message are counted."""
        return self._count_message("user", text)

    def messages(self) -> tuple[Message, ...]:
        """The messages in order."""
        return tuple(self._messages)

    def chat(self) -> list[ChatMessage]:
        """The messages as a chat completion takes them; the list is the caller's, its messages are read-only."""
        return self._chat.copy()

    def render(self, limit: int | None = None) -> str:
        """The whole context as one text; of a longer one the last `limit` characters."""
        if limit is None:
            return _GAP.join(self._rendered)
        tail = self._tail_of(limit)
        parts = self._rendered[tail.start :]
        excess = tail.characters - len(_GAP) - limit
        if parts and 0 < excess <= len(parts[0]):  # cut before joining: the text is long
            parts[0] = parts[0][excess:]
        return _GAP.join(parts)[-limit:]

    def _tail_of(self, limit: int) -> _Tail:
        """Where the last `limit` characters begin: from the last position that holds them all, or from 0."""
        tail = self._tail
        if tail is None or tail.limit != limit:
            tail = self._tail = _Tail(limit, 0, sum(map(len, self._rendered)) + len(_GAP) * len(self._rendered))
        # as the context grows by appending, the position only moves on
        while tail.start < len(self._rendered):
            shorter = tail.characters - len(self._rendered[tail.start]) - len(_GAP)
            if shorter - len(_GAP) < limit:
                break
            tail.start, tail.characters = tail.start + 1, shorter
        return tail

    def summarise(self, span: int | None, summariser: Summariser, *, keep: Collection[int] = ()) -> tuple[Message, ...]:
        """Replace the last `span` messages (all for ``None``) by one summary, which stands where the first of them stood.

        Protected messages and those whose ids are in `keep` stay and do not count. The context always gets shorter by it: a
        summary that is too long is cut. Returns the replaced messages, none if there was nothing to replace, or nothing to
        gain. AgeMem, arXiv:2601.01885, eq. 14.
        """
        replaced = [message for message in self._messages if not message.protected and message.id not in keep]
        if span is not None:
            replaced = replaced[-span:] if span > 0 else []
        if not replaced:
            return ()
        ids = tuple(message.id for message in replaced)
        head = f"[Summary of {len(ids)} earlier messages] "
        text = self._beginning(head, summariser(replaced), sum(message.tokens for message in replaced) - 1)
        if not text:
            return ()
        at = next(position for position, message in enumerate(self._messages) if message.id == ids[0])
        summary = self._make("user", head + text, "summary", False, ids)
        self._replace(ids, summary, at)
        return tuple(replaced)

    def _beginning(self, head: str, text: str, tokens: int) -> str:
        """As many words of `text` as fit with `head` into so many tokens; all of them where they do."""
        if self._cost("user", head + text) <= tokens:
            return text
        words = text.split()
        low, high = 0, len(words)
        while low < high:
            middle = (low + high + 1) // 2
            if self._cost("user", f"{head}{' '.join(words[:middle])}…") <= tokens:
                low = middle
            else:
                high = middle - 1
        return " ".join(words[:low]) + "…" if low else ""

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
        self.remove([message.id for message, _ in dropped])
        return dropped

    def find(self, message_id: int) -> Message | None:
        """The message with this id, if it is still in the context."""
        return next((message for message in self._messages if message.id == message_id), None)

    def remove(self, message_ids: Collection[int]) -> None:
        """Take these messages out, protected ones too."""
        if message_ids:
            self._replace(tuple(message_ids), None, None)

    def clear(self, *, keep: Callable[[Message], bool] = lambda message: False) -> tuple[Message, ...]:
        """Remove all messages but those for which `keep` is true, protected ones too; return the removed ones."""
        removed = tuple(message for message in self._messages if not keep(message))
        self.remove([message.id for message in removed])
        return removed

    def fit(self) -> None:
        """Make it fit its budget: the oldest messages leave; where the newest one alone is too long, it is cut with a mark.

        Protected messages stay; where they alone do not fit, it stays over its budget.
        """
        excess = self.tokens - self.token_budget
        leaving: list[int] = []
        for message in self._messages[:-1]:
            if excess <= 0:
                break
            if not message.protected:
                leaving.append(message.id)
                excess -= message.tokens
        self.remove(leaving)
        newest = self._messages[-1]
        room = self.token_budget - (self.tokens - newest.tokens)
        if self.overflowed and room > 0 and not newest.protected:
            self.shorten(newest.id, room, _CUT)

    def shorten(self, message_id: int, tokens: int, mark: str) -> Message:
        """Cut a message to at most `tokens` tokens, `mark` included, if that holds anything; return what stands there now."""
        at, message = next((at, m) for at, m in enumerate(self._messages) if m.id == message_id)
        low, high = 0, len(message.content)  # the longest beginning that fits
        while low < high:
            middle = (low + high + 1) // 2
            if self._cost(message.role, message.content[:middle] + mark) <= tokens:
                low = middle
            else:
                high = middle - 1
        content = message.content[:low].rstrip() + mark
        short = self._make(message.role, content, message.kind, message.protected, (message.id,))
        self._replace((message.id,), short, at)
        return short

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
        tokens, numbered = self._cost(role, content), self._shows_number(role)
        message = Message(self._next_id, role, content, kind, tokens, protected, sources, numbered)
        self._next_id += 1
        return message

    def _shows_number(self, role: Role) -> bool:
        return self._numbered and role in _NUMBERED

    def _cost(self, role: Role, content: str) -> int:
        """Tokens of what would be the next message."""
        return self._count_message(role, _numbered(self._next_id, content) if self._shows_number(role) else content)

    def _insert(self, message: Message, at: int | None) -> None:
        position = len(self._messages) if at is None else at
        self._messages.insert(position, message)
        self._chat.insert(position, message.as_chat())
        self._rendered.insert(position, _rendered(message))
        self.tokens += message.tokens
        if at is not None:
            self._tail = None
        elif self._tail is not None:
            self._tail.characters += len(self._rendered[-1]) + len(_GAP)

    def _replace(self, gone: tuple[int, ...], message: Message | None, at: int | None) -> None:
        """Take messages out and put one in; `at` is its position in what is left, where no removed one stood before it."""
        removed = frozenset(gone)
        self._set([m for m in self._messages if m.id not in removed])
        if message is not None:
            self._insert(message, at)
        self.listener(gone, message, at)

    def _set(self, messages: list[Message]) -> None:
        self._messages = messages
        self._chat = [message.as_chat() for message in messages]
        self._rendered = [_rendered(message) for message in messages]
        self._tail = None
        self.tokens = sum(message.tokens for message in messages)


@dataclass
class _Tail:
    """From where on the rendered messages hold the last `limit` characters."""

    limit: int
    start: int
    characters: int  # of what stands from there on, a gap behind each message


def _numbered(number: int, content: str) -> str:
    return f"[{number}] {content}"


def _rendered(message: Message) -> str:
    return f"[{message.role}] {message.shown}"
