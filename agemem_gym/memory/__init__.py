"""Long-term memory (LTM): records, vector indices and text encoders.

- :class:`MemoryStore`: the entries of one env; the authority on ids, order, scores and filters (:mod:`.store`)
- :class:`ChromaIndex`, :class:`ExactIndex`: find the candidates of a search (:mod:`.chroma`, :mod:`.index`)
- :func:`make_encoder`: text to vector (:mod:`.encoder`)

Importing it loads neither Chroma nor a model.
"""

from typing import TYPE_CHECKING, Any

from agemem_gym.memory.encoder import Encoder, EncoderError, make_encoder
from agemem_gym.memory.filters import FilterError
from agemem_gym.memory.index import ExactIndex, VectorIndex, make_index
from agemem_gym.memory.record import Match, MemoryRecord, StoreSnapshot, UnknownMemoryError
from agemem_gym.memory.store import MemoryStore

if TYPE_CHECKING:
    from agemem_gym.memory.chroma import ChromaIndex

__all__ = [
    "ChromaIndex",
    "Encoder",
    "EncoderError",
    "ExactIndex",
    "FilterError",
    "Match",
    "MemoryRecord",
    "MemoryStore",
    "StoreSnapshot",
    "UnknownMemoryError",
    "VectorIndex",
    "make_encoder",
    "make_index",
]


def __getattr__(name: str) -> Any:
    if name == "ChromaIndex":
        from agemem_gym.memory.chroma import ChromaIndex

        return ChromaIndex
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
