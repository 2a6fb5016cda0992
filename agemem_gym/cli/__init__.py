"""The command line: ``agemem list | doctor | play | run | replay | leaderboard``.

One file a command. Each has ``add(commands)``, which adds its parser to those of the others, and the function that the parser
names as ``command``: it takes the parsed options and a console, and returns the exit status.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from rich.console import Console

from agemem_gym.cli import doctor, leaderboard, listing, play, replay, run
from agemem_gym.errors import AgeMemError

_COMMANDS = (listing, doctor, play, run, replay, leaderboard)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, or 1 for an error or a finding."""
    given = [*(sys.argv[1:] if arguments is None else arguments)]
    options = make_parser().parse_args(given)
    options.given = given
    console = Console(width=None if sys.stdout.isatty() else 160)
    # a user's own agents and envs are looked for where the command is run, as `python -m` does
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return int(options.command(options, console) or 0)
    except AgeMemError as error:
        print(f"agemem: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nagemem: stopped; what was finished is kept", file=sys.stderr)
        return 130


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(prog="agemem", description="Environments for agents that manage their own memory.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in _COMMANDS:
        module.add(commands)
    return parser
