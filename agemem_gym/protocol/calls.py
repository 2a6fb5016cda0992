"""Tool calls from JSON: to the letter, and as models write them.

Wherever a function takes `notes`, ``None`` means to the letter; a set means as models write it, and gets the names of the
dialects that were needed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from agemem_gym.protocol.reply import MAX_CALLS_PER_REPLY, Malformed, ToolCall, encodable

MAX_DEPTH = 32
_MAX_REPAIRED_CHARACTERS = 8_192

_NAME_KEYS = ("name", "tool", "tool_name", "function", "function_name", "action")
_ARGUMENT_KEYS = ("arguments", "parameters", "args", "params", "input", "tool_input", "action_input", "kwargs")
_BESIDE = frozenset({"id", "type", "index", "name", "arguments"})


def calls_of(value: Any, notes: set[str] | None = None) -> tuple[ToolCall, ...]:
    """The calls in a JSON value: one call, or a list of them."""
    calls = value if isinstance(value, list) else [value]
    if not calls:
        raise Malformed("empty_block", "no tool call in the list")
    check_count(calls)
    return tuple(_call_of(call, number, notes) for number, call in enumerate(calls, start=1))


def check_count(calls: Any) -> None:
    """Refuse more calls than a reply may hold."""
    if len(calls) > MAX_CALLS_PER_REPLY:
        raise Malformed("too_many_calls", f"{len(calls)} calls")


def _call_of(call: Any, number: int, notes: set[str] | None) -> ToolCall:
    identity = call.get("id") if isinstance(call, dict) else None
    if isinstance(call, dict) and isinstance(call.get("function"), dict):
        call = call["function"]  # OpenAI's {"type": "function", "function": {"name": …, "arguments": "…"}}
    if notes is not None and isinstance(call, dict):
        call = _with_usual_keys(call, notes)
    if not isinstance(call, dict) or not isinstance(call.get("name"), str):
        raise Malformed("bad_call", f"call {number} has no name")
    if "arguments" not in call and (others := [key for key in call if key not in _BESIDE]):
        raise Malformed("bad_call", f'call {number} has {encodable(others[0])[:40]!r} and no "arguments"')
    arguments = call.get("arguments", {})
    if isinstance(arguments, str):
        arguments = load_json(arguments, notes)
    if not isinstance(arguments, dict):
        raise Malformed("bad_call", f"the arguments of call {number} are no object")
    return ToolCall(
        encodable(call["name"]), _plain(arguments), encodable(identity) if isinstance(identity, str) else ""
    )


def _with_usual_keys(call: Mapping[str, Any], notes: set[str]) -> Mapping[str, Any]:
    """A call whose keys are ``name`` and ``arguments``, whatever they were called; the same one if they were so already."""
    if isinstance(call.get("name"), str) and ("arguments" in call or not (call.keys() - _BESIDE)):
        return call
    name = next((key for key in _NAME_KEYS if isinstance(call.get(key), str)), None)
    if name is None:
        if (
            len(call) == 1
            and isinstance(next(iter(call.values())), dict)
            and not call.keys() & {*_NAME_KEYS, *_ARGUMENT_KEYS}
        ):
            notes.add("keys")
            return dict(zip(("name", "arguments"), *call.items(), strict=True))  # {"Add_memory": {…}}
        return call
    notes.add("keys")
    held = next((key for key in _ARGUMENT_KEYS if key in call and key != name), None)
    if held is not None:
        return {"name": call[name], "arguments": call[held]}
    return {
        "name": call[name],
        "arguments": {key: call[key] for key in call if key not in {name, "id", "type", "index"}},
    }


def looks_like_call(value: Any, known: Callable[[str], bool] | None) -> bool:
    """Whether a JSON value without any tags round it is a tool call, or a list of them."""
    calls = value if isinstance(value, list) else [value]
    return bool(calls) and all(isinstance(call, dict) and _names_a_tool(call, known) for call in calls)


def _names_a_tool(call: Mapping[str, Any], known: Callable[[str], bool] | None) -> bool:
    if isinstance(call.get("function"), dict):
        return isinstance(call["function"].get("name"), str)
    name = next((call[key] for key in _NAME_KEYS if isinstance(call.get(key), str)), None)
    if known is not None:
        return name is not None and known(name)
    return isinstance(call.get("name"), str) and (call.keys() <= _BESIDE or any(key in call for key in _ARGUMENT_KEYS))


# ------------------------------------------------------------------------------------------------------ JSON


def load_json(text: str, notes: set[str] | None = None, *, closed: bool = False) -> Any:
    """The JSON value of `text`; with `notes`, small faults are mended (dialect ``json_repair``).

    What may have been cut off is not mended: brackets have to close, unless the caller knows that nothing was (`closed`).
    """
    try:
        return _load(text)
    except Malformed as malformed:
        if notes is None or malformed.detail in _NOT_TO_MEND:
            raise
        text = text.strip()
        value = _mended(text) if closed or json_end(text, 0) == len(text) else None
        if value is None:
            raise
        notes.add("json_repair")
        return value


_NOT_TO_MEND = ("nested too deeply", "a number is too large")


def _load(text: str, *, strict: bool = True) -> Any:
    try:
        return json.loads(text, strict=strict)
    except json.JSONDecodeError as error:
        raise Malformed("bad_json", f"{error.msg} at character {error.pos}") from None
    except RecursionError:
        raise Malformed("bad_json", "nested too deeply") from None
    except ValueError:  # an integer of thousands of digits
        raise Malformed("bad_json", "a number is too large") from None


def _mended(text: str) -> list[Any] | dict[str, Any] | None:
    """The object or list that `text` was meant to be; None where that is not sure.

    A repair may add or drop punctuation and nothing else: what is left of text and value without it has to be the same, and
    no string of the value may have swallowed the syntax of its neighbour.
    """
    try:
        return _load(text, strict=False)  # a raw newline or tab in a string is all that was wrong
    except Malformed:
        pass
    if len(text) > _MAX_REPAIRED_CHARACTERS or _depth(text) > MAX_DEPTH:
        return None
    import json_repair

    try:
        value = json_repair.loads(text, skip_json_loads=True)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, (dict, list)):
        return None
    strings: list[str] = []
    if _skeleton(_ESCAPE.sub(_unescaped, text)) != _skeleton("".join(_written(value, strings))):
        return None
    balanced = text.count("{") + text.count("[") == text.count("}") + text.count("]")
    return None if any(_swallowed(string, balanced) for string in strings) else value


def _depth(text: str) -> int:
    depth = deepest = 0
    for character in text:
        if character in "[{(":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]})":
            depth -= 1
    return deepest


_ESCAPE = re.compile(r'\\(u[0-9a-fA-F]{4}|[nrtbf"\'\\/])')
_SYNTAX = re.compile(r"""["'“”]\s*[,:]\s*["'“”{\[]|["'“”]\s*[}\]]""")


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    return chr(int(code[1:], 16)) if code[0] == "u" else " " if code in "nrtbf" else code


def _skeleton(text: str) -> str:
    """Letters and digits, in order; what Python calls None is JSON's null."""
    return re.sub(r"[\W_]+", "", text).casefold().replace("none", "null")


def _written(value: Any, strings: list[str]) -> list[str]:
    """Keys and values in order, as text; the strings among them go into `strings`, too."""
    if isinstance(value, dict):
        return [part for key, item in value.items() for part in (*_written(key, strings), *_written(item, strings))]
    if isinstance(value, list):
        return [part for item in value for part in _written(item, strings)]
    if isinstance(value, str):
        strings.append(value)
        return [value]
    return [json.dumps(value)]


def _swallowed(string: str, balanced: bool) -> bool:
    """Whether a mended string holds what was syntax."""
    if _SYNTAX.search(string):
        return True
    opened, closed = string.count("{") + string.count("["), string.count("}") + string.count("]")
    return opened != closed if balanced else opened + closed > 0


def json_end(text: str, start: int) -> int | None:
    """Where the object or list that begins at `start` ends, by its brackets and quotes alone; None where it does not."""
    if text[start : start + 1] not in ("{", "["):
        return None
    depth, quote, previous = 0, "", ""
    position = start
    while position < len(text):
        character = text[position]
        if quote:
            if character == "\\":
                position += 1
            elif character == quote:
                quote = ""
        elif character == '"' or (character == "'" and previous in "[{,:("):
            quote = character
        elif character in "[{":
            depth += 1
        elif character in "]}":
            depth -= 1
            if depth == 0:
                return position + 1
        if not character.isspace():
            previous = character
        position += 1
    return None


def _plain(value: Any, depth: int = 0) -> Any:
    """`value` with every string encodable and every number finite, nested at most 32 levels."""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, (dict, list)) and depth >= MAX_DEPTH:
        raise Malformed("bad_json", "nested too deeply")
    if isinstance(value, dict):
        return {encodable(str(key)): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        raise Malformed("bad_json", "NaN and Infinity are not JSON")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**63:
        raise Malformed("bad_json", "a number is too large")
    return value
