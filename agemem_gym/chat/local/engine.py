"""Token ids in, token ids and their log-probabilities out: many replies at a time, each prompt read only where it is new.

::

    Request(prompt) ─► waits ─► a slot, cropped to what it shares with the prompt ─┐
                                                                                   ▼
    Sampled ◄─ over: the slot is free, what was read stays ◄─ one more token ◄─ step(): one forward pass over all rows

- A conversation keeps its slot; its next prompt begins, nearly always, with what the slot holds. What another slot has read of
  it is copied, and what another one is reading is waited for: a group of episodes of one task reads its common prompt once.
- Rows come and go at any step: one that is done leaves the batch at once and the next one enters. A prompt is read in the same
  passes in which others write.
- The last token is always read anew, so that there is a distribution to draw from.

Nothing here knows of text, templates or environments.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from agemem_gym.chat.local.attention import Batch, Segment, SlotMemory, through_slots
from agemem_gym.chat.local.drawing import Stream, draw

READ_AT_ONCE = 1024
"""The most prompt tokens of one forward pass."""

_NO_WINDOW = 2**20  # of a model that names none
_WORTH_COPYING = 16  # tokens that another slot has to hold beyond one's own
_WORTH_SHARING = 128  # tokens that all writing rows have to begin with

Ids = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Request:
    """A reply that is asked for.

    Attributes:
        prompt: token ids, at least one.
        max_tokens: the longest reply; the model's window bounds it as well.
        temperature, top_p, seed: how it is drawn, see :class:`~agemem_gym.chat.local.drawing.Stream`.
        ends: tokens that end it, and belong to it.
        stop: told of the reply so far after each token; true ends it.
        forced: the reply itself, where it is given and only its log-probabilities are wanted.
        conversation: what tells whose next turn this is; None stands alone.
    """

    prompt: Sequence[int] | Ids
    max_tokens: int = 512
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | tuple[int, ...] = 0
    ends: frozenset[int] = frozenset()
    stop: Callable[[Sequence[int]], bool] | None = None
    forced: tuple[int, ...] | None = None
    conversation: Hashable | None = None


@dataclass(frozen=True)
class Sampled:
    """A reply.

    Attributes:
        ids: its tokens, the ending one among them.
        logprobs: of each, by the model.
        sampled_logprobs: of each, in what it was drawn from: the sampler's policy, at its temperature and top-p.
        finish_reason: ``"stop"``, or ``"length"``: cut at `max_tokens` or at the window's end; without a token where the prompt
            alone fills the window.
        prompt: the tokens that it follows.
        cached_tokens: so many of those did not have to be read.
    """

    ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    sampled_logprobs: tuple[float, ...]
    finish_reason: str
    prompt: tuple[int, ...]
    cached_tokens: int

    @property
    def prompt_tokens(self) -> int:
        """Length of the prompt."""
        return len(self.prompt)


@dataclass
class Work:
    """What an engine has done so far: forward passes, prompt tokens read and found in a slot, tokens written."""

    passes: int = 0
    read: int = 0
    cached: int = 0
    written: int = 0


@dataclass
class _Slot:
    """What a slot holds, and whose it is."""

    number: int
    held: Ids = field(default_factory=lambda: np.zeros(0, np.int64))  # of which `length` tokens count
    length: int = 0
    owner: Hashable | None = None
    used: int = 0
    busy: bool = False

    def shared_with(self, prompt: Ids) -> int:
        """The longest common prefix of what is held and a prompt."""
        return _common_prefix(self.held[: self.length], prompt)

    def hold(self, ids: Ids) -> None:
        """These tokens stand behind those held."""
        end = self.length + len(ids)
        if end > len(self.held):
            self.held = np.concatenate([self.held[: self.length], np.zeros(max(end, 512), np.int64)])
        self.held[self.length : end] = ids
        self.length = end


@dataclass
class _Row:
    """A reply in the making."""

    ticket: int
    request: Request
    prompt: Ids
    slot: _Slot
    cached: int
    stream: Stream
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    sampled: list[float] = field(default_factory=list)

    @property
    def reading(self) -> int:
        """Prompt tokens that are still to be read."""
        return max(0, len(self.prompt) - self.slot.length)


class SlotEngine:
    """Generates with one model in many slots.

    Args:
        model: a causal language model of ``transformers``, whose layers share nothing across tokens but attention.
        slots: the most rows at a time; memory is taken as they are needed.
        window: the most tokens of prompt and reply; by default the model's own.
        together: see :class:`~agemem_gym.chat.local.attention.SlotMemory`; by default on anything but a CPU.

    Attributes:
        work: what was done so far.
        memory: the slots' keys and values.
    """

    def __init__(self, model: Any, *, slots: int = 16, window: int | None = None, together: bool | None = None) -> None:
        self.model = model
        own = getattr(model.config.get_text_config(), "max_position_embeddings", None) or _NO_WINDOW
        self.window = min(window or own, own)
        self.work = Work()
        self._device: torch.device = model.device
        on_cpu = self._device.type == "cpu"
        self.memory = SlotMemory(self._device, together=not on_cpu if together is None else together)
        self._most = slots
        self._slots: list[_Slot] = []
        self._waiting: deque[tuple[int, Request, Ids]] = deque()
        self._rows: list[_Row] = []
        self._over: list[tuple[int, Sampled]] = []
        self._tickets = self._clock = 0

    def add(self, request: Request) -> int:
        """Ask for a reply; the number under which :meth:`step` will give it."""
        self._tickets += 1
        prompt = np.asarray(request.prompt, np.int64)
        if not len(prompt):
            raise ValueError("a prompt holds at least one token")
        if len(prompt) >= self.window or request.forced == ():
            reason = "stop" if len(prompt) < self.window else "length"
            self._over.append((self._tickets, Sampled((), (), (), reason, tuple(prompt.tolist()), 0)))
        else:
            self._waiting.append((self._tickets, request, prompt))
        return self._tickets

    def cancel(self, ticket: int) -> None:
        """Give up a reply that is not there yet; the others go on."""
        self._waiting = deque(waiting for waiting in self._waiting if waiting[0] != ticket)
        for row in [row for row in self._rows if row.ticket == ticket]:
            self._leave(row)

    @property
    def idle(self) -> bool:
        """Whether nothing is asked for."""
        return not (self._waiting or self._rows or self._over)

    def step(self) -> list[tuple[int, Sampled]]:
        """One forward pass; the replies that are over by it, by their numbers."""
        self._admit()
        if self._rows:
            self._pass()
        over, self._over = self._over, []
        return over

    def run(self, requests: Iterable[Request]) -> list[Sampled]:
        """All these replies, in order; what else is asked for goes on meanwhile."""
        tickets = [self.add(request) for request in requests]
        found: dict[int, Sampled] = {}
        others: list[tuple[int, Sampled]] = []
        while len(found) < len(tickets):
            for ticket, sampled in self.step():
                if ticket in tickets:
                    found[ticket] = sampled
                else:
                    others.append((ticket, sampled))
        self._over = others + self._over
        return [found[ticket] for ticket in tickets]

    def forget(self) -> None:
        """What was read counts no more: the model's weights have changed.

        Raises:
            RuntimeError: replies are still in the making.
        """
        if self._rows:
            raise RuntimeError(f"{len(self._rows)} replies are still being written")
        self._slots.clear()  # as if nothing had ever been read: what is asked next is read in the same passes in any process

    # ---------------------------------------------------------------------------------------------------- who enters

    def _admit(self) -> None:
        """Let in whoever finds a slot; first come, first served, but for those who wait for a prompt that is being read."""
        later: deque[tuple[int, Request, Ids]] = deque()
        while self._waiting and len(self._rows) < self._most:
            ticket, request, prompt = self._waiting.popleft()
            slot = None if self._is_being_read(prompt) else self._slot_for(request, prompt)
            if slot is None:
                later.append((ticket, request, prompt))
            else:
                self._enter(ticket, request, prompt, slot)
        self._waiting.extendleft(reversed(later))

    def _is_being_read(self, prompt: Ids) -> bool:
        """Whether a row is reading more of this prompt than any slot holds."""
        promised = max((_common_prefix(row.prompt, prompt) for row in self._rows if row.reading), default=0)
        if promised <= _WORTH_COPYING:
            return False
        return promised > max(slot.shared_with(prompt) for slot in self._slots) + _WORTH_COPYING

    def _slot_for(self, request: Request, prompt: Ids) -> _Slot | None:
        """Its conversation's own slot; else the free one that holds most of it, a new one, or the one unused for longest."""
        free = [slot for slot in self._slots if not slot.busy]
        if request.conversation is not None:
            for slot in free:
                if slot.owner == request.conversation:
                    return slot
        unowned = [slot for slot in free if slot.owner is None]
        if unowned:
            return max(unowned, key=lambda slot: (slot.shared_with(prompt), -slot.used))
        if len(self._slots) < self._most:
            self._slots.append(_Slot(len(self._slots)))
            return self._slots[-1]
        return min(free, key=lambda slot: slot.used, default=None)

    def _enter(self, ticket: int, request: Request, prompt: Ids, slot: _Slot) -> None:
        self._clock += 1
        slot.owner, slot.used, slot.busy = request.conversation, self._clock, True
        shared = slot.shared_with(prompt)
        other = max(self._slots, key=lambda candidate: candidate.shared_with(prompt))
        held = other.shared_with(prompt)
        room = min(len(prompt) + len(request.forced or ()) + request.max_tokens, self.window)
        with torch.inference_mode():
            self.memory.reserve(len(self._slots), room)
            if held > shared + _WORTH_COPYING:
                self.memory.copy(other.number, slot.number, held)
                slot.length, shared = 0, held
                slot.hold(prompt[:held])
        slot.length = cached = min(shared, len(prompt) - 1)
        self.work.cached += cached
        seed = request.seed if isinstance(request.seed, int) else list(request.seed)
        stream = Stream(request.temperature, request.top_p, seed, request.forced or ())
        self._rows.append(_Row(ticket, request, prompt, slot, cached, stream))

    # ------------------------------------------------------------------------------------------------------ one pass

    def _pass(self) -> None:
        """Every row writes its next token, or reads on in its prompt as far as the pass has room."""
        segments, tokens, rows, left = [], [], [], READ_AT_ONCE
        for row in self._rows:
            reading = row.reading
            if reading:
                new = row.prompt[row.slot.length :][:left]
                left -= len(new)
                self.work.read += len(new)
            else:
                new = np.array(row.tokens[-1:], np.int64)
            if len(new):
                segments.append(Segment(row.slot.number, row.slot.length, len(new)))
                tokens.append(new)
                row.slot.hold(new)
                rows.append((row, len(segments) - 1))
        self.work.passes += 1
        writing = [(row, place) for row, place in rows if not row.reading]
        alike = self._alike([row.slot for row, place in rows if segments[place].count == 1])
        logits = self._logits(segments, np.concatenate(tokens), [place for _, place in writing], alike)
        if not writing:
            return
        for (row, _), drawn in zip(writing, draw(logits, [row.stream for row, _ in writing]), strict=True):
            row.tokens.append(drawn.token)
            row.logprobs.append(drawn.logprob)
            row.sampled.append(drawn.sampled_logprob)
            self.work.written += 1
            reason = self._ended(row)
            if reason:
                self._leave(row)
                self._over.append((row.ticket, _sampled(row, reason)))

    def _alike(self, slots: Sequence[_Slot]) -> int:
        """How many tokens, before their last one, all these slots begin with; 0 where reading them once would not pay."""
        if len(slots) < 2 or self.memory.together or self._device.type != "cpu":
            return 0
        first = slots[0].held[: slots[0].length - 1]
        shared = min(slot.shared_with(first) for slot in slots)
        shared = min(shared, *(slot.length - 1 for slot in slots))
        return shared if shared >= _WORTH_SHARING else 0

    def _logits(self, segments: Sequence[Segment], tokens: Ids, places: Sequence[int], alike: int = 0) -> torch.Tensor:
        """``(rows, vocabulary)``: what follows the last tokens of the segments at these places."""
        with through_slots(self.model):
            batch = Batch(self.memory, segments, self._device, alike)
            last = batch.last[list(places)] if places else batch.last[:1]
            logits: torch.Tensor = self.model(
                input_ids=torch.from_numpy(tokens)[None].to(self._device),
                position_ids=batch.positions[None],
                use_cache=False,
                logits_to_keep=last,
                slots=batch,
            ).logits[0]
            return logits if len(logits) == len(last) else logits[last]

    def _ended(self, row: _Row) -> str:
        """Why a reply is over; empty where it is not."""
        request = row.request
        if request.forced is not None:
            over = len(row.tokens) == len(request.forced)
        else:
            over = row.tokens[-1] in request.ends or (request.stop is not None and request.stop(row.tokens))
        if over:
            return "stop"
        full = len(row.tokens) >= request.max_tokens and request.forced is None
        return "length" if full or len(row.prompt) + len(row.tokens) >= self.window else ""

    def _leave(self, row: _Row) -> None:
        row.slot.busy = False
        self._rows.remove(row)


def _common_prefix(one: Ids, other: Ids) -> int:
    length = min(len(one), len(other))
    differs = one[:length] != other[:length]
    first = int(differs.argmax()) if length else 0
    return first if length and differs[first] else length


def _sampled(row: _Row, reason: str) -> Sampled:
    prompt = tuple(row.prompt.tolist())
    return Sampled(tuple(row.tokens), tuple(row.logprobs), tuple(row.sampled), reason, prompt, row.cached)
