"""Rows of JSON files as people have them: one object a line, or one list; with a byte-order mark, CRLF, or gzipped.

A file is cut into rows once and a row is parsed when it is asked for, so a row that is broken says so, with its line, and
breaks nothing else::

    rows = read_rows(path)          cut, and kept while the file does not change
    rows[3], rows.place(3)          the parsed row; "q.jsonl, line 4"
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from agemem_gym.errors import ConfigurationError

_GZIP = b"\x1f\x8b"
_BLANK = " \t\r\n"


class RowError(ValueError):
    """A row that is not JSON; the message says why, without the place."""


@dataclass(frozen=True)
class Span:
    """Where a row stands in the text, and in which line it begins."""

    start: int
    end: int
    line: int


class JsonRows(Sequence[Any]):
    """The rows of one file."""

    def __init__(self, source: str, text: str, spans: Sequence[Span]) -> None:
        self._source, self._text, self._spans = source, text, spans

    def __len__(self) -> int:
        return len(self._spans)

    def __getitem__(self, position: Any) -> Any:
        """The parsed row.

        Raises:
            RowError: it cannot be parsed.
        """
        if isinstance(position, slice):
            return [self[i] for i in range(*position.indices(len(self)))]
        span = self._spans[position]
        text = self._text[span.start : span.end]
        try:
            text.encode()
            return json.loads(text)
        except UnicodeEncodeError:
            raise RowError("not UTF-8") from None
        except RecursionError:
            raise RowError("nested too deeply") from None
        except ValueError as error:
            raise RowError(f"not JSON: {error}") from None

    def place(self, position: int) -> str:
        """File and line of a row, for messages."""
        return f"{self._source}, line {self._spans[position].line}"


def read_rows(path: Path) -> JsonRows:
    """The rows of `path`.

    Raises:
        ConfigurationError: the file cannot be read, is no text, or holds no row.
    """
    try:
        state = path.stat()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror or error}") from None
    return _read_rows(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=2)
def _read_rows(path: Path, changed: int, size: int) -> JsonRows:
    text = read_text(path)
    spans = list(_of_list(str(path), text) if text.lstrip(_BLANK).startswith("[") else _of_lines(text))
    if not spans:
        raise ConfigurationError(f"{path} is empty: expected JSON objects, one a line or in a list")
    return JsonRows(str(path), text, spans)


def read_text(path: Path) -> str:
    """The text of a file: UTF-8, or what its byte-order mark says; unpacked where it is gzipped.

    Bytes that are not UTF-8 come as surrogates, so that whoever reads on can name the line.

    Raises:
        ConfigurationError: it cannot be read.
    """
    try:
        raw = path.read_bytes()
        if raw.startswith(_GZIP):
            raw = gzip.decompress(raw)
        return raw.decode(json.detect_encoding(raw), "surrogateescape")
    except (OSError, EOFError, zlib.error, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"{path} cannot be read ({reason}); it may be truncated") from None


def _of_lines(text: str) -> Iterator[Span]:
    """One row a line. Only a newline ends a line: other separators of Unicode may stand inside a string."""
    start, line = 0, 1
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        if text[start:end].strip(_BLANK):
            yield Span(start, end, line)
        start, line = end + 1, line + 1


def _of_list(source: str, text: str) -> Iterator[Span]:
    """The items of one list."""
    decoder, line, counted = json.JSONDecoder(), 1, 0
    start = _after_blanks(text, text.index("[") + 1)
    try:
        while text[start : start + 1] != "]":
            line, counted = line + text.count("\n", counted, start), start
            _, end = decoder.raw_decode(text, start)
            yield Span(start, end, line)
            start = _after_blanks(text, end)
            if text[start : start + 1] == ",":
                start = _after_blanks(text, start + 1)
            elif text[start : start + 1] != "]":
                raise json.JSONDecodeError("Expecting ',' or ']'", text, start)
    except RecursionError:
        raise ConfigurationError(f"{source}, line {line}: nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ConfigurationError(
            f"{source}, line {error.lineno}: not JSON ({error.msg}); it may be truncated"
        ) from None


def _after_blanks(text: str, position: int) -> int:
    while position < len(text) and text[position] in _BLANK:
        position += 1
    return position
