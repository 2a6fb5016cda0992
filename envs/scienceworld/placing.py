"""Where movable things stand before an episode begins: elsewhere than where the simulator always puts them.

The simulator's house is always the same one, so whoever has played once knows where its thermometer is. Here a thing is put
into another room or cupboard before the first move, by the simulator itself (``java/Simulation.java``): no time passes, and
nothing but its place is another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agemem_gym.errors import EngineError

AWAY = "sewer"
"""A room of the simulator's that no door leads to: where the second cup of blue paint goes."""


@dataclass(frozen=True, order=True)
class Spot:
    """A place in the house: a room, and what in it holds a thing; empty where it lies open."""

    room: str
    container: str = ""


SPOTS = tuple(
    Spot(room, container)
    for room, containers in {
        "art studio": ("", "large cupboard"),
        "bathroom": ("",),
        "bedroom": ("", "closet", "table"),
        "foundry": ("", "blast furnace", "table"),
        "greenhouse": ("",),
        "kitchen": ("cupboard", "oven", "table"),
        "living room": ("", "couch"),
        "outside": ("",),
        "workshop": ("", "table"),
    }.items()
    for container in containers
)
"""Where things may be put. Nothing here changes what lies in it: no fridge, no sink, no fire pit."""


@dataclass(frozen=True, order=True)
class Placed:
    """A thing and the place where it is put; paint moves with its cup."""

    thing: str
    spot: Spot


def walk(tree: Mapping[str, Any], *above: Mapping[str, Any]) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Every object of the tree, each with those that hold it, from the outermost."""
    for thing in tree["contents"].values():
        yield thing, (*above, tree)
        yield from walk(thing, *above, tree)


def moves(tree: Mapping[str, Any], placed: Sequence[Placed]) -> list[tuple[str, str]]:
    """Pairs of ids, thing and new holder. Where there are several of a thing the first is put, the others are put away.

    Raises:
        EngineError: there is no such thing or place.
    """
    rooms = {room["name"]: room for room in tree["contents"].values()}
    pairs = []
    for put in placed:
        found = [_whole(thing, above) for thing, above in walk(tree) if put.thing in (thing["title"], thing["name"])]
        holder = next((thing for thing, _ in walk(rooms[put.spot.room]) if thing["name"] == put.spot.container), None)
        if not put.spot.container:
            holder = rooms[put.spot.room]
        if not found or holder is None:
            raise EngineError(f"ScienceWorld has no {put.thing!r}, or no {put.spot}, to put it there")
        first, *others = sorted(found, key=lambda thing: int(thing["uuid"]))
        pairs.append((first["uuid"], holder["uuid"]))
        pairs += [(other["uuid"], rooms[AWAY]["uuid"]) for other in others]
    return pairs


def _whole(thing: Any, above: Sequence[Any]) -> Any:
    return above[-1] if thing["name"].endswith("paint") else thing
