"""Everything that acts or learns.

- :class:`Agent`: what an agent is; :func:`make_agent` finds one by name or by ``package.module:Class``
- :mod:`agemem_gym.baselines.scripted`: agents without a model: random, oracle, scripted memory
"""

from agemem_gym.baselines.agent import AGENTS, Agent, agent_env_kwargs, make_agent

__all__ = ["AGENTS", "Agent", "agent_env_kwargs", "make_agent"]
