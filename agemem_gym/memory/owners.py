"""Who has a folder or a collection of Chroma: one process a folder, one index a collection.

Two processes in one folder break each other ("table collections already exists", "Error finding id"), and two stores in one
collection overwrite each other's slots without a word. A folder is locked by its process. A collection on a server is claimed
in a collection of claims beside it: Chroma's ``add`` leaves an id that is there already as it is, so of several that add the
same number, the first one has it. A claim ends with its process, or when its index is closed.
"""

from __future__ import annotations

import fcntl
import os
import socket
import uuid
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agemem_gym.errors import ConfigurationError

CLAIMS = "agemem-claims"
"""The collection in which collections on a server are claimed."""
_MEND = "close it, or give each env its own collection= ('notes-{n}' is the first number that is free)"


class InUseError(ConfigurationError):
    """Another process or env has the folder or the collection."""


class Claim:
    """A collection that one index has.

    Attributes:
        token: tells this claim from all others.
    """

    def __init__(self, token: str, release: Callable[[], Any]) -> None:
        self.token = token
        self._release = release

    def release(self) -> None:
        """Let others have it."""
        self._release()


# A claim that was never released ends with its index: these dictionaries do not keep it alive.
_here: weakref.WeakValueDictionary[tuple[int, str, str], Claim] = weakref.WeakValueDictionary()
_tokens: weakref.WeakValueDictionary[str, Claim] = weakref.WeakValueDictionary()


def claim_here(place: str, name: str) -> Claim:
    """Claim a collection among the indices of this process.

    Raises:
        InUseError: another one has it.
    """
    key = (os.getpid(), os.path.realpath(place), name)
    if key in _here:
        raise InUseError(f"collection {name!r} of {place} is in use by another env of this process: {_MEND}")
    claim = Claim("", lambda: _here.pop(key, None))
    _here[key] = claim
    return claim


class FolderLock:
    """A folder that this process has; several indices of the process share it.

    Raises:
        InUseError: another process has it.
        ConfigurationError: the lock cannot be written.
    """

    _held: dict[tuple[int, str], tuple[int, int]] = {}  # noqa: RUF012  by process and folder: file descriptor, users

    def __init__(self, folder: str) -> None:
        self._key = (os.getpid(), os.path.realpath(folder))
        descriptor, users = self._held.get(self._key) or (_locked(folder), 0)
        self._held[self._key] = (descriptor, users + 1)

    def release(self) -> None:
        """Let others have it, if no other index of this process does."""
        descriptor, users = self._held.pop(self._key, (-1, 0))
        if users > 1:
            self._held[self._key] = (descriptor, users - 1)
        elif descriptor >= 0:
            os.close(descriptor)


def _locked(folder: str) -> int:
    """A descriptor that holds the folder's lock; the system frees it when the process ends, however it does."""
    try:
        descriptor = os.open(Path(folder) / "agemem.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise ConfigurationError(f"chroma_path={folder!r} cannot be used: {error.strerror}") from None
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        owner = os.pread(descriptor, 100, 0).decode("ascii", "replace").strip() or "another process"
        os.close(descriptor)
        raise InUseError(
            f"chroma_path={folder!r} is in use by {owner}: end it, take another folder, or start a server that several "
            "processes can use (`chroma run`, chroma_url=)"
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"process {os.getpid()}\n".encode("ascii"), 0)
    return descriptor


def claim_on_server(client: Any, name: str, server: str, call: Callable[[Callable[[], Any]], Any]) -> Claim:
    """Claim a collection among all that use a server.

    Args:
        client: of the server.
        name: of the collection.
        server: its URL, as it may be shown.
        call: how the server is called.

    Raises:
        InUseError: another process or another index of this one has it.
    """
    claims = call(lambda: client.get_or_create_collection(CLAIMS, embedding_function=None))
    latest = max(_claims_of(claims, name, call), key=lambda row: row["number"], default=None)
    if latest is not None and _lives(latest):
        raise _in_use(name, server, latest)
    number = 1 if latest is None else latest["number"] + 1
    token = uuid.uuid4().hex
    mine: dict[str, str | int] = {"collection": name, "number": number, "token": token, "host": _host()}
    mine |= {"pid": os.getpid(), "started": _started(os.getpid())}
    claim_id = f"{name}#{number}"
    call(lambda: claims.add(ids=[claim_id], embeddings=[[1.0]], metadatas=[mine]))
    rows = _claims_of(claims, name, call)
    first = next((row for row in rows if row["number"] == number), None)
    if first is None or first["token"] != token:
        raise _in_use(name, server, first or {})
    if past := [f"{name}#{row['number']}" for row in rows if row["number"] < number]:
        call(lambda: claims.delete(ids=past))
    claim = Claim(token, lambda: claims.delete(ids=[claim_id]))
    _tokens[claim.token] = claim
    return claim


def _claims_of(claims: Any, name: str, call: Callable[[Callable[[], Any]], Any]) -> list[dict[str, Any]]:
    found = call(lambda: claims.get(where={"collection": name}, include=["metadatas"]))
    return list(found["metadatas"])


def _in_use(name: str, server: str, row: dict[str, Any]) -> InUseError:
    if (row.get("host"), row.get("pid")) == (_host(), os.getpid()):
        return InUseError(f"collection {name!r} on {server} is in use by another env of this process: {_MEND}")
    who = f"process {row.get('pid', '?')} on {str(row.get('host', '?')).split()[0]}"
    return InUseError(
        f"collection {name!r} on {server} is in use by {who}: {_MEND}; if that process is no more, delete the server's "
        f"collection {CLAIMS!r}"
    )


def _lives(row: dict[str, Any]) -> bool:
    """Whether a claim's index may still be there; of another machine's that is not known."""
    if row["host"] != _host():
        return True
    if row["pid"] == os.getpid():
        return row["token"] in _tokens
    return _started(row["pid"]) == row["started"] != ""


def _host() -> str:
    """The machine, and the process numbers that count on it: containers have their own."""
    try:
        return f"{socket.gethostname()} {os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return socket.gethostname()


def _started(pid: int) -> str:
    """When a process began, in the system's ticks; empty for one that is not there."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except OSError:
        return ""
