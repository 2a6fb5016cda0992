"""``agemem doctor``: what is installed, what is missing, how to mend it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from agemem_gym.cli.status import Status

if TYPE_CHECKING:
    from agemem_gym.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add the command's parser."""
    command = commands.add_parser("doctor", help="what is installed, what is missing, how to mend it")
    command.set_defaults(command=doctor)


def doctor(options: argparse.Namespace, console: Console) -> Status:
    """Print what was found, and below it how to mend each thing: a command is to be copied, so no table breaks it."""
    from agemem_gym.doctor import examine

    marks = {True: Text("ok", "green"), False: Text("missing", "red"), None: Text("optional", "yellow")}
    table = Table(title="Doctor")
    for heading in ("", "what", "found"):
        table.add_column(heading)
    findings = [*examine()]
    for finding in findings:
        table.add_row(marks[finding.ok], finding.what, finding.found)
    console.print(table)
    missing = [finding for finding in findings if finding.ok is False]
    left_out = [finding for finding in findings if finding.ok is None]
    for title, group in (("Missing", missing), ("Optional, and not installed", left_out)):
        if group:
            console.print(f"{title}:")
        for mend in dict.fromkeys(finding.mend for finding in group):
            what = ", ".join(finding.what for finding in group if finding.mend == mend)
            console.print(f"  {what}: {mend}", soft_wrap=True)
    if not missing:
        console.print("What is installed is complete.")
    return Status.FINDING if missing else Status.OK
