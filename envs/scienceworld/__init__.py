"""ScienceWorld: elementary science experiments in a text world, on the real simulator in a JVM.

- :mod:`.task`: :class:`ScienceWorldTask`, and the documentation page of the env
- :mod:`.engine`: one JVM: start, calls with a time-out, reproducible loading, the pool of idle ones
- :mod:`.variations`: the tasks, their variations, splits and order
- :mod:`.facts`: what is where, in casual sentences
"""

from agemem_gym.envs.scienceworld.task import ScienceWorldTask

__all__ = ["ScienceWorldTask"]
