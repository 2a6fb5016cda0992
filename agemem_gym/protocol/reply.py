"""What a reply is, and how its text is read.

One reply is an optional ``<think>…</think>`` block and then exactly one of (AgeMem, arXiv:2601.01885, sec. 3 and app. A)::

    <tool_call>[{"name": "Add_memory", "arguments": {"content": "…"}}, …]</tool_call>
    <answer>…</answer>
    <action>go to desk 1</action>

A reply with no tag at all is an action, so that a plain text-game agent works unchanged. Native OpenAI tool calls are
accepted as JSON too. :func:`parse` never raises: anything malformed becomes a :class:`Reply` with a ``format_error`` that
names what was wrong.
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

_BLOCKS = ("tool_call", "answer", "action")
_TAG = re.compile(r"<(/?)(think|tool_call|answer|action)>")
_THINK = re.compile(r"\s*<think>(.*?)</think>", re.DOTALL)
_BLOCK = re.compile(r"\s*<(tool_call|answer|action)>(.*)</\1>\s*", re.DOTALL)


@dataclass(frozen=True)
class ToolCall:
    """One call of a memory tool, as the agent wrote it."""

    name: str
    arguments: Mapping[str, Any]


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
    """

    think: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    action: str | None = None
    answer: str | None = None
    format_error: str | None = None
    detail: str = ""

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


class _Malformed(Exception):
    def __init__(self, error: str, detail: str = "") -> None:
        self.error = error
        self.detail = detail


def parse(text: str) -> Reply:
    """Parse one reply of an agent; any string at all is taken.

    Example:
        >>> parse("<think>hm</think><answer>Paris</answer>").answer
        'Paris'
        >>> parse("go to desk 1").action
        'go to desk 1'
        >>> parse('<tool_call>{"name": "Add_memory", "arguments": {"content": "x"}}</tool_call>').tool_calls[0].name
        'Add_memory'
        >>> parse("<action>look</action><answer>42</answer>").format_error
        'several_blocks'
    """
    if len(text) > MAX_REPLY_CHARACTERS:
        return Reply(format_error="too_long", detail=f"{len(text)} characters")
    text = encodable(text)
    thought = _THINK.match(text)
    think = thought.group(1).strip() if thought else None
    rest = text[thought.end() :] if thought else text
    try:
        return _parse_rest(rest, think)
    except _Malformed as malformed:
        return Reply(think=think, format_error=malformed.error, detail=malformed.detail)


def _parse_rest(text: str, think: str | None) -> Reply:
    if not text.strip():
        raise _Malformed("empty_reply" if think is None else "nothing_after_think")
    if _TAG.search(text) is None:
        return _parse_untagged(text.strip(), think)
    block = _BLOCK.fullmatch(text)
    if block is None or _TAG.search(block.group(2)):
        raise _explain(text)
    name, content = block.group(1), block.group(2).strip()
    if not content:
        raise _Malformed("empty_block", f"<{name}>")
    if name == "tool_call":
        return Reply(think=think, tool_calls=_parse_calls(_load_json(content)))
    return Reply(think=think, answer=content) if name == "answer" else Reply(think=think, action=content)


def _parse_untagged(text: str, think: str | None) -> Reply:
    """A bare command, or a chat completion's native tool calls as JSON."""
    if text[0] in "[{":
        try:
            value = _load_json(text)
        except _Malformed:
            return Reply(think=think, action=text)
        if isinstance(value, dict) and value.get("tool_calls"):
            value = value["tool_calls"]
        calls = value if isinstance(value, list) else [value]
        if calls and all(isinstance(call, dict) and ("function" in call or "name" in call) for call in calls):
            return Reply(think=think, tool_calls=_parse_calls(calls))
    return Reply(think=think, action=text)


def _explain(text: str) -> _Malformed:
    """Why tagged text is not one block."""
    opened = [tag.group(2) for tag in _TAG.finditer(text) if not tag.group(1)]
    closed = [tag.group(2) for tag in _TAG.finditer(text) if tag.group(1)]
    if sorted(opened) != sorted(closed):
        unpaired = next(name for name in ("think", *_BLOCKS) if opened.count(name) != closed.count(name))
        return _Malformed(
            "unclosed_tag", f"<{unpaired}>: {opened.count(unpaired)} opened, {closed.count(unpaired)} closed"
        )
    if len(opened) > 1:
        return _Malformed("several_blocks", "found " + ", ".join(f"<{name}>" for name in opened))
    if opened == ["think"]:
        return _Malformed("nothing_after_think" if text.rstrip().endswith("</think>") else "text_outside_tags")
    if text.index(f"</{opened[0]}>") < text.index(f"<{opened[0]}>"):
        return _Malformed("unclosed_tag", f"</{opened[0]}> stands before <{opened[0]}>")
    return _Malformed("text_outside_tags")


def _load_json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise _Malformed("bad_json", f"{error.msg} at character {error.pos}") from None
    except RecursionError:
        raise _Malformed("bad_json", "nested too deeply") from None
    except ValueError:  # an integer of thousands of digits
        raise _Malformed("bad_json", "a number is too large") from None


def _parse_calls(value: Any) -> tuple[ToolCall, ...]:
    calls = value if isinstance(value, list) else [value]
    if not calls:
        raise _Malformed("empty_block", "no tool call in the list")
    if len(calls) > MAX_CALLS_PER_REPLY:
        raise _Malformed("too_many_calls", f"{len(calls)} calls")
    return tuple(_parse_call(call, number) for number, call in enumerate(calls, start=1))


def _parse_call(call: Any, number: int) -> ToolCall:
    if isinstance(call, dict) and isinstance(call.get("function"), dict):
        call = call["function"]  # OpenAI's {"type": "function", "function": {"name": …, "arguments": "…"}}
    if not isinstance(call, dict) or not isinstance(call.get("name"), str):
        raise _Malformed("bad_call", f"call {number} has no name")
    arguments = call.get("arguments", {})
    if isinstance(arguments, str):
        arguments = _load_json(arguments)
    if not isinstance(arguments, dict):
        raise _Malformed("bad_call", f"the arguments of call {number} are no object")
    return ToolCall(encodable(call["name"]), _encodable_json(arguments))


def encodable(text: str) -> str:
    """`text` with lone surrogates replaced: they are legal in a str and in JSON, and illegal in UTF-8."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text


def _encodable_json(value: Any, depth: int = 0) -> Any:
    """`value` with every string encodable and every number finite, nested at most 32 levels."""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, (dict, list)) and depth >= 32:
        raise _Malformed("bad_json", "nested too deeply")
    if isinstance(value, dict):
        return {encodable(key): _encodable_json(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_encodable_json(item, depth + 1) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        raise _Malformed("bad_json", "NaN and Infinity are not JSON")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**63:
        raise _Malformed("bad_json", "a number is too large")
    return value


def call_reply(*calls: tuple[str, Mapping[str, Any]], think: str | None = None) -> str:
    """The reply text that calls tools: the inverse of :func:`parse`.

    Example:
        >>> call_reply(("Delete_memory", {"memory_id": "m1", "confirmation": True}))
        '<tool_call>[{"name": "Delete_memory", "arguments": {"memory_id": "m1", "confirmation": true}}]</tool_call>'
    """
    # "<" is escaped so that no content can close the block
    body = json.dumps([{"name": name, "arguments": dict(arguments)} for name, arguments in calls], ensure_ascii=False)
    body = body.replace("<", "\\u003c")
    return (f"<think>{think}</think>" if think is not None else "") + f"<tool_call>{body}</tool_call>"


def reply_text(reply: Reply) -> str:
    """The text of a well-formed reply, as :func:`parse` reads it.

    Example:
        >>> reply_text(Reply(think="hm", action="look"))
        '<think>hm</think><action>look</action>'

    Raises:
        ValueError: the reply says nothing, or was malformed: its text is not known any more.
    """
    think = "" if reply.think is None else f"<think>{reply.think}</think>"
    if reply.tool_calls:
        return call_reply(*((call.name, call.arguments) for call in reply.tool_calls), think=reply.think)
    if reply.action is not None:
        return f"{think}<action>{reply.action}</action>"
    if reply.answer is not None:
        return f"{think}<answer>{reply.answer}</answer>"
    raise ValueError(f"a Reply with tool calls, an action or an answer was expected, not {reply!r:.200}")
