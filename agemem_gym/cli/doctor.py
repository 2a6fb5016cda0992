"""``agemem doctor``: what is installed, what is missing, how to mend it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from agemem_gym.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add the command's parser."""
    command = commands.add_parser("doctor", help="what is installed, what is missing, how to mend it")
    command.set_defaults(command=doctor)


def doctor(options: argparse.Namespace, console: Console) -> int:
    """Print what was found; status 1 if something is missing."""
    from agemem_gym.doctor import examine

    table = Table(title="Doctor")
    for heading in ("", "what", "found", "to mend it"):
        table.add_column(heading)
    missing = 0
    for finding in examine():
        missing += finding.ok is False
        mark = {True: "[green]ok", False: "[red]missing", None: "[yellow]optional"}[finding.ok]
        table.add_row(mark, finding.what, finding.found, finding.mend)
    console.print(table)
    return 1 if missing else 0
