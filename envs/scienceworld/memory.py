"""The memory tasks: eight of the simulator's, in which what was told beforehand decides.

In each, what is needed has been put somewhere in the house where nobody would expect it (:mod:`.placing`), and where the
simulator keeps a secret (what an unknown substance does, which trait is dominant, which plane is steeper), it is told: to find
it out takes more moves than there are.

==========================================  ==============================  ================================================
task                                        what is put elsewhere           key facts
==========================================  ==============================  ================================================
use-thermometer                             the thermometer                 where it is
measure-melting-point-unknown-substance     the thermometer                 where it is; the melting point
test-conductivity-of-unknown-substances     the two boxes                   where the right one is; whether it conducts
mendelian-genetics-unknown-plant            the two boxes                   where the right one is; whether it is dominant
chemistry-mix (products of solid things)    the ingredients, the recipe     where each ingredient is; the recipe
chemistry-mix-paint-secondary-color         the paints, a cup of each       where both are
inclined-plane-determine-angle              the two planes                  which one it is, and where
inclined-plane-friction-unnamed-surfaces    the two planes                  which one it is, and where
==========================================  ==============================  ================================================
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from agemem_gym.envs.scienceworld import assignments
from agemem_gym.envs.scienceworld.assignments import Assignment
from agemem_gym.envs.scienceworld.expert import room_of
from agemem_gym.envs.scienceworld.facts import Place
from agemem_gym.envs.scienceworld.placing import SPOTS, Placed, Spot, walk
from agemem_gym.envs.scienceworld.player import COLOURS, Player
from agemem_gym.envs.scienceworld.simulator import Simulator, Situation
from agemem_gym.errors import EngineError

RECIPES: Mapping[str, tuple[str, ...]] = {
    "mixed nuts": ("peanut", "almond", "cashew"),
    "peanut butter sandwich": ("peanut", "bread"),
    "peanut butter with jam sandwich": ("peanut", "jam", "bread"),
    "peanut butter with banana sandwich": ("peanut", "banana", "bread"),
    "banana sandwich": ("banana", "bread"),
    "jam sandwich": ("jam", "bread"),
    "smores": ("chocolate", "marshmallow"),
}
"""As the simulator's recipes say."""

_MOST_MOVES = 100
_MOST_KEPT = 4096


@dataclass(frozen=True)
class Scene:
    """A memory task, ready to be played.

    Attributes:
        situation: what the simulator loads, and what is moved before it begins.
        assignment: what is asked.
        instruction: in the simulator's words.
        secret: what the simulator keeps to itself, as a sentence; empty where there is none.
        key: facts that suffice.
        told: all that is said of what was moved or kept secret; the key facts among it.
    """

    situation: Situation
    assignment: Assignment
    instruction: str
    secret: str
    key: tuple[str, ...]
    told: tuple[str, ...]

    @property
    def phrases(self) -> tuple[str, ...]:
        """What the instruction names, as the simulator writes it."""
        a = self.assignment
        named = (*a.thing.split(", "), *a.boxes, *movable(a), a.room, a.boxes_room, a.wanted)
        planes = (plane.removeprefix("inclined plane with a ").removesuffix(" surface") for plane in a.choices)
        return tuple(dict.fromkeys(text for text in (*named, *planes) if text and text in self.instruction))


class Scenes:
    """Makes scenes and plans, and keeps them: what a variation asks, what is true of it and how it is solved stay the same,
    and to find out takes a second.
    """

    def __init__(self) -> None:
        self._scenes: dict[tuple[Situation, tuple[tuple[str, Spot], ...]], Scene] = {}
        self._plans: dict[Scene, list[str]] = {}
        self._right: dict[Situation, str] = {}

    def scene(self, simulator: Simulator, situation: Situation, where: Mapping[str, Spot] | None = None) -> Scene:
        """The scene of a variation.

        Args:
            simulator: finds out what is asked and what is true.
            situation: the variation, nothing moved.
            where: the place of each thing, of other tasks' too; without it the places of the task's own are drawn from the
                situation's name, outside the rooms where the task begins and leads anyway.
        """
        key = (situation, tuple((where or {}).items()))
        if key not in self._scenes:
            _make_room(self._scenes)
            self._scenes[key] = self._make(simulator, situation, where)
        return self._scenes[key]

    def plan(self, simulator: Simulator, scene: Scene) -> list[str]:
        """The moves of a player who knows the key facts and nothing else; none where they do not lead to the goal."""
        if scene not in self._plans:
            _make_room(self._plans)
            self._plans[scene] = _play(simulator, scene)
        return list(self._plans[scene])

    def _make(self, simulator: Simulator, situation: Situation, where: Mapping[str, Spot] | None) -> Scene:
        simulator.prepare(situation)
        instruction, tree = simulator.task_description(), simulator.tree()
        assignment = assignments.read(instruction)
        if assignment is None:
            raise EngineError(f"no memory task: {instruction}")
        where = where or _draw_spots(situation, assignment, room_of(simulator.look()))
        there = {name for thing, _ in walk(tree) for name in (thing["name"], thing["title"])}
        placed = tuple(Placed(thing, spot) for thing, spot in where.items() if thing in there)
        secret, answer = self._secret(simulator, situation, assignment, tree)
        lies = {put.thing: place_fact(put) for put in placed}
        told = (*([secret] if secret else []), *lies.values())
        needed = {secret, *(lies[thing] for thing in _needed(assignment, answer))}
        key = tuple(fact for fact in told if fact in needed)
        return Scene(replace(situation, moved=placed), assignment, instruction, secret, key, told)

    def _secret(self, simulator: Simulator, situation: Situation, a: Assignment, tree: Any) -> tuple[str, str]:
        """What the simulator keeps to itself, as a sentence, and the box or plane that it makes right."""
        if a.kind == "mixture":
            return f"To make {a.thing}, you need to mix {', '.join(RECIPES[a.thing])}.", ""
        if a.kind in ("melting", "conductivity"):
            matter = next(thing["propMaterial"] for thing, _ in walk(tree) if thing["title"] == a.thing)
            if a.kind == "melting":
                return f"The melting point of {a.thing} is {float(matter['meltingPoint']):g} degrees celsius.", ""
            conducts = bool(matter["electricallyConductive"])
            verb = "conducts" if conducts else "does not conduct"
            return f"{a.thing[0].upper()}{a.thing[1:]} {verb} electricity.", a.boxes[0 if conducts else 1]
        if a.kind == "trait":
            box = self._right_one(simulator, situation, a.boxes)
            trait, _, plant = a.thing.partition(", ")
            # the definition of dominant, in other words than the task has
            enough = "enough" if box == a.boxes[0] else "not enough"
            return f"In the {plant}, one gene for {trait} is {enough} to show it.", box
        if a.kind == "plane":
            plane = self._right_one(simulator, situation, a.choices)
            return f"Of the {a.choices[0]} and the {a.choices[1]}, the {plane} has the {a.wanted}.", plane
        return "", ""

    def _right_one(self, simulator: Simulator, situation: Situation, choices: tuple[str, ...]) -> str:
        """Which of two things the simulator wants to be focused on: the first is put before the agent and tried."""
        if situation not in self._right:
            simulator.prepare(situation)
            here = room_of(simulator.look())
            assert here is not None
            simulator.prepare(replace(situation, moved=(Placed(choices[0], Spot(here)),)))
            self._right[situation] = choices[0 if simulator.step(f"focus on {choices[0]}").score >= 100 else 1]
        return self._right[situation]


SCENES = Scenes()
"""Those of this process."""


def _play(simulator: Simulator, scene: Scene) -> list[str]:
    player = Player(np.random.default_rng(0))
    for fact in scene.key:
        player.learn(fact)
    result = simulator.load(scene.situation)
    player.begin(scene.instruction, result.text)
    commands: list[str] = []
    while not result.completed and result.score >= 0 and len(commands) < _MOST_MOVES:
        command = player.act(result.text)
        if command is None:
            break
        commands.append(command)
        result = simulator.step(command)
    return commands if result.score >= 100 else []


def movable(assignment: Assignment) -> tuple[str, ...]:
    """What of a task is put elsewhere."""
    return {
        "temperature": ("thermometer",),
        "melting": ("thermometer",),
        "conductivity": assignment.boxes,
        "trait": assignment.boxes,
        "mixture": (*RECIPES.get(assignment.thing, ()), "recipe"),
        "paint": COLOURS.get(assignment.thing, ()),
        "plane": assignment.choices,
    }[assignment.kind]


def place_fact(put: Placed) -> str:
    """Where a thing is, as a sentence."""
    clause = Place(put.spot.room, put.spot.container, put.thing).clause
    if put.thing.endswith("paint"):
        clause = clause.replace(f"some {put.thing}", f"a cup with {put.thing}", 1)
    return f"{clause[0].upper()}{clause[1:]}."


def _draw_spots(situation: Situation, assignment: Assignment, here: str | None) -> dict[str, Spot]:
    """Places in different rooms, none of them where the task begins or leads anyway."""
    name = f"{situation.task}/{situation.variation}"
    rng = np.random.default_rng(int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big"))
    taken = {here, assignment.room, assignment.boxes_room}
    taken |= {"art studio"} if assignment.kind == "paint" else set()  # where all the cups are
    chosen: list[Spot] = []
    for i in rng.permutation(len(SPOTS)):
        if SPOTS[i].room not in taken:
            chosen.append(SPOTS[i])
            taken.add(SPOTS[i].room)
    return dict(zip(movable(assignment), chosen, strict=False))


def _needed(assignment: Assignment, answer: str) -> tuple[str, ...]:
    """What of the moved things has to be found."""
    if assignment.kind in ("conductivity", "trait", "plane"):
        return (answer,)
    return tuple(thing for thing in movable(assignment) if thing != "recipe")


def _make_room(kept: dict[Any, Any]) -> None:
    if len(kept) >= _MOST_KEPT:
        kept.clear()
