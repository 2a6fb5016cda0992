"""An honest player of ALFWorld: searches where things usually are, and goes straight to where it was told they are.

It knows ALFWorld as whoever has played it does: the six kinds of tasks, how the texts are worded, which furniture may hold
which things (:mod:`.household`). Of an episode it knows what it sees and what it was told::

    begin ─► what is asked for ─► in hand? ─ no ─► seen or told where? ─ no ─► look at the most promising place
                                     └ yes ─► treat it, light it, or put it where it belongs
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from agemem_gym.baselines.explorers.explorer import admissible_commands
from agemem_gym.baselines.explorers.household import OPENS, TOOLS, promise
from agemem_gym.baselines.explorers.statements import understood

_NAME = r"[a-z]+ \d+"
_LISTED = re.compile(rf"\ban? ({_NAME})")
_SHOWS = re.compile(rf"\b(?:On|In) (?:the (?P<place>{_NAME})|it), you see (?P<things>[^.]*)\.")
_OPENED = re.compile(rf"\bThe ({_NAME}) is open\.")
_TAKEN = re.compile(rf"^You pick up the ({_NAME}) from")
_PUT = re.compile(rf"^You (?:move|put) the ({_NAME}) (?:to|in/on|in|on) the ({_NAME})")
_TREATED = re.compile(rf"^You (?:clean|heat|cool) the ({_NAME}) using")
_TAKE = re.compile(rf"take ({_NAME}) from ({_NAME})")

_TWO = re.compile(r"\btwo (?P<thing>\w+)(?: and put them)? (?:in/on|in|on) (?:the |a )?(?P<place>\w+)")
_LOOK = re.compile(
    r"\b(?:look at|examine) (?:the |a |some )?(?P<thing>\w+) (?:under|with|in|by) (?:the |a )?(?P<lamp>\w+)"
)
_TREAT = re.compile(
    r"\b(?:put (?:a |some )?(?P<state>clean|hot|cool|cold) (?P<thing>\w+)"
    r"|(?P<verb>clean|heat|cool) (?:some |a )?(?P<kind>\w+) and put it) (?:in/on|in|on) (?:the |a )?(?P<place>\w+)"
)
_PLACE = re.compile(r"\bput (?:an? |some |the )?(?P<thing>\w+) (?:in/on|in|on) (?:the |a )?(?P<place>\w+)")
_VERBS = {"clean": "clean", "hot": "heat", "heat": "heat", "cool": "cool", "cold": "cool"}

_LIES = re.compile(
    rf"\b(?:the |an? )?(?P<thing>{_NAME}) (?:(?:is|was|lies|are)(?: now)? )?(?:in|on|in/on) the (?P<place>{_NAME})\b"
)
_MOVED = re.compile(
    rf"\b(?P<thing>{_NAME}) is no longer (?:in|on) the (?P<old>{_NAME})"
    rf"(?:\W+(?:and |but )?(?:it is |it's )?(?:now )?(?:it is |it's )?(?:in|on) the (?P<place>{_NAME}))?"
)
_EMPTY = re.compile(rf"\bnothing (?:in|on) the (?P<bare>{_NAME})|\b(?P<empty>{_NAME}): it is empty")
_CLOSED = re.compile(rf"\b(?P<place>{_NAME}) is (?:kept )?closed")
_GOOD_FOR = re.compile(rf"\b(?P<place>{_NAME}) (?:heats|cools)\b|\bthings get clean at the (?P<basin>{_NAME})")
_HOME = re.compile(r"\bat (?P<home>\d+ [a-z]+ [a-z]+)\b")
_ELSEWHERE = re.compile(
    rf"\b(?:in|at|visited|near|behind|think) (?:my|your|our|his|her|their|the) (?!{_NAME}\b)[a-z']+"
)
_MOST_COPIES = 3
_NOTHING = "Nothing happens"


@dataclass(frozen=True)
class Errand:
    """What is asked for: kinds of things, lower case; empty where there is none.

    Attributes:
        thing: what to fetch.
        place: where to put it.
        lamp: under what to look at it.
        verb: ``"clean"``, ``"heat"`` or ``"cool"``.
        count: how many.
    """

    thing: str
    place: str = ""
    lamp: str = ""
    verb: str = ""
    count: int = 1


def understood_errand(instruction: str) -> Errand | None:
    """The task by its wording; None if it is none of ALFWorld's.

    Example:
        >>> understood_errand("Your task is to: put a hot egg in fridge.")
        Errand(thing='egg', place='fridge', lamp='', verb='heat', count=1)
    """
    text = instruction.lower()
    if found := _TWO.search(text):
        return Errand(found["thing"], found["place"], count=2)
    if found := _LOOK.search(text):
        return Errand(found["thing"], lamp=found["lamp"])
    if found := _TREAT.search(text):
        verb = _VERBS[found["state"] or found["verb"]]
        return Errand(found["thing"] or found["kind"], found["place"], verb=verb)
    if found := _PLACE.search(text):
        return Errand(found["thing"], found["place"])
    return None


class ALFWorldExplorer:
    """See the module.

    Args:
        promising: how promising it is to look for a kind of thing in a kind of furniture; common sense by default.
    """

    env_kwargs: ClassVar[dict[str, Any]] = {"info_admissible": True}

    def __init__(self, promising: Callable[[str, str], float] = promise) -> None:
        self._promising = promising

    def reset(self, rng: np.random.Generator) -> None:
        """A new room; nothing of it is known."""
        self._rng = rng
        self._told: dict[tuple[str, str], str] = {}  # by home and thing
        self._home = ""
        self._empty: set[tuple[str, str]] = set()
        self._seen: dict[str, str] = {}
        self._looked: set[str] = set()
        self._open: set[str] = set()
        self._held = ""
        self._treated: set[str] = set()
        self._asked: set[str] = set()
        self._places: set[str] = set()
        self._commands: set[str] = set()
        self._useless: set[str] = set()
        self._last = ""
        self._luck: dict[str, float] = {}
        self._errand: Errand | None = None

    # -- what is said ---------------------------------------------------------------------------------------------------

    def subject(self, text: str) -> str | None:
        """Where a thing is, whether a place is empty or closed, what a fixture is good for; None for homes without address."""
        message = understood(text)
        said = (message.states or message.takes_back).lower()
        if _ELSEWHERE.search(said):
            return None
        home = f" at {_home(said)}" if _home(said) else ""
        if found := _MOVED.search(said) or _LIES.search(said):
            return f"where {found['thing']} is{home}"
        if found := _EMPTY.search(said):
            return f"what is in {found['bare'] or found['empty']}{home}"
        if found := _CLOSED.search(said):
            return f"whether {found['place']} is closed{home}"
        if found := _GOOD_FOR.search(said):
            return f"what {found['place'] or found['basin']} is good for{home}"
        return None

    def learn(self, text: str) -> None:
        """Where a thing is or is no longer, or that there is none at a place; the rest can be seen."""
        message = understood(text)
        states, takes_back = message.states.lower(), message.takes_back.lower()
        if gone := _LIES.search(takes_back):
            self._forget(_home(takes_back), gone["thing"], gone["place"])
        if _ELSEWHERE.search(states):
            return
        home = _home(states)
        if found := _MOVED.search(states):
            self._forget(home, found["thing"], found["old"])
            if found["place"]:
                self._told[home, found["thing"]] = found["place"]
        elif found := _LIES.search(states):
            self._told[home, found["thing"]] = found["place"]
        elif found := _EMPTY.search(states):
            self._empty.add((home, found["bare"] or found["empty"]))

    def _forget(self, home: str, thing: str, place: str) -> None:
        """A thing is not at a place, whoever said so."""
        if self._told.get((home, thing)) == place:
            del self._told[home, thing]

    def questions(self) -> list[str]:
        """Where the thing and the lamp are; then where each of their likely names is, while too few are known."""
        if self._errand is None:
            return []
        wanted = [(self._errand.thing, self._errand.count)]
        wanted += [(self._errand.lamp, 1)] if self._errand.lamp else []
        missing = [kind for kind, count in wanted if len(self._known(kind)) < count]
        where, here = (f" at {self._home}", f"at {self._home}, ") if self._home else ("", "")
        first = [f"Where is the {kind}{where}?" for kind in missing]
        then = [f"{here}the {kind} {n} is in" for kind in missing for n in range(1, _MOST_COPIES + 1)]
        for round_ in (first, then):
            new = [text for text in round_ if text not in self._asked]
            if new:
                self._asked.update(new)
                return new
        return []

    # -- playing --------------------------------------------------------------------------------------------------------

    def begin(self, info: Mapping[str, Any]) -> None:
        """Read the task, and what stands in the room."""
        self._errand = understood_errand(str(info["instruction"]))
        self._home = _home(str(info["instruction"]).lower())
        self._places.update(_LISTED.findall(str(info["observation"])))

    def act(self, info: Mapping[str, Any]) -> str:
        """The next command; an answer where there is nothing left to try."""
        self._look(str(info["observation"]), admissible_commands(info))
        command = self._next()
        if command is None:
            return "<answer>I could not do it.</answer>"
        self._last = command
        return f"<action>{command}</action>"

    def _look(self, observation: str, commands: Sequence[str]) -> None:
        """Take in what the last command showed, and what can be done here."""
        self._commands = set(commands)
        self._places |= {command[6:] for command in commands if command.startswith("go to ")}
        if observation.startswith(_NOTHING) or self._last.startswith("use "):  # what was lit and did not win never will
            self._useless.add(self._last)
        if taken := _TAKEN.search(observation):
            self._held = taken[1]
            self._seen.pop(taken[1], None)
        elif put := _PUT.search(observation):
            self._held = ""
            self._seen[put[1]] = put[2]
        elif treated := _TREATED.search(observation):
            self._treated.add(treated[1])
        self._open.update(_OPENED.findall(observation))
        for place, things in _shown(observation):
            self._seen.update(dict.fromkeys(things, place))
        for command in commands:
            if found := _TAKE.fullmatch(command):
                self._seen[found[1]] = found[2]
        self._looked |= {place for place in self._here() if f"open {place}" not in self._commands}
        self._told = {about: place for about, place in self._told.items() if not self._is_disproved(about, place)}

    def _is_disproved(self, about: tuple[str, str], place: str) -> bool:
        """Whether what was told of this home is seen to be otherwise."""
        home, thing = about
        return home in ("", self._home) and place in self._looked and self._seen.get(thing) != place

    def _here(self) -> set[str]:
        """The places within reach: those that can be examined."""
        return {command[8:] for command in self._commands if command.startswith("examine ")} & self._places

    def _next(self) -> str | None:
        errand = self._errand
        if errand is None:
            return None
        if not self._held:
            return self._fetch(errand)
        if errand.lamp:
            return self._light(errand.lamp)
        if errand.verb and self._held not in self._treated:
            return self._treat(errand.verb)
        return self._put(errand.place)

    def _fetch(self, errand: Errand) -> str | None:
        """Take a wanted thing where one is known to be; else look for one."""
        where = self._known(errand.thing)
        steps = [step for thing, place in where.items() if (step := self._reach(place, f"take {thing} from {place}"))]
        return min(steps, key=self._cost, default=None) or self._search(errand.thing)

    def _known(self, kind: str) -> dict[str, str]:
        """The things of a kind of which it is seen or told where they are; not those that lie where they belong."""
        errand = self._errand
        belongs = errand.place if errand and not errand.verb and kind == errand.thing else ""
        told = {thing: place for (home, thing), place in self._told.items() if home in ("", self._home)}
        known = {**told, **self._seen}
        return {
            thing: place
            for thing, place in known.items()
            if _kind(thing) == kind and (not belongs or _kind(place) != belongs)
        }

    def _light(self, lamp: str) -> str | None:
        """Switch a lamp on where one is in reach; go to one, or look for one."""
        for command in sorted(self._commands):
            if command.startswith(f"use {lamp} ") and command not in self._useless:
                return command
        steps = [step for place in self._known(lamp).values() if (step := self._reach(place))]
        return min(steps, key=self._cost, default=None) or self._search(lamp)

    def _treat(self, verb: str) -> str | None:
        for command in sorted(self._commands):
            if command.startswith(f"{verb} {self._held} with "):
                return command
        return self._first(f"go to {place}" for place in self._of_kind(TOOLS[verb]))

    def _put(self, kind: str) -> str | None:
        """Put it down at a place of the kind: here, else at one that need not be opened, else at any."""
        here = [place for place in self._of_kind(kind) if place in self._here()]
        for command in [
            f"{verb} {self._held} {to} {place}" for place in here for verb, to in (("move", "to"), ("put", "in/on"))
        ]:
            if command in self._commands:
                return command
        at_once = self._first(f"open {place}" for place in here)
        ready = [
            place for place in self._of_kind(kind) if place in self._open or place in self._looked or kind not in OPENS
        ]
        return at_once or self._first(f"go to {place}" for place in [*ready, *self._of_kind(kind)])

    def _search(self, kind: str) -> str | None:
        """Look at the place that promises most for its moves; what was said to be empty comes last."""
        belongs = self._errand.place if self._errand and not self._errand.verb and kind == self._errand.thing else ""
        steps = {
            place: step
            for place in sorted(self._places - self._looked)
            if (not belongs or _kind(place) != belongs) and (step := self._reach(place))
        }

        def worth(place: str) -> tuple[bool, float, float]:
            moves = (place not in self._here()) + (_kind(place) in OPENS and place not in self._open)
            luck = self._luck.setdefault(place, float(self._rng.random()))
            told_empty = bool({("", place), (self._home, place)} & self._empty)
            return not told_empty, self._promising(kind, _kind(place)) / max(moves, 1), luck

        best = max(steps, key=worth, default=None)
        return None if best is None else steps[best]

    def _reach(self, place: str, command: str = "") -> str | None:
        """The next step to `command` at a place (or to seeing it): do it, open the place, or go there."""
        for step in (command, f"open {place}", f"go to {place}"):
            if step in self._commands - self._useless:
                return step
        return None

    def _first(self, commands: Iterator[str]) -> str | None:
        return next((step for step in commands if step in self._commands - self._useless), None)

    def _of_kind(self, kind: str) -> list[str]:
        return sorted((place for place in self._places if _kind(place) == kind), key=_number)

    def _cost(self, step: str) -> tuple[int, str]:
        return ("take", "use ", "open", "go t").index(step[:4]), step


def _home(said: str) -> str:
    """The address that a sentence names, or that it names none."""
    found = _HOME.search(said)
    return found["home"] if found else ""


def _shown(observation: str) -> Iterator[tuple[str, list[str]]]:
    """The places that a text shows, with what lies there."""
    for found in _SHOWS.finditer(observation):
        opened = _OPENED.findall(observation[: found.start()])
        place = found["place"] or (opened[-1] if opened else "")
        if place:
            yield place, _LISTED.findall(found["things"])


def _kind(name: str) -> str:
    return name.rpartition(" ")[0]


def _number(name: str) -> int:
    return int(name.rpartition(" ")[2])
