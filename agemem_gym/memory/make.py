"""From the keywords of ``gym.make`` to a memory.

::

    memory=None, "store"        MemoryStore over the index that index=, chroma_path= … name
           "module:Name"        what stands there, as one of the following
           a class, a function  called with the encoder if it takes an argument: each env gets a memory of its own
           a Memory             itself
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable
from typing import Any, Literal

from agemem_gym.checks import did_you_mean, positive
from agemem_gym.errors import AgeMemError, ConfigurationError
from agemem_gym.memory.encoder import Encoder
from agemem_gym.memory.index import ExactIndex, VectorIndex
from agemem_gym.memory.protocol import Memory
from agemem_gym.memory.store import MemoryStore

MemorySpec = str | Memory | Callable[..., Memory] | None


def make_memory(
    spec: MemorySpec = None,
    encoder: Encoder | None = None,
    *,
    index: str | VectorIndex = "chroma",
    chroma_path: str | None = None,
    chroma_url: str | None = None,
    collection: str | None = None,
    chroma_existing: Literal["refuse", "wipe"] = "refuse",
    chroma_timeout: float = 30.0,
) -> Memory:
    """The memory that `spec` stands for, see the module.

    Args:
        spec: what ``memory=`` was given.
        encoder: makes the vectors of our own store; handed to a factory that takes an argument.
        index, chroma_path, chroma_url, collection, chroma_timeout: of our own store, see :func:`make_index`.
        chroma_existing: whether a reset may delete what an earlier process left in `chroma_path` or `chroma_url`:
            ``"refuse"`` or ``"wipe"``.

    Raises:
        ConfigurationError: it stands for none, or keywords do not go together.
    """
    positive("chroma_timeout", chroma_timeout)
    places = {"chroma_path": chroma_path, "chroma_url": chroma_url, "collection": collection}
    if spec is None or spec == "store":
        if encoder is None:
            raise ConfigurationError("memory='store' needs an encoder")
        kept = make_index(index, **places, chroma_timeout=chroma_timeout, encoder=encoder)
        return MemoryStore(encoder, kept, existing=chroma_existing)
    if given := [name for name, value in places.items() if value is not None]:
        raise ConfigurationError(f"{given[0]}= is for memory='store': a memory of your own keeps its entries itself")
    return _checked(_called(_named(spec) if isinstance(spec, str) else spec, encoder), spec)


def make_index(
    spec: str | VectorIndex = "chroma",
    *,
    chroma_path: str | None = None,
    chroma_url: str | None = None,
    collection: str | None = None,
    chroma_timeout: float = 30.0,
    encoder: Encoder | None = None,
) -> VectorIndex:
    """What keeps the entries of a :class:`MemoryStore`; searches give the same results with each.

    Args:
        spec: ``"chroma"``, ``"exact"`` (nothing beside the store itself), or a VectorIndex.
        chroma_path: folder of a persistent Chroma; entries survive the process. One process at a time.
        chroma_url: URL of a Chroma server, as ``chroma run`` starts one.
        collection: name of the Chroma collection, of one env at a time. By default each env has one of its own in process,
            and ``"agemem"`` in a folder or on a server. ``"notes-{n}"`` is the first of ``notes-0``, ``notes-1`` … that no
            other env has open: vector envs and jobs that share a folder or a server need it.
        chroma_timeout: seconds that a server may take for an answer.
        encoder: whose vectors go in; a persistent collection that holds another encoder's is refused.

    Raises:
        ConfigurationError: an unknown index, or keywords that do not go together.
    """
    if spec == "exact":
        if chroma_path or chroma_url or collection:
            raise ConfigurationError("index='exact' takes no chroma_path, chroma_url or collection")
        return ExactIndex()
    if spec == "chroma":
        if chroma_path and chroma_url:
            raise ConfigurationError("chroma_path and chroma_url exclude each other: give one of them")
        from agemem_gym.memory.chroma import ChromaIndex

        name = encoder.name if encoder is not None else ""
        return ChromaIndex(
            path=chroma_path, url=chroma_url, collection=collection, encoder_name=name, timeout=chroma_timeout
        )
    if isinstance(spec, VectorIndex):
        return spec
    expected = "expected 'chroma', 'exact', or a VectorIndex (persistent, upsert, delete, load, close)"
    raise ConfigurationError(f"unknown index {spec!r}: {expected}{did_you_mean(spec, ('chroma', 'exact'))}")


def _named(spec: str) -> Any:
    if ":" in spec:
        try:
            return pkgutil.resolve_name(spec)
        except (ImportError, AttributeError, ValueError) as error:
            raise ConfigurationError(f"memory={spec!r} cannot be imported: {error}") from None
    raise ConfigurationError(
        f"unknown memory {spec!r}: expected 'store', 'module:Class', a Memory, or a callable that makes one"
    )


def _called(spec: Any, encoder: Encoder | None) -> Any:
    """What a class or a function makes; a Memory as it is."""
    if isinstance(spec, Memory) and not isinstance(spec, type):
        return spec
    if not callable(spec):
        return spec
    try:
        parameters = inspect.signature(spec).parameters.values()
    except (TypeError, ValueError):
        parameters = {}.values()
    wanted = [p for p in parameters if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    try:
        return spec(encoder) if wanted else spec()
    except AgeMemError:
        raise
    except Exception as error:
        raise ConfigurationError(f"memory={spec!r:.100} failed: {type(error).__name__}: {error}") from error


def _checked(memory: Any, spec: Any) -> Memory:
    if isinstance(memory, Memory):
        return memory
    verbs = sorted({"now", *(name for name in vars(Memory) if name in ("__iter__", "__len__") or name[0] != "_")})
    missing = ", ".join(name for name in verbs if not hasattr(memory, name))
    raise ConfigurationError(f"memory={spec!r:.100}: a {type(memory).__name__} is no Memory, it lacks {missing}")
