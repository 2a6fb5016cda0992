"""The main job: agents x envs x episodes, in live slots and processes, resumable, with a table at the end.

- :mod:`agemem_gym.leaderboard.plan`: which episodes are wanted, and what tells each from all others
- :mod:`agemem_gym.leaderboard.row`: the row that an episode leaves
- :mod:`agemem_gym.leaderboard.play`, :mod:`~agemem_gym.leaderboard.executors`, :mod:`~agemem_gym.leaderboard.pool`: playing, in
  this process or in others
- :mod:`agemem_gym.leaderboard.results`: ``results.jsonl`` and ``episodes.jsonl``: append, read, survive a kill, name damage
- :mod:`agemem_gym.leaderboard.columns`, :mod:`~agemem_gym.leaderboard.board`, :mod:`~agemem_gym.leaderboard.table`: what the
  rows come to, on the terminal and as ``leaderboard.md``
- :mod:`agemem_gym.leaderboard.run`: all of it together
"""

from agemem_gym.leaderboard.row import EpisodeRow
from agemem_gym.leaderboard.run import run_leaderboard
from agemem_gym.rollout import play_episode

__all__ = ["EpisodeRow", "play_episode", "run_leaderboard"]
