"""Tool calls in the formats that model families were trained on, without or inside our tags.

Each format is one function from text to ``(before, calls, after)``, or None where the text is not in it: what stands before
the calls, the calls as JSON values, and what follows them. :data:`FORMATS` names them.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from agemem_gym.protocol.calls import MAX_DEPTH, json_end, load_json
from agemem_gym.protocol.reply import Malformed, write_thought

Found = tuple[str, list[Any], str]
Format = Callable[[str, set[str]], "Found | None"]

_MISTRAL_NAMED = re.compile(r"\s*([\w.-]+)\s*(?:\[CALL_ID\][\w-]*)?\[ARGS\]\s*")
_FUNCTION = re.compile(r"<function=([\w.-]+)>(.*?)</function>", re.DOTALL)
_PARAMETER = re.compile(r"<parameter=([\w.-]+)>\n?(.*?)\n?</parameter>", re.DOTALL)
_GLM_CALL = re.compile(r"\s*([\w.-]+)\s*((?:<arg_key>.*?</arg_key>\s*<arg_value>.*?</arg_value>\s*)+)", re.DOTALL)
_GLM_ARGUMENT = re.compile(r"<arg_key>(.*?)</arg_key>\s*<arg_value>(.*?)</arg_value>", re.DOTALL)
_DEEPSEEK = re.compile(
    r"<｜tool▁call▁begin｜>(?:function<｜tool▁sep｜>)?([\w.-]+)(?:<｜tool▁sep｜>|\s*```(?:json)?)(.*?)<｜tool▁call▁end｜>",
    re.DOTALL,
)
_HARMONY = re.compile(
    r"<\|channel\|>\w+\s+to=(?:functions\.)?([\w.-]+)\s*(?:<\|constrain\|>\s*\w+)?\s*<\|message\|>(.*?)(?:<\|call\|>|$)",
    re.DOTALL,
)
_HARMONY_TEXT = re.compile(r"<\|channel\|>(analysis|final)\s*<\|message\|>(.*?)(?:<\|end\|>|<\|return\|>|$)", re.DOTALL)
_WRAPPED = re.compile(
    r"<(\|?)(tool_calls|tool_call|function_call|functioncall|tool)\1>(.*?)<(?:/\|?|\|/)\2\1>", re.DOTALL
)


def mistral(text: str, notes: set[str]) -> Found | None:
    """``[TOOL_CALLS][{…}]``, or ``[TOOL_CALLS]name[ARGS]{…}`` of later models."""
    before, marker, rest = text.partition("[TOOL_CALLS]")
    if not marker:
        return None
    if not (named := _MISTRAL_NAMED.match(rest)):
        return (before, *_leading_json(rest, notes))
    calls: list[Any] = []
    while named:
        (arguments, *_), rest = _leading_json(rest[named.end() :], notes)
        calls.append({"name": named[1], "arguments": arguments})
        rest = rest.removeprefix("[TOOL_CALLS]")
        named = _MISTRAL_NAMED.match(rest)
    return before, calls, rest


def llama(text: str, notes: set[str]) -> Found | None:
    """``<|python_tag|>{"name": …, "parameters": {…}}``, several with ``;`` between."""
    before, marker, rest = text.partition("<|python_tag|>")
    return (before, *_leading_json(rest, notes)) if marker else None


def function_tags(text: str, notes: set[str]) -> Found | None:
    """``<function=name>{…}</function>`` (Llama 3.1), or with ``<parameter=key>value</parameter>`` (Qwen3-Coder)."""
    found = list(_FUNCTION.finditer(text))
    if not found or "".join(_between(text, found)).strip():
        return None
    calls = [{"name": call[1], "arguments": _function_arguments(call[2], notes)} for call in found]
    return text[: found[0].start()], calls, text[found[-1].end() :]


def glm(text: str, notes: set[str]) -> Found | None:
    """``name<arg_key>key</arg_key><arg_value>value</arg_value>`` (GLM-4.5)."""
    found = _GLM_CALL.match(text)
    if found is None:
        return None
    arguments = {key.strip(): _value(value, notes) for key, value in _GLM_ARGUMENT.findall(found[2])}
    return "", [{"name": found[1], "arguments": arguments}], text[found.end() :]


def deepseek(text: str, notes: set[str]) -> Found | None:
    """``<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>name …<｜tool▁call▁end｜>``."""
    found = list(_DEEPSEEK.finditer(text))
    if not found or "".join(_between(text, found)).strip():
        return None
    calls = [{"name": call[1], "arguments": load_json(_unfenced(call[2]), notes)} for call in found]
    before = text[: found[0].start()].replace("<｜tool▁calls▁begin｜>", "")
    after = text[found[-1].end() :].replace("<｜tool▁calls▁end｜>", "")
    return before, calls, after


def harmony(text: str, notes: set[str]) -> Found | None:
    """``<|channel|>commentary to=functions.name<|constrain|>json<|message|>{…}<|call|>`` (gpt-oss)."""
    found = _HARMONY.search(text)
    if found is None:
        return None
    thought = "\n".join(content.strip() for _, content in _HARMONY_TEXT.findall(text[: found.start()]))
    before = write_thought(thought or None)
    return before, [{"name": found[1], "arguments": load_json(found[2].strip(), notes)}], text[found.end() :]


def wrapped(text: str, notes: set[str]) -> Found | None:
    """JSON in tags of another name: ``<function_call>``, ``<tool_calls>``, ``<|tool_call|>`` (Phi-4, Granite)."""
    found = _WRAPPED.search(text)
    if found is None or (found[2] == "tool_call" and not found[1]):
        return None
    calls, rest = _leading_json(_unfenced(found[3]), notes)
    if rest.strip():
        return None
    return text[: found.start()], calls, text[found.end() :]


FORMATS: dict[str, Format] = {
    "mistral": mistral,
    "llama": llama,
    "function_tags": function_tags,
    "glm": glm,
    "deepseek": deepseek,
    "harmony": harmony,
    "wrapped": wrapped,
}
"""The formats by the name of their dialect, in the order in which they are tried."""


def without_channels(text: str) -> str | None:
    """A gpt-oss reply that calls nothing, as thought and final text; None where it is none."""
    found = dict(_HARMONY_TEXT.findall(text))
    if "final" not in found or _HARMONY.search(text):
        return None
    return write_thought(found.get("analysis")) + found["final"].strip()


def python_calls(text: str) -> list[Any] | None:
    """``[Add_memory(content="…"), …]``, or one such call a line: Llama 4, Gemma, and others; None where it is not that."""
    text = text.strip()
    if not re.match(r"\[?\s*\w+\s*\(", text) or len(text) > 8_192 or text.count("(") + text.count("[") > MAX_DEPTH:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # text of a model's
            lines = ast.parse(text).body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    calls: list[Any] = []
    for line in lines:
        value = line.value if isinstance(line, ast.Expr) else None
        for call in value.elts if isinstance(value, ast.List) else [value]:
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)) or call.args:
                return None
            try:
                arguments = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
            except (ValueError, TypeError, MemoryError, RecursionError):
                return None
            if any(keyword.arg is None for keyword in call.keywords):
                return None
            calls.append({"name": call.func.id, "arguments": arguments})
    return calls or None


def _leading_json(text: str, notes: set[str]) -> tuple[list[Any], str]:
    """The JSON values that `text` begins with, lists opened, and the rest."""
    values: list[Any] = []
    rest = text.lstrip()
    while rest[:1] in ("{", "["):
        end = json_end(rest, 0)
        if end is None:
            raise Malformed("bad_json", "the JSON does not end")
        value = load_json(rest[:end], notes)
        values += value if isinstance(value, list) else [value]
        rest = rest[end:].lstrip().removeprefix(";").lstrip()
    if not values:
        raise Malformed("bad_json", "no JSON value where a call was announced")
    return values, rest


def _function_arguments(body: str, notes: set[str]) -> Any:
    parameters = _PARAMETER.findall(body)
    if parameters or not body.strip():
        return {key: _value(value, notes) for key, value in parameters}
    return load_json(body.strip(), notes)


def _value(text: str, notes: set[str]) -> Any:
    """An argument between tags: JSON where it is a list or an object, text otherwise."""
    text = text.strip()
    return load_json(text, notes) if text[:1] in ("{", "[") and text[-1:] in ("}", "]") else text


def _unfenced(text: str) -> str:
    text = text.strip()
    return re.sub(r"^```\w*\s*|\s*```$", "", text).strip()


def _between(text: str, found: list[re.Match[str]]) -> list[str]:
    return [text[one.end() : two.start()] for one, two in pairwise(found)]
