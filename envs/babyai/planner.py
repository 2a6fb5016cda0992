"""A planner that knows the whole grid: solves what BabyAI's bot cannot (KeyInBox, PutNext with full hands, strict orders).

It works through the leaves of the instruction and acts by a few routines that call each other::

    achieve(leaf) ─► face(cells) ─► fetch_key(colour)    a locked door is in the way
                          └───────► clear(cell)          an object is in the way
                     put_down()                          hands must be free

Every routine is a generator of low-level actions; each action is carried out before the next is asked for, so a routine always
reads the true state and simply looks again after whatever it had to do in between.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterator
from typing import Any

from agemem_gym.envs.babyai.paths import DROP, FORWARD, LEFT, PICKUP, RIGHT, TOGGLE
from agemem_gym.envs.babyai.view import DIRECTIONS, Cell
from agemem_gym.envs.babyai.world import World

MAX_DEPTH = 12  # routines inside routines: keys behind doors behind keys …
DOOR_COST, BLOCKER_COST, KEY_COST = 2, 12, 40  # in steps, roughly what opening, moving away and fetching take
RING = ((-1, -1), (0, -1), (1, -1), (1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0))
Steps = Iterator[int]


class NoPlanError(Exception):
    """The planner does not know how to go on."""


def planned_actions(world: World) -> Steps:
    """Low-level actions that complete the mission from the present state; it ends early where the planner gives up."""
    planner = _Planner(world)
    try:
        yield from planner.achieve(world.env.instrs, lambda: world.success)
    except NoPlanError:
        return


class _Planner:
    def __init__(self, world: World) -> None:
        self._world = world
        self._depth = 0
        self._routes: list[list[Cell]] = []  # the ways that the outer routines are on: nothing is put down there

    @property
    def _env(self) -> Any:
        return self._world.env

    @property
    def _agent(self) -> Cell:
        x, y = self._env.agent_pos
        return int(x), int(y)

    @property
    def _front(self) -> Cell:
        dx, dy = DIRECTIONS[self._env.agent_dir]
        x, y = self._agent
        return x + dx, y + dy

    def _at(self, cell: Cell) -> Any:
        return self._env.grid.get(*cell)

    def _cells(self, fits: Callable[[Any], bool]) -> list[Cell]:
        """Cells of the objects that fit."""
        width = self._env.grid.width
        return [
            (i % width, i // width) for i, thing in enumerate(self._env.grid.grid) if thing is not None and fits(thing)
        ]

    # The instruction ------------------------------------------------------------------------------------------------

    def achieve(self, instruction: Any, done: Callable[[], bool]) -> Steps:
        """Complete an instruction tree, in the order that it asks for."""
        if not hasattr(instruction, "instr_a"):
            yield from self._achieve_leaf(instruction, done)
            return
        parts = [
            (instruction.instr_a, lambda: done() or instruction.a_done == "success"),
            (instruction.instr_b, lambda: done() or instruction.b_done == "success"),
        ]
        if type(instruction).__name__ == "AfterInstr":
            parts.reverse()
        for part, part_done in parts:
            yield from self.achieve(part, part_done)

    def _achieve_leaf(self, leaf: Any, done: Callable[[], bool]) -> Steps:
        attempt = {
            "GoToInstr": self._go_to,
            "OpenInstr": self._open,
            "PickupInstr": self._pick_up,
            "PutNextInstr": self._put_next,
        }[type(leaf).__name__]
        for _ in range(MAX_DEPTH):
            if done():
                return
            acted = False
            for action in attempt(leaf):
                acted = True
                yield action
                if done():
                    return
            if not acted:
                yield LEFT  # minigrid verifies after an action only
        if not done():
            raise NoPlanError(f"{leaf} is not completed")

    def _go_to(self, leaf: Any) -> Steps:
        yield from self._face([(int(x), int(y)) for x, y in leaf.desc.obj_poss])

    def _open(self, leaf: Any) -> Steps:
        doors = self._cells(lambda thing: any(thing is door for door in leaf.desc.obj_set))
        shut = [cell for cell in doors if not self._at(cell).is_open]
        yield from self._face(shut or doors)
        door = self._at(self._front)
        if door.is_locked:
            yield from self._fetch_key(door.color)
            yield from self._face([cell for cell in doors if self._at(cell) is door])
        yield TOGGLE
        if not door.is_open:
            yield TOGGLE

    def _pick_up(self, leaf: Any) -> Steps:
        def wanted(thing: Any) -> bool:
            # "a grey object" matches the grey walls too
            return thing is not None and thing.can_pickup() and any(thing is one for one in leaf.desc.obj_set)

        if not self._cells(wanted):
            yield from self._unpack(wanted)
        yield from self._take(wanted)

    def _put_next(self, leaf: Any) -> Steps:
        def movable(thing: Any) -> bool:
            return any(thing is one for one in leaf.desc_move.obj_set)

        while not movable(self._env.carrying):
            yield from self._take(movable)
        fixed = [(int(x), int(y)) for x, y in leaf.desc_fixed.obj_poss]
        beside = {(x + dx, y + dy) for x, y in fixed for dx, dy in DIRECTIONS}
        empty = sorted(cell for cell in beside if self._at(cell) is None)
        if not empty:
            yield from self._make_room(beside)
            return
        yield from self._face(empty)
        if movable(self._env.carrying):
            yield DROP

    def _make_room(self, cells: Collection[Cell]) -> Steps:
        """Move an object out of one of the cells."""
        yield from self._put_down()
        yield from self._face(
            [cell for cell in sorted(cells) if self._at(cell) is not None and self._at(cell).can_pickup()]
        )
        yield PICKUP
        self._routes.append(list(cells))
        yield from self._put_down()
        self._routes.pop()

    # Routines -------------------------------------------------------------------------------------------------------

    def _take(self, fits: Callable[[Any], bool]) -> Steps:
        """Pick up the nearest object that fits."""
        if self._env.carrying is not None:
            yield from self._put_down()
        yield from self._face(self._cells(fits))
        if self._env.carrying is not None:  # something had to be fetched on the way
            yield from self._put_down()
            yield from self._face(self._cells(fits))
        yield PICKUP

    def _face(self, targets: Collection[Cell]) -> Steps:
        """Walk next to one of the cells and face it, opening and clearing what is in the way."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise NoPlanError("too many things depend on each other")
        while self._front not in targets:
            path = self._way(targets)
            if path is None:
                raise NoPlanError(f"no way to {sorted(targets)}")
            turn = self._turn_to(path[0])
            if turn is not None:
                yield turn
                continue
            self._routes.append(path)
            yield from self._enter(self._at(self._front))
            self._routes.pop()
        self._depth -= 1

    def _turn_to(self, cell: Cell) -> int | None:
        """The turn towards a neighbouring cell, ``None`` if it is ahead."""
        (x, y), heading = self._agent, self._env.agent_dir
        wanted = DIRECTIONS.index((cell[0] - x, cell[1] - y))
        if wanted == heading:
            return None
        return LEFT if (heading - wanted) % 4 == 1 else RIGHT

    def _enter(self, thing: Any) -> Steps:
        """One step ahead, or what is needed before."""
        if thing is None or (thing.type == "door" and thing.is_open) or thing.type in ("goal", "floor"):
            yield FORWARD
        elif thing.type == "door":
            if thing.is_locked and not self._holds_key(thing.color):
                yield from self._fetch_key(thing.color)
            else:
                yield TOGGLE
        elif self._env.carrying is not None:
            yield from self._put_down()
        else:
            yield PICKUP
            yield from self._put_down()

    def _holds_key(self, colour: str) -> bool:
        held = self._env.carrying
        return held is not None and held.type == "key" and held.color == colour

    def _fetch_key(self, colour: str) -> Steps:
        """Take a key of this colour, out of its box if need be."""

        def is_key(thing: Any) -> bool:
            return thing is not None and thing.type == "key" and thing.color == colour

        if is_key(self._env.carrying):
            return
        if not self._cells(is_key):
            yield from self._unpack(is_key)
        yield from self._take(is_key)

    def _unpack(self, fits: Callable[[Any], bool]) -> Steps:
        """Open the box that holds what fits."""
        yield from self._face(self._cells(lambda thing: thing.type == "box" and fits(thing.contains)))
        yield TOGGLE

    def _put_down(self) -> Steps:
        """Drop what is carried on the nearest cell where it is not in the way."""
        spots = self._empty_reachable()
        if not spots:
            raise NoPlanError("nowhere to put things down")
        routes = {cell for route in self._routes for cell in route}
        spots.sort(key=lambda spot: (spot in routes, not self._out_of_the_way(spot)))  # stable: the nearest of the best
        yield from self._face(spots[:1])
        yield DROP

    def _empty_reachable(self) -> list[Cell]:
        """Empty cells beside cells that can be walked to without opening or moving anything, near to far."""
        seen, queue, empty = {self._agent}, [self._agent], []
        for x, y in queue:
            for dx, dy in DIRECTIONS:
                cell = x + dx, y + dy
                if cell in seen:
                    continue
                seen.add(cell)
                thing = self._at(cell)
                if thing is None:
                    empty.append(cell)
                if thing is None or (thing.type == "door" and thing.is_open):
                    queue.append(cell)
        return empty

    def _out_of_the_way(self, cell: Cell) -> bool:
        """Dropping something here cuts no way: no door beside it, and the free cells around it stay connected."""
        x, y = cell
        if any(getattr(self._at((x + dx, y + dy)), "type", "") == "door" for dx, dy in DIRECTIONS):
            return False
        free = [self._at((x + dx, y + dy)) is None for dx, dy in RING]
        return sum(free[i] != free[i - 1] for i in range(len(RING))) <= 2

    # The way --------------------------------------------------------------------------------------------------------

    def _way(self, targets: Collection[Cell]) -> list[Cell] | None:
        """The cheapest way: the cells to enter, then the target to face."""
        wanted = set(targets)
        start = self._agent
        best: dict[Cell, int] = {start: 0}
        came: dict[Cell, Cell] = {}
        queue: list[tuple[int, Cell]] = [(0, start)]
        while queue:
            cost, cell = heapq.heappop(queue)
            if cost > best[cell]:
                continue
            x, y = cell
            around = [(x + dx, y + dy) for dx, dy in DIRECTIONS]
            facing = next((near for near in around if near in wanted), None)
            if facing is not None and (cell == start or cell not in wanted or cost > 0):
                return [*_back(came, start, cell), facing]
            for near in around:
                step = self._cost(near)
                if step is not None and cost + step < best.get(near, 1 << 30):
                    best[near] = cost + step
                    came[near] = cell
                    heapq.heappush(queue, (cost + step, near))
        return None

    def _cost(self, cell: Cell) -> int | None:
        """What entering `cell` takes; ``None`` where it is impossible."""
        thing = self._at(cell)
        if thing is None or thing.can_overlap():
            return 1
        if thing.type == "wall":
            return None
        if thing.type != "door":
            return BLOCKER_COST
        return KEY_COST if thing.is_locked and not self._holds_key(thing.color) else DOOR_COST


def _back(came: dict[Cell, Cell], start: Cell, cell: Cell) -> list[Cell]:
    """The cells after `start` up to `cell`."""
    path = []
    while cell != start:
        path.append(cell)
        cell = came[cell]
    return path[::-1]
