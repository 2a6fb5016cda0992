"""ScienceWorld's simulator in a JVM: load a task, take steps, look without touching.

**The same commands give the same texts.** The simulator draws from Scala's one global generator, also while it lists
objects or valid actions, and it lists them in the order of their hashes. So the generator is seeded anew before every step,
from the situation and the number of the step, and objects are hashed by the order in which the step makes them: what was asked
between two steps, by whom and how often, cannot change what happens in the second. The Java side of this stands in
``java/`` (``Simulation.java``, ``Counted.java``) and is in the JVM as a Java agent.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from agemem_gym.envs.scienceworld.jvm import Call, Jvm
from agemem_gym.envs.scienceworld.placing import Placed, moves, walk
from agemem_gym.errors import EngineError

_INTERFACE = "scienceworld.runtime.pythonapi.PythonInterface"
_SIMULATION = "z:agemem.Simulation"
_SEPARATOR = "\x1f"
_LOAD_FACTOR = 10  # a load with its gold path may take this many times as long as a step


@dataclass(frozen=True)
class Situation:
    """A task of the simulator: which, which variation of it, with which simplifications, and what was moved before it began."""

    task: str
    variation: int
    simplifications: tuple[str, ...] = ()
    moved: tuple[Placed, ...] = ()


@dataclass(frozen=True)
class Result:
    """What one command led to.

    Attributes:
        text: the simulator's answer.
        score: its score in points: 0 to 100, or -100 after a mistake that cannot be mended.
        completed: it says that the task is over.
        subgoals: of the required subgoals, how many are done and how many there are.
    """

    text: str
    score: int
    completed: bool
    subgoals: tuple[int, int]


class Simulator:
    """The simulator in `jvm`, one situation at a time.

    Args:
        jvm: where it runs.
        seconds: time limit for a step; a load has ten times as long.
    """

    def __init__(self, jvm: Jvm, seconds: float) -> None:
        self.jvm = jvm
        self.seconds = seconds
        self._interface = jvm.new(_INTERFACE)

    def load(self, situation: Situation) -> Result:
        """Start `situation` from its beginning; returns the first look around, as upstream's ``reset`` does."""
        self.prepare(situation)
        return self.step("look around")

    def prepare(self, situation: Situation) -> None:
        """Load `situation` and move what is to be moved; nothing has happened in it yet, not even a first look."""
        self._load(situation)
        if situation.moved:
            pairs = moves(self.tree(), situation.moved)
            lines = "\n".join(f"{thing} {holder}" for thing, holder in pairs)
            self._call(Call(_SIMULATION, "move", (self._interface, lines)))

    def step(self, command: str) -> Result:
        """Take one step."""
        (answer,) = self._call(Call(_SIMULATION, "step", (self._interface, command)))
        score, completed, progress, text = answer.split(_SEPARATOR, 3)
        return Result(text, round(100 * float(score)), completed == "true", count_subgoals(progress))

    def gold_path(self, situation: Situation, draw: int) -> list[str]:
        """The commands from the beginning that the simulator's own gold agent finds; leaves it at their end.

        Args:
            situation: what is to be solved.
            draw: the agent draws at random what it uses and where it goes; another number, another path.
        """
        self.load(situation)
        arguments = (self._interface, _seed(situation, f"gold {draw}"), situation.task, situation.variation)
        (path,) = self.jvm.call(Call(_SIMULATION, "goldPath", arguments), seconds=_LOAD_FACTOR * self.seconds)
        return path.split("\n") if path else []

    def valid_commands(self) -> list[str]:
        """All commands that mean something now, sorted."""
        return sorted(self._listing("getValidActionObjectCombinations"))

    def command_forms(self) -> list[str]:
        """The forms that commands have: ``activate OBJ``, …"""
        return self._listing("getPossibleActions")

    def goal_progress(self) -> str:
        """The engine's table of subgoals."""
        return str(self._ask("getGoalProgressStr"))

    def task_description(self) -> str:
        """What is to be done."""
        return str(self._ask("getTaskDescription"))

    def inventory(self) -> str:
        """What the agent carries; takes no time."""
        return str(self._ask("freeActionInventory"))

    def look(self) -> str:
        """What the agent sees; takes no time."""
        return str(self._ask("freeActionLook"))

    def object_tree(self) -> str:
        """Everything there is and where, as JSON."""
        return str(self._ask("getObjectTree", ""))

    def tree(self) -> dict[str, Any]:
        """The same, read; each object has a ``title``, too, as it is called where a room is described."""
        tree: dict[str, Any] = json.loads(self.object_tree())
        (lines,) = self._call(Call(_SIMULATION, "names", (self._interface,)))
        titles = dict(line.split(" ", 1) for line in lines.splitlines())
        for thing, _ in walk(tree):
            thing["title"] = titles.get(thing["uuid"], thing["name"])
        return tree

    def variations(self, task: str) -> dict[str, list[int]]:
        """The engine's own lists of `task`'s variations, by split; loads the task's first variation."""
        self._load(Situation(task, 0))
        lists = {"train": "Train", "dev": "Dev", "test": "Test"}
        return {split: self._numbers(f"getVariations{name}") for split, name in lists.items()}

    def _load(self, situation: Situation) -> None:
        names = (situation.task, situation.variation, ",".join(situation.simplifications))
        load = Call(_SIMULATION, "load", (self._interface, _seed(situation, "world"), *names))
        (error,) = self.jvm.call(load, seconds=_LOAD_FACTOR * self.seconds)
        if error:
            raise EngineError(f"ScienceWorld cannot load {situation}: {error}")

    def _its(self, method: str, *arguments: Any) -> Call:
        return Call(self._interface.id, method, arguments)

    def _call(self, *calls: Call) -> list[Any]:
        return self.jvm.call(*calls, seconds=self.seconds)

    def _ask(self, method: str, *arguments: Any) -> Any:
        return self._call(self._its(method, *arguments))[0]

    def _listing(self, method: str) -> list[str]:
        """A Java list of strings, joined on the Java side: fetched one by one, each entry would be a round trip."""
        listing = self._ask(method)
        (text,) = self._call(Call("z:java.lang.String", "join", ("\n", listing)))
        self.jvm.forget(listing)
        return text.split("\n") if text else []

    def _numbers(self, method: str) -> list[int]:
        listing = self._ask(method)
        (text,) = self._call(Call(listing.id, "toString"))
        self.jvm.forget(listing)
        return json.loads(text)


def _seed(situation: Situation, use: str) -> int:
    """A positive ``long`` of Java's."""
    name = f"{situation.task}/{situation.variation}/{use}"
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=7).digest(), "big") | 1 << 47


_SUBGOAL = re.compile(r"^\d+\t(true|false)\t", re.MULTILINE)


def count_subgoals(progress: str) -> tuple[int, int]:
    """Done and all of the required subgoals, from the text of the engine's ``getGoalProgressStr``."""
    required = progress.partition("Unordered and Optional Subgoals")[0]
    marks = _SUBGOAL.findall(required)
    return marks.count("true"), len(marks)
