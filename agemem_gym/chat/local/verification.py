"""Whether a model may play through slots: tried once, because a wrong distribution looks like any other.

A few tokens are read and written through slots, in rows of different lengths, one of them cropped and read on; the
log-probabilities have to be those of a plain forward pass. A recurrent model, whose layers share more across tokens than
attention, is found out.
"""

from __future__ import annotations

from typing import Any

import torch

from agemem_gym.chat.local.engine import Request, Sampled, SlotEngine
from agemem_gym.errors import ConfigurationError

_TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-3}
_COARSE = 0.5  # of half precision, whose kernels round differently
_LONGEST = 24


def check_engine(model: Any, name: str) -> None:
    """Refuse a model that says something else through slots than by itself.

    Raises:
        ConfigurationError: it does.
    """
    try:
        off = largest_difference(model)
    except (NotImplementedError, AttributeError, TypeError, LookupError, RuntimeError) as error:
        raise ConfigurationError(f"{name}: this kind of model cannot play through slots ({error!r:.200})") from error
    if not off <= _TOLERANCE.get(model.dtype, _COARSE):
        raise ConfigurationError(
            f"{name}: through slots its log-probabilities are off by {off:.3g}: this kind of model shares more across its "
            "tokens than slots keep (a recurrent one, say); serve it behind an endpoint"
        )


def largest_difference(model: Any) -> float:
    """How far log-probabilities through slots are from those of a plain forward pass, on a few tokens."""
    size = model.config.get_text_config().vocab_size
    words = torch.randint(size, (2 * _LONGEST,), generator=torch.Generator().manual_seed(0)).tolist()
    engine = SlotEngine(model, slots=2)
    first = [Request(words[:9], forced=tuple(words[9:14])), Request(words[3:_LONGEST], forced=tuple(words[:3]))]
    again = [Request([*words[:7], *words[30:36]], forced=tuple(words[36:40]))]
    off = 0.0
    for requests in (first, again):
        for request, sampled in zip(requests, engine.run(requests), strict=True):
            off = max(off, _difference(model, request, sampled))
    return off


def _difference(model: Any, request: Request, sampled: Sampled) -> float:
    ids = torch.tensor([[*request.prompt, *sampled.ids]], device=model.device)
    with torch.inference_mode():
        logprobs = model(input_ids=ids, use_cache=False).logits[0].float().log_softmax(-1)
    first = len(request.prompt) - 1
    plain = logprobs[first:-1].gather(1, ids[0, first + 1 :, None])[:, 0]
    return float((plain.cpu() - torch.tensor(sampled.logprobs)).abs().max())
