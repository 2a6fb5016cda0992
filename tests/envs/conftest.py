"""Golden transcripts: one form for every benchmark, a file each beside its tests.

``golden(task, file, seed, options)`` plays the expert's episode and compares it with ``golden_*.json``: what stands at the
start, every command with what came of it, what stage 1 would tell. A change in behaviour has to touch the file openly::

    AGEMEM_WRITE_GOLDEN=1 pytest tests/envs        # writes the files anew; look at the difference before you commit it

The engine's version is left out, so that another version of an engine that says the same passes; so are fields that have
their default, so that a new field of ``TaskStart`` or ``TaskStep`` changes no file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agemem_gym.task import Task, TaskStart, TaskStep

WRITE = "AGEMEM_WRITE_GOLDEN"


def transcript(task: Task, seed: int, options: Mapping[str, Any]) -> dict[str, Any]:
    """The expert's episode as plain data."""
    start = _plain(task.reset(seed, options))
    start["record"].pop("engine", None)
    told = task.background(np.random.default_rng(seed))
    steps = []
    for reply in task.expert():
        answer = reply.removeprefix("<answer>").removesuffix("</answer>")
        steps.append({"reply": reply, **_plain(task.answer(answer) if answer != reply else task.act(reply))})
    return json.loads(json.dumps({"start": start, "background": told, "steps": steps}))


def _plain(said: TaskStart | TaskStep) -> dict[str, Any]:
    defaults = {
        field.name: field.default_factory() if field.default_factory is not MISSING else field.default
        for field in fields(said)
    }
    return {name: value for name, value in asdict(said).items() if value != defaults[name]}


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Compares an expert's episode with a file beside the test."""

    def compare(task: Task, file: str, seed: int = 0, options: Mapping[str, Any] | None = None) -> None:
        path = Path(request.path).with_name(file)
        played = transcript(task, seed, options or {})
        task.close()
        if os.environ.get(WRITE):
            path.write_text(json.dumps(played, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        expected = json.loads(path.read_text(encoding="utf-8"))
        assert played["start"] == expected["start"]
        assert played["background"] == expected["background"]
        assert played["steps"] == expected["steps"]
        assert played["steps"][-1]["success"]

    return compare
