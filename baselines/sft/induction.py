"""Weights that can copy before they have learned anything: an induction head, written down.

What a small model cannot learn in minutes is to copy names that it has never seen. The circuit that does it is known (Olsson et
al. 2022, arXiv:2209.11895), and a Llama's weights can be set to it::

    layer 0, heads 0 and 1   look one and two tokens back, by position alone, and note what stands there
    layer 0, head 2          looks at some ten tokens before, and notes their mean: what it is about here
    layer 1, head 0          looks for where the same two tokens stood among the like before: what came next is to come now
    layer 1, head 1          the same by one token
    output layer             says what such a head has found; later layers have heads that may say what they look at

The mean is needed where a name stands twice in what is copied: its last tokens do not tell which of the two goes on.

Each token has a code of ``head_dim`` signs. The residual stream has room for four: the token's own, that of the one before it,
half of the one before that with half of the mean, and what is to be said. Everything else is small and random, and all of it
is trained.

    hidden  0 … d-1   d … 2d-1   2d … 3d-1           3d … 4d-1       (d = head_dim = hidden / 4)
            token     before     before that | mean  to be said
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from agemem_gym.errors import ConfigurationError

if TYPE_CHECKING:
    import torch

THETA = 1e10
"""Base of the rotations: most of them turn so slowly that a match is one at any distance."""

_TURNING = 10  # rotations that tell neighbours apart
_SHARPNESS = 105.0  # of looking back, in squared amplitude of a rotation
_STILL = 2e-3  # radians a token: no rotation to speak of within a window
_MATCH = 8.0  # squared weight of a sign that is matched
_ALIKE = 2.5  # the same of the mean
_ABOUT = range(3, 9)  # rotations that tell what is near
_NEARNESS = 20.0  # of the mean's tokens, in squared amplitude of a rotation
_MIDDLE = 8  # tokens back: the middle of the mean
_SAID = 0.2  # weight of a sign in the output layer
_FLAGS = 4  # signs of a code that tell a token with a space before it from one without


def induce(model: Any, twins: Sequence[int], seed: int = 0) -> None:
    """Write the circuit into the weights of a Llama.

    Args:
        model: a ``LlamaForCausalLM`` with biases of attention, an output layer of its own, two layers or more, and a hidden
            size of four times its ``head_dim``.
        twins: for each token the one that says the same without a space before it, or itself: both have one code.
        seed: of the codes.

    Raises:
        ConfigurationError: the model has no room for it.
    """
    import torch

    config = model.config
    width = config.head_dim
    fits = (
        config.hidden_size == 4 * width
        and width >= 32
        and config.num_hidden_layers >= 2
        and config.num_attention_heads >= 3
    )
    if not (fits and config.num_key_value_heads == config.num_attention_heads and config.attention_bias):
        raise ConfigurationError(
            "an induction head needs hidden = 4 x head_dim, head_dim >= 32, two layers, three heads and biases"
        )
    if config.tie_word_embeddings:
        raise ConfigurationError("an induction head needs an output layer of its own: tie_word_embeddings=False")
    codes = _codes(twins, width, seed)
    with torch.no_grad():
        model.model.embed_tokens.weight[:, :width] = codes
        model.lm_head.weight[:, 3 * width :] = codes * _SAID
        first, second, *later = [layer.self_attn for layer in model.model.layers]
        turning = range(min(_TURNING, width // 2))
        half = width // 2
        _look_back(first, 0, 1, width, turning, _SHARPNESS)
        _carry(first, 0, room=1, width=width, scale=0.5)  # 0.5: the norm has doubled the codes
        _look_back(first, 1, 2, width, turning, _SHARPNESS)
        _carry(first, 1, room=2, width=width, scale=0.5, signs=half)
        _look_back(first, 2, _MIDDLE, width, _ABOUT, _NEARNESS)
        _carry(first, 2, room=2, width=width, scale=2.0, signs=half, at=half)
        token, before, second_before, mean = 0, width, 2 * width, 2 * width + half
        still = _still(config)
        quarter = len(still) // 4
        alike = (mean, mean, still[2 * quarter :], _ALIKE)
        _match(
            second,
            0,
            [
                (token, before, still[:quarter], _MATCH),
                (before, second_before, still[quarter : 2 * quarter], _MATCH),
                alike,
            ],
            width,
        )
        _match(second, 1, [(token, before, still[: 2 * quarter], _MATCH), alike], width)
        for head in (0, 1):
            _carry(second, head, room=3, width=width, scale=0.6)
        for attention in later:
            for head in range(config.num_attention_heads // 2):
                _carry(attention, head, room=3, width=width, scale=0.5)


def _codes(twins: Sequence[int], width: int, seed: int) -> torch.Tensor:
    """A row of signs for each token; the last few say whether there is a space before it."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    signs = torch.randint(0, 2, (len(twins), width), generator=generator).float() * 2 - 1
    codes = signs[torch.tensor(twins)]
    spaced = torch.tensor([token != twin for token, twin in enumerate(twins)])
    codes[:, -_FLAGS:] = torch.where(spaced[:, None], 1.0, -1.0)
    return codes


def _frequencies(config: Any) -> list[float]:
    theta = config.rope_parameters["rope_theta"]
    return [theta ** (-2 * pair / config.head_dim) for pair in range(config.head_dim // 2)]


def _still(config: Any) -> list[int]:
    """The dimensions of a head that hardly turn; a pair's two stand together."""
    pairs = [pair for pair, turn in enumerate(_frequencies(config)) if turn < _STILL]
    return [place for pair in pairs for place in (pair, pair + config.head_dim // 2)]


def _look_back(attention: Any, head: int, back: int, width: int, pairs: range, sharpness: float) -> None:
    """A head that looks at the token so many places back, whatever it is; slow rotations alone see those around it, too."""
    import torch

    first = head * width
    rows = slice(first, first + width)
    turns = torch.tensor(_frequencies(attention.config)[pairs.start : pairs.stop])
    amplitude = sharpness**0.5
    for layer in (attention.q_proj, attention.k_proj):
        layer.weight[rows] = 0.0
        layer.bias[rows] = 0.0
    query, key = attention.q_proj.bias, attention.k_proj.bias
    begin, end = first + pairs.start, first + pairs.stop
    query[begin:end] = amplitude * torch.cos(turns * back)
    query[begin + width // 2 : end + width // 2] = -amplitude * torch.sin(turns * back)
    key[begin:end] = amplitude


def _match(attention: Any, head: int, pairs: Sequence[tuple[int, int, Sequence[int], float]], width: int) -> None:
    """A head that looks where signs are those of here: each pair says where to read here and there, in which dimensions of the
    head to compare, and how much it counts.
    """
    rows = slice(head * width, (head + 1) * width)
    for layer in (attention.q_proj, attention.k_proj):
        layer.weight[rows] = 0.0
        layer.bias[rows] = 0.0
    for here, there, places, counts in pairs:
        for sign, place in enumerate(places):
            attention.q_proj.weight[head * width + place, here + sign] = counts**0.5
            attention.k_proj.weight[head * width + place, there + sign] = counts**0.5


def _carry(
    attention: Any, head: int, *, room: int, width: int, scale: float, signs: int | None = None, at: int = 0
) -> None:
    """The code that a head finds where it looks, or its first signs, it writes into a room here, from a place in it on."""
    import torch

    signs = width if signs is None else signs
    rows = slice(head * width, (head + 1) * width)
    attention.v_proj.weight[rows] = 0.0
    attention.v_proj.bias[rows] = 0.0
    attention.v_proj.weight[rows, :width] = torch.eye(width)
    attention.o_proj.weight[:, rows] = 0.0
    into = slice(room * width + at, room * width + at + signs)
    attention.o_proj.weight[into, head * width : head * width + signs] = scale * torch.eye(signs)
