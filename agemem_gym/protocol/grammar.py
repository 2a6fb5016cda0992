"""The reply grammar to the letter: what the system prompt asks for, and why a reply is not it."""

from __future__ import annotations

import re

from agemem_gym.protocol.calls import calls_of, load_json
from agemem_gym.protocol.reply import Malformed, Reply, encodable, read_thought

BLOCKS = ("tool_call", "answer", "action")
TAG = re.compile(r"<(/?)(think|tool_call|answer|action)>")
_THINK = re.compile(r"\s*<think>(.*?)</think>", re.DOTALL)
_BLOCK = re.compile(r"\s*<(tool_call|answer|action)>(.*)</\1>\s*", re.DOTALL)


def split_thought(text: str) -> tuple[str | None, str]:
    """The thought that a reply begins with, if it does, and the rest."""
    found = _THINK.match(text)
    return (read_thought(found[1]), text[found.end() :]) if found else (None, text)


def read_strictly(text: str) -> Reply:
    """The reply that `text` is to the letter; text without any tag is a command."""
    think, rest = split_thought(encodable(text))
    try:
        return _read_block(rest, think)
    except Malformed as malformed:
        return Reply(think=think, format_error=malformed.error, detail=malformed.detail)


def _read_block(text: str, think: str | None) -> Reply:
    if not text.strip():
        raise Malformed("empty_reply" if think is None else "nothing_after_think")
    if TAG.search(text) is None:
        return Reply(think=think, action=text.strip())
    block = _BLOCK.fullmatch(text)
    if block is None:
        raise _explain(text)
    name, content = block[1], block[2].strip()
    if name == "tool_call" and content:
        return Reply(think=think, tool_calls=calls_of(_json_of_block(text, content)))
    if TAG.search(content):
        raise _explain(text)
    if not content:
        raise Malformed("empty_block", f"<{name}>")
    return Reply(think=think, answer=content) if name == "answer" else Reply(think=think, action=content)


def _json_of_block(text: str, content: str) -> object:
    """The JSON of a block; tags in its strings are no tags, and any others say best what is wrong with it."""
    try:
        return load_json(content)
    except Malformed:
        if TAG.search(content):
            raise _explain(text) from None
        raise


def _explain(text: str) -> Malformed:
    """Why tagged text is not one block."""
    opened = [tag[2] for tag in TAG.finditer(text) if not tag[1]]
    closed = [tag[2] for tag in TAG.finditer(text) if tag[1]]
    if sorted(opened) != sorted(closed):
        unpaired = next(name for name in ("think", *BLOCKS) if opened.count(name) != closed.count(name))
        return Malformed(
            "unclosed_tag", f"<{unpaired}>: {opened.count(unpaired)} opened, {closed.count(unpaired)} closed"
        )
    if len(opened) > 1:
        return Malformed("several_blocks", "found " + ", ".join(f"<{name}>" for name in opened))
    if opened == ["think"]:
        return Malformed("nothing_after_think" if text.rstrip().endswith("</think>") else "text_outside_tags")
    if text.index(f"</{opened[0]}>") < text.index(f"<{opened[0]}>"):
        return Malformed("unclosed_tag", f"</{opened[0]}> stands before <{opened[0]}>")
    return Malformed("text_outside_tags")
