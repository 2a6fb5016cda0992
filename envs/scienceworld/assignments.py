"""What an instruction of the memory tasks asks for, read from its words alone.

>>> read("Your task is to use chemistry to create green paint. When you are done, focus on the green paint.")
Assignment(kind='paint', thing='green paint', room='', boxes=('', ''), boxes_room='', threshold=0.0, choices=(), wanted='')
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["temperature", "melting", "conductivity", "trait", "mixture", "paint", "plane"]


@dataclass(frozen=True)
class Assignment:
    """What is to be done.

    Attributes:
        kind: what is to be found out or made.
        thing: what it is about: a substance, a product, or a trait and its plant (``"blue seed color, unknown E plant"``).
        room: where the thing is, as far as the instruction says.
        boxes: the box for "above", "conducts" or "dominant", and the one for the contrary.
        boxes_room: where these are, as far as the instruction says.
        threshold: degrees Celsius above which the first box is right.
        choices: the two inclined planes, as the simulator calls them.
        wanted: which of them: ``"steepest angle"``, ``"least friction"``, …
    """

    kind: Kind
    thing: str
    room: str = ""
    boxes: tuple[str, str] = ("", "")
    boxes_room: str = ""
    threshold: float = 0.0
    choices: tuple[str, ...] = ()
    wanted: str = ""


_BOX = r"the (\w+ box)"
_ROOM = r"located around the ([\w ]+?)\."
_TEMPERATURE = re.compile(
    r"measure the (temperature|melting point) of ([\w ]+), which is located around the ([\w ]+?)\."
)
_ABOVE = re.compile(rf"is above (-?[\d.]+) degrees celsius, (?:place it in|focus on) {_BOX}")
_BELOW = re.compile(rf"is below -?[\d.]+ degrees celsius, (?:place it in|focus on) {_BOX}")
_BOXES_ROOM = re.compile(rf"The boxes are {_ROOM}")
_CONDUCTIVITY = re.compile(
    rf"determine if ([\w ]+) is electrically conductive\. The [\w ]+ is {_ROOM}"
    rf".*is electrically conductive, place it in {_BOX}\..*is electrically nonconductive, place it in {_BOX}"
)
_TRAIT = re.compile(
    r"determine whether ([\w ]+) is a dominant or recessive trait in the ([\w ]+)\. "
    rf"If the trait is dominant, focus on {_BOX}\. If the trait is recessive, focus on {_BOX}"
)
_MIXTURE = re.compile(r"use chemistry to create the substance '([\w ]+)'")
_PAINT = re.compile(r"use chemistry to create (\w+ paint)\. When you are done")
_PLANES = re.compile(
    r"which of the two inclined planes \(([\w ]+), ([\w ]+)\) has the ((?:most|least) friction|(?:steep|shallow)est angle)"
)


def read(instruction: str) -> Assignment | None:
    """The assignment; ``None`` for one of another kind."""
    if found := _TEMPERATURE.search(instruction):
        above, below, place = (form.search(instruction) for form in (_ABOVE, _BELOW, _BOXES_ROOM))
        if above and below and place:
            kind: Kind = "temperature" if found[1] == "temperature" else "melting"
            return Assignment(kind, found[2], found[3], (above[2], below[1]), place[1], float(above[1]))
    if found := _CONDUCTIVITY.search(instruction):
        return Assignment("conductivity", found[1], found[2], (found[3], found[4]))
    if found := _TRAIT.search(instruction):
        return Assignment("trait", f"{found[1]}, {found[2]}", boxes=(found[3], found[4]))
    if found := _MIXTURE.search(instruction):
        return Assignment("mixture", found[1])
    if found := _PAINT.search(instruction):
        return Assignment("paint", found[1])
    if found := _PLANES.search(instruction):
        planes = tuple(plane_called(name) for name in (found[1], found[2]))
        return Assignment("plane", " and ".join(planes), choices=planes, wanted=found[3])
    return None


def plane_called(name: str) -> str:
    """What the simulator calls an inclined plane in a room: by its letter, or by its surface."""
    return f"inclined plane with a {name} surface" if " " in name else f"inclined plane {name}"
