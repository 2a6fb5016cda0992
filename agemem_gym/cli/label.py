"""``agemem label``: a person says of saved answers and memories whether they are right, blind to who made them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from agemem_gym.checks import file_at
from agemem_gym.cli.status import Status
from agemem_gym.errors import ConfigurationError

if TYPE_CHECKING:
    from agemem_gym.agreement import Item, LabelFile
    from agemem_gym.cli.arguments import Commands
    from agemem_gym.terminal import Terminal

KEYS = {"y": "yes", "n": "no", "s": "skip for good", "u": "undo the last", "q": "quit; what is labelled is kept"}
_LABELS: dict[str, bool | None] = {"y": True, "n": False, "s": None}
_ASKED = {"answer": "Is this answer right?", "memory": "Does this memory state the fact?"}


def add(commands: Commands) -> None:
    """Add the command's parser."""
    command = commands.add_parser(
        "label",
        help="say of saved answers and memories whether they are right",
        description="Show saved answers and memories, blind, and take labels by single keys: "
        + ", ".join(f"{key} {text}" for key, text in KEYS.items())
        + ". Called again, it goes on where it was left.",
    )
    command.add_argument("file", type=Path, metavar="FILE", help="episodes, as the leaderboard and --record write them")
    add_labels(command)
    command.add_argument(
        "--kind", choices=("answer", "memory", "all"), default="all", help="what to label (default: all)"
    )
    command.set_defaults(command=label)


def add_labels(command: argparse.ArgumentParser) -> None:
    """``--labels FILE``."""
    command.add_argument(
        "--labels", type=Path, metavar="FILE", help="where labels are kept, one file a person (FILE.labels.jsonl)"
    )


def labels_path(options: argparse.Namespace) -> Path:
    """Where the labels of an episodes file are kept."""
    return options.labels or options.file.with_name(f"{options.file.name}.labels.jsonl")


def label(options: argparse.Namespace, terminal: Terminal) -> Status:
    """Ask for what is not labelled yet."""
    from agemem_gym.agreement import KINDS, LabelFile, items_of
    from agemem_gym.episode import read_episodes

    kinds = KINDS if options.kind == "all" else (options.kind,)
    items = items_of(read_episodes(file_at("FILE", options.file, "a file of recorded episodes")), kinds)
    if not items:
        raise ConfigurationError(
            f"{options.file} holds nothing to label: no answered question and no memory with facts"
        )
    labels = LabelFile(labels_path(options))
    with _keys() as read_key:
        _ask(items, labels, terminal, read_key)
    done = sum(item.key in labels.labels for item in items)
    terminal.print(f"{done} of {len(items)} labelled, in {labels_path(options)}", soft_wrap=True)
    return Status.OK


def _ask(items: list[Item], labels: LabelFile, terminal: Terminal, read_key: Callable[[], str]) -> None:
    while todo := [item for item in items if item.key not in labels.labels]:
        _show(todo[0], len(items) - len(todo) + 1, len(items), terminal)
        while (key := read_key()) not in KEYS:
            terminal.print(", ".join(f"{key} {text}" for key, text in KEYS.items()))
        if key == "q":
            return
        if key == "u":
            if labels.undo() is None:
                terminal.print("nothing to undo")
        else:
            labels.give(todo[0], _LABELS[key])


def _show(item: Item, number: int, count: int, terminal: Terminal) -> None:
    terminal.rule(f"{number} of {count}")
    wanted, given = ("expected", "answer") if item.kind == "answer" else ("fact", "memory")
    for name, texts in (("question", (item.question,)), (wanted, (item.expected,)), (given, item.texts)):
        terminal.print(Text(name, "bold"))
        for text in texts:
            terminal.print(f"  {text}")
    terminal.print(f"{_ASKED[item.kind]} ({'/'.join(KEYS)})")


@contextmanager
def _keys() -> Iterator[Callable[[], str]]:
    """Single keys in a terminal; elsewhere the first letter of each line. The end of the input is ``q``."""
    if not sys.stdin.isatty():
        yield lambda: (sys.stdin.readline() or "q").strip()[:1].lower()
        return
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin, termios.TCSADRAIN)  # once, and without the flush that would swallow a key typed early
    try:
        yield lambda: (sys.stdin.read(1) or "q").lower().replace("\x04", "q")
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
