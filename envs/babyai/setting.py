"""What an episode is set in: a level as minigrid draws it, or a house with a mission of its own (``level="memory"``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from agemem_gym.envs.babyai.expert import expert_commands
from agemem_gym.envs.babyai.facts import Facts, descriptions_of, leaves
from agemem_gym.envs.babyai.house_facts import HouseFacts
from agemem_gym.envs.babyai.houses import House
from agemem_gym.envs.babyai.levels import LevelSeed
from agemem_gym.envs.babyai.missions import Mission, missions_of
from agemem_gym.envs.babyai.world import World
from agemem_gym.errors import EngineError
from agemem_gym.task import JSONScalar
from agemem_gym.task import World as LastingWorld

_MOST_COMMANDS = 400


@dataclass(frozen=True)
class Setting:
    """Where an episode is played, and what is asked for in it.

    Attributes:
        task_id: the same id is always the same task.
        world: the level in play.
        facts: what is true in it at the start.
        instruction: the mission in words.
        phrases: names and things of the mission.
        record: plain facts for the record.
        plan: how many commands the planner needs, macros among them, where that was looked for.
    """

    task_id: str
    world: World
    facts: Facts | HouseFacts
    instruction: str
    phrases: tuple[str, ...]
    record: Mapping[str, JSONScalar] = field(default_factory=dict)
    plan: int | None = None


def in_level(which: LevelSeed) -> Setting:
    """A level and its mission as minigrid draws them."""
    world = World(which)
    return Setting(which.task_id, world, Facts(world.env), str(world.env.mission), _things(world.env.instrs))


def in_house(which: LevelSeed, goal: int, lasting: LastingWorld | None) -> Setting:
    """The house of a level and seed, and the `goal`-th mission in it; one that the planner cannot do gives way to the next.

    Args:
        which: the level that draws the floor plan, and the house's seed.
        goal: which mission; those of a house come round again.
        lasting: how often what lies in it has been moved, if the house comes back.
    """
    number, count = goal, 1
    while number - goal < count:
        house, mission, count, world = _built(which, number, lasting)
        plan = sum(1 for _ in expert_commands(world, "planner", False, True, limit=_MOST_COMMANDS))
        if plan:
            return replace(_set_in(house, mission, world, which, number % count, lasting), plan=plan)
        number += 1
    raise EngineError(f"the planner can do no mission in the house of {which.task_id}")


def _built(which: LevelSeed, goal: int, lasting: LastingWorld | None) -> tuple[House, Mission, int, World]:
    """The house, its `goal`-th mission, how many it has, and the world in which that mission is asked for."""
    built: list[tuple[House, Mission, int]] = []

    def arrange(env: Any) -> None:
        house = House(env, which.seed, lasting.epoch, lasting.changes) if lasting else House(env, which.seed)
        missions = missions_of(house)
        mission = missions[goal % len(missions)]
        mission.assign(house)
        built.append((house, mission, len(missions)))

    world = World(which, arrange)
    return *built[0], world


def _set_in(
    house: House, mission: Mission, world: World, which: LevelSeed, goal: int, lasting: LastingWorld | None
) -> Setting:
    task_id, record = f"{which.level}/house/{which.seed}-{goal}", {"house": house.name, "goal": goal}
    if lasting is not None:
        record |= {"world": lasting.seed, "epoch": lasting.epoch, "changes": lasting.changes}
    if lasting is not None and lasting.epoch:
        task_id += f"-{lasting.epoch}x{lasting.changes:g}"
    instruction = f"In {house.name}, {world.env.mission}"
    phrases = (house.name, *_things(world.env.instrs))
    return Setting(task_id, world, HouseFacts(house, mission), instruction, phrases, record)


def _things(instruction: Any) -> tuple[str, ...]:
    """What a mission names: "red ball", or "ball" where it leaves the colour open."""
    descriptions = [description for leaf in leaves(instruction) for description in descriptions_of(leaf)]
    named = (" ".join(word for word in (one.color, one.type) if word) for one in descriptions)
    return tuple(dict.fromkeys(name for name in named if name))
