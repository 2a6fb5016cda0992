"""How models write replies, and :func:`parse`, which understands them.

::

    text ─► to the letter? ─► Reply                                   (grammar.py)
       else ─► thoughts ─► the first block ─► what follows it         (reading.py)
            or no tags: native formats, ReAct, JSON, plain text       (untagged.py, native.py)
       ─► tool names and values as the tools' schemas have them       (ToolSet.fit)

What the letter understands, nobody rereads; what no dialect understands is explained as the letter explains it. A reply says
in :attr:`~agemem_gym.protocol.Reply.dialect` what it took.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Protocol

from agemem_gym.checks import did_you_mean
from agemem_gym.errors import ConfigurationError
from agemem_gym.protocol.grammar import TAG, read_strictly, split_thought
from agemem_gym.protocol.native import without_channels
from agemem_gym.protocol.reading import Known, read_tagged
from agemem_gym.protocol.reply import MAX_REPLY_CHARACTERS, Malformed, Reply, ToolCall, encodable, full_length
from agemem_gym.protocol.untagged import read_untagged

DIALECTS: dict[str, str] = {
    "opened_think": "`reasoning</think>…`: the template opened `<think>` in the prompt",
    "thoughts": "thoughts elsewhere than once at the beginning, or in `<thinking>` or `<thought>`",
    "tag_case": "`<ANSWER>`, `< answer >`: tags in another case or with spaces",
    "several_calls": "several `<tool_call>` blocks, or several JSON values in one",
    "unclosed": "the last closing tag is missing",
    "fence": "a fence of three backticks round the block or the JSON",
    "prose": "text before or after the one block",
    "end_token": "`<|im_end|>`, `</s>`, `<|start_header_id|>assistant…`: tokens of the template",
    "plays_on": "the model goes on and plays the next turns; the first block counts",
    "json_repair": "JSON with small faults: a trailing comma, single quotes, a raw newline, a bracket too few or too many",
    "keys": "`parameters` for `arguments`, `tool` for `name`, arguments beside the name",
    "names": "tool or argument names in another case: `add_memory`, `topK`",
    "values": '`"top_k": "3"`, `"confirmation": "true"`: values of another type that mean the same',
    "bare_json": "a tool call as JSON without tags, also OpenAI's `tool_calls`",
    "react": "`Thought: … Action: go to desk 1`, `Action Input: {…}`, `Final Answer: …`",
    "plain_answer": "plain text where there are no commands: the answer",
    "python": '`Add_memory(content="…")`: calls as Python writes them',
    "mistral": "`[TOOL_CALLS][{…}]`, `[TOOL_CALLS]name[ARGS]{…}`",
    "llama": "`<|python_tag|>{…}`",
    "function_tags": "`<function=name>{…}</function>`, `<parameter=key>…</parameter>`",
    "glm": "`name<arg_key>…</arg_key><arg_value>…</arg_value>`",
    "deepseek": "`<｜tool▁call▁begin｜>…`",
    "harmony": "`<|channel|>…<|message|>…`",
    "wrapped": "`<function_call>`, `<tool_calls>`, `<|tool_call|>`: the call in tags of another name",
}
"""Every dialect by its name, with what it is."""


_PLAIN_COMMAND = re.compile(r"[\w ,.;'/!?-]+")
"""Text without a sign that any dialect needs: most replies of agents without a model, understood in no time."""


class Tools(Protocol):
    """What a parser has to know of the tools, as :class:`agemem_gym.tools.ToolSet` knows it."""

    def __contains__(self, name: object) -> bool:
        """Whether there is a tool of exactly this name."""

    def fit(self, call: ToolCall) -> tuple[ToolCall, Collection[str]]:
        """The call with names and values as the schemas have them, and the dialects that took."""


def make_dialects(spec: str | Iterable[str]) -> frozenset[str]:
    """The dialects that ``"all"``, ``"strict"`` or names stand for.

    Raises:
        ConfigurationError: there is no dialect of that name.
    """
    if spec == "all":
        return frozenset(DIALECTS)
    if spec == "strict":
        return frozenset()
    if not isinstance(spec, Iterable):
        raise ConfigurationError(f"dialects={spec!r}: expected 'all', 'strict' or names of dialects")
    names = (spec,) if isinstance(spec, str) else tuple(spec)
    for name in names:
        if name not in DIALECTS:
            hint = did_you_mean(name, DIALECTS) or f"; there are {', '.join(DIALECTS)}"
            raise ConfigurationError(f"dialects={spec!r}: expected 'all', 'strict' or names of dialects{hint}")
    return frozenset(names)


def parse(
    text: str, *, dialects: str | Iterable[str] = "all", commands: bool = True, tools: Tools | None = None
) -> Reply:
    """Parse one reply of an agent; any string at all is taken, and nothing raises.

    Args:
        text: the reply.
        dialects: ``"all"``, ``"strict"`` (to the letter), or names of :data:`DIALECTS`; of the set that
            :func:`make_dialects` makes, too.
        commands: whether the engine takes commands; where it takes none, a plain text is the answer.
        tools: the tools of the env, so that their names and values are understood in any case.

    Example:
        >>> parse("<think>hm</think><answer>Paris</answer>").answer
        'Paris'
        >>> parse("go to desk 1").action
        'go to desk 1'
        >>> reply = parse('```json\\n{"name": "Add_memory", "parameters": {"content": "x"}}\\n```')
        >>> reply.tool_calls[0].arguments, reply.dialect
        ({'content': 'x'}, 'fence+keys+bare_json')
        >>> parse("<action>look</action><answer>42</answer>", dialects="strict").format_error
        'several_blocks'
    """
    allowed = dialects if isinstance(dialects, frozenset) else make_dialects(dialects)
    if len(text) > MAX_REPLY_CHARACTERS:
        return Reply(format_error="too_long", detail=f"{full_length(text)} characters")
    text = encodable(text)
    strict = read_strictly(text)
    if not allowed or text.isspace() or not text:
        return strict
    notes: set[str] = set()
    reply = _reread(text, strict, commands, tools, notes)
    if not notes <= allowed:
        reply, notes = strict, set()
    return fitted(replace(reply, dialect=_joined(notes)), tools, allowed)


def fitted(reply: Reply, tools: Tools | None, dialects: str | Iterable[str] = "all") -> Reply:
    """The reply with its calls as the tools' schemas have them, for a reply that came parsed."""
    allowed = dialects if isinstance(dialects, frozenset) else make_dialects(dialects)
    if tools is None or not reply.tool_calls:
        return reply
    fits = [tools.fit(call) for call in reply.tool_calls]
    notes = {name for _, needed in fits for name in needed}
    if not notes or not notes <= allowed:
        return reply
    return replace(
        reply,
        tool_calls=tuple(call for call, _ in fits),
        dialect=_joined(notes | set(filter(None, reply.dialect.split("+")))),
    )


def _reread(text: str, strict: Reply, commands: bool, tools: Tools | None, notes: set[str]) -> Reply:
    """The reply that `text` is in some dialect; what the letter makes of it where it is in none."""
    untagged = strict.action is not None and TAG.search(split_thought(text)[1]) is None
    if strict.format_error is None and (not untagged or (commands and _PLAIN_COMMAND.fullmatch(text))):
        return strict

    def known(name: str) -> bool:
        return tools is not None and tools.fit(ToolCall(name, {}))[0].name in tools

    try:
        reply = _read(text, commands, known if tools is not None else None, notes)
    except Malformed as malformed:
        notes.clear()
        if not untagged and malformed.error != "too_many_calls":
            return strict
        return Reply(think=strict.think, format_error=malformed.error, detail=malformed.detail)
    return reply


def _read(text: str, commands: bool, known: Known | None, notes: set[str]) -> Reply:
    if (channels := without_channels(text)) is not None:
        notes.add("harmony")
        text = channels
    kept = set(notes)
    if (reply := read_tagged(text, known, notes)) is not None:
        return reply
    notes.intersection_update(kept)
    return read_untagged(text, commands, known, notes)


def _joined(notes: Collection[str]) -> str:
    return "+".join(name for name in DIALECTS if name in notes)
