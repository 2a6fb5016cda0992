"""The command line: ``agemem list | doctor | play | run | replay | rescore | leaderboard | label | agreement``,
``check-model | demos | sft | train``.

One file a command. Each has ``add(commands)``, which adds its parser to those of the others, and the function that the parser
names as ``command``: it takes the parsed options and a terminal, and returns the exit status (:mod:`agemem_gym.cli.status`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from gymnasium.error import Error as GymnasiumError

from agemem_gym.cli import (
    agreement,
    check_model,
    demos,
    doctor,
    label,
    leaderboard,
    listing,
    play,
    replay,
    rescore,
    run,
    sft,
    train,
)
from agemem_gym.cli.parser import Parser
from agemem_gym.cli.status import Status, status_of
from agemem_gym.errors import AgeMemError
from agemem_gym.foreign import for_terminal
from agemem_gym.terminal import make_terminal

_COMMANDS = (listing, doctor, play, run, replay, rescore, leaderboard, label, agreement, check_model, demos, sft, train)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    given = [*(sys.argv[1:] if arguments is None else arguments)]
    options = make_parser().parse_args(given)
    options.given = given
    # a user's own agents and envs are looked for where the command is run, as `python -m` does
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    terminal = make_terminal()
    try:
        return int(options.command(options, terminal) or Status.OK)
    except (AgeMemError, GymnasiumError, OSError) as error:
        _say(_of_system(error) if isinstance(error, OSError) and not isinstance(error, AgeMemError) else str(error))
        return int(status_of(error))
    except KeyboardInterrupt:
        _say("stopped; what was finished is kept")
        return int(Status.STOPPED)


def make_parser() -> Parser:
    """The parser of all commands."""
    from agemem_gym import __version__

    parser = Parser(prog="agemem", description="Environments for agents that manage their own memory.")
    parser.add_argument("--version", action="version", version=f"agemem-gym {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    for module in _COMMANDS:
        module.add(commands)
    return parser


def _of_system(error: OSError) -> str:
    """What the operating system refused, as a sentence: a full disk, a read-only folder, a file where a folder should be."""
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}"


def _say(sentence: str) -> None:
    print(f"agemem: {for_terminal(sentence)}", file=sys.stderr)
