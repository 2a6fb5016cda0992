"""Rewards, judges and memory metrics: pure functions of an :class:`~agemem_gym.episode.Episode` and a judge.

- :mod:`agemem_gym.reward.terms`: the terms of AgeMem (arXiv:2601.01885), appendix A.2
- :mod:`agemem_gym.reward.composite`: their weighted sum
- :mod:`agemem_gym.reward.judges`: what a judge is; :mod:`.offline` and :mod:`.chat` (with :mod:`.scores`) are two
- :mod:`agemem_gym.reward.making`: from a keyword of ``gym.make`` to a judge
- :mod:`agemem_gym.reward.metrics`: what memory was worth, for result rows
"""

from agemem_gym.reward.chat import ChatJudge
from agemem_gym.reward.composite import Reward, make_reward
from agemem_gym.reward.judges import Judge, JudgeError, MemoryVerdict, check_judge
from agemem_gym.reward.making import make_judge
from agemem_gym.reward.metrics import MemoryMetrics, answer_scores, memory_metrics
from agemem_gym.reward.offline import OfflineJudge

__all__ = [
    "ChatJudge",
    "Judge",
    "JudgeError",
    "MemoryMetrics",
    "MemoryVerdict",
    "OfflineJudge",
    "Reward",
    "answer_scores",
    "check_judge",
    "make_judge",
    "make_reward",
    "memory_metrics",
]
