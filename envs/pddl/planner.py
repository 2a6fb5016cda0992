"""A satisficing planner: greedy best-first search with the FF heuristic and preferred actions, deterministic.

Hoffmann and Nebel, "The FF planning system" (2001); lazy evaluation with two queues as in Fast Downward (Helmert, 2006). It is
the expert of the PDDL benchmark: it plans from any state, and ends after a number of evaluations or of elementary steps,
never by the clock. A conditional effect or a rule of a derived predicate is an action of its own to the heuristic;
disjunctions are left out of it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence

from agemem_gym.envs.pddl.grounding import Action, Ground
from agemem_gym.envs.pddl.language import Formula

EVALUATIONS = 3_000
MAX_SEARCH = 50_000_000
_INFINITY = 1 << 30
_NOBODY = -1
_STATE = 100  # elementary steps that a state counts for that is kept in memory


class Planner:
    """A planner for one grounded problem.

    Args:
        ground: the problem.
        max_search: the most elementary steps of a search (an action looked at, a condition met); a million take about a
            fifth of a second.
    """

    def __init__(self, ground: Ground, max_search: int = MAX_SEARCH) -> None:
        self._ground = ground
        self._actions = ground.actions
        self._max_search = max_search
        self._needs = [_bits(action.needs) for action in ground.actions]
        self._adds = [_bits(action.add) for action in ground.actions]
        self._owner = list(range(len(ground.actions)))  # the action that each of these rules is part of
        for number, action in enumerate(ground.actions):
            for change in action.changes:
                self._needs.append(_bits(action.needs | change.condition.needs))
                self._adds.append(_bits(change.add))
                self._owner.append(number)
        for derivation in ground.derived.rules:
            self._needs.append(_bits(derivation.condition.needs))
            self._adds.append(_bits(derivation.bit))
            self._owner.append(_NOBODY)
        self._users: list[list[int]] = [[] for _ in ground.atoms]
        for number, needs in enumerate(self._needs):
            for bit in needs:
                self._users[bit].append(number)
        self._goal = [bit.bit_length() - 1 for bit in ground.goal_bits]

    def plan(self, state: int, evaluations: int = EVALUATIONS) -> list[Action] | None:
        """A plan from `state`, ``[]`` where the goal holds; ``None`` if none was found within the limits."""
        if self._ground.reached(state):
            return []
        self._left = self._max_search
        counter = 0
        parents: dict[int, tuple[int, Action] | None] = {state: None}
        queues: tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]] = ([(0, 0, state)], [])
        priority = [0, 0]
        closed: set[int] = set()
        best = _INFINITY
        while evaluations > 0 and self._left > 0 and (queues[0] or queues[1]):
            which = 0 if not queues[1] or (queues[0] and priority[0] <= priority[1]) else 1
            priority[which] += 1
            current = heapq.heappop(queues[which])[2]
            if current in closed:
                continue
            closed.add(current)
            evaluations -= 1
            estimate, preferred = self._evaluate(current)
            if estimate >= _INFINITY:
                continue
            if estimate < best:
                best = estimate
                priority[1] -= 200  # progress: follow the preferred actions for a while
            for number, action in enumerate(self._actions):
                if not action.applicable(current):
                    continue
                following = self._ground.after(current, action)
                if following in parents:
                    continue
                parents[following] = (current, action)
                if self._ground.reached(following):
                    return _trace(parents, following)
                counter += 1
                self._left -= _STATE
                heapq.heappush(queues[0], (estimate, counter, following))
                if number in preferred:
                    heapq.heappush(queues[1], (estimate, counter, following))
        return None

    def _evaluate(self, state: int) -> tuple[int, set[int]]:
        """Length of a relaxed plan from `state`, and the actions of it that can be applied at once."""
        self._left -= len(self._actions) + len(self._needs)
        cost = [_INFINITY] * len(self._users)
        reached_by = [-1] * len(self._users)
        left = [len(needs) for needs in self._needs]
        price = [1] * len(self._needs)
        heap: list[tuple[int, int]] = []
        for bit in _bits(state):
            cost[bit] = 0
            heap.append((0, bit))

        def fire(number: int) -> None:
            total = price[number]
            for added in self._adds[number]:
                if total < cost[added]:
                    cost[added] = total
                    reached_by[added] = number
                    heapq.heappush(heap, (total, added))

        for number, count in enumerate(left):
            if count == 0:
                fire(number)
        waiting = {bit for bit in self._goal if cost[bit] != 0}
        heapq.heapify(heap)
        while heap and waiting:
            known, bit = heapq.heappop(heap)
            if known > cost[bit]:
                continue
            waiting.discard(bit)
            self._left -= len(self._users[bit])
            for number in self._users[bit]:
                left[number] -= 1
                price[number] += known
                if left[number] == 0:
                    fire(number)
        if any(cost[bit] >= _INFINITY for bit in self._goal):
            return _INFINITY, set()
        return self._relaxed_plan(state, reached_by)

    def _relaxed_plan(self, state: int, reached_by: Sequence[int]) -> tuple[int, set[int]]:
        chosen: set[int] = set()
        stack, seen = list(self._goal), set()
        while stack:
            bit = stack.pop()
            if bit in seen or state >> bit & 1 or reached_by[bit] < 0:
                continue
            seen.add(bit)
            chosen.add(reached_by[bit])
            stack.extend(self._needs[reached_by[bit]])
        owners = {self._owner[number] for number in chosen} - {_NOBODY}
        return len(chosen), {number for number in owners if self._actions[number].applicable(state)}


def plan_in_turn(
    ground: Ground, goals: Iterable[Formula], max_search: int = MAX_SEARCH, evaluations: int = EVALUATIONS
) -> list[Action] | None:
    """A plan from the start to the first goal, on to the second, and so on; None where one of them is not found."""
    state, steps = ground.initial, list[Action]()
    for goal in goals:
        stage = ground.with_goal(goal)
        found = Planner(stage, max_search).plan(state, evaluations)
        if found is None:
            return None
        for action in found:
            state = ground.after(state, action)
        steps += found
    return without_detours(ground, steps)


def without_detours(ground: Ground, plan: Sequence[Action]) -> list[Action]:
    """A plan without those of its steps that it reaches the goal without: any two of them, or any one."""
    kept = list(plan)
    for width in (2, 1):
        place = len(kept) - width
        while place >= 0:
            shorter = kept[:place] + kept[place + width :]
            if _reaches(ground, shorter):
                kept = shorter
            place -= 1
    return kept


def _reaches(ground: Ground, plan: Sequence[Action]) -> bool:
    state = ground.initial
    for action in plan:
        if not action.applicable(state):
            return False
        state = ground.after(state, action)
    return ground.reached(state)


def _trace(parents: dict[int, tuple[int, Action] | None], state: int) -> list[Action]:
    plan: list[Action] = []
    while (step := parents[state]) is not None:
        state, action = step
        plan.append(action)
    return plan[::-1]


def _bits(mask: int) -> list[int]:
    bits = []
    while mask:
        low = mask & -mask
        bits.append(low.bit_length() - 1)
        mask ^= low
    return bits
