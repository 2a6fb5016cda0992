"""The oracle: the simulator's own gold path, tried and if need be drawn again, and a way back to it.

The gold agent draws at random where it looks and what it uses, and not every draw leads to the goal: each path is played once
before it is given to anybody, and the first that reaches 100 points is taken.

The gold agent plans from the beginning of an episode only. Where an agent has done something else since, several ways to go
on are played through to the end on the same simulator, which is then brought back to where the episode stands (it is exactly
reproducible); the one with the highest score is given.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from agemem_gym.envs.scienceworld.facts import route
from agemem_gym.envs.scienceworld.simulator import Result, Simulator, Situation

MAX_DRAWS = 4


def gold_path(simulator: Simulator, situation: Situation) -> list[str]:
    """Commands from the beginning that reach 100 points; where no draw does, those of the best. Leaves the simulator there."""
    highest, best, seen = 0, list[str](), list[list[str]]()
    for draw in range(MAX_DRAWS):
        drawn = simulator.gold_path(situation, draw)
        if drawn in seen:  # nothing of it is left to chance
            break
        seen.append(drawn)
        score, used = _play(simulator, situation, (), drawn)
        if score > highest:
            highest, best = score, drawn[:used]
        if score == 100:
            break
    return best


def plan(simulator: Simulator, situation: Situation, played: Sequence[str], gold: Sequence[str]) -> list[str]:
    """Commands that lead on from `played`; empty where none raises the score. Leaves the simulator where it was.

    Args:
        simulator: at `situation` after `played`.
        situation: what is played.
        played: all commands so far.
        gold: the gold path from the beginning.
    """
    if list(gold[: len(played)]) == list(played):
        return list(gold[len(played) :])
    here = room_of(simulator.look())
    score, best = 0, []
    for candidate in _candidates(simulator, situation, played, gold, here):
        reached, used = _play(simulator, situation, played, candidate)
        if reached > score:
            score, best = reached, candidate[:used]
        if score == 100:
            break
    replay(simulator, situation, played)
    return best


def replay(simulator: Simulator, situation: Situation, played: Sequence[str]) -> Result:
    """Bring `simulator` to where `played` leads."""
    result = simulator.load(situation)
    for command in played:
        result = simulator.step(command)
    return result


def room_of(look: str) -> str | None:
    """The room that a look around names; ``None`` where it names none."""
    found = re.search(r"(?:room|location) is called the ([\w ]+)\.", look)
    return found.group(1) if found else None


def _candidates(
    simulator: Simulator, situation: Situation, played: Sequence[str], gold: Sequence[str], here: str | None
) -> list[list[str]]:
    """Ways to go on: the rest of the gold path as far as it was followed, or all of it; from the room where each begins."""
    followed = 0
    for command in played:
        followed += followed < len(gold) and command == gold[followed]
    ways = []
    for begin in dict.fromkeys((followed, 0)):
        replay(simulator, situation, gold[:begin])
        ways.append([*route(here, room_of(simulator.look())), *gold[begin:]])
    return ways


def _play(
    simulator: Simulator, situation: Situation, played: Sequence[str], candidate: Sequence[str]
) -> tuple[int, int]:
    """The best score that `candidate` reaches after `played`, and the number of its commands up to there."""
    result = replay(simulator, situation, played)
    best, used = result.score, 0
    for count, command in enumerate(candidate, start=1):
        if result.completed or result.score < 0:
            break
        result = simulator.step(command)
        if result.score > best:
            best, used = result.score, count
    return best, used
