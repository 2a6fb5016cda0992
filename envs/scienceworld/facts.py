"""What is where in a ScienceWorld, as sentences: background knowledge, the facts that matter, and distractors.

Everything comes from the simulator's tree of objects at the beginning of the episode, which is read without taking a step.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

PASSAGES: dict[str, tuple[str, ...]] = {
    "art studio": ("hallway",),
    "bathroom": ("kitchen",),
    "bedroom": ("hallway",),
    "foundry": ("outside",),
    "greenhouse": ("hallway", "outside"),
    "hallway": ("art studio", "bedroom", "greenhouse", "kitchen", "living room", "workshop"),
    "kitchen": ("bathroom", "hallway", "outside"),
    "living room": ("hallway",),
    "outside": ("foundry", "greenhouse", "kitchen"),
    "workshop": ("hallway",),
}
"""The rooms, and the rooms that a door joins each to; the simulator's house is always the same one."""

MAX_KEY_FACTS = 16
_OTHERS = 12
_DULL = frozenset({"air", "agent", "inventory", "universe"})
_PARTS = re.compile(r"terminal \d|anode|cathode|door to .*|bee \d+")  # bees are elsewhere a moment later
_SURFACES = ("table", "counter", "desk", "bed", "mattress", "couch", "chair", "stove")
_MASS = re.compile(
    r"(?:.* )?(?:water|paint|juice|soil|wood|soap|chloride|bicarbonate|iron|lead|gold|tin|mercury|gallium|caesium|ice|milk"
    r"|chocolate|butter|marshmallow|rubber|sodium|acid|vinegar|sugar|flour|jam|honey|cream|syrup|foil|ash|hydroxide|oil)"
)
_CASUAL = (
    "By the way, {fact}.",
    "I was just there: {fact}.",
    "You may want to know that {fact}.",
    "As far as I could see, {fact}.",
    "If I remember right, {fact}.",
    "Just so you know, {fact}.",
)
_ELSEWHERE = (
    "At my aunt's place {fact}.",
    "In the school that I went to, {fact}.",
    "In the house next door, {fact}.",
    "In a story that I read, {fact}.",
)
_CHAT = (
    "I once read that the boiling point of water falls the higher you climb.",
    "Somebody told me that the thermometer in the school's laboratory is broken.",
    "The old greenhouse in the park was painted green last year.",
    "My neighbour keeps her paint in the garage, all of it dried up.",
    "They say that the foundry in town is closed on Sundays.",
    "Bees can recognise human faces, or so I was told.",
    "My cousin grew a lemon tree from a seed once; it took years.",
    "A friend of mine collects old thermometers and never uses them.",
)


@dataclass(frozen=True, order=True)
class Place:
    """A thing and where it is.

    Attributes:
        room: the room.
        container: what holds it there; empty where it lies open in the room.
        name: the thing.
        alive: it is a living thing.
    """

    room: str
    container: str
    name: str
    alive: bool = False

    @property
    def clause(self) -> str:
        """E.g. ``there is a thermometer in the drawer in the kitchen``."""
        where = "outside" if self.room == "outside" else f"in the {self.room}"
        on = self.container.endswith(_SURFACES)
        held = f"{'on' if on else 'in'} the {self.container} " if self.container else ""
        return f"there is {with_article(self.name)} {held}{where}"


def places(tree: Mapping[str, Any]) -> list[Place]:
    """Every thing worth a word, once, sorted."""
    rooms = [room for room in tree["contents"].values() if room["name"] in PASSAGES]
    return sorted({place for room in rooms for place in _things(room, room["name"], "")})


def key_places(found: Sequence[Place], description: str, goals: str) -> list[Place]:
    """The places of what matters: first what the task's description names, then what the simulator's subgoals name."""
    description = description.lower()
    ranked = [(rank, place) for place in found if (rank := _rank(place, description, goals.lower())) is not None]
    return [place for _, place in sorted(ranked)][:MAX_KEY_FACTS]


def key_facts(key: Sequence[Place]) -> tuple[str, ...]:
    """One sentence a place."""
    return tuple(f"{place.clause[0].upper()}{place.clause[1:]}." for place in key)


def background(found: Sequence[Place], key: Sequence[Place], rng: np.random.Generator) -> list[str]:
    """All that matters, the doors of its rooms, and some other things, in casual sentences and mixed order."""
    rest = [place for place in found if place not in key]
    others = [rest[i] for i in rng.permutation(len(rest))[:_OTHERS]]
    clauses = [place.clause for place in (*key, *others)]
    clauses += [_doors(room) for room in sorted({place.room for place in key})]
    return casually(clauses, rng)


def casually(clauses: Sequence[str], rng: np.random.Generator) -> list[str]:
    """What people say in passing, in mixed order."""
    said = [_CASUAL[int(rng.integers(len(_CASUAL)))].format(fact=clause) for clause in clauses]
    return [said[i] for i in rng.permutation(len(said))]


def memory_background(
    found: Sequence[Place], told: Sequence[str], moved: Sequence[str], rng: np.random.Generator
) -> list[str]:
    """All that is `told` of a memory task, and where some things are that were not `moved` and of which there is only one."""
    names = Counter(place.name for place in found)
    others = [place.clause for place in found if names[place.name] == 1 and place.name not in moved]
    clauses = [clause_of(fact) for fact in told]
    clauses += [others[i] for i in rng.permutation(len(others)) if others[i] not in clauses][:_OTHERS]
    return casually(clauses, rng)


def memory_distractors(found: Sequence[Place], told: Sequence[str], rng: np.random.Generator) -> list[str]:
    """What was told, of other houses; and what else distracts."""
    said = [_ELSEWHERE[int(rng.integers(len(_ELSEWHERE)))].format(fact=clause_of(fact)) for fact in told]
    return [*said, *distractors(found, rng)]


def clause_of(sentence: str) -> str:
    """A sentence as it stands behind another's beginning."""
    return f"{sentence[0].lower()}{sentence[1:].rstrip('.')}"


def distractors(found: Sequence[Place], rng: np.random.Generator) -> list[str]:
    """The same things in other houses and other rooms, and idle talk."""
    said = list(_CHAT)
    for place in found:
        rooms = {other.room for other in found if other.name == place.name}
        elsewhere = [room for room in PASSAGES if room not in rooms]
        if elsewhere:
            moved = Place(elsewhere[int(rng.integers(len(elsewhere)))], place.container, place.name)
            said.append(_ELSEWHERE[int(rng.integers(len(_ELSEWHERE)))].format(fact=moved.clause))
    return [said[i] for i in rng.permutation(len(said))]


def route(start: str | None, goal: str | None) -> list[str]:
    """Commands that lead from one room to another, doors included; none where either is unknown."""
    if start not in PASSAGES or goal not in PASSAGES:
        return []
    ways: dict[str, list[str]] = {start: []}
    queue = deque([start])
    while queue and goal not in ways:
        room = queue.popleft()
        for next_room in PASSAGES[room]:
            if next_room not in ways:
                ways[next_room] = [*ways[room], f"open door to {next_room}", f"go to {next_room}"]
                queue.append(next_room)
    return ways[goal]


def with_article(name: str) -> str:
    """``some water``, ``an oven``, ``a chair``."""
    if _MASS.fullmatch(name):
        return f"some {name}"
    return f"{'an' if name[:1] in 'aeio' or name.startswith(('ultra', 'unknown')) else 'a'} {name}"


def _doors(room: str) -> str:
    joined = [f"the {other}" if other != "outside" else "outside" for other in PASSAGES[room]]
    text = joined[0] if len(joined) == 1 else f"{', '.join(joined[:-1])} and {joined[-1]}"
    return f"from {'outside' if room == 'outside' else f'the {room}'} a door leads to {text}"


def _things(holder: Mapping[str, Any], room: str, container: str) -> Iterator[Place]:
    for thing in holder["contents"].values():
        name = _name(thing, container)
        if thing["name"] in _DULL or _PARTS.fullmatch(thing["name"]) or thing.get("isDeleted"):
            continue
        yield Place(room, container, name, alive=bool(thing.get("propLife")))
        yield from _things(thing, room, name)


def _name(thing: Mapping[str, Any], container: str) -> str:
    """As an agent would call it: the tree has ``plant`` for whatever grows."""
    life = thing.get("propLife") or {}
    kind = str(life.get("lifeformType", ""))
    if kind and thing["name"] in ("plant", kind) and (container == "seed jar" or thing["name"] == "plant"):
        return f"{kind} seed" if container == "seed jar" else f"{kind} plant"
    return str(thing["name"])


def _rank(place: Place, description: str, goals: str) -> int | None:
    """0: named by the description; 1: alive, where it asks for that; 2: named by a subgoal; ``None``: does not matter."""
    name = re.escape(place.name.lower())
    if re.search(rf"\b{name}s?\b", description):
        return 0
    if place.alive and re.search(r"\b(?:living thing|animal|plant|life)\b", description):
        return 1
    if re.search(rf"\b{name}s?\b", goals) or (place.name in ("sink", "fountain") and "water" in description + goals):
        return 2
    return None
