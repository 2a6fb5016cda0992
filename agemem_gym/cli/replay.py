"""``agemem replay``: play recorded episodes again and compare byte for byte."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from agemem_gym.checks import file_at
from agemem_gym.cli.status import Status
from agemem_gym.errors import ConfigurationError

if TYPE_CHECKING:
    from agemem_gym.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add the command's parser."""
    command = commands.add_parser("replay", help="play recorded episodes again and compare byte for byte")
    command.add_argument("file", type=Path, metavar="FILE", help="episodes, as --record writes them")
    command.set_defaults(command=replay_file)


def replay_file(options: argparse.Namespace, console: Console) -> Status:
    """Replay each episode of the file."""
    from agemem_gym.episode import read_episodes
    from agemem_gym.replay import replay

    different = count = 0
    for episode in read_episodes(file_at("FILE", options.file, "a file of recorded episodes")):
        count += 1
        difference = replay(episode)
        different += difference is not None
        name = f"{episode.env_id} {episode.start.task_id}, {len(episode.steps)} replies"
        console.print(f"{name}: {'the same' if difference is None else f'differs at {difference}'}")
    if not count:
        raise ConfigurationError(f"{options.file} holds no episode")
    console.print(f"{count - different} of {count} episodes are the same, byte for byte.")
    return Status.FINDING if different else Status.OK
