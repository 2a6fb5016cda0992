"""The settings of the learner, each with where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from agemem_gym.checks import at_least, one_of, positive, within
from agemem_gym.errors import ConfigurationError

Credit = Literal["group", "last", "discounted", "leave_one_out"]
Layout = Literal["rows", "segments", "trie"]
Mean = Literal["step", "token", "sequence", "dr_grpo"]
Ratio = Literal["token", "step"]


@dataclass(frozen=True)
class GRPOConfig:
    """How a batch of groups becomes a gradient.

    Attributes:
        credit: how a return becomes the advantage of each step, see :mod:`~agemem_gym.baselines.grpo.advantages`.
        discount: of ``credit="discounted"``, a step.
        epsilon: is added to the standard deviation of a group (paper, eq. 5).
        layout: how rows are laid out for the model: ``"trie"`` reads once what rows share, ``"segments"`` joins rows that go on
            from each other, ``"rows"`` reads each by itself. The gradient is the same.
        micro_tokens: the most tokens of one forward and backward pass (a longer row is one of its own).
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
        for name in ("micro_tokens", "longest_reply"):
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
