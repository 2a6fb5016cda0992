"""Stable-Baselines3 on these envs, unmodified: hashed observations, discrete actions that stand for replies.

- :mod:`.templates`: the replies that an action may stand for, and which of them make sense now
- :mod:`.hashing`: what an algorithm sees: words of the observation, hashed to a fixed vector
- :mod:`.wrappers`: :class:`HashedTextObservation` and :class:`TemplateActions`, the same as Gymnasium wrappers
- :mod:`.train`: trains PPO, DQN or MaskablePPO and saves it; ``python -m agemem_gym.baselines.sb3.train``
- :mod:`.agent`: a saved model on the board, as ``sb3-ppo``

A floor for learning without a language model: such a policy can learn when to store, to retrieve and to act; what it says is
made of templates.
"""

from agemem_gym.baselines.sb3.wrappers import HashedTextObservation, TemplateActions, make_sb3_env

__all__ = ["HashedTextObservation", "TemplateActions", "make_sb3_env"]
