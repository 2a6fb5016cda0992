"""The main job: agents x envs x episodes, in processes, resumable, with a table at the end.

- :mod:`agemem_gym.leaderboard.play`: one episode, and the row that it leaves
- :mod:`agemem_gym.leaderboard.results`: ``episodes.jsonl``: append, read, survive a kill
- :mod:`agemem_gym.leaderboard.pool`: worker processes
- :mod:`agemem_gym.leaderboard.table`: the table on the terminal and ``leaderboard.md``
- :mod:`agemem_gym.leaderboard.run`: all of it together
"""

from agemem_gym.leaderboard.play import EpisodeRow, Job, play_episode
from agemem_gym.leaderboard.run import run_leaderboard

__all__ = ["EpisodeRow", "Job", "play_episode", "run_leaderboard"]
