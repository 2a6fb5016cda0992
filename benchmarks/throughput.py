"""Throughput: each env against its engine's own wrapper, and what our own step costs.

The comparisons with the engines stand in ``peers/``, one module an engine; each plays the same commands on both sides in
one run.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable

import gymnasium
import numpy as np
from report import Row, run

import agemem_gym
from agemem_gym.context import Context
from agemem_gym.memory import make_encoder
from agemem_gym.protocol import parse

ENGINES = ("scienceworld", "babyai", "pddl", "alfworld")


def measure(quick: bool) -> list[Row]:
    """All rows."""
    rows = [row for engine in ENGINES for row in importlib.import_module(f"peers.{engine}").measure(quick)]
    return [*rows, *_own_overhead(300 if quick else 2000), *_vector(60 if quick else 300)]


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


def _vector(steps: int) -> list[Row]:
    """Two ALFWorld envs in two processes against two in one."""
    commands = ("look", "inventory", "go to drawer 1", "examine drawer 1", "go to cabinet 1", "look")

    def rate(mode: str) -> float:
        vector = agemem_gym.make_vec(
            "AgeMem-ALFWorld-v0",
            2,
            mode,
            encoder="hash",
            index="exact",
            data="generated",
            info_admissible=True,
            max_moves=10_000,
        )
        vector.reset(seed=[0, 1])
        started = time.perf_counter()
        for number in range(steps):
            vector.step((f"<action>{commands[number % len(commands)]}</action>",) * 2)
            if number % 30 == 29:
                vector.reset(seed=[0, 1])
        elapsed = time.perf_counter() - started
        vector.close()
        return 2 * steps / elapsed

    gymnasium.logger.min_level = gymnasium.logger.ERROR
    return [
        Row.more_is_better("ALFWorld in 2 processes", rate("async"), rate("sync"), "1 process", "steps/s", 2 * steps)
    ]


if __name__ == "__main__":
    run(measure, __doc__)
