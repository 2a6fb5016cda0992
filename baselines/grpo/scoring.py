"""The log-probabilities of replies by a model, with gradients: a pack in, block by block, a number a sampled token out.

A pack that is a plain sequence goes through the model as it is, with the model's own attention; that is what the tree is
compared with (:func:`check_trie`, and ``tests/baselines/grpo``). Only sampled tokens go through the output layer.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from agemem_gym.baselines.grpo.attention import Branches, Trunk, through_branches
from agemem_gym.baselines.grpo.blocks import Block, alive, blocks_of
from agemem_gym.baselines.grpo.config import GRPOConfig
from agemem_gym.baselines.grpo.logprobs import of_draws
from agemem_gym.baselines.grpo.rows import StepRow
from agemem_gym.baselines.grpo.trie import Pack, packs_of
from agemem_gym.errors import ConfigurationError

_TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-3}
_COARSE = 0.5  # of half precision, whose kernels round differently


@dataclass(frozen=True)
class Scores:
    """Of the sampled tokens of a pack or block, in the order of its targets.

    Attributes:
        logprobs: of the token.
        entropies: of the distribution that it was drawn from.
    """

    logprobs: torch.Tensor
    entropies: torch.Tensor


def scores_of(model: Any, pack: Pack, temperature: float = 1.0, *, entropy: bool = True) -> Scores:
    """What a model says of a pack's replies, all of it read at once; see :meth:`Reader.read`."""
    reader = Reader(model, pack, len(pack), temperature, entropy=entropy)
    (block,) = reader.blocks()
    return reader.read(block)


class Reader:
    """A pack's way through a model, without dropout.

    Args:
        model: a causal language model of ``transformers``, or one of peft.
        pack: rows.
        least: see :func:`~agemem_gym.baselines.grpo.blocks.alive`.
        temperature: of the distribution.
        entropy: let gradients flow through entropies, too.
    """

    def __init__(self, model: Any, pack: Pack, least: int, temperature: float = 1.0, *, entropy: bool = True) -> None:
        self._model = model
        self._base = model.get_base_model() if hasattr(model, "get_base_model") else model
        self._pack, self._least = pack, least
        self._temperature, self._entropy = temperature, entropy
        self._trunk = Trunk(alive(pack, least))

    def blocks(self) -> Iterator[Block]:
        """What is to be read, in this order."""
        return blocks_of(self._pack, self._least)

    def read(self, block: Block) -> Scores:
        """What the model says of the targets of a block.

        A gradient that goes back through them is whole only after those of all blocks that go on from this one.

        Raises:
            ConfigurationError: the model has layers that would mix branches.
        """
        pack, device = self._pack, self._base.device
        sources, of = np.unique(pack.sources[block.targets], return_inverse=True)
        inputs: dict[str, Any] = {
            "input_ids": torch.from_numpy(pack.ids[block.start : block.end])[None].to(device),
            "logits_to_keep": torch.from_numpy(sources - block.start).to(device),
            "use_cache": False,
        }
        with _without_dropout(self._model):
            run = self._through_trie if pack.branched else self._through
            logits = run(block, inputs)  # (sources, words)
        words = torch.from_numpy(pack.ids[pack.targets[block.targets]]).to(device)
        places = torch.from_numpy(of).to(device)  # several replies may go on from one source
        logprobs, entropies = of_draws(logits, self._temperature, places, words)
        return Scores(logprobs, entropies if self._entropy else entropies.detach())

    def _through(self, block: Block, inputs: dict[str, Any]) -> torch.Tensor:
        logits: torch.Tensor = self._base(**inputs).logits[0]
        return logits

    def _through_trie(self, block: Block, inputs: dict[str, Any]) -> torch.Tensor:
        base = self._base
        branches = Branches(block, self._trunk, base.device)
        positions = torch.from_numpy(self._pack.depths[block.start : block.end])[None].to(base.device)
        with through_branches(base):
            logits: torch.Tensor = base(**inputs, position_ids=positions, branches=branches).logits[0]
        layers = base.config.get_text_config().num_hidden_layers
        if branches.asked != layers:
            raise ConfigurationError(
                f"{type(base).__name__}: only {branches.asked} of its {layers} layers attend in a trie: this kind of model "
                "shares more across its tokens than attention (a recurrent one, say); choose layout='segments' or 'rows'"
            )
        return logits


def logprobs_of(model: Any, rows: Sequence[StepRow], config: GRPOConfig) -> list[tuple[float, ...]]:
    """The log-probabilities of each row's reply, without gradients: a reference's, or the policy's of now."""
    found: list[tuple[float, ...]] = [()] * len(rows)
    with torch.no_grad():
        for pack in packs_of(rows, config):
            reader = Reader(model, pack, config.live_tokens, config.temperature)
            values = np.zeros(len(pack.targets))
            for block in reader.blocks():
                values[block.targets] = reader.read(block).logprobs.cpu().numpy()
            ends = np.cumsum([len(rows[place].reply) for place in pack.rows])
            for place, part in zip(pack.rows, np.split(values, ends[:-1]), strict=True):
                found[place] = tuple(part.tolist())
    return found


def with_reference(model: Any, rows: Sequence[StepRow], config: GRPOConfig) -> list[StepRow]:
    """The rows with a reference's log-probabilities."""
    found = logprobs_of(model, rows, config)
    return [replace(row, reference=values) for row, values in zip(rows, found, strict=True)]


def check_trie(model: Any, name: str) -> None:
    """Refuse a model that says something else of a tree than of its rows: tried on a few tokens, because a wrong gradient
    looks like any other.

    Raises:
        ConfigurationError: it does.
    """
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    try:
        off = _largest_difference(model, base.config.get_text_config().vocab_size)
    except (NotImplementedError, AttributeError, TypeError, LookupError, RuntimeError) as error:
        raise ConfigurationError(f"{name}: this kind of model cannot go through a trie ({error!r:.200})") from error
    if not off <= _TOLERANCE.get(base.dtype, _COARSE):
        raise ConfigurationError(
            f"{name}: in a trie its log-probabilities are off by {off:.3g}: this kind of model shares more across its tokens "
            "than attention (a recurrent one, say); choose layout='segments' or 'rows'"
        )


def _largest_difference(model: Any, size: int) -> float:
    words = torch.randint(size, (40,), generator=torch.Generator().manual_seed(0)).numpy()
    cuts = ((9, 14), (16, 20), (9, 12))
    rows = [StepRow(words[:start], words[start:end], [0.0] * (end - start), 0.0) for start, end in cuts]
    rows.append(StepRow(words[:7], words[20:32], [0.0] * 12, 0.0))
    trie, alone = (logprobs_of(model, rows, GRPOConfig(layout=layout)) for layout in ("trie", "rows"))
    return max(float(np.abs(np.subtract(a, b)).max()) for a, b in zip(trie, alone, strict=True))


@contextlib.contextmanager
def _without_dropout(model: Any) -> Iterator[None]:
    """The policy that sampled had none, and the ratio is of the same policy."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)
