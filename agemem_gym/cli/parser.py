"""The parser of the command line: argparse, but a misspelt command or option is answered with the one that was meant."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from agemem_gym.checks import did_you_mean
from agemem_gym.cli.status import Status
from agemem_gym.foreign import for_terminal

_WRONG_CHOICE = re.compile(r"invalid choice: '(?P<given>.*)' \(choose from (?P<known>.*)\)$", re.DOTALL)
_UNKNOWN = re.compile(r"unrecognized arguments: (?P<given>.*)$", re.DOTALL)


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one sentence, with exit status 2."""

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """As argparse does, but what a command does not know is its own error, not that of the program as a whole."""
        options, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return options, unknown

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, what was probably meant and where the help is, and end."""
        self.exit(Status.USAGE, f"agemem: {for_terminal(self._explained(message))} (see {self.prog} --help)\n")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """End with this status, as a plain number."""
        if message:
            print(message, end="", file=sys.stderr)
        sys.exit(int(status))

    def _explained(self, message: str) -> str:
        if choice := _WRONG_CHOICE.search(message):
            known = re.findall(r"'([^']+)'", choice["known"])
            return f"there is no {choice['given']!r}: expected {', '.join(known)}{did_you_mean(choice['given'], known)}"
        if unknown := _UNKNOWN.search(message):
            given = unknown["given"].split()
            wrong = next((word for word in given if word.startswith("-")), given[0])
            options = [text for action in self._actions for text in action.option_strings]
            return f"{self.prog} takes no {wrong!r}{did_you_mean(wrong.partition('=')[0], options)}"
        return message
