"""Replies without our tags: native formats, ReAct, tool calls as JSON or Python, and plain text."""

from __future__ import annotations

import re
from typing import Any

from agemem_gym.protocol import native
from agemem_gym.protocol.calls import calls_of, json_end, load_json, looks_like_call
from agemem_gym.protocol.reading import TURN_END, Known, announces_call, take_thoughts, trimmed
from agemem_gym.protocol.reply import Malformed, Reply

_FENCED = re.compile(r"(?:`{3,}|~~~)[ \t]*([\w+-]*)[ \t]*\n(.*?)\n?\s*(?:`{3,}|~~~)", re.DOTALL)
_THOUGHT = re.compile(r"[\s*_#>-]*(?:thought|thoughts|reasoning)\s*\d*\s*[*_]*:[*_]*", re.IGNORECASE)
_LABEL = r"(?P<label>action|final answer|answer)\s*\d*\s*[*_]*:[*_]*[ \t]*"
_LINE_LABEL = re.compile(rf"^[ \t*_#>-]*{_LABEL}", re.IGNORECASE | re.MULTILINE)
_INLINE_LABEL = re.compile(
    r"(?:^|(?<=[\s.!?*_]))[*_]*(?P<label>Action|ACTION|Final Answer)\s*\d*\s*[*_]*:[*_]*[ \t]*", re.MULTILINE
)
_ANY_LABEL = re.compile(
    r"\n[ \t*_#>-]*(?:thought|observation|action(?: input)?|final answer)\s*\d*\s*[*_]*:", re.IGNORECASE
)
_ACTION_INPUT = re.compile(r"\s*[*_]*action input\s*\d*\s*[*_]*:[*_]*\s*", re.IGNORECASE)
_FINISH = re.compile(r"finish\s*\[(.*)\]\s*$", re.IGNORECASE)


def read_untagged(text: str, commands: bool, known: Known | None, notes: set[str]) -> Reply:
    """The reply that text without blocks is; without `commands` plain text is the answer.

    Raises:
        Malformed: it begins like a tool call, or is a thought alone.
    """
    text = trimmed(text, notes)
    think, rest = take_thoughts(text, notes)
    rest = rest.strip()
    if not rest:
        raise Malformed("nothing_after_think" if think is not None else "empty_reply")
    values = _native_calls(rest, notes) or _fenced_calls(rest, known, notes) or _bare_calls(rest, known, notes)
    if values:
        before, calls, after = values
        inner, before = take_thoughts(before, notes) if "<think>" in before else (None, before)
        _note_around(before, after, notes)
        return Reply(think=think if think is not None else inner, tool_calls=calls_of(calls, notes))
    if reply := _react(rest, think, known, notes):
        return reply
    if announces_call(rest, known):
        raise Malformed("bad_json", "it looks like a tool call, and is none")
    return _plain(rest, think, commands, notes)


def _plain(text: str, think: str | None, commands: bool, notes: set[str]) -> Reply:
    ended = TURN_END.search(text)
    if ended:
        notes.add("plays_on" if text[ended.end() :].strip() else "end_token")
        text = text[: ended.start()].strip()
    if not text:
        raise Malformed("empty_reply")
    if commands:
        return Reply(think=think, action=text)
    notes.add("plain_answer")
    return Reply(think=think, answer=text)


def _note_around(before: str, after: str, notes: set[str]) -> None:
    ended = TURN_END.search(after)
    if ended:
        notes.add("plays_on" if after[ended.end() :].strip() else "end_token")
        after = after[: ended.start()]
    if before.strip() or after.strip():
        notes.add("prose")


# ------------------------------------------------------------------------------------------------------ tool calls


def _native_calls(text: str, notes: set[str]) -> native.Found | None:
    for name, read in native.FORMATS.items():
        if found := read(text, notes):
            notes.add(name)
            return found
    return None


def _fenced_calls(text: str, known: Known | None, notes: set[str]) -> native.Found | None:
    """Calls in the first fence."""
    found = _FENCED.search(text)
    if found is None:
        return None
    calls = _whole_calls(found[2], known, notes)
    if calls is None:
        return None
    notes.add("fence")
    return text[: found.start()], calls, text[found.end() :]


def _bare_calls(text: str, known: Known | None, notes: set[str]) -> native.Found | None:
    """Calls that are the whole text, or stand at the end of prose and name known tools."""
    ended = TURN_END.search(text)
    body = text[: ended.start()] if ended else text
    if (calls := _whole_calls(body, known, notes)) is not None:
        return "", calls, text[len(body) :]
    if known is None:
        return None
    start = re.search(r"(?:\[\s*)?\{\s*[\"']\w+[\"']\s*:", body)
    if start is None or json_end(body, start.start()) != len(body.rstrip()):
        return None
    calls = _whole_calls(body[start.start() :], known, notes)
    return None if calls is None else (text[: start.start()], calls, text[len(body) :])


def _whole_calls(text: str, known: Known | None, notes: set[str]) -> list[Any] | None:
    """The calls that `text` is, as JSON or as Python writes them."""
    text = text.strip()
    if text[:1] in ("{", "["):
        used: set[str] = set()
        try:
            value = load_json(text, used)
        except Malformed:
            value = None
        if isinstance(value, dict) and value.get("tool_calls"):
            value = value["tool_calls"]
        if looks_like_call(value, known) or looks_like_call(value, None):
            notes |= {"bare_json"} | used
            return value if isinstance(value, list) else [value]
    calls = native.python_calls(text) if known is not None else None
    if calls and known is not None and all(known(call["name"]) for call in calls):
        notes.add("python")
        return calls
    return None


# ----------------------------------------------------------------------------------------------------------- ReAct


def _react(text: str, think: str | None, known: Known | None, notes: set[str]) -> Reply | None:
    """``Thought: … Action: …``; None where `text` has no such label."""
    thought = _THOUGHT.match(text)
    label = _LINE_LABEL.search(text)
    inline = _INLINE_LABEL.search(text) if thought else None
    if inline and (label is None or inline.start() < label.start()):
        label = inline
    if label is None:
        if thought:
            raise Malformed("nothing_after_think", "a thought, and no action")
        return None
    notes.add("react")
    reasoning = text[thought.end() if thought else 0 : label.start()].strip(" \t\n*_")
    if TURN_END.search(reasoning):
        raise Malformed("several_blocks", "it begins with another turn")
    if reasoning and think is None:
        think = reasoning
    elif reasoning:
        notes.add("prose")
    body = text[label.end() :].lstrip()
    return _labelled(label["label"].lower(), body, think, known, notes)


def _labelled(label: str, body: str, think: str | None, known: Known | None, notes: set[str]) -> Reply:
    """What stands behind the label, up to the next one."""
    first, _, rest = body.partition("\n")
    first, given, same_line = _split_input(first)
    if label == "action" and given:
        return _with_input(_bare(first), same_line + "\n" + rest, think, notes)
    if label == "action" and (on_next_line := _ACTION_INPUT.match(rest)):
        return _with_input(_bare(first), rest[on_next_line.end() :], think, notes)
    if label == "action" and (calls := _calls_at(body, known, notes)):
        return Reply(think=think, tool_calls=calls_of(calls, notes))
    if label != "action":
        first, rest = _answer_and_rest(body)
    if rest.strip():
        notes.add("plays_on" if TURN_END.search("\n" + rest) or _ANY_LABEL.search("\n" + rest) else "prose")
    content = _bare(first)
    if not content:
        raise Malformed("empty_block", f"{label}:")
    if finish := _FINISH.match(content):
        return Reply(think=think, answer=finish[1].strip())
    return Reply(think=think, action=content) if label == "action" else Reply(think=think, answer=content)


def _answer_and_rest(body: str) -> tuple[str, str]:
    ends = [found.start() for found in (TURN_END.search(body), _ANY_LABEL.search(body)) if found]
    end = min(ends, default=len(body))
    return body[:end], body[end:]


def _split_input(line: str) -> tuple[str, bool, str]:
    found = re.search(r"\s[*_]*action input\s*\d*\s*[*_]*:[*_]*\s*", line, re.IGNORECASE)
    return (line[: found.start()], True, line[found.end() :]) if found else (line, False, "")


def _with_input(name: str, text: str, think: str | None, notes: set[str]) -> Reply:
    """``Action: Add_memory`` with ``Action Input: {"content": …}``."""
    text = text.strip()
    if fence := re.match(r"`{3,}\w*\s*", text):
        notes.add("fence")
        text = text[fence.end() :]
    end = json_end(text, 0) if text[:1] == "{" else None
    if end is None:
        raise Malformed("bad_json", "the action's input is no JSON object")
    rest = text[end:].strip(" \t\n`")
    if rest:
        notes.add("plays_on" if TURN_END.search("\n" + rest) or _ANY_LABEL.search("\n" + rest) else "prose")
    return Reply(think=think, tool_calls=calls_of({"name": name, "arguments": load_json(text[:end], notes)}, notes))


def _calls_at(body: str, known: Known | None, notes: set[str]) -> list[Any] | None:
    """Tool calls right behind ``Action:``."""
    first = body.partition("\n")[0]
    if calls := _whole_calls(_bare(first), known, notes):
        if body[len(first) :].strip():
            notes.add("plays_on")
        return calls
    end = json_end(body, 0) if body[:1] in ("{", "[") else None
    calls = _whole_calls(body[:end], known, notes) if end else None
    if calls and end and body[end:].strip():
        notes.add("plays_on")
    return calls


def _bare(text: str) -> str:
    """A command or name without the marks that models put round it."""
    text = text.strip()
    for mark in ("**", "`", '"', "'"):
        if len(text) > 2 * len(mark) and text.startswith(mark) and text.endswith(mark):
            text = text[len(mark) : -len(mark)].strip()
    return text
