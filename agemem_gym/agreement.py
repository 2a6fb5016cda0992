"""How well a judge agrees with people: what is to be labelled, the labels, and the figures.

::

    episodes ─► items_of ─► a person says right or wrong (`agemem label`) ─► labels ─┐
                        └─► scores_of(judge) ────────────────────────────────────────┴─► agreements ─► `agemem agreement`

An item is an answer ("is it right?") or a fact ("does this memory state it?"). It holds nothing of who wrote it or how it was
scored, so that labels are blind; what is the same in several episodes is asked once.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from agemem_gym.episode import Episode
from agemem_gym.errors import ConfigurationError
from agemem_gym.intervals import Figure
from agemem_gym.reward import Judge

Kind = Literal["answer", "memory"]
KINDS: tuple[Kind, ...] = ("answer", "memory")
RESAMPLES = 1000
_UNDONE = "undone"


@dataclass(frozen=True)
class Item:
    """One thing to be judged.

    Attributes:
        kind: what is asked.
        question: the query of the task.
        expected: the expected answer, or the fact that a memory should state.
        texts: the answer given, or the memory's entries.
    """

    kind: Kind
    question: str
    expected: str
    texts: tuple[str, ...]

    @property
    def key(self) -> str:
        """The same for the same item, in any file and on any day."""
        whole = json.dumps([self.kind, self.question, self.expected, self.texts])
        return hashlib.sha256(whole.encode()).hexdigest()[:16]


def items_of(episodes: Iterable[Episode], kinds: Sequence[Kind] = KINDS) -> list[Item]:
    """What is to be judged in these episodes, each thing once, in an order that tells nothing."""
    found: dict[str, Item] = {}
    for episode in episodes:
        for item in _items(episode):
            if item.kind in kinds:
                found[item.key] = item
    return [found[key] for key in sorted(found)]


def _items(episode: Episode) -> Iterable[Item]:
    start = episode.start
    if start.answer is not None and episode.answer is not None:
        yield Item("answer", start.instruction, start.answer, (episode.answer,))
    entries = tuple(str(record["content"]) for record in episode.final_memory)
    if entries:
        for fact in start.key_facts:
            yield Item("memory", start.instruction, fact, entries)


class LabelFile:
    """Labels by item, one line of JSON each, written at once: a kill loses none, and an undo is a line as well.

    Args:
        path: made with the first label.

    Raises:
        ConfigurationError: the file is there, but holds something else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._given: list[str] = []
        self.labels: dict[str, bool | None] = {}
        for number, line in enumerate(_lines(path), start=1):
            try:
                data = json.loads(line)
                self._take(str(data["key"]), data["label"])
            except (ValueError, KeyError, TypeError) as error:
                raise ConfigurationError(f"{path}, line {number}: no label: {error!r}") from None

    def give(self, item: Item, label: bool | None) -> None:
        """Label an item; ``None`` leaves it out for good."""
        self._write(item.key, label)

    def undo(self) -> str | None:
        """Take the last label back; the key of its item, or None where there is none."""
        if not self._given:
            return None
        key = self._given[-1]
        self._write(key, _UNDONE)
        return key

    def _write(self, key: str, label: bool | str | None) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"key": key, "label": label}) + "\n")
        self._take(key, label)

    def _take(self, key: str, label: bool | str | None) -> None:
        if label == _UNDONE:
            self.labels.pop(key, None)
            self._given.remove(key)
        elif label is None or isinstance(label, bool):
            self.labels[key] = label
            self._given = [*(other for other in self._given if other != key), key]
        else:
            raise ValueError(f"label {label!r}")


def _lines(path: Path) -> list[str]:
    if not path.exists():
        return []
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read {path}: {error}") from None


def scores_of(judge: Judge, items: Sequence[Item]) -> list[float]:
    """What a judge says of each item, in [0, 1]."""
    return [_score(judge, item) for item in items]


def _score(judge: Judge, item: Item) -> float:
    if item.kind == "answer":
        return judge.answer(item.question, item.texts[0], item.expected)
    return float(judge.memory(item.question, "", (item.expected,), item.texts).covered[0])


@dataclass(frozen=True)
class Agreement:
    """How well scores agree with labels.

    Attributes:
        count: of labels.
        accuracy: the share in which a score of at least the threshold goes with the label "right".
        kappa: Cohen's κ of the same: 0 is chance, 1 is perfect.
        correlation: Pearson's, of the scores as they are with the labels.
    """

    count: int
    accuracy: Figure
    kappa: Figure
    correlation: Figure


def agreement(
    labels: Sequence[bool], scores: Sequence[float], groups: Sequence[str], *, threshold: float = 0.5, seed: int = 0
) -> Agreement:
    """Figures with percentile-bootstrap intervals.

    Args:
        labels, scores: of the same items.
        groups: which items belong together (to one task): whole groups are drawn again, for their items are not independent.
        threshold: from which score on the judge says "right".
        seed: of the draws.
    """
    given, said = np.asarray(labels, dtype=float), np.asarray(scores, dtype=float)
    members = [np.flatnonzero(np.asarray(groups) == group) for group in dict.fromkeys(groups)]
    draws = np.random.default_rng(seed).integers(len(members), size=(RESAMPLES, len(members)))
    samples = [np.concatenate([members[member] for member in draw]) for draw in draws]
    decided = (said >= threshold).astype(float)

    def figure(measure: Callable[[Array, Array], float], of: Array) -> Figure:
        values = np.asarray([measure(given[sample], of[sample]) for sample in samples])
        defined = values[~np.isnan(values)]
        known = len(members) > 1 and len(defined) > 0  # drawing one task again and again says nothing
        low, high = np.quantile(defined, (0.025, 0.975)) if known else (math.nan, math.nan)
        return Figure(measure(given, of), float(low), float(high))

    return Agreement(len(given), figure(accuracy, decided), figure(kappa, decided), figure(correlation, said))


Array = NDArray[np.float64]


def accuracy(labels: Array, decided: Array) -> float:
    """The share in which both say the same."""
    return float(np.mean(labels == decided))


def kappa(labels: Array, decided: Array) -> float:
    """Cohen's κ: (observed − expected agreement) / (1 − expected); NaN where both always say one and the same."""
    right, said = float(labels.mean()), float(decided.mean())
    expected = right * said + (1 - right) * (1 - said)
    return (accuracy(labels, decided) - expected) / (1 - expected) if expected < 1 else math.nan


def correlation(labels: Array, scores: Array) -> float:
    """Pearson's correlation; NaN where one side never changes."""
    if np.ptp(labels) == 0 or np.ptp(scores) == 0:
        return math.nan
    return float(np.corrcoef(labels, scores)[0, 1])


def agreements(
    judge: Judge, items: Sequence[Item], labels: Mapping[str, bool | None], *, threshold: float = 0.5
) -> dict[Kind, Agreement]:
    """The agreement of a judge with labels, for each kind that has any."""
    found: dict[Kind, Agreement] = {}
    for kind in KINDS:
        labelled = [item for item in items if item.kind == kind and labels.get(item.key) is not None]
        if labelled:
            given = [bool(labels[item.key]) for item in labelled]
            groups = [item.question for item in labelled]
            found[kind] = agreement(given, scores_of(judge, labelled), groups, threshold=threshold)
    return found
