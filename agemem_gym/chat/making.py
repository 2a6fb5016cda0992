"""From what a user writes to a chat model."""

from __future__ import annotations

import inspect
import os
from typing import Any

from agemem_gym.chat.callable import CallableModel
from agemem_gym.chat.endpoint import EndpointModel
from agemem_gym.chat.local.loading import NAMED, is_model_folder
from agemem_gym.chat.local.model import LocalModel
from agemem_gym.chat.model import ChatModel
from agemem_gym.checks import did_you_mean
from agemem_gym.errors import ConfigurationError
from agemem_gym.urls import masked

FORMS = (
    "'openai:MODEL@BASE_URL', 'http://host/v1#model', 'local:FOLDER_OR_HUB_NAME', 'smollm', 'small', a callable from chat "
    "messages to text, or a ChatModel"
)
"""What :func:`make_chat_model` takes, in words."""


def _keywords(model: type) -> tuple[str, ...]:
    parameters = inspect.signature(model).parameters.items()
    return tuple(name for name, parameter in parameters if parameter.kind is inspect.Parameter.KEYWORD_ONLY)


OPTIONS = _keywords(EndpointModel)
"""Keywords of an endpoint's model."""

LOCAL_OPTIONS = _keywords(LocalModel)
"""Keywords of a local model."""

_LOCAL = "local:"
_OPENAI = "https://api.openai.com/v1"


def make_chat_model(spec: Any, **options: Any) -> ChatModel:
    """The chat model that `spec` stands for.

    Args:
        spec: ``"openai:MODEL@BASE_URL"`` (without a URL that of ``OPENAI_BASE_URL``, or OpenAI's own), ``"http://host/v1#model"``,
            ``"local:FOLDER_OR_HUB_NAME"`` (of a folder the path alone will do), ``"smollm"``, ``"small"`` (this
            package's own), a callable from chat messages to text, or a :class:`~agemem_gym.chat.model.ChatModel`.
        **options: keywords of :class:`~agemem_gym.chat.endpoint.EndpointModel`, or of
            :class:`~agemem_gym.chat.local.model.LocalModel`.

    Raises:
        ConfigurationError: anything else.
        MissingDependencyError: the extra [endpoints] or [local] is not installed.
    """
    if is_local(spec):
        check_options(options, LOCAL_OPTIONS)
        return LocalModel(spec.removeprefix(_LOCAL), **options)
    if isinstance(spec, str):
        url, model = _named(spec)
        check_options(options, OPTIONS)
        return EndpointModel(url, model, **options)
    if options:
        raise ConfigurationError(
            f"{', '.join(sorted(options))}: goes with an endpoint or a local model, not with {type(spec).__name__}"
        )
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


def is_local(spec: Any) -> bool:
    """Whether `spec` names a model that is run here."""
    return isinstance(spec, str) and (spec.startswith(_LOCAL) or spec in NAMED or is_model_folder(spec))


def name_of_model(spec: Any) -> str:
    """What a price table calls the model that a text names, without making it; empty where it names none.

    Example:
        >>> [name_of_model(spec) for spec in ("openai:gpt@http://host/v1", "http://host/v1#gpt", "local:a/b")]
        ['gpt', 'gpt', 'a/b']
    """
    if not isinstance(spec, str):
        return ""
    if spec.startswith("openai:"):
        return spec.removeprefix("openai:").partition("@http")[0]
    return spec.partition("#")[2] or "default" if is_endpoint(spec) else spec.removeprefix(_LOCAL)


def options_of(spec: Any) -> tuple[str, ...] | None:
    """The keywords of the model that a text names; None if it names none."""
    return OPTIONS if is_endpoint(spec) else LOCAL_OPTIONS if is_local(spec) else None


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
