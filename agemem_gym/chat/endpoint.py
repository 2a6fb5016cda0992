"""A language model behind an OpenAI-compatible chat endpoint, called through the ``openai`` package (extra [endpoints])."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from agemem_gym import endpoints
from agemem_gym.chat.model import GREEDY, ChatError, ChatMessages, Completion, Sampling
from agemem_gym.chat.prices import Price, price_of
from agemem_gym.checks import at_least
from agemem_gym.endpoints import Address, EndpointError, Failure, Patience
from agemem_gym.errors import import_extra
from agemem_gym.urls import joined

KEYS = ("AGEMEM_CHAT_KEY", "OPENAI_API_KEY")
"""Environment variables in which a key is looked for, the first one first."""

_PATH = "chat/completions"
_MESSAGE_KEYS = ("role", "content", "name", "tool_calls", "tool_call_id")


class EndpointModel:
    """One endpoint and model.

    A chat that fails is tried again, see :class:`~agemem_gym.endpoints.Patience`; the chats of a batch are asked for at the
    same time. The key is read from the environment at each call; it stands in no record, log, error or pickle.

    Args:
        url: the base URL, e.g. ``"http://127.0.0.1:8080/v1#model"``; ``/chat/completions`` may stand in it or not.
        model: name of the model, where it does not stand behind ``#``.
        timeout, attempts, backoff, longest_wait: see :class:`~agemem_gym.endpoints.Patience`.
        concurrency: how many chats may wait for an answer at the same time.
        prices: a :class:`~agemem_gym.chat.prices.Price`, or prices by model: ``{"model": {"prompt": 2.0, "completion": 8.0}}``
            for a million tokens.
        key: name of the environment variable that holds the key, if it is none of :data:`KEYS`.
        extra: fields of the request's body besides those of Sampling; None takes a field out, e.g. ``{"max_tokens": None,
            "max_completion_tokens": 2048}``.

    Raises:
        ConfigurationError: a value that cannot be used.
        MissingDependencyError: the package ``openai`` is not installed.
    """

    def __init__(
        self,
        url: str,
        model: str = "",
        *,
        timeout: float = 60.0,
        attempts: int = 3,
        backoff: float = 0.5,
        longest_wait: float = 60.0,
        concurrency: int = 16,
        prices: Mapping[str, Any] | Price | None = None,
        key: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        import_extra("openai", "endpoints")
        address = Address.of(url)
        self._address = Address(joined(address.url, _PATH), model or address.model or "default")
        self._patience = Patience(timeout, attempts, backoff, longest_wait)
        self._concurrency = at_least("concurrency", concurrency)
        self._price = price_of(self._address.model, prices)
        self._keys = (key,) if key else KEYS
        self._extra = dict(extra or {})
        self._slots: tuple[Any, asyncio.Semaphore] | None = None
        self.name = self.model = self._address.model

    def __repr__(self) -> str:
        return f"EndpointModel({self._address.shown!r}, {self.model!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_slots": None}

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
        """A completion or an error for each chat, all asked for at the same time."""
        futures = [self.submit(messages, sampling, tools) for messages in batch]
        return endpoints.results_of(futures, errors=ChatError)  # type: ignore[return-value]

    def submit(
        self,
        messages: ChatMessages,
        sampling: Sampling = GREEDY,
        tools: Sequence[Mapping[str, Any]] | None = None,
    ) -> Future[Completion]:
        """Ask for one completion without waiting for it."""
        return endpoints.submit(self._complete(self._body(messages, sampling, tools)))

    def _body(
        self, messages: ChatMessages, sampling: Sampling, tools: Sequence[Mapping[str, Any]] | None
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [_plain({key: m[key] for key in _MESSAGE_KEYS if key in m}) for m in messages],
            "temperature": sampling.temperature,
            "max_tokens": sampling.max_tokens,
        }
        optional = {
            "top_p": sampling.top_p if sampling.top_p < 1.0 else None,
            "stop": list(sampling.stop) or None,
            "seed": sampling.seed,
            "logprobs": sampling.logprobs or None,
            "tools": [dict(tool) for tool in tools or ()] or None,
        }
        merged = {**body, **optional, **self._extra}
        return {name: value for name, value in merged.items() if value is not None}

    async def _complete(self, body: Mapping[str, Any]) -> Completion:
        key = next(filter(None, map(os.environ.get, self._keys)), None)
        started = time.perf_counter()
        try:
            data = await endpoints.persevere(
                functools.partial(_ask, self._address.url, body, key),
                self._patience,
                endpoint=f"the chat endpoint {self._address.shown}",
                slots=self._free_slots(),
                clean=lambda text: endpoints.without_secrets(text, self._address.url, key),
            )
        except EndpointError as error:
            raise ChatError(str(error), tried=True) from None
        return completion_of(data, self.model, time.perf_counter() - started, self._price)

    def _free_slots(self) -> asyncio.Semaphore:
        """Bounds the calls of this model; made anew on another loop, as in a forked child."""
        loop = asyncio.get_running_loop()
        if self._slots is None or self._slots[0] is not loop:
            self._slots = (loop, asyncio.Semaphore(self._concurrency))
        return self._slots[1]


async def _ask(url: str, body: Mapping[str, Any], key: str | None) -> dict[str, Any]:
    """One attempt: the answer's body, in which there is a message."""
    import openai

    parts = urlsplit(url)
    base = urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/").removesuffix(_PATH), "", ""))
    left_out: Any = openai.Omit()
    headers = (
        {"OpenAI-Organization": left_out, "OpenAI-Project": left_out} if parts.hostname != "api.openai.com" else {}
    )
    caller = openai.AsyncOpenAI(
        api_key=key or "none",
        base_url=base,
        default_query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        http_client=endpoints.client(openai.DefaultAsyncHttpxClient),
        max_retries=0,
        timeout=None,
    )
    if key is None:
        headers["Authorization"] = left_out
    options = {"extra_headers": headers, "extra_body": {name: body[name] for name in body if name not in _NAMED}}
    named: dict[str, Any] = {name: body[name] for name in _NAMED if name in body}
    try:
        answer = await caller.chat.completions.with_raw_response.create(**named, **options)
    except openai.APIStatusError as error:
        raise endpoints.refusal(error.response.status_code, error.response.headers, error.response.text) from None
    except openai.APIConnectionError as error:
        raise Failure(endpoints.described(error.__cause__ or error)) from None
    return _checked(json.loads(answer.http_response.content))


_NAMED = ("model", "messages")


def _checked(data: Any) -> dict[str, Any]:
    """An answer's body, if there is a message with a text in it."""
    try:
        choice = data["choices"][0]
        content, calls = choice["message"].get("content"), choice["message"].get("tool_calls")
    except (LookupError, TypeError, AttributeError):
        raise Failure(f"the answer holds no message: {endpoints.printable(repr(data)[:400], 100)}") from None
    parts = isinstance(content, list) and all(isinstance(part, Mapping) for part in content)
    if isinstance(content, str) or parts or (content is None and (calls or _ends(choice))):
        return dict(data)
    raise Failure(f"it gave no text: {endpoints.printable(repr(content)[:400], 100)}")


def _ends(choice: Mapping[str, Any]) -> bool:
    """Whether a model without a text says why it ended: its thoughts took all tokens, or a filter struck."""
    return choice.get("finish_reason") in ("length", "content_filter", "tool_calls")


def completion_of(data: Mapping[str, Any], model: str, seconds: float | None, price: Price | None) -> Completion:
    """The completion in the body of an endpoint's answer."""
    choice = data["choices"][0]
    message = choice["message"]
    usage = data.get("usage") if isinstance(data.get("usage"), Mapping) else {}
    assert isinstance(usage, Mapping)
    read, written = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    details = usage.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, Mapping) else None
    cost = None
    if price is not None and read is not None and written is not None:
        cost = price.of(prompt_tokens=read, completion_tokens=written, cached_tokens=min(cached or 0, read))
    calls = message.get("tool_calls")
    return Completion(
        text=_text(message.get("content")),
        finish_reason=str(choice.get("finish_reason") or "stop"),
        model=str(data.get("model") or model),
        prompt_tokens=read,
        completion_tokens=written,
        cached_tokens=cached,
        cost=cost,
        seconds=seconds,
        token_ids=_numbers(choice.get("token_ids"), int),
        logprobs=_numbers(_logprobs(choice.get("logprobs")), float),
        tool_calls=tuple(call for call in calls if isinstance(call, Mapping)) if isinstance(calls, list) else (),
        reasoning=next((m for m in map(message.get, ("reasoning_content", "reasoning")) if isinstance(m, str)), ""),
    )


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content)
    return content or ""


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _logprobs(value: Any) -> Any:
    tokens = value.get("content") if isinstance(value, Mapping) else None
    if not isinstance(tokens, list) or not all(isinstance(token, Mapping) for token in tokens):
        return None
    return [token.get("logprob") for token in tokens]


def _numbers(values: Any, kind: type) -> tuple[Any, ...] | None:
    if not isinstance(values, list) or not all(isinstance(value, (int, float)) for value in values):
        return None
    return tuple(map(kind, values))


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    """A message whose text can be sent: a lone surrogate stands as a question mark."""
    content = message.get("content")
    return {**message, "content": content.encode("utf-8", "replace").decode()} if isinstance(content, str) else message
