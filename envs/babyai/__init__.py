"""The BabyAI benchmark: minigrid's levels as a Task, seen and played in words.

- :mod:`levels`: which levels and seeds
- :mod:`world`: a minigrid level without its images
- :mod:`view`, :mod:`wording`: what the agent sees, and how it is said
- :mod:`paths`, :mod:`commands`: from words to low-level actions
- :mod:`bot`, :mod:`planner`, :mod:`expert`: the oracle
- :mod:`facts`: background, gold facts and distractors for memory
- :mod:`houses`, :mod:`missions`, :mod:`house_facts`: levels furnished anew, what can be asked for in them, what is true of them
- :mod:`setting`: a level or a house, as an episode's setting
- :mod:`labels`: AgentBoard's label file
- :mod:`task`: :class:`BabyAITask`, which puts them together
"""

from __future__ import annotations

from agemem_gym.envs.babyai.task import BabyAITask

__all__ = ["BabyAITask"]
