"""What an agent is, and how one is named and made.

An agent is any object with ``reset(info)`` and ``act(obs, info) -> str``; it needs no base class and no registration. A class,
or a function that returns an agent, is named as ``package.module:Name``, as ``path/to/file.py:Name``, or by a short name of
:data:`AGENTS`; ``MINE=package.module:Name`` gives it a name of your own. Optional are

- keywords: ``--agent-arg top_k=3``; they stand in every row and record
- ``env_kwargs``: keywords of ``gym.make`` that the agent brings, of the class or of the instance (its own model as summariser
  or judge, say); what a user gives beats them
- ``limits``: numbers that bound its memory, ``{"top_k": 3}`` for one; they stand in every row, and the board says whether all
  are bound alike
- ``act_batch(turns)``: answers some or all of the turns that wait, in as many live episodes as there are slots; and
  ``notice(turn)``, which is told of each turn as soon as it waits, so that an endpoint can be asked at once
- ``close()``

Constructing an agent has to be cheap: it is also done to see what the agent brings. Load what is large at the first turn.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, runtime_checkable

from agemem_gym.checks import did_you_mean, file_at
from agemem_gym.errors import AgeMemError, ConfigurationError
from agemem_gym.fingerprint import fingerprint_of
from agemem_gym.jobs import Job, check_plain
from agemem_gym.protocol import Reply
from agemem_gym.urls import masked

AGENTS: dict[str, str] = {
    "random": "agemem_gym.baselines.scripted:RandomAgent",
    "oracle": "agemem_gym.baselines.scripted:OracleAgent",
    "scripted": "agemem_gym.baselines.scripted:ScriptedMemoryAgent",
    "perfect": "agemem_gym.baselines.staged:PerfectMemoryAgent",
    "amnesic": "agemem_gym.baselines.staged:AmnesicAgent",
    "hoarder": "agemem_gym.baselines.staged:HoarderAgent",
    "wiper": "agemem_gym.baselines.staged:WiperAgent",
    "explorer": "agemem_gym.baselines.explorers.agents:ExplorerAgent",
    "store-all": "agemem_gym.baselines.explorers.agents:StoreAllAgent",
    "store-only": "agemem_gym.baselines.explorers.agents:StoreOnlyAgent",
    "store-all-noisy": "agemem_gym.baselines.explorers.agents:NoisyStoreAllAgent",
    "no-memory": "agemem_gym.baselines.agents.no_memory:NoMemoryAgent",
    "long-context": "agemem_gym.baselines.agents.no_memory:LongContextAgent",
    "agemem-norl": "agemem_gym.baselines.agents.agemem:AgeMemNoRLAgent",
    "agemem-norl-rag": "agemem_gym.baselines.agents.agemem:AgeMemNoRLRAGAgent",
    "agemem": "agemem_gym.baselines.agents.agemem:AgeMemAgent",
    "agemem-rag": "agemem_gym.baselines.agents.agemem:AgeMemRAGAgent",
    "langmem": "agemem_gym.baselines.agents.langmem:LangMemAgent",
    "mem0": "agemem_gym.baselines.agents.mem0:Mem0Agent",
    "mem0-graph": "agemem_gym.baselines.agents.mem0:Mem0GraphAgent",
    "a-mem": "agemem_gym.baselines.agents.a_mem:AMemAgent",
    "sb3-ppo": "agemem_gym.baselines.sb3.agent:SB3Agent",
    "llm": "agemem_gym.baselines.agents.language_model:LanguageModelAgent",
}
"""The agents that come with the suite, by short name."""


@runtime_checkable
class Agent(Protocol):
    """Something that plays."""

    def reset(self, info: Mapping[str, Any]) -> None:
        """A new episode begins; `info` is what ``env.reset`` returned, with ``sample``: the episode's number in its group."""

    def act(self, obs: str, info: Mapping[str, Any]) -> str | Reply:
        """The next reply; `obs` and `info` are what the env returned last."""


@dataclass(frozen=True)
class LiveTurn:
    """A turn that waits for a reply.

    Attributes:
        slot: which of the live episodes; replies are given by slot.
        job: what is played there.
        obs, info: what the env returned last; ``info["step"]`` is 0 where an episode begins.
    """

    slot: int
    job: Job
    obs: str
    info: Mapping[str, Any]

    @property
    def key(self) -> tuple[int, int]:
        """What tells this turn from all others of a rollout: number of the job, and replies so far."""
        return self.job.number, int(self.info["step"])


@dataclass(frozen=True)
class Act:
    """A reply, and what the agent's model says of it (an :class:`~agemem_gym.episode.PolicyRecord`)."""

    reply: str | Reply
    policy: Any = None


@runtime_checkable
class BatchAgent(Protocol):
    """Something that plays many episodes at once."""

    def act_batch(self, turns: Sequence[LiveTurn]) -> Mapping[int, str | Reply | Act | Exception]:
        """Replies by slot, of at least one of the turns; the others are handed over again, with whatever waits by then.

        An exception as a reply ends that slot's episode and no other.
        """


@dataclass(frozen=True)
class AgentSpec:
    """An agent by name.

    Attributes:
        name: as it stands in tables.
        target: a short name, ``package.module:Name`` or ``path/to/file.py:Name``.
        kwargs: keywords of the class or factory.
        fingerprint: of its source; see :mod:`agemem_gym.fingerprint`.
    """

    name: str
    target: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    fingerprint: str = ""

    @classmethod
    def parse(cls, text: str, kwargs: Mapping[str, Any] | None = None) -> AgentSpec:
        """The agent that ``NAME=module:Name``, or either of its sides alone, stands for.

        Raises:
            ConfigurationError: there is no such agent, it cannot be made with these keywords, or they are no plain data.
        """
        name, equals, target = text.partition("=")
        if not equals:
            name = target = text
        if not name.strip() or not target.strip():
            raise ConfigurationError(f"agent {text!r}: expected NAME=package.module:Class, or one of its two sides")
        check_plain(f"agent {name!r}", kwargs or {})
        factory = _factory(target)
        _check_keywords(factory, target, kwargs or {})
        return cls(name, target, dict(kwargs or {}), fingerprint_of(factory))

    @property
    def label(self) -> str:
        """Name and keywords, as in a table."""
        keywords = ", ".join(f"{key}={value}" for key, value in sorted(masked(dict(self.kwargs)).items()))
        return f"{self.name} ({keywords})" if keywords else self.name

    def make(self) -> Any:
        """An instance.

        Raises:
            ConfigurationError: it is no agent.
        """
        factory = _factory(self.target)
        try:
            made = factory(**self.kwargs)
        except AgeMemError:
            raise
        except Exception as error:
            raise ConfigurationError(f"agent {self.name!r} cannot be made: {type(error).__name__}: {error}") from error
        if not callable(getattr(made, "act_batch", None)):
            missing = [name for name in ("reset", "act") if not callable(getattr(made, name, None))]
            if missing:
                raise ConfigurationError(f"agent {self.name!r} has no method {' and no method '.join(missing)}")
        return made

    def record(self) -> dict[str, Any]:
        """What the record of an episode says of the agent."""
        return {
            "name": self.name,
            "spec": self.target,
            "kwargs": masked(dict(self.kwargs)),
            "fingerprint": self.fingerprint,
        }


def make_agent(spec: str, **kwargs: Any) -> Any:
    """An agent by name; see :meth:`AgentSpec.parse`, but any value will do as a keyword.

    Raises:
        ConfigurationError: no such agent, or it is none.
    """
    factory = _factory(spec)
    _check_keywords(factory, spec, kwargs)
    return AgentSpec(spec, spec, kwargs).make()


def takes_keyword(spec: str, keyword: str) -> bool:
    """Whether the agent of this name is made with such a keyword by name.

    Raises:
        ConfigurationError: there is no such agent.
    """
    factory = _factory(spec.partition("=")[2] or spec)
    try:
        return keyword in inspect.signature(factory).parameters
    except ValueError:
        return False


def env_kwargs_of(agent: Any) -> dict[str, Any]:
    """The keywords of ``gym.make`` that an agent, or a class of agents, brings."""
    return dict(getattr(agent, "env_kwargs", None) or {})


def agent_env_kwargs(spec: str) -> dict[str, Any]:
    """The keywords of ``gym.make`` that the agent of this name brings."""
    return env_kwargs_of(make_agent(spec))


def limits_of(agent: Any) -> dict[str, int]:
    """The numbers that bound an agent's memory, by its own account."""
    return dict(getattr(agent, "limits", None) or {})


def is_privileged(env_kwargs: Mapping[str, Any]) -> bool:
    """Whether an agent that plays with these keywords is shown the expert's replies and the key facts."""
    return bool(env_kwargs.get("info_expert"))


def close_agent(agent: Any) -> None:
    """Close an agent that can be closed."""
    close = getattr(agent, "close", None)
    if callable(close):
        close()


# ------------------------------------------------------------------------------------------------------------ by name


def _factory(target: str) -> Any:
    """The class or function that a target names."""
    if target not in AGENTS and ":" not in target:
        raise ConfigurationError(
            f"unknown agent {target!r}: expected {', '.join(AGENTS)}, package.module:Class or path/to/file.py:Class"
            f"{did_you_mean(target, AGENTS)}"
        )
    module_name, _, name = AGENTS.get(target, target).rpartition(":")
    if not module_name or not name:
        raise ConfigurationError(f"agent {target!r}: expected package.module:Class or path/to/file.py:Class")
    try:
        module = _from_file(Path(module_name)) if module_name.endswith(".py") else _from_import(target, module_name)
    except AgeMemError:
        raise
    except Exception as error:  # the user's own module may raise anything
        raise ConfigurationError(
            f"agent {target!r}: importing {module_name} failed: {type(error).__name__}: {error}"
        ) from error
    found = getattr(module, name, None)
    if found is None:
        known = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise ConfigurationError(f"agent {target!r}: {module_name!r} has no {name!r}{did_you_mean(name, known)}")
    if not callable(found):
        raise ConfigurationError(f"agent {target!r}: expected a class or a function that returns an agent")
    missing = [method for method in ("reset", "act") if not callable(getattr(found, method, None))]
    if isinstance(found, type) and missing and not callable(getattr(found, "act_batch", None)):
        raise ConfigurationError(f"agent {target!r} has no method {' and no method '.join(missing)}")
    return found


def _from_import(target: str, module_name: str) -> ModuleType:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise ConfigurationError(
            f"agent {target!r}: there is no module {error.name!r} (is its folder on PYTHONPATH?)"
        ) from None


def _from_file(path: Path) -> ModuleType:
    """The module of a file, once a process; what lies beside it can be imported from it."""
    path = file_at("agent", path, "path/to/file.py:Class").resolve()
    name = f"agent_file_{path.stem}_{sha256(str(path).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"agent {str(path)!r}: Python cannot read it")
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _check_keywords(factory: Any, target: str, kwargs: Mapping[str, Any]) -> None:
    try:
        signature = inspect.signature(factory)
    except ValueError:  # a class written in C tells no signature
        return
    try:
        signature.bind(**kwargs)
    except TypeError as error:
        takes = ", ".join(signature.parameters) or "no keywords"
        raise ConfigurationError(
            f"agent {target!r} cannot be made with {masked(dict(kwargs))}: {error}; it takes {takes}"
        ) from None
