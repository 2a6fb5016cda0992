"""Scripted agents that use memory in one clear way, right or wrong: what rewards and diagnoses are checked with.

They are given what the task knows (``info["key_facts"]`` and the expert's replies, with ``info_expert=True``), so that nothing
but their handling of memory tells them apart::

    perfect   stores what matters, throws distractors out, retrieves, keeps its context short, acts
    amnesic   never touches long-term memory
    hoarder   stores everything twice, retrieves one entry
    wiper     stores and retrieves as the perfect one does, then filters every key fact out of its context

They act on what they know: where every key fact that they were told stands in their context, they do as the expert does
(for a question: they read as an oracle would). Where one is missing, they guess an answer as well as they can, and give a
task of acting up. So success says whether the knowledge was there when it was needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from agemem_gym.baselines.scripted import names_in
from agemem_gym.protocol import call_reply
from agemem_gym.reward.offline import compare

_NOTED = "<answer>Noted.</answer>"
_CHOICE = re.compile(r"(?:, | between )(.+?) (?:or|and) (.+?)\?")
_CLOSED_QUESTION = re.compile(r"(?:Question: )?(?:Is|Are|Was|Were|Do|Does|Did|Has|Have|Can)\b")
_MOST_RETRIEVED = 20
_LONG_WAY = 12  # messages of acting and seeing that are summarised together


class PerfectMemoryAgent:
    """Stores what matters, once, as a plain sentence; filters every distractor; retrieves before it acts."""

    env_kwargs: ClassVar[dict[str, Any]] = {"info_expert": True}

    def reset(self, info: Mapping[str, Any]) -> None:
        """Take the key facts."""
        self.facts: tuple[str, ...] = tuple(info["key_facts"])
        self._rng = np.random.default_rng(info["seed"])
        self._turn: tuple[int, int] | None = None
        self._query = info.get("instruction", "")
        self._script: Iterator[str] = iter(())
        self._told: set[str] = set()

    def act(self, obs: str, info: Mapping[str, Any]) -> str:
        """Go on with the present turn's script, or begin the next one's."""
        self._info = info
        self._query = info.get("instruction", self._query)
        turn = (info["stage"], info.get("turn", 0))
        if turn != self._turn:
            self._turn = turn
            if info["stage"] == 1:
                self._told |= {fact for fact in self.facts if compare(fact, self.latest("user"))[0]}
            self._script = {1: self.hear, 2: self.disregard, 3: self.solve}[info["stage"]]()
        return next(self._script)

    def hear(self) -> Iterator[str]:
        """A message of stage 1."""
        message = self.latest("user")
        if any(compare(fact, message)[0] for fact in self.facts):
            yield call_reply(("Add_memory", {"content": message}))
            stored = self._info["tool_results"][-1]
            if stored["ok"] and stored["data"]["id"] == "m1":  # the first entry is put more plainly
                plain = message.partition(": ")[2] if message.partition(": ")[2] in self.facts else message
                yield call_reply(("Update_memory", {"memory_id": "m1", "content": plain}))
        yield _NOTED

    def disregard(self) -> Iterator[str]:
        """A distractor; after the last one, what is left of stage 2 becomes one summary."""
        yield call_reply(("Filter_context", {"criteria": self.latest("user")}))
        if self._info["turn"] == self._info["turns"]:
            yield call_reply(("Summary_context", {"span": "all"}))
        yield _NOTED

    def solve(self) -> Iterator[str]:
        """The task; the way through it is summarised before the context grows long."""
        yield call_reply(("Filter_context", {"criteria": "small talk that has nothing to do with the task"}))
        yield self.recall(_MOST_RETRIEVED)
        missing = [fact for fact in self.facts if not self.knows(fact)]
        if missing:
            yield call_reply(*(("Retrieve_memory", {"query": fact, "top_k": 3}) for fact in missing[:8]))
        kept = len(self._info["messages"])
        for reply in self.finish():
            passed = len(self._info["messages"]) - kept
            if passed > _LONG_WAY:
                yield call_reply(("Summary_context", {"span": str(passed)}))
            yield reply

    def recall(self, top_k: int) -> str:
        """The call that retrieves what belongs to the task."""
        return call_reply(("Retrieve_memory", {"query": self.question(), "top_k": top_k}))

    def finish(self) -> Iterator[str]:
        """Do as the expert does, from what stands in the context when it begins; else guess, or give up."""
        informed = all(self.knows(fact) for fact in self._told or self.facts)
        while True:
            reply = self._info["expert"] or "<answer>I do not know.</answer>"
            if not informed:
                is_question = reply.startswith("<answer>")
                reply = f"<answer>{self.guess() if is_question else 'I do not know what to do.'}</answer>"
            yield reply

    def knows(self, fact: str) -> bool:
        """Whether the context holds a fact; what the agent itself has said does not count."""
        return any(compare(fact, m["content"])[0] for m in self._info["messages"][2:] if m["role"] != "assistant")

    def latest(self, role: str) -> str:
        """The newest message of a role."""
        return next(m["content"] for m in reversed(self._info["messages"]) if m["role"] == role)

    def question(self) -> str:
        """The query; ``info`` names it when stage 3 begins."""
        return self._query

    def guess(self) -> str:
        """The best guess without knowledge: one of the things that the question offers, yes, or a name that was read."""
        question = self.question()
        choice = _CHOICE.search(question)
        if choice and not _CLOSED_QUESTION.match(question):
            return choice[int(self._rng.integers(1, 3))]
        if _CLOSED_QUESTION.match(question):
            return ("yes", "no")[int(self._rng.integers(2))]
        names = [name for name in names_in(self._info["messages"]) if name not in question]
        return names[int(self._rng.integers(len(names)))] if names else "I do not know"


class AmnesicAgent(PerfectMemoryAgent):
    """Never touches long-term memory."""

    def hear(self) -> Iterator[str]:
        """Lets it pass."""
        yield _NOTED

    disregard = hear

    def solve(self) -> Iterator[str]:
        """Acts at once."""
        yield from self.finish()


class HoarderAgent(PerfectMemoryAgent):
    """Stores whatever is said, twice, distractors too, and looks at one entry in the end."""

    def hear(self) -> Iterator[str]:
        """Stores it."""
        message = self.latest("user")
        yield call_reply(("Add_memory", {"content": message}), ("Add_memory", {"content": f"Again: {message}"}))
        yield _NOTED

    disregard = hear

    def solve(self) -> Iterator[str]:
        """Retrieves one entry."""
        yield self.recall(1)
        yield from self.finish()


class WiperAgent(PerfectMemoryAgent):
    """Handles long-term memory well, and then filters whatever holds a key fact out of its context."""

    def solve(self) -> Iterator[str]:
        """Retrieves, and wipes."""
        yield self.recall(_MOST_RETRIEVED)
        bearing = [m["content"] for m in self._info["messages"][2:] if self._bears(m)]
        if bearing:
            yield call_reply(*(("Filter_context", {"criteria": content}) for content in bearing))
        yield from self.finish()

    def _bears(self, message: Mapping[str, str]) -> bool:
        return message["role"] != "assistant" and any(compare(fact, message["content"])[0] for fact in self.facts)
