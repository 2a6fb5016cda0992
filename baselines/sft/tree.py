"""Sequences as one prefix tree: what all of them begin with, the system message above all, is read once a step.

The layout and the attention are those of GRPO (:mod:`agemem_gym.baselines.grpo.trie`); the loss is that of the sequences one by
one (``tests/baselines/test_sft.py`` compares the gradients).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from agemem_gym.baselines.grpo.config import GRPOConfig
from agemem_gym.baselines.grpo.rows import StepRow
from agemem_gym.baselines.grpo.trie import packs_of, shared_prefix
from agemem_gym.baselines.sft.segments import Segment

if TYPE_CHECKING:
    import torch

_ALL = 2**40  # tokens: one tree, whatever its size


def loss_in_tree(model: Any, segments: Sequence[Segment]) -> tuple[torch.Tensor, torch.Tensor]:
    """Sum of weighted losses of the replies' tokens, and sum of weights."""
    import torch

    from agemem_gym.baselines.grpo.scoring import scores_of

    rows = [StepRow(segment.ids[:1], segment.ids[1:], [0.0] * (len(segment.ids) - 1), 0.0) for segment in segments]
    (pack,) = packs_of(rows, GRPOConfig(micro_tokens=_ALL))
    weights = np.concatenate([segments[place].weights[1:] for place in pack.rows])
    learned = weights > 0
    pack = replace(pack, targets=pack.targets[learned], sources=pack.sources[learned])
    wanted = torch.from_numpy(weights[learned]).float()
    logprobs = scores_of(model, pack, entropy=False).logprobs
    wanted = wanted.to(logprobs.device)
    return -(logprobs * wanted).sum(), wanted.sum()


def tree_batches(segments: Iterable[Segment], most: int) -> Iterator[list[Segment]]:
    """As many sequences together, in their order, as a tree of `most` tokens holds (a longer one is one of its own)."""
    batch: list[Segment] = []
    tokens = 0
    for segment in segments:
        new = _beyond(batch, segment)
        if batch and tokens + new > most:
            yield batch
            batch, tokens, new = [], 0, len(segment.ids)
        batch.append(segment)
        tokens += new
    if batch:
        yield batch


def _beyond(batch: Sequence[Segment], segment: Segment) -> int:
    """Tokens of a sequence beyond what it begins with in common with one before it."""
    ids = np.asarray(segment.ids)
    return len(ids) - max((shared_prefix(np.asarray(other.ids), ids) for other in batch), default=0)
