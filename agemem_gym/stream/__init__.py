"""Streams: tasks in a row over one long-term memory, in worlds that come back and change.

- :mod:`.order`: which task is set in which world
- :mod:`.places`: worlds by name
- :mod:`.news`: what is said before a task: what is new about its world
- :mod:`.script`: both worked out for one stream, with the engine's word on goals and facts
- :class:`Stream`: the Gymnasium wrapper that plays them
- :class:`Matrix`: what each memory was worth on each task, and plasticity, stability, transfer, forgetting out of it
"""

from agemem_gym.stream.env import STREAM_PROMPT, Stream
from agemem_gym.stream.measures import Matrix
from agemem_gym.stream.order import ORDERS, StreamSettings, Visit, visits

__all__ = ["ORDERS", "STREAM_PROMPT", "Matrix", "Stream", "StreamSettings", "Visit", "visits"]
