"""What an agent writes, brought into the exact form that the engine matches.

The engine takes a command only letter by letter. Case, repeated spaces and final dots are evened out here, and two ways of
saying one thing are both understood: alfworld 0.4 says ``move X to Y`` where older games and most published prompts say
``put X in/on Y`` (alfworld #96, #106).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

CHECK_VALID_ACTIONS = "check valid actions"

COMMANDS = (
    "Commands: go to <receptacle>, open <receptacle>, close <receptacle>, take <object> from <receptacle>, "
    "move <object> to <receptacle> (or: put <object> in/on <receptacle>), examine <something>, use <lamp>, "
    "heat <object> with <microwave>, cool <object> with <fridge>, clean <object> with <sinkbasin>, "
    "slice <object> with <knife>, look, inventory, help, check valid actions. Name things with their number, "
    "e.g. 'go to drawer 2'. You can carry one object at a time; a closed receptacle has to be opened first."
)

_PUT = re.compile(r"(?:put|place) (?P<object>.+?) (?:in/on|in / on|into|onto|inside|in|on|to) (?P<place>.+)")
_MOVE = re.compile(r"move (?P<object>.+?) to (?P<place>.+)")


def normalised(command: str) -> str:
    """Lower case, single spaces, no final dots."""
    return " ".join(command.lower().split()).rstrip(". ")


def readings(command: str) -> Iterator[str]:
    """The ways in which the engine may say `command`, as written first."""
    plain = normalised(command)
    yield plain
    if found := _PUT.fullmatch(plain):
        yield f"move {found['object']} to {found['place']}"
    if found := _MOVE.fullmatch(plain):
        yield f"put {found['object']} in/on {found['place']}"


def changes_view(command: str) -> bool:
    """Whether a ``look`` afterwards should repeat what `command` showed."""
    return command.startswith(("go to ", "open "))


def only_looks(command: str) -> bool:
    """Whether `command` leaves the room as it is."""
    return command.startswith(("look", "inventory", "examine ", "help"))
