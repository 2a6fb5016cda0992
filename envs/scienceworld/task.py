"""The ScienceWorld benchmark; its documentation stands in the docstring of :class:`ScienceWorldTask`."""

from __future__ import annotations

import importlib.metadata
import json
import re
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from agemem_gym.checks import file_at, one_of, only_options, positive
from agemem_gym.envs.moves import choose_moves, memory_limit
from agemem_gym.envs.scienceworld import facts, memory
from agemem_gym.envs.scienceworld.choice import Choice
from agemem_gym.envs.scienceworld.expert import gold_path, plan, replay
from agemem_gym.envs.scienceworld.labels import Label, LabelProgress
from agemem_gym.envs.scienceworld.pool import POOL
from agemem_gym.envs.scienceworld.settings import (
    choose_protocol,
    choose_simplifications,
    choose_tasks,
    max_moves,
    means_memory,
)
from agemem_gym.envs.scienceworld.simulator import Result, Simulator, Situation
from agemem_gym.envs.scienceworld.variations import (
    MEMORY_TASKS,
    Variation,
    split_of,
)
from agemem_gym.envs.scienceworld.worlds import LABORATORIES, Grounds
from agemem_gym.errors import ConfigurationError, EngineError, import_extra
from agemem_gym.task import WORLD, Metric, TaskStart, TaskStep, World

CHECK = "check valid actions"
MAX_COMMAND_CHARACTERS = 500
_COMMANDS = (
    "open/close OBJ, go to LOCATION, look around, look at OBJ, look in OBJ, pick up OBJ, put down OBJ, move OBJ to OBJ, "
    "pour OBJ in OBJ, dunk OBJ in OBJ, mix OBJ, use OBJ on OBJ, activate/deactivate OBJ, connect OBJ to OBJ, disconnect OBJ, "
    "read OBJ, eat OBJ, flush OBJ, focus on OBJ (signals the object that the task asks for), wait, wait1, inventory, task, "
    "and check valid actions. After an ambiguous request, answer with the number of what you meant."
)
_NOT_UNDERSTOOD = "No known action matches that input."
_UNKNOWN = ("No known action matches", "Unknown action")
_OVER = "The episode is over."
_OPTIONS = ("task_index", "task_name", "variation", WORLD)


class ScienceWorldTask:
    """Elementary science experiments (ScienceWorld, arXiv:2203.07540): boil, grow, measure, mix, connect, identify.

    **Description.** A house of ten rooms full of things with temperatures, states of matter, circuits, plants and animals.
    The engine is the simulator itself (package ``scienceworld``, Scala) in a JVM; it needs Java 8 or later. Each live
    episode has a JVM of its own, started by its first ``reset``. Upstream is not reproducible; here the same variation and
    commands give the same texts in any process, whatever else was asked in between (see :mod:`.simulator`).

    **Observation.** The simulator's text. The first one is ``look around`` (which upstream's ``reset`` does) and the inventory.

    **Commands.** The simulator's own, and ``check valid actions``, which lists their forms and costs a move. A final dot and
    extra spaces do not matter.

    =====================================  ================================================================================
    open door to kitchen, go to kitchen    doors lead to the rooms next to this one
    look around, look at X, look in X      what is here, or what a thing is like (``look at thermometer``), or what it holds
    pick up X, put down X, move X to Y     carry things; ``inventory`` lists them
    pour X in Y, dunk X in Y, mix X        liquids, and chemistry in a container
    activate X, deactivate X               stoves, sinks, stopwatches
    use X on Y                             a thermometer on a substance, a lighter on wood, a shovel on the ground
    connect X to Y, disconnect X           electrical terminals: ``connect battery anode to red wire terminal 1``
    focus on X                             tells the simulator what the task asks for; the wrong thing fails the task
    wait, wait1                            ten moments, or one
    read, eat, flush, task                 as they say
    =====================================  ================================================================================

    **Progress** is the engine's score, best so far; with ``protocol="agentboard"`` the share of the task's required subgoals
    that the engine holds for done, best so far. ``metrics`` has both at each step: ``engine_score`` (as it is now; -1 after a
    mistake that cannot be mended) and ``subgoal_progress``. **Success**: the engine's score is 1 (100 points).
    **Termination**: the engine says completed, or its score is below 0 (both upstream's rules). The env truncates after 250
    moves; in the two tasks of friction on inclined planes after 1,000, as a block slides down sandpaper in 708 moments and the
    gold path looks after each (up to 762 actions, elsewhere up to 189); or after AgentBoard's 30, into which 13 gold paths of
    its own 90 rows do not fit.

    **Splits.** The engine's own lists, train 3,592, dev 1,794, test 1,821 variations, no variation in two of them; ``split``
    takes the common names, too (``"validation"`` is dev), and the record has the engine's. Episode seeds walk the tasks
    round-robin. ``reset(options=…)``: ``task_index`` (official order: task by task), or ``task_name`` and ``variation``.
    **88 of the 90 rows of AgentBoard's label file are variations of the engine's train split**: who trains on that split and
    evaluates with `labels` evaluates on what was trained on. AgentBoard's protocol without `labels` plays test variations only.

    **Expert.** The engine's gold agent, asked when the expert is asked first and not before (neither the key facts nor the
    background need it). It draws at random where it looks and what it uses, and not every draw leads to the goal: each path is
    played once before it is given out and drawn again, three times at most, until one reaches 100 points; the same every time.
    With AgentBoard's simplifications no draw does in some variations of grow-fruit (e.g. 93, 109, 125) and in
    mendelian-genetics-known-plant 90: there the expert gives the best path that it has.

    **Memory tasks.** The simulator's house is always the same one and its gold paths are long, so its tasks hardly need to be
    told anything. With ``task_names="memory"`` the things that a task needs have been put elsewhere before it begins, by the
    simulator itself and in no time (thermometer, boxes, ingredients, paints, inclined planes; see :mod:`.memory`), and what it
    keeps secret is told beforehand: whether an unknown substance conducts, where it melts, which trait is dominant, which plane
    is steeper or rougher. Key facts are what suffices, one to four a task. Here the expert is a scripted player who was told
    the key facts and nothing else (:mod:`.player`); its moves are the plan that ``moves="memory"`` counts.

    **Worlds.** ``options={"world": {"seed": 3, "epoch": 1, "changes": 0.3}}``: a laboratory with up to 16 goals, two of each
    memory task, that can all be true of one house, and one place for each thing; the episode's seed picks the goal. In each
    epoch the share `changes` of the things is put elsewhere; secrets stay. Boxes, planes and ingredients are there only in
    tasks that need them, always where the world says.

    **Speed.** A Java agent of our own (sources and build command in ``envs/scienceworld/java``; any JRE runs it) gives the
    simulator's objects hashes counted from the load, which makes texts the same in every JVM, and has the parser work out an
    object's names once a command instead of some thousand times.

    ================  ==============  =====================================================================================
    keyword           default         meaning
    ================  ==============  =====================================================================================
    protocol          ``"full"``      ``"agentboard"``: 90 test variations (our choice, see :mod:`.variations`; AgentBoard's
                                      with `labels`), 30 moves, its simplifications
    task_names        ``None``        a task or a list of tasks, by name (``"boil"``) or id (``"1-1"``); ``None``: all 30;
                                      ``"memory"``: the eight memory tasks (the default of the three-stage env)
    moves             ``"protocol"``  ``"memory"``: half as many again as the expert's plan of a memory task, and three (the
                                      default of the three-stage env); other tasks keep the protocol's limit
    split             ``None``        ``"train"``, ``"dev"`` (or ``"validation"``), ``"test"``; ``None``: train, in
                                      AgentBoard's protocol test, its only one
    variation         ``None``        only this variation of each task, whatever its split
    simplifications   ``None``        names out of ``teleportAction selfWateringFlowerPots openContainers openDoors
                                      noElectricalAction``, or ``"easy"`` (upstream's mixture); as a list or with commas.
                                      ``None``: none, in AgentBoard's protocol all but the first. With ``noElectricalAction``
                                      the four electrical tasks are left out
    labels            ``None``        AgentBoard's label file (``data/scienceworld/test.jsonl``), with its protocol: its
                                      variations and goals, its difficulty in the record, and ``label_progress`` (regular
                                      expressions over the texts) in the metrics
    jvm               ``"shared"``    JVMs that other tasks of the process no longer need are used again; ``"own"``: never
    heap              ``"512m"``      the JVM's ``-Xmx``
    timeout           ``60.0``        seconds that a step may take (a load ten times as long) before the JVM is ended
    ================  ==============  =====================================================================================

    Sources: ``scienceworld/scienceworld.py`` (the rules of ``reset`` and ``step``); AgentBoard's
    ``environment/scienceworld_env.py`` and ``tasks/scienceworld.py`` (bb7255e) as a protocol.
    """

    benchmark: ClassVar[str] = "scienceworld"
    metric: ClassVar[Metric] = "success"

    def __init__(
        self,
        protocol: Literal["full", "agentboard"] = "full",
        task_names: str | Sequence[str] | None = None,
        split: Literal["train", "dev", "validation", "test"] | None = None,
        variation: int | None = None,
        simplifications: str | Sequence[str] | None = None,
        labels: str | Path | None = None,
        jvm: Literal["shared", "own"] = "shared",
        heap: str = "512m",
        timeout: float = 60.0,
        moves: Literal["protocol", "memory"] = "protocol",
    ) -> None:
        self._protocol = protocol
        self._simplifications = choose_simplifications(simplifications, protocol)
        self._choice = Choice(
            choose_tasks(task_names, self._simplifications),
            choose_protocol(protocol, split),
            protocol,
            self._simplifications,
            variation=variation,
            labels=_label_file(labels, protocol),
            memory=means_memory(task_names),
        )
        self._moves = choose_moves(moves, protocol)
        one_of("jvm", jvm, ("shared", "own"))
        if not isinstance(heap, str) or not re.fullmatch(r"\d+[kKmMgG]", heap):
            raise ConfigurationError(f"heap={heap!r}: expected a size as -Xmx takes it, e.g. '512m'")
        self._own, self._heap, self._timeout = jvm == "own", heap, positive("timeout", timeout)
        import_extra("scienceworld", "scienceworld")
        self._simulator: Simulator | None = None
        self._loan: weakref.finalize[..., ScienceWorldTask] | None = None

    def size(self) -> int | None:
        """Number of variations in the split."""
        return len(self._choice.all())

    def reset(self, seed: int, options: Mapping[str, Any]) -> TaskStart:
        """Load a variation. See :meth:`agemem_gym.task.Task.reset`."""
        options = only_options(options, _OPTIONS, task="ScienceWorld")
        self._world = World.of(options)
        chosen = None if self._world else self._choice.choose(seed, options)
        simulator = self._borrow()
        self._scene: memory.Scene | None = None
        if chosen is None:
            assert self._world is not None
            chosen, self._scene = self._enter(self._world, seed, options)
        elif self._choice.memory:
            self._scene = memory.SCENES.scene(simulator, self._plain(chosen))
        self._situation = self._scene.situation if self._scene else self._plain(chosen)
        self._gold: list[str] | None = None
        limit = self._limit(chosen)
        first = simulator.load(self._situation)
        self._played: list[str] = []
        self._best, self._latest, self._over = 0.0, first, False
        description = simulator.task_description()
        self._places = facts.places(json.loads(simulator.object_tree()))
        self._key = facts.key_places(self._places, description, simulator.goal_progress())
        label = self._choice.label(chosen)
        self._label_progress = LabelProgress(label) if label else None
        return TaskStart(
            task_id=self._task_id(chosen),
            instruction=label.goal if label else description,
            observation=f"{first.text}\n{simulator.inventory()}".strip(),
            commands=_COMMANDS,
            max_moves=limit,
            key_facts=self._scene.key if self._scene else facts.key_facts(self._key),
            record=self._record(chosen, label),
            key_phrases=self._scene.phrases if self._scene else (),
        )

    def act(self, command: str) -> TaskStep:
        """Carry out one command, any text at all."""
        simulator = self._playing()
        command = " ".join(command.split()).rstrip(".! ")
        if self._over:
            return self._step(_OVER, valid=False)
        if command.lower() == CHECK:
            forms = [form for form in simulator.command_forms() if "reset" not in form]
            return self._step(f"Choose an action from these valid actions: {', '.join([*forms, CHECK])}")
        if not command or len(command) > MAX_COMMAND_CHARACTERS:
            return self._step(_NOT_UNDERSTOOD, valid=False)
        self._latest = result = simulator.step(command)
        self._played.append(command)
        self._over = result.completed or result.score < 0
        return self._step(result.text, valid=not result.text.startswith(_UNKNOWN))

    def answer(self, text: str) -> TaskStep:
        """End the episode; the state of the world is the answer."""
        self._playing()
        self._over = True
        return self._step(_OVER)

    def admissible(self) -> list[str]:
        """All commands that mean something now, sorted; 25 to 100 ms and often more than a thousand."""
        simulator = self._playing()
        return [] if self._over else sorted({*simulator.valid_commands(), CHECK} - {"reset task"})

    def expert(self) -> Iterator[str]:
        """The engine's gold path, or a way back to it that was tried first; see :mod:`.expert`. Takes 0.1 s to 15 s."""
        simulator = self._playing()
        if self._over:
            return
        if self._gold is None:
            scene = self._scene
            self._gold = memory.SCENES.plan(simulator, scene) if scene else gold_path(simulator, self._situation)
            replay(simulator, self._situation, self._played)
        yield from plan(simulator, self._situation, tuple(self._played), self._gold)

    def background(self, rng: np.random.Generator) -> list[str]:
        """What was where at the start, in casual sentences: what the task speaks of, its rooms' doors, some other things."""
        self._playing()
        if self._scene:
            moved = [put.thing for put in self._scene.situation.moved]
            return facts.memory_background(self._places, self._scene.told, moved, rng)
        return facts.background(self._places, self._key, rng)

    def distractor_pool(self, rng: np.random.Generator) -> list[str]:
        """The same things in other houses, and idle talk."""
        self._playing()
        if self._scene:
            return facts.memory_distractors(self._places, self._scene.told, rng)
        return facts.distractors(self._places, rng)

    def world_facts(self) -> tuple[str, ...]:
        """See :meth:`agemem_gym.task.LastingTask.world_facts`; the first time in a world it takes seconds."""
        simulator = self._playing()
        if self._world is None:
            raise ConfigurationError("this episode has no world; name one: reset(options={'world': {'seed': 0}})")
        found = LABORATORIES.facts(simulator, self._grounds(), self._world)
        replay(simulator, self._situation, self._played)
        return found

    def close(self) -> None:
        """Give the JVM back; the last one to do so ends them all."""
        if self._loan is not None:
            self._loan()
        self._simulator = self._loan = None

    # ------------------------------------------------------------------------------------------- the parts of an episode

    def _step(self, text: str, valid: bool = True) -> TaskStep:
        latest = self._latest
        success = latest.score >= 100
        score, subgoals = latest.score / 100, 1.0 if success else _share(latest)
        self._best = max(self._best, subgoals if self._protocol == "agentboard" else score)
        metrics = {"engine_score": score, "subgoal_progress": subgoals}
        if self._label_progress:
            self._label_progress.see(text)
            metrics["label_progress"] = self._label_progress.value
        return TaskStep(text, self._best, success, self._over, valid, metrics)

    def _borrow(self) -> Simulator:
        if self._simulator is None or not self._simulator.jvm.usable:
            self.close()
            self._simulator = POOL.lend(self._heap, self._timeout, own=self._own)
            self._loan = weakref.finalize(self, POOL.take_back, self._simulator)
            self._loan.atexit = False  # the pool has an end of its own
        return self._simulator

    def _playing(self) -> Simulator:
        if self._simulator is None:
            raise ConfigurationError("no episode is running; call reset first")
        if not self._simulator.jvm.usable:
            raise EngineError("the JVM of this ScienceWorld episode is gone; the next reset starts another")
        return self._simulator

    def _limit(self, chosen: Variation) -> int:
        """The protocol's number of moves, or what whoever knows the key facts needs and some more."""
        if self._scene and self._moves == "memory":
            self._gold = memory.SCENES.plan(self._playing(), self._scene)
            if self._gold:
                return memory_limit(len(self._gold))
        return max_moves(self._protocol, chosen.task)

    # ------------------------------------------------------------------------------------------- which variation

    def _enter(self, world: World, seed: int, options: Mapping[str, Any]) -> tuple[Variation, memory.Scene]:
        """A goal of the world that the options name."""
        grounds = self._grounds()
        if len(options) > 1 or not grounds.able:
            raise ConfigurationError(
                "options['world'] goes alone, and with tasks that can be memory tasks: "
                f"task_names='memory', or some of {', '.join(MEMORY_TASKS)}"
            )
        return LABORATORIES.enter(self._playing(), grounds, world, seed)

    def _grounds(self) -> Grounds:
        return Grounds(self._choice.able(), self._simplifications)

    def _plain(self, chosen: Variation) -> Situation:
        """As the simulator has it."""
        return Situation(chosen.task, chosen.number, self._simplifications)

    def _task_id(self, chosen: Variation) -> str:
        """With simplifications, or where things were moved, it is another task."""
        world = self._world
        kind = "ScienceWorld-memory" if self._scene else "ScienceWorld"
        if world:
            kind = f"ScienceWorld-world-{world.seed}-{world.epoch}" + (f"-{world.changes:g}" if world.epoch else "")
        base = f"{kind}/{chosen.task}/{chosen.number}"
        return f"{base}/{'+'.join(self._simplifications)}" if self._simplifications else base

    def _record(self, chosen: Variation, label: Label | None) -> dict[str, str | int]:
        record: dict[str, str | int] = {
            "engine": f"scienceworld {importlib.metadata.version('scienceworld')}",
            "task": chosen.task,
            "variation": chosen.number,
            "split": split_of(chosen),
            "protocol": self._protocol,
            "simplifications": ",".join(self._simplifications),
        }
        if self._world:
            record |= {"world": self._world.seed, "epoch": self._world.epoch}
        return record | {"difficulty": label.difficulty} if label else record


def _share(result: Result) -> float:
    done, count = result.subgoals
    return done / count if count else 0.0


def _label_file(labels: str | Path | None, protocol: str) -> Path | None:
    if labels is None:
        return None
    if protocol != "agentboard":
        raise ConfigurationError("labels= belongs to AgentBoard's protocol: add protocol='agentboard'")
    return file_at("labels", labels, "AgentBoard's data/scienceworld/test.jsonl")
