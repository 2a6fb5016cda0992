"""A curriculum as a config: how stages and distractors change over training.

Each setting of :class:`CurriculumConfig` is a plain value, or a schedule over training progress in [0, 1]::

    n2: 6                                     the same all the time
    n2: {linear: [0, 8]}                      from 0 at the start to 8 at the end
    n2: {staged: [[0, 0], [0.3, 4], [0.7, 8]]}  from these points on
    n2: {adaptive: [0, 8]}                    by how well it goes: with the level, see below

The *level* in [0, 1] belongs to adaptive schedules: after each `window` episodes it rises by `level_step` where the share of
successes was at least `target_success`, and falls by it where the share was under half of that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from agemem_gym.checks import did_you_mean, yaml_mapping
from agemem_gym.curriculum.distractors import make_source
from agemem_gym.curriculum.talk import ORDERS
from agemem_gym.errors import ConfigurationError

Setting = Any
"""A value, or ``{"linear" | "staged" | "adaptive": …}``."""

_NUMBERS = ("n1", "n2", "turns", "rate", "similarity_low", "similarity_high")
_WHOLE = ("n1", "n2", "turns")
_SCHEDULES = ("linear", "staged", "adaptive")


@dataclass(frozen=True)
class CurriculumConfig:
    """One curriculum; ``None`` leaves a setting as the env has it.

    Attributes:
        order: an order of :data:`~.talk.ORDERS`; may be staged.
        n1, n2, turns: of :class:`~.three_stage.ThreeStage`.
        source: distractor source; may be staged.
        rate: of :class:`~.injection.DistractorInjection`.
        similarity_low, similarity_high: range of the distractors' similarity to the query; both or none.
        episodes: length of training in episodes, from which progress is counted where nobody sets it.
        target_success, window, level_step: see the module.

    Raises:
        ConfigurationError: a value or schedule that cannot be used.

    Example:
        >>> config = CurriculumConfig(n2={"linear": [0, 8]}, order={"staged": [[0, "progressive"], [0.5, "interleaved"]]})
        >>> config.at(0.25, level=0.0)["n2"], config.at(0.75, level=0.0)["order"]
        (2, 'interleaved')
    """

    order: Setting = None
    n1: Setting = None
    n2: Setting = None
    turns: Setting = None
    source: Setting = None
    rate: Setting = None
    similarity_low: Setting = None
    similarity_high: Setting = None
    episodes: int = 1000
    target_success: float = 0.7
    window: int = 20
    level_step: float = 0.1

    def __post_init__(self) -> None:
        for name in ("episodes", "window"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigurationError(f"{name}={value!r}: expected a whole number of at least 1")
        for name in ("target_success", "level_step"):
            if not is_number(getattr(self, name)) or not 0 < getattr(self, name) <= 1:
                raise ConfigurationError(f"{name}={getattr(self, name)!r}: expected a number in (0, 1]")
        for name in (*_NUMBERS, "order", "source"):
            _check_setting(name, getattr(self, name))
        if (self.similarity_low is None) != (self.similarity_high is None):
            raise ConfigurationError("similarity_low and similarity_high go together")

    @classmethod
    def load(cls, spec: str | Path | Mapping[str, Any] | CurriculumConfig) -> CurriculumConfig:
        """A preset's name, the path of a YAML file, a mapping, or a config.

        Raises:
            ConfigurationError: no such preset or file, no YAML, or keys that a config does not have.
        """
        if isinstance(spec, CurriculumConfig):
            return spec
        if isinstance(spec, str) and spec in PRESETS:
            return PRESETS[spec]
        data = spec if isinstance(spec, Mapping) else _read_yaml(Path(spec))
        unknown = sorted(set(map(str, data)) - {field.name for field in fields(cls)})
        if unknown:
            known = [field.name for field in fields(cls)]
            meant = did_you_mean(unknown[0], known)
            raise ConfigurationError(f"a curriculum has no {', '.join(unknown)}: expected {', '.join(known)}{meant}")
        return cls(**data)

    def at(self, progress: float, level: float) -> dict[str, Any]:
        """The settings at a point of training, those left to the env apart.

        Args:
            progress: of training, in [0, 1].
            level: of the adaptive schedules, in [0, 1].
        """
        values = {name: _value(getattr(self, name), progress, level) for name in (*_NUMBERS, "order", "source")}
        values |= {name: round(values[name]) for name in _WHOLE if values[name] is not None}
        low, high = values.pop("similarity_low"), values.pop("similarity_high")
        if low is not None:
            values["similarity"] = (min(low, high), max(low, high))
        return {name: value for name, value in values.items() if value is not None}


def _value(setting: Setting, progress: float, level: float) -> Any:
    if not isinstance(setting, Mapping):
        return setting
    ((kind, points),) = setting.items()
    if kind == "staged":
        return [value for start, value in points if start <= progress][-1]
    position = progress if kind == "linear" else level
    return points[0] + (points[1] - points[0]) * position


def _check_setting(name: str, setting: Setting) -> None:
    """Raise for a value or schedule that :func:`_value` or the wrappers could not use."""
    if setting is None:
        return
    if not isinstance(setting, Mapping):
        _check_value(name, setting)
        return
    kinds = list(setting)
    if len(kinds) != 1 or kinds[0] not in _SCHEDULES:
        raise ConfigurationError(f"{name}={dict(setting)!r}: expected a value, or one of {', '.join(_SCHEDULES)}")
    kind, points = kinds[0], setting[kinds[0]]
    if kind == "staged":
        if not _are_stages(points):
            raise ConfigurationError(f"{name}: staged takes [[0, value], [progress, value], …], not {points!r}")
        values = [value for _, value in points]
    else:
        if name in ("order", "source"):
            raise ConfigurationError(f"{name}: expected a value or a staged schedule, not {kind}")
        if isinstance(points, str) or not isinstance(points, Sequence) or len(points) != 2:
            raise ConfigurationError(f"{name}: {kind} takes [first, last], not {points!r}")
        values = list(points)
    for value in values:
        _check_value(name, value)


def _are_stages(points: Any) -> bool:
    pairs = isinstance(points, Sequence) and points and all(isinstance(p, Sequence) and len(p) == 2 for p in points)
    if not pairs:
        return False
    starts = [point[0] for point in points]
    return all(map(is_number, starts)) and starts[0] == 0 and starts == sorted(starts) and starts[-1] <= 1


def _check_value(name: str, value: Any) -> None:
    if name == "order":
        if value not in ORDERS:
            raise ConfigurationError(
                f"order={value!r}: expected one of {', '.join(ORDERS)}{did_you_mean(value, ORDERS)}"
            )
    elif name == "source":
        make_source(value, _NoEncoder())  # type: ignore[arg-type]
    elif not is_number(value):
        raise ConfigurationError(f"{name}={value!r}: expected a finite number")
    elif name in _WHOLE and (value < (name == "turns") or value != int(value)):
        raise ConfigurationError(f"{name}={value!r}: expected a whole number of at least {int(name == 'turns')}")
    elif name == "rate" and not 0 <= value <= 1:
        raise ConfigurationError(f"rate={value!r}: expected a probability in [0, 1]")
    elif name.startswith("similarity") and not -1 <= value <= 1:
        raise ConfigurationError(f"{name}={value!r}: expected a cosine in [-1, 1]")


class _NoEncoder:
    """Stands where a source is only checked, not used."""


def _read_yaml(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise ConfigurationError(
            f"curriculum={str(path)!r}: no such file, and no preset ({', '.join(PRESETS)}){did_you_mean(str(path), PRESETS)}"
        )
    return yaml_mapping(path)


def is_number(value: Any) -> bool:
    """Whether a value is a number: finite (YAML also has ``.inf`` and ``.nan``), and not a truth value."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < float("inf")


PRESETS: dict[str, CurriculumConfig] = {
    "progressive": CurriculumConfig(
        order="progressive", n2={"staged": [[0, 0], [1 / 3, 4], [2 / 3, 8]]}, rate={"staged": [[0, 0.0], [2 / 3, 0.1]]}
    ),
    "all_at_once": CurriculumConfig(order="all_at_once", n2=8),
    "interleaved": CurriculumConfig(order="interleaved", n2=8),
    "reversed": CurriculumConfig(order="reversed", n2={"staged": [[0, 8], [1 / 3, 4], [2 / 3, 0]]}),
    "adaptive": CurriculumConfig(order="progressive", n2={"adaptive": [0, 10]}, rate={"adaptive": [0.0, 0.3]}),
}
"""Curricula by name. ``progressive`` is the paper's order with distractors that come in thirds of training."""
