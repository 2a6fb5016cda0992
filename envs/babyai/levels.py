"""Which levels and which seeds: the named sets of levels, the splits, and AgentBoard's 112 tasks.

A *task* is a level and a level seed. Splits are disjoint ranges of level seeds, far above the seeds 1234–1237 that AgentBoard
plays, so that nothing that was trained on is tested on::

    train  2^31 + k        validation  2·2^31 + k        test  3·2^31 + k        (k = 0, 1, …: the episode's seed)

The k-th task is the level k mod n, so no two tasks of a split share a level seed (some levels of different names build the same
world from the same seed).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agemem_gym.checks import did_you_mean
from agemem_gym.errors import ConfigurationError, import_extra

SPLIT_SIZE = 1 << 31
SPLIT_BASES = {"train": SPLIT_SIZE, "validation": 2 * SPLIT_SIZE, "test": 3 * SPLIT_SIZE}
AGENTBOARD_SEEDS = (1234, 1235, 1236, 1237)
PREFIX = "BabyAI-"

# The 19 levels of BabyAI's paper (Chevalier-Boisvert et al., ICLR 2019, arXiv:1810.08272, table 1), easy to hard. Its
# "PutNext" is registered by minigrid with its sizes in the name.
PAPER_LEVELS = tuple(
    f"BabyAI-{name}-v0"
    for name in (
        "GoToObj GoToRedBallGrey GoToRedBall GoToLocal PutNextLocal PickupLoc GoToObjMaze GoTo Pickup UnblockPickup "
        "Open Unlock PutNextS7N4 Synth SynthLoc GoToSeq SynthSeq GoToImpUnlock BossLevel"
    ).split()
)

# AgentBoard's `game_level` list in its order. Its GoToObjS6-v0 is minigrid 3's GoToObjS4-v0: minigrid 2.3.0, which AgentBoard
# pins, registered it with rooms of 4.
AGENTBOARD_LEVELS = tuple(
    f"BabyAI-{name}"
    for name in (
        "GoToRedBallGrey-v0 GoToRedBall-v0 GoToRedBallNoDists-v0 GoToObjS4-v0 GoToLocalS8N7-v0 GoToObjMazeS7-v0 "
        "GoToImpUnlock-v0 GoToSeqS5R2-v0 GoToRedBlueBall-v0 GoToDoor-v0 GoToObjDoor-v0 Open-v0 OpenRedDoor-v0 "
        "OpenDoorLoc-v0 OpenRedBlueDoorsDebug-v0 OpenDoorsOrderN4Debug-v0 Pickup-v0 UnblockPickup-v0 PickupLoc-v0 "
        "PickupDistDebug-v0 PickupAbove-v0 Unlock-v0 UnlockLocalDist-v0 UnlockPickupDist-v0 BlockedUnlockPickup-v0 "
        "UnlockToUnlock-v0 FindObjS7-v0 KeyCorridorS6R3-v0"
    ).split()
)


# Floor plans of which one needs a memory: nine rooms behind doors, some of them locked, of which nobody sees more than one from
# the start. They are furnished anew, and have missions of their own (:mod:`.houses`, :mod:`.missions`). The rooms are small,
# since one look shows all of a small room: then search is a matter of rooms and boxes, not of steps.
MEMORY_LEVELS = tuple(
    f"BabyAI-{name}-v0"
    for name in "FindObjS5 GoToObjMazeS5 KeyCorridorS5R3 FindObjS6 GoToObjMazeS6 KeyCorridorS6R3".split()
)

_AGENTBOARDS_NAMES = dict.fromkeys(("GoToObjS6", "GoToObjS6-v0"), "BabyAI-GoToObjS4-v0")


@dataclass(frozen=True)
class LevelSeed:
    """One task: a registered level and the seed that minigrid's ``reset`` gets."""

    level: str
    seed: int

    @property
    def task_id(self) -> str:
        """Stable name, e.g. ``"BabyAI-GoToObj-v0/1234"``."""
        return f"{self.level}/{self.seed}"


def split_of(level_seed: int) -> str | None:
    """The split that a level seed belongs to; None for one that only ``options["level_seed"]`` reaches."""
    if level_seed in AGENTBOARD_SEEDS:
        return "test"
    return next((name for name, base in SPLIT_BASES.items() if base <= level_seed < base + SPLIT_SIZE), None)


def registered_levels() -> tuple[str, ...]:
    """All BabyAI levels that the installed minigrid registers, in its order (96 in 3.2.0)."""
    import_extra("minigrid", "babyai")
    gymnasium = import_extra("gymnasium", "babyai")
    return tuple(name for name in gymnasium.registry if name.startswith(PREFIX))


def choose_levels(level: str | Sequence[str] | None, protocol: str) -> tuple[str, ...]:
    """The levels that the keyword `level` stands for; ``None`` is the protocol's default set.

    Raises:
        ConfigurationError: an unknown level, or one that the protocol does not play.
    """
    if level is None:
        return AGENTBOARD_LEVELS if protocol == "agentboard" else PAPER_LEVELS
    if level == "paper" and protocol == "full":
        return PAPER_LEVELS
    if level == "memory" and protocol == "full":
        return MEMORY_LEVELS
    if level == "agentboard":
        return AGENTBOARD_LEVELS
    known = AGENTBOARD_LEVELS if protocol == "agentboard" else registered_levels()
    if level == "all" and protocol == "full":
        return known
    if not isinstance(level, str | Iterable):
        raise ConfigurationError(f"level={level!r}: expected a level's name, or a list of names")
    names = (level,) if isinstance(level, str) else tuple(level)
    if protocol == "agentboard":
        names = tuple(_AGENTBOARDS_NAMES.get(str(name).removeprefix(PREFIX), name) for name in names)
    if not names:
        raise ConfigurationError("level=[] names no level; leave the keyword out for the default set")
    return tuple(_registered(name, known, protocol) for name in names)


def _registered(name: str, known: Sequence[str], protocol: str) -> str:
    """`name`, also without ``BabyAI-`` and its version, as it is registered."""
    for candidate in (name, f"{PREFIX}{name}", f"{PREFIX}{name}-v0", f"{PREFIX}{name}-v1", f"{name}-v0", f"{name}-v1"):
        if candidate in known:
            return candidate
    short = [level.removeprefix(PREFIX).partition("-v")[0] for level in known]
    near = did_you_mean(
        str(name).removeprefix(PREFIX).partition("-v")[0], (*short, "paper", "memory", "agentboard", "all")
    )
    raise ConfigurationError(
        f"level={name!r} is not a BabyAI level of protocol={protocol!r}{near or '; '} "
        "all: python -c 'from agemem_gym.envs.babyai.levels import registered_levels; print(*registered_levels())'"
    )


@dataclass(frozen=True)
class Tasks:
    """The tasks of one configuration, in order."""

    levels: tuple[str, ...]
    protocol: str
    split: str

    def size(self) -> int | None:
        """Number of tasks; ``None`` where they never end."""
        return len(self.levels) * len(AGENTBOARD_SEEDS) if self.protocol == "agentboard" else None

    def by_seed(self, seed: int) -> LevelSeed:
        """The task of an episode seed: round-robin over the levels first, over level seeds then."""
        lap, level = divmod(seed, len(self.levels))
        if self.protocol == "agentboard":
            return LevelSeed(self.levels[level], AGENTBOARD_SEEDS[lap % len(AGENTBOARD_SEEDS)])
        return LevelSeed(self.levels[level], SPLIT_BASES[self.split] + seed % SPLIT_SIZE)

    def by_index(self, index: int) -> LevelSeed:
        """The `index`-th task in the official order: AgentBoard's goes level by level, the endless ones by seed."""
        if self.size() is None:
            return self.by_seed(index)
        level, which = divmod(index, len(AGENTBOARD_SEEDS))
        return LevelSeed(self.levels[level], AGENTBOARD_SEEDS[which])
