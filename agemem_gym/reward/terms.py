"""The terms of the reward, each a pure function of the Episode. AgeMem (arXiv:2601.01885), appendix A.2."""

from __future__ import annotations

from agemem_gym.episode import Episode

NO_ANSWER = -1.0
"""`P_no_answer`: the task reward of a question that got no answer."""


def task_score(episode: Episode, metric: str) -> float:
    """`R_task` in [0, 1]: what the benchmark reports; -1 for a question without an answer.

    Args:
        episode: a finished episode.
        metric: ``"success"`` or ``"progress"`` (:attr:`agemem_gym.task.Task.metric`).
    """
    if episode.start.answer is not None and episode.answer is None:
        return NO_ANSWER
    return float(episode.success) if metric == "success" else episode.progress


def rounds_exceeded(episode: Episode) -> bool:
    """``N_rounds > N_max``: the agent used up its replies before the task was over."""
    return episode.truncated and len(episode.steps) >= episode.max_rounds


def tokens_exceeded(episode: Episode) -> bool:
    """``T_used > T_max``: the context was over its budget when the last reply was asked for. Exactly the budget fits."""
    return bool(episode.steps) and episode.steps[-1].prompt_tokens > episode.token_budget
