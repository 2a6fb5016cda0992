"""Checkpoints of a training: whole or not there, whenever the process is killed.

::

    checkpoints/iteration-000012/   weights.safetensors   what learns, by name
                                    optimiser.pt          its state, and torch's random numbers (read with weights_only)
                                    state.json            iteration, position in the task list, curriculum, settings

A checkpoint is written under another name, brought to the disk, and then renamed, which is one step for the file system. No
file is read that could run anything.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from agemem_gym.errors import ConfigurationError
from agemem_gym.plain import plain

FOLDER = "checkpoints"
_NAME = re.compile(r"iteration-(\d{6,})")
PARTS = _WEIGHTS, _OPTIMISER, _STATE = "weights.safetensors", "optimiser.pt", "state.json"


def save_checkpoint(
    run: Path,
    iteration: int,
    learned: Mapping[str, torch.nn.Parameter],
    optimiser: torch.optim.Optimizer,
    state: Mapping[str, Any],
    keep: int,
) -> Path:
    """Write a checkpoint into the folder of a run, and remove the oldest beyond `keep`."""
    folder = run / FOLDER / f"iteration-{iteration:06d}"
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    write_parts(unfinished, learned, optimiser, state)
    for name in PARTS:
        _to_disk(unfinished / name)
    if folder.exists():
        shutil.rmtree(folder)
    unfinished.rename(folder)
    _to_disk(folder.parent)
    for old in checkpoints_of(run)[:-keep]:
        shutil.rmtree(old)
    return folder


def write_parts(
    folder: Path,
    learned: Mapping[str, torch.nn.Parameter],
    optimiser: torch.optim.Optimizer,
    state: Mapping[str, Any],
) -> None:
    """Write the files of a checkpoint into a folder."""
    save_file({name: value.detach().cpu().contiguous() for name, value in learned.items()}, folder / _WEIGHTS)
    random = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        random["cuda"] = torch.cuda.get_rng_state()
    torch.save({"optimiser": optimiser.state_dict(), "random": random}, folder / _OPTIMISER)
    (folder / _STATE).write_text(json.dumps(plain(dict(state)), indent=1) + "\n", encoding="utf-8")


def checkpoints_of(run: Path) -> list[Path]:
    """The checkpoints of a run, the newest last."""
    folders = (run / FOLDER).iterdir() if (run / FOLDER).is_dir() else ()
    found = {int(match[1]): folder for folder in folders if (match := _NAME.fullmatch(folder.name))}
    return [found[number] for number in sorted(found) if (found[number] / _STATE).is_file()]


def read_state(checkpoint: Path) -> dict[str, Any]:
    """What a checkpoint says of where training was.

    Raises:
        ConfigurationError: it is none.
    """
    try:
        state = json.loads((checkpoint / _STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{checkpoint}: no checkpoint: {error}") from None
    if not isinstance(state, dict) or "iteration" not in state:
        raise ConfigurationError(f"{checkpoint}: no checkpoint: {_STATE} says nothing of an iteration")
    return state


def restore(checkpoint: Path, learned: Mapping[str, torch.nn.Parameter], optimiser: torch.optim.Optimizer) -> None:
    """Put weights, optimiser and torch's random numbers back.

    Raises:
        ConfigurationError: it is the checkpoint of another model.
    """
    weights = load_file(checkpoint / _WEIGHTS)
    shapes = {name: tuple(value.shape) for name, value in weights.items()}
    if shapes != {name: tuple(value.shape) for name, value in learned.items()}:
        raise ConfigurationError(f"{checkpoint}: the checkpoint of another model: names or shapes of weights differ")
    held = torch.load(checkpoint / _OPTIMISER, map_location="cpu", weights_only=True)
    with torch.no_grad():
        for name, value in learned.items():
            value.copy_(weights[name])
    optimiser.load_state_dict(held["optimiser"])
    torch.set_rng_state(held["random"]["cpu"])
    if "cuda" in held["random"] and torch.cuda.is_available():
        torch.cuda.set_rng_state(held["random"]["cuda"])


def _to_disk(path: Path) -> None:
    """What was written there outlives a loss of power."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
