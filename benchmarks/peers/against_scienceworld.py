"""ScienceWorld's step against the package's own wrapper, on the same commands, interleaved in one run.

Each starts its JVM as it does for its users: the wrapper with Java's defaults, ours with our Java agent, a fixed heap and
the serial collector. The commands are gold paths, played once on both before the clock runs; each repetition plays them on
both. Of each command the fastest repetition counts, on both sides: on a busy machine a step of some milliseconds mostly waits
for its turn. What the processors did for a step, in the JVM (its compilers included) and in Python, is measured, too; that
depends little on what else runs. Of the resets the median counts.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil
from report import Row, run
from scienceworld import ScienceWorldEnv

from agemem_gym.envs.scienceworld import ScienceWorldTask
from agemem_gym.envs.scienceworld.pool import POOL

TASKS = ("boil", "power-component", "find-animal", "chemistry-mix", "grow-plant", "use-thermometer")
QUICK_TASKS = ("find-animal",)
PEER = "ScienceWorldEnv"


def measure(quick: bool) -> list[Row]:
    """Steps per second, time of a reset, and what listing the valid commands costs."""
    names, repetitions = (QUICK_TASKS, 5) if quick else (TASKS, 5)
    task, peer = ScienceWorldTask(), ScienceWorldEnv("", envStepLimit=10_000)
    try:
        paths = {name: _gold_path(task, name) for name in names}
        _play_ours(task, paths)  # both JVMs compile what is hot before the clock runs
        _play_peer(peer, paths)
        ours, theirs = [], []
        for _ in range(repetitions):
            ours.append(_play_ours(task, paths))
            theirs.append(_play_peer(peer, paths))
        resets = len(paths)
        return [
            Row.more_is_better(
                "ScienceWorld step",
                _rate(ours),
                _rate(theirs),
                f"{PEER}.step",
                "steps/s",
                repetitions,
            ),
            Row.less_is_better(
                "ScienceWorld processor time of a step",
                1000 * min(played.processor for played in ours) / len(ours[0].steps),
                1000 * min(played.processor for played in theirs) / len(theirs[0].steps),
                f"{PEER}.step",
                "ms",
                repetitions,
            ),
            Row.less_is_better(
                "ScienceWorld reset (with background)",
                1000 * statistics.median(played.resets for played in ours) / resets,
                1000 * statistics.median(played.resets for played in theirs) / resets,
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


@dataclass(frozen=True)
class Played:
    """Seconds: all resets; each step; what the processors worked for the steps."""

    resets: float
    steps: list[float]
    processor: float


def _rate(repetitions: list[Played]) -> float:
    """Steps per second, of each step the fastest repetition."""
    fastest = [min(times) for times in zip(*(played.steps for played in repetitions), strict=True)]
    return len(fastest) / sum(fastest)


def _play_ours(task: ScienceWorldTask, paths: dict[str, list[str]]) -> Played:
    def reset(name: str) -> None:
        task.reset(0, {"task_name": name, "variation": 0})

    (jvm,) = POOL.pids()
    return _play(reset, task.act, paths, jvm)


def _play_peer(peer: ScienceWorldEnv, paths: dict[str, list[str]]) -> Played:
    def reset(name: str) -> None:
        peer.load(name, 0, "")
        peer.reset()

    return _play(reset, peer.step, paths, peer._gateway.java_process.pid)


def _play(reset: Callable[[str], None], step: Callable[[str], object], paths: dict[str, list[str]], jvm: int) -> Played:
    resets, steps, processor = 0.0, list[float](), 0.0
    for name, commands in paths.items():
        begin = time.perf_counter()
        reset(name)
        resets += time.perf_counter() - begin
        worked = _processor_time(jvm)
        for command in commands:
            begin = time.perf_counter()
            step(command)
            steps.append(time.perf_counter() - begin)
        processor += _processor_time(jvm) - worked
    return Played(resets, steps, processor)


def _processor_time(jvm: int) -> float:
    times = psutil.Process(jvm).cpu_times()
    return times.user + times.system + time.process_time()


if __name__ == "__main__":
    run(measure, __doc__)
