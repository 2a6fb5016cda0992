"""What to do next: the mission's parts in turn, each a matter of getting somewhere; and what to ask of memory before.

::

    part ─► where is it?  on the map ─► walk there, do it
                          told       ─► the next door on the way, or a look at the wall where it must be
                          neither    ─► wherever most unseen cells come into view for the fewest commands
            a locked door on the way ─► its key first
            hands full               ─► put down what is in them, in nobody's way
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from agemem_gym.baselines.explorers.babyai.asking import Asking
from agemem_gym.baselines.explorers.babyai.floor import Cell, Room
from agemem_gym.baselines.explorers.babyai.house_map import STEPS, HouseMap, Pose
from agemem_gym.baselines.explorers.babyai.knowledge import Knowledge
from agemem_gym.baselines.explorers.babyai.observation import (
    Observation,
    Part,
    What,
    is_observation,
    read_mission,
    read_observation,
)
from agemem_gym.baselines.explorers.babyai.rooms import Rooms
from agemem_gym.baselines.explorers.babyai.routes import Step, first_way, poses_after, ways
from agemem_gym.baselines.explorers.babyai.statements import read_statement
from agemem_gym.baselines.explorers.explorer import admissible_commands

_FARTHEST = 8  # commands that it looks ahead when it looks for the unknown
_MOST_AT_ONCE = 49  # cells that one look can show
_FEW = 4  # cells that are not worth going to see again
_BOX = 6.0  # unseen cells that a look into a box is worth


class BabyAIExplorer:
    """Plays BabyAI from the text, the mission and what it was told."""

    env_kwargs: ClassVar[dict[str, Any]] = {"info_admissible": True}

    def reset(self, rng: np.random.Generator) -> None:
        """Forget everything."""
        self._rng = rng
        self._told = Knowledge()
        self._map = HouseMap()
        self._parts: list[Part] = []
        self._asking = Asking(self._told)
        self._last: Step | str | None = None
        self._banned: frozenset[Step] = frozenset()
        self._tried: set[Cell] = set()
        self._opened_at: Cell | None = None
        self._begun = False
        self._looks_into_boxes = False

    def subject(self, text: str) -> str | None:
        """What a message is about, house and thing or rooms; None if it is about no house that one may be in."""
        statement = read_statement(text)
        return statement.subject if statement else None

    def learn(self, text: str) -> None:
        """Take it as true."""
        statement = read_statement(text)
        if statement is not None:
            self._told.learn(statement)

    def begin(self, info: Mapping[str, Any]) -> None:
        """The mission."""
        self._told.house, parts = read_mission(info["instruction"])
        self._parts, self._all_parts = list(parts), parts
        self._asking.begin(parts)
        self._begun = True

    def questions(self) -> list[str]:
        """Where one starts, where the things are, then the doors between."""
        return self._asking.questions()

    def act(self, info: Mapping[str, Any]) -> str:
        """Look, then do the next thing."""
        if not self._begun:
            self.begin(info)
        self._look(info["observation"])
        commands = admissible_commands(info)
        for _ in range(4):
            step = self._next()
            command = step if isinstance(step, str) else self._say(step, commands)
            if command is not None and (not commands or command in commands or command == "pickup"):
                self._last = step
                return f"<action>{command}</action>"
            if isinstance(step, Step):
                self._banned |= {step}
        self._last = Step(("turn left", "turn right")[int(self._rng.integers(2))])
        return f"<action>{self._last.verb}</action>"

    # Seeing ---------------------------------------------------------------------------------------------------------

    def _look(self, text: str) -> None:
        """Take in what came of the last command."""
        if not is_observation(text):
            if isinstance(self._last, Step):
                self._banned |= {self._last}
            return
        self._seen = seen = read_observation(text)
        self._map.told_gaps = frozenset(pair for pair, joins in self._told.edges().items() if not joins.colour)
        before = self._map.pose
        poses = poses_after(self._map, self._last) if isinstance(self._last, Step) else [self._map.pose]
        held = self._map.carrying
        if isinstance(self._last, str) and self._last.startswith("pickup") and seen.carrying and not held:
            poses = self._after_pickup()
        self._map.take_in(seen, poses)
        self._banned = (
            self._banned | {self._last} if isinstance(self._last, Step) and self._map.pose == before else frozenset()
        )
        self._tick_off(seen, held)

    def _after_pickup(self) -> list[Pose]:
        cell = self._target
        self._map.take_away(cell)
        likely = [way.pose for way in ways(self._map) if way.pose.front == cell][:1]
        return [*likely, *(Pose((cell[0] - dx, cell[1] - dy), heading) for heading, (dx, dy) in enumerate(STEPS))]

    def _tick_off(self, seen: Observation, held: str) -> None:
        """Parts that are done are taken off the list."""
        if not self._parts:
            return
        part = self._parts[0]
        faced = seen.faced
        done = False
        if part.verb == "go to":
            done = (
                faced is not None
                and part.what.fits(faced.colour, faced.kind)
                and self._is_meant(part.what, self._map.pose.front)
            )
        elif part.verb == "pick up":
            done = bool(seen.carrying) and not held and part.what.fits(*seen.carrying.split())
        elif part.verb == "put":
            done = self._last == "drop" and bool(held) and not seen.carrying and part.what.fits(*held.split())
        elif part.verb == "open" and self._opened_at is not None:
            item = self._map.items.get(self._opened_at)
            done = item is not None and item.state == "open"
        if done:
            self._opened_at = None
            self._parts.pop(0)
            if not self._parts:  # the episode goes on: another of this description was meant
                self._tried.add(self._map.pose.front)
                self._parts = list(self._all_parts)

    # Deciding -------------------------------------------------------------------------------------------------------

    def _next(self) -> Step | str:
        """The next command."""
        part = self._parts[0] if self._parts else None
        if part is None:
            return self._explore(None)
        if part.verb == "put":
            return self._put(part)
        if part.verb == "open":
            return self._open(part.what)
        return self._get(part.what, pick=part.verb == "pick up")

    def _fetch(self, colour: str, fetching: frozenset[str]) -> Step | str:
        """Get the key of a locked door, if it is not being fetched already."""
        if colour in fetching:
            return self._explore(None, fetching)
        return self._get(What(colour, "key"), pick=True, fetching=fetching | {colour})

    def _get(self, what: What, pick: bool, fetching: frozenset[str] = frozenset()) -> Step | str:
        """Face a thing, or take it; keys that are being fetched open no door on the way."""
        if pick and self._map.carrying and self._is_near(what):
            return self._put_down()
        cells = self._known(what)
        reach = self._walk(lambda pose: pose.front in cells) if cells else None
        if reach is not None:
            if pick and (len(reach) == 1 or (not reach and self._map.pose.front in cells)):
                return self._pick(reach[0].cell if reach else self._map.pose.front)
            return reach[0] if reach else self._explore(None, fetching)
        box = self._told.box_of(str(what))
        boxes = self._map.find(*box.split()) if box and not cells else []
        reach = self._walk(lambda pose: pose.front in boxes) if boxes else None
        if reach is not None:
            return reach[0] if reach else "toggle"
        self._looks_into_boxes = pick and not box and not cells and not self._told.told_rooms(str(what))
        return self._head_for(self._rooms_with(what, cells or boxes), fetching)

    def _pick(self, cell: Cell) -> Step | str:
        if self._map.carrying:
            return self._put_down()
        self._target = cell
        name = self._map.items[cell].name
        number = self._number(cell)
        return f"pickup {name} {number}"

    def _open(self, what: What) -> Step | str:
        """Open a door; one that is open already is shut and opened again."""
        cells = self._known(what)
        for cell in sorted(cells, key=lambda cell: self._map.items[cell].state == "open"):
            item = self._map.items[cell]
            if item.state == "locked" and self._key != item.colour:
                return self._fetch(item.colour, frozenset())
            reach = self._walk(lambda pose, cell=cell: pose.front == cell)  # type: ignore[misc]
            if reach is None:
                continue
            if item.state == "open":
                return reach[0] if reach else "toggle"
            if len(reach) > 1:
                return reach[0]
            self._opened_at = cell
            return Step("through", cell)
        locked = [one for one in self._told.joins() if one.locked and one.colour == what.colour]
        if locked and self._key != what.colour:
            return self._fetch(what.colour, frozenset())
        rooms = [room for pair, joins in self._told.edges().items() if joins.colour == what.colour for room in pair]
        doors = [room for cell in cells for room in self._map.floor.plan.rooms(cell)]
        return self._head_for(doors or rooms)

    def _put(self, part: Part) -> Step | str:
        """Put a thing next to another."""
        assert part.beside is not None
        if not (self._map.carrying and part.what.fits(*self._map.carrying.split())):
            return self._get(part.what, pick=True)
        fixed = set(self._known(part.beside))
        reach = self._walk(lambda pose: self._drops_beside(pose.front, fixed)) if fixed else None
        if reach is not None:
            return reach[0] if reach else "drop"
        return self._head_for(self._rooms_with(part.beside, list(fixed)))

    def _drops_beside(self, cell: Cell, fixed: set[Cell]) -> bool:
        inner = self._map.floor.plan.lines(cell) == 0 and self._map.is_free(cell)
        return inner and any((cell[0] + dx, cell[1] + dy) in fixed for dx, dy in STEPS)

    def _put_down(self) -> Step | str:
        """Drop what is carried where it is in nobody's way."""
        reach = self._walk(lambda pose: self._is_spot(pose.front))
        if reach is None:
            reach = self._walk(lambda pose: self._map.is_free(pose.front))
        return (reach[0] if reach else "drop") if reach is not None else Step("turn left")

    def _is_spot(self, cell: Cell) -> bool:
        x, y = cell
        beside = [(x + dx, y + dy) for dx, dy in STEPS]
        items = self._map.items
        if not self._map.is_free(cell) or self._map.floor.plan.lines(cell) or any(one in items for one in beside):
            return False
        return cell in self._map.seen

    def _head_for(self, rooms: list[Room], fetching: frozenset[str] = frozenset()) -> Step | str:
        """Towards one of these rooms; if there are none, anywhere new."""
        graph = Rooms(self._map, self._told, self._key, fetching)
        route = graph.route(rooms) if rooms else None
        if route is None:
            return self._explore(rooms, fetching)
        for one, other in route:
            key = graph.lacks_key(one, other)
            if key:
                return self._fetch(key, fetching)
            if graph.is_known(one, other):
                continue
            wall = set(self._map.floor.plan.wall(one, other))
            unseen = wall - self._map.seen
            step = self._toward(
                lambda pose, wall=wall, unseen=unseen: (  # type: ignore[misc]
                    bool(self._map.sight(pose) & unseen) if unseen else self._map.looks_straight_at(pose, wall)
                )
            )
            if step is not None:
                return step
            return self._explore(rooms, fetching)
        goal = route[-1][1] if route else self._map.room
        unseen = set(self._map.floor.plan.cells(goal)) - self._map.seen
        step = self._toward(lambda pose: bool(self._map.sight(pose) & unseen))
        return step if step is not None else self._explore(rooms, fetching)

    def _explore(self, rooms: list[Room] | None, fetching: frozenset[str] = frozenset()) -> Step | str:
        """Where the most unseen cells come into view for each command."""
        seen, most = self._map.seen, 0.0
        best: Step | str | None = None
        boxes = set(self._map.find("", "box")) if self._looks_into_boxes else set()
        for way in ways(self._map, self._banned, self._key):
            if len(way.steps) > _FARTHEST or len(way.steps) * most >= _MOST_AT_ONCE:
                break
            if way.pose.front in boxes:
                gain = _BOX / (len(way.steps) + 1)
                if gain > most:
                    best, most = way.steps[0] if way.steps else "toggle", gain
            if way.steps:
                gain = self._gain(way.pose, seen, rooms) / len(way.steps)
                if gain > most:
                    best, most = way.steps[0], gain
        if best is not None:
            return best
        locked = [item for item in self._map.doors().values() if item.state == "locked" and item.colour != self._key]
        keys = [item for item in locked if item.colour not in fetching and self._known(What(item.colour, "key"))]
        if keys:
            return self._fetch(keys[0].colour, fetching)
        step = self._toward(lambda pose: bool(self._map.sight(pose) - seen))
        if step is None:
            self._map.look_again()
            step = self._toward(lambda pose: len(self._map.sight(pose) - self._map.seen) > _FEW)
        return step if step is not None else Step(("turn left", "turn right")[int(self._rng.integers(2))])

    def _gain(self, pose: Pose, seen: set[Cell], rooms: list[Room] | None) -> float:
        new = len(self._map.sight(pose) - seen)
        if not new or not rooms:
            return float(new)
        here = self._map.rooms_of(pose)[0]
        far = min(abs(here[0] - room[0]) + abs(here[1] - room[1]) for room in rooms)
        return new / (1.0 + far)

    # Small questions ------------------------------------------------------------------------------------------------

    @property
    def _key(self) -> str:
        """The colour of the key in hand."""
        return self._map.carrying.split()[0] if self._map.carrying.endswith("key") else ""

    def _walk(self, holds: Callable[[Pose], bool]) -> tuple[Step, ...] | None:
        way = first_way(self._map, holds, self._banned, self._key)
        return way.steps if way else None

    def _toward(self, holds: Callable[[Pose], bool]) -> Step | None:
        steps = self._walk(holds)
        return steps[0] if steps else None

    def _known(self, what: What) -> list[Cell]:
        """Where on the map the things are that may be meant."""
        return [
            cell
            for cell in self._map.find(what.colour, what.kind)
            if self._is_meant(what, cell) and cell not in self._tried
        ]

    def _is_meant(self, what: What, cell: Cell) -> bool:
        """Whether a thing's place at the start fits "on your left" and the like; only the first room counts then."""
        x, y = cell
        sides = {"on your left": x < 0, "on your right": x > 0, "in front of you": y < 0, "behind you": y > 0}
        return not what.side or (sides[what.side] and (0, 0) in self._map.floor.plan.rooms(cell))

    def _is_near(self, what: What) -> bool:
        """Whether what is wanted is in the room one is in, so that full hands are in the way."""
        rooms = set(self._map.rooms_of(self._map.pose)[:1])
        return any(rooms & set(self._map.floor.plan.rooms(cell)) for cell in self._known(what))

    def _rooms_with(self, what: What, cells: list[Cell]) -> list[Room]:
        """Rooms in which a thing lies, as the map has it, or else as was told."""
        if cells:
            return [room for cell in cells for room in self._map.floor.plan.rooms(cell)]
        if what.side:
            return [(0, 0)]
        told = self._told.rooms_of(str(what))
        plan, seen = self._map.floor.plan, self._map.seen
        return [room for room in told if not set(plan.cells(room)) <= seen]

    def _say(self, step: Step, commands: list[str]) -> str | None:
        """A step in the engine's words, or None where it has none."""
        if step.verb not in ("go to", "through"):
            return step.verb
        item = self._map.items.get(step.cell)
        if item is None:
            return None
        verb = step.verb if step.verb == "go to" else "go through" if item.state == "open" else "toggle and go through"
        number = self._number(step.cell, counts_all=step.verb == "through")
        return next((text for n in (number, number - 1) if (text := f"{verb} {item.name} {n}") in commands), None)

    def _number(self, cell: Cell, counts_all: bool = False) -> int:
        """Which of its name a thing in view is; without `counts_all`, of those that can be walked to."""
        pose, name = self._map.pose, self._map.items[cell].name
        alike = [pose.at(thing.ahead, thing.right) for thing in self._seen.things if thing.name == name]
        before = alike[: alike.index(cell)] if cell in alike else []
        if not counts_all:
            near = {step.cell for way in [pose] for step in self._reachable()}
            before = [one for one in before if one in near or one == pose.front]
        return len(before) + 1

    def _reachable(self) -> set[Step]:
        return {way.steps[0] for way in ways(self._map, most=60) if len(way.steps) == 1}
