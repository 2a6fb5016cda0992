"""Any value as plain data that JSON can hold, without copying what it holds and without addresses of this process.

- :func:`plain`: the value; what JSON cannot hold stands as ``{"not_plain": "<its repr>"}``
- :func:`opaque`: where in a plain value such stand-ins are: from them the value cannot be made again
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from pathlib import PurePath
from typing import Any

import numpy as np

NOT_PLAIN = "not_plain"
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def plain(value: Any) -> Any:
    """`value` in dicts with text keys, lists, texts, numbers, truth values and None.

    Paths become text; dataclasses, tuples, sets (sorted), enums and NumPy's values what they hold.

    Example:
        >>> plain({"folder": PurePath("a/b"), "range": (0.3, 0.7), 5: np.int64(2)})
        {'folder': 'a/b', 'range': [0.3, 0.7], '5': 2}
        >>> plain(print)
        {'not_plain': '<built-in function print>'}
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else {NOT_PLAIN: repr(float(value))}
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, PurePath):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Set):
        return sorted((plain(item) for item in value), key=repr)
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray, memoryview)):
        return [plain(item) for item in value]
    return {NOT_PLAIN: _ADDRESS.sub("", repr(value))}


def opaque(value: Any, name: str = "") -> Iterator[str]:
    """The places in a plain value that hold a stand-in, as ``name.key[0]``.

    Example:
        >>> list(opaque(plain({"encoder": print, "tools": ["Add_memory", print]})))
        ['encoder', 'tools[1]']
    """
    if isinstance(value, Mapping):
        if set(value) == {NOT_PLAIN}:
            yield name
            return
        for key, item in value.items():
            yield from opaque(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from opaque(item, f"{name}[{number}]")
