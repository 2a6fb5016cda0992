"""The env ids, as data: which task stands behind each, and how ``gym.make`` builds it.

``import agemem_gym`` registers ``AgeMem-ALFWorld-v0``, ``AgeMem-BabyAI-v0``, … and each again with the three-stage curriculum
as ``AgeMem-ALFWorld-ThreeStage-v0``, …, and as a stream of tasks over one memory, ``AgeMem-ALFWorld-Stream-v0``, … Every
keyword of ``gym.make`` goes to the task (its constructor's keywords), to :class:`agemem_gym.env.MemoryEnv`, or to
:class:`agemem_gym.curriculum.ThreeStage` or :class:`agemem_gym.stream.Stream`.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from gymnasium.envs.registration import find_highest_version, parse_env_id, register, registry
from gymnasium.error import Error as GymnasiumError

from agemem_gym.checks import did_you_mean
from agemem_gym.errors import AgeMemError, ConfigurationError

if TYPE_CHECKING:
    import gymnasium as gym


NAMESPACE_VERSION = "v0"
RECALL = "recall"
"""The name of :class:`agemem_gym.layer.AutoRecall`."""


@dataclass(frozen=True)
class Benchmark:
    """One benchmark.

    Attributes:
        name: as it stands in the env id.
        task: ``module:Class`` of its :class:`~agemem_gym.task.Task`.
        extra: the optional dependency group that brings its engine.
        engine: the package that every episode needs; empty where the extra brings only what some keywords need.
        summary: one line for ``agemem list``.
        in_stages: defaults of the three-stage env besides; those of AgentBoard's protocol beat them.
    """

    name: str
    task: str
    extra: str
    engine: str
    summary: str
    in_stages: Mapping[str, Any] = field(default_factory=dict)

    @property
    def env_id(self) -> str:
        """The id that ``gym.make`` takes."""
        return f"AgeMem-{self.name}-{NAMESPACE_VERSION}"

    @property
    def installed(self) -> bool:
        """Whether its engine is there."""
        return not self.engine or importlib.util.find_spec(self.engine) is not None

    @property
    def three_stage_id(self) -> str:
        """The id of the same benchmark behind the three-stage curriculum."""
        return f"AgeMem-{self.name}-ThreeStage-{NAMESPACE_VERSION}"

    @property
    def stream_id(self) -> str:
        """The id of the same benchmark as a stream of tasks over one memory."""
        return f"AgeMem-{self.name}-Stream-{NAMESPACE_VERSION}"

    @property
    def ids(self) -> tuple[str, ...]:
        """All its ids, the bare one first."""
        return self.env_id, self.three_stage_id, self.stream_id


BENCHMARKS: tuple[Benchmark, ...] = (
    Benchmark(
        "ALFWorld",
        "agemem_gym.envs.alfworld:ALFWorldTask",
        "alfworld",
        "textworld",
        "household tasks in words (TextWorld)",
        in_stages={"moves": "memory", "games": "memory"},
    ),
    Benchmark(
        "BabyAI",
        "agemem_gym.envs.babyai:BabyAITask",
        "babyai",
        "minigrid",
        "grid rooms in words (minigrid)",
        in_stages={"level": "memory", "moves": "memory"},
    ),
    Benchmark(
        "HotpotQA",
        "agemem_gym.envs.hotpotqa:HotpotQATask",
        "hotpotqa",
        "",
        "multi-hop questions over an encyclopedia (generated, or HotpotQA's own)",
        in_stages={"mode": "closed"},
    ),
    Benchmark(
        "PDDL",
        "agemem_gym.envs.pddl:PDDLTask",
        "pddl",
        "pddlgym",
        "classical planning in words (pddlgym)",
        in_stages={"domain": "memory", "moves": "memory"},
    ),
    Benchmark(
        "ScienceWorld",
        "agemem_gym.envs.scienceworld:ScienceWorldTask",
        "scienceworld",
        "scienceworld",
        "elementary science experiments (ScienceWorld, JVM)",
        in_stages={"task_names": "memory", "moves": "memory"},
    ),
)


def register_all() -> None:
    """Register every id, once. Our envs check the order of calls and their spaces themselves, so no wrapper is put round
    them and ``env.snapshot()`` works on what ``gym.make`` returns.
    """
    for benchmark in BENCHMARKS:
        _register(benchmark.env_id, "make_env", {"task": benchmark.task})
        in_stages = {"in_stages": dict(benchmark.in_stages)} if benchmark.in_stages else {}
        _register(benchmark.three_stage_id, "make_three_stage", {"task": benchmark.task, **in_stages})
        _register(benchmark.stream_id, "make_stream", {"task": benchmark.task, **in_stages})


def _register(env_id: str, maker: str, kwargs: dict[str, Any]) -> None:
    if env_id not in registry:
        register(
            env_id,
            entry_point=f"agemem_gym.registration:{maker}",
            kwargs=kwargs,
            order_enforce=False,
            disable_env_checker=True,
        )


def known_id(env_id: str) -> str:
    """`env_id`, if Gymnasium's registry has it: one of ours, or a user's own, also as ``module:id`` and without a version.

    Raises:
        ConfigurationError: there is no such id or module; the message names the nearest.
    """
    module, _, name = env_id.rpartition(":")
    if module:
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise
            raise ConfigurationError(
                f"{env_id!r}: there is no module {error.name!r} (is its folder on PYTHONPATH?)"
            ) from None
    if name in registry or _newest(name) is not None:
        return env_id
    bare = [benchmark.env_id for benchmark in BENCHMARKS]
    ours = [env_id for benchmark in BENCHMARKS for env_id in benchmark.ids]
    near = (did_you_mean(name, known) for known in (ours, bare, [*registry]))
    meant = next((text for text in near if text), "; `agemem list` names them")
    raise ConfigurationError(f"unknown env {env_id!r}{meant}")


def make_memory_env(env_id: str, **kwargs: Any) -> gym.Env[str, str]:
    """``gym.make`` for what is named by a user: an env of ours, or one that is built round a :class:`MemoryEnv`.

    Raises:
        ConfigurationError: there is no such id, it takes no such keyword, or it is another kind of env.
    """
    import gymnasium as gym

    from agemem_gym.env import MemoryEnv

    try:
        env = gym.make(known_id(env_id), **kwargs)
    except TypeError as error:  # ours explain themselves; another's constructor leaves it to Python
        if "unexpected keyword argument" not in str(error):
            raise
        raise ConfigurationError(f"{env_id!r} cannot be made so: {error.__cause__ or error}") from None
    if not isinstance(env.unwrapped, MemoryEnv):
        env.close()
        raise ConfigurationError(f"{env_id!r} is no env of agemem-gym; `agemem list` names them")
    return env


def _newest(name: str) -> int | None:
    """The newest version of an id that is given without one."""
    try:
        namespace, bare, version = parse_env_id(name)
    except GymnasiumError:
        return None
    return find_highest_version(namespace, bare) if version is None else None


def make_env(
    task: str | type, layer: Any = None, layer_options: Mapping[str, Any] | None = None, **kwargs: Any
) -> gym.Env[str, str]:
    """Build a :class:`MemoryEnv` round a task; what the registered ids call.

    Args:
        task: ``"module:Class"`` of a :class:`~agemem_gym.task.Task`, or the class itself.
        layer: a memory layer to stand round it (:class:`~agemem_gym.layer.Layered`): ``"recall"`` (the entries nearest to the
            newest message, before each reply), the ``"module:Class"`` of a :class:`~agemem_gym.layer.MemoryLayer`, one, or
            what makes one (an agent that plays in several envs at a time gives this).
        layer_options: keywords of a layer that is named.
        kwargs: keywords of the task and of :class:`MemoryEnv`, together.

    Raises:
        ConfigurationError: a keyword that neither of them has.
    """
    from agemem_gym import branching
    from agemem_gym.env import MemoryEnv

    task_class = load_class(task) if isinstance(task, str) else task
    of_task, of_env = _share_out(kwargs, task_class, MemoryEnv)
    env = MemoryEnv(_made(task_class, of_task), **of_env)
    env.made_by = ("make_env", {"task": _path_of(task_class), **_given(layer, layer_options), **kwargs})
    env.parts = branching.Parts(task_class, of_task, of_env)
    return _layered(env, layer, layer_options)


def make_three_stage(
    task: str | type,
    curriculum: Any = None,
    in_stages: Mapping[str, Any] | None = None,
    layer: Any = None,
    layer_options: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> gym.Env[str, str]:
    """Build a :class:`~agemem_gym.curriculum.ThreeStage` round :func:`make_env`; `kwargs` are those of all three together.

    Args:
        task: as for :func:`make_env`.
        curriculum: a preset's name, a YAML file, a mapping or a :class:`~agemem_gym.curriculum.CurriculumConfig`: puts a
            :class:`~agemem_gym.curriculum.CurriculumSchedule` round it, and a
            :class:`~agemem_gym.curriculum.DistractorInjection` where the curriculum has a `rate`.
        in_stages: keywords under those that are given, with which the task needs its memory; AgentBoard's protocol has its own.
        layer, layer_options: as for :func:`make_env`.
        kwargs: keywords of the task, of :class:`MemoryEnv` and of ThreeStage.
    """
    from agemem_gym import branching
    from agemem_gym.curriculum import CurriculumConfig, CurriculumSchedule, DistractorInjection, ThreeStage
    from agemem_gym.env import MemoryEnv

    task_class = load_class(task) if isinstance(task, str) else task
    kwargs = {**_left_standing(in_stages or {}, kwargs), **kwargs}
    of_task, of_env, of_stages = _share_out(kwargs, task_class, MemoryEnv, ThreeStage, beside="curriculum")
    config = None if curriculum is None else CurriculumConfig.load(curriculum)
    base = MemoryEnv(_made(task_class, of_task), **of_env)
    base.parts = branching.Parts(task_class, of_task, of_env)
    made_with = {"task": _path_of(task_class), "curriculum": curriculum, **_given(layer, layer_options), **kwargs}
    base.made_by = ("make_three_stage", made_with)
    env = _layered(ThreeStage(base, **of_stages), layer, layer_options)
    if config is not None and config.rate is not None:
        env = DistractorInjection(env, source=of_stages.get("source", "benchmark"))
    return env if config is None else CurriculumSchedule(env, config)


def make_stream(
    task: str | type,
    in_stages: Mapping[str, Any] | None = None,
    layer: Any = None,
    layer_options: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> gym.Env[str, str]:
    """Build a :class:`~agemem_gym.stream.Stream` round :func:`make_env`; `kwargs` are those of all three together.

    Args:
        task: as for :func:`make_env`.
        in_stages: as for :func:`make_three_stage`.
        layer, layer_options: as for :func:`make_env`.
        kwargs: keywords of the task, of :class:`MemoryEnv` and of Stream.
    """
    from agemem_gym import branching
    from agemem_gym.env import MemoryEnv
    from agemem_gym.stream import Stream

    task_class = load_class(task) if isinstance(task, str) else task
    kwargs = {**_left_standing(in_stages or {}, kwargs), **kwargs}
    of_task, of_env, of_stream = _share_out(kwargs, task_class, MemoryEnv, Stream)
    base = MemoryEnv(_made(task_class, of_task), **of_env)
    base.parts = branching.Parts(task_class, of_task, of_env)
    base.made_by = ("make_stream", {"task": _path_of(task_class), **_given(layer, layer_options), **kwargs})
    return _layered(Stream(base, **of_stream), layer, layer_options)


MAKERS: Mapping[str, Callable[..., gym.Env[str, str]]] = {
    "make_env": make_env,
    "make_three_stage": make_three_stage,
    "make_stream": make_stream,
}
"""What makes an env without an id; the record of such an env has the maker's name in the id's place."""


def _given(layer: Any, options: Mapping[str, Any] | None) -> dict[str, Any]:
    given = {"layer": layer, "layer_options": options}
    return {name: value for name, value in given.items() if value is not None}


def _layered(env: gym.Env[str, str], layer: Any, options: Mapping[str, Any] | None) -> gym.Env[str, str]:
    """The env behind a memory layer, if one is asked for."""
    from agemem_gym.layer import AutoRecall, Layered, MemoryLayer

    if options and not isinstance(layer, str):
        raise ConfigurationError(f"layer_options go with a layer that is named, not with layer={layer!r:.100}")
    if layer is None:
        return env
    if isinstance(layer, str):
        layer_class = AutoRecall if layer == RECALL else load_class(layer)
        try:
            layer = layer_class(**options or {})
        except TypeError as error:
            raise ConfigurationError(f"layer={layer!r} cannot be made with {dict(options or {})}: {error}") from error
    elif not isinstance(layer, MemoryLayer) and callable(layer):
        layer = layer()
    return Layered(env, layer)


def _made(task_class: type, kwargs: Mapping[str, Any]) -> Any:
    """The task; what its constructor could not even look at (a number for a path, say) is a wrong configuration, too."""
    try:
        return task_class(**kwargs)
    except AgeMemError:
        raise
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        given = ", ".join(f"{key}={value!r:.60}" for key, value in kwargs.items())
        raise ConfigurationError(f"{task_class.__name__} cannot be made with {given}: {error}") from error


def _share_out(kwargs: Mapping[str, Any], *classes: type, beside: str = "") -> list[dict[str, Any]]:
    """The keywords of each class, in order; one that two of them have goes to the first.

    Raises:
        ConfigurationError: a keyword that none of them has; the message lists all, and what may be given `beside` them.
    """
    left = dict(kwargs)
    shares = [{key: left.pop(key) for key in sorted(_keywords(cls) & set(left))} for cls in classes]
    if left:
        takes = "; ".join(f"{cls.__name__} takes {', '.join(sorted(_keywords(cls))) or 'none'}" for cls in classes)
        more = f"; besides, {beside}" if beside else ""
        known = {keyword for cls in classes for keyword in _keywords(cls)}
        meant = did_you_mean(sorted(left)[0], sorted(known))
        raise ConfigurationError(f"unknown keyword {', '.join(sorted(left))}; {takes}{more}{meant}")
    return shares


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


def _path_of(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def _left_standing(in_stages: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults of a staged env beside what is given: none in AgentBoard's protocol, no other limit than a given one."""
    if given.get("protocol") == "agentboard":
        return {}
    return {name: value for name, value in in_stages.items() if name != "moves" or "max_moves" not in given}


@cache
def _keywords(cls: type) -> frozenset[str]:
    return frozenset(inspect.signature(cls).parameters) - {"task", "env"}
