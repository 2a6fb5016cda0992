"""From what a user writes to weights in memory: a folder, a name on the Hugging Face hub, ``smollm`` or ``small``.

Weights are read once a process for all that use them, from safetensors only: no pickle of foreign files.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from agemem_gym.chat.local import smollm
from agemem_gym.checks import nearest_path
from agemem_gym.errors import ConfigurationError, import_extra

SMOLLM, SMALL = "smollm", "small"
NAMED = (SMOLLM, SMALL)
"""Models with a name of their own: SmolLM2 from its package, and the small one that lies in this package."""

_SMALL_IN = "agemem_gym.baselines.sft"
_WINDOWS = ("max_position_embeddings", "n_positions", "max_seq_len")


@dataclass(frozen=True)
class Loaded:
    """A model in memory.

    Attributes:
        model, tokenizer: of ``transformers``.
        ends: the tokens that end a reply.
        threads: how many suit it; None where that is not for us to say.
    """

    model: Any
    tokenizer: Any
    ends: frozenset[int]
    threads: int | None


def is_model_folder(spec: str) -> bool:
    """Whether a model of ``transformers`` lies there."""
    return (Path(spec).expanduser() / "config.json").is_file()


def small_folder() -> Path:
    """Where the small model of this package lies."""
    found = find_spec(_SMALL_IN)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).with_name("model")


def source_of(spec: str) -> str:
    """Where ``transformers`` finds a model: a folder, or a name on the hub.

    Raises:
        ConfigurationError: it is a path, but no model lies there.
        MissingDependencyError: ``smollm`` is not installed.
    """
    if spec == SMOLLM:
        return str(smollm.smollm_folder())
    if spec == SMALL:
        return str(small_folder())
    path = Path(spec).expanduser()
    if is_model_folder(spec):
        return str(path.resolve())
    if path.exists():
        raise ConfigurationError(f"{spec!r} holds no model: there is no config.json in it")
    if spec.count("/") > 1 or spec.startswith(("/", ".", "~")):
        raise ConfigurationError(f"{spec!r}: there is no such folder{nearest_path(path)}")
    return spec


def window_of(spec: str) -> int | None:
    """The tokens of a model's window, read from its configuration alone; None if it names none."""
    if spec == SMOLLM:
        return smollm.WINDOW
    source = source_of(spec)
    if is_model_folder(source):
        config = json.loads((Path(source) / "config.json").read_text(encoding="utf-8"))
    else:
        transformers = import_extra("transformers", "local")
        config = _read(source, lambda: transformers.AutoConfig.from_pretrained(source)).to_dict()
    for part in (config, config.get("text_config") or {}):
        for name in _WINDOWS:
            if isinstance(part.get(name), int):
                return int(part[name])
    return None


def longest_reply_of(spec: str) -> int | None:
    """The tokens of a reply at most, by ``max_new_tokens`` of a folder's generation settings; None if it names none."""
    if spec == SMOLLM:
        return None
    file = Path(source_of(spec)) / "generation_config.json"
    found = json.loads(file.read_text(encoding="utf-8")).get("max_new_tokens") if file.is_file() else None
    return found if isinstance(found, int) and found > 0 else None


def load(spec: str, *, device: str = "auto", dtype: str = "auto", threads: int | None = None) -> Loaded:
    """A model and its tokenizer; that it plays through slots as it does by itself has been tried.

    Args:
        spec: see :func:`source_of`.
        device: e.g. ``"cpu"``, ``"cuda"``; ``"auto"`` takes a GPU where there is one.
        dtype: e.g. ``"float32"``; ``"auto"`` is that on a CPU, and the checkpoint's own elsewhere.
        threads: of torch on a CPU; measured if left out.

    Raises:
        ConfigurationError: it cannot be loaded as it is.
        MissingDependencyError: torch or transformers is not installed.
    """
    source = source_of(spec)
    return _load(source, device, dtype, threads, _written(source))


def _written(source: str) -> tuple[int, ...]:
    """When a folder's weights and configuration were written: another training may have put others there."""
    if not is_model_folder(source):
        return ()
    return tuple(file.stat().st_mtime_ns for file in sorted(Path(source).iterdir()) if file.is_file())


@lru_cache(maxsize=2)
def _load(source: str, device: str, dtype: str, threads: int | None, written: tuple[int, ...]) -> Loaded:
    torch, transformers = import_extra("torch", "local"), import_extra("transformers", "local")
    from agemem_gym.chat.local.threads import suitable_threads
    from agemem_gym.chat.local.verification import check_engine

    device = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    wanted = ("float32" if device == "cpu" else "auto") if dtype == "auto" else dtype
    with smollm.quiet() if is_model_folder(source) else contextlib.nullcontext():
        tokenizer = _read(source, lambda: transformers.AutoTokenizer.from_pretrained(source))
        model, report = _read(
            source,
            lambda: transformers.AutoModelForCausalLM.from_pretrained(
                source, dtype=wanted, use_safetensors=True, output_loading_info=True
            ),
        )
    if report["missing_keys"]:
        raise ConfigurationError(f"{source!r} lacks weights: {', '.join(sorted(report['missing_keys'])[:3])}")
    model = model.to(device).eval()
    if device == "cpu":
        threads = threads or suitable_threads(model)
        torch.set_num_threads(threads)
    check_engine(model, source)
    return Loaded(model, tokenizer, ends_of(model, tokenizer), threads)


def ends_of(model: Any, tokenizer: Any) -> frozenset[int]:
    """The tokens that end a reply of a model."""
    generation = getattr(model, "generation_config", None)
    found: set[int] = set()
    for end in (getattr(generation, "eos_token_id", None), model.config.eos_token_id, tokenizer.eos_token_id):
        found |= {end} if isinstance(end, int) else set(end or ())
    return frozenset(found)


def _read(source: str, read: Any) -> Any:
    try:
        return read()
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(f"{source!r} cannot be loaded: {reason:.300}") from error
