"""The view in words, in AgentBoard's wording, character for character (its double spaces too)."""

from __future__ import annotations

from typing import Any

from agemem_gym.envs.babyai.view import Thing, View

COMPLETED = "\n The task is completed."
FAILED = "\n The task has failed: the mission can no longer be completed."
UNCHANGED = "No change in state."
UNKNOWN = "The action is not recognized. Please check valid actions."
BARRIER = "There is a barrier in front of you, you can't move forward."


def describe(view: View, carrying: Any) -> str:
    """The observation: what is visible, near to far, the wall or box straight ahead, and what is carried."""
    parts = []
    if view.cells:
        parts.append("In front of you in this room, you can see several objects: ")
        counts: dict[str, int] = {}
        for thing in view.things:
            number = counts[thing.name] = counts.get(thing.name, 0) + 1
            parts.append(f"There is a {thing.name} {number} {_place(thing)} ")
    else:
        parts.append("You cannot see any objects within sight.")
    parts.append("The room has walls around you. ")
    if view.barrier is not None:
        kind, distance = view.barrier
        parts.append(f"You are facing a {kind} {distance} steps away. ")
    if carrying is None:
        parts.append("You are not carrying anything.")
    else:
        parts.append(f"You are carrying a {carrying.color} {carrying.type}.")
    return "".join(parts)


def _place(thing: Thing) -> str:
    if thing.right == 0:
        return f"right in front of you {thing.ahead} steps away. "
    side = "right" if thing.right > 0 else "left"
    return f"{thing.ahead} steps in front of you and {abs(thing.right)} steps to your {side}. "


def goal_text(mission: str) -> str:
    """The mission as AgentBoard states it: the order of two parts is not told."""
    return mission.replace("then", "and").replace("after you", "and")


def listing(commands: list[str]) -> str:
    """The reply to ``check available actions``."""
    return "You can take the following actions: " + ", ".join(commands)
