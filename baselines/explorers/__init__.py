"""Honest players of each benchmark, and the agents that are made of them: how much is memory worth?

- :mod:`.explorer`: what an explorer is
- :mod:`.alfworld`, :mod:`.babyai`, :mod:`.hotpotqa`, :mod:`.pddl`, :mod:`.scienceworld`: one for each benchmark
- :mod:`.statements`: what a message says, and what it takes back
- :mod:`.agents`: ``explorer``, ``store-all``, ``store-only``, ``store-all-noisy``

An explorer knows nothing but what it was told and what it sees. Agents made of it differ only in what reaches it from
stage 1, so the difference of their success is what the task needs its memory for.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping

from agemem_gym.baselines.explorers.explorer import Explorer
from agemem_gym.errors import ConfigurationError

EXPLORERS: Mapping[str, str] = {
    "alfworld": "agemem_gym.baselines.explorers.alfworld:ALFWorldExplorer",
    "babyai": "agemem_gym.baselines.explorers.babyai:BabyAIExplorer",
    "hotpotqa": "agemem_gym.baselines.explorers.hotpotqa:HotpotQAExplorer",
    "pddl": "agemem_gym.baselines.explorers.pddl:PDDLExplorer",
    "scienceworld": "agemem_gym.baselines.explorers.scienceworld:ScienceWorldExplorer",
}
"""The explorer of each benchmark, by the name in ``info["benchmark"]``."""


def make_explorer(benchmark: str) -> Explorer:
    """The explorer of a benchmark.

    Raises:
        ConfigurationError: there is none for it.
    """
    if benchmark not in EXPLORERS:
        raise ConfigurationError(f"there is no explorer for {benchmark!r}: expected one of {', '.join(EXPLORERS)}")
    module, _, name = EXPLORERS[benchmark].partition(":")
    explorer: Explorer = getattr(importlib.import_module(module), name)()
    return explorer


__all__ = ["EXPLORERS", "Explorer", "make_explorer"]
