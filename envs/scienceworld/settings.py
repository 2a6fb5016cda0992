"""The user's keywords, checked: what was given, what was expected."""

from __future__ import annotations

from collections.abc import Sequence

from agemem_gym.checks import did_you_mean
from agemem_gym.envs.scienceworld.variations import ALIASES, COUNTS, SPLITS, is_electrical
from agemem_gym.errors import ConfigurationError

MAX_MOVES = {"full": 250, "agentboard": 30}

SIMPLIFICATIONS = ("teleportAction", "selfWateringFlowerPots", "openContainers", "openDoors", "noElectricalAction")
AGENTBOARD_SIMPLIFICATIONS = SIMPLIFICATIONS[1:]

IDS: dict[str, str] = dict(
    zip(
        "1-1 1-2 1-3 1-4 2-1 2-2 2-3 3-1 3-2 3-3 3-4 4-1 4-2 4-3 4-4 5-1 5-2 6-1 6-2 6-3 7-1 7-2 7-3 8-1 8-2 9-1 9-2 9-3 "
        "10-1 10-2".split(),
        COUNTS,
        strict=True,
    )
)
"""The paper's id of each task (``scienceworld/tasks.json``)."""


def choose_protocol(protocol: str, split: str | None) -> str:
    """The split to play."""
    if protocol not in MAX_MOVES:
        raise ConfigurationError(
            f"protocol={protocol!r}: expected one of {', '.join(MAX_MOVES)}{did_you_mean(protocol, MAX_MOVES)}"
        )
    if split is None:
        return "test" if protocol == "agentboard" else "train"
    chosen = ALIASES.get(split, split) if isinstance(split, str) else split
    if chosen not in SPLITS:
        raise ConfigurationError(
            f"split={split!r}: expected one of {', '.join((*SPLITS, *ALIASES))}{did_you_mean(split, (*SPLITS, *ALIASES))}"
        )
    if protocol == "agentboard" and chosen != "test":
        raise ConfigurationError(f"split={split!r}: AgentBoard's protocol has the split 'test' only")
    return chosen


def choose_simplifications(given: str | Sequence[str] | None, protocol: str) -> tuple[str, ...]:
    """The simplifications, in the engine's order."""
    if given is None:
        return AGENTBOARD_SIMPLIFICATIONS if protocol == "agentboard" else ()
    names = [name.strip() for name in given.split(",") if name.strip()] if isinstance(given, str) else list(given)
    if names == ["easy"]:
        return ("easy",)
    unknown = [name for name in names if name not in SIMPLIFICATIONS]
    if unknown:
        raise ConfigurationError(
            f"simplifications {unknown}: expected 'easy', or names out of {', '.join(SIMPLIFICATIONS)}"
        )
    return tuple(name for name in SIMPLIFICATIONS if name in names)


def choose_tasks(given: str | Sequence[str] | None, simplifications: Sequence[str]) -> tuple[str, ...]:
    """The tasks, in the order given."""
    electric = "noElectricalAction" not in simplifications
    if given is None:
        return tuple(name for name in COUNTS if electric or not is_electrical(name))
    listed = (given,) if isinstance(given, str) else tuple(given)
    names = tuple(dict.fromkeys(IDS.get(name, name) for name in listed))
    unknown = [name for name in names if name not in COUNTS]
    if unknown or not names:
        raise ConfigurationError(f"task_names {unknown}: expected names out of {', '.join(COUNTS)}, or ids 1-1 to 10-2")
    dark = [name for name in names if is_electrical(name)]
    if dark and not electric:
        raise ConfigurationError(
            f"task_names {dark} need electrical commands: leave out the simplification noElectricalAction"
        )
    return names
