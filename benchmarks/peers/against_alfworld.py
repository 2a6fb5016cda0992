"""ALFWorld against ``AlfredTWEnv``'s own engine: the same games, the same commands, in turn, with the same texts.

The peer is what ``AlfredTWEnv`` steps: ``AlfredDemangler(AlfredInfos(PddlEnv(won, admissible_commands)))``. Both list the
admissible commands on every step; every text and every list is compared, and a difference ends the run. By itself:
``PYTHONPATH=benchmarks python benchmarks/peers/against_alfworld.py``.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np
from report import Row, run

from agemem_gym.envs.alfworld.engine import Engine
from agemem_gym.envs.alfworld.game import UNKNOWN_GOAL, Game
from agemem_gym.envs.alfworld.generated import generate
from agemem_gym.envs.alfworld.goals import TASK_TYPES
from agemem_gym.envs.alfworld.rooms import ROOM_KINDS
from agemem_gym.envs.alfworld.translation import TRANSLATIONS


@dataclass
class Times:
    """Seconds of ours and of the peer's, one entry a reset or a step."""

    ours: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)

    def row(self, name: str, peer_name: str) -> Row:
        """Sums, so that dear steps weigh what they cost."""
        return Row.less_is_better(name, 1e3 * _mean(self.ours), 1e3 * _mean(self.peer), peer_name, "ms", len(self.ours))


def measure(quick: bool) -> list[Row]:
    """Step and reset of ours and of the peer's."""
    games = [generate("valid_seen", seed, TASK_TYPES, tuple(ROOM_KINDS)) for seed in range(3 if quick else 25)]
    peer, ours = upstream_engine(), Engine()
    steps, resets, again = Times(), Times(), []
    rng = np.random.default_rng(0)
    _play(games.pop(), peer, ours, Times(), Times(), rng)  # both have parsed and loaded once what they keep
    for game in games:
        _play(game, peer, ours, steps, resets, rng)
        started = time.perf_counter()
        ours.reset(game)
        again.append(time.perf_counter() - started)
    ours.close()
    return [
        steps.row("step with admissible commands", "AlfredTWEnv's engine"),
        resets.row("load and reset, new game", "AlfredTWEnv's engine"),
        Row.less_is_better(
            "reset, same game again", 1e3 * median(again), 1e3 * _mean(resets.peer), "AlfredTWEnv's", "ms", len(again)
        ),
    ]


def upstream_engine() -> Any:
    """The engine as ``AlfredTWEnv`` builds it, unchanged. ``import alfworld`` makes a folder: it gets a temporary one."""
    with tempfile.TemporaryDirectory() as folder:
        before = os.environ.get("ALFWORLD_DATA")
        os.environ["ALFWORLD_DATA"] = before or folder
        import textworld
        from alfworld.agents.environment.alfred_tw_env import AlfredDemangler, AlfredInfos
        from textworld.envs.pddl import PddlEnv

        if before is None:
            del os.environ["ALFWORLD_DATA"]
    return AlfredInfos(AlfredDemangler(PddlEnv(textworld.EnvInfos(won=True, admissible_commands=True))))


def upstream_data(game: Game) -> dict[str, Any]:
    """`game` as upstream loads it."""
    return {
        "pddl_domain": game.domain,
        "grammar": game.grammar.replace(UNKNOWN_GOAL, game.goal),
        "pddl_problem": game.problem,
        "walkthrough": list(game.walkthrough),
    }


def _play(game: Game, peer: Any, ours: Engine, steps: Times, resets: Times, rng: np.random.Generator) -> None:
    TRANSLATIONS.clear()
    started = time.perf_counter()
    peer.load(upstream_data(game))
    state = peer.reset()
    between = time.perf_counter()
    frame = ours.reset(game)
    resets.peer.append(between - started)
    resets.ours.append(time.perf_counter() - between)
    _same(game, "reset", (state.feedback, state["admissible_commands"]), (frame.feedback, ours.admissible()))
    for command in _commands(state["admissible_commands"], game.walkthrough, rng):
        started = time.perf_counter()
        state, _, _ = peer.step(command)
        between = time.perf_counter()
        frame = ours.step(command)
        admissible = ours.admissible()
        steps.peer.append(between - started)
        steps.ours.append(time.perf_counter() - between)
        _same(game, command, (state.feedback, state["admissible_commands"]), (frame.feedback, admissible))


def _commands(first: Sequence[str], walkthrough: Sequence[str], rng: np.random.Generator) -> list[str]:
    wandering = [first[int(rng.integers(len(first)))] for _ in range(10)]
    return [*wandering, "look", "inventory", "no such command", *walkthrough]


def _same(game: Game, command: str, peer: tuple[str, list[str]], ours: tuple[str, list[str]]) -> None:
    if peer != ours:
        raise SystemExit(f"{game.name}: after {command!r} upstream gave {peer}, ours {ours}")


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


if __name__ == "__main__":
    sys.path.pop(0)  # this folder, where this very file would stand for the package alfworld
    run(measure, __doc__)
