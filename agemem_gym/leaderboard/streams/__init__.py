"""The suite of streams: what an agent's memory is worth as it grows, over tasks in a row.

::

    task 1 ─► memory 1 ─► task 2 ─► memory 2 ─► …   each played with its stages, the memory carried over
                 │                     │
                 ▼                     ▼
              P[1][j]               P[2][j]         each task alone, with this memory; what it writes is thrown away

- :mod:`.plan`: which episodes a stream comes to
- :mod:`.play`: playing them, from memories that are there or as they come to be
- :mod:`.memories`: ``memories.jsonl``: the memory after each task, so that a board can be gone on with
- :mod:`.board`, :mod:`.table`: measures with intervals over streams, and how they go along the stream
- :mod:`.run`: all of it together
"""

from agemem_gym.leaderboard.streams.run import run_streams

__all__ = ["run_streams"]
