"""From a command in words to low-level actions.

AgentBoard plans every macro action of a view in advance; :class:`Commands` plans only what is asked for::

    Commands(view, carrying).find("go to red ball 1")   ->  Plan([2, 2, 0])  or  Refusal("You cannot go to …")
    Commands(view, carrying).everything()               ->  every command that is possible now, in AgentBoard's order

Numbers follow upstream: an object of ``go to`` and ``pickup`` counts only those of its name that can be reached.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from agemem_gym.envs.babyai import wording
from agemem_gym.envs.babyai.paths import DROP, FORWARD, LEFT, PICKUP, RIGHT, TOGGLE, find_path
from agemem_gym.envs.babyai.view import Thing, View

CHECK = "check available actions"
LOW_LEVEL = {"turn left": LEFT, "turn right": RIGHT, "move forward": FORWARD, "drop": DROP, "toggle": TOGGLE}
_MACRO = re.compile(r"(pickup|go to|go through|toggle and go through) (.+) ([1-9][0-9]{0,3})")
Plan = list[int]


@dataclass(frozen=True)
class Refusal:
    """Why a command is not possible."""

    reason: str


class Commands:
    """The macro commands of AgentBoard that are possible in one view.

    Args:
        view: what is visible.
        carrying: minigrid's object in the agent's hands, or ``None``.
    """

    def __init__(self, view: View, carrying: Any) -> None:
        self._view = view
        self._carrying = carrying

    def find(self, command: str) -> Plan | Refusal:
        """The low-level actions of `command`, or why it cannot be done."""
        if command in LOW_LEVEL:
            return self._low_level(command)
        if command == "go to goal":
            return self._go_to_goal()
        match = _MACRO.fullmatch(command)
        if match is None:
            return Refusal(wording.UNKNOWN)
        verb, name, number = match[1], match[2], int(match[3])
        if verb in ("go to", "pickup"):
            return self._approach(verb, name, number)
        return self._through(verb, name, number)

    def everything(self) -> list[str]:
        """All possible commands, in AgentBoard's order."""
        commands = ["turn left", "turn right"]
        if self._can_walk:
            commands.append("move forward")
        if self._carrying is None:
            commands += self._approaches("pickup")
        elif self._can_drop:
            commands.append("drop")
        for command in self._doors():
            if command not in commands:
                commands.append(command)
        if isinstance(self._go_to_goal(), list):
            commands.append("go to goal")
        return [*commands, *self._approaches("go to"), CHECK]

    @property
    def _can_walk(self) -> bool:
        return self._view.barrier is None or self._view.barrier[1] > 1

    @property
    def _can_drop(self) -> bool:
        return self._view.front not in self._view.blocked

    @cached_property
    def _ways(self) -> dict[Thing, Plan | None]:
        return {}

    def _way(self, thing: Thing, arrive: bool = False) -> Plan | None:
        """The way to `thing`, planned once."""
        if thing not in self._ways:
            self._ways[thing] = find_path(self._view, thing.cell, arrive)
        return self._ways[thing]

    def _low_level(self, command: str) -> Plan | Refusal:
        if command == "move forward" and not self._can_walk:
            return Refusal(wording.BARRIER)
        if command == "drop" and self._carrying is None:
            return Refusal("You cannot drop the object, as you are not carrying anything.")
        if command == "drop" and not self._can_drop:
            return Refusal("You cannot drop the object, as there is already an object in front of you.")
        if command == "toggle" and not any(self._opens(door) and self._way(door) == [] for door in self._all("door")):
            return Refusal(wording.UNKNOWN)
        return [LOW_LEVEL[command]]

    def _all(self, kind: str) -> list[Thing]:
        return [thing for thing in self._view.things if thing.kind == kind]

    def _targets(self, verb: str) -> list[Thing]:
        """What `verb` can be said of, near to far."""
        if verb == "pickup" and self._carrying is not None:
            return []
        without = ("goal", "door") if verb == "pickup" else ("goal",)
        return [thing for thing in self._view.things if thing.kind not in without]

    def _approach(self, verb: str, name: str, number: int) -> Plan | Refusal:
        """``go to`` and ``pickup``: the `number`-th object of this name that can be reached."""
        reached, last_refused = 0, False
        for thing in self._targets(verb):
            if thing.name != name:
                continue
            way = self._way(thing)
            last_refused = way is None
            if way is None:
                continue
            reached += 1
            if reached == number:
                return [*way, PICKUP] if verb == "pickup" else way
        if last_refused and number == reached + 1:
            return Refusal(f"You cannot {verb} {name} {number}, as there is no path leading to it.")
        return Refusal(wording.UNKNOWN)

    def _approaches(self, verb: str) -> Iterator[str]:
        counts: dict[str, int] = {}
        for thing in self._targets(verb):
            if self._way(thing) is not None:
                counts[thing.name] = counts.get(thing.name, 0) + 1
                yield f"{verb} {thing.name} {counts[thing.name]}"

    def _opens(self, door: Thing) -> bool:
        """Whether `door` is shut and can be opened as things are."""
        colour, state, _ = door.name.split()
        held = self._carrying
        return state == "closed" or (
            state == "locked" and held is not None and held.type == "key" and held.color == colour
        )

    def _through(self, verb: str, name: str, number: int) -> Plan | Refusal:
        """``go through`` and ``toggle and go through``: the `number`-th door of this name."""
        doors = [door for door in self._all("door") if door.name == name]
        if number > len(doors):
            return Refusal(wording.UNKNOWN)
        door, what = doors[number - 1], f"{name} {number}"
        colour, state, _ = name.split()
        if verb == "go through" and state == "closed":
            return Refusal(f"You cannot go through {what}, as it is closed. You should toggle it first.")
        if (verb == "go through") != (state == "open"):
            return Refusal(wording.UNKNOWN)
        if state == "locked" and (self._carrying is None or self._carrying.type != "key"):
            return Refusal(f"You cannot {verb} {what}, as you are not carrying a key.")
        if state == "locked" and self._carrying.color != colour:
            return Refusal(
                f"You cannot {verb} {what}, as the color of the key you are carrying does not match the color of door."
            )
        way = self._door_way(door)
        if way is None:
            return Refusal(f"You cannot {verb} {what}, as there is no path leading to it.")
        return way if state == "open" else [*way, TOGGLE, FORWARD]

    def _door_way(self, door: Thing) -> Plan | None:
        """Onto an open door, or in front of a shut one."""
        if door.name.split()[1] == "open":
            return find_path(self._view, door.cell, arrive=True)
        return self._way(door)

    def _doors(self) -> Iterator[str]:
        counts: dict[str, int] = {}
        for door in self._all("door"):
            number = counts[door.name] = counts.get(door.name, 0) + 1
            is_open = door.name.split()[1] == "open"
            if not is_open and not self._opens(door):
                continue
            way = self._door_way(door)
            if way is None:
                continue
            yield f"{'go through' if is_open else 'toggle and go through'} {door.name} {number}"
            if way == [] and not is_open:
                yield "toggle"

    def _go_to_goal(self) -> Plan | Refusal:
        goals = [find_path(self._view, thing.cell, arrive=True) for thing in self._all("goal")]
        ways = [way for way in goals if way is not None]
        if ways:
            return ways[-1]
        if goals:
            return Refusal("You cannot go to the goal, as there is no path leading to it.")
        return Refusal(wording.UNKNOWN)
