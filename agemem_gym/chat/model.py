"""What a chat model is: a batch of message lists in, completions out.

::

    messages, messages, … + Sampling ─► ChatModel.complete ─► Completion(text, finish_reason, tokens, cost, …), …

Anything that completes is one: a language model behind an endpoint (:mod:`.endpoint`), a function from messages to text
(:mod:`.callable`), or an object of the user's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from agemem_gym.checks import at_least
from agemem_gym.errors import ConfigurationError, EngineError

ChatMessages = Sequence[Mapping[str, Any]]
"""Messages of one chat: ``{"role", "content"}``, and what a tool call or its result has besides."""

ChatCallable = Callable[[list[dict[str, str]]], str]
"""Takes chat messages, returns the text of the model's reply."""


class ChatError(EngineError):
    """A chat model gave no completion.

    Attributes:
        tried: the model has made all its attempts; to ask again at once is in vain.
    """

    def __init__(self, text: str, *, tried: bool = False) -> None:
        super().__init__(text)
        self.tried = tried


@dataclass(frozen=True)
class Sampling:
    """How a reply is drawn.

    Attributes:
        temperature: 0 is greedy.
        top_p: share of the probability that tokens are drawn from.
        max_tokens: the longest reply.
        stop: texts at which a reply ends.
        seed: for models that take one.
        logprobs: ask for the log-probability of each token of the reply.

    Raises:
        ConfigurationError: a value out of range.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 512
    stop: tuple[str, ...] = ()
    seed: int | None = None
    logprobs: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.temperature, (int, float)) or not 0.0 <= self.temperature <= 100.0:
            raise ConfigurationError(f"temperature={self.temperature!r}: expected a number of at least 0")
        if not isinstance(self.top_p, (int, float)) or not 0.0 < self.top_p <= 1.0:
            raise ConfigurationError(f"top_p={self.top_p!r}: expected a number above 0 and at most 1")
        at_least("max_tokens", self.max_tokens)
        if isinstance(self.stop, str) or not all(isinstance(text, str) and text for text in self.stop):
            raise ConfigurationError(f"stop={self.stop!r}: expected a list of texts")
        object.__setattr__(self, "stop", tuple(self.stop))


GREEDY = Sampling()
"""The most likely reply of at most 512 tokens."""


@dataclass(frozen=True)
class Completion:
    """One reply of a model.

    Attributes:
        text: what it says; empty where it only calls tools.
        finish_reason: ``"stop"``, ``"length"``, ``"tool_calls"``, or what the endpoint says.
        model: who answered, as the endpoint names it.
        prompt_tokens, completion_tokens, cached_tokens: as the model counts them, or None.
        cost: by the user's prices, or None.
        seconds: from asking to the whole answer, waits between attempts included; None where nobody measured.
        token_ids, logprobs: of the reply's tokens, where asked for and given.
        prompt_ids, sampled_logprobs: of a local model: the tokens that it was shown; and the log-probabilities in what was
            drawn from, at the temperature and within top-p.
        tool_calls: native tool calls, as the endpoint sent them.
        reasoning: thoughts that the endpoint keeps apart from the text.
    """

    text: str
    finish_reason: str = "stop"
    model: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    cost: float | None = None
    seconds: float | None = None
    token_ids: tuple[int, ...] | None = None
    logprobs: tuple[float, ...] | None = None
    prompt_ids: tuple[int, ...] | None = field(default=None, repr=False)
    sampled_logprobs: tuple[float, ...] | None = field(default=None, repr=False)
    tool_calls: tuple[Mapping[str, Any], ...] = field(default=())
    reasoning: str = ""


@runtime_checkable
class ChatModel(Protocol):
    """Completes chats.

    Optional: ``complete_each``, as :meth:`complete` with an error in place of each completion that failed, and ``submit``,
    which takes one chat and returns a :class:`concurrent.futures.Future`. :func:`complete_each` does without them. A model that
    works in the caller's thread has ``advance()`` besides, which brings all that was submitted a step further, and its
    ``submit`` takes ``conversation=``, which tells whose next turn a chat is.
    """

    @property
    def name(self) -> str:
        """What tells this model from others; stands in records and rows, and holds no secret."""

    def complete(
        self,
        batch: Sequence[ChatMessages],
        sampling: Sampling = GREEDY,
        tools: Sequence[Mapping[str, Any]] | None = None,
    ) -> list[Completion]:
        """One completion for each chat, in order.

        Raises:
            ChatError: one of them could not be completed.
        """


def complete_each(
    model: ChatModel,
    batch: Sequence[ChatMessages],
    sampling: Sampling = GREEDY,
    tools: Sequence[Mapping[str, Any]] | None = None,
) -> list[Completion | ChatError]:
    """One completion, or the reason why there is none, for each chat; one that fails costs the others nothing."""
    each = getattr(model, "complete_each", None)
    if callable(each):
        return list(each(batch, sampling, tools))
    results: list[Completion | ChatError] = []
    for messages in batch:
        try:
            results += model.complete([messages], sampling, tools)
        except ChatError as error:
            results.append(error)
    return results


def text_of(model: ChatModel, messages: ChatMessages, sampling: Sampling = GREEDY) -> str:
    """The text of one reply.

    Raises:
        ChatError: there is none.
    """
    (completion,) = model.complete([messages], sampling)
    return completion.text
