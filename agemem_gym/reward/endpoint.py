"""A language model behind an OpenAI-compatible chat endpoint, as a callable from chat messages to text."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from agemem_gym.errors import EngineError


class ChatEndpointError(EngineError):
    """The endpoint did not answer, or not in the form of a chat completion."""


class ChatEndpoint:
    """One POST a call, at temperature 0, to e.g. ``"http://127.0.0.1:8080/v1#model-name"``.

    ``/chat/completions`` is appended where the URL does not end so; what stands behind ``#`` is sent as the model's name. The
    key, if one is needed, is taken from the environment variable ``AGEMEM_CHAT_KEY``. A refused or failed call raises
    ChatEndpointError; to try again is the caller's business.
    """

    def __init__(self, url: str, *, timeout: float = 60.0, max_tokens: int = 16) -> None:
        address, _, model = url.partition("#")
        address = address.rstrip("/")
        self._url = address if address.endswith("/chat/completions") else address + "/chat/completions"
        self._timeout = timeout
        self._max_tokens = max_tokens
        self.model = model or "default"

    def __call__(self, messages: Sequence[dict[str, str]]) -> str:
        """The text of the model's reply."""
        import urllib.request

        body = {"model": self.model, "messages": list(messages), "temperature": 0, "max_tokens": self._max_tokens}
        headers = {"Content-Type": "application/json"}
        if key := os.environ.get("AGEMEM_CHAT_KEY"):
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(self._url, data=json.dumps(body).encode("utf-8"), headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as response:
                text = json.load(response)["choices"][0]["message"]["content"]
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise ChatEndpointError(f"the chat endpoint {self._url} failed: {error}") from None
        if not isinstance(text, str):
            raise ChatEndpointError(f"the chat endpoint {self._url} gave no text: {text!r:.100}")
        return text
