"""The log-probabilities of replies by a model, with gradients: a pack in, a number a sampled token out.

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

from agemem_gym.baselines.grpo.attention import Branches, through_branches
from agemem_gym.baselines.grpo.config import GRPOConfig
from agemem_gym.baselines.grpo.rows import StepRow
from agemem_gym.baselines.grpo.trie import Pack, packs_of
from agemem_gym.errors import ConfigurationError

_TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-3}
_COARSE = 0.5  # of half precision, whose kernels round differently


@dataclass(frozen=True)
class Scores:
    """Of each sampled token of a pack, in the order of its targets.

    Attributes:
        logprobs: of the token.
        entropies: of the distribution that it was drawn from.
    """

    logprobs: torch.Tensor
    entropies: torch.Tensor


def scores_of(model: Any, pack: Pack, temperature: float = 1.0, *, entropy: bool = True) -> Scores:
    """What a model says of a pack's replies, without dropout.

    Args:
        model: a causal language model of ``transformers``, or one of peft.
        pack: rows.
        temperature: of the distribution.
        entropy: let gradients flow through entropies, too.

    Raises:
        ConfigurationError: the model has layers that would mix branches.
    """
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    device = base.device
    wanted, of = np.unique(pack.sources, return_inverse=True)
    inputs: dict[str, Any] = {
        "input_ids": torch.from_numpy(pack.ids)[None].to(device),
        "logits_to_keep": torch.from_numpy(wanted).to(device),
        "use_cache": False,
    }
    with _without_dropout(model):
        run = _through_trie if pack.branched else _through
        logits = run(base, pack, inputs) / temperature  # (sources, words)
    places = torch.from_numpy(of).to(device)  # several replies may go on from one source
    logprobs = logits.log_softmax(-1, torch.promote_types(logits.dtype, torch.float32))
    chosen = logprobs[places, torch.from_numpy(pack.ids[pack.targets]).to(device)]
    with contextlib.nullcontext() if entropy else torch.no_grad():
        entropies = -(logprobs.exp() * logprobs).sum(-1)[places]
    return Scores(chosen, entropies)


def _through(base: Any, pack: Pack, inputs: dict[str, Any]) -> torch.Tensor:
    return base(**inputs).logits[0]


def _through_trie(base: Any, pack: Pack, inputs: dict[str, Any]) -> torch.Tensor:
    branches = Branches(pack, base.device)
    with through_branches(base):
        positions = torch.from_numpy(pack.depths)[None].to(base.device)
        logits = base(**inputs, position_ids=positions, branches=branches).logits[0]
    layers = base.config.get_text_config().num_hidden_layers
    if branches.asked != layers:
        raise ConfigurationError(
            f"{type(base).__name__}: only {branches.asked} of its {layers} layers attend in a trie: this kind of model shares "
            "more across its tokens than attention (a recurrent one, say); choose layout='segments' or 'rows'"
        )
    return logits


def logprobs_of(model: Any, rows: Sequence[StepRow], config: GRPOConfig) -> list[tuple[float, ...]]:
    """The log-probabilities of each row's reply, without gradients: a reference's, or the policy's of now."""
    found: list[tuple[float, ...]] = [()] * len(rows)
    with torch.no_grad():
        for pack in packs_of(rows, config):
            values = scores_of(model, pack, config.temperature).logprobs
            parts = values.split([len(rows[place].reply) for place in pack.rows])
            for place, part in zip(pack.rows, parts, strict=True):
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
