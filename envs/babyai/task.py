"""BabyAI as a :class:`~agemem_gym.task.Task`: minigrid's levels, seen and played in words."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from agemem_gym.checks import at_least, chosen_index, file_at, one_of, only_options
from agemem_gym.envs.babyai import wording
from agemem_gym.envs.babyai.commands import CHECK, LOW_LEVEL, Commands, Plan, Refusal
from agemem_gym.envs.babyai.expert import Expert, expert_commands
from agemem_gym.envs.babyai.house_facts import HouseFacts
from agemem_gym.envs.babyai.labels import Label, LabelProgress, read_labels
from agemem_gym.envs.babyai.levels import SPLIT_BASES, LevelSeed, Tasks, choose_levels, split_of
from agemem_gym.envs.babyai.paths import PICKUP, TOGGLE
from agemem_gym.envs.babyai.setting import in_house, in_level
from agemem_gym.envs.babyai.world import World
from agemem_gym.envs.moves import choose_moves, memory_limit
from agemem_gym.errors import ConfigurationError, import_extra
from agemem_gym.task import WORLD, Metric, TaskStart, TaskStep
from agemem_gym.task import World as LastingWorld

AGENTBOARD_MOVES = 30
STEPS_PER_MACRO = 8  # a macro walks a room at most
PROTOCOLS = ("full", "agentboard")
MODES = ("macro", "low")
EXPERTS = ("bot", "planner")
_OPTIONS = ("task_index", "level", "level_seed", WORLD)

_LOW_COMMANDS = "turn left, turn right, move forward, drop, toggle (a door or a box in front of you)"
_MACRO_COMMANDS = (
    "go to <object> <n>, pickup <object> <n>, go through <open door> <n>, toggle and go through <closed door> <n> "
    "(a locked door needs the key of its color in your hands)"
)


class BabyAITask:
    """Instructions in a grid world of rooms, doors, keys, balls and boxes (BabyAI, arXiv:1810.08272), in words.

    **Description.** The agent sees the 7 × 7 cells before it, walls hide what is behind them, and it carries at most one
    object. The mission is a sentence of BabyAI's language ("pick up a box, then open the red door"). The level itself is
    minigrid's.

    **Houses.** ``level="memory"`` (the default behind the three stages) asks for what nobody sees from the start. A house is
    the floor plan of one of minigrid's levels (nine small rooms behind doors, some locked), furnished anew: a box in each room,
    six of them hold a ball or a key, four more lie open. Each mission ("In Old Birch House, go to the red box after you pick
    up the blue key") needs something out of a box, mostly two doors away or more. Stage 1 tells where one starts and faces,
    which box in which room holds what, which door joins which rooms. ``options={"world": {"seed": 3}}`` sets the task in
    the house of that seed, and the episode's seed chooses one of its twelve or so missions; ``epoch`` and ``changes`` say how
    often, and what share of its things, has been carried elsewhere since.

    **Observation.** AgentBoard's wording: the visible objects, near to far and numbered by name, the wall or box straight
    ahead, what is carried: ``There is a red ball 1 2 steps in front of you and 1 steps to your right.``

    **Commands.** In AgentBoard's wording; a macro walks by the shortest way in view and stops where a part of it comes to
    nothing.

    ================================  =====================================================================================
    turn left, turn right             turn by 90°
    move forward                      one step
    go to red ball 1                  walk next to it and face it; doors too: ``go to blue closed door 1``
    pickup red ball 1                 walk there and pick it up (hands must be empty)
    drop                              put what is carried into the empty cell ahead
    toggle                            open or close the door ahead, or open the box ahead (which replaces it by its content)
    go through red open door 1        walk onto the door's cell
    toggle and go through red         walk there, open it (a locked one with its key in hand), step onto its cell
    closed door 1
    go to goal                        where a level has a goal square (BabyAI's have none)
    check available actions           lists what is possible now; costs a move
    ================================  =====================================================================================

    ``protocol="full"`` also understands ``pickup`` alone (the object ahead), ``pick up`` for ``pickup``, ``toggle`` on open
    doors and boxes (AgentBoard knows it only before a shut door, so KeyInBox cannot be solved there), and a name without
    its number for number 1; its macros stop by the state, AgentBoard's by whether the picture changed.

    **Progress.** Completed leaves of the instruction tree, best so far. **Success**: minigrid's verifier says so.
    **Termination**: success, or a strict instruction broken for good. The env truncates after ``max_moves`` commands.

    **Splits.** ``train``, ``validation``, ``test``: disjoint ranges of level seeds, see :mod:`~agemem_gym.envs.babyai.levels`;
    AgentBoard's 112 tasks are of ``test``. The record says which split a level seed belongs to. Episode seeds walk the levels
    round-robin. ``reset(options=…)``: ``task_index`` (official order), or ``level`` and ``level_seed`` (exactly that level and
    minigrid seed).

    ============  ============  ============================================================================================
    keyword       default       meaning
    ============  ============  ============================================================================================
    protocol      ``"full"``    ``"full"``: any level; the limit comes from the level's own ``max_steps``: as many commands with
                                ``mode="low"``, otherwise an eighth of it (a macro is many steps), but 30 at least;
                                ``"agentboard"``: its 28 levels × seeds 1234–1237 = 112 tasks, 30 commands, its goal text and
                                command set
    level         ``None``      a level (``"GoToLocal"``, ``"BabyAI-GoToLocal-v0"``), a list of levels, ``"paper"`` (the 19 of
                                BabyAI's paper; the default of ``"full"``), ``"memory"`` (houses), ``"agentboard"`` or
                                ``"all"`` (all registered)
    split         ``None``      ``"train"``, ``"validation"`` or ``"test"``; ``None``: train, or in AgentBoard's protocol test,
                                its only one
    mode          ``"macro"``   ``"low"``: only single steps (turn, move, pickup, drop, toggle)
    labels        ``None``      AgentBoard's label file (``data/babyai/test.jsonl``), with ``protocol="agentboard"``: adds its
                                difficulty to the record and its progress to the metrics as ``label_progress``
    expert        ``None``      ``"bot"``: BabyAI's bot in single steps, and a planner where it fails or takes more commands
                                than the limit; ``"planner"``: the planner, with macros. ``None``: the bot, in AgentBoard's
                                protocol the planner
    moves         "protocol"    ``"memory"``: half as many commands again as the planner needs, and 3: who knows where things
                                are gets there, who has to search does not. Where the planner finds no way: the protocol's
    ============  ============  ============================================================================================

    Sources: ``minigrid/envs/babyai/``; the wording and macros follow AgentBoard's ``environment/babyai_env.py`` (bb7255e) as
    a protocol, written anew.
    """

    benchmark: ClassVar[str] = "babyai"
    names_worlds: ClassVar[bool] = True
    metric: ClassVar[Metric] = "success"

    def __init__(
        self,
        protocol: Literal["full", "agentboard"] = "full",
        level: str | Sequence[str] | None = None,
        split: Literal["train", "validation", "test"] | None = None,
        mode: Literal["macro", "low"] = "macro",
        labels: str | Path | None = None,
        expert: Expert | None = None,
        moves: Literal["protocol", "memory"] = "protocol",
    ) -> None:
        if expert is not None:
            one_of("expert", expert, EXPERTS)
        one_of("protocol", protocol, PROTOCOLS)
        one_of("mode", mode, MODES)
        splits = ("test",) if protocol == "agentboard" else tuple(SPLIT_BASES)
        split = one_of("split", split if split is not None else splits[0], splits)  # type: ignore[assignment]
        self._tasks = Tasks(choose_levels(level, protocol), protocol, str(split))
        self._in_houses = level == "memory"
        self._mode = mode
        self._expert: Expert = expert or ("planner" if protocol == "agentboard" else "bot")
        self._agentboard = protocol == "agentboard"
        self._moves = choose_moves(moves, protocol)
        self._labels_file = _label_file(labels, protocol, level)
        self._labels: tuple[Label, ...] | None = None
        self._world: World | None = None

    def size(self) -> int | None:
        """112 (four a level) in AgentBoard's protocol; otherwise unlimited."""
        return self._tasks.size()

    def reset(self, seed: int, options: Mapping[str, Any]) -> TaskStart:
        """Build the level. See :meth:`agemem_gym.task.Task.reset`."""
        lasting = LastingWorld.of(options)
        which = self._choose(seed, options, lasting)
        in_houses = self._in_houses and "level" not in options
        setting = in_house(which, seed if lasting else 0, lasting) if in_houses else in_level(which)
        self._world, self._facts = world, facts = setting.world, setting.facts
        self._best = 0.0
        self._limit = self._protocol_limit()
        shortest = self._shortest(setting.plan) if self._moves == "memory" else None
        if shortest is not None:
            self._limit = memory_limit(shortest)
        label = self._label(which)
        self._label_progress = LabelProgress(label) if label else None
        record = {
            "engine": f"minigrid {importlib.metadata.version('minigrid')}",
            "level": which.level,
            "level_seed": which.seed,
            "split": split_of(which.seed),
            "protocol": self._tasks.protocol,
            "mode": self._mode,
            "max_steps": int(world.env.max_steps),
            **setting.record,
        }
        if label:
            record["difficulty"] = label.difficulty
        if self._moves == "memory":
            record |= {"moves": self._moves, "plan_length": shortest}
        return TaskStart(
            task_id=setting.task_id,
            instruction=wording.goal_text(setting.instruction) if self._agentboard else setting.instruction,
            observation=wording.describe(world.view, world.carrying),
            commands=self._command_help(),
            max_moves=self._limit,
            key_facts=facts.key_facts(),
            record=record,
            key_phrases=setting.phrases,
        )

    def act(self, command: str) -> TaskStep:
        """Carry out one command, any text at all."""
        world = self._playing()
        command = " ".join(command.lower().split())
        if world.over:
            return self._step("The episode is over.", valid=False)
        if "check" in command:
            return self._step(wording.listing(self._everything()))
        plan = self._plan(command)
        if isinstance(plan, Refusal):
            return self._step(plan.reason, valid=False)
        if not plan:
            return self._step(wording.UNCHANGED)
        world.run(plan, by_picture=self._agentboard)
        text = wording.describe(world.view, world.carrying)
        if world.over:
            text += wording.COMPLETED if world.success else wording.FAILED
        if self._label_progress:
            self._label_progress.see(text)
        return self._step(text)

    def answer(self, text: str) -> TaskStep:
        """End the episode; the state of the world is the answer."""
        world = self._playing()
        world.over = True
        return self._step("The episode is over.")

    def admissible(self) -> list[str]:
        """Everything possible now, sorted."""
        return [] if self._playing().over else sorted(self._everything())

    def expert(self) -> Iterator[str]:
        """A plan that was tried on a copy of the world first; see :mod:`~agemem_gym.envs.babyai.expert`."""
        return expert_commands(
            self._playing(), self._expert, self._agentboard, self._mode == "macro", limit=self._limit
        )

    def background(self, rng: np.random.Generator) -> list[str]:
        """Where things were at the start and what the doors join, in casual sentences and a random order."""
        self._playing()
        return self._facts.background(rng)

    def distractor_pool(self, rng: np.random.Generator) -> list[str]:
        """The same kind of sentences about other places and about things that are not there."""
        self._playing()
        return self._facts.distractors(rng)

    def world_facts(self) -> tuple[str, ...]:
        """All that holds in the present house at the start: where one starts, where things are, what joins its rooms."""
        self._playing()
        if not isinstance(self._facts, HouseFacts):
            raise ConfigurationError("there are no world_facts() of a level by itself; level='memory' has houses")
        return self._facts.everything()

    def close(self) -> None:
        """Forget the level."""
        self._world = None

    def _playing(self) -> World:
        if self._world is None:
            raise ConfigurationError("no episode is running; call reset first")
        return self._world

    def _shortest(self, macros: int | None) -> int | None:
        """How many commands the planner needs from the start (with macros, if that is known); None where it finds no way
        within the protocol's limit.
        """
        if macros is not None and self._mode == "macro":
            return macros
        plan = expert_commands(self._playing(), "planner", False, self._mode == "macro", limit=self._limit)
        return sum(1 for _ in plan) or None

    def _protocol_limit(self) -> int:
        if self._agentboard:
            return AGENTBOARD_MOVES
        steps = int(self._playing().env.max_steps)
        return steps if self._mode == "low" else max(AGENTBOARD_MOVES, steps // STEPS_PER_MACRO)

    def _choose(self, seed: int, options: Mapping[str, Any], lasting: LastingWorld | None) -> LevelSeed:
        options = only_options(options, _OPTIONS, task="BabyAI")
        if lasting is not None:
            if not self._in_houses or len(options) > 1:
                raise ConfigurationError(
                    f"options[{WORLD!r}] is a house of level='memory'; it goes with no other level"
                )
            return self._tasks.by_seed(lasting.seed)
        if ("level" in options or "level_seed" in options) and "task_index" in options:
            raise ConfigurationError("options: give either task_index, or level and level_seed")
        index = chosen_index(options, self._tasks.size())
        if index is not None:
            return self._tasks.by_index(index)
        task = self._tasks.by_seed(seed)
        level = options.get("level", task.level)
        level_seed = at_least("options['level_seed']", options.get("level_seed", task.seed), 0)
        return (
            LevelSeed(choose_levels(level, "full")[0], level_seed)
            if "level" in options
            else LevelSeed(level, level_seed)
        )

    def _label(self, which: LevelSeed) -> Label | None:
        if self._labels_file is None:
            return None
        if self._labels is None:
            self._labels = read_labels(self._labels_file, expected=self._tasks.size() or 0)
        for index in range(len(self._labels)):
            if self._tasks.by_index(index) == which:
                return self._labels[index]
        return None

    def _command_help(self) -> str:
        if self._mode == "low":
            return f"{_LOW_COMMANDS}, pickup (the object in front of you), check available actions."
        return f"{_LOW_COMMANDS}, {_MACRO_COMMANDS}, check available actions."

    def _step(self, text: str, valid: bool = True) -> TaskStep:
        world = self._playing()
        self._best = max(self._best, world.progress())
        metrics = {"label_progress": self._label_progress.value} if self._label_progress else {}
        return TaskStep(text, self._best, world.success, world.over, valid, metrics)

    def _plan(self, command: str) -> Plan | Refusal:
        """The low-level actions of a normalised command."""
        world = self._playing()
        commands = Commands(world.view, world.carrying)
        if self._agentboard and self._mode == "macro":
            return commands.find(command)
        command = _lenient(command)
        front = world.front
        if command == "toggle":
            return [TOGGLE] if _can_toggle(front) else Refusal("There is no door and no box in front of you to toggle.")
        if command == "pickup":
            if world.carrying is not None:
                return Refusal(
                    f"You are already carrying a {world.carrying.color} {world.carrying.type}; drop it first."
                )
            can = front is not None and front.can_pickup()
            return [PICKUP] if can else Refusal("There is nothing in front of you that you could pick up.")
        if self._mode == "low" and command not in LOW_LEVEL:
            return Refusal(wording.UNKNOWN)
        plan = commands.find(command)
        if isinstance(plan, Refusal) and plan.reason == wording.UNKNOWN:
            plan = commands.find(f"{command} 1")
            if command.startswith("pickup ") and world.carrying is not None:
                return Refusal(
                    f"You are already carrying a {world.carrying.color} {world.carrying.type}; drop it first."
                )
        return plan

    def _everything(self) -> list[str]:
        """Everything possible now, in AgentBoard's order."""
        world = self._playing()
        if self._agentboard and self._mode == "macro":
            return Commands(world.view, world.carrying).everything()
        commands = Commands(world.view, world.carrying)
        names = list(LOW_LEVEL) if self._mode == "low" else commands.everything()[:-1]
        extra = [*names, *(name for name in ("pickup", "toggle") if name not in names)]
        return [name for name in extra if isinstance(self._plan(name), list)] + [CHECK]


def _lenient(command: str) -> str:
    """Small liberties of ``protocol="full"``: ``pick up`` for ``pickup``, a final dot."""
    command = command.rstrip(". ")
    return re.sub(r"^pick up\b", "pickup", command)


def _can_toggle(thing: Any) -> bool:
    return thing is not None and thing.type in ("door", "box")


def _label_file(labels: str | Path | None, protocol: str, level: object) -> Path | None:
    if labels is None:
        return None
    if protocol != "agentboard" or level not in (None, "agentboard"):
        raise ConfigurationError("labels= belongs to protocol='agentboard' with all of its levels; leave level= out")
    import_extra("minigrid", "babyai")
    return file_at("labels", labels, "AgentBoard's data/babyai/test.jsonl")
