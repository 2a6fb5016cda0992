"""The settings of the learner and of a training, each with where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from agemem_gym.checks import at_least, did_you_mean, file_at, one_of, positive, within, yaml_mapping
from agemem_gym.errors import ConfigurationError

Credit = Literal["group", "last", "discounted", "leave_one_out"]
Layout = Literal["rows", "segments", "trie"]
Mean = Literal["step", "token", "sequence", "dr_grpo"]
Ratio = Literal["token", "step"]
Decay = Literal["constant", "linear"]
Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class GRPOConfig:
    """How a batch of groups becomes a gradient.

    Attributes:
        credit: how a return becomes the advantage of each step, see :mod:`~agemem_gym.baselines.grpo.advantages`.
        discount: of ``credit="discounted"``, a step.
        epsilon: is added to the standard deviation of a group (paper, eq. 5).
        layout: how rows are laid out for the model: ``"trie"`` reads once what rows share, ``"segments"`` joins rows that go on
            from each other, ``"rows"`` reads each by itself. The gradient is the same.
        micro_tokens: the most tokens of one tree (a longer row is one of its own).
        live_tokens: of a tree, how many tokens' activations are kept at a time; as many as its longest row has, if these are
            more. It is read and learned in parts of at most so many tokens, none of them twice (see
            :mod:`~agemem_gym.baselines.grpo.blocks`): fewer take less memory, more keep a GPU busier.
        mean: what counts alike in the loss, see :mod:`~agemem_gym.baselines.grpo.loss`.
        ratio: of each token's probability, or of a step's whole reply (the paper's eq. 6 by the letter).
        clip: how far a ratio may move before it has no more gradient, ``(below, above)`` as in PPO (arXiv:1707.06347) or
            with a wider upper side as in DAPO (arXiv:2503.14476); None does not clip, as the paper.
        beta: weight of the divergence from the reference (paper: 0.1); 0 needs no reference.
        entropy: weight of a bonus for the entropy of each token's distribution.
        longest_reply: what ``mean="dr_grpo"`` divides by: the most tokens of a reply.
        temperature: at which replies were sampled; log-probabilities are of the same distribution.
        max_norm: largest norm of a gradient; a longer one is scaled down to it.

    Raises:
        ConfigurationError: a value out of range.
    """

    credit: Credit = "group"
    discount: float = 0.9
    epsilon: float = 1e-6
    layout: Layout = "trie"
    micro_tokens: int = 8192
    live_tokens: int = 1024
    mean: Mean = "step"
    ratio: Ratio = "token"
    clip: tuple[float, float] | None = None
    beta: float = 0.1
    entropy: float = 0.0
    longest_reply: int = 2048
    temperature: float = 1.0
    max_norm: float = 1.0

    def __post_init__(self) -> None:
        for name, known in (("credit", Credit), ("layout", Layout), ("mean", Mean), ("ratio", Ratio)):
            one_of(name, getattr(self, name), get_args(known))
        for name in ("micro_tokens", "live_tokens", "longest_reply"):
            at_least(name, getattr(self, name))
        for name in ("temperature", "max_norm", "epsilon"):
            positive(name, getattr(self, name))
        for name in ("beta", "entropy"):
            within(name, getattr(self, name), 0.0, 1e6)
        within("discount", self.discount, 0.0, 1.0)
        if self.clip is not None:
            if len(self.clip) != 2:
                raise ConfigurationError(f"clip={self.clip!r}: expected two numbers, how far below and above 1")
            within("clip", self.clip[0], 0.0, 1.0)
            within("clip", self.clip[1], 0.0, 1e6)


@dataclass(frozen=True)
class TrainConfig:
    """A training: what is learned, on what, for how long.

    Attributes:
        model: the folder or hub name that training begins from, or ``"smollm"``; also the reference of ``learner.beta``.
        env: id of the env.
        out: folder of the run: metrics, checkpoints and, at the end, the model in ``model/``.
        env_kwargs: keywords of ``gym.make``; ``reward`` says what is learned, ``curriculum`` is driven by the share of the
            iterations that are over.
        iterations: how many; each collects, and then learns from what it has collected.
        groups, k: tasks of an iteration, and episodes of each (paper: K = 8).
        tasks, first_task: how many tasks there are, and the seed of the first one; they come in a new order each time round.
            With ``tasks=0`` no task comes twice.
        learning_rate: of AdamW, reached after `warmup` iterations; with ``decay="linear"`` it falls to 0 by the end.
        weight_decay: of AdamW.
        updates: steps of the optimiser on each batch.
        lora: rank of LoRA adapters; 0 trains all weights.
        precision: ``"bfloat16"`` computes in it where that is safe and keeps weights in float32; pays on GPUs, and on CPUs with
            AMX.
        device, threads: of torch; threads are measured if 0.
        slots: episodes that are played at the same time.
        window: most tokens of prompt and reply, if fewer than the model's own: an episode that outgrows it ends truncated.
        max_tokens: the longest reply.
        evaluate_every: iterations between two evaluations, the first one before any training; 0 evaluates never.
        evaluate_episodes: seeds 0, 1, … of the evaluation's tasks, one episode each, sampled as in training. The curriculum is
            left out: all evaluations are under the same conditions.
        evaluate_kwargs: keywords of ``gym.make`` that differ there.
        control: keywords for a second evaluation without what has to be remembered, ``{"n1": 0}`` say; empty for none.
        checkpoint_every: iterations between two checkpoints.
        keep: how many checkpoints are kept.
        seed: of all that is drawn.
        learner: how a batch becomes a gradient.

    Raises:
        ConfigurationError: a value out of range.
    """

    model: str
    env: str
    out: str
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)
    iterations: int = 100
    groups: int = 12
    k: int = 8
    tasks: int = 0
    first_task: int = 0
    learning_rate: float = 1e-4
    warmup: int = 5
    decay: Decay = "constant"
    weight_decay: float = 0.0
    updates: int = 1
    lora: int = 0
    precision: Precision = "float32"
    device: str = "auto"
    threads: int = 0
    slots: int = 32
    window: int | None = None
    max_tokens: int = 256
    evaluate_every: int = 10
    evaluate_episodes: int = 32
    evaluate_kwargs: Mapping[str, Any] = field(default_factory=lambda: {"split": "validation"})
    control: Mapping[str, Any] = field(default_factory=dict)
    checkpoint_every: int = 5
    keep: int = 2
    seed: int = 0
    learner: GRPOConfig = field(default_factory=GRPOConfig)

    def __post_init__(self) -> None:
        for name in (
            "iterations",
            "groups",
            "updates",
            "slots",
            "max_tokens",
            "evaluate_episodes",
            "checkpoint_every",
            "keep",
        ):
            at_least(name, getattr(self, name))
        for name in ("tasks", "first_task", "warmup", "lora", "threads", "evaluate_every", "seed"):
            at_least(name, getattr(self, name), 0)
        at_least("k", self.k, 2)
        within("learning_rate", self.learning_rate, 0.0, 1.0)
        within("weight_decay", self.weight_decay, 0.0, 1.0)
        one_of("decay", self.decay, get_args(Decay))
        one_of("precision", self.precision, get_args(Precision))
        if 0 < self.tasks < self.groups:
            raise ConfigurationError(f"tasks={self.tasks}: an iteration takes groups={self.groups} different ones")
        for name in ("env_kwargs", "evaluate_kwargs", "control"):
            if not isinstance(getattr(self, name), Mapping):
                raise ConfigurationError(f"{name}={getattr(self, name)!r}: expected a mapping of keywords")

    @classmethod
    def load(cls, path: str | Path | None, given: Mapping[str, Any] | None = None) -> TrainConfig:
        """The settings of a YAML file, those given beside it on top; ``learner`` is a mapping of its own.

        Raises:
            ConfigurationError: no such file, no YAML, or a key that a training does not have.
        """
        data = {} if path is None else yaml_mapping(file_at("config", path, "a YAML file"))
        given = dict(given or {})
        learner = {**(data.pop("learner", None) or {}), **given.pop("learner", {})}
        for name in ("env_kwargs", "evaluate_kwargs", "control"):
            if name in given:
                given[name] = {**(data.get(name) or {}), **given[name]}
        data = {**data, **given}
        _check_keys("a training", data, cls)
        _check_keys("a learner", learner, GRPOConfig)
        if isinstance(learner.get("clip"), list):
            learner["clip"] = tuple(learner["clip"])
        missing = [name for name in ("model", "env", "out") if not data.get(name)]
        if missing:
            raise ConfigurationError(f"a training needs {', '.join(missing)}")
        return cls(**data, learner=GRPOConfig(**learner))

    def record(self) -> dict[str, Any]:
        """All settings as plain data, the folder by its name alone."""
        return asdict(replace(self, out=Path(self.out).name))


def _check_keys(what: str, data: Mapping[str, Any], cls: type) -> None:
    known = [item.name for item in fields(cls)]
    unknown = [str(key) for key in data if key not in known]
    if unknown:
        meant = did_you_mean(unknown[0], known)
        raise ConfigurationError(f"{what} has no {', '.join(unknown)}: expected {', '.join(known)}{meant}")
