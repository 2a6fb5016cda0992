"""``a-mem``: A-Mem (Xu et al., arXiv:2502.12110), the algorithm of its paper on the env's own long-term memory.

A *note* is what was said, with keywords, tags and a context that a language model writes (note construction). It is compared
with the notes nearest to it, and the model says which are linked to it (link generation) and how their tags and contexts
change in its light (memory evolution). What is recalled are the nearest notes and those linked to them, at most `top_k`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from json_repair import repair_json

from agemem_gym.baselines.agents.counting import CountedModel
from agemem_gym.baselines.agents.language_model import LanguageModelAgent
from agemem_gym.chat import ChatModel, Sampling
from agemem_gym.checks import at_least
from agemem_gym.context import Message
from agemem_gym.layer import LayerWork
from agemem_gym.memory import Memory

_KINDS = ("talk", "distractor", "observation")
_NEIGHBOURS = 5
_CONSTRUCT = """\
Describe this message so that it can be found again. Reply with JSON and nothing else:
{{"keywords": ["…", "…"], "context": "one sentence on what it is about", "tags": ["…", "…"]}}

Message: {content}"""
_EVOLVE = """\
A new note was written, and these are the notes nearest to it. Say which of them belong together with it, and how the context
and the tags of those change in its light. Reply with JSON and nothing else:
{{"links": [numbers of notes], "evolved": [{{"note": number, "context": "…", "tags": ["…"]}}]}}

New note: {note}

{neighbours}"""


class AMemAgent(LanguageModelAgent):
    """A language model without tools; A-Mem writes after each reply and recalls before it.

    Args:
        model: as for :class:`.LanguageModelAgent`, which also is asked for notes.
        memory_tokens: the longest reply about a note.
        kwargs: keywords of :class:`.LanguageModelAgent`.
    """

    envs_wait = True

    def __init__(self, model: Any, memory_tokens: int = 512, **kwargs: Any) -> None:
        super().__init__(model, **kwargs)
        longest = at_least("memory_tokens", memory_tokens)
        layer = partial(AMemLayer, self.model, top_k=self.top_k, max_tokens=longest)
        self.env_kwargs |= {"tools": [], "layer": layer}


@dataclass(frozen=True)
class Note:
    """A note.

    Attributes:
        content: what was said.
        context: what it is about, in a sentence.
        keywords, tags: what it may be found by.
        links: ids of notes that belong to it.
    """

    content: str
    context: str = ""
    keywords: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    links: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """As it stands in memory, and is encoded: everything that it can be found by (A-Mem, eq. 3)."""
        beside = [self.context, ", ".join(self.keywords), ", ".join(self.tags)]
        described = "; ".join(part for part in beside if part)
        return f"{self.content} [{described}]" if described else self.content

    def metadata(self) -> dict[str, Any]:
        """As metadata of its entry."""
        return {
            "content": self.content,
            "context": self.context,
            "keywords": list(self.keywords),
            "tags": list(self.tags),
            "links": list(self.links),
        }

    @classmethod
    def of(cls, metadata: Mapping[str, Any], text: str) -> Note:
        """The note of an entry; one that was written otherwise is its text."""
        lists = {name: tuple(map(str, metadata.get(name) or ())) for name in ("keywords", "tags", "links")}
        return cls(str(metadata.get("content") or text), str(metadata.get("context") or ""), **lists)


class AMemLayer:
    """A-Mem as a :class:`~agemem_gym.layer.MemoryLayer`.

    Args:
        model: constructs notes and lets them evolve: two calls a note.
        top_k: notes that are recalled.
        max_tokens: the longest reply of the model.
    """

    name = "a-mem"

    def __init__(self, model: ChatModel, *, top_k: int = 3, max_tokens: int = 512) -> None:
        self._top_k = top_k
        self._model = CountedModel(model, Sampling(max_tokens=max_tokens))

    def begin(self, memory: Memory, keep: bool) -> None:
        """Notes stand in this memory."""
        self._model.begin()
        self._memory = memory

    def write(self, messages: Sequence[Message]) -> LayerWork:
        """One note a message."""
        said = [message.content for message in messages if message.kind in _KINDS and message.content.strip()]
        for content in said:
            self._add(content)
        return self._model.take(entries=len(said))

    def recall(self, messages: Sequence[Message]) -> LayerWork:
        """The notes nearest to what was said last, each followed by those linked to it."""
        asked = next((message for message in reversed(messages) if message.role == "user"), None)
        if asked is None or not len(self._memory):
            return LayerWork()
        notes = {record.id: Note.of(record.metadata, record.content) for record in self._memory}
        ids: list[str] = []
        for match in self._memory.search(asked.content, self._top_k):
            ids += [match.record.id, *(link for link in notes[match.record.id].links if link in notes)]
        chosen = list(dict.fromkeys(ids))[: self._top_k]
        return LayerWork("\n".join(f"- {notes[note_id].text}" for note_id in chosen), entries=len(chosen))

    def _add(self, content: str) -> None:
        """Note construction, link generation, evolution."""
        described = self._ask(_CONSTRUCT.format(content=content))
        note = Note(content, _text(described, "context"), _texts(described, "keywords"), _texts(described, "tags"))
        near = self._memory.search(note.text, _NEIGHBOURS) if len(self._memory) else []
        record = self._memory.add(note.text, note.metadata())
        if not near:
            return
        neighbours = [match.record for match in near]
        shown = "\n".join(f"Note {number}: {entry.content}" for number, entry in enumerate(neighbours, start=1))
        said = self._ask(_EVOLVE.format(note=note.text, neighbours=shown))
        linked = [neighbours[number - 1].id for number in _numbers(said.get("links"), len(neighbours))]
        if linked:
            self._write(record.id, Note(note.content, note.context, note.keywords, note.tags, tuple(linked)))
        for change in said.get("evolved") or ():
            for number in _numbers([change.get("note")] if isinstance(change, Mapping) else (), len(neighbours)):
                old = Note.of(neighbours[number - 1].metadata, neighbours[number - 1].content)
                context, tags = _text(change, "context") or old.context, _texts(change, "tags") or old.tags
                self._write(neighbours[number - 1].id, Note(old.content, context, old.keywords, tags, old.links))

    def _write(self, note_id: str, note: Note) -> None:
        self._memory.update(note_id, note.text, note.metadata())

    def _ask(self, prompt: str) -> Mapping[str, Any]:
        """The JSON object of a reply; an empty one where there is none, which counts as a failure."""
        reply = self._model.attempt(lambda: self._model.text([{"role": "user", "content": prompt}]))
        if reply is None:
            return {}
        found = json.loads(repair_json(reply[max(0, reply.find("{")) :]) or "null")
        if isinstance(found, Mapping):
            return found
        self._model.failures += 1
        return {}


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    return value.strip() if isinstance(value, str) else ""


def _texts(found: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = found.get(name)
    return (
        tuple(text.strip() for text in value if isinstance(text, str) and text.strip())
        if isinstance(value, list)
        else ()
    )


def _numbers(values: Any, most: int) -> list[int]:
    """Those that are numbers of notes."""
    found = values if isinstance(values, list | tuple) else ()
    return [
        number for number in found if isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= most
    ]
