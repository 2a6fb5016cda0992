"""What went wrong with memory in an episode, and where: the failure signatures of AgeMem (arXiv:2601.01885), sec. 4 and 5.

=================  ====================================================================================================
kind               meaning
=================  ====================================================================================================
``hoarding``       most of what was added was never retrieved, and states nothing that was not stored already
``amnesia``        key facts were told and left the context with a stage, and no tool of long-term memory was called
``farming``        most of its UPDATE, DELETE, SUMMARY and FILTER calls changed nothing: they earn terms, not a memory
``wipe_out``       SUMMARY or FILTER removed key facts, which then stood nowhere in the context
``never_written``  a key fact was told, was never stored, and is not in the context at the end
``deleted``        it was stored, but was deleted or overwritten before it could be retrieved
``not_retrieved``  it was stored, and never retrieved
``removed``        it was in the context, retrieved or as it was told, and a tool or the token budget removed it
``unused``         it is in the context at the end, and the task failed
=================  ====================================================================================================

The first four name a habit, once an episode. The others say of each key fact where it was lost, with the step. A fact that
was never told is the task's to find out, and is not looked for. Whether a text states a fact is told by words alone
(:mod:`agemem_gym.facts`), so that a diagnosis costs no model and is the same everywhere. Whatever a user's own tools left in
their results, a diagnosis does not raise (:mod:`agemem_gym.reward.calls`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from agemem_gym.context import Message
from agemem_gym.episode import Episode, Removal
from agemem_gym.facts import states_fact
from agemem_gym.reward.calls import KINDS, entry_of, kind_of, retrieved, texts_of
from agemem_gym.reward.no_ops import no_ops
from agemem_gym.tools.tool import ToolResult

Kind = Literal[
    "hoarding", "amnesia", "farming", "wipe_out", "never_written", "deleted", "not_retrieved", "removed", "unused"
]
HABITS: tuple[Kind, ...] = ("hoarding", "amnesia", "farming", "wipe_out")
LOSSES: tuple[Kind, ...] = ("never_written", "deleted", "not_retrieved", "removed", "unused")

LEAST_HOARD = 4
"""Entries added in vain from which an agent may be said to hoard; they have to be most of its entries, too."""

LEAST_FARM = 2
"""Calls without effect from which an agent may be said to farm; they have to be most of its changing calls, too."""

_LTM_TOOLS = tuple(name for name, kind in KINDS.items() if kind != "reduced")


@dataclass(frozen=True)
class Finding:
    """One line of a diagnosis.

    Attributes:
        kind: see the module.
        step: number of the reply, from 1; 0 for what happened before the first one.
        text: one sentence.
    """

    kind: Kind
    step: int
    text: str


def diagnose(episode: Episode) -> tuple[Finding, ...]:
    """The findings of a finished episode: habits first, then what became of each key fact that was told."""
    traces = [_Trace(episode, fact) for fact in episode.start.key_facts]
    told = [trace for trace in traces if trace.told is not None]
    habits = [_amnesia(episode, told), _hoarding(episode), _farming(episode), _wipe_out(told)]
    losses = (trace.loss(episode) for trace in told)
    return tuple(finding for finding in (*habits, *losses) if finding is not None)


def shares(diagnoses: Sequence[Iterable[Finding]]) -> dict[str, float]:
    """For each kind the share of episodes in which it was found, in [0, 1]; empty without episodes."""
    counts = Counter(kind for findings in diagnoses for kind in {finding.kind for finding in findings})
    return {kind: counts[kind] / len(diagnoses) for kind in (*HABITS, *LOSSES)} if diagnoses else {}


# ------------------------------------------------------------------------------------------------------ habits


def _amnesia(episode: Episode, told: Sequence[_Trace]) -> Finding | None:
    needed = [trace for trace in told if trace.left_with_stage]
    if not needed or any(_uses_memory(result) for result in episode.tool_results):
        return None
    step = max(trace.left_with_stage for trace in needed)
    many = f"{len(needed)} key fact{'s' * (len(needed) > 1)}"
    return Finding("amnesia", step, f"{many} left the context with a stage, and long-term memory was never used.")


def _hoarding(episode: Episode) -> Finding | None:
    added: dict[str, int] = {}
    useful: set[str] = set()
    known: set[str] = set()
    for number, result in _results(episode):
        if kind_of(result) == "added":
            entry = entry_of(result)
            added[entry.id] = number
            news = {fact for fact in episode.start.key_facts if states_fact(fact, entry.content)} - known
            if news:
                known |= news
                useful.add(entry.id)
        elif kind_of(result) == "retrieved":
            useful |= {entry.id for entry in retrieved(result)}
    wasted = [memory_id for memory_id in added if memory_id not in useful]
    if len(wasted) < LEAST_HOARD or 2 * len(wasted) <= len(added):
        return None
    text = f"{len(wasted)} of {len(added)} entries added were never retrieved and hold no key fact that was not stored before."
    return Finding("hoarding", added[wasted[-1]], text)


def _farming(episode: Episode) -> Finding | None:
    idle = no_ops(episode)
    changing = sum(kind_of(result) in ("updated", "deleted", "reduced") for result in episode.tool_results)
    if len(idle.steps) < LEAST_FARM or 2 * len(idle.steps) <= changing:
        return None
    text = f"{len(idle.steps)} of {changing} UPDATE, DELETE, SUMMARY and FILTER calls changed nothing."
    return Finding("farming", idle.steps[-1], text)


def _wipe_out(told: Sequence[_Trace]) -> Finding | None:
    wiped = [trace.wiped_clean for trace in told if trace.wiped_clean is not None]
    if not wiped:
        return None
    last = max(wiped, key=lambda removal: removal.step)
    many = f"{len(wiped)} key fact{'s' * (len(wiped) > 1)}"
    return Finding("wipe_out", last.step, f"{last.by} removed {many} that the task needs from the context.")


# -------------------------------------------------------------------------------------------------- one fact's way


class _Trace:
    """What became of one key fact."""

    def __init__(self, episode: Episode, fact: str) -> None:
        self.fact = fact
        bearing = [m for m in episode.messages if _shows(m) and states_fact(fact, m.content)]
        gone = {removal.message_id: removal for removal in episode.removals}
        self.present = any(message.id not in gone for message in bearing)
        added_at = episode.added_at
        self.told = next((added_at[m.id] for m in bearing), None)
        if self.told is None and any(states_fact(fact, str(r.get("content", ""))) for r in episode.initial_memory):
            self.told = 0
        removals = [gone[message.id] for message in bearing if message.id in gone]
        self.left_with_stage = max((r.step for r in removals if r.by == "stage"), default=0)
        by_tool = [removal for removal in removals if removal.by not in ("stage", "overflow")]
        self.pushed_out = max((r.step for r in removals if r.by == "overflow"), default=0)
        self.wiped: Removal | None = by_tool[-1] if by_tool else None
        self.wiped_clean = next((r for r in reversed(by_tool) if not _stands(added_at, bearing, gone, r.step)), None)
        self.written = self.retrieved = 0
        for number, result in _results(episode):
            kind = kind_of(result)
            if kind in ("added", "updated") and states_fact(fact, entry_of(result).content):
                self.written = self.written or number
            elif kind == "retrieved" and any(states_fact(fact, text) for text in texts_of(result)):
                self.retrieved = number
        self.stored = any(states_fact(fact, str(record.get("content", ""))) for record in episode.final_memory)

    def loss(self, episode: Episode) -> Finding | None:
        """Where the fact was lost, or None where it was not."""
        fact = repr(self.fact)
        last = len(episode.steps)
        if self.present:
            return (
                None if episode.success else Finding("unused", last, f"{fact} was in the context, and the task failed.")
            )
        if self.wiped is not None:
            return Finding("removed", self.wiped.step, f"{self.wiped.by} removed {fact} from the context.")
        if self.pushed_out:
            return Finding("removed", self.pushed_out, f"{fact} was pushed out of the context by the token budget.")
        if self.retrieved:
            return Finding("removed", self.retrieved, f"{fact} was retrieved, and left the context with a stage.")
        if self.written and not self.stored:
            return Finding("deleted", self.written, f"{fact} was stored, and deleted or overwritten later.")
        if self.stored:
            return Finding("not_retrieved", self.written, f"{fact} was stored, and never retrieved.")
        return Finding("never_written", self.told or 0, f"{fact} was told, and never stored.")


def _stands(added_at: Mapping[int, int], bearing: Sequence[Message], gone: Mapping[int, Removal], step: int) -> bool:
    """Whether one of the messages was in the context right after that reply."""
    return any(
        added_at[message.id] <= step and (message.id not in gone or gone[message.id].step > step) for message in bearing
    )


def _uses_memory(result: ToolResult) -> bool:
    """Whether a call, refused or not, is one of long-term memory."""
    return result.name in _LTM_TOOLS or kind_of(result) not in (None, "reduced")


def _results(episode: Episode) -> list[tuple[int, ToolResult]]:
    """All tool calls that were carried out, with the number of their reply."""
    return [(number, r) for number, step in enumerate(episode.steps, start=1) for r in step.tool_results if r.ok]


def _shows(message: Message) -> bool:
    """Whether a message shows the agent something; its own replies do not, nor does what is said of its calls."""
    if message.role in ("assistant", "system") or message.kind in ("complaint", "task"):
        return False
    return message.kind != "tool_result" or message.content.startswith("Retrieve_memory")
