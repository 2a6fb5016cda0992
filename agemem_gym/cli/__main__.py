"""``python -m agemem_gym.cli``: the command line without an installed script."""

import sys

from agemem_gym.cli import main

if __name__ == "__main__":
    sys.exit(main())
