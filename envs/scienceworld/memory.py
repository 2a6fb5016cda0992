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


def make_scene(simulator: Simulator, situation: Situation, where: Mapping[str, Spot] | None = None) -> Scene:
    """The scene of a variation.

    Args:
        simulator: finds out what is asked and what is true.
        situation: the variation, nothing moved.
        where: the place of each thing, of other tasks' too; without it the places of the task's own are drawn from the
            situation's name, outside the rooms where the task begins and leads anyway.
    """
    simulator.prepare(situation)
    instruction, tree = simulator.task_description(), simulator.tree()
    assignment = assignments.read(instruction)
    if assignment is None:
        raise EngineError(f"no memory task: {instruction}")
    if where is None:
        things = movable(assignment)
        avoided = {room_of(simulator.look()), assignment.room, assignment.boxes_room}
        avoided |= {"art studio"} if assignment.kind == "paint" else set()  # where all the cups are
        where = dict(zip(things, draw_spots(situation, len(things), avoided), strict=True))
    there = {name for thing, _ in walk(tree) for name in (thing["name"], thing["title"])}
    placed = tuple(Placed(thing, spot) for thing, spot in where.items() if thing in there)
    moved = replace(situation, moved=placed)
    secret, answer = _secret(simulator, situation, assignment, tree)
    lies = {put.thing: place_fact(put) for put in placed}
    needed = _needed(assignment, answer)
    told = (*([secret] if secret else []), *lies.values())
    key = tuple(fact for fact in told if fact == secret or fact in [lies[thing] for thing in needed])
    return Scene(moved, assignment, instruction, secret, key, told)


def plan(simulator: Simulator, scene: Scene) -> list[str]:
    """The moves of a player who knows the key facts and nothing else; none where they do not lead to the goal.

    Leaves the simulator at their end.
    """
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


def draw_spots(situation: Situation, count: int, avoided: set[str | None]) -> list[Spot]:
    """Places in different rooms, where there are enough of them."""
    name = f"{situation.task}/{situation.variation}"
    seed = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")
    rng = np.random.default_rng(seed)
    chosen: list[Spot] = []
    for i in rng.permutation(len(SPOTS)):
        if SPOTS[i].room not in avoided | {spot.room for spot in chosen}:
            chosen.append(SPOTS[i])
    return chosen[:count]


def _needed(assignment: Assignment, answer: str) -> tuple[str, ...]:
    """What of the moved things has to be found."""
    if assignment.kind in ("conductivity", "trait", "plane"):
        return (answer,)
    return tuple(thing for thing in movable(assignment) if thing != "recipe")


def _secret(simulator: Simulator, situation: Situation, a: Assignment, tree: Any) -> tuple[str, str]:
    """What the simulator keeps to itself, as a sentence, and the box or plane that it makes right."""
    if a.kind == "mixture":
        return f"To make {a.thing}, you need to mix {', '.join(RECIPES[a.thing])}.", ""
    if a.kind in ("melting", "conductivity"):
        matter = next(thing["propMaterial"] for thing, _ in walk(tree) if thing["title"] == a.thing)
        if a.kind == "melting":
            point = float(matter["meltingPoint"])
            return f"The melting point of {a.thing} is {point:g} degrees celsius.", ""
        conducts = bool(matter["electricallyConductive"])
        verb = "conducts" if conducts else "does not conduct"
        return f"{a.thing[0].upper()}{a.thing[1:]} {verb} electricity.", a.boxes[0 if conducts else 1]
    if a.kind == "trait":
        box = right_one(simulator, situation, a.boxes)
        trait, _, plant = a.thing.partition(", ")
        return f"In the {plant}, {trait} is a {'dominant' if box == a.boxes[0] else 'recessive'} trait.", box
    if a.kind == "plane":
        plane = right_one(simulator, situation, a.choices)
        return f"Of the {a.choices[0]} and the {a.choices[1]}, the {plane} has the {a.wanted}.", plane
    return "", ""


def right_one(simulator: Simulator, situation: Situation, choices: tuple[str, ...]) -> str:
    """Which of two things the simulator wants to be focused on: the first is put before the agent and tried, once a process."""
    if situation not in _RIGHT:
        simulator.prepare(situation)
        here = room_of(simulator.look())
        assert here is not None
        simulator.prepare(replace(situation, moved=(Placed(choices[0], Spot(here)),)))
        _RIGHT[situation] = choices[0 if simulator.step(f"focus on {choices[0]}").score >= 100 else 1]
    return _RIGHT[situation]


_RIGHT: dict[Situation, str] = {}
