"""Lines that a person types: with history, arrow keys and completion in a terminal, plain where the input is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from agemem_gym.errors import install_command

if TYPE_CHECKING:
    from agemem_gym.terminal import Terminal

LineReader = Callable[[str], str]
"""Asks with this prompt and returns the line. Raises EOFError at the end of the input, KeyboardInterrupt at Ctrl-C."""


def make_reader(terminal: Terminal, completions: Callable[[], Iterable[str]]) -> LineReader:
    """The reader that fits the input; `completions` are the lines that the Tab key offers now."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return input
    try:
        return _with_history(completions)
    except ImportError:
        terminal.print(f"History and arrow keys need prompt_toolkit: {install_command()}", soft_wrap=True)
        return input


def _with_history(completions: Callable[[], Iterable[str]]) -> LineReader:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.history import InMemoryHistory

    completer = WordCompleter(lambda: [*completions()], sentence=True, match_middle=True)
    session: PromptSession[str] = PromptSession(
        history=InMemoryHistory(), completer=completer, complete_while_typing=False
    )
    return session.prompt
