"""Replies with tags as models write them: thoughts, then the first block, then whatever follows it.

The functions get `notes`, a set that collects the names of the dialects that were needed, and raise
:class:`~agemem_gym.protocol.reply.Malformed` where a reply could be meant in more than one way.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from agemem_gym.protocol import native
from agemem_gym.protocol.calls import calls_of, check_count, json_end, load_json
from agemem_gym.protocol.reply import Malformed, Reply, ToolCall, read_thought

Known = Callable[[str], bool]
"""Whether there is a tool of that name."""

_NAMES = "think|thinking|thought|tool_call|answer|action"
ANY_TAG = re.compile(rf"<(?P<close>/?)\s*(?P<name>{_NAMES})\s*>", re.IGNORECASE)
_THOUGHTS = ("think", "thinking", "thought")

_TOKENS = (
    r"<\|im_end\|>|<\|endoftext\|>|<\|eot_id\|>|<\|eom_id\|>|<\|end_of_text\|>|<\|eot\|>|<\|end\|>|<\|return\|>|<\|user\|>"
    r"|<\|observation\|>|</s>|<end_of_turn>|<eos>|<｜end▁of▁sentence｜>|<\|END_OF_TURN_TOKEN\|>|<\|end_of_role\|>|\[/INST\]|\[EOS\]"
)
_OPENERS = (
    r"<\|im_start\|>\s*assistant\s*|<\|start_header_id\|>\s*assistant\s*<\|end_header_id\|>|<start_of_turn>\s*model\s*"
    r"|<\|start\|>\s*assistant(?=<)|<\|begin_of_text\|>|<s>|<bos>|<\|assistant\|>|<｜Assistant｜>|\[/INST\]|\[assistant\]"
)
TURN_END = re.compile(
    rf"\s*(?:{_TOKENS}|<\|im_start\|>|<\|start_header_id\|>|<start_of_turn>|<｜User｜>|\[INST\])"
    r"|\n\s*(?:\[(?:user|tool|system|assistant)\]|(?:Observation|Obs|User|Human|Environment|Tool result)\s*\d*:)"
)
_LEADING = re.compile(rf"\s*(?:{_OPENERS})")
_TRAILING = re.compile(rf"(?:{_TOKENS})\s*$")
_ANNOUNCED = re.compile(
    r"(?:\[\s*)?\{\s*[\"'](?:name|function|tool_calls|tool|tool_name|role|id|type)[\"']?\s*(?::|$)|<function=|<｜tool▁call|<\|channel\|>"
    r"|<\|?(?:tool_calls|function_call)\|?>|<\|tool_call|\[TOOL_CALLS\]|<\|python_tag\|>|[*_]*action input\s*\d*\s*[*_]*:",
    re.IGNORECASE,
)
_PYTHON_CALL = re.compile(r"(?:^|[\[\n,`])\s*(\w+)\(")
_JSON_CALL = re.compile(r"(?:\[\s*)?\{\s*[\"'](?:name|function|tool_calls|tool|tool_name|role|id|type)[\"']\s*:")
_FENCE_OPENS = re.compile(r"\s*(`{3,}|~~~)[ \t]*[\w+-]*[ \t]*(?:\n|(?=[\[{<]))")
_FENCE_CLOSES = re.compile(r"\s*(`{3,}|~~~)")


def trimmed(text: str, notes: set[str]) -> str:
    """`text` without the template's tokens at both ends."""
    for pattern in (_LEADING, _TRAILING):
        while found := pattern.search(text) if pattern is _TRAILING else pattern.match(text):
            text = text[: found.start()] if pattern is _TRAILING else text[found.end() :]
            notes.add("end_token")
    return text.strip()


def announces_call(text: str, known: Known | None) -> bool:
    """Whether a tool call begins somewhere in `text`, in JSON, in Python, or in the format of some family of models."""
    if _ANNOUNCED.search(text):
        return True
    return known is not None and any(known(found[1]) for found in _PYTHON_CALL.finditer(text))


def read_tagged(text: str, known: Known | None, notes: set[str]) -> Reply | None:
    """The reply in the first block of `text`; None where it has no block, or where a call without tags comes first."""
    think, rest = take_thoughts(trimmed(text, notes), notes)
    found = _next_tag(rest)
    if found is None or (found["close"] and found["name"].lower() in _THOUGHTS):
        return None
    if announces_call(rest[: found.start()], known):
        return None
    if found["close"]:
        raise Malformed("unclosed_tag", f"{found.group()} stands before any block")
    _note_outside(rest[: found.start()], notes, before=True)
    name = _plain_name(found, notes)
    if name == "tool_call":
        calls, end = _read_calls(rest, found.end(), notes)
        reply = Reply(think=think, tool_calls=calls)
    else:
        content, end = _read_content(rest, found.end(), name, notes)
        reply = Reply(think=think, answer=content) if name == "answer" else Reply(think=think, action=content)
    _note_outside(rest[end:], notes)
    return reply


# --------------------------------------------------------------------------------------------------- thoughts


def take_thoughts(text: str, notes: set[str]) -> tuple[str | None, str]:
    """The thoughts before the first block, joined, and the rest of `text`."""
    thoughts: list[str] = []
    if (end := _opened_by_template(text)) is not None:
        notes.add("opened_think")
        thoughts.append(read_thought(text[: end.start()]))
        text = text[end.end() :]
    while (found := _next_tag(text)) is not None and not found["close"] and found["name"].lower() in _THOUGHTS:
        name = found["name"].lower()
        closing = re.compile(rf"</\s*{name}\s*>", re.IGNORECASE).search(text, found.end())
        if closing is None:
            raise Malformed("unclosed_tag", f"<{name}> is not closed")
        _note_outside(text[: found.start()], notes, before=True)
        if thoughts or name != "think":
            notes.add("thoughts")
        _plain_name(found, notes)
        thoughts.append(read_thought(text[found.end() : closing.start()]))
        text = text[closing.end() :]
    return ("\n\n".join(thoughts) if thoughts else None), text


def _opened_by_template(text: str) -> re.Match[str] | None:
    """The ``</think>`` that closes a thought which `text` does not open.

    The thought may speak of tags. A ``</think>`` in the JSON of a call is none, nor one behind an end of the turn.
    """
    calls = [(start, json_end(text, start) or len(text)) for start in _call_starts(text)]
    for tag in ANY_TAG.finditer(text):
        if tag["name"].lower() not in _THOUGHTS or any(start < tag.start() < end for start, end in calls):
            continue
        if not tag["close"]:
            return None
        ended = TURN_END.search(text, 0, tag.start())
        return None if ended else tag
    return None


def _call_starts(text: str) -> list[int]:
    """Where the JSON of calls begins, as far as one can see."""
    return [found.start() for found in _JSON_CALL.finditer(text)][:16]


# ------------------------------------------------------------------------------------------- the first block


def _next_tag(text: str, start: int = 0) -> re.Match[str] | None:
    return ANY_TAG.search(text, start)


def _plain_name(tag: re.Match[str], notes: set[str]) -> str:
    name: str = tag["name"].lower()
    if tag.group() != f"<{tag['close']}{name}>":
        notes.add("tag_case")
    return name


def _read_content(text: str, start: int, name: str, notes: set[str]) -> tuple[str, int]:
    """Content of an answer or action block that begins at `start`, and where it ends."""
    tag = _next_tag(text, start)
    if tag is not None and tag["close"] and tag["name"].lower() == name:
        _plain_name(tag, notes)
        content, end = text[start : tag.start()].strip(), tag.end()
    else:
        content, end = _unclosed_content(text, start, name, notes)
    if not content:
        raise Malformed("empty_block", f"<{name}>")
    return content, end


def _unclosed_content(text: str, start: int, name: str, notes: set[str]) -> tuple[str, int]:
    ended = TURN_END.search(text, start)
    end = ended.start() if ended else len(text)
    content = text[start:end]
    if ANY_TAG.search(content) or "\n" in content.strip():
        raise Malformed("unclosed_tag", f"<{name}> is not closed")
    notes.add("unclosed")
    return _without_half_a_tag(content.rstrip(), f"</{name}>").strip(), end


def _without_half_a_tag(text: str, tag: str) -> str:
    """`text` without the beginning of a closing tag at its end, where a stop string cut it off."""
    return next((text[:-length] for length in range(len(tag) - 1, 0, -1) if text.endswith(tag[:length])), text)


def _read_calls(text: str, start: int, notes: set[str]) -> tuple[tuple[ToolCall, ...], int]:
    """The calls of the block that begins at `start` and of those in a row with it, and where the last one ends."""
    calls: list[ToolCall] = []
    position: int | None = start
    while position is not None:
        values, end = _read_values(text, position, notes)
        calls += calls_of(values if len(values) != 1 else values[0], notes)
        check_count(calls)
        following = ANY_TAG.match(text, _skip_space(text, end))
        position = None
        if following is not None and not following["close"] and following["name"].lower() == "tool_call":
            _plain_name(following, notes)
            notes.add("several_calls")
            position = following.end()
    return tuple(calls), end


def _read_values(text: str, start: int, notes: set[str]) -> tuple[list[Any], int]:
    """The JSON values of one block and where its closing tag ends."""
    position = _skip_fence(text, start)
    fenced = position != start and text[start:position].strip() != ""
    if fenced:
        notes.add("fence")
    position = _skip_space(text, position)
    if text[position : position + 1] not in ("{", "["):
        return _read_native(text, position, notes)
    values: list[Any] = []
    while text[position : position + 1] in ("{", "["):
        end = json_end(text, position)
        if end is None:
            return _mended_block(text, position, values, notes)
        values.append(load_json(text[position:end], notes))
        position = _skip_space(text, end, ",;" if text[_skip_space(text, end, ",;") :][:1] in ("{", "[") else "")
    if len(values) > 1:
        notes.add("several_calls")
        values = [call for value in values for call in (value if isinstance(value, list) else [value])]
    return values, _close_block(text, position, notes)


def _close_block(text: str, position: int, notes: set[str]) -> int:
    """Where the block ends whose JSON ends at `position`."""
    if surplus := re.compile(r"[\]}),;\s]*[\]}),;]").match(text, position):
        notes.add("json_repair")
        position = surplus.end()
    if fence := _FENCE_CLOSES.match(text, position):
        notes.add("fence")
        position = fence.end()
    position = _skip_space(text, position)
    tag = ANY_TAG.match(text, position)
    if tag is not None and tag["name"].lower() == "tool_call":
        if not tag["close"]:
            notes.add("unclosed")
            return position
        _plain_name(tag, notes)
        return tag.end()
    rest = _without_half_a_tag(text[position:].rstrip(), "</tool_call>")
    if rest and not TURN_END.match(text, max(0, position - 1)) and not TURN_END.match(rest):
        raise Malformed("unclosed_tag", "<tool_call> is not closed behind its JSON")
    notes.add("unclosed")
    return len(text) if not rest else position


def _mended_block(text: str, start: int, values: list[Any], notes: set[str]) -> tuple[list[Any], int]:
    """A block whose brackets do not close: mended only where its closing tag stands and nothing follows."""
    closing = re.compile(r"\s*(?:`{3,}\s*)?</\s*tool_call\s*>\s*(?:`{3,}\s*)?$", re.IGNORECASE).search(text, start)
    body = text[start : closing.start()] if closing else text[start:]
    if closing is None or values or ANY_TAG.search(body):
        raise Malformed("bad_json", "the JSON does not end")
    value = load_json(body, notes, closed=True)
    return [value], closing.end()


def _read_native(text: str, position: int, notes: set[str]) -> tuple[list[Any], int]:
    """A block that holds calls in another format than JSON."""
    closing = re.compile(r"</\s*tool_call\s*>", re.IGNORECASE).search(text, position)
    body = text[position : closing.start() if closing else len(text)]
    end = closing.end() if closing else len(text)
    if not body.strip():
        raise Malformed("empty_block", "<tool_call>")
    body = re.sub(r"\s*`{3,}\s*$", "", body)
    for name in ("function_tags", "glm") if closing else ("function_tags",):  # a call of GLM's has no end of its own
        found = native.FORMATS[name](body, notes)
        if found and not found[0].strip() and not found[2].strip():
            notes |= {name} | (set() if closing else {"unclosed"})
            return [found[1]], end
    calls = native.python_calls(body) if closing else None
    if calls is None:
        raise Malformed("bad_json", "neither JSON nor calls")
    notes.add("python")
    return [calls], end


# ------------------------------------------------------------------------------------------------- what is outside


def _note_outside(text: str, notes: set[str], *, before: bool = False) -> None:
    """Note what text outside of the block is: nothing, a fence, the template's tokens, further turns, or prose."""
    if not text.strip():
        return
    without = re.sub(r"(?:`{3,}|~~~)[ \t]*[\w+-]*", "", text)
    if without != text:
        notes.add("fence")
    if not without.strip():
        return
    if not before and (ended := TURN_END.search(without)):
        notes.add("end_token" if not without[ended.end() :].strip() else "plays_on")
        without = without[: ended.start()]
    if not before and ANY_TAG.search(without):
        notes.add("plays_on")
    elif without.strip():
        notes.add("prose")


def _skip_space(text: str, position: int, also: str = "") -> int:
    while position < len(text) and (text[position].isspace() or text[position] in also):
        position += 1
    return position


def _skip_fence(text: str, position: int) -> int:
    found = _FENCE_OPENS.match(text, position)
    return found.end() if found else _skip_space(text, position)
