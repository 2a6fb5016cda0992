"""The return of an episode, given at its last step: ``R = R_task + P_penalty``. AgeMem (arXiv:2601.01885), appendix A.2."""

from __future__ import annotations

from dataclasses import dataclass

from agemem_gym.episode import Episode
from agemem_gym.errors import ConfigurationError
from agemem_gym.reward.terms import rounds_exceeded, task_score, tokens_exceeded


@dataclass(frozen=True)
class Reward:
    """Task reward and penalties.

    Attributes:
        penalty_rounds: `P_rounds`, for using up all replies.
        penalty_overflow: `P_overflow`, for a context over its token budget.
    """

    penalty_rounds: float = -1.0
    penalty_overflow: float = -0.5

    def terms(self, episode: Episode, metric: str) -> dict[str, float]:
        """All terms by name; ``total`` is the return."""
        terms = {
            "task": task_score(episode, metric),
            "penalty_rounds": self.penalty_rounds if rounds_exceeded(episode) else 0.0,
            "penalty_overflow": self.penalty_overflow if tokens_exceeded(episode) else 0.0,
        }
        return {**terms, "total": sum(terms.values())}


def make_reward(spec: str | Reward) -> Reward:
    """``"task"``, or a :class:`Reward`."""
    if spec == "task":
        return Reward()
    if isinstance(spec, Reward):
        return spec
    raise ConfigurationError(f"reward={spec!r}: expected 'task' or a Reward")
