"""Agents without a model: what chance reaches, what the engines' experts reach, and what plain remembering reaches."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from agemem_gym.protocol import call_reply

_NOTED = "<answer>Noted.</answer>"
_GIVE_UP = "<answer>I do not know.</answer>"
_WORD = re.compile(r"[^\W_]+")
_NAME = re.compile(r"(?:[A-Z][\w'’-]*|\d[\d,.]*\d|\d)(?:[ ,]+(?:(?:of|the|and|de|van|von)\s+)?(?:[A-Z][\w'’-]*|\d+))*")
_STOP_WORDS = frozenset(
    "a an and are at by do for from have in into is it of on or some that the then to with you your".split()
)
_NO_NAMES = _STOP_WORDS | frozenset(
    "after at before he her his its no question she their there they this was were".split()
)
_ASKS_FOR_A_NUMBER = re.compile(r"\b(?:how (?:many|much|long|old|far|high)|when|what year|which year)\b", re.IGNORECASE)


class RandomAgent:
    """Chance: a uniformly drawn admissible command; for a question a name out of what it sees. Uses no memory."""

    env_kwargs: ClassVar[dict[str, Any]] = {"info_admissible": True}

    def reset(self, info: Mapping[str, Any]) -> None:
        """Seed the draws with the episode's seed, so that a rerun is the same."""
        self._rng = np.random.default_rng([info["seed"], info.get("sample", 0)])  # sample 0: as the seed alone

    def act(self, obs: str, info: Mapping[str, Any]) -> str:
        """Draw."""
        if info["stage"] != 3:
            return _NOTED
        commands = info["admissible"]
        if commands:
            return f"<action>{commands[self._rng.integers(len(commands))]}</action>"
        names = names_in(info["messages"])
        return f"<answer>{names[self._rng.integers(len(names))]}</answer>" if names else _GIVE_UP


class OracleAgent:
    """The engine's own expert: an upper bound, and a check that the tasks can be solved. Uses no memory."""

    env_kwargs: ClassVar[dict[str, Any]] = {"info_expert": True}

    def reset(self, info: Mapping[str, Any]) -> None:
        """Nothing to prepare."""

    def act(self, obs: str, info: Mapping[str, Any]) -> str:
        """Do what the expert says; where it gives up, answer, which ends the episode."""
        if info["stage"] != 3:
            return _NOTED
        return info["expert"] if info["expert"] is not None else _GIVE_UP


class ScriptedMemoryAgent:
    """Stores what it reads, retrieves before acting, and takes the admissible command that shares most words with the task
    and the retrieved entries, trying commands that it has not tried in this place first.

    It knows nothing of any benchmark: a floor for agents that use memory with understanding.
    """

    env_kwargs: ClassVar[dict[str, Any]] = {"info_admissible": True}

    def __init__(self, top_k: int = 5) -> None:
        self._top_k = top_k

    def reset(self, info: Mapping[str, Any]) -> None:
        """Forget the episode before."""
        self._rng = np.random.default_rng([info["seed"], info.get("sample", 0)])  # sample 0: as the seed alone
        self._stored: set[str] = set()
        self._tried: Counter[tuple[str, str]] = Counter()
        self._place = ""
        self._retrieved: list[str] = []
        self._must_remember = True
        self._task = info.get("instruction", "")

    def act(self, obs: str, info: Mapping[str, Any]) -> str:
        """Remember what is new, then act on it."""
        self._task = info.get("instruction", self._task)
        if self._must_remember:
            self._must_remember = False
            self._place = info["observation"]
            return self._remember(info)
        self._retrieved = [content for result in info["tool_results"] for content in result["data"].get("contents", ())]
        self._must_remember = True
        if info["stage"] != 3:
            return _NOTED
        if info["admissible"]:
            return f"<action>{self._choose(info['admissible'])}</action>"
        return f"<answer>{self._read_answer()}</answer>"

    def _remember(self, info: Mapping[str, Any]) -> str:
        """Store every message that is new, and retrieve what belongs to the task."""
        calls: list[tuple[str, dict[str, Any]]] = []
        for text in _read(info):
            if text not in self._stored:
                self._stored.add(text)
                calls.append(("Add_memory", {"content": text, "memory_type": "observation"}))
        text = info["observation"].strip()
        query = self._task if info["stage"] == 3 else text or "anything"
        calls.append(("Retrieve_memory", {"query": query, "top_k": self._top_k}))
        return call_reply(*calls)

    def _choose(self, commands: list[str]) -> str:
        task = _words(self._task)
        known = _words(" ".join(self._retrieved))

        def score(command: str) -> float:
            words = _words(command)
            share = len(words & task) + 0.25 * len(words & known)
            return share / (1 + len(words)) ** 0.5 - self._tried[self._place, command]

        order = self._rng.permutation(len(commands))  # ties are broken by chance, the same way in every run
        best = max((commands[i] for i in order), key=score)
        self._tried[self._place, best] += 1
        return best

    def _read_answer(self) -> str:
        """The name that stands in most of the best entries and not in the question; a number if the question asks for one."""
        question = self._task
        number = _ASKS_FOR_A_NUMBER.search(question) is not None
        votes: Counter[str] = Counter()
        for rank, text in enumerate(self._retrieved):
            for name in dict.fromkeys(_NAME.findall(text)):
                if name not in question and name[0].isdigit() == number and not _words(name) <= _NO_NAMES:
                    votes[name] += 1.0 / (1 + rank)  # type: ignore[assignment]
        return max(votes, key=lambda name: votes[name]) if votes else "I do not know"


def names_in(messages: Sequence[Mapping[str, str]]) -> list[str]:
    """All names and numbers in what users have said, sorted."""
    return sorted(set(_NAME.findall(" ".join(m["content"] for m in messages if m["role"] == "user"))))


def _read(info: Mapping[str, Any]) -> list[str]:
    """What users have said in this context since the agent's last reply, the task apart."""
    said = [(message["role"], message["content"].strip()) for message in info["messages"]]
    start = max((i for i, (role, _) in enumerate(said) if role == "assistant"), default=1)
    return [content for role, content in said[start + 1 :] if role == "user" and content]


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower())) - _STOP_WORDS
