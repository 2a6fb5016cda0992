"""The three places of a Chroma collection: in this process, in a folder, on a server.

A place opens one collection for one index at a time, at the first use in each process, and calls Chroma, so that whatever goes
wrong there is one kind of error. Who has a folder or a collection is settled in :mod:`.owners`.
"""

from __future__ import annotations

import base64
import itertools
import os
import queue
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from agemem_gym.errors import ConfigurationError, import_extra
from agemem_gym.memory.owners import Claim, FolderLock, InUseError, claim_here, claim_on_server
from agemem_gym.memory.record import MemoryBackendError
from agemem_gym.urls import masked

_DEFAULT_NAME = "agemem"
_NAME = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9._-]{1,510})[a-zA-Z0-9]")
_UNASKED_GRAPH = {"space": "cosine", "ef_construction": 20, "max_neighbors": 4}
"""In process nobody asks the graph, so it is as small as it can be: entries are written over others in a fifth of the time."""
_ASKED_GRAPH = {"space": "cosine"}
_used_in: int | None = None
"""The process that used Chroma first; a forked child inherits the number, and so knows."""


class Place(Protocol):
    """Where a collection is."""

    def collection(self, dimension: int, encoder_name: str) -> tuple[Any, set[int]]:
        """The collection (None where there cannot be one), and at its opening the slots that others left in it."""

    def call(self, function: Callable[[], Any]) -> Any:
        """Call Chroma; MemoryBackendError if it fails."""

    def close(self, written: set[int]) -> None:
        """Let the collection go, with what was written into it."""


class _Freed(NamedTuple):
    """An unnamed collection of this process that may be used again."""

    pid: int
    dimension: int
    name: str
    written: frozenset[int]


_freed: list[_Freed] = []
_numbers = itertools.count(1)
_shared = threading.Lock()
"""Guards what the indices of a process share, Chroma's own table of systems among it: memory layers of live episodes write from
threads of their own, and two first clients at the same time leave one with a system that has not started (``KeyError:
'ephemeral'``)."""


class InProcess:
    """A collection in this process's memory."""

    def __init__(self, name: str | None) -> None:
        self._wanted = _checked_name(name)
        self._pid: int | None = None
        self._collection: Any = None
        self._dimension = 0
        self._claim: Claim | None = None

    def __str__(self) -> str:
        return f"collection {self._wanted or _DEFAULT_NAME!r} of this process"

    def collection(self, dimension: int, encoder_name: str) -> tuple[Any, set[int]]:
        """See :class:`Place`; the dimension decides which freed collection may be used again."""
        if self._pid == os.getpid():
            return self._collection, set()
        self._collection, self._claim, self._dimension = None, None, dimension
        left_over: set[int] = set()
        if _used_by_parent():
            self._pid = os.getpid()
            return None, left_over
        client = _client_here(None)
        if self._wanted is None:
            name, left_over = self._unnamed()
        else:
            name, self._claim = _first_free(self._wanted, lambda name: claim_here("this process", name))
        self._collection = self.call(lambda: _get_collection(client, name, encoder_name, _UNASKED_GRAPH))
        self._pid = os.getpid()
        return self._collection, left_over

    def call(self, function: Callable[[], Any]) -> Any:
        """See :class:`Place`."""
        return _call(function, "Chroma in this process")

    def close(self, written: set[int]) -> None:
        """Keep an unnamed collection for the next index: deleting it would leak."""
        if self._pid == os.getpid() and self._collection is not None and self._wanted is None:
            _freed.append(_Freed(self._pid, self._dimension, self._collection.name, frozenset(written)))
        if self._claim is not None:
            self._claim.release()
        self._pid, self._collection, self._claim = None, None, None

    def _unnamed(self) -> tuple[str, set[int]]:
        with _shared:
            fitting = [entry for entry in _freed if (entry.pid, entry.dimension) == (os.getpid(), self._dimension)]
            if not fitting:
                return f"{_DEFAULT_NAME}-{next(_numbers)}", set()
            smallest = min(fitting, key=lambda entry: len(entry.written))  # writes into a large one take longer
            _freed.remove(smallest)
            return smallest.name, set(smallest.written)


class Folder:
    """A collection in a folder, which one process has at a time."""

    def __init__(self, path: str, name: str | None) -> None:
        self._path = str(path)
        self._wanted = _checked_name(name) or _DEFAULT_NAME
        self._pid: int | None = None
        self._collection: Any = None
        self._client: Any = None
        self._claim: Claim | None = None
        self._lock: FolderLock | None = None

    def __str__(self) -> str:
        return f"collection {self._wanted!r} in {self._path}"

    def collection(self, dimension: int, encoder_name: str) -> tuple[Any, set[int]]:
        """See :class:`Place`."""
        if self._pid == os.getpid():
            return self._collection, set()
        if _used_by_parent():
            raise ConfigurationError(
                "chroma_path= cannot be used in a process forked from one that has used Chroma: start workers with "
                "spawn (make_vec(..., start_method='spawn')), or use chroma_url="
            )
        self._make_folder()
        self._lock = FolderLock(self._path)
        try:
            name, self._claim = _first_free(self._wanted, lambda name: claim_here(self._path, name))
            self._client = _client_here(self._path)
            self._collection = self.call(lambda: _get_collection(self._client, name, encoder_name, _ASKED_GRAPH))
        except BaseException:
            self.close(set())
            raise
        self._pid = os.getpid()
        return self._collection, set()

    def call(self, function: Callable[[], Any]) -> Any:
        """See :class:`Place`."""
        return _call(function, f"Chroma in {self._path}")

    def close(self, written: set[int]) -> None:
        """Close the files, and give the folder free when no other index of this process has it."""
        for held in (self._client, self._claim, self._lock):
            if held is not None:
                with suppress(Exception):
                    (held.close if held is self._client else held.release)()
        self._pid, self._collection, self._client, self._claim, self._lock = None, None, None, None, None

    def _make_folder(self) -> None:
        try:
            Path(self._path).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"chroma_path={self._path!r} cannot be used: {error}") from None


class Server:
    """A collection on a Chroma server, which one index has at a time."""

    def __init__(self, url: str, name: str | None, timeout: float) -> None:
        self._url = _checked_url(url)
        self._shown = masked(url)
        self._wanted = _checked_name(name) or _DEFAULT_NAME
        if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not timeout > 0:
            raise ConfigurationError(f"chroma_timeout={timeout!r}: expected a number of seconds above 0")
        self._timeout = timeout
        self._pid: int | None = None
        self._collection: Any = None
        self._client: Any = None
        self._claim: Claim | None = None

    def __str__(self) -> str:
        return f"collection {self._wanted!r} on {self._shown}"

    def collection(self, dimension: int, encoder_name: str) -> tuple[Any, set[int]]:
        """See :class:`Place`."""
        if self._pid == os.getpid():
            return self._collection, set()
        self._claim = None  # what a forked child has inherited is its parent's
        self._client = self._connect()
        self._pid = os.getpid()
        try:
            claims = lambda name: claim_on_server(self._client, name, self._shown, self.call)  # noqa: E731
            name, self._claim = _first_free(self._wanted, claims)
            self._collection = self.call(lambda: _get_collection(self._client, name, encoder_name, _ASKED_GRAPH))
        except BaseException:
            self.close(set())
            raise
        return self._collection, set()

    def call(self, function: Callable[[], Any]) -> Any:
        """See :class:`Place`; it ends after the time-out, whatever the server does."""
        return _call(lambda: _within(self._timeout, function), f"the Chroma server at {self._shown}")

    def close(self, written: set[int]) -> None:
        """Let the collection and the connection go; a server that is gone is no error."""
        if self._claim is not None and self._pid == os.getpid():
            with suppress(MemoryBackendError):
                self.call(self._claim.release)
        clients: tuple[Any, Any] = (self._client, getattr(self._client, "_admin_client", None))
        for client in clients:
            with suppress(AttributeError):  # of a client that was never made, or is made otherwise
                client._server._session.close()
        self._pid, self._collection, self._client, self._claim = None, None, None, None

    def _connect(self) -> Any:
        chromadb = import_extra("chromadb", "all")
        parts = self._url
        port = parts.port or (443 if parts.scheme == "https" else 80)

        def connect() -> Any:
            socket.create_connection((parts.hostname, port), timeout=min(5.0, self._timeout)).close()
            client = chromadb.HttpClient(
                host=str(parts.hostname),
                port=port,
                ssl=parts.scheme == "https",
                headers=_credentials(parts),
                settings=_settings(),
            )
            with suppress(AttributeError):  # so that a call that was given up ends some day
                client._server._session.timeout = 2 * self._timeout
            return client

        try:
            return _within(self._timeout, connect)
        except Exception as error:
            raise ConfigurationError(
                f"no Chroma server at {self._shown} ({masked(str(error))}); start one with "
                f"`chroma run --path FOLDER --port {port}`"
            ) from None


# --------------------------------------------------------------------------------------------------- keywords


def _checked_name(name: str | None) -> str | None:
    if name is not None and not (isinstance(name, str) and _NAME.fullmatch(name.replace("{n}", "0"))):
        raise ConfigurationError(
            f"collection={name!r}: expected 3 to 512 characters of [a-zA-Z0-9._-], a letter or digit first and last "
            "(and {n} where a number may stand)"
        )
    return name


def _checked_url(url: str) -> SplitResult:
    """The parts of a server's URL."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        fits = False
    if not fits or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ConfigurationError(
            f"chroma_url={masked(url)!r}: expected http://HOST:PORT of a server (`chroma run` starts one)"
        )
    return parts


def _credentials(parts: SplitResult) -> dict[str, str] | None:
    """User name and password of a URL as the header of basic authentication."""
    if parts.username is None:
        return None
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def _first_free(wanted: str, claim: Callable[[str], Claim]) -> tuple[str, Claim]:
    """A name that nobody else has open: `wanted`, or the first of its numbers."""
    for name in _names(wanted):
        try:
            return name, claim(name)
        except InUseError:
            if "{n}" not in wanted:
                raise
    raise AssertionError("numbers do not end")


def _names(wanted: str) -> Iterator[str]:
    return (wanted.replace("{n}", str(n)) for n in itertools.count()) if "{n}" in wanted else iter([wanted])


# --------------------------------------------------------------------------------------------------- Chroma


def _settings() -> Any:
    from chromadb.config import Settings

    return Settings(anonymized_telemetry=False)


def _client_here(path: str | None) -> Any:
    """The client of this process for a folder, or for its own memory; Chroma shares one system among clients of one place."""
    global _used_in
    chromadb = import_extra("chromadb", "all")
    _used_in = os.getpid()
    try:
        with _shared:
            if path is None:
                return chromadb.EphemeralClient(settings=_settings())
            return chromadb.PersistentClient(path, settings=_settings())
    except Exception as error:
        if path is None:
            raise
        raise ConfigurationError(f"chroma_path={path!r} cannot be used: {error}") from None


def _used_by_parent() -> bool:
    return _used_in not in (None, os.getpid())


def _get_collection(client: Any, name: str, encoder_name: str, graph: dict[str, Any]) -> Any:
    return client.get_or_create_collection(
        name,
        embedding_function=None,
        metadata={"encoder": encoder_name or "unknown"},
        configuration={"hnsw": graph},
    )


def _call(function: Callable[[], Any], what: str) -> Any:
    try:
        return function()
    except ConfigurationError:
        raise
    except Exception as error:
        raise MemoryBackendError(f"{what} failed: {type(error).__name__}: {masked(str(error))}") from error


def _within(seconds: float, function: Callable[[], Any]) -> Any:
    """What `function` gives, if it does so in time; else it is left to itself, in a thread that ends with the process."""
    came: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            came.put((function(), None))
        except BaseException as error:
            came.put((None, error))

    threading.Thread(target=work, daemon=True, name="chroma call").start()
    try:
        value, error = came.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    if error is not None:
        raise error
    return value
