"""``mem0`` and ``mem0-graph``: the package mem0ai (1.0.11, the paper's Mem0 and Mem0g) behind a memory layer.

The package's own code decides what to write: two calls of a language model for what is new, and three more with a graph. Its
parts at the border are ours: any chat model, the env's encoder, and the env's long-term memory in the place of a vector store,
so that what it stores is counted, snapshot and judged like that of any other agent. Ids and times of the package stay inside,
and the date in its prompt is always the same one.

Needs the extra [mem0].
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from typing import Any

from agemem_gym.baselines.agents.counting import CountedModel
from agemem_gym.baselines.agents.language_model import LanguageModelAgent
from agemem_gym.baselines.agents.packages import import_at
from agemem_gym.chat import ChatModel, Sampling
from agemem_gym.checks import at_least
from agemem_gym.context import Message
from agemem_gym.layer import LayerWork
from agemem_gym.memory import Encoder, Memory, MemoryStore, UnknownMemoryError, make_encoder

VERSION = "1.0"
_USER = "user"
_GRAPH_BYTES = 2**30  # kuzu's own 2**43 of address space a graph are too many for twenty live episodes
_SAID = ("talk", "distractor", "observation", "reply")
_DATE = re.compile(r"Today's date is \d{4}-\d\d-\d\d")


class Mem0Agent(LanguageModelAgent):
    """A language model without tools; Mem0 writes after each reply and recalls before it.

    Args:
        model: as for :class:`.LanguageModelAgent`, which also is asked for what Mem0 writes.
        memory_tokens: the longest reply to Mem0 itself.
        kwargs: keywords of :class:`.LanguageModelAgent`; `top_k` is what Mem0 recalls.
    """

    envs_wait = True
    graph = False

    def __init__(self, model: Any, memory_tokens: int = 1024, **kwargs: Any) -> None:
        super().__init__(model, **kwargs)
        longest = at_least("memory_tokens", memory_tokens)
        layer = partial(Mem0Layer, self.model, top_k=self.top_k, graph=self.graph, max_tokens=longest)
        self.env_kwargs |= {"tools": [], "layer": layer}


class Mem0GraphAgent(Mem0Agent):
    """The same with a graph of entities and relations beside it (kuzu, in memory)."""

    graph = True


class Mem0Layer:
    """Mem0 as a :class:`~agemem_gym.layer.MemoryLayer`.

    Args:
        model: writes down facts and decides on updates.
        top_k: entries that are recalled; with a graph, entries and relations by turns.
        graph: keep a graph, too.
        max_tokens: the longest reply of the model.
    """

    def __init__(self, model: ChatModel, *, top_k: int = 3, graph: bool = False, max_tokens: int = 1024) -> None:
        self.name = "mem0-graph" if graph else "mem0"
        self._top_k, self._graph = top_k, graph
        self._model = CountedModel(model, Sampling(max_tokens=max_tokens))
        self._mem0: Any = None

    def begin(self, memory: Memory, keep: bool) -> None:
        """Mem0 begins anew, unless memory is kept."""
        self._model.begin()
        if not (keep and self._mem0 is not None and self._mem0.vector_store.memory is memory):
            self._mem0 = _make(self._model, memory, self._graph)

    def write(self, messages: Sequence[Message]) -> LayerWork:
        """``Memory.add``: facts are drawn out of what was said, and added, or put in the place of others."""
        said = [
            {"role": "assistant" if message.role == "assistant" else "user", "content": message.content}
            for message in messages
            if message.kind in _SAID
        ]
        if not any(message["role"] == "user" for message in said):
            return LayerWork()
        found = self._model.attempt(lambda: self._mem0.add(said, user_id=_USER))
        return self._model.take(entries=len(found["results"]) if found else 0)

    def recall(self, messages: Sequence[Message]) -> LayerWork:
        """``Memory.search`` for what was said last."""
        asked = next((message for message in reversed(messages) if message.role == "user"), None)
        if asked is None or not len(self._mem0.vector_store.memory):
            return self._model.take()
        found = self._model.attempt(lambda: self._mem0.search(asked.content, user_id=_USER, limit=self._top_k))
        entries = [item["memory"] for item in found["results"]] if found else []
        relations = [" ".join(map(str, relation.values())) for relation in (found or {}).get("relations") or ()]
        lines = [line for pair in zip_longest(entries, relations) for line in pair if line is not None][: self._top_k]
        return self._model.take("\n".join(f"- {line}" for line in lines), entries=len(lines))


# ------------------------------------------------------------------------------------------- the package and its parts


def _make(model: CountedModel, memory: Memory, graph: bool) -> Any:
    """The package's Memory with our parts in it."""
    os.environ["MEM0_TELEMETRY"] = "False"
    os.environ.setdefault("MEM0_DIR", os.path.join(tempfile.gettempdir(), "agemem-gym-mem0"))
    mem0 = import_at("mem0", "mem0ai", VERSION, "mem0")
    import mem0.memory.telemetry as telemetry
    from mem0.configs.base import MemoryConfig
    from mem0.configs.prompts import USER_MEMORY_EXTRACTION_PROMPT
    from mem0.memory.storage import SQLiteManager

    telemetry.MEM0_TELEMETRY = False  # where somebody has imported the package before
    encoder = memory.encoder if isinstance(memory, MemoryStore) else make_encoder("minilm")
    made = object.__new__(mem0.Memory)  # its constructor takes parts by the names of providers alone
    made.config = MemoryConfig()
    made.custom_fact_extraction_prompt = _DATE.sub("Today's date is 2026-01-01", USER_MEMORY_EXTRACTION_PROMPT)
    made.custom_update_memory_prompt = None
    made.embedding_model, made.vector_store, made.llm = _Embedder(encoder), _Entries(memory), _Model(model)
    made.db = SQLiteManager(":memory:")
    made.collection_name, made.api_version, made.reranker = "agemem", made.config.version, None
    made.graph, made.enable_graph = (_make_graph(made), True) if graph else (None, False)
    return made


def _make_graph(made: Any) -> Any:
    kuzu = import_at("kuzu", "kuzu", "", "mem0")
    from mem0.memory.kuzu_memory import MemoryGraph

    graph = object.__new__(MemoryGraph)
    graph.config = made.config
    graph.embedding_model, graph.llm = made.embedding_model, made.llm
    graph.embedding_dims = made.embedding_model.dimensions
    graph.db = kuzu.Database(":memory:", max_db_size=_GRAPH_BYTES)
    graph.graph = kuzu.Connection(graph.db)
    graph.node_label, graph.rel_label = ":Entity", ":CONNECTED_TO"
    graph.llm_provider, graph.user_id, graph.threshold = "agemem", None, 0.7
    graph.kuzu_create_schema()
    return graph


class _Model:
    """Any chat model as Mem0 asks one."""

    def __init__(self, model: CountedModel) -> None:
        self._model = model

    def generate_response(
        self,
        messages: Sequence[Mapping[str, str]],
        response_format: Any = None,
        tools: Sequence[Mapping[str, Any]] | None = None,
        tool_choice: str = "auto",
    ) -> Any:
        """A text, or the calls of tools that are offered."""
        if not tools:
            return self._model.text(messages)
        calls = self._model.tool_calls(messages, tools)
        return {"content": "", "tool_calls": [{"name": c.name, "arguments": dict(c.arguments)} for c in calls]}


class _Embedder:
    """The env's encoder as Mem0 asks one."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.dimensions = encoder.dimension

    def embed(self, text: str, memory_action: str | None = None) -> list[float]:
        """The vector of a text."""
        return [float(value) for value in self._encoder.encode([text])[0]]


@dataclass
class _Item:
    """An entry as Mem0 knows it: its own id, and what belongs to it there."""

    id: str
    payload: dict[str, Any]
    score: float | None = None


@dataclass
class _Entries:
    """The env's memory as Mem0's vector store. It encodes by itself; the vectors that it is given are the same ones."""

    memory: Memory
    payloads: dict[str, dict[str, Any]] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    def insert(self, vectors: Any, payloads: Sequence[dict[str, Any]], ids: Sequence[str]) -> None:
        """Add entries."""
        for own, payload in zip(ids, payloads, strict=True):
            self.ids[own] = self.memory.add(payload["data"]).id
            self.payloads[own] = dict(payload)

    def search(self, query: str, vectors: Any, limit: int = 5, filters: Any = None) -> list[_Item]:
        """The nearest entries; their score is the cosine similarity."""
        own = {ours: theirs for theirs, ours in self.ids.items()}
        found = self.memory.search(query, limit)
        return [_Item(own[m.record.id], self.payloads[own[m.record.id]], m.score) for m in found if m.record.id in own]

    def get(self, vector_id: str) -> _Item | None:
        """One entry."""
        return _Item(vector_id, self.payloads[vector_id]) if vector_id in self.payloads else None

    def update(self, vector_id: str, vector: Any = None, payload: dict[str, Any] | None = None) -> None:
        """Change an entry."""
        if payload is not None and vector_id in self.ids:
            changed = payload["data"] != self.payloads[vector_id]["data"]
            self.payloads[vector_id] = dict(payload)
            if changed:
                self.memory.update(self.ids[vector_id], payload["data"])

    def delete(self, vector_id: str) -> None:
        """Remove an entry."""
        self.payloads.pop(vector_id, None)
        try:
            self.memory.delete(self.ids.pop(vector_id, ""))
        except UnknownMemoryError:
            return

    def list(self, filters: Any = None, limit: int | None = None) -> Any:
        """All entries."""
        return [[_Item(own, payload) for own, payload in list(self.payloads.items())[:limit]]]
