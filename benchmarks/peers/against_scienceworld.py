"""ScienceWorld's step against the package's own wrapper, on the same commands, interleaved in one run.

Both get the same JVM options, ours apart from the wrapper's defaults only in ``-XX:hashCode=2`` and a fixed heap; the
commands are gold paths, and each repetition plays them on both.
"""

from __future__ import annotations

import statistics
import time

from report import Row, run
from scienceworld import ScienceWorldEnv

from agemem_gym.envs.scienceworld import ScienceWorldTask

TASKS = ("boil", "power-component", "find-animal", "chemistry-mix", "grow-plant", "use-thermometer")
QUICK_TASKS = ("find-animal",)
PEER = "ScienceWorldEnv"


def measure(quick: bool) -> list[Row]:
    """Steps per second, time of a reset, and what listing the valid commands costs."""
    names, repetitions = (QUICK_TASKS, 1) if quick else (TASKS, 5)
    task, peer = ScienceWorldTask(), ScienceWorldEnv("", envStepLimit=10_000)
    try:
        paths = {name: _gold_path(task, name) for name in names}
        _play_ours(task, paths)  # both JVMs compile what is hot before the clock runs
        _play_peer(peer, paths)
        ours, theirs = [], []
        for _ in range(repetitions):
            ours.append(_play_ours(task, paths))
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
