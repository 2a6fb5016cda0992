"""The terms of the reward, each a pure function of the Episode. AgeMem (arXiv:2601.01885), appendix A.2.

::

    R = w1·R_task + w2·R_context + w3·R_memory + P_penalty

    R_context = mean(compression, preventive, preservation)      how the short-term context was kept
    R_memory  = mean(storage, maintenance, relevance)            what was made of the long-term memory

All terms are in [0, 1], but for the task's -1 without an answer and the penalties. The weighted sum stands in
:mod:`agemem_gym.reward.composite`. Stage 1 of a three-stage episode is where memory is built, stage 3 where the query is
known; an episode without a curriculum is all stage 3.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from agemem_gym.context import Message
from agemem_gym.episode import Episode, StepRecord
from agemem_gym.facts import PhraseExtractor, key_phrases
from agemem_gym.reward.calls import entry_of, kind_of, texts_of
from agemem_gym.reward.judges import Judge, findings

NO_ANSWER = -1.0
"""`P_no_answer`: the task reward of a question that got no answer."""

_NOT_FOR_THE_QUERY = ("reply", "complaint", "distractor")


# -------------------------------------------------------------------------------------------------------- task


def task_score(episode: Episode, metric: str, *, no_answer: float = NO_ANSWER) -> float:
    """`R_task` as the benchmark reports it, in [0, 1]; `no_answer` for a question without an answer.

    Args:
        episode: a finished episode.
        metric: ``"success"`` or ``"progress"`` (:attr:`agemem_gym.task.Task.metric`).
        no_answer: `P_no_answer`.
    """
    if episode.start.answer is not None and episode.answer is None:
        return no_answer
    return float(episode.success) if metric == "success" else episode.progress


def judged_task_score(episode: Episode, metric: str, judge: Judge, *, no_answer: float = NO_ANSWER) -> float:
    """``R_task = S_judge(A_pred, A_q)`` for a question, `no_answer` without an answer; else :func:`task_score`."""
    expected, given = episode.start.answer, episode.answer
    if expected is None or given is None:
        return task_score(episode, metric, no_answer=no_answer)
    return judge.answer(episode.start.instruction, given, expected)


# ----------------------------------------------------------------------------------------------------- context


def tokens_used(episode: Episode) -> int:
    """`T_used`: tokens in the context when the last reply, which holds the answer, was asked for."""
    return episode.steps[-1].prompt_tokens if episode.steps else 0


def compression(episode: Episode) -> float:
    """``R_compression = max(0, 1 - T_used / T_max)``."""
    return max(0.0, 1.0 - tokens_used(episode) / episode.token_budget)


def preventive(episode: Episode) -> float:
    """``R_preventive``: 1 if SUMMARY or FILTER was carried out while the context had never been over `T_max`, else 0.

    A call that finds nothing to filter was carried out, too; one that was refused was not. A context of exactly `T_max`
    tokens is not over it.
    """
    for step in episode.steps:
        if step.prompt_tokens > episode.token_budget:
            return 0.0
        if any(kind_of(result) == "reduced" for result in step.tool_results):
            return 1.0
    return 0.0


def preservation(episode: Episode, extract: PhraseExtractor = key_phrases) -> float:
    """``R_preservation``: 1 if every key phrase of the query is still in the context at the end, else 0.

    The query's own message is protected and would make this constant; so what counts is whether a phrase was *lost*: it
    stood in another message (something observed, told or retrieved) and stands in none of those left, summaries among them.
    A phrase that never stood in another message cannot be lost, and a query without key phrases loses nothing: 1.

    Left out are the agent's own replies (a FILTER call names what it removes), the complaints about them, distractors (to
    remove them is right, whatever they mention), and what left when a stage began (that was not the agent).
    """
    return float(not lost_phrases(episode, extract))


def lost_phrases(episode: Episode, extract: PhraseExtractor = key_phrases) -> tuple[str, ...]:
    """The key phrases of the query that stood in the context and were lost, see :func:`preservation`."""
    phrases = extract(episode.start.instruction)
    if not phrases:
        return ()
    now = {message.id for message in episode.final_context()}
    cleared = max((removal.message_id for removal in episode.removals if removal.by == "stage"), default=0)
    seen = [message for message in episode.messages if _counts(message) and (message.id > cleared or message.id in now)]
    gone = [message for message in seen if message.id not in now]
    return phrases_lost(phrases, gone, [message for message in seen if message.id in now])


def phrases_lost(phrases: Sequence[str], gone: Sequence[Message], left: Sequence[Message]) -> tuple[str, ...]:
    """The phrases that stand in what is gone and not in what is left; for what does not count see :func:`preservation`."""
    was, stands = (_plain_text([message for message in given if _counts(message)]) for given in (gone, left))
    return tuple(phrase for phrase in phrases if _stands_in(phrase, was) and not _stands_in(phrase, stands))


def _counts(message: Message) -> bool:
    return not message.protected and message.kind not in _NOT_FOR_THE_QUERY


def _plain_text(messages: Sequence[Message]) -> str:
    return " ".join("\n".join(message.content for message in messages).casefold().split())


def _stands_in(phrase: str, text: str) -> bool:
    wanted = " ".join(phrase.casefold().split())
    return re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", text) is not None


# ------------------------------------------------------------------------------------------------------ memory


def writing_steps(episode: Episode) -> list[StepRecord]:
    """The replies whose entries are judged: those of stage 1, or all where the episode had no stage 1."""
    return [step for step in episode.steps if step.stage == 1] or episode.steps


def written_entries(episode: Episode) -> tuple[str, ...]:
    """The entries that were added in :func:`writing_steps`, each in its last wording there, deleted ones too."""
    written: dict[str, str] = {}
    for step in writing_steps(episode):
        for result in step.tool_results:
            kind, entry = kind_of(result), entry_of(result)
            if kind == "added" or (kind == "updated" and entry.id in written):
                written[entry.id] = entry.content
    return tuple(written.values())


def storage(episode: Episode, judge: Judge) -> float:
    """``R_storage = N_high_quality / max(1, N_total)`` over :func:`written_entries`.

    An entry is of high quality if the judge finds a gold fact of the task in it; without any entry it is 0.
    """
    entries = written_entries(episode)
    if not entries:
        return 0.0
    start = episode.start
    useful = findings(judge, start.instruction, start.answer or "", start.key_facts, entries).useful
    return sum(useful) / len(entries)


def maintenance(episode: Episode) -> float:
    """``R_maintenance``: 1 if any UPDATE or DELETE was carried out, else 0."""
    return float(any(kind_of(result) in ("updated", "deleted") for result in episode.tool_results))


def retrieved_entries(episode: Episode) -> tuple[str, ...]:
    """What RETRIEVE brought while the query was known (stage 3), each text once."""
    steps = [step for step in episode.steps if step.stage == 3]
    results = [result for step in steps for result in step.tool_results if kind_of(result) == "retrieved"]
    return tuple(dict.fromkeys(text for result in results for text in texts_of(result)))


def relevance(episode: Episode, judge: Judge) -> float:
    """``R_relevance``: how well :func:`retrieved_entries` match the query, as the judge finds; 0 if there are none."""
    entries = retrieved_entries(episode)
    return judge.relevance(episode.start.instruction, episode.start.key_facts, entries) if entries else 0.0


# --------------------------------------------------------------------------------------------------- penalties


def rounds_exceeded(episode: Episode) -> bool:
    """``N_rounds > N_max``: the agent used up its replies before the task was over."""
    return episode.truncated and len(episode.steps) >= episode.max_rounds


def tokens_exceeded(episode: Episode) -> bool:
    """``T_used > T_max``: the context was over its budget when the last reply was asked for, or that ended the episode.

    Exactly the budget fits.
    """
    return tokens_used(episode) > episode.token_budget or episode.ended_by == "overflow"
