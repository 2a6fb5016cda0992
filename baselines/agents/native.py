"""Native tool calls: an endpoint is given the env's tools as functions, and its calls become replies of the protocol.

::

    info["tools"], the context ─► endpoint ─► tool calls ─► reply text ─► env.step ─► results under their calls' ids ─► endpoint

The record holds the replies as text, like those of any agent, so that it is replayed and trained on like any other; the ids,
which an endpoint draws as it likes, stay here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from agemem_gym.chat import CallableModel, ChatModel, Completion
from agemem_gym.chat.local.model import LocalModel
from agemem_gym.errors import ConfigurationError
from agemem_gym.protocol import call_reply, parse

_THOUGHT_TAG = re.compile(r"</?think>")
_LONGEST = 2000  # characters of what could not be read that an agent is shown again


def takes_tools(model: ChatModel) -> bool:
    """Whether a model can be given tools: one that is run here, or a function, is told of them in its prompt."""
    return not isinstance(model, LocalModel | CallableModel)


def check_native(model: ChatModel) -> None:
    """Refuse models that take no tools.

    Raises:
        ConfigurationError: it is run here, or a function.
    """
    if not takes_tools(model):
        raise ConfigurationError(
            f"native_tools=True: {model.name} is given no tools; it goes with an endpoint, or a ChatModel that takes tools"
        )


def reply_of(completion: Completion) -> str:
    """The text of a completion; native calls as the protocol writes them, and what was said beside them as the thought.

    Every call is answered by the env: one whose arguments cannot be read stands there without them, and the env says what is
    wrong with it while the others are carried out.
    """
    if not completion.tool_calls:
        return completion.text
    calls = [_written(call) for call in completion.tool_calls]
    return call_reply(*calls, think=_THOUGHT_TAG.sub("", completion.text).strip() or None)


def _written(call: Mapping[str, Any]) -> tuple[str, Any]:
    """Name and arguments of one call; arguments with a small fault stay a text, which the env's dialects mend."""
    function = call.get("function")
    function = function if isinstance(function, Mapping) else {}
    name = function.get("name")
    name = name if isinstance(name, str) else ""
    given = function.get("arguments")
    if isinstance(given, Mapping):
        return name, dict(given)
    text = given if isinstance(given, str) else json.dumps(given or {})
    read = parse(f"<tool_call>{json.dumps([{'name': 'any', 'arguments': text.strip() or '{}'}])}</tool_call>")
    if read.format_error is not None:
        return name, {"arguments_that_are_no_JSON_object": text[:_LONGEST]}
    return name, text if read.dialect else read.tool_calls[0].arguments


class CallIds:
    """Under which ids the calls of each live episode came; episodes are told apart by number."""

    def __init__(self) -> None:
        self._sent: dict[int, tuple[str, tuple[str, ...]]] = {}
        self._known: dict[int, dict[int, tuple[str, ...]]] = {}

    def begin(self, number: int) -> None:
        """A new episode: none has come."""
        self._sent.pop(number, None)
        self._known[number] = {}

    def note(self, number: int, reply: str, calls: Sequence[Mapping[str, Any]]) -> None:
        """These calls came in this reply; ids that are missing, or not the first of their kind, are no ids."""
        ids = [call.get("id") for call in calls]
        used = {one for known in self._known.get(number, {}).values() for one in known}
        if len({*ids}) == len(ids) and all(isinstance(one, str) and one and one not in used for one in ids):
            self._sent[number] = reply, tuple(map(str, ids))

    def put_into(self, number: int, messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The messages with ``"call_ids"`` where they are known; what no call brought about is said by the user.

        Args:
            number: of the episode.
            messages: ``{"id", "kind", "role", "content"}`` each.
        """
        known = self._known.setdefault(number, {})
        reply, ids = self._sent.pop(number, ("", ()))
        newest = max((m for m in messages if m["kind"] == "reply"), key=lambda m: int(m["id"]), default=None)
        if newest is not None and ids and newest["content"] == reply:
            known[newest["id"]] = ids
        return [
            {
                "role": "user" if m["role"] == "tool" and m["kind"] != "tool_result" else m["role"],
                "content": m["content"],
            }
            | ({"call_ids": known[m["id"]]} if m["id"] in known else {})
            for m in messages
        ]
