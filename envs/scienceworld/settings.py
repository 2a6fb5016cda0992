"""The user's keywords, checked: what was given, what was expected."""

from __future__ import annotations

from collections.abc import Sequence

from agemem_gym.checks import one_of, some_of
from agemem_gym.envs.scienceworld.variations import ALIASES, COUNTS, MEMORY, MEMORY_TASKS, SPLITS, is_electrical
from agemem_gym.errors import ConfigurationError

MAX_MOVES = {"full": 250, "agentboard": 30}
SLOW_TASKS = ("inclined-plane-friction-named-surfaces", "inclined-plane-friction-unnamed-surfaces")
SLOW_MAX_MOVES = 1000
"""Without AgentBoard's limit: a block takes up to 708 moments to slide down sandpaper, and the gold path looks after each."""

SIMPLIFICATIONS = ("teleportAction", "selfWateringFlowerPots", "openContainers", "openDoors", "noElectricalAction")
AGENTBOARD_SIMPLIFICATIONS = SIMPLIFICATIONS[1:]
EASY = "easy"
"""Upstream's mixture of them, which differs from task to task."""

IDS: dict[str, str] = dict(
    zip(
        "1-1 1-2 1-3 1-4 2-1 2-2 2-3 3-1 3-2 3-3 3-4 4-1 4-2 4-3 4-4 5-1 5-2 6-1 6-2 6-3 7-1 7-2 7-3 8-1 8-2 9-1 9-2 9-3 "
        "10-1 10-2".split(),
        COUNTS,
        strict=True,
    )
)
"""The paper's id of each task (``scienceworld/tasks.json``)."""


def max_moves(protocol: str, task: str) -> int:
    """The number of moves after which an episode is truncated; the gold path of every task fits into the full protocol's."""
    return SLOW_MAX_MOVES if protocol == "full" and task in SLOW_TASKS else MAX_MOVES[protocol]


def choose_protocol(protocol: str, split: str | None) -> str:
    """The split to play, under the engine's name."""
    one_of("protocol", protocol, tuple(MAX_MOVES))
    splits = ("test",) if protocol == "agentboard" else (*SPLITS, *ALIASES)
    chosen = one_of("split", splits[0] if split is None else split, splits)
    return ALIASES.get(chosen, chosen)


def choose_simplifications(given: str | Sequence[str] | None, protocol: str) -> tuple[str, ...]:
    """The simplifications, in the engine's order."""
    if given is None:
        return AGENTBOARD_SIMPLIFICATIONS if protocol == "agentboard" else ()
    names = [name.strip() for name in given.split(",") if name.strip()] if isinstance(given, str) else list(given)
    if not names or names == [EASY]:
        return tuple(names)
    some_of("simplifications", names, (EASY, *SIMPLIFICATIONS))
    if EASY in names:
        raise ConfigurationError(f"simplifications={given!r}: 'easy' is a mixture of them already; give it alone")
    return tuple(name for name in SIMPLIFICATIONS if name in names)


def means_memory(task_names: str | Sequence[str] | None) -> bool:
    """Whether the memory tasks are asked for, by their common name."""
    return task_names == MEMORY or (task_names is not None and list(task_names) == [MEMORY])


def choose_tasks(
    given: str | Sequence[str] | None, simplifications: Sequence[str], keyword: str = "task_names"
) -> tuple[str, ...]:
    """The tasks, in the order given, each once."""
    electric = "noElectricalAction" not in simplifications
    if given is None:
        return tuple(name for name in COUNTS if electric or not is_electrical(name))
    if means_memory(given):
        return tuple(name for name in MEMORY_TASKS if electric or not is_electrical(name))
    names = tuple(dict.fromkeys(IDS.get(name, name) for name in some_of(keyword, given, (*COUNTS, *IDS, MEMORY))))
    if MEMORY in names:
        raise ConfigurationError(f"{keyword}={given!r}: 'memory' stands for eight tasks and is given alone")
    dark = [name for name in names if is_electrical(name)]
    if dark and not electric:
        raise ConfigurationError(
            f"{keyword} {dark} need electrical commands: leave out the simplification noElectricalAction"
        )
    return names
