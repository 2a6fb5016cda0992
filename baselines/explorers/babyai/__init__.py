"""An honest player of BabyAI: it reads what it sees, draws a map, and goes where it was told that things are.

- :mod:`.observation`, :mod:`.statements`: the engine's text and people's sentences, read
- :mod:`.floor`, :mod:`.house_map`: where the walls must be, where one is, what has been seen
- :mod:`.knowledge`: what was told, in the terms of the map
- :mod:`.routes`: the fewest commands to where something holds
- :mod:`.explorer`: what to do next
"""

from __future__ import annotations

from agemem_gym.baselines.explorers.babyai.explorer import BabyAIExplorer

__all__ = ["BabyAIExplorer"]
