"""Long-term memory (LTM): records, vector indices and text encoders.

- :class:`Memory`: what an env needs of a memory (:mod:`.protocol`); :func:`make_memory` makes one (:mod:`.make`)
- :class:`MemoryStore`: ours; the authority on ids, order, scores and filters (:mod:`.store`)
- :class:`ChromaIndex`, :class:`ExactIndex`: where its entries are kept besides (:mod:`.chroma`, :mod:`.index`)
- :func:`make_encoder`: text to vector (:mod:`.encoders`)
- :func:`cosines`, :func:`similarities`: how near two texts are (:mod:`.similarity`)

Importing it loads neither Chroma nor a model.
"""

from typing import TYPE_CHECKING, Any

from agemem_gym.memory.encoder import Encoder, EncoderError
from agemem_gym.memory.encoders import make_encoder
from agemem_gym.memory.filters import FilterError
from agemem_gym.memory.index import ExactIndex, VectorIndex
from agemem_gym.memory.make import make_index, make_memory
from agemem_gym.memory.protocol import Memory
from agemem_gym.memory.record import Match, MemoryBackendError, MemoryRecord, StoreSnapshot, UnknownMemoryError
from agemem_gym.memory.similarity import cosines, similarities
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
    "Memory",
    "MemoryBackendError",
    "MemoryRecord",
    "MemoryStore",
    "StoreSnapshot",
    "UnknownMemoryError",
    "VectorIndex",
    "cosines",
    "make_encoder",
    "make_index",
    "make_memory",
    "similarities",
]


def __getattr__(name: str) -> Any:
    if name == "ChromaIndex":
        from agemem_gym.memory.chroma import ChromaIndex

        return ChromaIndex
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
