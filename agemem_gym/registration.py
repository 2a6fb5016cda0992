"""The env ids, as data: which task stands behind each, and how ``gym.make`` builds it.

``import agemem_gym`` registers ``AgeMem-ALFWorld-v0``, ``AgeMem-BabyAI-v0``, … Every keyword of ``gym.make`` goes either to
the task (its constructor's keywords) or to :class:`agemem_gym.env.MemoryEnv`.
"""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from gymnasium.envs.registration import register, registry

from agemem_gym.errors import ConfigurationError

if TYPE_CHECKING:
    from agemem_gym.env import MemoryEnv

NAMESPACE_VERSION = "v0"


@dataclass(frozen=True)
class Benchmark:
    """One benchmark.

    Attributes:
        name: as it stands in the env id.
        task: ``module:Class`` of its :class:`~agemem_gym.task.Task`.
        extra: the optional dependency group that brings its engine.
        engine: the engine's package.
        summary: one line for ``agemem list``.
    """

    name: str
    task: str
    extra: str
    engine: str
    summary: str

    @property
    def env_id(self) -> str:
        """The id that ``gym.make`` takes."""
        return f"AgeMem-{self.name}-{NAMESPACE_VERSION}"


BENCHMARKS: tuple[Benchmark, ...] = (
    Benchmark(
        "ALFWorld",
        "agemem_gym.envs.alfworld:ALFWorldTask",
        "alfworld",
        "textworld",
        "household tasks in words (TextWorld)",
    ),
    Benchmark("BabyAI", "agemem_gym.envs.babyai:BabyAITask", "babyai", "minigrid", "grid rooms in words (minigrid)"),
    Benchmark(
        "HotpotQA",
        "agemem_gym.envs.hotpotqa:HotpotQATask",
        "hotpotqa",
        "datasets",
        "multi-hop questions over an encyclopedia (generated, or HotpotQA's own)",
    ),
    Benchmark("PDDL", "agemem_gym.envs.pddl:PDDLTask", "pddl", "pddlgym", "classical planning in words (pddlgym)"),
    Benchmark(
        "ScienceWorld",
        "agemem_gym.envs.scienceworld:ScienceWorldTask",
        "scienceworld",
        "scienceworld",
        "elementary science experiments (ScienceWorld, JVM)",
    ),
)


def register_all() -> None:
    """Register every id, once. Our envs check the order of calls and their spaces themselves, so no wrapper is put round
    them and ``env.snapshot()`` works on what ``gym.make`` returns.
    """
    for benchmark in BENCHMARKS:
        if benchmark.env_id not in registry:
            register(
                benchmark.env_id,
                entry_point="agemem_gym.registration:make_env",
                kwargs={"task": benchmark.task},
                order_enforce=False,
                disable_env_checker=True,
            )


def make_env(task: str | type, **kwargs: Any) -> MemoryEnv:
    """Build a :class:`MemoryEnv` round a task; what the registered ids call.

    Args:
        task: ``"module:Class"`` of a :class:`~agemem_gym.task.Task`, or the class itself.
        kwargs: keywords of the task and of :class:`MemoryEnv`, together.

    Raises:
        ConfigurationError: a keyword that neither of them has.
    """
    from agemem_gym.env import MemoryEnv

    task_class = load_class(task) if isinstance(task, str) else task
    of_task, of_env = _keywords(task_class), _keywords(MemoryEnv) - {"task"}
    unknown = sorted(set(kwargs) - of_task - of_env)
    if unknown:
        raise ConfigurationError(
            f"unknown keyword {', '.join(unknown)} for {task_class.__name__}; the task takes "
            f"{', '.join(sorted(of_task)) or 'none'}; the env takes {', '.join(sorted(of_env))}"
        )
    made = task_class(**{key: value for key, value in kwargs.items() if key in of_task})
    return MemoryEnv(made, **{key: value for key, value in kwargs.items() if key in of_env and key not in of_task})


def load_class(path: str) -> type:
    """The class that ``package.module:Class`` names.

    Raises:
        ConfigurationError: the path has another form, or there is no such module or class.
    """
    module_name, _, class_name = path.partition(":")
    if not module_name or not class_name:
        raise ConfigurationError(f"{path!r}: expected package.module:Class")
    try:
        found = getattr(importlib.import_module(module_name), class_name, None)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise ConfigurationError(
            f"{path!r}: there is no module {error.name!r} (is its folder on PYTHONPATH?)"
        ) from None
    if not isinstance(found, type):
        raise ConfigurationError(f"{path!r}: module {module_name!r} has no class {class_name!r}")
    return found


@cache
def _keywords(cls: type) -> frozenset[str]:
    return frozenset(inspect.signature(cls).parameters)
