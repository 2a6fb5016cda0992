"""The ScienceWorld benchmark; its documentation stands in the docstring of :class:`ScienceWorldTask`."""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

import numpy as np
from agemem_gym.envs.scienceworld import facts
from agemem_gym.envs.scienceworld.engine import Engine, acquire, release
from agemem_gym.envs.scienceworld.variations import COUNTS, SPLITS, agentboard_choice, in_order, round_robin

from agemem_gym.errors import ConfigurationError, EngineError, import_extra
from agemem_gym.task import Metric, TaskStart, TaskStep

SIMPLIFICATIONS = ("teleportAction", "selfWateringFlowerPots", "openContainers", "openDoors", "noElectricalAction")
AGENTBOARD_SIMPLIFICATIONS = SIMPLIFICATIONS[1:]
MOVES = {"full": 250, "agentboard": 30}
_COMMANDS = (
    "open/close OBJ, go LOCATION, look around, look at OBJ, look in OBJ, pick up OBJ, put down OBJ, move OBJ to OBJ, "
    "pour OBJ in OBJ, dunk OBJ in OBJ, mix OBJ, use OBJ on OBJ, activate/deactivate OBJ, connect OBJ to OBJ, disconnect OBJ, "
    "read OBJ, eat OBJ, flush OBJ, focus on OBJ (signals the object that the task asks for), wait, wait1, inventory, task, "
    "and check valid actions."
)
_UNKNOWN = ("No known action matches", "Unknown action")
_SUBGOAL = re.compile(r"^\d+\t(true|false)\t", re.MULTILINE)


class ScienceWorldTask:
    """Elementary science experiments: boil, grow, measure, mix, connect, identify, in ten rooms full of things.

    **Engine.** The simulator of ScienceWorld (Wang et al., 2022; package ``scienceworld``) in a JVM, through py4j; needs Java 8
    or later. Each live episode has a JVM of its own; idle ones are used again. A JVM that dies or hangs raises EngineError, and
    the next ``reset`` starts another. Exactly reproducible, which upstream is not (see :mod:`.engine`).

    **Observation.** The simulator's text. The first one is ``look around`` with the inventory.

    **Commands.** The simulator's own (``open door to kitchen``, ``pour cup in sink``, …) and ``check valid actions``, which
    lists them and costs a move. Case, extra spaces and a final dot do not matter. ``reset task`` is not passed on.

    **Progress** is the best engine score so far, 0 to 1; under ``protocol="agentboard"`` the best share of the simulator's
    sequential subgoals. The engine's own score stands in ``metrics["engine_score"]`` in either case. **Success**: the engine's
    score is 100. **Termination**: completed or failed for the engine, or a score below 0 (upstream's rule).

    ================  =====================================================================================  ==============
    keyword           values                                                                                 default
    ================  =====================================================================================  ==============
    task_names        names of tasks (or one), see :data:`~.variations.COUNTS`                               all 30
    split             ``"train"``, ``"dev"``, ``"test"``: the simulator's own variations                     ``"train"``
    variation         one variation number, of every task named                                              all of split
    protocol          ``"full"`` (250 moves: every gold path fits) or ``"agentboard"`` (30 moves, 90 test    ``"full"``
                      variations, its simplifications)
    simplifications   names out of ``teleportAction selfWateringFlowerPots openContainers openDoors          none; those of
                      noElectricalAction``, or ``"easy"`` for all                                            AgentBoard
    jvm               ``"shared"``: idle JVMs of the process are used again; ``"own"``: never                ``"shared"``
    heap              the JVM's ``-Xmx``                                                                     ``"512m"``
    timeout           seconds that a call of the simulator may take                                          60
    ================  =====================================================================================  ==============

    ``reset(options=…)`` takes ``index`` (official order), or ``task_name`` and ``variation``.

    Sources: ``scienceworld/scienceworld.py`` (rules of ``step``), AgentBoard's ``environment/scienceworld_env.py`` (protocol).
    """

    benchmark: ClassVar[str] = "scienceworld"
    metric: ClassVar[Metric] = "success"

    def __init__(
        self,
        *,
        task_names: str | Sequence[str] | None = None,
        split: str | None = None,
        variation: int | None = None,
        protocol: str = "full",
        simplifications: str | Sequence[str] | None = None,
        jvm: str = "shared",
        heap: str = "512m",
        timeout: float = 60.0,
    ) -> None:
        if protocol not in MOVES:
            raise ConfigurationError(f"protocol={protocol!r}: expected one of {', '.join(MOVES)}")
        if split is not None and split not in SPLITS:
            raise ConfigurationError(f"split={split!r}: expected one of {', '.join(SPLITS)}")
        if protocol == "agentboard" and split not in (None, "test"):
            raise ConfigurationError(f"split={split!r}: protocol='agentboard' has only test variations")
        if jvm not in ("shared", "own"):
            raise ConfigurationError(f"jvm={jvm!r}: expected 'shared' or 'own'")
        if not re.fullmatch(r"\d+[kKmMgG]", heap):
            raise ConfigurationError(f"heap={heap!r}: expected a size as -Xmx takes it, e.g. '512m'")
        if timeout <= 0:
            raise ConfigurationError(f"timeout={timeout!r}: expected a positive number of seconds")
        import_extra("scienceworld", "scienceworld")
        self._names = _task_names(task_names)
        self._split, self._protocol = split or ("test" if protocol == "agentboard" else "train"), protocol
        self._variation = variation
        self._simplifications = _simplifications(simplifications, protocol)
        self._own, self._heap, self._timeout = jvm == "own", heap, timeout
        self._check_variation(self._names, variation)
        self._engine: Engine | None = None
        self._finalizer: weakref.finalize[[Engine], ScienceWorldTask] | None = None

    # ------------------------------------------------------------------------------------------------- the episode

    def reset(self, seed: int, options: Mapping[str, Any]) -> TaskStart:
        """Load the variation that `seed` or the options name."""
        self._name, self._number = self._choose(seed, options)
        engine = self._living_engine()
        self._load(engine)
        observation = self._look(engine)
        self._history: list[str] = []
        self._best = 0.0
        self._success = self._over = False
        description = str(engine.call("getTaskDescription"))
        self._places = facts.places(engine.object_tree())
        self._key = facts.key_places(self._places, description + "\n" + str(engine.call("getGoalProgressStr")))
        return TaskStart(
            task_id=f"ScienceWorld/{self._name}/{self._number}",
            instruction=description,
            observation=f"{observation}\n{engine.call('freeActionInventory')}".strip(),
            commands=_COMMANDS,
            max_moves=MOVES[self._protocol],
            key_facts=tuple(_capital(facts.sentence(*place)) for place in self._key),
            record={
                "engine": f"scienceworld {_version()}",
                "task": self._name,
                "variation": self._number,
                "split": self._split,
                "protocol": self._protocol,
                "simplifications": self._simplification_text(),
            },
        )

    def act(self, command: str) -> TaskStep:
        """Carry out one command of the simulator."""
        engine = self._playing()
        command = _normalised(command)
        if self._over:
            return self._step("The episode is over.", valid=False)
        if command == "check valid actions":
            return self._step("Choose an action from these valid actions: " + ", ".join(self.admissible()))
        if not command or command == "reset task":
            return self._step("No known action matches that input.", valid=False)
        observation = str(engine.call("step", command)).strip()
        self._history.append(command)
        return self._step(observation, valid=not observation.startswith(_UNKNOWN))

    def answer(self, text: str) -> TaskStep:
        """End the episode: the state of the world is the answer."""
        self._over = True
        return self._step("The episode is over.")

    def admissible(self) -> list[str]:
        """All commands that the simulator takes now; 25 to 50 ms."""
        commands = self._playing().call("getValidActionObjectCombinations")
        return sorted({str(command) for command in commands} - {"reset task"} | {"check valid actions"})

    def expert(self) -> Iterator[str]:
        """The simulator's gold path, from where this episode has left it; ends where the episode has left the path."""
        engine = self._playing()
        self._load(engine, gold=True)
        path = [str(command) for command in engine.call("getGoldActionSequence")]
        self._load(engine)  # back to where the episode is: the same world, the same commands
        self._look(engine)
        for command in self._history:
            engine.call("step", command)
        done = self._history if self._history == path[: len(self._history)] else []
        yield from path[len(done) :]

    def background(self, rng: np.random.Generator) -> list[str]:
        """What is where, in casual sentences: all that the task speaks of, and a dozen other things."""
        return facts.background(self._places, self._key, rng)

    def distractor_pool(self, rng: np.random.Generator) -> list[str]:
        """Things in rooms where they are not, and idle talk."""
        return facts.distractors(self._places, rng)

    def size(self) -> int | None:
        """Number of variations in the split."""
        return len(self._all())

    def close(self) -> None:
        """Give the JVM back."""
        if self._finalizer is not None:
            self._finalizer()
        self._engine = self._finalizer = None

    # ------------------------------------------------------------------------------------------------- the parts

    def _step(self, observation: str, *, valid: bool = True) -> TaskStep:
        engine = self._playing()
        score = float(engine.call("getScore"))
        completed = bool(engine.call("getCompleted")) or score < 0
        self._success = self._success or score >= 1.0
        self._over = self._over or completed or self._success
        self._best = max(self._best, self._subgoals(engine) if self._protocol == "agentboard" else min(1.0, score))
        progress = 1.0 if self._success else self._best
        return TaskStep(observation, progress, self._success, self._over, valid, {"engine_score": score})

    def _subgoals(self, engine: Engine) -> float:
        """Share of the sequential subgoals that are done; the optional ones stand behind the second rule."""
        text = str(engine.call("getGoalProgressStr"))
        sequential = text.split("Unordered and Optional Subgoals")[0]
        done = [found == "true" for found in _SUBGOAL.findall(sequential)]
        return sum(done) / len(done) if done else 0.0

    def _look(self, engine: Engine) -> str:
        """Upstream's first move, which lets one tick of time pass."""
        return str(engine.call("step", "look around"))

    def _load(self, engine: Engine, *, gold: bool = False) -> None:
        engine.load(self._name, self._number, self._simplification_text(), gold=gold)

    def _living_engine(self) -> Engine:
        if self._engine is None or not self._engine.alive:
            self.close()
            self._engine = acquire(self._heap, self._timeout, own=self._own)
            self._finalizer = weakref.finalize(self, _give_back, self._engine, self._own)
        return self._engine

    def _playing(self) -> Engine:
        if self._engine is None or not self._engine.alive:
            raise EngineError("the ScienceWorld simulator of this episode is gone; reset() starts another")
        return self._engine

    def _choose(self, seed: int, options: Mapping[str, Any]) -> tuple[str, int]:
        unknown = sorted(set(options) - {"index", "task_name", "variation"})
        if unknown:
            raise ConfigurationError(f"unknown reset option {', '.join(unknown)}: expected index, task_name, variation")
        if "task_name" in options:
            (name,) = _task_names(options["task_name"])
            number = options.get("variation", 0)
            self._check_variation((name,), number)
            return name, int(number)
        if "index" in options:
            index, size = options["index"], len(self._all())
            if not isinstance(index, (int, np.integer)) or not 0 <= index < size:
                raise ConfigurationError(f"index={index!r}: this split has the indices 0 to {size - 1}")
            return self._all()[int(index)]
        order = self._all() if self._variation is not None else self._walk()
        return order[seed % len(order)]

    def _all(self) -> tuple[tuple[str, int], ...]:
        if self._variation is not None:
            return tuple((name, self._variation) for name in self._names)
        return agentboard_choice(self._names) if self._protocol == "agentboard" else in_order(self._names, self._split)

    def _walk(self) -> tuple[tuple[str, int], ...]:
        if self._protocol == "agentboard":
            chosen = self._all()
            per_task = len(chosen) // len(self._names)
            return tuple(chosen[task * per_task + rank] for rank in range(per_task) for task in range(len(self._names)))
        return round_robin(self._names, self._split)

    def _check_variation(self, names: Sequence[str], number: Any) -> None:
        for name in names if number is not None else ():
            count = sum(COUNTS[name])
            if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or not 0 <= number < count:
                raise ConfigurationError(f"variation={number!r}: task {name!r} has the variations 0 to {count - 1}")

    def _simplification_text(self) -> str:
        """As the simulator takes it; electrical tasks cannot do without electrical actions."""
        electrical = "power-component" in self._name or "conductivity" in self._name
        return ",".join(name for name in self._simplifications if not (electrical and name == "noElectricalAction"))


def _give_back(engine: Engine, own: bool) -> None:
    release(engine, own=own)


def _normalised(command: str) -> str:
    return " ".join(command.lower().split()).rstrip(".! ")


def _capital(clause: str) -> str:
    return f"{clause[0].upper()}{clause[1:]}."


def _task_names(given: str | Sequence[str] | None) -> tuple[str, ...]:
    if given is None:
        return tuple(COUNTS)
    names = (given,) if isinstance(given, str) else tuple(given)
    unknown = [name for name in names if name not in COUNTS]
    if unknown or not names:
        raise ConfigurationError(f"unknown ScienceWorld task {unknown}: expected names out of {', '.join(COUNTS)}")
    return names


def _simplifications(given: str | Sequence[str] | None, protocol: str) -> tuple[str, ...]:
    if given is None:
        return AGENTBOARD_SIMPLIFICATIONS if protocol == "agentboard" else ()
    if given == "easy":
        return SIMPLIFICATIONS
    names = tuple(name for name in given.split(",") if name) if isinstance(given, str) else tuple(given)
    unknown = [name for name in names if name not in SIMPLIFICATIONS]
    if unknown:
        raise ConfigurationError(
            f"unknown simplification {unknown}: expected 'easy' or names out of {', '.join(SIMPLIFICATIONS)}"
        )
    return names


@cache
def _version() -> str:
    from importlib.metadata import version

    return version("scienceworld")
