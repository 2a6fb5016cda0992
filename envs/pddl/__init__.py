"""PDDL: classical planning in words.

- :mod:`.task`: :class:`PDDLTask`, and the documentation page of the env
- :mod:`.library`: where problems come from
- :mod:`.parsing`: PDDL text to tuples, through pddlgym's parsers
- :mod:`.grounding`: states as bit sets, actions as three masks
- :mod:`.planner`: the expert
- :mod:`.generators`: problems for AgentBoard's four domains
- :mod:`.wording`: facts and actions in words
"""

from agemem_gym.envs.pddl.task import PDDLTask

__all__ = ["PDDLTask"]
