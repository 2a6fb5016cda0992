"""ScienceWorld's step against the package's own wrapper, on the same commands, interleaved in one run.

The commands are the beginnings of gold paths. Both sides keep one JVM, play everything once before the clock runs, and the
best repetition counts; ours plays three times where the wrapper plays once, so that both JVMs get a similar time to compile
what is hot. Run it as ``python -m peers.scienceworld`` in ``benchmarks/``.
"""

from __future__ import annotations

import statistics
import time

from agemem_gym.envs.scienceworld import ScienceWorldTask
from report import Row, run
from scienceworld import ScienceWorldEnv

TASKS = ("boil", "power-component", "find-animal", "chemistry-mix", "grow-plant", "use-thermometer")
QUICK_TASKS = ("find-animal", "power-component", "use-thermometer")
LONGEST, LONGEST_QUICK = 40, 8
PLAYS = 3
PEER = "ScienceWorldEnv"


def measure(quick: bool) -> list[Row]:
    """Steps per second and the time of a reset."""
    names, longest, repetitions = (QUICK_TASKS, LONGEST_QUICK, 2) if quick else (TASKS, LONGEST, 4)
    task, peer = ScienceWorldTask(), ScienceWorldEnv("", envStepLimit=10_000)
    try:
        paths = {name: _gold_path(task, name)[:longest] for name in names}
        _play_ours(task, paths)
        _play_peer(peer, paths)
        ours, theirs = [], []
        for _ in range(repetitions):
            ours += [_play_ours(task, paths) for _ in range(PLAYS)]
            theirs.append(_play_peer(peer, paths))
        steps = sum(map(len, paths.values()))
        resets = len(paths)
        return [
            Row.more_is_better(
                "ScienceWorld step",
                steps / min(step for _, step in ours),
                steps / min(step for _, step in theirs),
                f"{PEER}.step",
                "steps/s",
                repetitions,
            ),
            Row.less_is_better(
                "ScienceWorld reset (with background)",
                1000 * statistics.median(reset for reset, _ in ours) / resets,
                1000 * statistics.median(reset for reset, _ in theirs) / resets,
                f"{PEER}.load and reset",
                "ms",
                repetitions,
            ),
        ]
    finally:
        task.close()
        peer.close()


def _gold_path(task: ScienceWorldTask, name: str) -> list[str]:
    task.reset(0, {"task_name": name, "variation": 0})
    return list(task.expert())


def _play_ours(task: ScienceWorldTask, paths: dict[str, list[str]]) -> tuple[float, float]:
    """Seconds spent in resets and in steps."""
    resets = steps = 0.0
    for name, commands in paths.items():
        begin = time.perf_counter()
        task.reset(0, {"task_name": name, "variation": 0})
        middle = time.perf_counter()
        for command in commands:
            task.act(command)
        resets, steps = resets + middle - begin, steps + time.perf_counter() - middle
    return resets, steps


def _play_peer(peer: ScienceWorldEnv, paths: dict[str, list[str]]) -> tuple[float, float]:
    resets = steps = 0.0
    for name, commands in paths.items():
        begin = time.perf_counter()
        peer.load(name, 0, "")
        peer.reset()
        middle = time.perf_counter()
        for command in commands:
            peer.step(command)
        resets, steps = resets + middle - begin, steps + time.perf_counter() - middle
    return resets, steps


if __name__ == "__main__":
    run(measure, __doc__)
