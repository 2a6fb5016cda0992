"""Everything that acts or learns. What an agent is, and how one is found, stands in :mod:`agemem_gym.agent`.

- :mod:`agemem_gym.baselines.scripted`: agents without a model: random, oracle, scripted memory
- :mod:`agemem_gym.baselines.staged`: agents that handle memory in one clear way, right or wrong
"""
