"""What an episode's memory was worth: MQ, coverage, precision, hit rate, redundant adds, and what it all cost.

These are measures, not rewards: they look at the memory that is left at the end and at the whole episode, while the terms of
:mod:`agemem_gym.reward.terms` follow the paper's formulas. MQ, J, TN and TC are the paper's (AgeMem, arXiv:2601.01885, sec. 4).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from agemem_gym.answers import exact_match, f1
from agemem_gym.episode import Episode
from agemem_gym.facts import Held
from agemem_gym.reward.calls import entry_of, kind_of, texts_of
from agemem_gym.reward.judges import Judge, MemoryVerdict, findings, unasked
from agemem_gym.reward.no_ops import NoOps, no_ops
from agemem_gym.reward.terms import storage
from agemem_gym.tools.tool import ToolResult


@dataclass(frozen=True)
class MemoryMetrics:
    """Measures of one episode.

    Attributes:
        quality: MQ in [0, 1]: how well the final long-term memory matches the gold facts, as the judge finds (where nothing was
            `needed`, without asking a model); entries carried over from earlier episodes (``keep_memory``) are part of it. 0
            without entries or without known facts.
        storage: share of the entries added (in stage 1, where there is one) that state a gold fact; 0 without any.
        coverage: share of the gold facts that the final memory states.
        precision: share of the final memory's entries that state a gold fact.
        hit_rate: share of the RETRIEVE calls that brought an entry that states a gold fact; None without such calls.
        retrievals: RETRIEVE calls that were carried out.
        no_ops: calls that were carried out and changed nothing, see :mod:`.no_ops`.
        redundant_adds: ADD calls whose content memory held already, in nearly the same words and the same numbers.
        overflows: replies that were asked for with a context over the token budget.
        prompt_tokens: TN, over all replies.
        tool_calls: TC by tool, refused calls included.
        entries: entries in the final memory.
        judge: name of the judge.
        needed: whether anything had to be remembered, see :func:`had_to_remember`; if not, what memory was worth is no figure
            to print or to average.
    """

    quality: float = 0.0
    storage: float = 0.0
    coverage: float = 0.0
    precision: float = 0.0
    hit_rate: float | None = None
    retrievals: int = 0
    redundant_adds: int = 0
    no_ops: NoOps = field(default_factory=NoOps)
    overflows: int = 0
    prompt_tokens: int = 0
    tool_calls: Mapping[str, int] = field(default_factory=dict)
    entries: int = 0
    judge: str = ""
    needed: bool = False


def memory_metrics(episode: Episode, judge: Judge) -> MemoryMetrics:
    """The measures of a finished episode."""
    entries = tuple(str(record.get("content", "")) for record in episode.final_memory)
    retrievals = [result for result in episode.tool_results if kind_of(result) == "retrieved"]
    needed = had_to_remember(episode)
    verdict = _judged(episode, judge if needed else unasked(judge), entries)
    hits = _hits(episode, judge, retrievals, dict(zip(entries, verdict.useful, strict=True)))
    return MemoryMetrics(
        quality=verdict.quality,
        storage=storage(episode, judge),
        coverage=verdict.coverage,
        precision=verdict.precision,
        hit_rate=hits / len(retrievals) if retrievals else None,
        retrievals=len(retrievals),
        redundant_adds=redundant_adds(episode),
        no_ops=no_ops(episode),
        overflows=sum(step.prompt_tokens > episode.token_budget for step in episode.steps),
        prompt_tokens=episode.prompt_tokens,
        tool_calls=dict(sorted(Counter(result.name for result in episode.tool_results).items())),
        entries=len(entries),
        judge=judge.name,
        needed=needed,
    )


def answer_scores(episode: Episode, judge: Judge) -> dict[str, float]:
    """J (judged), EM and F1 of the answer to a question, 0 without one; nothing where the task is no question.

    The judge is asked, unless the return holds what it said.
    """
    expected, given = episode.start.answer, episode.answer
    if expected is None:
        return {}
    if given is None:
        return {"J": 0.0, "EM": 0.0, "F1": 0.0}
    was_asked = episode.judge == judge.name and episode.reward_settings.get("mode") in ("composite", "answer_only")
    counted = was_asked and "task" not in episode.reward_settings.get("without", ())
    judged = episode.reward_terms.get("task") if counted else None
    if judged is None:
        judged = judge.answer(episode.start.instruction, given, expected)
    return {"J": judged, "EM": exact_match(given, expected), "F1": f1(given, expected)}


def had_to_remember(episode: Episode) -> bool:
    """Whether something that the task needs was told before it: in stage 1, or in an episode before this one.

    In an env without stages, behind stages that tell nothing (``n1=0``), and where no key facts are known, it was not.
    """
    told = any(step.stage == 1 for step in episode.steps) or bool(episode.keep_memory and episode.initial_memory)
    return bool(episode.start.key_facts) and told


def _judged(episode: Episode, judge: Judge, entries: tuple[str, ...]) -> MemoryVerdict:
    start = episode.start
    if not entries:
        return MemoryVerdict(0.0, (False,) * len(start.key_facts), ())
    return judge.memory(start.instruction, start.answer or "", start.key_facts, entries)


def _hits(episode: Episode, judge: Judge, retrievals: list[ToolResult], useful: dict[str, bool]) -> int:
    """Retrievals with a useful entry; what is not in the final memory any more is judged now."""
    brought = [texts_of(result) for result in retrievals]
    unknown = tuple(dict.fromkeys(text for texts in brought for text in texts if text not in useful))
    if unknown:
        start = episode.start
        found = findings(judge, start.instruction, start.answer or "", start.key_facts, unknown)
        useful = useful | dict(zip(unknown, found.useful, strict=True))
    return sum(any(useful[text] for text in texts) for texts in brought)


def redundant_adds(episode: Episode) -> int:
    """How many ADD calls stored what memory held already at that time."""
    held = Held({str(r.get("id", "")): str(r.get("content", "")) for r in episode.initial_memory})
    redundant = 0
    for result in episode.tool_results:
        kind, entry = kind_of(result), entry_of(result)
        if kind == "added":
            redundant += held.knows(entry.content)
        if kind in ("added", "updated"):
            held.put(entry.id, entry.content)
        elif kind == "deleted":
            held.drop(entry.id)
    return redundant
