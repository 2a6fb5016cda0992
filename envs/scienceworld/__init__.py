"""ScienceWorld: elementary science experiments in a text world, on the real simulator in a JVM.

- :mod:`.task`: :class:`ScienceWorldTask`, and the documentation page of the env
- :mod:`.variations`, :mod:`.settings`: the tasks, their variations and splits; the keywords
- :mod:`.jvm`, :mod:`.simulator`, :mod:`.pool`: a JVM, the simulator in it, and who has which
- :mod:`.expert`: the gold path
- :mod:`.facts`: what is where, in sentences
- :mod:`.labels`: AgentBoard's label file
"""

from agemem_gym.envs.scienceworld.task import ScienceWorldTask

__all__ = ["ScienceWorldTask"]
