"""Write the pages of ``docs/envs`` from the docstrings of the tasks, where each env is documented.

python docs/build.py
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from agemem_gym.registration import BENCHMARKS, Benchmark, load_class

FOLDER = Path(__file__).parent / "envs"
_ROLE = re.compile(r":[a-z]+:`~?([^`]+)`")
_MADE = ".. Made by docs/build.py from the docstring of {task}.\n"


def page(benchmark: Benchmark) -> str:
    """The page of one env as reStructuredText."""
    task = load_class(benchmark.task)
    title = f"{benchmark.env_id}: {benchmark.summary}"
    sections = re.split(r"\n(Args|Raises):\n", inspect.getdoc(task) or "")
    text = _ROLE.sub(lambda role: f"``{role[1].lstrip('.')}``", sections[0])
    return "\n".join(
        [
            _MADE.format(task=benchmark.task),
            title,
            "=" * len(title),
            "",
            "::",
            "",
            f'    gymnasium.make("{benchmark.env_id}")             # the task alone',
            f'    gymnasium.make("{benchmark.three_stage_id}")  # behind the three-stage curriculum',
            "",
            text.rstrip(),
            "",
            "Keywords of every env (encoder, index, tools, token budget, reward, …) stand in the docstring of",
            "``agemem_gym.MemoryEnv``; those of the curriculum in that of ``agemem_gym.curriculum.ThreeStage``.",
            "",
        ]
    )


def file_of(benchmark: Benchmark) -> Path:
    """Where the page of an env lies."""
    return FOLDER / f"{benchmark.name.lower()}.rst"


if __name__ == "__main__":
    for each in BENCHMARKS:
        file_of(each).write_text(page(each), encoding="utf-8")
