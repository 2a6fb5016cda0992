"""A scientist who plays the memory tasks by rule: goes where things were said to be, searches the house where nothing was said.

It knows how ScienceWorld works in general: the rooms and doors of the house, which is always the same one; that colours mix;
where a cup can be found. Of an episode it knows what it is told (:meth:`Player.learn`) and what it reads on the screen. Told
the key facts it is the room's expert for these tasks, and its moves are the plan that the move limit follows; told nothing it
is an honest explorer.

A task is a program: a generator that yields commands and is sent what came of them.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator

import numpy as np

from agemem_gym.envs.scienceworld import assignments, facts
from agemem_gym.envs.scienceworld.assignments import Assignment
from agemem_gym.envs.scienceworld.beliefs import Beliefs
from agemem_gym.envs.scienceworld.placing import Spot

Program = Generator[str, str, None]
Step = Generator[str, str, bool]

COLOURS = {
    "green paint": ("blue paint", "yellow paint"),
    "orange paint": ("red paint", "yellow paint"),
    "violet paint": ("red paint", "blue paint"),
}
"""What mixes to what."""

CUPS = (Spot("kitchen", "glass cup"), Spot("bathroom", "glass cup"))
"""Empty cups that stand in every house."""

_NOT_UNDERSTOOD = ("No known action matches", "Unknown action")
_AMBIGUOUS = "Ambiguous request"
_MIXED_NOTHING = ("Mixing the contents of", "That container is empty")
_OPTION = re.compile(r"^\d+:", re.MULTILINE)
_ROOM = re.compile(r"(?:room|location) is called the ([\w ]+)\.")
_DOOR = re.compile(r"A door to the ([\w ]+) \(that is open\)")
_CLOSED = re.compile(r"The ([\w ]+) door is closed\.")
_TITLE = re.compile(r"titled instructions to make [\w ]+")  # names what is not there
_DEGREES = re.compile(r"temperature of (-?[\d.]+) degrees")
_RECIPE = re.compile(r"you need to mix ([\w ,]+)")
_TRIES = 3
_MOST_READINGS = 6
_NEAR = 3.0  # degrees


class House:
    """What a player has seen of the house: an open door, an open cupboard, who lies where."""

    def __init__(self) -> None:
        self.room = ""
        self.texts: dict[str, str] = {}
        self.doors: set[frozenset[str]] = set()
        self.closed: dict[str, list[str]] = {}
        self.opened: set[Spot] = set()
        self.carried: set[str] = set()

    def see(self, text: str) -> None:
        """Read a look around."""
        found = _ROOM.search(text)
        if not found:
            return
        self.room = found[1]
        self.texts[self.room] = _TITLE.sub("", text[found.end() :].partition("You also see:")[0])
        self.doors |= {frozenset((self.room, other)) for other in _DOOR.findall(text)}
        self.closed[self.room] = _CLOSED.findall(text)

    def where(self, thing: str) -> str | None:
        """The room in which a thing was seen; the present one first."""
        word = re.compile(rf"\b{re.escape(thing)}\b", re.IGNORECASE)
        rooms = [self.room, *self.texts]
        return next((room for room in rooms if word.search(self.texts.get(room, ""))), None)

    def forget(self, thing: str) -> None:
        """It is not where it was seen."""
        for room, text in self.texts.items():
            self.texts[room] = re.sub(rf"\b{re.escape(thing)}\b", "", text, flags=re.IGNORECASE)

    def unseen(self) -> str | None:
        """The nearest room that was not looked at; ``None`` when all were."""
        rooms = [room for room in facts.PASSAGES if room not in self.texts]
        return min(rooms, key=lambda room: (len(self.way(room)), room), default=None)

    def way(self, goal: str) -> list[str]:
        """Commands that lead there, without those that open a door which stands open."""
        commands, here = [], self.room
        for command in facts.route(self.room, goal):
            if command.startswith("go to "):
                here = command.removeprefix("go to ")
            elif frozenset((here, command.removeprefix("open door to "))) in self.doors:
                continue
            commands.append(command)
        return commands


class Player:
    """Plays a memory task; :meth:`learn`, then :meth:`begin`, then :meth:`act` after each observation.

    Args:
        rng: which box it takes where it does not know.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self.beliefs = Beliefs()
        self._house = House()
        self._program: Program = iter(())  # type: ignore[assignment]
        self._started = False

    def learn(self, text: str) -> None:
        """Take a sentence as true."""
        self.beliefs.learn(text)

    def begin(self, instruction: str, observation: str) -> None:
        """The task, and what is seen first."""
        self.assignment = assignments.read(instruction)
        self._house.see(observation)
        self._program = self._solve(self.assignment) if self.assignment else self._wander()
        self._started = False

    def act(self, observation: str) -> str | None:
        """The next command; ``None`` where it knows no further."""
        try:
            if self._started:
                return self._program.send(observation)
            self._started = True
            return next(self._program)
        except StopIteration:
            return None

    def subjects(self) -> list[str]:
        """What the task makes it want to know, most important first."""
        a = self.assignment
        if a is None:
            return []
        wanted = {
            "temperature": ["where thermometer is"],
            "melting": [f"melting point of {a.thing}", "where thermometer is"],
            "conductivity": [f"whether {a.thing} conducts electricity", *(f"where {box} is" for box in a.boxes)],
            "trait": [f"whether {a.thing} is dominant", *(f"where {box} is" for box in a.boxes)],
            "mixture": [f"recipe of {a.thing}", *(f"where {thing} is" for thing in self._ingredients())],
            "paint": [f"where {paint} is" for paint in COLOURS.get(a.thing, ())],
            "plane": [f"{a.wanted} of {' and '.join(a.choices)}", *(f"where {plane} is" for plane in a.choices)],
        }
        return wanted[a.kind]

    # ------------------------------------------------------------------------------------------------- the tasks

    def _solve(self, a: Assignment) -> Program:
        yield from {
            "temperature": self._temperature,
            "melting": self._melting,
            "conductivity": self._conductivity,
            "trait": self._trait,
            "mixture": self._mixture,
            "paint": self._paint,
            "plane": self._plane,
        }[a.kind](a)

    def _temperature(self, a: Assignment) -> Program:
        yield from self._do("focus on {}", "thermometer")
        yield from self._take("thermometer")
        self._told_of(a.thing, a.room)
        yield from self._do("focus on {}", a.thing)
        yield from self._take(a.thing)
        yield from self._go(a.boxes_room)  # it grows warm or cold on the way, and what counts is what it is there
        degrees = a.threshold
        for _ in range(_MOST_READINGS):
            read_off = _DEGREES.search((yield from self._do("use thermometer on {}", a.thing)))
            degrees = float(read_off[1]) if read_off else a.threshold
            if abs(degrees - a.threshold) > _NEAR:
                break  # else it may pass the threshold in the next moment
        yield from self._into_box(a, degrees > a.threshold if degrees != a.threshold else self._guess())

    def _melting(self, a: Assignment) -> Program:
        yield from self._do("focus on {}", "thermometer")
        self._told_of(a.thing, a.room)
        yield from self._do("focus on {}", a.thing)
        point = self.beliefs.about(f"melting point of {a.thing}")
        above = float(point) > a.threshold if point else self._guess()
        box = a.boxes[0 if above else 1]
        self._told_of(box, a.boxes_room)
        yield from self._do("focus on {}", box)

    def _conductivity(self, a: Assignment) -> Program:
        self._told_of(a.thing, a.room)
        yield from self._do("focus on {}", a.thing)
        yield from self._take(a.thing)
        said = self.beliefs.about(f"whether {a.thing} conducts electricity")
        yield from self._into_box(a, said == "yes" if said else self._guess())

    def _trait(self, a: Assignment) -> Program:
        said = self.beliefs.about(f"whether {a.thing} is dominant")
        dominant = said == "dominant" if said else self._guess()
        yield from self._do("focus on {}", a.boxes[0 if dominant else 1])

    def _plane(self, a: Assignment) -> Program:
        said = self.beliefs.about(f"{a.wanted} of {' and '.join(a.choices)}")
        yield from self._do("focus on {}", said or a.choices[int(self._guess())])

    def _paint(self, a: Assignment) -> Program:
        one, two = self._nearer_first(COLOURS[a.thing])
        yield from self._do("pick up cup containing {}", one)
        self._house.forget(one)
        self._house.carried.add(one)
        yield from self._do(f"pour cup containing {one} in inventory in cup containing {{}}", two)
        yield from self._mix("cup", two)
        yield "focus on " + a.thing

    def _mixture(self, a: Assignment) -> Program:
        if not self._ingredients():
            text = yield from self._do("read {}", "recipe")
            self.learn(f"To make {a.thing}, you need to mix {_RECIPE.search(text)[1]}." if _RECIPE.search(text) else "")
        things = self._nearer_first(self._ingredients())
        for thing in things:
            yield from self._take(thing)
        cup = min(CUPS, key=lambda spot: len(self._house.way(spot.room)))
        self._told_of(cup.container, cup.room)
        for thing in things:
            yield from self._do(f"move {thing} to {{}}", cup.container)
        yield f"mix {cup.container}"
        yield "focus on " + a.thing

    def _wander(self) -> Program:
        while (room := self._house.unseen()) is not None:
            yield from self._go(room)
            yield from self._look()

    # ------------------------------------------------------------------------------------------------- parts of them

    def _into_box(self, a: Assignment, first: bool) -> Program:
        box = a.boxes[0 if first else 1]
        self._told_of(box, a.boxes_room)
        yield from self._do(f"move {a.thing} to {{}}", box)

    def _take(self, thing: str) -> Program:
        yield from self._do("pick up {}", thing)
        self._house.forget(thing)
        self._house.carried.add(thing)

    def _mix(self, cup: str, content: str) -> Program:
        """Where the cup stands has to be said, as another one is carried."""
        spot = self.beliefs.spot(content)
        holder = spot.container if spot and spot.room == self._house.room else ""
        for place in dict.fromkeys((holder or self._house.room, self._house.room)):
            text = yield f"mix {cup} in {place}"
            count = len(_OPTION.findall(text)) if text.startswith(_AMBIGUOUS) else 0
            for number in range(count):
                text = yield str(number)
                if text.startswith(_MIXED_NOTHING) and number + 1 < count:
                    yield f"mix {cup} in {place}"
                elif not text.startswith(_MIXED_NOTHING):
                    return
            if not text.startswith(_NOT_UNDERSTOOD):
                return

    def _do(self, form: str, thing: str) -> Generator[str, str, str]:
        """A command on a thing, once it is at hand; where it is not, what was believed of its place is forgotten."""
        text = ""
        for _ in range(_TRIES):
            if not (yield from self._find(thing)):
                return text
            text = yield form.format(thing)
            if text.startswith(_AMBIGUOUS):
                text = yield "0"
            if not text.startswith(_NOT_UNDERSTOOD):
                return text
            self.beliefs.forget(f"where {thing} is")
            self._house.forget(thing)
            yield from self._look()
        return text

    def _find(self, thing: str) -> Step:
        """Be where a thing is; False where it is nowhere."""
        house = self._house
        if thing in house.carried:
            return True
        spot = self.beliefs.spot(thing)
        if spot and house.where(thing) is None:
            yield from self._go(spot.room)
            yield from self._open(spot)
            return True
        while (room := house.where(thing)) is None:
            closed = house.closed.get(house.room)
            if closed is None:
                yield from self._look()
            elif closed:
                yield from self._look_into(closed.pop(0))
            elif (following := house.unseen()) is not None:
                yield from self._go(following)
                yield from self._look()
            else:
                return False
        yield from self._go(room)
        return True

    def _look(self) -> Program:
        self._house.see((yield "look around"))

    def _look_into(self, container: str) -> Program:
        house = self._house
        house.opened.add(Spot(house.room, container))
        yield f"open {container}"
        house.texts[house.room] += yield f"look in {container}"

    def _open(self, spot: Spot) -> Program:
        """Cupboards and their like are closed until somebody opens them."""
        closed = self._house.closed.get(spot.room)
        shut = spot.container in closed if closed is not None else spot.container in CLOSED
        if shut and spot not in self._house.opened:
            self._house.opened.add(spot)
            yield f"open {spot.container}"

    def _go(self, room: str) -> Program:
        house = self._house
        for command in house.way(room):
            yield command
            if command.startswith("go to "):
                following = command.removeprefix("go to ")
                house.doors.add(frozenset((house.room, following)))
                house.room = following

    def _told_of(self, thing: str, room: str) -> None:
        """The instruction says in which room a thing is."""
        if room and self.beliefs.spot(thing) is None:
            self.learn(f"There is a {thing} {'outside' if room == 'outside' else f'in the {room}'}.")

    def _nearer_first(self, things: Iterator[str] | tuple[str, ...] | list[str]) -> list[str]:
        def distance(thing: str) -> int:
            spot = self.beliefs.spot(thing)
            return len(self._house.way(spot.room)) if spot else 99

        return sorted(things, key=distance)

    def _ingredients(self) -> list[str]:
        a = self.assignment
        recipe = self.beliefs.about(f"recipe of {a.thing}") if a else None
        return [thing.strip() for thing in recipe.split(",")] if recipe else []

    def _guess(self) -> bool:
        return bool(self._rng.integers(2))


CLOSED = frozenset(("closet", "cupboard", "large cupboard", "oven", "blast furnace"))
"""What stands closed in every house."""


__all__ = ["COLOURS", "House", "Player"]
