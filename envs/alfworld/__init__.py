"""ALFWorld: household chores in text rooms (TextWorld with fast-downward), generated or official games.

- :class:`ALFWorldTask`: the benchmark's :class:`~agemem_gym.task.Task`

The parts, from the outside in::

    task ─► generated (rooms, packaged) or official ─► game ─► engine ─► translation, library   (fast-downward)
      │                                                          └─────► grammar, state, names  (the texts)
      └──► goals (progress), facts (what stage 1 tells), commands (what an agent may write)
"""

from .task import ALFWorldTask

__all__ = ["ALFWorldTask"]
