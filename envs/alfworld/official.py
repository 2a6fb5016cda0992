"""The official games on disk: found by the names of their folders, each file read only when its game is played.

``alfworld-download`` puts ``json_2.1.1/{train,valid_seen,valid_unseen}/<task>/<trial>/game.tw-pddl`` under
``$ALFWORLD_DATA``. ``AlfredTWEnv`` opens all 8,810 candidates at start-up (35 s); the folder's name says the same: task
type, object, receptacle, lamp and floor plan, e.g. ``pick_heat_then_place_in_recep-Egg-None-Fridge-10``.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from agemem_gym.checks import did_you_mean, nearest_path
from agemem_gym.errors import ConfigurationError

from .rooms import room_kind

GAME_FILE = "game.tw-pddl"
GENERATED = "generated"
HOW_TO_GET = (
    "get the official games with: alfworld-download (it fills $ALFWORLD_DATA), or leave data out for generated ones"
)


@dataclass(frozen=True)
class OfficialGame:
    """One game file, by what its folder's name says."""

    path: Path
    name: str
    task_type: str
    floor_plan: int


def data_folder(data: str | Path | None, split: str) -> Path | None:
    """The folder that holds the splits, or ``None`` for generated games.

    Args:
        data: ``None``: ``$ALFWORLD_DATA`` where it holds the split; ``"generated"``: none; or a folder.
        split: the split that is wanted.

    Raises:
        ConfigurationError: `data` names a folder that does not hold the split.
    """
    if data == GENERATED:
        return None
    if data is None:
        given = os.environ.get("ALFWORLD_DATA", "")
        return _holding(Path(given).expanduser(), split) if given else None
    found = _holding(Path(data).expanduser(), split)
    if found is None:
        near = did_you_mean(data, (GENERATED,)) or nearest_path(Path(data).expanduser())
        raise ConfigurationError(
            f"data={str(data)!r} does not hold the split {split!r}: expected json_2.1.1/{split} in it; {HOW_TO_GET}{near}"
        )
    return found


def _holding(folder: Path, split: str) -> Path | None:
    return next((place for place in (folder / "json_2.1.1", folder) if (place / split).is_dir()), None)


@lru_cache(maxsize=8)
def index(folder: Path, split: str) -> tuple[OfficialGame, ...]:
    """The games of a split in the standard order: sorted by path. Movable-receptacle and slicing tasks are left out, as
    ``AlfredTWEnv`` leaves them out.

    Raises:
        ConfigurationError: the split is not there.
    """
    if not (folder / split).is_dir():
        raise ConfigurationError(f"there is no split {split!r} in {folder}; {HOW_TO_GET}")
    games = []
    for task in sorted(os.listdir(folder / split)):
        if "movable" in task or "Sliced" in task:
            continue
        task_type, _, floor_plan = task.partition("-")[0], "", task.rpartition("-")[2]
        for trial in sorted(os.listdir(folder / split / task)) if floor_plan.isdigit() else ():
            path = folder / split / task / trial / GAME_FILE
            if path.is_file():
                games.append(OfficialGame(path, f"{split}/{task}/{trial}", task_type, int(floor_plan)))
    return tuple(games)


def select(
    games: Collection[OfficialGame], task_types: Collection[str], rooms: Collection[str]
) -> tuple[OfficialGame, ...]:
    """The games of these task types in these kinds of rooms.

    Raises:
        ConfigurationError: there is none.
    """
    found = tuple(game for game in games if game.task_type in task_types and room_kind(game.floor_plan) in rooms)
    if not found:
        raise ConfigurationError(
            f"no official game has one of the task_types {list(task_types)} in one of the rooms {list(rooms)}; {HOW_TO_GET}"
        )
    return found
