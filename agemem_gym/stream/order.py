"""Which task of a stream is set in which world, and when: a function of the settings and the stream's number.

::

    blocked       A A A A B B B B      a world is known well before the next one comes
    interleaved   A B A B A B A B      each world comes back after the others
    random        A B B A A A B B      as the stream's number draws it

Of all tasks the share `revisit` is in worlds that come back; each of the others is in a world of its own, which is never seen
again and is put somewhere in between. ``revisit=0`` is a naive stream, in which there is nothing to carry over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agemem_gym.checks import at_least, one_of, within

ORDERS = ("blocked", "interleaved", "random")

_TAG = 0x57AE4
_SEEDS = 2**31 - 1


@dataclass(frozen=True)
class StreamSettings:
    """What a stream is made of.

    Attributes:
        tasks: `T`, how many tasks in a row.
        worlds: how many worlds come back.
        order: one of :data:`ORDERS`.
        revisit: share of the tasks that are in worlds that come back.
        change_rate: share of a world's changeable facts that have changed at each further visit.
        held_out: further tasks in each of these worlds, which are never played but to see what memory is worth there.

    Raises:
        ConfigurationError: a value that cannot be used.
    """

    tasks: int = 8
    worlds: int = 2
    order: str = "interleaved"
    revisit: float = 1.0
    change_rate: float = 0.25
    held_out: int = 1

    def __post_init__(self) -> None:
        at_least("tasks", self.tasks)
        at_least("worlds", self.worlds)
        at_least("held_out", self.held_out, 0)
        one_of("order", self.order, ORDERS)
        within("revisit", self.revisit, 0, 1, "a share")
        within("change_rate", self.change_rate, 0, 1, "a share")


@dataclass(frozen=True)
class Visit:
    """One task's place in a stream.

    Attributes:
        task: its number in the stream, from 1.
        place: number of its world in the stream, from 0, in the order in which they are first seen.
        world: the world's seed.
        visit: how often the stream has been in this world, this time included.
        epoch: how often the world has changed since it was first seen.
        returns: whether the world is one of those that come back.
    """

    task: int
    place: int
    world: int
    visit: int
    epoch: int
    returns: bool = True


def visits(settings: StreamSettings, number: int) -> tuple[Visit, ...]:
    """The tasks of stream `number`, in order.

    Example:
        >>> [visit.place for visit in visits(StreamSettings(tasks=6, worlds=2, order="interleaved"), number=0)]
        [0, 1, 0, 1, 0, 1]
        >>> [visit.place for visit in visits(StreamSettings(tasks=6, worlds=2, order="blocked"), number=0)]
        [0, 0, 0, 1, 1, 1]
    """
    rng = np.random.default_rng([_TAG, number])
    coming_back = round(settings.revisit * settings.tasks)
    places = _arranged(settings.order, coming_back, settings.worlds, rng)
    for passing in range(settings.tasks - coming_back):
        places.insert(int(rng.integers(len(places) + 1)), -1 - passing)
    seeds = {place: int(rng.integers(_SEEDS)) for place in sorted(set(places))}
    numbers = {place: position for position, place in enumerate(dict.fromkeys(places))}
    seen: Counter[int] = Counter()
    made = []
    for task, place in enumerate(places, start=1):
        seen[place] += 1
        epoch = seen[place] - 1 if settings.change_rate else 0
        made.append(Visit(task, numbers[place], seeds[place], seen[place], epoch, place >= 0))
    return tuple(made)


def _arranged(order: str, tasks: int, worlds: int, rng: np.random.Generator) -> list[int]:
    """Worlds that come back, task by task: each of them as often as any other, the first ones once more where need be."""
    blocked = sorted(task % worlds for task in range(tasks))
    if order == "blocked":
        return blocked
    if order == "interleaved":
        return [task % worlds for task in range(tasks)]
    return [blocked[int(position)] for position in rng.permutation(tasks)]


def latest_visit(stream: Sequence[Visit], place: int, after: int) -> Visit:
    """A world's latest visit among the first `after` tasks; its first one where it has not been seen by then."""
    there = [visit for visit in stream if visit.place == place]
    return next((visit for visit in reversed(there) if visit.task <= after), there[0])
