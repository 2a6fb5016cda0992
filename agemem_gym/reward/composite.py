"""The return of an episode, given at its last step. AgeMem (arXiv:2601.01885), appendix A.2.

==================  ============================================================================
mode                return
==================  ============================================================================
``"composite"``     ``w1·R_task + w2·R_context + w3·R_memory + P_penalty`` (All-Returns)
``"answer_only"``   ``R_task`` (the paper's ablation)
``"task"``          what the benchmark itself reports, and the penalties (the default)
==================  ============================================================================

All terms are computed in every mode, so that runs with different rewards can be compared by any of them. A judge that asks a
model is asked for those that count; what does not is scored by the one that steps in for it
(:func:`agemem_gym.reward.judges.unasked`).

The paper's context and memory terms can be earned without remembering anything. ``variant="strict"`` takes those of
:mod:`agemem_gym.reward.strict`, which are earned by effects; ``gate="task"`` counts either in proportion to the task's score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from agemem_gym.checks import did_you_mean, one_of
from agemem_gym.episode import Episode
from agemem_gym.errors import ConfigurationError
from agemem_gym.facts import PhraseExtractor, key_phrases
from agemem_gym.reward import strict
from agemem_gym.reward import terms as term
from agemem_gym.reward.judges import Judge, unasked
from agemem_gym.reward.ledger import Ledger
from agemem_gym.reward.moments import moments_of

Mode = Literal["composite", "answer_only", "task"]
Variant = Literal["paper", "strict"]
Gate = Literal["none", "task"]
PARTS: Mapping[str, tuple[str, ...]] = {
    "context": ("compression", "preventive", "preservation"),
    "memory": ("storage", "maintenance", "relevance"),
}
"""Of which terms a term is the mean."""
SWITCHES = ("task", *PARTS, *PARTS["context"], *PARTS["memory"], "penalty_rounds", "penalty_overflow")
"""What `without` may name."""


@dataclass(frozen=True)
class Reward:
    """The weighted sum.

    Attributes:
        mode: see the module.
        variant: ``"paper"``, the letter of AgeMem; ``"strict"``, terms that are earned by effects (:mod:`.strict`).
        gate: ``"task"`` counts context and memory in proportion to the task's score, and not at all without any; ``"none"``.
        weights: of task, context and memory. The paper says 1.0 each (sec. 4.1) and 1/3 each (appendix C.4).
        no_answer: `P_no_answer`, the task term of a question without an answer.
        penalty_rounds: `P_rounds`, for using up all replies.
        penalty_overflow: `P_overflow`, for a context over its token budget.
        without: names of terms that the total leaves out, for ablations: a part of context or memory is left out of its
            mean, another one of the sum. They are still reported.
        key_phrases: finds what of the query must be preserved, where the task does not name it (``"strict"``).

    Raises:
        ConfigurationError: a value that cannot be used.
    """

    mode: Mode = "task"
    weights: tuple[float, float, float] = (1 / 3, 1 / 3, 1 / 3)
    no_answer: float = term.NO_ANSWER
    penalty_rounds: float = -1.0
    penalty_overflow: float = -0.5
    without: tuple[str, ...] = ()
    key_phrases: PhraseExtractor = key_phrases
    variant: Variant = "paper"
    gate: Gate = "none"

    def __post_init__(self) -> None:
        if self.mode not in get_args(Mode):
            raise _unknown_mode(self.mode)
        for name in ("weights", "without"):  # lists, as JSON and YAML give them, are as good
            value = getattr(self, name)
            if isinstance(value, str) or not isinstance(value, Sequence):
                raise ConfigurationError(f"{name}={value!r}: expected a list")
            object.__setattr__(self, name, tuple(value))
        one_of("variant", self.variant, get_args(Variant))
        one_of("gate", self.gate, get_args(Gate))
        if len(self.weights) != 3 or not all(map(_is_number, self.weights)):
            raise ConfigurationError(f"weights={self.weights!r}: expected three numbers, for task, context and memory")
        for name in ("no_answer", "penalty_rounds", "penalty_overflow"):
            if not _is_number(getattr(self, name)):
                raise ConfigurationError(f"{name}={getattr(self, name)!r}: expected a number")
        if unknown := sorted(set(map(str, self.without)) - set(SWITCHES)):
            raise ConfigurationError(f"without={', '.join(unknown)}: expected names of {', '.join(SWITCHES)}")
        if not callable(self.key_phrases):
            raise ConfigurationError(f"key_phrases={self.key_phrases!r}: expected a callable from text to phrases")

    def terms(self, episode: Episode, metric: str, judge: Judge) -> dict[str, float]:
        """All terms by name; ``total`` is the return.

        ``task`` is the judge's score for a question and the benchmark's own figure otherwise; in the mode ``"task"`` it is
        always the benchmark's own. ``context`` and ``memory`` are means of their three parts, unweighted.
        """
        task = self._task_score(episode, metric, judge)
        parts = self._strict if self.variant == "strict" else self._paper
        terms = {
            "task": task,
            **parts(episode, judge, task),
            "penalty_rounds": self.penalty_rounds if term.rounds_exceeded(episode) else 0.0,
            "penalty_overflow": self.penalty_overflow if term.tokens_exceeded(episode) else 0.0,
        }
        terms |= {name: self._mean(terms, names) for name, names in PARTS.items()}
        return {**terms, "total": self._total(terms)}

    def _paper(self, episode: Episode, judge: Judge, task: float) -> dict[str, float]:
        """The parts as the paper has them."""
        return {
            "compression": term.compression(episode),
            "preventive": term.preventive(episode),
            "preservation": term.preservation(episode, self.key_phrases),
            "storage": term.storage(episode, self._judge_of("storage", judge)),
            "maintenance": term.maintenance(episode),
            "relevance": term.relevance(episode, self._judge_of("relevance", judge)),
        }

    def _strict(self, episode: Episode, judge: Judge, task: float) -> dict[str, float]:
        """The parts as effects earn them, and ``coverage``."""
        moments, ledger = moments_of(episode, task), Ledger(episode)
        return {
            "compression": strict.compression(episode, moments),
            "preventive": strict.preventive(episode, moments),
            "preservation": strict.preservation(episode, self.key_phrases, moments),
            "storage": strict.storage(episode, self._judge_of("storage", judge), ledger),
            "maintenance": strict.maintenance(episode, self._judge_of("maintenance", judge), ledger),
            "relevance": strict.relevance(episode, self._judge_of("relevance", judge), moments),
            "coverage": strict.coverage(episode, unasked(judge), ledger),
        }

    def _task_score(self, episode: Episode, metric: str, judge: Judge) -> float:
        if self.mode == "task":
            return term.task_score(episode, metric, no_answer=self.no_answer)
        return term.judged_task_score(episode, metric, self._judge_of("task", judge), no_answer=self.no_answer)

    def _judge_of(self, name: str, judge: Judge) -> Judge:
        """Who scores a term: the judge, where it counts."""
        return judge if self.counts(name) else unasked(judge)

    def counts(self, name: str) -> bool:
        """Whether a term (one of ``task``, ``context`` and ``memory``, or a part of these) makes a difference to the total."""
        whole = next((whole for whole, parts in PARTS.items() if name in parts), name)
        weight = dict(zip(("task", *PARTS), self.weights, strict=True))[whole] if self.mode == "composite" else 1.0
        if whole == "task" and self.gate == "task":
            return True
        return bool(weight) and not {name, whole} & set(self.without) and (whole == "task" or self.mode == "composite")

    def _mean(self, terms: Mapping[str, float], parts: Sequence[str]) -> float:
        kept = [terms[part] for part in parts if part not in self.without]
        return sum(kept) / len(kept) if kept else 0.0

    def _total(self, terms: Mapping[str, float]) -> float:
        weights = {
            "composite": dict(zip(("task", "context", "memory"), self.weights, strict=True)),
            "answer_only": {"task": 1.0},
            "task": {"task": 1.0},
        }[self.mode]
        if self.gate == "task":
            share = min(max(terms["task"], 0.0), 1.0)
            weights = {name: weight if name == "task" else weight * share for name, weight in weights.items()}
        if self.mode != "answer_only":
            weights |= {"penalty_rounds": 1.0, "penalty_overflow": 1.0}
        return float(sum(weight * terms[name] for name, weight in weights.items() if name not in self.without))


def make_reward(spec: str | Reward, options: Mapping[str, Any] | None = None) -> Reward:
    """A mode's name with keywords of :class:`Reward`, or a Reward.

    Raises:
        ConfigurationError: an unknown mode or keyword, or keywords beside a Reward.
    """
    if isinstance(spec, Reward):
        if options:
            raise ConfigurationError("reward_options= goes with the name of a reward; the Reward given has its own")
        return spec
    if options is not None and not isinstance(options, Mapping):
        raise ConfigurationError(f"reward_options={options!r}: expected a mapping of settings of the reward")
    known = {field.name for field in fields(Reward)} - {"mode"}
    if unknown := sorted(set(map(str, options or {})) - known):
        raise ConfigurationError(
            f"reward_options has unknown {', '.join(unknown)}: expected {', '.join(sorted(known))}"
        )
    if not isinstance(spec, str):
        raise _unknown_mode(spec)
    return Reward(mode=spec, **(options or {}))  # type: ignore[arg-type]


def _unknown_mode(given: object) -> ConfigurationError:
    modes = get_args(Mode)
    return ConfigurationError(
        f"reward={given!r}: expected one of {', '.join(modes)}, or a Reward{did_you_mean(given, modes)}"
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < float("inf")
