"""Which episodes the board of a stream comes to, as reset options of :class:`~agemem_gym.stream.Stream`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from gymnasium.envs.registration import registry

from agemem_gym.agent import AgentSpec
from agemem_gym.checks import one_of
from agemem_gym.leaderboard.plan import Wanted, make_plan
from agemem_gym.stream import StreamSettings, Visit, visits
from agemem_gym.stream.order import latest_visit

CELLS = ("needed", "all")
"""Of the matrix P: what the measures need (each task from just before its turn on), or every task after every other."""

Kind = Literal["played", "scored", "without", "held_out", "held_out_without"]


@dataclass(frozen=True)
class Cell:
    """What an episode is for.

    Attributes:
        kind: the task played with its stages; scored with the memory after another one; without memory; and both for a
            held-out task.
        task: its number, from 1.
        after: of a task that is scored, with memory or without: its world is as it stands after this task of the stream.
    """

    kind: Kind
    task: int
    after: int | None = None

    @property
    def options(self) -> dict[str, Any]:
        """Of ``env.reset``."""
        empty = {"keep_memory": False} if self.kind in ("without", "held_out_without") else {}
        if self.kind == "played":
            return {"stream_from": self.task}
        if self.kind in ("scored", "without"):
            return {"stream_task": self.task, "after": self.after, **empty}
        return {"held_out": self.task, **empty}

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Cell:
        """The cell of these options."""
        if "stream_from" in options:
            return cls("played", options["stream_from"])
        empty = "keep_memory" in options
        if "held_out" in options:
            return cls("held_out_without" if empty else "held_out", options["held_out"])
        return cls("without" if empty else "scored", options["stream_task"], options["after"])

    def begins_with(self, tasks: int) -> int | None:
        """After which task of a stream of so many the memory is as it begins with; None for an empty one."""
        if self.kind == "played":
            return self.task - 1 or None
        return {"scored": self.after, "held_out": tasks}.get(self.kind)

    def rests_on(self, tasks: int) -> int:
        """The latest task of the stream on whose playing it rests; 0 for none."""
        return self.task if self.kind == "played" else self.begins_with(tasks) or 0


def stream_plan(
    agents: Sequence[AgentSpec],
    env_ids: Sequence[str],
    numbers: Iterable[int],
    *,
    env_kwargs: Mapping[str, Any] | None = None,
    cells: str = "needed",
) -> list[Wanted]:
    """All episodes of ``agents x env_ids x streams``, each stream's one after another, in the order of their playing.

    Raises:
        ConfigurationError: as :func:`~agemem_gym.leaderboard.plan.make_plan`; or streams with settings that cannot be.
    """
    one_of("cells", cells, CELLS)
    plan: list[Wanted] = []
    for wanted in make_plan(agents, env_ids, numbers, env_kwargs=env_kwargs):
        for cell in cells_of(settings_of(wanted.entry.env_id, wanted.entry.env_kwargs), wanted.job.seed, cells):
            plan.append(Wanted(wanted.entry, replace(wanted.job, number=len(plan), options=cell.options)))
    return plan


def cells_of(settings: StreamSettings, number: int, cells: str = "needed") -> Iterator[Cell]:
    """The episodes of one stream, in the order of their playing.

    Example:
        >>> [f"{c.kind} {c.task}" for c in cells_of(StreamSettings(tasks=2, worlds=1, change_rate=0.0, held_out=0), 0)]
        ['without 1', 'without 2', 'played 1', 'scored 1', 'scored 2', 'played 2', 'scored 1', 'scored 2']
    """
    tasks, stream = range(1, settings.tasks + 1), visits(settings, number)
    back = {visit.place for visit in stream if visit.returns}
    held_out = range(1, len(back) * settings.held_out + 1)
    scored = [(after, task) for after in tasks for task in tasks if cells == "all" or task <= after + 1]
    states = dict.fromkeys((task, same_state(stream, task, after)) for task, after in sorted((j, i) for i, j in scored))
    yield from (Cell("without", task, after) for task, after in states)
    yield from (Cell("held_out_without", task) for task in held_out)
    for now in tasks:
        yield Cell("played", now)
        yield from (Cell("scored", task, after) for after, task in scored if after == now)
    yield from (Cell("held_out", task) for task in held_out)


def same_state(stream: Sequence[Visit], task: int, after: int) -> int:
    """The first number of tasks after which a task's world stands as it does after `after` of them."""
    place = stream[task - 1].place
    epoch = latest_visit(stream, place, after).epoch
    return next((v.task for v in stream if v.place == place and v.epoch == epoch), 0) if epoch else 0


def settings_of(env_id: str, env_kwargs: Mapping[str, Any]) -> StreamSettings:
    """What the streams of an env are made of: the id's own keywords under those in force."""
    spec = registry.get(env_id.rpartition(":")[2])
    kwargs = {**(spec.kwargs if spec is not None else {}), **env_kwargs}
    return StreamSettings(**{item.name: kwargs[item.name] for item in fields(StreamSettings) if item.name in kwargs})
