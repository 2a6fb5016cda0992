"""Which variation an episode plays: what the keywords leave, in its official order, and the seed's or the option's pick."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agemem_gym.checks import at_least, chosen_index
from agemem_gym.envs.scienceworld.labels import Label, read_labels
from agemem_gym.envs.scienceworld.settings import choose_tasks
from agemem_gym.envs.scienceworld.variations import (
    COUNTS,
    MEMORY_TASKS,
    Variation,
    agentboard_choice,
    in_order,
    memory_choice,
    round_robin,
    split_of,
)
from agemem_gym.errors import ConfigurationError


class Choice:
    """The variations that the keywords of a task leave.

    Args:
        names: the tasks.
        split: the split, under the engine's name.
        protocol: ``"full"`` or ``"agentboard"``.
        simplifications: some of them leave no electrical tasks.
        variation: only this one of each task.
        labels: AgentBoard's label file.
        memory: memory tasks only.

    Raises:
        ConfigurationError: a task has no such variation.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        split: str,
        protocol: str,
        simplifications: tuple[str, ...],
        *,
        variation: int | None = None,
        labels: Path | None = None,
        memory: bool = False,
    ) -> None:
        self._names, self._split, self._protocol = names, split, protocol
        self._simplifications = simplifications
        self._variation = variation
        self._labels_file = labels
        self._labels: dict[Variation, Label] = {}
        self.memory = memory
        if variation is not None:
            for name in names:
                _check_variation(name, variation)

    def all(self) -> tuple[Variation, ...]:
        """The split in its official order."""
        if self._variation is not None:
            return tuple(Variation(name, self._variation) for name in self._names)
        if self._labels_file is not None:
            return tuple(variation for variation in self._read_labels() if variation.task in self._names)
        if self._protocol == "agentboard":
            return agentboard_choice(self._names)
        return self.able() if self.memory else in_order(self._names, self._split)

    def able(self) -> tuple[Variation, ...]:
        """Those of the split that can be memory tasks."""
        return memory_choice(tuple(name for name in MEMORY_TASKS if name in self._names), self._split)

    def choose(self, seed: int, options: Mapping[str, Any]) -> Variation:
        """The variation of an episode.

        Raises:
            ConfigurationError: the options name none, or none that can be played.
        """
        named = "task_name" in options or "variation" in options
        if named and "task_index" in options:
            raise ConfigurationError("options: give either task_index, or task_name and variation")
        index = chosen_index(options, len(self.all()))
        if index is not None:
            return self.all()[index]
        walk = round_robin(self.all())
        chosen = walk[seed % len(walk)]
        if not named:
            return self._playable(chosen)
        (name,) = choose_tasks(
            str(options.get("task_name", chosen.task)), self._simplifications, "options['task_name']"
        )
        number = options.get("variation", chosen.number if name == chosen.task else self._first(name))
        _check_variation(name, number)
        return self._playable(Variation(name, int(number)))

    def label(self, chosen: Variation) -> Label | None:
        """AgentBoard's label of a variation."""
        return self._read_labels().get(chosen)

    def _first(self, name: str) -> int:
        return next((v.number for v in self.all() if v.task == name), 0) if self.memory else 0

    def _playable(self, wanted: Variation) -> Variation:
        if self.memory and wanted not in memory_choice(MEMORY_TASKS, split_of(wanted)):
            raise ConfigurationError(
                f"{wanted.task} {wanted.number} is no memory task; leave out task_names='memory' to play it"
            )
        return wanted

    def _read_labels(self) -> dict[Variation, Label]:
        if self._labels_file is not None and not self._labels:
            self._labels = read_labels(self._labels_file)
        return self._labels


def _check_variation(name: str, number: Any) -> None:
    last = sum(COUNTS[name]) - 1
    if at_least("variation", number, 0) > last:
        raise ConfigurationError(f"variation={number!r}: task {name!r} has the variations 0 to {last}")
