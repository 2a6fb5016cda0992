"""PDDL: classical planning in words.

- :mod:`.task`: :class:`PDDLTask`, and the documentation page of the env
- :mod:`.commands`, :mod:`.wording`, :mod:`.facts`: what an agent may write, facts and actions in words, what is told
- :mod:`.library`, :mod:`.generated`: where problems come from; problems for AgentBoard's four domains
- :mod:`.text`, :mod:`.types`, :mod:`.formulas`, :mod:`.axioms`, :mod:`.parsing`: from PDDL files to the plain data of
  :mod:`.language`
- :mod:`.joins`, :mod:`.reachability`: which actions can ever be applied
- :mod:`.conditions`, :mod:`.grounding`: states as bit sets, actions as masks
- :mod:`.planner`: the expert
"""

from agemem_gym.envs.pddl.task import PDDLTask

__all__ = ["PDDLTask"]
