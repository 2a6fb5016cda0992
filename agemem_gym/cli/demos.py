"""``agemem demos``: an agent's episodes as rows that a model can be trained on."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from agemem_gym.cli.arguments import add_env_arg, env_kwargs
from agemem_gym.cli.status import Status

if TYPE_CHECKING:
    from agemem_gym.cli.arguments import Commands
    from agemem_gym.terminal import Terminal

_DEMOS = "agemem_gym.baselines.sft.demos"


def add(commands: Commands) -> None:
    """Add the command's parser."""
    command = commands.add_parser(
        "demos",
        help="write an agent's episodes as rows to imitate",
        description="Play episodes and write a row for each reply of those that were solved: prompt and completion as chat "
        "messages, JSON Lines, as `agemem sft` and TRL take them. Status 1 if none was solved.",
    )
    command.add_argument("env", metavar="ID", help="an id of `agemem list`")
    command.add_argument(
        "--agent", default="store-all", help="who plays; `expert` is the engine's own (default: store-all)"
    )
    command.add_argument(
        "--agent-arg", action="append", default=[], metavar="KEYWORD=VALUE", help="keyword of the agent"
    )
    command.add_argument("--episodes", type=int, default=100, metavar="N", help="how many tasks (default: 100)")
    command.add_argument("--samples", type=int, default=1, metavar="K", help="episodes of each task (default: 1)")
    command.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the first task (default: 0)")
    command.add_argument("--failed", action="store_true", help="also what was not solved")
    command.add_argument("--out", type=Path, required=True, metavar="FILE", help="compressed if it ends in .gz")
    add_env_arg(command)
    command.set_defaults(command=demos)


def demos(options: argparse.Namespace, terminal: Terminal) -> Status:
    """Play, and write."""
    room = importlib.import_module(_DEMOS)
    played = room.collect(
        options.env,
        options.agent,
        options.episodes,
        seed=options.seed,
        samples=options.samples,
        env_kwargs=env_kwargs(options.env_arg),
        agent_kwargs=env_kwargs(options.agent_arg, "--agent-arg"),
        failed=options.failed,
    )
    count, rows = room.write_demos(options.out, played)
    terminal.print(
        f"{count} of {options.episodes * options.samples} episodes, {rows} rows, in {options.out}", soft_wrap=True
    )
    return Status.OK if count else Status.FINDING
