"""The language model behind a memory layer, counted: calls, tokens, failures; and asked with tools even where it knows none."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from agemem_gym.baselines.agents.native import takes_tools
from agemem_gym.chat import ChatError, ChatModel, Completion, Sampling
from agemem_gym.chat.turns import TemplateRules, turns
from agemem_gym.errors import ConfigurationError, MissingDependencyError
from agemem_gym.layer import LayerWork
from agemem_gym.memory import MemoryBackendError
from agemem_gym.protocol import ToolCall, parse

_log = logging.getLogger(__name__)
_RULES = TemplateRules(system="merge", alternate=True, tool_role="user")
_RANDOM_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}(?![0-9a-f])")
_NAMED_ID = re.compile(r"\bid\d+\b")
_NAMED_IDS = re.compile(r"'id\d+'(?:, 'id\d+')+")
_TOOLS = (
    "You can call these tools:\n{tools}\nReply with one block "
    '<tool_call>[{{"name": "…", "arguments": {{…}}}}, …]</tool_call> and nothing else.'
)


class CountedModel:
    """A chat model that counts, and is asked the same in every run.

    Packages mark entries and sessions with random ids and show them to their model; here they are ``id1``, ``id2``, … in the
    order in which they appear, and themselves again in the reply.

    Args:
        model: whose calls are counted.
        sampling: how its replies are drawn.

    Attributes:
        calls, failures, prompt_tokens, completion_tokens, cost: since :meth:`take`; the last three where the model tells.
    """

    def __init__(self, model: ChatModel, sampling: Sampling) -> None:
        self._model, self._sampling = model, sampling
        self._one_at_a_time = threading.Lock()
        self._ids: dict[str, str] = {}
        self.calls = self.failures = self.prompt_tokens = self.completion_tokens = 0
        self.cost = 0.0

    @property
    def name(self) -> str:
        """The model's."""
        return self._model.name

    def text(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """The text of a reply.

        Raises:
            ChatError: there is none.
        """
        return self._complete(messages).text

    def tool_calls(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> list[ToolCall]:
        """The calls of a reply: native ones, or what its text writes in one of the dialects that the env reads.

        Raises:
            ChatError: there is no reply.
        """
        told = _TOOLS.format(
            tools="\n".join(json.dumps(tool.get("function", tool), ensure_ascii=False) for tool in tools)
        )
        given = tools if takes_tools(self._model) else None
        completion = self._complete([{"role": "system", "content": told}, *messages], given)
        native = [f"<tool_call>{json.dumps(call)}</tool_call>" for call in completion.tool_calls]
        return [call for text in (native or [completion.text]) for call in parse(text).tool_calls]

    def begin(self) -> None:
        """A new episode: no id has been seen, nothing counted."""
        self._ids = {}
        self.take()

    def take(self, text: str = "", entries: int = 0) -> LayerWork:
        """What was counted, as the work of a layer; counting begins anew."""
        counted = self.calls, self.prompt_tokens, self.completion_tokens, self.failures, self.cost
        work = LayerWork(text, entries, *counted)
        self.calls = self.failures = self.prompt_tokens = self.completion_tokens = 0
        self.cost = 0.0
        return work

    def attempt(self, work: Callable[[], Any]) -> Any:
        """The result of what asks this model; None where it failed, which is counted: no episode is lost by it.

        A package may raise anything at a reply that it does not understand; only what a user has to mend is raised on.
        """
        failures = self.failures
        try:
            return work()
        except (ConfigurationError, MissingDependencyError, MemoryBackendError):
            raise
        except Exception as error:
            self.failures = max(self.failures, failures + 1)
            _log.info("a memory layer goes on without a call that failed: %s: %s", type(error).__name__, error)
            return None

    def _complete(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] | None = None
    ) -> Completion:
        with self._one_at_a_time:  # a package may ask from several threads
            self.calls += 1
            try:
                asked = self._named_alike(turns(messages, _RULES))
                (completion,) = self._model.complete([asked], self._sampling, tools)
            except ChatError:
                self.failures += 1
                raise
        self.prompt_tokens += completion.prompt_tokens or 0
        self.completion_tokens += completion.completion_tokens or 0
        self.cost += completion.cost or 0.0
        return replace(completion, text=self._as_they_were(completion.text))

    def _named_alike(self, chat: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The messages with names in the place of random ids; sets of ids, which tools list in any order, are sorted.

        The conversation comes before the tools here: it names the ids in one order.
        """
        named = [{**message, "content": self._named(message["content"])} for message in reversed(chat)]
        return [{**message, "content": _NAMED_IDS.sub(_sorted, message["content"])} for message in reversed(named)]

    def _named(self, text: str) -> str:
        return _RANDOM_ID.sub(lambda match: self._ids.setdefault(match[0], f"id{len(self._ids) + 1}"), text)

    def _as_they_were(self, text: str) -> str:
        known = {name: found for found, name in self._ids.items()}
        return _NAMED_ID.sub(lambda match: known.get(match[0], match[0]), text)


def _sorted(match: re.Match[str]) -> str:
    return ", ".join(sorted(match[0].split(", "), key=lambda name: int(name.strip("'").removeprefix("id"))))
