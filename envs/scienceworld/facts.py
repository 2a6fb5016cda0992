"""What is where in a ScienceWorld, as sentences: background knowledge, the facts that matter, and false ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

ROOMS = (
    "hallway",
    "kitchen",
    "living room",
    "bathroom",
    "workshop",
    "art studio",
    "bedroom",
    "foundry",
    "greenhouse",
    "outside",
)
_DULL = re.compile(r"air|agent|.*door.*|.*terminal.*|anode|cathode|universe")
_CASUAL = (
    "By the way, {fact}.",
    "I was just there: {fact}.",
    "You may want to know that {fact}.",
    "When I looked around this morning, {fact}.",
    "Funny, {fact}.",
)
_CHAT = (
    "I once read that the boiling point of water falls the higher you climb.",
    "Somebody told me that the thermometer in the school's laboratory is broken.",
    "The old greenhouse was painted green last year.",
    "My neighbour keeps her paint in the garage, all of it dried up.",
    "They say that the foundry is closed on Sundays.",
)


def places(tree: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(object, container, room) of everything worth a word, sorted; the container is "" where it lies open in the room."""
    found = {
        (name, container, room["name"])
        for room in tree["contents"].values()
        if room["name"] in ROOMS
        for name, container in _things(room, "")
    }
    return sorted(found)


def _things(holder: Mapping[str, Any], container: str) -> Iterator[tuple[str, str]]:
    for thing in holder["contents"].values():
        if _DULL.fullmatch(thing["name"]) or thing.get("isDeleted"):
            continue
        yield thing["name"], container
        yield from _things(thing, thing["name"])


def sentence(name: str, container: str, room: str) -> str:
    """One place as a clause."""
    where = "outside" if room == "outside" else f"in the {room}"
    return f"there is {name} in the {container} {where}" if container else f"there is {name} {where}"


def key_places(found: list[tuple[str, str, str]], goals: str) -> list[tuple[str, str, str]]:
    """The places of what the task's description and the simulator's own subgoals speak of."""
    text = goals.lower()
    return [place for place in found if re.search(rf"\b{re.escape(place[0].lower())}\b", text)]


def background(
    found: list[tuple[str, str, str]], key: list[tuple[str, str, str]], rng: np.random.Generator
) -> list[str]:
    """All that matters and some of the rest, in casual sentences and mixed order."""
    rest = [place for place in found if place not in key]
    picked = [rest[i] for i in sorted(rng.choice(len(rest), size=min(12, len(rest)), replace=False))] if rest else []
    lines = [_CASUAL[int(rng.integers(len(_CASUAL)))].format(fact=sentence(*place)) for place in key + picked]
    return [lines[i] for i in rng.permutation(len(lines))]


def distractors(found: list[tuple[str, str, str]], rng: np.random.Generator) -> list[str]:
    """The same things in rooms where they are not, and idle talk."""
    lines = []
    for name, container, _ in found:
        rooms = {place[2] for place in found if place[0] == name}
        others = [other for other in ROOMS if other not in rooms]
        lines.append(f"Somebody said {sentence(name, container, others[int(rng.integers(len(others)))])}.")
    lines += _CHAT
    return [lines[i] for i in rng.permutation(len(lines))]
