"""What a reply is: the data that :func:`agemem_gym.protocol.parse` gives, its errors, and how one is written.

One reply is an optional ``<think>…</think>`` block and then exactly one of (AgeMem, arXiv:2601.01885, sec. 3 and app. A)::

    <tool_call>[{"name": "Add_memory", "arguments": {"content": "…"}}, …]</tool_call>
    <answer>…</answer>
    <action>go to desk 1</action>
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_REPLY_CHARACTERS = 65_536
MAX_CALLS_PER_REPLY = 16

FORMAT_ERRORS: dict[str, str] = {
    "empty_reply": "Your reply was empty.",
    "too_long": f"Your reply was longer than {MAX_REPLY_CHARACTERS} characters.",
    "unclosed_tag": "A tag was opened and not closed, or closed and not opened.",
    "several_blocks": "A reply holds exactly one of <tool_call>, <answer> and <action>.",
    "text_outside_tags": "There was text outside of the tags.",
    "nothing_after_think": "After </think> one of <tool_call>, <answer> or <action> must follow.",
    "empty_block": "The block was empty.",
    "bad_json": "The content of <tool_call> was not valid JSON.",
    "bad_call": 'A tool call must be {"name": "…", "arguments": {…}}.',
    "too_many_calls": f"A reply holds at most {MAX_CALLS_PER_REPLY} tool calls.",
}
"""Every format error by its name in ``info["format_error"]``, with what the agent is told."""


@dataclass(frozen=True)
class ToolCall:
    """One call of a memory tool, as the agent wrote it; `id` is what a native endpoint calls it, if it does."""

    name: str
    arguments: Mapping[str, Any]
    id: str = ""


@dataclass(frozen=True)
class Reply:
    """A parsed reply: exactly one of `tool_calls`, `action`, `answer` and `format_error` is set.

    Attributes:
        think: content of the ``<think>`` block, if there was one.
        tool_calls: the calls in order.
        action: a command for the engine.
        answer: the final answer.
        format_error: a key of :data:`FORMAT_ERRORS`.
        detail: what exactly was wrong, e.g. the JSON parser's message and position.
        dialect: names of the dialects (:data:`agemem_gym.protocol.DIALECTS`) that it took to understand it, joined by
            ``+``; empty where the reply kept to the letter.
    """

    think: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    action: str | None = None
    answer: str | None = None
    format_error: str | None = None
    detail: str = ""
    dialect: str = ""

    @property
    def strict(self) -> bool:
        """Whether the reply kept to the letter of the protocol."""
        return not self.dialect and self.format_error is None

    def complaint(self) -> str:
        """What the agent is told of its malformed reply."""
        if self.format_error is None:
            return ""
        detail = f" ({self.detail})" if self.detail else ""
        return (
            f"Format error {self.format_error}: {FORMAT_ERRORS[self.format_error]}{detail} "
            "Reply with an optional <think>…</think> and then exactly one <tool_call>[…]</tool_call>, "
            "<action>…</action> or <answer>…</answer>."
        )


class Malformed(Exception):
    """A reply, or a part of one, that is not understood: `error` is a key of :data:`FORMAT_ERRORS`."""

    def __init__(self, error: str, detail: str = "") -> None:
        self.error = error
        self.detail = detail


def bounded(text: str) -> str:
    """A reply as contexts and records keep it: whole, or of one that is too long the beginning and how long it was.

    What is kept of a too long reply is still too long, by one character, and is answered in the same words when it is replayed.

    Example:
        >>> bounded("look")
        'look'
        >>> len(bounded("x" * 1_000_000)) == MAX_REPLY_CHARACTERS + 1, bounded("x" * 1_000_000)[-32:]
        (True, '… [1000000 characters, cut here]')
    """
    if len(text) <= MAX_REPLY_CHARACTERS:
        return text
    mark = f"… [{full_length(text)} characters, cut here]"
    return text[: MAX_REPLY_CHARACTERS + 1 - len(mark)] + mark


def full_length(text: str) -> int:
    """How many characters a reply had before :func:`bounded` cut it, if it did."""
    found = _CUT_HERE.search(text, max(0, len(text) - 60)) if len(text) == MAX_REPLY_CHARACTERS + 1 else None
    return int(found[1]) if found else len(text)


_CUT_HERE = re.compile(r"… \[(\d{1,20}) characters, cut here\]$")


def encodable(text: str) -> str:
    """`text` with lone surrogates replaced: they are legal in a str and in JSON, and illegal in UTF-8."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text


def call_reply(*calls: tuple[str, Mapping[str, Any] | str], think: str | None = None) -> str:
    """The reply text that calls tools: the inverse of :func:`agemem_gym.protocol.parse`.

    Arguments that are a text are written as one: JSON as a model wrote it, faults included.

    Example:
        >>> call_reply(("Delete_memory", {"memory_id": "m1", "confirmation": True}))
        '<tool_call>[{"name": "Delete_memory", "arguments": {"memory_id": "m1", "confirmation": true}}]</tool_call>'
    """
    # "<" is escaped so that no content can close the block, nor look like a block of its own
    written = [(name, given if isinstance(given, str) else dict(given)) for name, given in calls]
    body = json.dumps([{"name": name, "arguments": arguments} for name, arguments in written], ensure_ascii=False)
    body = body.replace("<", "\\u003c")
    return write_thought(think) + f"<tool_call>{body}</tool_call>"


def reply_text(reply: Reply) -> str:
    """The text of a well-formed reply, as :func:`agemem_gym.protocol.parse` reads it.

    Example:
        >>> reply_text(Reply(think="hm", action="look"))
        '<think>hm</think><action>look</action>'

    Raises:
        ValueError: the reply says nothing, or was malformed: its text is not known any more.
    """
    think = write_thought(reply.think)
    if reply.tool_calls:
        return call_reply(*((call.name, call.arguments) for call in reply.tool_calls), think=reply.think)
    if reply.action is not None:
        return f"{think}<action>{reply.action}</action>"
    if reply.answer is not None:
        return f"{think}<answer>{reply.answer}</answer>"
    raise ValueError(f"a Reply with tool calls, an action or an answer was expected, not {reply!r:.200}")


def write_thought(think: str | None) -> str:
    r"""The ``<think>`` block of a thought, none for ``None``; a ``</think>`` within it stands as ``<\/think>``."""
    if think is None:
        return ""
    return f"<think>{_CLOSES_THOUGHT.sub(_with_one_more_backslash, think)}</think>"


def read_thought(content: str) -> str:
    """The thought in the content of a ``<think>`` block: the inverse of :func:`write_thought`, spaces around it apart."""
    return _CLOSES_THOUGHT.sub(_with_one_less_backslash, content).strip()


_CLOSES_THOUGHT = re.compile(r"<(\\*)/think>")


def _with_one_more_backslash(found: re.Match[str]) -> str:
    return f"<{found[1]}\\/think>"


def _with_one_less_backslash(found: re.Match[str]) -> str:
    return f"<{found[1][1:]}/think>"
