"""Agents that play with a language model, a file each.

- :mod:`agemem_gym.baselines.agents.language_model`: the tools of the env, called by the model itself
"""
