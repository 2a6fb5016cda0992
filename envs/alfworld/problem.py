"""A quest in a furnished room as a PDDL problem, in the form of the official ones, and the shortest way to win it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import packaged
from .expert import shortest_plan
from .goals import TREATMENTS, Goal
from .names import demangled
from .rooms import Receptacle, Room, holds
from .state import WorldState

LAMP = "DeskLamp"


@dataclass(frozen=True)
class Thing:
    """An object: PDDL name, kind, and the receptacle that it lies in or on (none for decoration)."""

    name: str
    kind: str
    where: Receptacle | None


@dataclass(frozen=True)
class Quest:
    """What a generated game asks for, and where: kinds in AI2-THOR's spelling; ``place`` is empty for lamp tasks."""

    task_type: str
    kind: str
    place: str
    room: Room

    @property
    def name(self) -> str:
        """Type, thing, place and floor plan."""
        return f"{self.task_type}-{self.kind}-{self.place or LAMP}-{self.room.number}"


def walkthrough_of(quest: Quest, things: Sequence[Thing]) -> list[str]:
    """The shortest commands that win, worked out from the same facts that the engine starts with."""
    world = WorldState({}, {})
    for fact in _facts(quest.room, things):
        name, *arguments = fact.lower().split()
        world.add(name, tuple(arguments))
    lamp = "" if quest.place else LAMP.lower()
    treatment = next((state for state in TREATMENTS if TREATMENTS[state] in quest.task_type), "")
    count = 2 if quest.task_type == "pick_two_obj_and_place" else 1
    goal = Goal(quest.task_type, quest.kind.lower(), quest.place.lower(), lamp, treatment, count)
    return shortest_plan(world, demangled(world.entities()), goal)


def goal_sentence(quest: Quest, rng: np.random.Generator) -> str:
    """What is asked for, in one of the ways of alfworld's goal library."""
    templates = packaged.goal_library()[quest.task_type]["templates"]
    names = {"obj": quest.kind.lower(), "recep": quest.place.lower(), "toggle": LAMP.lower(), "mrecep": ""}
    return str(pick(rng, templates)).format(**names)


def pick(rng: np.random.Generator, items: Sequence[Any]) -> Any:
    """One of `items`, each as likely as the other."""
    return items[int(rng.integers(len(items)))]


def problem_text(quest: Quest, things: Sequence[Thing], name: str) -> str:
    """The problem for the engine."""
    goal = str(packaged.goal_library()[quest.task_type]["pddl"]).format(
        obj=quest.kind, recep=quest.place, toggle=LAMP, mrecep=""
    )
    objects = "\n".join(f"    {line}" for line in _objects(quest.room, things))
    facts = "\n".join(f"    ({fact})" for fact in _facts(quest.room, things))
    return (
        f"(define (problem {name})\n(:domain alfred)\n(:objects\n{objects}\n)\n(:init\n{facts}\n)\n"
        + goal.replace("#", "-").strip()
        + "\n"
    )


def _objects(room: Room, things: Sequence[Thing]) -> Iterator[str]:
    yield "agent1 - agent"
    yield from (f"{thing.name} - object" for thing in things)
    yield from (f"{receptacle.name} - receptacle" for receptacle in room.receptacles)
    yield from (f"{kind}Type - otype" for kind in sorted({thing.kind for thing in things}))
    yield from (f"{kind}Type - rtype" for kind in sorted({receptacle.kind for receptacle in room.receptacles}))
    yield from (f"{location} - location" for location in _locations(room))


def _locations(room: Room) -> list[str]:
    return sorted({receptacle.location for receptacle in room.receptacles} | {room.start})


def _facts(room: Room, things: Sequence[Thing]) -> Iterator[str]:
    yield f"atLocation agent1 {room.start}"
    for receptacle in room.receptacles:
        yield f"receptacleType {receptacle.name} {receptacle.kind}Type"
        yield f"receptacleAtLocation {receptacle.name} {receptacle.location}"
        if receptacle.openable:
            yield f"openable {receptacle.name}"
    for place in sorted({receptacle.kind for receptacle in room.receptacles}):
        yield from (f"canContain {place}Type {kind}Type" for kind in sorted(holds(place) & {t.kind for t in things}))
    locations = _locations(room)
    for number, thing in enumerate(things):
        yield f"objectType {thing.name} {thing.kind}Type"
        location = thing.where.location if thing.where else locations[number % len(locations)]
        yield f"objectAtLocation {thing.name} {location}"
        yield from _abilities(thing)


def _abilities(thing: Thing) -> Iterator[str]:
    constants = packaged.constants()
    for ability, kinds in constants.VAL_ACTION_OBJECTS.items():
        if thing.kind in kinds and (thing.where or thing.kind != LAMP):
            yield f"{ability.lower()} {thing.name}"
    if thing.where:
        yield f"inReceptacle {thing.name} {thing.where.name}"
        if thing.kind != LAMP:
            yield f"pickupable {thing.name}"
    if thing.kind in constants.MOVABLE_RECEPTACLES_SET:
        yield f"isReceptacleObject {thing.name}"
