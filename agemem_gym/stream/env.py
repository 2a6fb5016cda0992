"""Streams: tasks in a row over one long-term memory, as a Gymnasium wrapper.

::

    task 1                      task 2                      …   task T
    what is new about its world    what has changed since …       (stage 1)
    distractors                    distractors                    (stage 2)
    the task                       the task                       (stage 3)
    ────────────── long-term memory stays, the context does not ──────────────►

Each task is one episode. The first one of a stream begins with an empty memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils import RecordConstructorArgs

from agemem_gym.checks import at_least, only_options
from agemem_gym.curriculum.distractors import DistractorScene, DistractorSource, make_source
from agemem_gym.curriculum.talk import Talk, Turn
from agemem_gym.env import EnvSnapshot, MemoryEnv
from agemem_gym.errors import ConfigurationError
from agemem_gym.stage import Opening
from agemem_gym.stream.order import StreamSettings, Visit
from agemem_gym.stream.places import at_place
from agemem_gym.stream.script import Script, Setting
from agemem_gym.task import WORLD, LastingTask

_TAG = 0x57AEA
_NUMBERS = 2**31
_OF_STREAM = ("tasks", "worlds", "order", "revisit", "change_rate", "held_out")
_OF_STAGES = ("n1", "n2", "turns", "top_k", "source", "similarity")
_OPTIONS = ("stream_task", "stream_from", "held_out", "after")
_KEPT = 4  # streams whose scripts are kept

STREAM_PROMPT = (
    "This is one of several tasks in a row. Your context is cleared after each of them, your long-term memory stays. The tasks "
    "are set in places that come back; what you were told of a place is not told again, but some of it may have changed since, "
    "and then you are told so."
)
"""What an agent is told of the stream; stands behind the system prompt."""
PLACE_PROMPT = " This task is set at {place}."
"""What it is told besides, where the engine does not tell one world from another itself."""


@dataclass(frozen=True)
class Place:
    """Where in which stream an episode is.

    Attributes:
        number: the stream's.
        task: the task's number, from 1; of a held-out one its number among them.
        part: ``"task"``: with its stages; ``"evaluation"``: the task alone, with memory as it is; ``"held_out"``: likewise,
            one that is never played otherwise.
        after: the world is as it stands after this many tasks of the stream.
    """

    number: int
    task: int
    part: str = "task"
    after: int | None = None


@dataclass(frozen=True)
class StreamSnapshot:
    """What :meth:`Stream.restore` needs: plain data that can be pickled."""

    env: EnvSnapshot
    place: Place | None
    reached: Place | None


class Stream(gym.Wrapper[str, str, str, str], RecordConstructorArgs):
    """Puts tasks in a row over one long-term memory.

    Args:
        env: a :class:`~agemem_gym.env.MemoryEnv`, or wrappers round one; its task a :class:`~agemem_gym.task.LastingTask`.
        tasks: `T`, how many tasks a stream has.
        worlds: how many worlds (floor plans, rooms, encyclopedias, …) come back.
        order: in which order: ``"blocked"``, ``"interleaved"`` or ``"random"``; see :mod:`.order`.
        revisit: share of the tasks that are in these worlds; each of the others is in a world of its own.
        change_rate: share of a world's changeable facts that have changed at each further visit.
        held_out: further tasks in each of the worlds that come back, for evaluation only.
        n1: most messages of stage 1; see :mod:`.news` for what they say.
        n2: distractors of stage 2.
        turns: replies that an agent has for each message.
        top_k: entries of memory put beside each message of stage 1.
        source: where distractors come from, see :mod:`agemem_gym.curriculum.distractors`.
        similarity: range of the distractors' cosine similarity to the query, or None.

    ``reset(seed=s)`` begins stream `s` with its first task and an empty memory. ``reset()`` goes on to the next task; after
    the last one it begins stream `s + 1`. ``reset(seed=s, options=…)`` takes

    - ``stream_from: j``: go on with task `j` (from 1), stages and all, with memory as it is
    - ``stream_task: j``: task `j` alone, without stages 1 and 2, with memory as it is; for evaluation. ``after: i`` sets it in
      its world as it stands after task `i` instead of when it is its turn. Where the stream goes on is not changed by it.
    - ``held_out: h``: likewise the held-out task `h`, from 1

    Long-term memory is cleared at the beginning of a stream only; the option ``keep_memory`` beats that.

    ``info["stream"]``: ``number`` of the stream, ``task`` and ``of`` (`T`), ``world`` (from 1, in the order in which they are
    first seen), ``place`` (its name, with which all that is said of it begins: :mod:`.places`; empty where the task's own words
    tell one world from another, ``names_worlds = True``), ``epoch`` (how often it has changed), ``visit`` (from 1), ``part``
    (see :class:`Place`), ``after``, and ``entries`` and ``tokens`` of the memory when the episode began.

    Raises:
        ConfigurationError: a keyword or option that cannot be used, or a task whose worlds do not come back.

    Example:
        >>> import agemem_gym, gymnasium
        >>> env = gymnasium.make("AgeMem-HotpotQA-Stream-v0", tasks=3, n1=1, n2=0, encoder="hash", index="exact")
        >>> obs, info = env.reset(seed=0)
        >>> info["stream"]["task"], info["stream"]["of"], info["stage"]
        (1, 3, 1)
        >>> obs, info = env.reset()
        >>> info["stream"]["task"], info["stream"]["world"]
        (2, 2)
        >>> obs, info = env.reset(seed=0, options={"stream_task": 3})
        >>> info["stage"], info["stream"]["visit"]
        (3, 2)
        >>> env.close()

    Version history: v0, the first.
    """

    def __init__(
        self,
        env: gym.Env[str, str],
        tasks: int = 8,
        worlds: int = 2,
        order: str = "interleaved",
        revisit: float = 1.0,
        change_rate: float = 0.25,
        held_out: int = 1,
        n1: int = 12,
        n2: int = 2,
        *,
        turns: int = 3,
        top_k: int = 3,
        source: str | Sequence[str] | DistractorSource = "benchmark",
        similarity: tuple[float, float] | None = None,
    ) -> None:
        of_stream: dict[str, Any] = {"tasks": tasks, "worlds": worlds, "order": order, "revisit": revisit}
        of_stream |= {"change_rate": change_rate, "held_out": held_out}
        of_stages = {"n1": n1, "n2": n2, "turns": turns, "top_k": top_k, "source": source, "similarity": similarity}
        RecordConstructorArgs.__init__(self, _disable_deepcopy=True, **of_stream, **of_stages)
        gym.Wrapper.__init__(self, env)
        if not isinstance(env.unwrapped, MemoryEnv):
            raise ConfigurationError(f"Stream goes round a MemoryEnv, not round {type(env.unwrapped).__name__}")
        self._base: MemoryEnv = env.unwrapped
        if not isinstance(self._base.task, LastingTask):
            name = type(self._base.task).__name__
            raise ConfigurationError(
                f"{name} has no worlds that come back, so there is no stream of it: no world_facts()"
            )
        self.tasks, self.worlds, self.order, self.revisit = tasks, worlds, order, revisit
        self.change_rate, self.held_out = change_rate, held_out
        self.n1, self.n2, self.turns, self.top_k = n1, n2, turns, top_k
        self.source, self.similarity = source, similarity
        self._check()
        self._scripts: dict[tuple[StreamSettings, int, int], Script] = {}
        self._place: Place | None = None  # of the present episode
        self._reached: Place | None = None  # the task after which reset() goes on
        self._again: Place | None = None  # of a record that is to be replayed
        self._shown: dict[str, Any] = {}

    @property
    def settings(self) -> StreamSettings:
        """What streams are made of now."""
        return StreamSettings(**{name: getattr(self, name) for name in _OF_STREAM})

    # ---------------------------------------------------------------------------------------------- Gymnasium's verbs

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Start the episode of a task; see the class for which one."""
        self._check()
        rest = dict(options or {})
        place = self._asked(seed, rest)
        self._base.recorder.forget()  # the engine is asked for what the stream says: there is no episode meanwhile
        setting = self._setting(place)
        begins = place.part == "task" and place.task == 1
        given = {WORLD: setting.world, "keep_memory": not begins, **rest}
        self._place = place
        if place.part == "task":
            self._base.open_with(self._open)
        _, info = self.env.reset(seed=setting.seed, options=given)
        if place.part == "task":
            self._reached = place
        base = self._base
        base.note_wrapper(self, {**{name: getattr(self, name) for name in (*_OF_STREAM, *_OF_STAGES)}, "place": place})
        self._shown = self._info(place)
        base.episode.curriculum["stream"] = dict(self._shown)
        where = PLACE_PROMPT.format(**self._shown) if self._shown["place"] else ""
        base.say("system", STREAM_PROMPT + where, kind="system", protected=True, at=1)
        obs, now = base.view(base.opening_text())
        return obs, self._added(info | now)

    def step(self, action: Any) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Carry out one reply."""
        obs, reward, terminated, truncated, info = self.env.step(action)
        return obs, float(reward), terminated, truncated, self._added(info)

    def apply_settings(self, settings: Mapping[str, Any]) -> None:
        """Set what :meth:`MemoryEnv.note_wrapper <agemem_gym.env.MemoryEnv.note_wrapper>` wrote down; the next reset is its."""
        for name in (*_OF_STREAM, *_OF_STAGES):
            setattr(self, name, settings[name])
        self._again = Place(**settings["place"])
        self._check()

    def snapshot(self) -> StreamSnapshot:
        """The present state, that of the wrappers beneath included."""
        return StreamSnapshot(self.env.get_wrapper_attr("snapshot")(), self._place, self._reached)

    def restore(self, snapshot: StreamSnapshot) -> tuple[str, dict[str, Any]]:
        """Go back to a snapshot, of this env or of another one made with the same keywords; returns ``obs, info``."""
        obs, info = self.env.get_wrapper_attr("restore")(snapshot.env)
        self._place, self._reached = snapshot.place, snapshot.reached
        self._shown = dict(self._base.episode.curriculum["stream"])
        return obs, self._added(info)

    # ---------------------------------------------------------------------------------------------- which task

    def _asked(self, seed: int | None, options: dict[str, Any]) -> Place:
        """The task that a reset asks for; takes its own options out of them."""
        if self._again is not None:  # a replay: the record's own world is in the options
            place, self._again = self._again, None
            options.pop(WORLD, None)
            return place
        only_options(options, (*_OPTIONS, "keep_memory"), task="a stream")
        given = {name: options.pop(name) for name in _OPTIONS if options.get(name) is not None}
        number = self._number(seed, bool(given))
        which = [name for name in given if name != "after"]
        if len(which) > 1:
            raise ConfigurationError(f"options: {' and '.join(map(repr, which))} name two tasks; give one of them")
        if not which:
            if given:
                raise ConfigurationError("options['after'] goes with 'stream_task'")
            return self._next(seed, number)
        (name,) = which
        most = len(self._script(number).held_out) if name == "held_out" else self.tasks
        task = at_least(f"options[{name!r}]", given[name])
        if task > most:
            raise ConfigurationError(f"options[{name!r}]={task}: expected 1 to {most}")
        if "after" in given and name != "stream_task":
            raise ConfigurationError("options['after'] goes with 'stream_task'")
        after = at_least("options['after']", given["after"], 0) if "after" in given else None
        part = {"stream_from": "task", "stream_task": "evaluation", "held_out": "held_out"}[name]
        return Place(number, task, part, self.tasks if name == "held_out" else after)

    def _number(self, seed: int | None, jumps: bool) -> int:
        """The stream that a reset means."""
        if seed is not None:
            return int(seed)
        if self._reached is not None:
            return self._reached.number
        return int(self._base.np_random.integers(_NUMBERS))

    def _next(self, seed: int | None, number: int) -> Place:
        """Where the stream goes on: with its first task where a seed is given or none has been played."""
        if seed is not None or self._reached is None:
            return Place(number, 1)
        if self._reached.task >= self.tasks:
            return Place(number + 1, 1)
        return Place(number, self._reached.task + 1)

    def _script(self, number: int) -> Script:
        """The stream of this number; those that were asked for last are kept."""
        key = (self.settings, self.n1, number)
        if key not in self._scripts:
            task = self._base.task
            assert isinstance(task, LastingTask)
            for old in list(self._scripts)[: 1 - _KEPT]:
                del self._scripts[old]
            self._scripts[key] = Script(task, self.settings, number, self.n1)
        return self._scripts[key]

    def _setting(self, place: Place) -> Setting:
        script = self._script(place.number)
        if place.part == "held_out":
            return script.held_out_setting(place.task)
        if place.part == "task":
            script.said(place.task)  # the engine is asked now; afterwards it holds the episode
        return script.setting(place.task, place.after)

    def _visit(self, place: Place) -> Visit:
        script = self._script(place.number)
        return (script.held_out if place.part == "held_out" else script.stream)[place.task - 1]

    def _name(self, place: Place) -> str:
        """Of the world; empty where the engine's own words tell one world from another."""
        if getattr(self._base.task, "names_worlds", False):
            return ""
        return self._script(place.number).names[self._visit(place).place]

    # ---------------------------------------------------------------------------------------------- the stages

    def _open(self, env: MemoryEnv) -> Opening:
        """Stages 1 and 2 of the task whose engine has just been reset."""
        assert self._place is not None
        name = self._name(self._place)
        said = self._script(self._place.number).said(self._place.task)
        lines = [at_place(name, line.text) if name else line.text for line in said]
        plan = tuple([Turn(1, text, "background") for text in lines] + self._distractors(env, lines))
        if self.top_k and lines:
            env.encoder.encode(lines)  # one batch into the cache is faster than one by one
        env.task_stage.turns = len(plan)
        sources = ", ".join(sorted({turn.source for turn in plan if turn.stage == 2}))
        counts = {f"n{stage}": sum(turn.stage == stage for turn in plan) for stage in (1, 2)}
        talk = Talk(env, plan, turns=self.turns, top_k=self.top_k, order="progressive")
        settings = {**counts, "turns": self.turns, "top_k": self.top_k, "distractors": sources}
        return Opening(talk if plan else env.task_stage, self.turns * len(plan), settings)

    def _distractors(self, env: MemoryEnv, lines: Sequence[str]) -> list[Turn]:
        """Stage 2; a stale fact and its correction come one after the other."""
        if not self.n2:
            return []
        start, rng = env.episode.start, np.random.default_rng([_TAG, env.episode.seed])
        scene = DistractorScene(
            query=start.instruction,
            key_facts=start.key_facts,
            answer=start.answer,
            background=tuple(lines),
            pool=tuple(env.task.distractor_pool(rng)),
            seed=env.episode.seed,
        )
        drawn = make_source(self.source, env.encoder, self.similarity).draw(scene, self.n2, rng)
        said = [(text, d) for d in drawn for text in (d.text, d.corrected_by) if text is not None]
        return [Turn(2, text, d.source, d.similarity) for text, d in said]

    # ---------------------------------------------------------------------------------------------- info and checks

    def _info(self, place: Place) -> dict[str, Any]:
        visit, entries = self._visit(place), [record.content for record in self._base.memory]
        return {
            "number": place.number,
            "task": place.task,
            "of": self.tasks,
            "world": visit.place + 1,
            "place": self._name(place),
            "epoch": self._setting(place).world["epoch"],
            "visit": visit.visit,
            "part": place.part,
            "after": place.after,
            "entries": len(entries),
            "tokens": sum(map(self._base.context.count, entries)),
        }

    def _added(self, info: dict[str, Any]) -> dict[str, Any]:
        return info | {"stream": dict(self._shown)}

    def _check(self) -> None:
        _ = self.settings
        for name, least in (("n1", 0), ("n2", 0), ("turns", 1), ("top_k", 0)):
            at_least(name, getattr(self, name), least)
        make_source(self.source, self._base.encoder, self.similarity)
