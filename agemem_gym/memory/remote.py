"""Encoders that need more than this package: sentence-transformers models, and embeddings endpoints."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Sequence
from typing import Any

import httpx
import numpy as np

from agemem_gym import endpoints
from agemem_gym.endpoints import Address, EndpointError, Patience
from agemem_gym.errors import ConfigurationError, import_extra
from agemem_gym.memory.encoder import EncoderError, unit_rows
from agemem_gym.memory.tokens import count_words
from agemem_gym.urls import joined, masked


class SentenceTransformerEncoder:
    """Any sentence-transformers model, by name or path; loaded at the first use."""

    def __init__(self, model: str) -> None:
        if not model:
            raise ConfigurationError("encoder='sentence-transformers:' names no model; append a name or a path")
        self._library = import_extra("sentence_transformers", "models")
        self._path = model
        self._loaded: Any = None
        self.name = f"sentence-transformers:{model}"

    @property
    def _model(self) -> Any:
        if self._loaded is None:
            try:
                self._loaded = self._library.SentenceTransformer(self._path, device="cpu")
            except (OSError, ValueError) as error:
                raise ConfigurationError(f"encoder={self.name!r} cannot be loaded: {error}") from None
        return self._loaded

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._model.get_embedding_dimension())

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors, float32, shape (n, d); one text a pass, so that a text's vector does not depend on its batch."""
        rows = [self._model.encode([text], show_progress_bar=False, convert_to_numpy=True)[0] for text in texts]
        return unit_rows(rows, len(texts), self.name)

    def count_tokens(self, text: str) -> int:
        """By the model's own tokenizer."""
        return len(self._model.tokenizer.encode(text, add_special_tokens=False))


class HTTPEncoder:
    """An OpenAI-compatible embeddings endpoint, e.g. ``"http://127.0.0.1:8080/v1/embeddings#model-name"``.

    A URL whose path does not end in ``/embeddings`` gets that appended; what stands behind ``#`` is sent as the model's name.
    The key, if one is needed, is taken from the environment variable ``AGEMEM_EMBEDDINGS_KEY``. How long it is waited for, and
    that no other origin is asked: see :mod:`agemem_gym.endpoints`.
    """

    def __init__(self, url: str, *, timeout: float = 30.0, attempts: int = 3, backoff: float = 0.5) -> None:
        address = Address.of(url)
        self._url, self._model = joined(address.url, "embeddings"), address.model
        self._patience = Patience(timeout, attempts, backoff)
        self._dimension: int | None = None
        self.name = masked(url)

    @property
    def dimension(self) -> int:
        """Length of a vector, found out by encoding one text."""
        if self._dimension is None:
            self.encode(["dimension"])
        assert self._dimension is not None
        return self._dimension

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors, float32, shape (n, d); EncoderError after the last attempt."""
        try:
            rows = endpoints.result_of(self._asked(list(texts)))
        except EndpointError as error:
            raise EncoderError(str(error)) from None
        vectors = unit_rows(rows, len(texts), self.name, self._dimension)
        self._dimension = vectors.shape[1]
        return vectors

    async def _asked(self, texts: list[str]) -> list[list[float]]:
        key = os.environ.get("AGEMEM_EMBEDDINGS_KEY")
        return await endpoints.persevere(
            functools.partial(self._ask, texts, key),
            self._patience,
            endpoint=f"the embeddings endpoint {masked(self._url)}",
            clean=lambda text: endpoints.without_secrets(text, self._url, key),
        )

    async def _ask(self, texts: list[str], key: str | None) -> list[list[float]]:
        """One attempt."""
        body = json.dumps({"model": self._model or "default", "input": texts}).encode("utf-8")
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        answer = await endpoints.client(httpx.AsyncClient).post(self._url, content=body, headers=headers)
        if answer.status_code != 200:
            raise endpoints.refusal(answer.status_code, answer.headers, answer.text)
        items = json.loads(answer.content)["data"]
        return [item["embedding"] for item in sorted(items, key=lambda item: item["index"])]

    def count_tokens(self, text: str) -> int:
        """Words and punctuation marks: an endpoint has no tokenizer to ask."""
        return count_words(text)
