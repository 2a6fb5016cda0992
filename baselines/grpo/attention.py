"""Attention in a tree of tokens: each node sees the path from the root to itself, at the position of its depth.

The nodes of a block go through the model as one sequence. Every layer but attention works token by token, so the model needs
no change but :func:`trie_attention` in place of its own, which ``transformers`` finds by name. It goes chain by chain over the
keys and values of that chain's path; a mask over all nodes would pay for every pair that it hides.

Keys and values of what is open lie in one :class:`Trunk`, each at its place, and beside them the gradients that reach them from
all that sees them. Paths are gathered anew for the backward pass, one at a time, because together they take as much room as
all rows would by themselves.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AttentionInterface

from agemem_gym.baselines.grpo.blocks import Block
from agemem_gym.baselines.grpo.trie import Nodes, Stretch
from agemem_gym.chat.local.attention import attend

NAME = "agemem_trie"
"""What this attention is called among those of ``transformers``."""

_TOGETHER = 256  # tokens of a chain that attend at once: they also pay for what the first of them may not see


class Trunk:
    """Keys and values of the open blocks in each layer, ``(1, heads, places, width)``, and the gradients that reach them.

    Args:
        room: how many places there are.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._layers: list[_Held] = []
        self._masks: dict[tuple[int | None, torch.dtype], torch.Tensor] = {}

    def layer(self, number: int, key: torch.Tensor, value: torch.Tensor) -> _Held:
        """Those of a layer, which has keys and values like these."""
        if number == len(self._layers):
            self._layers.append(_Held(self._fresh(key), self._fresh(value)))
        return self._layers[number]

    def mask(self, new: int, before: int, window: int | None, like: torch.Tensor) -> torch.Tensor:
        """Which of so many places before them, and of themselves, `new` tokens see, ``(new, before + new)``: a number that is
        added to scores, or a truth, of the type of `like` and on its device.

        What a token sees depends on how far behind it a place is, so that all masks are parts of one.
        """
        if (window, like.dtype) not in self._masks:
            own = torch.arange(_TOGETHER, device=like.device)[:, None]
            places = torch.arange(-self._room, _TOGETHER, device=like.device)
            mask = places <= own
            if window is not None:
                mask &= places > own - window
            if like.dtype != torch.bool:
                mask = torch.zeros_like(mask, dtype=like.dtype).masked_fill_(~mask, float("-inf"))
            self._masks[window, like.dtype] = mask
        part = self._masks[window, like.dtype][:new, self._room - before : self._room + new]
        return part if like.device.type == "cpu" else part.contiguous()  # a GPU's kernels want them aligned

    def _fresh(self, like: torch.Tensor) -> torch.Tensor:
        return like.new_empty((1, like.shape[1], self._room, like.shape[3]))


@dataclass(eq=False)
class _Held:
    """Keys and values of a layer; their gradients are 0 where nothing is open."""

    keys: torch.Tensor
    values: torch.Tensor
    gradients: tuple[torch.Tensor, torch.Tensor] | None = None

    def with_gradients(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Gradients of keys and of values, in single precision at least: many small ones are added up."""
        if self.gradients is None:
            dtype = torch.promote_types(self.keys.dtype, torch.float32)
            self.gradients = torch.zeros_like(self.keys, dtype=dtype), torch.zeros_like(self.values, dtype=dtype)
        return self.gradients


@dataclass(frozen=True, eq=False)
class _Sight:
    """Nodes of a block, ``start`` to ``end`` of its own; the places that they can see, and which of these each one does."""

    start: int
    end: int
    seen: torch.Tensor | slice
    mask: torch.Tensor | None


@dataclass(frozen=True)
class _Scores:
    """How a model scores a key."""

    scaling: float | None
    softcap: float | None


class Branches:
    """A block of a tree as attention needs to know it; masks are made once for all layers.

    Args:
        block: what is read.
        trunk: keys and values of what is open.
        device: of the model.

    Attributes:
        asked: in how many layers it was attended by; a layer that does something else would mix branches.
        places: where the block stands in the trunk.
    """

    def __init__(self, block: Block, trunk: Trunk, device: torch.device) -> None:
        self.asked = 0
        self.places = block.places
        self.trunk = trunk
        self._chains = block.chains
        self._device = device
        self._sights: dict[int | None, list[_Sight]] = {}

    def sights(self, window: int | None, like: torch.Tensor) -> list[_Sight]:
        """What is seen under a sliding window, or without one; masks are like a tensor."""
        if window not in self._sights:
            self._sights[window] = [sight for chain in self._chains for sight in self._of_chain(chain, window, like)]
        return self._sights[window]

    def _of_chain(self, chain: Stretch, window: int | None, like: torch.Tensor) -> Iterator[_Sight]:
        before, own = len(chain.path) - chain.count, chain.start - self.places.start
        for done in range(0, chain.count, _TOGETHER):
            start, end = before + done, before + min(done + _TOGETHER, chain.count)
            first = 0 if window is None else max(0, start + 1 - window)
            alone = end - start == 1  # what it cannot see is left out
            mask = None if alone else self.trunk.mask(end - start, start - first, window, like)
            yield _Sight(own + done, own + end - before, self._seen(chain.path[first:end]), mask)

    def _seen(self, path: Nodes) -> torch.Tensor | slice:
        """Places as a slice where they stand behind one another, so that nothing is copied."""
        first, last = int(path[0]), int(path[-1])
        if last - first + 1 == len(path):  # they only ever rise
            return slice(first, last + 1)
        return torch.from_numpy(path).to(self._device)


class _PathAttention(torch.autograd.Function):
    """Attention along paths, ``(1, heads, nodes, width)``; its backward pass goes over the chains once more."""

    @staticmethod
    def forward(
        ctx: Any,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        sights: list[_Sight],
        scores: _Scores,
        held: _Held,
        places: slice,
    ) -> torch.Tensor:
        held.keys[:, :, places], held.values[:, :, places] = key, value
        ctx.save_for_backward(query)
        ctx.sights, ctx.scores, ctx.held, ctx.places = sights, scores, held, places
        found = torch.empty((*query.shape[:3], value.shape[3]), dtype=query.dtype, device=query.device)
        for s in sights:
            seen = held.keys[:, :, s.seen], held.values[:, :, s.seen]
            found[:, :, s.start : s.end] = _along(query[:, :, s.start : s.end], *seen, s, scores)
        return found

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[Any, ...]:
        (query,) = ctx.saved_tensors
        held, places = ctx.held, ctx.places
        sums = held.with_gradients()
        to_query = torch.empty_like(query)
        for sight in ctx.sights:
            own = slice(sight.start, sight.end)
            parts = query[:, :, own], held.keys[:, :, sight.seen], held.values[:, :, sight.seen]
            with torch.enable_grad():
                leaves = [part.detach().requires_grad_() for part in parts]
                found = _along(*leaves, sight, ctx.scores)
            to_query[:, :, own], *others = torch.autograd.grad(found, leaves, gradients[0][:, :, own])
            for whole, part in zip(sums, others, strict=True):
                if isinstance(sight.seen, slice):
                    whole[:, :, sight.seen] += part
                else:
                    whole.index_add_(2, sight.seen, part.to(whole.dtype))
        of_own = [whole[:, :, places].to(query.dtype, copy=True) for whole in sums]
        for whole in sums:
            whole[:, :, places] = 0  # the next block may stand here
        return to_query, *of_own, None, None, None, None


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
    if torch.is_autocast_enabled(query.device.type):  # the backward pass attends once more, without autocasting
        dtype = torch.get_autocast_dtype(query.device.type)
        query, key, value = query.to(dtype), key.to(dtype), value.to(dtype)
    held = branches.trunk.layer(branches.asked, key, value)
    branches.asked += 1
    scores = _Scores(scaling, softcap)
    sights = branches.sights(sliding_window, query if softcap is None else query.new_empty(0, dtype=torch.bool))
    found = _PathAttention.apply(query, key, value, sights, scores, held, branches.places)
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
