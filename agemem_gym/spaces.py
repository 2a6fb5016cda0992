"""A text space that every vector env of Gymnasium and Stable-Baselines3 carries unharmed.

``gymnasium.spaces.Text`` has an alphanumeric alphabet by default (``"a b"`` is not in it), no shape (Stable-Baselines3's
``DummyVecEnv`` raises), and comes out of ``AsyncVectorEnv``'s shared memory as ``"000…"``. :class:`TextSpace` is a ``Text``
that contains any string up to a length, has ``shape=()`` and ``dtype=object``, and brings its own way through shared memory.
"""

from __future__ import annotations

import ctypes
import string
from collections.abc import Sequence
from multiprocessing.context import BaseContext
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector.utils import create_shared_memory, read_from_shared_memory, write_to_shared_memory

_SAMPLED_CHARACTERS = string.ascii_letters + string.digits + string.punctuation + " "
_UTF8_BYTES = 4  # at most, per character
_HEADER = ctypes.sizeof(ctypes.c_int64)  # each slot of shared memory begins with the text's length in bytes


class TextSpace(spaces.Text):
    """All strings of at most `max_length` characters.

    Samples are short printable ASCII strings; containment asks for type and length only.

    Example:
        >>> space = TextSpace(100, seed=1)
        >>> space.contains("<answer>café</answer>"), space.contains("x" * 101), space.contains(3)
        (True, False, False)
        >>> space.shape, space.dtype
        ((), dtype('O'))
    """

    def __init__(self, max_length: int, *, min_length: int = 0, seed: int | np.random.Generator | None = None) -> None:
        super().__init__(max_length, min_length=min_length, charset=_SAMPLED_CHARACTERS, seed=seed)
        self._shape = ()
        self.dtype = np.dtype(object)

    def contains(self, x: Any) -> bool:
        """Whether `x` is a string whose length fits."""
        return isinstance(x, str) and self.min_length <= len(x) <= self.max_length

    def sample(self, mask: Any = None, probability: Any = None) -> str:
        """A printable string of 1 to 64 characters (or as `mask` says, see ``gymnasium.spaces.Text``)."""
        if mask is not None or probability is not None:
            return super().sample(mask, probability)
        length = int(self.np_random.integers(max(1, self.min_length), min(64, self.max_length) + 1))
        picks = self.np_random.integers(len(_SAMPLED_CHARACTERS), size=length)
        return "".join(_SAMPLED_CHARACTERS[i] for i in picks)

    def __repr__(self) -> str:
        return f"TextSpace({self.max_length}, min_length={self.min_length})"

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, TextSpace) and self.min_length == other.min_length and self.max_length == other.max_length
        )

    __hash__ = None  # type: ignore[assignment]  # as every Gymnasium space


def _slot_bytes(space: TextSpace) -> int:
    return _HEADER + space.max_length * _UTF8_BYTES


@create_shared_memory.register(TextSpace)
def _create_shared_text(space: TextSpace, n: int = 1, ctx: BaseContext | Any = None) -> Any:
    import multiprocessing

    return (ctx or multiprocessing).RawArray(ctypes.c_byte, n * _slot_bytes(space))


@write_to_shared_memory.register(TextSpace)
def _write_shared_text(space: TextSpace, index: int, value: str, shared_memory: Any) -> None:
    data = value[: space.max_length].encode("utf-8", "surrogatepass")
    start = index * _slot_bytes(space)
    view = memoryview(shared_memory).cast("B")
    view[start : start + _HEADER] = len(data).to_bytes(_HEADER, "little")
    view[start + _HEADER : start + _HEADER + len(data)] = data


@read_from_shared_memory.register(TextSpace)
def _read_shared_text(space: TextSpace, shared_memory: Any, n: int = 1) -> Sequence[str]:
    return _SharedTexts(space, shared_memory, n)


class _SharedTexts(Sequence[str]):
    """What stands in shared memory now: AsyncVectorEnv asks for it once and copies it after every step."""

    def __init__(self, space: TextSpace, shared_memory: Any, n: int) -> None:
        self._view = memoryview(shared_memory).cast("B")
        self._stride, self._n = _slot_bytes(space), n

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return tuple(self)[index]
        if not -self._n <= index < self._n:
            raise IndexError(index)
        start = index % self._n * self._stride
        length = int.from_bytes(self._view[start : start + _HEADER], "little")
        return bytes(self._view[start + _HEADER : start + _HEADER + length]).decode("utf-8", "surrogatepass")

    def __deepcopy__(self, memo: dict[int, Any]) -> tuple[str, ...]:
        return tuple(self)
