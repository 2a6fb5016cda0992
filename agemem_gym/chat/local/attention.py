"""Attention through slots: keys and values of live episodes, and how a batch of tokens of several episodes attends to them.

A slot is a stretch of memory in which the keys and values of one episode's tokens lie, each at its position; to forget is to
write over. A batch is *ragged*: the new tokens of all episodes stand behind one another, some episodes reading a prompt, others
writing their next token, and no token is padding::

    tokens     a a a a a b c c c           a reads 5, b writes one, c reads 3
    positions  0 1 2 3 4 9 6 7 8           each at its place in its own slot
    sees       slot 0    1 slot 2          its slot up to its own position, and nothing else

What the slots of all writing rows begin with alike, a system prompt and examples say, is read once for all of them
(:func:`_written`): where contexts are long, a CPU spends its time on fetching keys and values.

Every layer but attention works token by token, so the model needs no change but :func:`slot_attention` in place of its own,
which ``transformers`` finds by name.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from transformers import AttentionInterface

NAME = "agemem_slots"
"""What this attention is called among those of ``transformers``."""

_ROOM = 256  # the least room of a slot, in tokens
_ATTENTION = getattr(torch.ops.aten, "_scaled_dot_product_flash_attention_for_cpu", None)
"""Attention that tells its log-sum-exp, too, as PyTorch has it for CPUs; what is written is the same without it, but slower."""


@dataclass(frozen=True)
class Segment:
    """The new tokens of one slot in a batch: `count` of them from position `start` on."""

    slot: int
    start: int
    count: int

    @property
    def end(self) -> int:
        """How many tokens the slot holds with them."""
        return self.start + self.count

    def first(self, window: int | None) -> int:
        """The first position that any of them sees."""
        return 0 if window is None else max(0, self.start + 1 - window)


class SlotMemory:
    """Keys and values of all slots, layer by layer, each ``(slots, heads, room, width)``.

    It grows as it is asked for, by doubling; what is not used yet takes up addresses only.

    Args:
        device: where it lies.
        together: let rows that write one token each attend in one padded call under a mask, which suits a GPU; otherwise each
            attends to exactly what it holds, which suits a CPU.
    """

    def __init__(self, device: torch.device, *, together: bool) -> None:
        self.together = together
        self._device = device
        self._layers: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self._slots = self._room = 0

    def reserve(self, slots: int, room: int) -> None:
        """Make place for so many slots of so many tokens."""
        if slots <= self._slots and room <= self._room:
            return
        if slots > self._slots:
            self._slots = max(slots, 2 * self._slots)
        if room > self._room:
            self._room = max(room, 2 * self._room, _ROOM)
        for layer, (keys, values) in self._layers.items():
            self._layers[layer] = self._larger(keys), self._larger(values)

    def write(self, layer: int, batch: Batch, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Put the new tokens' keys and values, ``(heads, tokens, width)``, at their places."""
        if layer not in self._layers:
            self._layers[layer] = self._fresh(keys), self._fresh(values)
        for held, new in zip(self._layers[layer], (keys, values), strict=True):
            held[batch.slots, :, batch.positions] = new.transpose(0, 1)

    def of(self, layer: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values of a layer."""
        return self._layers[layer]

    def copy(self, source: int, target: int, tokens: int) -> None:
        """Let a slot begin with the first tokens of another one."""
        for held in (tensor for pair in self._layers.values() for tensor in pair):
            held[target, :, :tokens] = held[source, :, :tokens]

    @property
    def bytes_per_token(self) -> int:
        """What one token of one slot takes up, in all layers."""
        return sum(
            held.shape[1] * held.shape[3] * held.element_size() for pair in self._layers.values() for held in pair
        )

    @property
    def bytes_per_slot(self) -> int:
        """The room of one slot."""
        return self.bytes_per_token * self._room

    def _fresh(self, like: torch.Tensor) -> torch.Tensor:
        heads, _, width = like.shape
        make = torch.zeros if self.together else torch.empty  # what is masked must still be a number
        return make((self._slots, heads, self._room, width), dtype=like.dtype, device=self._device)

    def _larger(self, held: torch.Tensor) -> torch.Tensor:
        grown = self._fresh(held[0])
        grown[: held.shape[0], :, : held.shape[2]] = held
        return grown


class Batch:
    """The new tokens of several slots, behind one another, as each layer's attention needs to know them.

    Args:
        memory: where keys and values lie.
        segments: of the batch, each of another slot.
        device: of the model.
        alike: so many tokens the slots of all segments of one token begin with, the same in each.

    Attributes:
        slots, positions: of each token.
        last: where each segment's last token stands in the batch.
        writing: the same of the segments of one token, where what they begin with is to be read once; else None.
    """

    def __init__(self, memory: SlotMemory, segments: Sequence[Segment], device: torch.device, alike: int = 0) -> None:
        self.memory = memory
        self.segments = segments
        self.alike = alike
        places = [(s.slot, position) for s in segments for position in range(s.start, s.end)]
        self.slots, self.positions = torch.tensor(places, device=device).unbind(1)
        self.last = torch.tensor([s.count for s in segments], device=device).cumsum(0) - 1
        self.decodes = all(segment.count == 1 for segment in segments)
        single = torch.tensor([s.count == 1 for s in segments], device=device)
        self.writing = self.last[single] if alike and _ATTENTION is not None else None
        self._device = device
        self._masks: dict[tuple[Segment | None, int | None], torch.Tensor] = {}

    def mask(self, segment: Segment, window: int | None) -> torch.Tensor:
        """Which of its slot's positions each token of a segment sees, ``(tokens, positions)``; made once for all layers."""
        if (segment, window) not in self._masks:
            new = torch.arange(segment.start, segment.end, device=self._device)
            self._masks[segment, window] = _seen(new, segment.end, window)
        return self._masks[segment, window]

    def common_mask(self, window: int | None) -> torch.Tensor:
        """The same for one token of every slot, up to the longest of them, ``(slots, positions)``."""
        if (None, window) not in self._masks:
            longest = max(segment.end for segment in self.segments)
            self._masks[None, window] = _seen(self.positions, longest, window)
        return self._masks[None, window]


def _seen(positions: torch.Tensor, length: int, window: int | None) -> torch.Tensor:
    held = torch.arange(length, device=positions.device)
    seen = held <= positions[:, None]
    return seen if window is None else seen & (held > positions[:, None] - window)


def slot_attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    slots: Batch,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: torch.Tensor | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Attention as ``transformers`` calls it; `query`, `key`, `value` are ``(1, heads, tokens, width)``."""
    if s_aux is not None:
        raise NotImplementedError("attention sinks")
    slots.memory.write(module.layer_idx, slots, key[0], value[0])
    keys, values = slots.memory.of(module.layer_idx)
    grouped = query[0].transpose(0, 1).unflatten(1, (keys.shape[1], -1))  # (tokens, key heads, group, width)
    if slots.decodes and slots.memory.together:
        mask = slots.common_mask(sliding_window)[:, None, None]
        held = keys[slots.slots, :, : mask.shape[-1]], values[slots.slots, :, : mask.shape[-1]]
        return attend(grouped, *held, mask, scaling, softcap).flatten(1, 2)[None], None
    parts: list[torch.Tensor] = []  # (tokens, heads, width) each
    at = 0
    written: Iterator[torch.Tensor] = iter(())
    alike = keys.dtype == values.dtype == query.dtype and not torch.is_autocast_enabled(query.device.type)
    if slots.writing is not None and alike and sliding_window is None and softcap is None:
        written = iter(_written(grouped[slots.writing], keys, values, slots, scaling).flatten(1, 2).split(1))
    for segment in slots.segments:
        if segment.count == 1 and (done := next(written, None)) is not None:
            parts.append(done)
            at += 1
            continue
        one, seen = slice(segment.slot, segment.slot + 1), slice(segment.first(sliding_window), segment.end)
        held = keys[one, :, seen], values[one, :, seen]
        if segment.count == 1:  # the heads that share keys are as many queries
            parts.append(attend(grouped[at : at + 1], *held, None, scaling, softcap).flatten(1, 2))
        else:
            mask = slots.mask(segment, sliding_window)[:, seen]
            new = query[:, :, at : at + segment.count]
            parts.append(attend(new, *held, mask, scaling, softcap)[0].transpose(0, 1))
        at += segment.count
    return torch.cat(parts)[None], None


def _written(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, slots: Batch, scaling: float | None
) -> torch.Tensor:
    """Attention of rows that write one token each, ``(rows, key heads, group, width)``, to what their slots hold.

    The part that all begin with is attended to by all rows at once, the rest by each; both are weighed by how much of the whole
    softmax they hold, which their log-sum-exps tell (as in FlashAttention, arXiv:2205.14135).
    """
    assert _ATTENTION is not None
    own = [segment for segment in slots.segments if segment.count == 1]
    rows, heads, group, width = queries.shape
    first = slice(own[0].slot, own[0].slot + 1)
    together = queries.transpose(0, 1).reshape(1, heads, rows * group, width)
    begun, weight = _ATTENTION(together, keys[first, :, : slots.alike], values[first, :, : slots.alike], scale=scaling)
    begun = begun.view(heads, rows, group, width).transpose(0, 1)
    weight = weight.reshape(heads, rows, group).transpose(0, 1)
    parts, weights = [], []
    for row, segment in enumerate(own):
        one, rest = slice(segment.slot, segment.slot + 1), slice(slots.alike, segment.end)
        part, of_part = _ATTENTION(queries[row : row + 1], keys[one, :, rest], values[one, :, rest], scale=scaling)
        parts.append(part)
        weights.append(of_part.reshape(1, heads, group))
    ended = torch.cat(parts).float()
    share = torch.sigmoid(weight - torch.cat(weights))[..., None]
    return torch.lerp(ended, begun.float(), share).to(queries.dtype)


def attend(
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    mask: torch.Tensor | None,
    scaling: float | None,
    softcap: float | None,
) -> torch.Tensor:
    """Attention of `query` over `keys` and `values`, ``(rows, heads, tokens, width)`` each; heads may share keys."""
    shared = query.shape[1] != keys.shape[1]
    if softcap is None:
        return F.scaled_dot_product_attention(query, keys, values, mask, scale=scaling, enable_gqa=shared)
    if shared:
        keys, values = (held.repeat_interleave(query.shape[1] // keys.shape[1], 1) for held in (keys, values))
    scores = query @ keys.transpose(-1, -2) * (scaling or query.shape[-1] ** -0.5)
    scores = torch.tanh(scores / softcap) * softcap
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return scores.float().softmax(-1).to(values.dtype) @ values


AttentionInterface.register(NAME, slot_attention)


@contextlib.contextmanager
def through_slots(model: Any) -> Iterator[None]:
    """Let a model attend through slots meanwhile, without gradients or dropout."""
    before, training = model.config._attn_implementation, model.training
    model.config._attn_implementation = NAME
    if training:
        model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        model.config._attn_implementation = before
        if training:
            model.train()
