"""What a game asks for, read from its PDDL goal, and how far the state has come.

Six task types. Each is a short list of subgoals over the state's facts; progress is the share of them met at some time in
the episode (a subgoal once met stays met, so that progress never falls), and 1 exactly when the game is won:

==============================  ===============================================================
``pick_and_place_simple``       an object of the kind was held · it lies where it should
``pick_clean_then_place…``      held · a clean one was held · won
``pick_heat_then_place…``       held · a hot one was held · won
``pick_cool_then_place…``       held · a cool one was held · won
``look_at_obj_in_light``        held · a lamp of the kind is switched on · won
``pick_two_obj_and_place``      held · one brought to its place · the second held · won
==============================  ===============================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from agemem_gym.errors import ConfigurationError

from .state import WorldState

TASK_TYPES = (
    "pick_and_place_simple",
    "look_at_obj_in_light",
    "pick_clean_then_place_in_recep",
    "pick_heat_then_place_in_recep",
    "pick_cool_then_place_in_recep",
    "pick_two_obj_and_place",
)
"""In the order of ``AlfredTWEnv``'s ids 1 to 6."""

TREATMENTS = {"isclean": "clean", "ishot": "heat", "iscool": "cool"}
"""What an object's state is called in the PDDL domain, and the command that brings it about."""


@dataclass(frozen=True)
class Goal:
    """What has to be reached.

    Attributes:
        task_type: one of :data:`TASK_TYPES`.
        kind: the object's kind, lower case, e.g. ``"mug"``.
        place: the kind of receptacle that it has to lie in; empty where a lamp is asked for.
        lamp: the kind of lamp; empty elsewhere.
        treatment: ``"isclean"``, ``"ishot"`` or ``"iscool"``; empty where none is asked for.
        count: how many objects.
    """

    task_type: str
    kind: str
    place: str = ""
    lamp: str = ""
    treatment: str = ""
    count: int = 1


def parse_goal(problem: str) -> Goal:
    """The goal of a PDDL problem.

    Raises:
        ConfigurationError: the problem has no goal of the six task types.
    """
    text = problem[problem.find("(:goal") :].lower()
    kinds = dict(re.findall(r"\(objecttype \?(\w+) (\w+)type\)", text))
    place = re.search(r"\(receptacletype \?\w+ (\w+)type\)", text)
    lamp = next((kinds[variable] for variable in re.findall(r"\(istoggled \?(\w+)\)", text) if variable in kinds), "")
    objects = [kind for variable, kind in kinds.items() if f"(istoggled ?{variable})" not in text]
    treatment = next((name for name in TREATMENTS if f"({name} ?" in text), "")
    if "(:goal" not in problem or not objects or not (place or lamp):
        raise ConfigurationError("the game's PDDL goal is none of ALFWorld's six task types")
    count = 2 if "(not (= ?" in text else 1
    return Goal(_task_type(lamp, treatment, count), objects[0], place[1] if place else "", lamp, treatment, count)


def _task_type(lamp: str, treatment: str, count: int) -> str:
    if lamp:
        return "look_at_obj_in_light"
    if count == 2:
        return "pick_two_obj_and_place"
    if treatment:
        return f"pick_{TREATMENTS[treatment]}_then_place_in_recep"
    return "pick_and_place_simple"


class Progress:
    """The subgoals met so far in one episode."""

    def __init__(self, goal: Goal) -> None:
        self._goal = goal
        self._met = [False] * (4 if goal.count == 2 else 3 if goal.treatment or goal.lamp else 2)

    def update(self, world: WorldState, won: bool) -> float:
        """Look at the present state; the share of subgoals met so far, in [0, 1]."""
        goal, met = self._goal, self._met
        held = [item for _, item in world.facts("holds") if _is_kind(world, item, goal.kind)]
        met[0] |= bool(held)
        if goal.treatment:
            met[1] |= any(world.holds(goal.treatment, item) for item in held)
        elif goal.lamp:
            met[1] |= any(_is_kind(world, item, goal.lamp) for (item,) in world.facts("istoggled"))
        elif goal.count == 2:
            met[1] |= met[0] and self._placed(world)
            met[2] |= met[1] and bool(held)
        if won:
            met[:] = [True] * len(met)
        return sum(met) / len(met)

    def _placed(self, world: WorldState) -> bool:
        return any(
            _is_kind(world, item, self._goal.kind) and world.holds("receptacletype", place, f"{self._goal.place}type")
            for item, place in world.facts("inreceptacle")
        )


def _is_kind(world: WorldState, item: str, kind: str) -> bool:
    return world.holds("objecttype", item, f"{kind}type")
