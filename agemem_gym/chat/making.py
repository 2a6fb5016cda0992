"""From what a user writes to a chat model."""

from __future__ import annotations

import inspect
import os
from typing import Any

from agemem_gym.chat.callable import CallableModel
from agemem_gym.chat.endpoint import EndpointModel
from agemem_gym.chat.model import ChatModel
from agemem_gym.checks import did_you_mean
from agemem_gym.errors import ConfigurationError
from agemem_gym.urls import masked

FORMS = "'openai:MODEL@BASE_URL', 'http://host/v1#model', a callable from chat messages to text, or a ChatModel"
"""What :func:`make_chat_model` takes, in words."""

OPTIONS = tuple(
    name
    for name, parameter in inspect.signature(EndpointModel).parameters.items()
    if parameter.kind is inspect.Parameter.KEYWORD_ONLY
)
"""Keywords of an endpoint's model."""

_OPENAI = "https://api.openai.com/v1"


def make_chat_model(spec: Any, **options: Any) -> ChatModel:
    """The chat model that `spec` stands for.

    Args:
        spec: ``"openai:MODEL@BASE_URL"`` (without a URL that of ``OPENAI_BASE_URL``, or OpenAI's own), ``"http://host/v1#model"``,
            a callable from chat messages to text, or a :class:`~agemem_gym.chat.model.ChatModel`.
        **options: keywords of :class:`~agemem_gym.chat.endpoint.EndpointModel`, for an endpoint.

    Raises:
        ConfigurationError: anything else.
        MissingDependencyError: the extra [endpoints] is not installed.
    """
    if isinstance(spec, str):
        url, model = _named(spec)
        check_options(options, OPTIONS)
        return EndpointModel(url, model, **options)
    if options:
        raise ConfigurationError(f"{', '.join(sorted(options))}: goes with an endpoint, not with {type(spec).__name__}")
    if isinstance(spec, type):
        raise ConfigurationError(f"{spec.__name__} is a class: make a model of it, {spec.__name__}(…)")
    if isinstance(spec, ChatModel):
        return spec
    if callable(spec):
        return CallableModel(spec)
    raise ConfigurationError(f"{spec!r:.100} is no chat model: expected {FORMS}")


def is_endpoint(spec: Any) -> bool:
    """Whether `spec` names an endpoint."""
    return isinstance(spec, str) and spec.startswith(("http://", "https://", "openai:"))


def check_options(options: Any, known: tuple[str, ...]) -> None:
    """Refuse keywords that nobody knows.

    Raises:
        ConfigurationError: there is one.
    """
    for name in options:
        if name not in known:
            raise ConfigurationError(f"unknown {name!r}: expected {', '.join(known)}{did_you_mean(name, known)}")


def _named(spec: str) -> tuple[str, str]:
    """URL and model of an endpoint; the model may be empty."""
    if spec.startswith("openai:"):
        model, at, url = spec.removeprefix("openai:").partition("@http")
        if not model:
            raise ConfigurationError(f"{masked(spec)!r} names no model: expected 'openai:MODEL@BASE_URL'")
        return (f"http{url}" if at else os.environ.get("OPENAI_BASE_URL") or _OPENAI), model
    if is_endpoint(spec):
        return spec, ""
    raise ConfigurationError(f"{masked(spec)!r} is no chat model: expected {FORMS}")
