"""What an agent is, and how one is found.

An agent is any class with ``reset(info)`` and ``act(obs, info) -> str``; it needs no base class and no registration:
``--agent my_package.my_module:MyAgent`` finds it. Two things are optional: a class attribute ``env_kwargs`` with keywords of
``gym.make`` that the agent needs, and a method ``close()``.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from agemem_gym.errors import ConfigurationError
from agemem_gym.registration import load_class

AGENTS: dict[str, str] = {
    "random": "agemem_gym.baselines.scripted:RandomAgent",
    "oracle": "agemem_gym.baselines.scripted:OracleAgent",
    "scripted": "agemem_gym.baselines.scripted:ScriptedMemoryAgent",
    "perfect": "agemem_gym.baselines.staged:PerfectMemoryAgent",
    "amnesic": "agemem_gym.baselines.staged:AmnesicAgent",
    "hoarder": "agemem_gym.baselines.staged:HoarderAgent",
    "wiper": "agemem_gym.baselines.staged:WiperAgent",
}
"""The agents that come with the suite, by short name."""


@runtime_checkable
class Agent(Protocol):
    """Something that plays."""

    def reset(self, info: Mapping[str, Any]) -> None:
        """A new episode begins; `info` is what ``env.reset`` returned."""

    def act(self, obs: str, info: Mapping[str, Any]) -> str:
        """The next reply; `obs` and `info` are what the env returned last."""


def make_agent(spec: str, **kwargs: Any) -> Agent:
    """An agent by short name or ``package.module:Class``.

    Raises:
        ConfigurationError: no such agent, or the class is none.
    """
    agent_class = _agent_class(spec)
    try:
        inspect.signature(agent_class).bind(**kwargs)
    except TypeError as error:
        raise ConfigurationError(f"agent {spec!r} cannot be made with {kwargs}: {error}") from None
    return agent_class(**kwargs)


def agent_env_kwargs(spec: str) -> dict[str, Any]:
    """The keywords of ``gym.make`` that this agent needs."""
    return dict(getattr(_agent_class(spec), "env_kwargs", {}))


def _agent_class(spec: str) -> Any:
    if spec not in AGENTS and ":" not in spec:
        raise ConfigurationError(f"unknown agent {spec!r}: expected {', '.join(AGENTS)}, or package.module:Class")
    found = load_class(AGENTS.get(spec, spec))
    missing = [name for name in ("reset", "act") if not callable(getattr(found, name, None))]
    if missing:
        raise ConfigurationError(f"agent {spec!r} has no method {' and no method '.join(missing)}")
    return found
