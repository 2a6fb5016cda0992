"""What learns, an iteration at a time: collect, give credit, learn, evaluate. Whoever holds it says how far training is.

::

    tasks ─► play: Collector ─► rows_of (advantages) ─► Batch ─► learn: Policy.referenced ─► update(s)
                       ▲                                  │
                  curriculum (progress, level) ◄── successes

Nothing is drawn from a global generator: what an iteration does is a function of the weights, the optimiser's state, the
curriculum and the iteration's number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agemem_gym.agent import close_agent
from agemem_gym.baselines.grpo.collect import Collected, Collector, Group, Trajectory, jobs_of, rows_of
from agemem_gym.baselines.grpo.config import TrainConfig
from agemem_gym.baselines.grpo.policy import Policy, optimiser_of
from agemem_gym.baselines.grpo.rows import StepRow
from agemem_gym.baselines.grpo.update import Gradient, update
from agemem_gym.registration import make_memory_env
from agemem_gym.reward import MemoryMetrics

Row = dict[str, float]
_EVALUATION = -1  # the iteration that seeds the draws of every evaluation
_NUMBERS = 2**40  # jobs of evaluations are numbered from here on


@dataclass(frozen=True)
class Batch:
    """What an iteration has collected.

    Attributes:
        collected: the episodes.
        groups: the same by task.
        rows: of the groups that have a spread; empty if none has.
        skipped: how many groups have none.
    """

    collected: Collected
    groups: tuple[Group, ...]
    rows: list[StepRow]
    skipped: int

    def measured(self) -> Row:
        """What it came to."""
        trajectories = self.collected.trajectories
        return {
            **outcome_of(trajectories),
            "groups": float(len(self.groups)),
            "skipped": float(self.skipped),
            "failed": float(len(self.collected.failures)),
            "outgrown": float(sum(trajectory.outgrown for trajectory in trajectories)),
        }


class Learner:
    """A policy, its optimiser, and the envs that it plays in.

    Args:
        config: of the training.
        threads: of torch; by default those of the config.

    Attributes:
        policy, optimiser, collector, curriculum: the parts.
    """

    def __init__(self, config: TrainConfig, threads: int | None = None) -> None:
        self.config = config
        self.curriculum = Curriculum(config)
        self.policy = Policy(config, threads)
        self.optimiser = optimiser_of(self.policy, config)
        self.collector = Collector(
            self.policy.chat,
            slots=config.slots,
            temperature=config.learner.temperature,
            max_tokens=config.max_tokens,
            seed=config.seed,
            precision=self.policy.precision,
        )

    def play(self, iteration: int, progress: float) -> Batch:
        """Collect an iteration's groups; their successes count for the curriculum.

        Args:
            iteration: counted from 0.
            progress: of the training, in [0, 1].
        """
        config = self.config
        first = iteration * config.groups * config.k
        jobs = jobs_of(config.env, tasks_of(config, iteration), config.k, config.env_kwargs, first)
        collected = self.collector.play(jobs, iteration + 1, self.curriculum.at(progress))
        groups = collected.groups()
        rows, credited = rows_of(groups, config.learner)
        self.curriculum.count([trajectory.episode.success for trajectory in collected.trajectories])
        return Batch(collected, groups, rows, credited.skipped)

    def learn(self, rows: Sequence[StepRow], rate: float) -> Row:
        """The steps of the optimiser on one batch; nothing where no group has a spread.

        Raises:
            SamplerError: a sampled log-probability is not what the model gives: nothing was learned.
        """
        if not rows:
            return {}
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        with self.policy.precision():
            rows = self.policy.referenced(rows)
        steps: list[Gradient] = []
        for number in range(self.config.updates):
            with self.policy.precision():
                tolerance = None if number else self.policy.tolerance
                steps.append(update(self.policy.model, self.optimiser, rows, self.config.learner, tolerance))
        first = steps[0]
        return {
            "loss": first.loss,
            "gain": first.gain,
            **({"kl": first.divergence} if self.config.learner.beta else {}),
            "entropy": first.entropy,
            "clipped": float(np.mean([step.clipped for step in steps])),
            "off": first.off,
            "norm": float(np.mean([step.norm for step in steps])),
            "rows": float(len(rows)),
            "row_tokens": float(first.tokens),
            "read_tokens": float(first.laid_out),
            "learned_tokens": float(first.sampled),
        }

    def evaluation(self, iteration: int) -> Row:
        """Sampled episodes of held-out tasks, always with the same draws; and the control, if one is asked for."""
        first = _NUMBERS + 2 * iteration * self.config.evaluate_episodes
        found = {f"eval/{name}": value for name, value in self.evaluate({}, first).items()}
        if self.config.control:
            first += self.config.evaluate_episodes
            found |= {f"control/{name}": value for name, value in self.evaluate(self.config.control, first).items()}
        return found

    def evaluate(self, beside: Mapping[str, Any], first_number: int) -> Row:
        """Play held-out tasks with these keywords beside the evaluation's; the jobs' numbers have never been used."""
        config = self.config
        kwargs = {**config.env_kwargs, **config.evaluate_kwargs, **beside}
        kwargs.pop("curriculum", None)
        jobs = jobs_of(config.env, range(config.evaluate_episodes), 1, kwargs, first_number)
        played = self.collector.play(jobs, _EVALUATION).trajectories
        found = outcome_of(played)
        memory = [trajectory.memory() for trajectory in played]
        spread = np.std([trajectory.episode.success for trajectory in played]) / np.sqrt(len(played))
        return found | {
            "success_error": float(spread),
            "mq": float(np.mean([metrics.quality for metrics in memory])),
            "coverage": float(np.mean([metrics.coverage for metrics in memory])),
            "prompt_tokens": float(np.mean([metrics.prompt_tokens for metrics in memory])),
            "no_op_share": _share_without_effect(memory),
        }

    def close(self) -> None:
        """Close envs and agent."""
        self.collector.close()
        self.curriculum.close()


class Curriculum:
    """Where the envs' curriculum stands, if they have one: one state for all of them.

    Attributes:
        env: keeps it, and is not played in.
    """

    def __init__(self, config: TrainConfig) -> None:
        self.env = make_memory_env(config.env, **config.env_kwargs)
        self._there = self.env.has_wrapper_attr("count_episode")

    def at(self, progress: float) -> Mapping[str, Any] | None:
        """The state for the episodes of an iteration."""
        if not self._there:
            return None
        self.env.get_wrapper_attr("set_progress")(progress)
        return self.state()

    def count(self, successes: Sequence[bool]) -> None:
        """These episodes are over."""
        for success in successes if self._there else ():
            self.env.get_wrapper_attr("count_episode")(success)

    def state(self) -> dict[str, Any] | None:
        """As plain data."""
        return dict(self.env.get_wrapper_attr("state_dict")()) if self._there else None

    def load(self, state: Mapping[str, Any] | None) -> None:
        """Be where :meth:`state` was taken."""
        if self._there and state is not None:
            self.env.get_wrapper_attr("load_state_dict")(state)

    def close(self) -> None:
        """Close the env that keeps it."""
        close_agent(self.env)


def tasks_of(config: TrainConfig, iteration: int) -> list[int]:
    """Seeds of an iteration's tasks, none of them twice; `iteration` counts from 0.

    With a number of tasks they come in an order of their own each time round; those that fill no iteration any more wait for
    the next round.
    """
    if not config.tasks:
        first = config.first_task + iteration * config.groups
        return list(range(first, first + config.groups))
    a_round = config.tasks // config.groups
    order = np.random.default_rng([config.seed, iteration // a_round]).permutation(config.tasks)
    first = iteration % a_round * config.groups
    return [config.first_task + int(place) for place in order[first : first + config.groups]]


def _share_without_effect(memory: Sequence[MemoryMetrics]) -> float:
    """Of all tool calls that were carried out; 0 without any."""
    calls = sum(sum(metrics.no_ops.calls.values()) for metrics in memory)
    return sum(sum(metrics.no_ops.without_effect.values()) for metrics in memory) / max(1, calls)


def outcome_of(played: Sequence[Trajectory]) -> Row:
    """Means over episodes: success, return and its terms, length."""
    episodes = [trajectory.episode for trajectory in played]
    terms = sorted({name for episode in episodes for name in episode.reward_terms} - {"total"})
    return {
        "episodes": float(len(played)),
        "success": float(np.mean([episode.success for episode in episodes])),
        "progress": float(np.mean([episode.progress for episode in episodes])),
        "return": float(np.mean([episode.reward for episode in episodes])),
        **{
            f"term/{name}": float(np.mean([e.reward_terms[name] for e in episodes if name in e.reward_terms]))
            for name in terms
        },
        "steps": float(np.mean([len(episode.steps) for episode in episodes])),
        "tool_calls": float(np.mean([len(episode.tool_results) for episode in episodes])),
        "format_errors": float(
            np.mean([sum(s.format_error is not None for s in e.steps) / len(e.steps) for e in episodes])
        ),
        "reply_tokens": float(np.mean([trajectory.tokens for trajectory in played])),
    }
