"""From a keyword of ``gym.make`` to a judge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agemem_gym.chat import ChatModel, make_chat_model
from agemem_gym.chat.making import options_of
from agemem_gym.checks import did_you_mean
from agemem_gym.errors import ConfigurationError
from agemem_gym.memory.encoder import Encoder
from agemem_gym.reward.chat import ChatJudge
from agemem_gym.reward.judges import Judge
from agemem_gym.reward.offline import OfflineJudge
from agemem_gym.urls import masked

_OFFLINE = ("threshold",)
_CHAT = ("attempts", "max_tokens", "cache", "each_entry")
_FORMS = (
    "'offline', the URL of a chat endpoint ('http://host/v1#model', 'openai:MODEL@BASE_URL'), a callable from chat messages to "
    "text, a ChatModel, or a Judge"
)


def make_judge(spec: Any, encoder: Encoder, options: Mapping[str, Any] | None = None) -> Judge:
    """The judge that `spec` stands for.

    Args:
        spec: ``"offline"``; what :func:`~agemem_gym.chat.make_chat_model` takes: the URL of an OpenAI-compatible chat endpoint
            (``"http://host/v1#model"``), a callable from chat messages to text, a ChatModel; or a Judge.
        encoder: what the offline judge compares texts with.
        options: keywords of :class:`~.offline.OfflineJudge` (``threshold``), or of :class:`~.chat.ChatJudge` (``attempts``,
            ``max_tokens``, ``cache``, ``each_entry``); for an endpoint those of
            :class:`~agemem_gym.chat.endpoint.EndpointModel`, too (``timeout``, ``backoff``, ``longest_wait``, …), for a local
            model those of :class:`~agemem_gym.chat.local.model.LocalModel`.

    Raises:
        ConfigurationError: anything else.
    """
    given = _given(options)
    if spec == "offline":
        return OfflineJudge(encoder, **_known(given, _OFFLINE, "offline"))
    if (options_of_model := options_of(spec)) is not None:
        _known(given, tuple(dict.fromkeys((*_CHAT, *options_of_model))), masked(spec))
        model = make_chat_model(spec, **{name: given[name] for name in options_of_model if name in given})
        return ChatJudge(model, OfflineJudge(encoder), **{name: given[name] for name in _CHAT if name in given})
    if isinstance(spec, type):
        raise ConfigurationError(f"judge={spec.__name__}: expected a judge, not a class; make one: {spec.__name__}(…)")
    if isinstance(spec, Judge):
        _known(given, (), spec.name)
        return spec
    if isinstance(spec, ChatModel) or callable(spec):
        return ChatJudge(
            spec, OfflineJudge(encoder), **_known(given, _CHAT, getattr(spec, "name", type(spec).__name__))
        )
    shown = masked(repr(spec)) if isinstance(spec, str) else repr(spec)
    raise ConfigurationError(f"judge={shown:.200}: expected {_FORMS}{did_you_mean(spec, ('offline',))}")


def _given(options: Any) -> Mapping[str, Any]:
    if options is None:
        return {}
    if not isinstance(options, Mapping):
        raise ConfigurationError(
            f"judge_options={options!r:.200}: expected keywords by name, such as {{'timeout': 30}}"
        )
    return options


def _known(given: Mapping[str, Any], known: tuple[str, ...], judge: str) -> dict[str, Any]:
    for name in given:
        if name not in known:
            expected = f"expected {', '.join(known)}" if known else "it takes none"
            raise ConfigurationError(
                f"judge_options[{name!r}] of the judge {judge}: {expected}{did_you_mean(name, known)}"
            )
    return dict(given)
