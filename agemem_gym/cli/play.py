"""``agemem play``: play an env yourself, in the terminal."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from rich.console import Console

from agemem_gym.cli.arguments import add_env_arg, env_kwargs

if TYPE_CHECKING:
    from agemem_gym.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add the command's parser."""
    command = commands.add_parser("play", help="play an env yourself, in the terminal")
    command.add_argument("env", metavar="ID")
    command.add_argument("--seed", type=int, default=0)
    add_env_arg(command)
    command.set_defaults(command=play)


def play(options: argparse.Namespace, console: Console) -> None:
    """Play one episode."""
    from agemem_gym.play import play_in_terminal

    play_in_terminal(options.env, options.seed, env_kwargs(options.env_arg), console)
