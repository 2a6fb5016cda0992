"""Rewards: pure functions of an :class:`~agemem_gym.episode.Episode`.

- :mod:`agemem_gym.reward.terms`: the terms of AgeMem (arXiv:2601.01885), appendix A.2
- :mod:`agemem_gym.reward.composite`: their weighted sum
"""

from agemem_gym.reward.composite import Reward, make_reward

__all__ = ["Reward", "make_reward"]
