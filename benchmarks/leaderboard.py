"""The leaderboard: agents x envs x episodes; the same as ``agemem leaderboard``, see ``--help``."""

import sys

from agemem_gym.cli import main

if __name__ == "__main__":
    sys.exit(main(["leaderboard", *sys.argv[1:]]))
