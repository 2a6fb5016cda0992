"""A language model of ``transformers`` in this process, as a chat model.

::

    submit(messages) ─► ChatEncoder ─► SlotEngine ◄─ advance(): one pass for all that is asked for
                                          └─► Sampled ─► Completion(text, token_ids, logprobs, …) in its future

It works only while it is told to (:meth:`LocalModel.advance`, or :meth:`LocalModel.complete`), in the caller's thread: the same
requests in the same order give the same replies.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agemem_gym.chat.local import smollm
from agemem_gym.chat.local.loading import NAMED, SMALL, SMOLLM, load, longest_reply_of, source_of, window_of
from agemem_gym.chat.local.stopping import CLOSING, StopTexts
from agemem_gym.chat.model import GREEDY, ChatError, ChatMessages, Completion, Sampling
from agemem_gym.checks import at_least
from agemem_gym.endpoints import described, results_of
from agemem_gym.errors import ConfigurationError

if TYPE_CHECKING:
    from agemem_gym.chat.local.encoding import ChatEncoder, Replies
    from agemem_gym.chat.local.engine import Request, Sampled, SlotEngine
    from agemem_gym.chat.local.loading import Loaded

_NAMES = {SMOLLM: smollm.NAME, SMALL: "agemem-small"}
_REMEMBERED = 1024  # conversations


@dataclass(frozen=True)
class _Asked:
    """A chat that waits for its completion."""

    future: Future[Completion]
    stop: StopTexts
    replies: Replies
    started: float


class LocalModel:
    """One model. Weights are loaded when the first chat is asked for.

    Args:
        spec: a folder, a name on the Hugging Face hub, ``"smollm"``, or ``"small"``: the one of this package.
        slots: the most chats that are written at the same time; each takes memory for what it holds.
        window: the most tokens of prompt and reply, if fewer than the model's own.
        device, dtype: as torch calls them.
        threads: of torch, for the whole process; by default as many as are fastest, which is measured.
        template: the chat template, Jinja source, if it is not the tokenizer's own.
        closing: tags that end a reply and belong to it; by default those of the protocol.

    Raises:
        ConfigurationError: there is no such model.
    """

    def __init__(
        self,
        spec: str,
        *,
        slots: int = 16,
        window: int | None = None,
        device: str = "auto",
        dtype: str = "auto",
        threads: int | None = None,
        template: str | None = None,
        closing: Sequence[str] = CLOSING,
    ) -> None:
        self.spec = spec if spec in NAMED else source_of(spec)
        self.name = _NAMES.get(spec) or Path(self.spec).name
        self._slots = at_least("slots", slots)
        self._most = None if window is None else at_least("window", window, 2)
        self._options: dict[str, Any] = {"device": device, "dtype": dtype, "threads": threads}
        self._template = template
        self._closing = tuple(closing)
        self._reset()

    @classmethod
    def of(cls, loaded: Loaded, spec: str, **options: Any) -> LocalModel:
        """A model that is in memory already, one in training say.

        Args:
            loaded: the model; where its weights change, ``engine.forget()`` has to be told.
            spec: where its configuration and tokenizer lie.
            options: ``slots``, ``window``, ``template``, ``closing``.
        """
        made = cls(spec, **options)
        made.__dict__["_loaded"] = loaded
        return made

    def _reset(self) -> None:
        self._asked: dict[int, _Asked] = {}
        self._conversations: OrderedDict[Hashable, Replies] = OrderedDict()
        self._lock = threading.RLock()
        self._unseeded = 0

    def __repr__(self) -> str:
        return f"LocalModel({self.spec!r})"

    def __getstate__(self) -> dict[str, Any]:
        made = (
            "_asked",
            "_conversations",
            "_lock",
            "_unseeded",
            "engine",
            "encoder",
            "_loaded",
            "window",
            "longest_reply",
        )
        return {name: value for name, value in self.__dict__.items() if name not in made}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._reset()

    # ------------------------------------------------------------------------------------------------------ its parts

    @cached_property
    def window(self) -> int:
        """The most tokens of prompt and reply; read from the configuration, before any weights."""
        own = window_of(self.spec) or 2**20
        return min(own, self._most or own)

    @cached_property
    def longest_reply(self) -> int | None:
        """The tokens of a reply that the model itself asks to be held to, as ``generate`` would; None if it asks for none."""
        return longest_reply_of(self.spec)

    @cached_property
    def _loaded(self) -> Any:
        return load(self.spec, **self._options)

    @cached_property
    def encoder(self) -> ChatEncoder:
        """From messages to token ids."""
        from agemem_gym.chat.local.encoding import ChatEncoder

        return ChatEncoder(self._loaded.tokenizer, self._template)

    @cached_property
    def engine(self) -> SlotEngine:
        """From token ids to token ids, in slots."""
        from agemem_gym.chat.local.engine import SlotEngine

        return SlotEngine(self._loaded.model, slots=self._slots, window=self.window)

    # ----------------------------------------------------------------------------------------------------- completing

    def complete(
        self,
        batch: Sequence[ChatMessages],
        sampling: Sampling = GREEDY,
        tools: Sequence[Mapping[str, Any]] | None = None,
    ) -> list[Completion]:
        """See :class:`~agemem_gym.chat.model.ChatModel`."""
        completions = []
        for result in self.complete_each(batch, sampling, tools):
            if isinstance(result, ChatError):
                raise result
            completions.append(result)
        return completions

    def complete_each(
        self,
        batch: Sequence[ChatMessages],
        sampling: Sampling = GREEDY,
        tools: Sequence[Mapping[str, Any]] | None = None,
    ) -> list[Completion | ChatError]:
        """A completion or an error for each chat; they are written together, and so is what else was asked for."""
        futures = [self.submit(messages, sampling, tools) for messages in batch]
        while not all(future.done() for future in futures):
            self.advance()
        return results_of(futures, errors=ChatError)  # type: ignore[return-value]

    def submit(
        self,
        messages: ChatMessages,
        sampling: Sampling = GREEDY,
        tools: Sequence[Mapping[str, Any]] | None = None,
        *,
        conversation: Hashable | None = None,
    ) -> Future[Completion]:
        """Ask for one completion; it will be there after enough of :meth:`advance`.

        Args:
            messages, sampling, tools: see :class:`~agemem_gym.chat.model.ChatModel`.
            conversation: what tells whose next turn this is; it keeps its slot, and its replies keep their tokens.
        """
        if tools:
            raise ConfigurationError("a local model is told its tools in the prompt: tools=… is for endpoints")
        future: Future[Completion] = Future()
        with self._lock:
            replies = self._replies_of(conversation)
            stop = StopTexts(self.encoder.vocabulary, self._closing, sampling.stop, thinking=self.encoder.thinking)
            try:
                request = self._request(messages, sampling, stop, conversation, replies)
            except Exception as error:  # a template refuses with whatever it likes
                future.set_exception(ChatError(f"{self.name}: {described(error)}"))
                return future
            ticket = self.engine.add(request)
            self._asked[ticket] = _Asked(future, stop, replies, time.perf_counter())
        return future

    def advance(self) -> None:
        """One token more for each chat that is being written, and the futures of those that are over by it."""
        with self._lock:
            for ticket in [ticket for ticket, asked in self._asked.items() if asked.future.cancelled()]:
                del self._asked[ticket]
                self.engine.cancel(ticket)
            for ticket, sampled in self.engine.step() if self._asked else ():
                self._finish(self._asked.pop(ticket), sampled)

    def _request(
        self,
        messages: ChatMessages,
        sampling: Sampling,
        stop: StopTexts,
        conversation: Hashable | None,
        replies: Replies,
    ) -> Request:
        from agemem_gym.chat.local.engine import Request

        if sampling.seed is None:
            self._unseeded += 1
        return Request(
            prompt=self.encoder.prompt(messages, replies),
            max_tokens=sampling.max_tokens,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            seed=(0, self._unseeded) if sampling.seed is None else (1, abs(sampling.seed), int(sampling.seed < 0)),
            ends=self._loaded.ends,
            stop=stop,
            conversation=conversation,
        )

    def _replies_of(self, conversation: Hashable | None) -> Replies:
        from agemem_gym.chat.local.encoding import Replies

        replies = self._conversations.setdefault(conversation, Replies())
        self._conversations.move_to_end(conversation)
        if len(self._conversations) > _REMEMBERED:
            self._conversations.popitem(last=False)
        return replies

    def _finish(self, asked: _Asked, sampled: Sampled) -> None:
        ids = sampled.ids
        said = ids[:-1] if ids and ids[-1] in self._loaded.ends else ids
        text = asked.stop.kept(self.encoder.vocabulary.text(said))
        asked.replies.add(text, said)
        asked.future.set_result(
            Completion(
                text,
                finish_reason=sampled.finish_reason,
                model=self.name,
                prompt_tokens=sampled.prompt_tokens,
                completion_tokens=len(ids),
                cached_tokens=sampled.cached_tokens,
                seconds=time.perf_counter() - asked.started,
                token_ids=ids,
                logprobs=sampled.logprobs,
                sampled_logprobs=sampled.sampled_logprobs,
                prompt_ids=sampled.prompt,
            )
        )
