"""What sentences say of a ScienceWorld, and what a player believes who was told them.

Told by the words alone. A sentence counts where all of it is understood, a casual opening apart: what is so "in the house
next door" says nothing of this one.

>>> read("By the way, there is a thermometer in the closet in the bedroom.")
Statement(subject='where thermometer is', value='closet, bedroom')
>>> read("In the house next door, there is a thermometer in the closet in the bedroom.") is None
True
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from agemem_gym.envs.scienceworld.facts import PASSAGES
from agemem_gym.envs.scienceworld.placing import Spot

_ROOMS = "|".join(PASSAGES)
_OPENING = re.compile(
    r"^(?:by the way,|i was just there:|you may want to know that|as far as i could see,|if i remember right,"
    r"|just so you know,|i am quite sure:|everybody knows this:|as far as i know:|note this:|as things stand today:"
    r"|at the moment this is so:|the latest i have heard:|now,?|but now,?|since then,?|again:)\s+",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"there (?:is|are) (?:an?|some) (?P<thing>[\w ]+?)(?: (?:in|on) the (?P<container>[\w ]+?))?"
    rf" (?:in the (?P<room>{_ROOMS})|(?P<out>outside))"
)
_CONDUCTS = re.compile(r"(?P<thing>[\w ]+?) (?P<yes>conducts|does not conduct) electricity")
_MELTS = re.compile(r"the melting point of (?P<thing>[\w ]+) is (?P<value>-?[\d.]+) degrees celsius")
_TRAIT = re.compile(
    r"in the (?P<plant>[\w ]+ plant), one gene for (?P<trait>[\w ]+?) is (?P<value>enough|not enough) to show it"
)
_PLANE = re.compile(
    r"of the (?P<one>inclined plane[\w ]+) and the (?P<two>inclined plane[\w ]+), the (?P<value>inclined plane[\w ]+) has the "
    r"(?P<wanted>(?:most|least) friction|(?:steep|shallow)est angle)"
)
_RECIPE = re.compile(r"to make (?P<thing>[\w ]+), you need to mix (?P<value>[\w ,]+)")
_DOORS = re.compile(rf"from (?:the )?(?P<room>{_ROOMS}) a door leads to (?P<value>[\w ,]+)")
_CUP = re.compile(r"^[\w ]*cup with ")


@dataclass(frozen=True)
class Statement:
    """What a sentence says: two with one subject and different values cannot both hold."""

    subject: str
    value: str


def read(text: str) -> Statement | None:
    """What a sentence says of this house; ``None`` where it says nothing, or something of another."""
    said = text.strip()
    while opened := _OPENING.match(said):
        said = said[opened.end() :]
    said = said.rstrip(".! ")
    if m := _fits(_PLACE, said):
        thing = _CUP.sub("", m["thing"])
        return Statement(f"where {thing} is", f"{m['container'] or ''}, {m['room'] or 'outside'}")
    if m := _fits(_CONDUCTS, said):
        return Statement(
            f"whether {m['thing'].lower()} conducts electricity", "yes" if m["yes"] == "conducts" else "no"
        )
    if m := _fits(_MELTS, said):
        return Statement(f"melting point of {m['thing']}", m["value"])
    if m := _fits(_TRAIT, said):
        value = "dominant" if m["value"] == "enough" else "recessive"
        return Statement(f"whether {m['trait']}, {m['plant']} is dominant", value)
    if m := _fits(_PLANE, said):
        return Statement(f"{m['wanted']} of {m['one']} and {m['two']}", m["value"])
    if m := _fits(_RECIPE, said):
        return Statement(f"recipe of {m['thing']}", m["value"])
    if m := _fits(_DOORS, said):
        return Statement(f"doors of {m['room']}", m["value"])
    return None


def _fits(form: re.Pattern[str], said: str) -> re.Match[str] | None:
    """The first letter may be a capital."""
    return form.fullmatch(said[:1].lower() + said[1:]) if said else None


class Beliefs:
    """What was told, by subject; the latest counts."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def learn(self, text: str) -> None:
        """Take a sentence as true."""
        if said := read(text):
            self._values[said.subject.lower()] = said.value

    def about(self, subject: str) -> str | None:
        """What is believed of a subject."""
        return self._values.get(subject.lower())

    def forget(self, subject: str) -> None:
        """It did not hold."""
        self._values.pop(subject.lower(), None)

    def spot(self, thing: str) -> Spot | None:
        """Where a thing is believed to be."""
        value = self.about(f"where {thing} is")
        if value is None:
            return None
        container, _, room = value.rpartition(", ")
        return Spot(room, container)
