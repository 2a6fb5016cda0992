"""Attention in a tree of tokens: each node sees the path from the root to itself, at the position of its depth.

The nodes go through the model as one sequence. Every layer but attention works token by token, so the model needs no change but
:func:`trie_attention` in place of its own, which ``transformers`` finds by name. It goes stretch by stretch over the keys and
values of that stretch's path; a mask over all nodes would pay for every pair that it hides.

Only queries, keys and values are kept for the backward pass: paths are gathered anew there, one at a time, because together
they take as much room as all rows would by themselves.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AttentionInterface

from agemem_gym.baselines.grpo.trie import Pack
from agemem_gym.chat.local.attention import attend

NAME = "agemem_trie"
"""What this attention is called among those of ``transformers``."""


@dataclass(frozen=True, eq=False)
class _Sight:
    """A stretch's nodes, what they can see, and which of it each one does."""

    start: int
    end: int
    seen: torch.Tensor
    mask: torch.Tensor | None


@dataclass(frozen=True)
class _Scores:
    """How a model scores a key."""

    scaling: float | None
    softcap: float | None


class Branches:
    """The tree of a pack as attention needs to know it; masks are made once for all layers.

    Attributes:
        asked: in how many layers it was attended by; a layer that does something else would mix branches.
    """

    def __init__(self, pack: Pack, device: torch.device) -> None:
        self.asked = 0
        self._pack = pack
        self._device = device
        self._sights: dict[int | None, list[_Sight]] = {}

    def sights(self, window: int | None) -> list[_Sight]:
        """What each stretch sees under a sliding window, or without one."""
        if window not in self._sights:
            self._sights[window] = [self._sight(number, window) for number in range(len(self._pack.stretches))]
        return self._sights[window]

    def _sight(self, number: int, window: int | None) -> _Sight:
        stretch = self._pack.stretches[number]
        length = len(stretch.path)
        new = torch.arange(length - stretch.count, length, device=self._device)
        first = 0 if window is None else max(0, length - stretch.count + 1 - window)
        held = torch.arange(first, length, device=self._device)
        mask = held <= new[:, None]
        if window is not None:
            mask &= held > new[:, None] - window
        seen = torch.from_numpy(stretch.path[first:]).to(self._device)
        return _Sight(stretch.start, stretch.start + stretch.count, seen, None if stretch.count == 1 else mask)


class _PathAttention(torch.autograd.Function):
    """Attention along paths, ``(1, heads, nodes, width)``; its backward pass goes over the stretches once more."""

    @staticmethod
    def forward(
        ctx: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, sights: list[_Sight], scores: _Scores
    ) -> torch.Tensor:
        ctx.save_for_backward(query, key, value)
        ctx.sights, ctx.scores = sights, scores
        found = [
            _along(query[:, :, s.start : s.end], key[:, :, s.seen], value[:, :, s.seen], s, scores) for s in sights
        ]
        return torch.cat(found, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[Any, ...]:
        held = ctx.saved_tensors
        to_query, to_key, to_value = (torch.zeros_like(tensor) for tensor in held)
        for sight in ctx.sights:
            own = slice(sight.start, sight.end)
            with torch.enable_grad():
                parts = (held[0][:, :, own], held[1][:, :, sight.seen], held[2][:, :, sight.seen])
                query, key, value = (part.detach().requires_grad_() for part in parts)
                found = _along(query, key, value, sight, ctx.scores)
            by = torch.autograd.grad(found, (query, key, value), gradients[0][:, :, own])
            to_query[:, :, own] = by[0]
            to_key.index_add_(2, sight.seen, by[1])
            to_value.index_add_(2, sight.seen, by[2])
        return to_query, to_key, to_value, None, None


def _along(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, sight: _Sight, scores: _Scores) -> torch.Tensor:
    return attend(query, key, value, sight.mask, scores.scaling, scores.softcap)


def trie_attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    branches: Branches,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: torch.Tensor | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Attention as ``transformers`` calls it; `query`, `key`, `value` are ``(1, heads, nodes, width)``."""
    if s_aux is not None:
        raise NotImplementedError("attention sinks")
    branches.asked += 1
    if torch.is_autocast_enabled(query.device.type):  # the backward pass attends once more, without autocasting
        dtype = torch.get_autocast_dtype(query.device.type)
        query, key, value = query.to(dtype), key.to(dtype), value.to(dtype)
    found = _PathAttention.apply(query, key, value, branches.sights(sliding_window), _Scores(scaling, softcap))
    return found.transpose(1, 2), None


AttentionInterface.register(NAME, trie_attention)


@contextlib.contextmanager
def through_branches(model: Any) -> Iterator[None]:
    """Let a model attend in a tree meanwhile."""
    before = model.config._attn_implementation
    model.config._attn_implementation = NAME
    try:
        yield
    finally:
        model.config._attn_implementation = before
