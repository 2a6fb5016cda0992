"""URLs of endpoints and servers: what of them may be shown, how a path is joined to one, and which are of one origin.

- :func:`masked`: a URL, or any text or data with URLs in it, without user names, passwords and query values
- :func:`joined`: a path put behind a URL's own path, before its query
- :func:`same_origin`: whether two URLs lead to one scheme, host and port; what goes elsewhere takes no key along

Example:
    >>> masked("http://ann:secret@host:8080/v1?key=abc#model")
    'http://***@host:8080/v1?key=***#model'
    >>> joined("http://host/v1?key=abc", "chat/completions")
    'http://host/v1/chat/completions?key=abc'
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, overload
from urllib.parse import urlsplit, urlunsplit

MASK = "***"

_URL = re.compile(r"""(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<rest>[^\s"'<>`\\]+)""")
_CLOSING = ".,;:!)]}"
_PORTS = {"http": 80, "https": 443}


@overload
def masked(value: str) -> str: ...
@overload
def masked(value: Any) -> Any: ...
def masked(value: Any) -> Any:
    """`value` with the secrets of every URL in it masked; texts in mappings, lists and tuples are masked, too.

    Masked are user name and password, and the value of every query parameter (a query without ``=`` as a whole).
    """
    if isinstance(value, str):
        return _URL.sub(_masked_url, value)
    if isinstance(value, Mapping):
        return {masked(key): masked(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(map(masked, value))
    return value


def joined(url: str, path: str) -> str:
    """`url` with `path` behind its own path, once; its query stays behind the path, its fragment goes."""
    parts = urlsplit(url)
    base, path = parts.path.rstrip("/"), path.strip("/")
    whole = base if f"{base}/".endswith(f"/{path}/") else f"{base}/{path}"
    return urlunsplit((parts.scheme, parts.netloc, whole, parts.query, ""))


def same_origin(one: str, other: str) -> bool:
    """Whether both have the same scheme, host and port."""
    return _origin(one) == _origin(other)


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(scheme)


def _masked_url(found: re.Match[str]) -> str:
    rest = found["rest"]
    closing = rest[len(rest.rstrip(_CLOSING)) :]
    rest = rest[: len(rest) - len(closing)]
    rest, mark, fragment = _without_user(rest).partition("#")
    path, question, query = rest.partition("?")
    if query:
        query = "&".join(map(_masked_parameter, re.split("[&;]", query)))
    return found["scheme"] + path + question + query + mark + fragment + closing


def _without_user(rest: str) -> str:
    """What follows ``//`` without its user name and password, in which people forget to quote ``/``, ``?`` and ``#``."""
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    host, colon, port = authority.rpartition(":")
    no_port = colon and not host.startswith("[") and (not port.isdigit() or ":" in host)
    torn = "@" in rest and (no_port or rest[len(authority) :].startswith("#"))
    if "@" not in authority and not torn:
        return rest
    whole = rest if torn else authority
    return MASK + rest[whole.rindex("@") :]


def _masked_parameter(parameter: str) -> str:
    name, equals, _ = parameter.partition("=")
    return f"{name}={MASK}" if equals else MASK
