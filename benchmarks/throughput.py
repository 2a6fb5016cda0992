"""Throughput: each env against its engine's own wrapper, what it takes to start and to hold, and what our own step costs.

- The comparisons with the engines stand in ``peers/``, one module an engine; each plays the same commands on both sides in
  one run.
- *start-up*: import, ``gym.make`` and the first reset in a fresh process; *reset*: the median of later ones on new seeds;
  *memory*: resident, with the process's children (the JVM), after these.
- *2 processes*: ``make_vec(…, 8, "async", workers=2)`` against ``"sync"``, with the default encoder and index, resets
  included.
"""

from __future__ import annotations

import gc
import importlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from report import Row, run

from agemem_gym.context import Context
from agemem_gym.memory import make_encoder
from agemem_gym.protocol import call_reply, parse
from agemem_gym.registration import BENCHMARKS, Benchmark

_IN_A_FRESH_PROCESS = """
import json, sys, time
started = time.perf_counter()
import agemem_gym, gymnasium
env = gymnasium.make(sys.argv[1])
env.reset(seed=0)
startup = time.perf_counter() - started
resets = []
for seed in range(1, 1 + int(sys.argv[2])):
    started = time.perf_counter()
    env.reset(seed=seed)
    resets.append(time.perf_counter() - started)
import psutil
process = psutil.Process()
resident = sum(p.memory_info().rss for p in [process, *process.children(recursive=True)])
print(json.dumps([startup, sorted(resets)[len(resets) // 2], resident]))
env.close()
"""


def measure(quick: bool) -> list[Row]:
    """All rows."""
    rows = []
    for benchmark in BENCHMARKS:
        rows += importlib.import_module(f"peers.against_{benchmark.name.lower()}").measure(quick)
        gc.collect()
        gc.freeze()  # what one engine has loaded is not to be looked through at every collection of the next one's
    rows += _own_overhead(300 if quick else 2000)
    rows += _flatness()
    rows.append(_staged_reset(10 if quick else 100))
    for benchmark in BENCHMARKS:
        rows += _footprint(benchmark, 3 if quick else 20)
    return rows + [_in_processes(benchmark, quick) for benchmark in BENCHMARKS]


def _footprint(benchmark: Benchmark, resets: int) -> list[Row]:
    """Start-up, reset and memory of one env in a fresh process."""
    command = [sys.executable, "-c", _IN_A_FRESH_PROCESS, benchmark.env_id, str(resets)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    startup, reset, resident = json.loads(run.stdout.splitlines()[-1])
    return [
        Row.alone(f"{benchmark.name} start-up", startup, "s", 1),
        Row.alone(f"{benchmark.name} reset", 1000 * reset, "ms", resets),
        Row.alone(f"{benchmark.name} memory", resident / 2**20, "MiB", 1),
    ]


_VECTOR = """
import json, sys, time
import agemem_gym, gymnasium
from agemem_gym.protocol import call_reply
if __name__ == "__main__":
    env_id, mode, envs, steps = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    gymnasium.logger.min_level = gymnasium.logger.ERROR
    episode, warming_up = 30, 2
    workers = {"workers": 2} if mode == "async" else {}
    vector = agemem_gym.make_vec(env_id, envs, mode, **workers, info_admissible=True)
    for number in range(-warming_up, steps):
        if number == 0:
            started = time.perf_counter()
        if number == -warming_up or (number >= 0 and number % episode == 0):
            first = (1 + number // episode) * envs
            _, info = vector.reset(seed=list(range(first, first + envs)))
        if number % 2:
            replies = tuple(f"<action>{(*commands, 'look')[0]}</action>" for commands in info["admissible"])
        else:
            texts = (f"What env {i} has to remember of its reply number {number}" for i in range(envs))
            replies = tuple(call_reply(("Add_memory", {"content": text})) for text in texts)
        *_, info = vector.step(replies)
    print(json.dumps(envs * steps / (time.perf_counter() - started)))
    vector.close()
"""


def _in_processes(benchmark: Benchmark, quick: bool) -> Row:
    """Eight envs in two processes against eight in one, the same episodes on both sides, each side in a fresh process.

    ADD and the first admissible command take turns, thirty replies to an episode, after two replies that are not timed, for
    which encoder and index are loaded.
    """
    envs, steps, times = (2, 8, 1) if quick else (8, 60, 3)

    def rate(mode: str) -> float:
        command = [sys.executable, "-c", _VECTOR, benchmark.env_id, mode, str(envs), str(steps)]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        return json.loads(run.stdout.splitlines()[-1])

    pairs = [(rate("async"), rate("sync")) for _ in range(times)]
    apart, together = (float(np.median(side)) for side in zip(*pairs, strict=True))
    return Row.more_is_better(f"{benchmark.name} in 2 processes", apart, together, "1 process", "steps/s", envs * steps)


def _own_overhead(repetitions: int) -> list[Row]:
    """Parse, append and render at a context of 8,000 tokens, and appending at 1,000 and at 8,000."""
    count = make_encoder("minilm").count_tokens
    observation = (
        "In the kitchen there is a fridge and a stove. On the table you see an apple {0}, a mug {0} and a key {0}. "
    )
    count(observation)

    def context_of(tokens: int) -> Context:
        context = Context(100_000, count)
        number = 0
        while context.tokens < tokens:
            number += 1
            context.append("user", observation.format(number) * 2, kind="observation")
        return context

    def step(context: Context, number: int) -> None:
        reply = f"<think>I have seen the key {number}.</think><action>go to table {number}</action>"
        parsed = parse(reply)
        context.append("assistant", reply, kind="reply")
        context.append("user", observation.format(number) + (parsed.action or ""), kind="observation")
        context.render()

    def append(context: Context, number: int) -> None:
        context.append("user", observation.format(number), kind="observation")

    def median_ms(function: Callable[[Context, int], None], tokens: int) -> float:
        context = context_of(tokens)
        snapshot, times = context.snapshot(), []
        for number in range(repetitions):
            started = time.perf_counter()
            function(context, 10_000 + number)
            times.append(time.perf_counter() - started)
            if number % 10 == 9:  # the context stays at its size
                context.restore(snapshot)
        return 1000 * float(np.median(times))

    small, large = median_ms(append, 1000), median_ms(append, 8000)
    return [
        Row.less_is_better(
            "own overhead of a step at 8k tokens", median_ms(step, 8000), 0.15, "the target", "ms", repetitions
        ),
        Row.less_is_better("append at 8k tokens", large, small, "append at 1k tokens", "ms", repetitions),
    ]


def _flatness() -> list[Row]:
    """Step 2,000 over step 50 of an episode without SUMMARY and FILTER: whole, and without making what is as long as it.

    Each reply searches an empty memory, so that nothing but the length of the episode grows; medians of 51 steps.
    """
    env = gymnasium.make("AgeMem-BabyAI-v0", encoder="hash", index="exact", max_rounds=10_000)
    env.reset(seed=0)
    reply = call_reply(("Retrieve_memory", {"query": "the red door"}))
    for _ in range(200):  # a cold start is not to stand for a short context
        env.step(reply)
    env.reset(seed=0)
    context, spent = env.unwrapped.context, [0.0]

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                spent[0] += time.perf_counter() - started

        return call

    for name in ("render", "chat", "messages"):
        setattr(context, name, timed(getattr(context, name)))
    whole, own = [], []
    for _ in range(2025):
        spent[0], started = 0.0, time.perf_counter()
        result = env.step(reply)
        whole.append(time.perf_counter() - started)
        own.append(whole[-1] - spent[0])
        del result  # what is as long as the context is thrown away when the clock stands
    env.close()

    def around(times: list[float], step: int) -> float:
        return 1000 * float(np.median(times[step - 26 : step + 25]))

    return [
        Row.less_is_better(name, around(times, 2000), around(times, 50), "step 50", "ms", 51)
        for name, times in (("step 2,000, what the env adds", own), ("step 2,000 with obs and messages", whole))
    ]


def _staged_reset(resets: int) -> Row:
    """A reset of HotpotQA-ThreeStage with the hash encoder."""
    env = gymnasium.make("AgeMem-HotpotQA-ThreeStage-v0", encoder="hash", index="exact")
    times = []
    for seed in range(resets + 3):
        started = time.perf_counter()
        env.reset(seed=seed)
        times.append(time.perf_counter() - started)
    env.close()
    return Row.alone("HotpotQA-ThreeStage reset, hash encoder", 1000 * float(np.median(times[3:])), "ms", resets)


if __name__ == "__main__":
    run(measure, __doc__)
