"""How endpoints are called: in a whole time-out, again after a failure, never at another origin, without a word of keys.

::

    call ─► slot free? ─► attempt, at most `timeout` seconds from connecting to the last byte ─► answer
                             └─ failure ─► again? ─► wait (back-off, or what Retry-After says) ─► attempt …
                                             └─ no, or the last one: EndpointError, one sentence, secrets masked

Chat models (:mod:`agemem_gym.chat.endpoint`) and embeddings (:mod:`agemem_gym.memory.remote`) are called so. The calls of a
process run on one event loop in a thread of its own, which is what makes a time-out whole: a server that sends a byte a second
is cut off like one that sends nothing. A forked child makes a loop of its own.

- :class:`Patience`: time-out, attempts, back-off
- :class:`Address`: an endpoint's URL with the model's name behind ``#``
- :func:`persevere`: one call with its attempts; :class:`Failure`: what an attempt raises
- :func:`submit`: run a call in the background; :func:`result_of`, :func:`results_of`: wait for one, for several
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import random
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Self, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

from agemem_gym.checks import at_least, positive
from agemem_gym.errors import ConfigurationError, EngineError
from agemem_gym.urls import MASK, masked, same_origin

T = TypeVar("T")

_AGAIN = frozenset((408, 409, 425, 429))
_EXCERPT = 200
_LEAST_SECRET = 4  # characters; to mask shorter values would hide the sentence


class EndpointError(EngineError):
    """An endpoint gave no usable answer in any of its attempts."""


class Failure(Exception):
    """An attempt failed.

    Args:
        reason: why, in a few words.
        again: whether another attempt may help.
        wait: seconds that the server asked to be left alone, or None.
    """

    def __init__(self, reason: str, *, again: bool = True, wait: float | None = None) -> None:
        super().__init__(reason)
        self.again = again
        self.wait = wait


# ------------------------------------------------------------------------------------------------------ settings


@dataclass(frozen=True)
class Patience:
    """How long an endpoint is waited for.

    Attributes:
        timeout: seconds that one attempt may take as a whole.
        attempts: how often at most a call is tried.
        backoff: seconds before the second attempt; twice as many before each further one, and up to a quarter more by chance.
        longest_wait: seconds that a server's Retry-After may ask for; a longer one ends the call.

    Raises:
        ConfigurationError: a value that cannot be used.
    """

    timeout: float = 60.0
    attempts: int = 3
    backoff: float = 0.5
    longest_wait: float = 60.0

    def __post_init__(self) -> None:
        at_least("attempts", self.attempts)
        positive("timeout", self.timeout)
        for name in ("backoff", "longest_wait"):
            if getattr(self, name) != 0:
                positive(name, getattr(self, name))

    def wait(self, attempt: int) -> float:
        """Seconds to wait after this attempt, from 1, where the server did not say."""
        seconds: float = self.backoff * 2.0 ** (attempt - 1)
        return min(seconds * _chance.uniform(1.0, 1.25), max(self.longest_wait, self.backoff))


@dataclass(frozen=True)
class Address:
    """Where an endpoint is.

    Attributes:
        url: scheme, host, path and query; user name and password, too, where the user gave them.
        model: what stood behind ``#``.
    """

    url: str
    model: str = ""

    @classmethod
    def of(cls, url: str) -> Self:
        """Take a URL apart.

        Raises:
            ConfigurationError: it is none of an endpoint.
        """
        address, _, model = url.partition("#")
        try:
            parts = urlsplit(address)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable or any(character.isspace() for character in address):
            raise ConfigurationError(
                f"{masked(url)!r}: expected the URL of an endpoint, such as 'http://host:8080/v1#model'"
            )
        return cls(address, model)

    @property
    def shown(self) -> str:
        """The URL as it may stand in records, logs and errors."""
        return masked(self.url)


def without_secrets(text: str, url: str, key: str | None) -> str:
    """`text` with key, password and query values of `url` masked: a server may repeat them."""
    parts = urlsplit(url)
    values = [key, parts.password, parts.username, *(value for _, value in parse_qsl(parts.query))]
    known = {form for value in values if value for form in (value, unquote(value)) if len(form) >= _LEAST_SECRET}
    for secret in sorted(known, key=lambda form: (-len(form), form)):
        text = text.replace(secret, MASK)
    return masked(text)


# ------------------------------------------------------------------------------------------------------ one call


async def persevere(
    attempt: Callable[[], Awaitable[T]],
    patience: Patience,
    *,
    endpoint: str,
    slots: asyncio.Semaphore | None = None,
    clean: Callable[[str], str] = masked,
) -> T:
    """What the first successful attempt gives.

    Args:
        attempt: makes one; raises Failure, or whatever the transport raises.
        patience: see there.
        endpoint: what the error calls the endpoint, e.g. ``"the chat endpoint http://…"``.
        slots: taken for an attempt and given back while it waits for the next.
        clean: takes secrets out of the error's text.

    Raises:
        EndpointError: no attempt was successful.
    """
    for number in range(1, patience.attempts + 1):
        failure = await _failure_of(attempt, patience, slots)
        if not isinstance(failure, Failure):
            return failure[0]
        tried = f" (attempt {number} of {patience.attempts})" if patience.attempts > 1 else ""
        sentence = clean(f"{endpoint} failed{tried}: {failure}")
        if not failure.again or number == patience.attempts:
            break
        wait = patience.wait(number) if failure.wait is None else failure.wait
        if wait > patience.longest_wait and failure.wait is not None:
            sentence += f"; it asks to wait {wait:g} s, longer than longest_wait={patience.longest_wait:g}"
            break
        await asyncio.sleep(wait)
    raise EndpointError(sentence)


async def _failure_of(
    attempt: Callable[[], Awaitable[T]], patience: Patience, slots: asyncio.Semaphore | None
) -> Failure | tuple[T]:
    """One attempt: what it gives, in a tuple, or why it failed."""
    async with slots or asyncio.Semaphore():
        try:
            async with asyncio.timeout(patience.timeout):
                return (await attempt(),)
        except Failure as failure:
            return failure
        except TimeoutError:
            return Failure(f"no whole answer within {patience.timeout:g} s")
        except Exception as error:  # a transport raises types without end: cut bodies, TLS, broken JSON, deep nesting
            return Failure(described(error))


def refusal(status: int, headers: Mapping[str, str], body: str) -> Failure:
    """What an answer with another status than 200 means."""
    words = f"status {status}"
    if text := printable(body):
        words += f", {text}"
    return Failure(words, again=status in _AGAIN or status >= 500, wait=retry_after(headers))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that ``Retry-After`` asks for, as a number or a date; None where it asks for nothing that can be read."""
    text = (headers.get("retry-after") or "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(seconds, 0.0), 1e9) if seconds == seconds else None


def described(error: BaseException) -> str:
    """An error and what caused it, in a few words."""
    parts: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(parts) < 3:
        parts.append(f"{type(seen).__name__}: {seen}" if str(seen) else type(seen).__name__)
        seen = seen.__cause__
    return printable(" < ".join(parts))


def printable(text: str, length: int = _EXCERPT) -> str:
    """`text` in one line, without characters that a terminal would obey, and not longer than `length`."""
    line = " ".join(text[: 4 * length].split())
    line = "".join(character if character.isprintable() else "?" for character in line)
    return line if len(line) <= length else line[: length - 1] + "…"


async def stay_at_origin(response: Any) -> None:
    """A response hook of an httpx client: a redirect to another origin is a failure, not a way."""
    if response.has_redirect_location:
        target = str(response.url.join(response.headers["location"]))
        if not same_origin(str(response.url), target):
            raise Failure(f"it redirects to {masked(target)}, another origin, which is not followed", again=False)


# --------------------------------------------------------------------------------------------------- in background


class _Background:
    """The event loop of this process, in a daemon thread, with its HTTP clients."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.clients: dict[Any, Any] = {}
        self._thread = threading.Thread(target=self.loop.run_forever, name="agemem endpoints", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the loop; for the end of the process."""
        closing = asyncio.run_coroutine_threadsafe(self._close(), self.loop)
        try:
            closing.result(timeout=2.0)
        except Exception:  # the process ends either way
            return
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(timeout=2.0)

    async def _close(self) -> None:
        for client in self.clients.values():
            await client.aclose()


_background: _Background | None = None
_lock = threading.Lock()
_chance = random.Random()  # spreads the attempts of many callers; nothing that an agent sees depends on it


def submit(call: Coroutine[Any, Any, T]) -> Future[T]:
    """Run a call in the background."""
    return asyncio.run_coroutine_threadsafe(call, _running().loop)


def result_of(call: Coroutine[Any, Any, T]) -> T:
    """Run a call in the background and wait for it; an interrupt cancels it."""
    future = submit(call)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def results_of(futures: Sequence[Future[T]], *, errors: type[Exception]) -> list[T | Exception]:
    """Wait for all; an error of the type `errors` stands in place of a result. An interrupt cancels what still runs."""
    results: list[T | Exception] = []
    try:
        for future in futures:
            try:
                results.append(future.result())
            except errors as error:
                results.append(error)
    except BaseException:
        for future in futures:
            future.cancel()
        raise
    return results


def client(make: Callable[..., Any]) -> Any:
    """The HTTP client of this process that `make` makes; to be called in the background."""
    clients = _running().clients
    if make not in clients:
        for name in ("httpx", "httpx2"):
            logger = logging.getLogger(name)
            if not any(isinstance(known, _MaskURLs) for known in logger.filters):
                logger.addFilter(_MaskURLs())
        clients[make] = make(follow_redirects=True, timeout=None, event_hooks={"response": [stay_at_origin]})
    return clients[make]


class _MaskURLs(logging.Filter):
    """httpx logs whole URLs: their secrets are masked."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_shown(record.args))
        return True


def _shown(values: Iterable[Any]) -> Iterable[Any]:
    return (value if isinstance(value, (int, float)) else masked(str(value)) for value in values)


def _running() -> _Background:
    global _background
    with _lock:
        if _background is None:
            _background = _Background()
        return _background


def _forget() -> None:
    """After a fork: the parent's thread is not here."""
    global _background, _lock
    _background, _lock = None, threading.Lock()


def _stop() -> None:
    if _background is not None:
        _background.stop()


os.register_at_fork(after_in_child=_forget)
atexit.register(_stop)
