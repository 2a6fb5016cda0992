"""What a long-term memory (LTM) `M_t` is to an env: eleven verbs and a clock.

::

    Add_memory ─► add         Delete_memory   ─► delete        a new episode ─► clear, unless memory is kept
    Update_memory ─► update   Retrieve_memory ─► search        a branch      ─► snapshot, restore

:class:`agemem_gym.memory.MemoryStore` is ours. Whatever else fulfils :class:`Memory` can stand behind the same tools, is
counted in memory quality and diagnosis, and is recorded: ``gym.make(id, memory=…)``.
:func:`agemem_gym.memory.contract.check_memory` tells whether one keeps what is said here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

from agemem_gym.memory.record import Match, MemoryRecord


@runtime_checkable
class Memory(Protocol):
    """The entries of one env.

    A call that raises has changed nothing. What is no fault of the caller's (a server that died, an encoder without an answer)
    is an :class:`agemem_gym.errors.EngineError`: the episode ends, and the next ``reset`` starts afresh.

    Attributes:
        now: logical time, which new and changed records get. :meth:`clear` sets it to 0; where memory is kept it goes on, so
            that times of later episodes are later. At the n-th reply of an episode the env sets it to `n` more than it was
            when the episode began.
    """

    now: int

    def add(self, content: str, metadata: Mapping[str, Any] | None = None) -> MemoryRecord:
        """Store a new entry under an id of its own, which is not used again before :meth:`clear`."""

    def update(self, memory_id: str, content: str, metadata: Mapping[str, Any] | None = None) -> MemoryRecord:
        """Replace the content of an entry, and its metadata unless they are None; return what it is now.

        Raises:
            UnknownMemoryError: there is no such entry.
        """

    def delete(self, memory_id: str) -> MemoryRecord:
        """Remove an entry, and return what it was.

        Raises:
            UnknownMemoryError: there is no such entry.
        """

    def get(self, memory_id: str) -> MemoryRecord:
        """The entry of this id.

        Raises:
            UnknownMemoryError: there is none.
        """

    def search(self, query: str, top_k: int = 3, metadata_filter: Mapping[str, Any] | None = None) -> list[Match]:
        """The entries nearest to `query`, best first, at most `top_k`; the same ones in the same order whenever asked.

        Raises:
            FilterError: `metadata_filter` is none, see :mod:`agemem_gym.memory.filters`.
        """

    def __iter__(self) -> Iterator[MemoryRecord]:
        """All entries, in the order of their ids."""

    def __len__(self) -> int:
        """How many entries there are."""

    def clear(self) -> None:
        """Forget everything, begin ids and clock anew."""

    def snapshot(self) -> Any:
        """The present content and time, as plain data that can be pickled."""

    def restore(self, snapshot: Any) -> None:
        """Go back to a snapshot of this memory."""

    def close(self) -> None:
        """Let go of what is held. Safe to call twice."""
