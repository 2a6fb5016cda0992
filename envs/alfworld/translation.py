"""PDDL to SAS: fast-downward's parser and translator, called so that nothing outside notices.

Upstream's ``pddl2sas`` overwrites ``sys.argv``, swaps ``sys.stdout`` for everybody and sets options of the translator that
are global to the process. Here the call is made under one lock, arguments and output are restored whatever happens, and
only the calling thread's prints are dropped.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TextIO

from agemem_gym.errors import ConfigurationError

from .game import Game
from .grounding import Unsupported, sas_text

ENGINE_LOCK = threading.RLock()
"""Held around every call into the engine: its translator is global to the process and its library is not thread-safe."""


def _renew_lock() -> None:
    """A fork copies the lock as it is; if another thread held it, nobody in the child would ever release it."""
    global ENGINE_LOCK
    ENGINE_LOCK = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


@contextmanager
def engine_lock() -> Iterator[None]:
    """Hold the one lock of this process's engines."""
    with ENGINE_LOCK:
        yield


class _Muted:
    """Stands for ``sys.stdout``: drops what one thread writes and passes on what the others do."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._thread = threading.get_ident()

    def write(self, text: str) -> int:
        if threading.get_ident() == self._thread:
            return len(text)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Restore ``sys.argv`` and ``sys.stdout`` afterwards, and drop this thread's prints meanwhile.

    The collector rests meanwhile too: a translation makes some hundred thousand objects and no cycles worth finding, and
    searching for them took a third of its time.
    """
    arguments, stdout, collecting = sys.argv, sys.stdout, gc.isenabled()
    sys.stdout = _Muted(stdout)  # type: ignore[assignment]
    gc.disable()
    try:
        yield
    finally:
        sys.argv, sys.stdout = arguments, stdout
        if collecting:
            gc.enable()


@dataclass
class Translation:
    """A PDDL problem as fast-downward holds it: the parsed task, and the planning task in SAS format (about 1 MB)."""

    task: Any
    sas: bytes
    replan_sas: bytes | None = None


class TranslationCache:
    """The last few translations by the game's hash: a group of rollouts of one task translates it once.

    A translation takes 5 to 10 MB, hence the small bound.
    """

    def __init__(self, size: int = 4) -> None:
        self._size = size
        self._kept: OrderedDict[str, Translation] = OrderedDict()

    def get(self, game: Game) -> Translation:
        """The complete translation of a game's problem: no fact and no operator pruned, as the text engine needs them all.

        Raises:
            ConfigurationError: fast-downward cannot read it.
        """
        key = game.sha256
        found = self._kept.pop(key, None) or _translate(game)
        self._kept[key] = found
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)
        return found

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()


def translate_for_planning(game: Game) -> bytes:
    """The smaller SAS task that the planner searches from a state in mid-episode."""
    return _ask_fast_downward(game, optimize=True)[1]


def _translate(game: Game) -> Translation:
    """By our own grounder where it can, else by fast-downward."""
    try:
        task = _parse(game)
        with undisturbed():
            return Translation(task, sas_text(task).encode("utf-8"))
    except Unsupported:
        return Translation(*_ask_fast_downward(game, optimize=False))


def _parse(game: Game) -> Any:
    """The normalised task."""
    with _faults_of(game), undisturbed():
        sys.argv = ["translate.py", "domain", "task"]  # fast-downward reads its options at import
        from fast_downward.translate import normalize
        from fast_downward.translate.pddl_parser import lisp_parser, parsing_functions

        domain, problem = (lisp_parser.parse_nested_list(text.split("\n")) for text in (game.domain, game.problem))
        task = parsing_functions.parse_task(domain, problem)
        normalize.normalize(task)
    return task


def _ask_fast_downward(game: Game, optimize: bool) -> tuple[Any, bytes]:
    """The parsed task and its SAS text."""
    with _faults_of(game), undisturbed():
        import fast_downward

        task, sas = fast_downward.pddl2sas(game.domain, game.problem, optimize=optimize)
    return task, sas.encode("utf-8")


@contextmanager
def _faults_of(game: Game) -> Iterator[None]:
    try:
        yield
    except (Exception, SystemExit) as error:  # fast-downward leaves by sys.exit on some faults
        raise ConfigurationError(
            f"fast-downward cannot translate the PDDL of game {game.name!r} ({error!r}); the file may be truncated"
        ) from error


TRANSLATIONS = TranslationCache()
