"""``langmem``: the package langmem (0.0.30) behind a memory layer.

Its store manager extracts memories from what was said, with tool calls of any chat model, into LangGraph's ``BaseStore``, which
is the env's own long-term memory here; its short-term part writes the running summary of a conversation that grows long.

Needs the extra [langmem].
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from agemem_gym.baselines.agents.counting import CountedModel
from agemem_gym.baselines.agents.language_model import LanguageModelAgent
from agemem_gym.baselines.agents.packages import import_at
from agemem_gym.chat import ChatModel, Sampling
from agemem_gym.checks import at_least
from agemem_gym.context import Message
from agemem_gym.layer import LayerWork
from agemem_gym.memory import Memory

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langgraph.store.base import BaseStore

VERSION = "0.0.30"
_KINDS = ("talk", "distractor", "observation", "reply")
_NAMESPACE = ("memories",)
_THEN = datetime(2026, 1, 1, tzinfo=UTC)  # entries have no wall clock


class LangMemAgent(LanguageModelAgent):
    """A language model without tools; LangMem's manager writes after each reply and recalls before it.

    Args:
        model: as for :class:`.LanguageModelAgent`.
        summary_from: tokens of conversation from which on LangMem sums it up.
        memory_tokens: the longest reply to LangMem itself.
        kwargs: keywords of :class:`.LanguageModelAgent`.
    """

    envs_wait = True

    def __init__(self, model: Any, summary_from: int = 2048, memory_tokens: int = 1024, **kwargs: Any) -> None:
        super().__init__(model, **kwargs)
        longest = at_least("memory_tokens", memory_tokens)
        layer = partial(LangMemLayer, self.model, top_k=self.top_k, summary_from=summary_from, max_tokens=longest)
        self.env_kwargs |= {"tools": [], "layer": layer}


class LangMemLayer:
    """LangMem as a :class:`~agemem_gym.layer.MemoryLayer`.

    Args:
        model: extracts memories and sums up.
        top_k: entries that are recalled.
        summary_from: tokens of conversation from which on it is summed up.
        max_tokens: the longest reply of the model.
    """

    name = "langmem"

    def __init__(self, model: ChatModel, *, top_k: int = 3, summary_from: int = 2048, max_tokens: int = 1024) -> None:
        self._top_k, self._summary_from = top_k, summary_from
        self._model = CountedModel(model, Sampling(max_tokens=max_tokens))

    def begin(self, memory: Memory, keep: bool) -> None:
        """The manager works on this memory."""
        import_at("langmem", "langmem", VERSION, "langmem")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own parts, on each other's names
            from langmem import create_memory_store_manager

        self._model.begin()
        self._memory = memory
        self._chat = _langchain(self._model)
        self._manager = create_memory_store_manager(
            self._chat, namespace=_NAMESPACE, store=_store(memory), enable_deletes=True, query_limit=5
        )
        self._said: list[Any] = []
        self._summary: Any = None

    def write(self, messages: Sequence[Message]) -> LayerWork:
        """What was said goes to the manager, which adds, changes and removes memories."""
        said = [(m.role, m.content) for m in messages if m.kind in _KINDS and m.content.strip()]
        if not said:
            return LayerWork()
        self._note(said)
        if not any(role != "assistant" for role, _ in said):
            return LayerWork()
        chat = [{"role": "assistant" if role == "assistant" else "user", "content": text} for role, text in said]
        written = self._model.attempt(lambda: self._manager.invoke({"messages": chat, "max_steps": 1}))
        return self._model.take(entries=len(written or ()))

    def recall(self, messages: Sequence[Message]) -> LayerWork:
        """The running summary, if there is one, and the entries nearest to what was said last."""
        asked = next((message for message in reversed(messages) if message.role == "user"), None)
        found = self._memory.search(asked.content, self._top_k) if asked and len(self._memory) else []
        self._model.attempt(self._sum_up)
        lines = [f"- {match.record.content}" for match in found]
        if self._summary is not None:
            lines.insert(0, f"So far: {self._summary.summary}")
        return self._model.take("\n".join(lines), entries=len(found))

    def _note(self, said: Sequence[tuple[str, str]]) -> None:
        from langchain_core.messages import AIMessage, HumanMessage

        for role, text in said:
            kind = AIMessage if role == "assistant" else HumanMessage
            self._said.append(kind(content=text, id=str(len(self._said))))

    def _sum_up(self) -> None:
        from langchain_core.messages.utils import count_tokens_approximately
        from langmem.short_term import summarize_messages

        if count_tokens_approximately(self._said) < self._summary_from:
            return
        result = summarize_messages(
            self._said,
            running_summary=self._summary,
            model=self._chat,
            max_tokens=self._summary_from,
            max_summary_tokens=min(256, self._summary_from // 2),
            token_counter=count_tokens_approximately,
        )
        self._summary = result.running_summary


def _langchain(model: CountedModel) -> BaseChatModel:
    """Any chat model as LangChain asks one."""
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage, BaseMessage
    from langchain_core.messages.utils import convert_to_openai_messages
    from langchain_core.outputs import ChatGeneration, ChatResult
    from langchain_core.utils.function_calling import convert_to_openai_tool

    class Asked(BaseChatModel):
        """Asks the counted model."""

        @property
        def _llm_type(self) -> str:
            return "agemem-gym"

        def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
            return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools])

        def _generate(
            self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
        ) -> Any:
            asked = [
                {"role": message["role"], "content": str(message.get("content") or "")}
                for message in convert_to_openai_messages(messages)
            ]
            if kwargs.get("tools"):
                calls = model.tool_calls(asked, kwargs["tools"])
                made = [{"name": c.name, "args": dict(c.arguments), "id": f"call{n}"} for n, c in enumerate(calls)]
                reply = AIMessage(content="", tool_calls=made)
            else:
                reply = AIMessage(content=model.text(asked))
            return ChatResult(generations=[ChatGeneration(message=reply)])

    return Asked()


def _store(memory: Memory) -> BaseStore:
    """The env's memory as LangGraph's store."""
    from langgraph.store.base import BaseStore, GetOp, Item, ListNamespacesOp, PutOp, SearchItem, SearchOp

    class Entries(BaseStore):
        """Keys are the store's, entries the memory's."""

        supports_ttl = False

        def __init__(self) -> None:
            self._values: dict[str, dict[str, Any]] = {}
            self._ids: dict[str, str] = {}

        def batch(self, ops: Iterable[Any]) -> list[Any]:
            return [self._carry_out(op) for op in ops]

        async def abatch(self, ops: Iterable[Any]) -> list[Any]:
            return self.batch(ops)

        def _carry_out(self, op: Any) -> Any:
            if isinstance(op, GetOp):
                value = self._values.get(op.key)
                return None if value is None else Item(**self._shown(op.key))
            if isinstance(op, SearchOp):
                return self._search(op.query, op.limit)
            if isinstance(op, PutOp):
                return self._put(op.key, op.value)
            if isinstance(op, ListNamespacesOp):
                return [_NAMESPACE] if self._values else []
            raise TypeError(f"no operation of a store: {op!r:.100}")

        def _shown(self, key: str) -> dict[str, Any]:
            times = {"created_at": _THEN, "updated_at": _THEN}
            return {"value": self._values[key], "key": key, "namespace": _NAMESPACE, **times}

        def _search(self, query: str | None, limit: int) -> list[Any]:
            keys = {ours: key for key, ours in self._ids.items()}
            if not query:
                return [SearchItem(**self._shown(key), score=None) for key in list(self._values)[:limit]]
            found = [(keys.get(match.record.id), match.score) for match in memory.search(query, limit)]
            return [SearchItem(**self._shown(key), score=score) for key, score in found if key is not None]

        def _put(self, key: str, value: dict[str, Any] | None) -> None:
            if value is None:
                self._values.pop(key, None)
                if key in self._ids:
                    memory.delete(self._ids.pop(key))
            elif key in self._ids:
                self._values[key] = value
                memory.update(self._ids[key], _written(value))
            else:
                self._values[key] = value
                self._ids[key] = memory.add(_written(value)).id

    return Entries()


def _written(value: dict[str, Any]) -> str:
    """What an entry says."""
    content = value.get("content", value)
    return str(content["content"]) if isinstance(content, dict) and "content" in content else str(content)
