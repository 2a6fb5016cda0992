"""Distractor sources by name. AgeMem (arXiv:2601.01885) leaves the source open; here are seven.

==================  =====================================================================================  ==============
name                what it says                                                                           class
==================  =====================================================================================  ==============
``benchmark``       the benchmark's own distractors, e.g. HotpotQA's other paragraphs                      BenchmarkSource
``neighbours``      what lies nearest to the query in a corpus                                             NeighbourSource
``counterfactual``  key facts with an entity exchanged: misleading                                         CounterfactualSource
``stale``           facts that were so once, and are taken back later                                      StaleSource
``chat``            off-topic small talk                                                                   ChatSource
``tool_noise``      logs, errors and empty results                                                         ToolNoiseSource
``llm``             what a chat model writes; needs one: ``ChatModelSource(chooser, chat)``                ChatModelSource
==================  =====================================================================================  ==============

All are seeded, honour a range of similarity to the query, and record the similarity of what they give.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, zip_longest

import numpy as np

from agemem_gym.checks import did_you_mean
from agemem_gym.curriculum.distractors.chatter import ChatSource, ToolNoiseSource
from agemem_gym.curriculum.distractors.false_facts import CounterfactualSource, StaleSource
from agemem_gym.curriculum.distractors.related import BenchmarkSource, NeighbourSource
from agemem_gym.curriculum.distractors.source import (
    Chooser,
    Distractor,
    DistractorScene,
    DistractorSource,
    SimilarityRange,
)
from agemem_gym.curriculum.distractors.written import ChatModelSource
from agemem_gym.errors import ConfigurationError
from agemem_gym.memory.encoder import Encoder

SOURCES: dict[str, Callable[[Chooser], DistractorSource]] = {
    "benchmark": BenchmarkSource,
    "neighbours": NeighbourSource,
    "counterfactual": CounterfactualSource,
    "stale": StaleSource,
    "chat": ChatSource,
    "tool_noise": ToolNoiseSource,
}
"""The sources that can be made from their name alone."""


class MixedSource:
    """Several sources in turn."""

    def __init__(self, sources: Sequence[DistractorSource]) -> None:
        self.name = " + ".join(source.name for source in sources)
        self._sources = tuple(sources)

    def draw(self, scene: DistractorScene, count: int, rng: np.random.Generator) -> list[Distractor]:
        """One of each source, then one of each again."""
        share = -(-count // len(self._sources))
        drawn = [source.draw(scene, share, rng) for source in self._sources]
        mixed = [item for item in chain.from_iterable(zip_longest(*drawn)) if item is not None]
        return mixed[:count]


def make_source(
    spec: str | DistractorSource | Sequence[str | DistractorSource],
    encoder: Encoder,
    similarity: SimilarityRange | None = None,
) -> DistractorSource:
    """The source that a name, a source, or a list of these stands for.

    Args:
        spec: see :data:`SOURCES`; a source that is given as an object keeps its own range.
        encoder: measures similarity to the query.
        similarity: range asked for, or None.

    Raises:
        ConfigurationError: an unknown name, an empty list, or a range that is none.
    """
    chooser = Chooser(encoder, similarity)
    if isinstance(spec, str):
        if spec in SOURCES:
            return SOURCES[spec](chooser)
        needs_model = "; it needs a model: give ChatModelSource(chooser, chat)"
        hint = needs_model if spec == "llm" else did_you_mean(spec, SOURCES)
        raise ConfigurationError(f"unknown distractor source {spec!r}: expected one of {', '.join(SOURCES)}{hint}")
    if isinstance(spec, DistractorSource):
        return spec
    if isinstance(spec, Sequence) and spec:
        return MixedSource([make_source(part, encoder, similarity) for part in spec])
    raise ConfigurationError(f"source={spec!r}: expected a name, a DistractorSource, or a list of these")


__all__ = [
    "SOURCES",
    "BenchmarkSource",
    "ChatModelSource",
    "ChatSource",
    "Chooser",
    "CounterfactualSource",
    "Distractor",
    "DistractorScene",
    "DistractorSource",
    "MixedSource",
    "NeighbourSource",
    "StaleSource",
    "ToolNoiseSource",
    "make_source",
]
