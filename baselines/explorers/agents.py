"""Agents made of an honest explorer; they differ only in what of stage 1 reaches it.

::

    explorer         remembers nothing; knows what still stands in its context when the task begins
    store-all        stores each message that states something new, mends what is corrected, retrieves, acts as the explorer
    store-only       the same, but never updates or deletes
    store-all-noisy  store-all with slips: lets messages pass, looks up too little, tries something else now and then

None of them is shown a key fact or the expert's replies. ``explorer`` behind ``order="all_at_once", n2=0`` has all that was
said before its eyes: the upper bound of what memory can be worth. ``store-all`` works from what every agent is shown (the
message, the entries beside it, what its calls came to), so that its replies can be imitated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from agemem_gym.baselines.explorers import make_explorer
from agemem_gym.baselines.explorers.statements import (
    Entry,
    Message,
    retrieved_entries,
    shown_entries,
    understood,
    without_numbers,
)
from agemem_gym.checks import one_of
from agemem_gym.facts import say_the_same, states_fact
from agemem_gym.protocol import call_reply
from agemem_gym.protocol.reply import write_thought
from agemem_gym.stream.places import at_place
from agemem_gym.tools import TOOL_SETS

_NOTED = "<answer>Noted.</answer>"
_MOST_CALLS = 8
_MOST_ROUNDS = 4
_LONG_WAY = 12  # messages of acting and seeing that are summarised together
_CRITERIA_WORDS = 12
_DRAWS = 0x5707E


class ExplorerAgent:
    """Plays on without memory: the control of whoever claims that a task needs one."""

    env_kwargs: ClassVar[dict[str, Any]] = {"info_admissible": True}

    def reset(self, info: Mapping[str, Any]) -> None:
        """A new episode."""
        self._rng = np.random.default_rng([_DRAWS, info["seed"], info.get("sample", 0)])
        self.explorer = make_explorer(info["benchmark"])
        self.explorer.reset(self._rng)
        self._turn: tuple[int, int] | None = None
        self._script: Iterator[str] = iter(())
        self._told: dict[int, list[str]] = {1: [], 2: []}
        self._told_as: dict[int, list[int]] = {1: [], 2: []}
        self._numbers: list[int] = []
        self._instruction = ""
        self._place = info.get("stream", {}).get("place", "")

    def act(self, obs: str, info: Mapping[str, Any]) -> str:
        """Go on with the present turn's script, or begin the next one's."""
        self.info = info
        self._instruction = info.get("instruction", self._instruction)
        if self.points:
            messages, self._numbers = without_numbers(info["messages"])
            self.info = {**info, "messages": messages}
        stage = info["stage"]
        turn = (stage, info.get("turn", 0))
        if turn != self._turn:
            self._turn = turn
            if stage != 3:
                self._told[stage].append(self.message())
                if self.points:
                    self._told_as[stage].append(self._numbers[-1])
            self._script = {1: self.hear, 2: self.disregard, 3: self.solve}[stage]()
        return next(self._script)

    def hear(self) -> Iterator[str]:
        """A message of stage 1: let it pass."""
        while True:
            yield _NOTED

    disregard = hear

    def solve(self) -> Iterator[str]:
        """The task, with what stands in the context."""
        self.learn_from_context()
        self.explorer.begin({**self.info, "instruction": self._instruction})
        yield from self.explore()

    def learn_from_context(self) -> None:
        """What was said and still stands there; what came between as small talk is not believed."""
        for message in self.info["messages"]:
            text = message["content"]
            if message["role"] == "user" and text not in self._told[2] and text != self._instruction:
                said = understood(text)
                if said.place in ("", self._place) and self.explorer.subject(said.states) is not None:
                    self.explorer.learn(said.states)

    def explore(self) -> Iterator[str]:
        """Act, and sum up the way before it grows long."""
        kept = len(self.info["messages"])
        while True:
            reply = self.explorer.act({**self.info, "instruction": self._instruction})
            passed = len(self.info["messages"]) - kept
            if passed > _LONG_WAY and self.sums_up:
                yield call_reply(("Summary_context", {"span": str(passed)}))
            yield reply

    sums_up = False
    points = False
    """Whether the context shows numbers of messages, and calls name them (``tools="pointer"``)."""

    def message(self) -> str:
        """The newest message of a user."""
        return next(m["content"] for m in reversed(self.info["messages"]) if m["role"] == "user")


class StoreAllAgent(ExplorerAgent):
    """Stores what states something new, mends what is corrected, retrieves before it acts, keeps its context short.

    Args:
        top_k: entries asked for with each question.
        updates: whether corrections change memory; without, what is new is added to what is old.
        noise: probability of a slip at each decision.
        tools: ``"pointer"`` to name messages by number instead of copying them (:mod:`agemem_gym.tools.pointers`).
        thinks: whether an answer is preceded by a thought that names the facts it follows from, where the explorer can tell.
    """

    def __init__(
        self,
        top_k: int = 5,
        *,
        updates: bool = True,
        noise: float = 0.0,
        tools: str = "paper",
        thinks: bool = False,
    ) -> None:
        one_of("tools", tools, tuple(TOOL_SETS))
        self._top_k, self._updates, self._noise, self._thinks = top_k, updates, noise, thinks
        self.points = tools == "pointer"
        self.sums_up = not self.points
        if self.points:
            self.env_kwargs = {**self.env_kwargs, "tools": tools}

    def hear(self) -> Iterator[str]:
        """A message of stage 1."""
        said = understood(self.message())
        entries = shown_entries(self.info["messages"])
        if self._slips():
            pass
        elif said.takes_back and self._updates:
            yield from self.mend(said, entries)
        elif self.explorer.subject(said.states) is not None and not self._is_known(said.content, entries):
            yield call_reply(self._store(said))
        while True:
            yield _NOTED

    def mend(self, said: Message, entries: list[Entry]) -> Iterator[str]:
        """What holds now takes the place of what held before; what is only taken back is deleted."""
        stale = [entry for entry in entries if self._says(entry.content, said)]
        if not stale:
            yield call_reply(("Retrieve_memory", {"query": said.former, "top_k": self._top_k}))
            found = retrieved_entries(self.info["tool_results"])
            stale = [entry for entry in found if self._says(entry.content, said)]
        calls: list[tuple[str, dict[str, Any]]] = []
        if self.explorer.subject(said.states) is not None:
            calls.append(self._store(said, stale.pop(0) if stale else None))
        calls += [("Delete_memory", {"memory_id": entry.id, "confirmation": True}) for entry in stale]
        if calls:
            yield call_reply(*calls)

    def disregard(self) -> Iterator[str]:
        """A message of stage 2: a correction mends memory; after the last one the rest leaves the context."""
        said = understood(self.message())
        if said.takes_back and self._updates and not self._slips():
            yield from self.mend(said, [])
        if self.info["turn"] == self.info["turns"] and not self._slips():
            yield call_reply(*self._take_out_talk())
        while True:
            yield _NOTED

    def solve(self) -> Iterator[str]:
        """The task, with what memory holds; what stands in the context need not be looked up."""
        self.learn_from_context()
        self.explorer.begin({**self.info, "instruction": self._instruction})
        observation = self.info
        for _ in range(_MOST_ROUNDS):
            questions = [self._here(text) for text in self.explorer.questions()[:_MOST_CALLS]]
            if not questions:
                break
            top_k = 1 if self._slips() else self._top_k
            yield call_reply(*(("Retrieve_memory", {"query": text, "top_k": top_k}) for text in questions))
            for entry in reversed(
                retrieved_entries(self.info["tool_results"])
            ):  # the best match is believed in the end
                known = understood(entry.content)
                if known.place in ("", self._place):
                    self.explorer.learn(known.states)
        self.info = {**self.info, "observation": observation["observation"]}
        for reply in self.explore():
            commands = self.info.get("admissible")
            wanders = bool(commands) and reply.startswith("<action>") and self._slips()
            yield (
                f"<action>{commands[int(self._rng.integers(len(commands)))]}</action>"
                if wanders
                else self._thought(reply)
            )

    def _thought(self, reply: str) -> str:
        """An answer behind the facts that it follows from."""
        facts: list[str] = getattr(self.explorer, "reasons", list)() if self._thinks else []
        return write_thought("\n".join(facts)) + reply if facts and reply.startswith("<answer>") else reply

    def _store(self, said: Message, instead_of: Entry | None = None) -> tuple[str, dict[str, Any]]:
        """The call that keeps what the newest message says, in a new entry or in place of an old one."""
        where = {"memory_id": instead_of.id} if instead_of else {}
        if self.points:
            return "Update_note" if where else "Note_message", {**where, "message": self._numbers[-1]}
        return "Update_memory" if where else "Add_memory", {**where, "content": said.content}

    def _take_out_talk(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The calls that take the messages of stage 2 out of the context."""
        if self.points:
            return (("Drop_message", {"message": number}) for number in self._told_as[2])
        return (("Filter_context", {"criteria": _short(text)}) for text in self._told[2])

    def _slips(self) -> bool:
        return self._noise > 0 and bool(self._rng.random() < self._noise)

    def _is_known(self, text: str, entries: list[Entry]) -> bool:
        """Whether an entry shown beside the message says the same."""
        return any(say_the_same(text, entry.content) or text == entry.content for entry in entries)

    def _says(self, content: str, said: Message) -> bool:
        """Whether an entry states of the same place what a message takes back."""
        known = understood(content)
        return known.place == said.place and states_fact(said.takes_back, known.states)

    def _here(self, question: str) -> str:
        """A question about the place of the task, where a stream names it."""
        return at_place(self._place, question) if self._place else question


class StoreOnlyAgent(StoreAllAgent):
    """Stores as ``store-all`` does, and never updates or deletes."""

    def __init__(self, top_k: int = 5) -> None:
        super().__init__(top_k, updates=False)


class NoisyStoreAllAgent(StoreAllAgent):
    """``store-all`` with slips, for demonstrations that show more than one way.

    Args:
        top_k: entries asked for with each question.
        noise: probability of a slip at each decision.
        thinks: as for :class:`StoreAllAgent`.
    """

    def __init__(self, top_k: int = 5, noise: float = 0.1, thinks: bool = False) -> None:
        super().__init__(top_k, noise=noise, thinks=thinks)


def _short(text: str) -> str:
    """How a message begins: enough to find it by, without copying it."""
    return " ".join(text.split()[:_CRITERIA_WORDS])
