"""The planner's shared library: one private copy per live engine, lent from a small pool.

``libdownward.so`` keeps its game in C globals, so each live episode needs a copy of its own; ``fast_downward.load_lib`` makes
one from a temporary file. A copy that is dropped stays mapped (1.7 MB each), so copies are lent, given back and lent again.
"""

from __future__ import annotations

import weakref
from typing import Any

from .translation import engine_lock

IDLE_COPIES = 8
"""So many unused copies are kept; further ones are unloaded when they come back."""


class LibraryPool:
    """The copies of the library that nobody uses at present."""

    def __init__(self) -> None:
        self._idle: list[Any] = []

    def take(self) -> Any:
        """A copy for the caller alone."""
        import fast_downward

        with engine_lock():
            return self._idle.pop() if self._idle else fast_downward.load_lib()

    def give_back(self, library: Any) -> None:
        """Take `library` back; its game is forgotten with the next ``load_sas``."""
        import fast_downward

        with engine_lock():
            if len(self._idle) < IDLE_COPIES:
                self._idle.append(library)
            else:
                fast_downward.close_lib(library)


LIBRARIES = LibraryPool()


class Loan:
    """One borrowed copy. It goes back on :meth:`end`, or when its holder is garbage."""

    def __init__(self) -> None:
        self.library = LIBRARIES.take()
        self._finalizer = weakref.finalize(self, LIBRARIES.give_back, self.library)
        self._finalizer.atexit = False

    def end(self) -> None:
        """Give the copy back. Safe to call twice."""
        self._finalizer()
