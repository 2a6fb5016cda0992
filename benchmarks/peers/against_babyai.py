"""BabyAI in words against raw minigrid, and against AgentBoard's own text wrapper where its repository is at hand.

AgentBoard's code cannot be part of this project. With ``AGENTBOARD_PATH`` naming a clone of hkust-nlp/AgentBoard, its
``agentboard/environment/babyai_env.py`` is loaded from there, played on the same macro commands, and its texts are compared
with ours.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import random
import sys
import time
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gymnasium
import minigrid  # noqa: F401  (registers the levels)
from report import Row, run

from agemem_gym.envs.babyai import BabyAITask
from agemem_gym.envs.babyai.commands import CHECK, LOW_LEVEL
from agemem_gym.envs.babyai.levels import AGENTBOARD_SEEDS

LOW_LEVELS = ("BabyAI-GoToLocal-v0", "BabyAI-PutNextLocal-v0", "BabyAI-GoTo-v0", "BabyAI-BossLevel-v0")
MACRO_LEVELS = (
    "BabyAI-GoToLocalS8N7-v0",
    "BabyAI-GoToSeqS5R2-v0",
    "BabyAI-UnblockPickup-v0",
    "BabyAI-KeyCorridorS6R3-v0",
)
ACTIONS = {**LOW_LEVEL, "pickup": 3}


def measure(quick: bool) -> list[Row]:
    """Rates of ours and of the peers, on the same commands, interleaved, best of several repetitions."""
    repetitions, steps = (3, 300) if quick else (9, 1500)
    with contextlib.redirect_stdout(io.StringIO()):  # minigrid's "Sampling rejected"
        return _rows(repetitions, steps)


def _rows(repetitions: int, steps: int) -> list[Row]:
    rows = [_low_level(level, steps, repetitions) for level in LOW_LEVELS]
    path = os.environ.get("AGENTBOARD_PATH")
    if path:
        peer = load_agentboard(Path(path))
        rows += [_macro(level, steps // 4, repetitions, peer) for level in MACRO_LEVELS]
    return rows


def load_agentboard(root: Path) -> Any:
    """AgentBoard's ``BabyAI`` class from a clone at `root`, without the rest of AgentBoard.

    gymnasium 1 no longer forwards attributes through wrappers, which AgentBoard relies on; it gets the unwrapped env, which
    also spares it the wrappers' time.
    """

    def register(_name: str) -> Callable[[type], type]:
        return lambda kind: kind

    stubs = {
        "gym": {},
        "environment": {},
        "environment.base_env": {"BaseEnvironment": object},
        "common": {},
        "common.registry": {"registry": types.SimpleNamespace(register_environment=register)},
        "matplotlib": {},
        "matplotlib.pyplot": {},
    }
    before = {name: sys.modules.get(name) for name in stubs}
    for name, contents in stubs.items():
        module = types.ModuleType(name)
        module.__dict__.update(contents)
        sys.modules[name] = module
    try:
        spec = importlib.util.spec_from_file_location(
            "agentboard_babyai", root / "agentboard" / "environment" / "babyai_env.py"
        )
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        for name, old in before.items():
            sys.modules.pop(name)
            if old is not None:
                sys.modules[name] = old
    module.gymnasium = types.SimpleNamespace(make=lambda name: gymnasium.make(name).unwrapped)  # type: ignore[attr-defined]
    return module.BabyAI


def _best(functions: Sequence[Callable[[], float]], repetitions: int) -> list[float]:
    """The smallest time of each function, called in turn."""
    times = [[function() for function in functions] for _ in range(repetitions)]
    return [min(column) for column in zip(*times, strict=True)]


def _low_level(level: str, steps: int, repetitions: int) -> Row:
    """The same single steps over several episodes: ours with its text, minigrid with its image."""
    task = BabyAITask(level=level)
    episodes = _single_steps(task, steps)
    total = sum(len(words) for words in episodes.values())

    def ours() -> float:
        spent = 0.0
        for seed, words in episodes.items():
            task.reset(0, {"level_seed": seed})
            start = time.perf_counter()
            for word in words:
                task.act(word)
            spent += time.perf_counter() - start
        return spent

    env = gymnasium.make(level).unwrapped

    def raw() -> float:
        spent = 0.0
        for seed, words in episodes.items():
            env.reset(seed=seed)
            start = time.perf_counter()
            for word in words:
                env.step(ACTIONS[word])
            spent += time.perf_counter() - start
        return spent

    mine, peer = _best((ours, raw), repetitions)
    return Row.more_is_better(
        f"{level} single steps", total / mine, total / peer, "minigrid env.step", "steps/s", repetitions
    )


def _single_steps(task: BabyAITask, steps: int) -> dict[int, list[str]]:
    """Level seed → random single steps, all carried out, no longer than the episode lasts; about `steps` in all."""
    chance = random.Random(0)
    episodes: dict[int, list[str]] = {}
    while sum(map(len, episodes.values())) < steps:
        words = episodes[len(episodes)] = []
        task.reset(0, {"level_seed": len(episodes) - 1})
        for _ in range(60):
            word = chance.choice(
                ("turn left", "turn right", "move forward", "move forward", "pickup", "drop", "toggle")
            )
            step = task.act(word)
            if step.valid:  # what we refuse never reaches the engine, and would flatter us
                words.append(word)
            if step.done:
                break
    return episodes


def _macro(level: str, steps: int, repetitions: int, peer_class: Any) -> Row:
    """The same macro commands, in AgentBoard's protocol."""
    task = BabyAITask(protocol="agentboard", level=level)
    episodes = [_macro_commands(task, index, steps) for index in range(len(AGENTBOARD_SEEDS))]
    total = sum(len(commands) for commands in episodes)

    def ours() -> float:
        spent = 0.0
        for index, commands in enumerate(episodes):
            task.reset(0, {"task_index": index})
            start = time.perf_counter()
            for command in commands:
                task.act(command)
            spent += time.perf_counter() - start
        return spent

    peers = [peer_class(game_name=level, seed=seed) for seed in AGENTBOARD_SEEDS]

    def agentboard() -> float:
        spent = 0.0
        for env, commands in zip(peers, episodes, strict=True):
            env.reset()
            start = time.perf_counter()
            for command in commands:
                env.step(command)
            spent += time.perf_counter() - start
        return spent

    mine, peer = _best((ours, agentboard), repetitions)
    return Row.more_is_better(
        f"{level} macros", total / mine, total / peer, "AgentBoard's wrapper", "steps/s", repetitions
    )


def _macro_commands(task: BabyAITask, index: int, steps: int) -> list[str]:
    """A random walk over possible commands, macros preferred, until the level is over."""
    chance = random.Random(index)
    task.reset(0, {"task_index": index})
    commands: list[str] = []
    while len(commands) < steps:
        possible = [name for name in task.admissible() if name != CHECK]
        macros = [name for name in possible if name not in LOW_LEVEL]
        command = chance.choice(macros if macros and chance.random() < 0.7 else possible)
        commands.append(command)
        if task.act(command).done:
            break
    return commands


if __name__ == "__main__":
    run(measure, __doc__)
