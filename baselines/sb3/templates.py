"""The replies that a discrete action stands for: the same sixteen in every env, filled in from what the agent is shown.

======  ===============================================================================================================
0       let the message pass, or give up
1       ADD the newest message
2       UPDATE the entry shown nearest to it
3       DELETE that entry
4       RETRIEVE by the task, or by the newest message while there is none
5       RETRIEVE by the newest message
6       FILTER by how the newest message begins
7       SUMMARY of all
8-15    act or answer: the eight commands (or names that were read) that share most words with the task and the entries
======  ===============================================================================================================
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agemem_gym.baselines.explorers.statements import Entry, retrieved_entries, shown_entries
from agemem_gym.baselines.scripted import names_in
from agemem_gym.protocol import call_reply

ACTIONS = 16
_FIRST_ACT = 8
_TOOL_ACTIONS = {
    1: "Add_memory",
    2: "Update_memory",
    3: "Delete_memory",
    4: "Retrieve_memory",
    5: "Retrieve_memory",
    6: "Filter_context",
    7: "Summary_context",
}
_WORD = re.compile(r"[^\W_]+")
_NOTED = "<answer>Noted.</answer>"
_GIVE_UP = "<answer>I do not know.</answer>"
_CRITERIA_WORDS = 6


@dataclass
class Templates:
    """What actions stand for now; :meth:`see` after each step.

    Attributes:
        replies: one an action; where an action makes no sense now, what comes nearest.
        mask: which actions make sense, shape ``(16,)``.
    """

    replies: list[str] = field(default_factory=list)
    mask: NDArray[np.bool_] = field(default_factory=lambda: np.ones(ACTIONS, dtype=bool))
    _task: str = ""
    _tools: frozenset[str] = frozenset()
    _known: list[str] = field(default_factory=list)

    def see(self, info: Mapping[str, Any]) -> None:
        """Take what a reset or a step returned."""
        if info["step"] == 0:
            self._task, self._known = "", []
            self._tools = frozenset(schema["function"]["name"] for schema in info["tools"])
        self._task = info.get("instruction", self._task)
        found = retrieved_entries(info["tool_results"])
        self._known += [entry.content for entry in found]
        message = _newest(info["messages"])
        entries = found or shown_entries(info["messages"])
        acts = _acts(info, self._task, self._known) if info["stage"] == 3 else []
        self.replies = self._filled_in(message, entries, acts, last=info["stage"] == 3)
        able = [action not in _TOOL_ACTIONS or _TOOL_ACTIONS[action] in self._tools for action in range(ACTIONS)]
        able[2] = able[3] = able[2] and bool(entries)
        able[_FIRST_ACT:] = [place < len(acts) for place in range(ACTIONS - _FIRST_ACT)]
        self.mask = np.asarray(able, dtype=bool)

    def _filled_in(self, message: str, entries: Sequence[Entry], acts: Sequence[str], *, last: bool) -> list[str]:
        pass_on = _GIVE_UP if last else _NOTED
        nearest = entries[0].id if entries else ""
        text = message or "nothing"
        calls: list[tuple[str, dict[str, Any]]] = [
            ("Add_memory", {"content": text}),
            ("Update_memory", {"memory_id": nearest, "content": text}),
            ("Delete_memory", {"memory_id": nearest, "confirmation": True}),
            ("Retrieve_memory", {"query": self._task or text, "top_k": 5}),
            ("Retrieve_memory", {"query": text, "top_k": 5}),
            ("Filter_context", {"criteria": " ".join(text.split()[:_CRITERIA_WORDS])}),
            ("Summary_context", {"span": "all"}),
        ]
        chosen = [*acts, *[pass_on] * ACTIONS]
        return [pass_on, *map(call_reply, calls), *chosen[: ACTIONS - _FIRST_ACT]]


def _newest(messages: Sequence[Mapping[str, str]]) -> str:
    return next((message["content"] for message in reversed(messages) if message["role"] == "user"), "")


def _acts(info: Mapping[str, Any], task: str, known: Sequence[str]) -> list[str]:
    """Commands, or answers where there are none, those that share most words with task and entries first."""
    told = _words(task) | set().union(*map(_words, known))
    commands = info.get("admissible") or []
    if commands:
        return [f"<action>{command}</action>" for command in sorted(commands, key=lambda c: (-_shared(c, told), c))]
    read = [name for name in names_in([{"role": "user", "content": text} for text in known]) if name not in task]
    often = sorted(read, key=lambda name: (-sum(name in text for text in known), name))
    return [f"<answer>{name}</answer>" for name in (*often, "yes", "no")]


def _shared(text: str, told: set[str]) -> float:
    words = _words(text)
    return len(words & told) / (1 + len(words)) ** 0.5


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))
