"""agemem-gym: Gymnasium environments for agents that manage their own memory (AgeMem, arXiv:2601.01885).

Importing it registers the env ids and loads no engine, no Chroma and no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agemem_gym.registration import register_all

if TYPE_CHECKING:
    from agemem_gym.env import MemoryEnv
    from agemem_gym.vector import make_vec

__version__ = "0.3.0"
__all__ = ["MemoryEnv", "make_vec", "register_all"]

register_all()


def __getattr__(name: str) -> Any:
    if name == "MemoryEnv":
        from agemem_gym.env import MemoryEnv

        return MemoryEnv
    if name == "make_vec":
        from agemem_gym.vector import make_vec

        return make_vec
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
