"""Replies written beforehand: agents that understand nothing, and what they may earn all the same.

A template is a short list of parts, each a tool call that is sent in one stage, at its first message or at every one, and at
last an answer or a few moves. At most it *copies* what was said, as ``{message}``, or the task, as ``{query}``; it reads
neither::

    no-op farmer    add "x" · update m1 "x" · filter "x" | answer "unknown"
    clerk           at every message: add {message} | filter {message} | retrieve {query} · answer "unknown"

A return that such an agent earns is one that a policy under training will find (``benchmarks/reward_audit.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from agemem_gym.baselines.staged import PerfectMemoryAgent
from agemem_gym.protocol import call_reply

_NOTED = "<answer>Noted.</answer>"
_GIVE_UP = "unknown"
_MOST_ENTRIES = 20
_LONGEST = 6

When = Literal["hear", "first", "disregard", "solve", "end"]
"""At every message of stage 1, at the first one, at every message of stage 2, in stage 3, and with what the task is ended."""


@dataclass(frozen=True)
class Part:
    """One part of a template.

    Attributes:
        when: see :data:`When`.
        verb: a tool's name, ``"answer"``, or ``"act"``.
        arguments: of the tool, with ``{message}`` and ``{query}`` in its texts; of an answer its ``text``, of ``act`` how many
            ``moves`` are drawn among the admissible ones before it gives up.
    """

    when: When
    verb: str
    arguments: Mapping[str, Any]

    def __str__(self) -> str:
        said = " ".join(f"{value!r}" if isinstance(value, str) else str(value) for value in self.arguments.values())
        return f"{self.when}: {self.verb.partition('_')[0].upper()} {said}"


def _add(when: When, content: str) -> Part:
    return Part(when, "Add_memory", {"content": content})


def _update(when: When, content: str) -> Part:
    return Part(when, "Update_memory", {"memory_id": "m1", "content": content})


def _delete(when: When, memory_id: str = "m1") -> Part:
    return Part(when, "Delete_memory", {"memory_id": memory_id, "confirmation": True})


def _filter(when: When, criteria: str) -> Part:
    return Part(when, "Filter_context", {"criteria": criteria})


def _summary(when: When) -> Part:
    return Part(when, "Summary_context", {"span": "all"})


def _retrieve(when: When, query: str, top_k: int = 3) -> Part:
    return Part(when, "Retrieve_memory", {"query": query, "top_k": top_k})


def _answer(text: str) -> Part:
    return Part("end", "answer", {"text": text})


_DELETE_ALL = tuple(_delete("solve", f"m{number}") for number in range(1, _MOST_ENTRIES + 1))
_CLERK = (_add("hear", "{message}"), _filter("disregard", "{message}"), _retrieve("solve", "{query}", _MOST_ENTRIES))

TEMPLATES: Mapping[str, tuple[Part, ...]] = {
    "answer-at-once": (_answer("yes"),),
    "give-up": (_answer(_GIVE_UP),),
    "no-op farmer": (_add("first", "x"), _update("first", "x"), _filter("first", "x")),
    "no-op farmer, always": (_add("hear", "x"), _update("hear", "x"), _filter("hear", "x"), _filter("solve", "x")),
    "first message only": (
        _add("first", "{message}"),
        _update("first", "{message}"),
        _filter("first", "{message}"),
        _retrieve("solve", "{query}"),
    ),
    "retrieve only": (_retrieve("solve", "{query}", _MOST_ENTRIES),),
    "filter everything": (
        _filter("hear", "{message}"),
        _filter("disregard", "{message}"),
        _filter("solve", "{query}"),
    ),
    "summary spammer": (_summary("hear"), _summary("disregard"), _summary("solve")),
    "copier of distractors": (_add("disregard", "{message}"), _retrieve("solve", "{query}", _MOST_ENTRIES)),
    "delete all": (_add("hear", "{message}"), _retrieve("solve", "{query}", _MOST_ENTRIES), *_DELETE_ALL),
    "overwriter": (
        _add("first", "{message}"),
        _update("hear", "{message}"),
        _filter("disregard", "{message}"),
        _retrieve("solve", "{query}"),
    ),
    "clerk": _CLERK,
    "clerk that wipes": (*_CLERK, _filter("solve", "{query}"), _summary("solve")),
    "clerk that acts at random": (*_CLERK, Part("end", "act", {"moves": 8})),
}
"""Degenerate policies by name; without an end of their own they answer "unknown"."""

VOCABULARY: tuple[Part, ...] = (
    *(_add(when, text) for when in ("hear", "first", "disregard") for text in ("x", "{message}")),  # type: ignore[arg-type]
    *(_update(when, text) for when in ("hear", "first", "disregard") for text in ("x", "{message}")),  # type: ignore[arg-type]
    *(_update("solve", text) for text in ("x", "{query}")),
    *(_delete(when) for when in ("hear", "disregard", "solve")),  # type: ignore[arg-type]
    *(_filter(when, text) for when in ("hear", "disregard") for text in ("x", "{message}")),  # type: ignore[arg-type]
    *(_filter("solve", text) for text in ("x", "{query}")),
    *(_summary(when) for when in ("hear", "disregard", "solve")),  # type: ignore[arg-type]
    *(_retrieve("solve", query, top_k) for query in ("x", "{query}") for top_k in (1, 3, _MOST_ENTRIES)),
    *(_answer(text) for text in ("yes", "no", _GIVE_UP)),
)
"""What a template drawn at random is made of."""


def random_templates(rng: np.random.Generator, count: int, longest: int = _LONGEST) -> list[tuple[Part, ...]]:
    """So many different templates of one to `longest` parts."""
    found: dict[tuple[str, ...], tuple[Part, ...]] = {}
    while len(found) < count:
        picked = rng.integers(len(VOCABULARY), size=int(rng.integers(1, longest + 1)))
        parts = tuple(VOCABULARY[int(number)] for number in picked)
        found.setdefault(tuple(map(str, parts)), parts)
    return list(found.values())


class TemplateAgent:
    """Sends the parts of a template.

    Args:
        parts: the template, or its name in :data:`TEMPLATES`.
    """

    def __init__(self, parts: str | Sequence[Part] = "no-op farmer") -> None:
        self._parts = tuple(TEMPLATES[parts] if isinstance(parts, str) else parts)
        acts = any(part.verb == "act" for part in self._parts)
        self.env_kwargs: Mapping[str, Any] = {"info_admissible": True} if acts else {}

    def reset(self, info: Mapping[str, Any]) -> None:
        """A new episode."""
        self._rng = np.random.default_rng([info["seed"], info.get("sample", 0)])
        self._turn: tuple[int, int] | None = None
        self._query = info.get("instruction", "")
        self._is_first = True
        self._script: Iterator[str] = iter(())

    def act(self, obs: str, info: Mapping[str, Any]) -> str:
        """The next reply of the present turn."""
        self._info = info
        self._query = info.get("instruction", self._query)
        turn = (info["stage"], info.get("turn", 0))
        if turn != self._turn:
            self._turn = turn
            self._script = self._solve() if info["stage"] == 3 else self._note(info["stage"])
        return next(self._script)

    def _note(self, stage: int) -> Iterator[str]:
        whens = {1: ("first", "hear") if self._is_first else ("hear",), 2: ("disregard",)}[stage]
        self._is_first = False
        calls = [self._call(part) for part in self._parts if part.when in whens]
        if calls:
            yield call_reply(*calls)
        while True:
            yield _NOTED

    def _solve(self) -> Iterator[str]:
        for part in self._parts:
            if part.when == "solve":
                yield call_reply(self._call(part))
        end = next((part for part in self._parts if part.when == "end"), _answer(_GIVE_UP))
        for _ in range(end.arguments.get("moves", 0)):
            if commands := self._info["admissible"]:
                yield f"<action>{commands[int(self._rng.integers(len(commands)))]}</action>"
        while True:
            yield f"<answer>{end.arguments.get('text', _GIVE_UP)}</answer>"

    def _call(self, part: Part) -> tuple[str, dict[str, Any]]:
        """The tool call, with what it copies filled in."""
        said = next((m["content"] for m in reversed(self._info["messages"]) if m["role"] == "user"), "")
        texts = {"{message}": said, "{query}": self._query}
        return part.verb, {key: texts.get(value, value) for key, value in part.arguments.items()}


class LibrarianAgent(PerfectMemoryAgent):
    """Handles its memory as the perfect agent does, and then gives the task up: all of the work, and nothing done with it."""

    env_kwargs: ClassVar[dict[str, Any]] = {"info_expert": True}

    def finish(self) -> Iterator[str]:
        """Give up."""
        while True:
            yield f"<answer>{_GIVE_UP}</answer>"
