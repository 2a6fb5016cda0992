"""PDDL text to nested lists that know their lines: ``(define (domain d) …)`` to ``Form((Word("define", 1), Form(…), …), 1)``.

Comments are dropped and capitals made small, as PDDL says. What is wrong with a text is raised as :class:`Fault` with its line;
:func:`explained` turns that into the user's ``ConfigurationError`` with the file's name.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from agemem_gym.checks import did_you_mean
from agemem_gym.errors import ConfigurationError

_TOKEN = re.compile(r";[^\n]*|[()]|[^\s();]+|\n")
_DEEPEST = 100


class Fault(Exception):
    """What is wrong, and in which line."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line, self.reason = line, reason


@dataclass(frozen=True)
class Word:
    """A name, a variable, a keyword or a number."""

    text: str
    line: int


@dataclass(frozen=True)
class Form:
    """A list in parentheses; `line` is that of its opening one."""

    items: tuple[Node, ...]
    line: int

    @property
    def head(self) -> str:
        """Its first word, or ``""`` where it does not begin with one."""
        return self.items[0].text if self.items and isinstance(self.items[0], Word) else ""

    @property
    def rest(self) -> tuple[Node, ...]:
        """All but the first."""
        return self.items[1:]


Node = Word | Form


def fail(node: Node, reason: str) -> NoReturn:
    """Refuse what stands at `node`."""
    raise Fault(node.line, reason)


def refuse_name(node: Node, kind: str, name: str, known: Iterable[str]) -> NoReturn:
    """Refuse an unknown name, with the nearest known one."""
    raise Fault(node.line, f"unknown {kind} {name!r}{did_you_mean(name, known)}")


def as_word(node: Node, what: str) -> str:
    """The text of a word; a list is refused."""
    return node.text if isinstance(node, Word) else fail(node, f"expected {what}, not a list in parentheses")


def as_form(node: Node, what: str) -> Form:
    """A list in parentheses; a word is refused."""
    return node if isinstance(node, Form) else fail(node, f"expected {what} in parentheses, not {node.text!r}")


def read_text(path: Path) -> str:
    """The text of a file."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from None


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """A fault in the text of a file becomes one error with the file's name and the line."""
    try:
        yield
    except Fault as fault:
        raise ConfigurationError(f"{path}, line {fault.line}: {fault.reason}") from None


def sections(text: str, kind: str) -> Form:
    """The ``(define …)`` of a file.

    Raises:
        Fault: parentheses that do not match, or no ``(define (domain …) …)`` or ``(define (problem …) …)`` of this kind.
    """
    forms = _forms(text)
    defined = next((form for form in forms if form.head == "define"), None)
    if defined is None:
        raise Fault(1, "no '(define' found: this is no PDDL file")
    title = defined.items[1] if len(defined.items) > 1 else None
    if not isinstance(title, Form) or title.head != kind or len(title.items) != 2:
        fail(title or defined, f"expected (define ({kind} NAME) …)")
    return defined


def _forms(text: str) -> list[Form]:
    """All lists at the top of a text."""
    line = 1
    found: list[Form] = []
    opened: list[tuple[list[Node], int]] = []
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token == "\n":
            line += 1
        elif token == "(":
            opened.append(([], line))
            if len(opened) > _DEEPEST:
                raise Fault(line, f"lists are nested deeper than {_DEEPEST}")
        elif token == ")":
            if not opened:
                raise Fault(line, "')' without '('")
            items, first = opened.pop()
            form = Form(tuple(items), first)
            if opened:
                opened[-1][0].append(form)
            else:
                found.append(form)
        elif token[0] != ";" and opened:
            opened[-1][0].append(Word(token.lower(), line))
    if opened:
        raise Fault(opened[-1][1], "'(' is never closed")
    return found
