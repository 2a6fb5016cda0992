"""The loop: collect, give credit, learn; evaluate now and then; be able to go on after any end.

::

    tasks of the iteration ─► Collector.play ─► rows_of (advantages) ─► Policy.referenced ─► update(s)
                                    ▲                                                           │
               curriculum (progress, level) ◄── successes                 weights, a row of the journal, a checkpoint

Nothing is drawn from a global generator: what an iteration does is a function of the weights, the optimiser's state, the
curriculum and the iteration's number. Those are a checkpoint; going on from it gives the losses of a run that nobody stopped.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agemem_gym.agent import close_agent
from agemem_gym.baselines.grpo import checkpoint
from agemem_gym.baselines.grpo.collect import Collected, Collector, Trajectory, jobs_of, rows_of
from agemem_gym.baselines.grpo.config import TrainConfig
from agemem_gym.baselines.grpo.journal import Journal
from agemem_gym.baselines.grpo.policy import Policy, optimiser_of
from agemem_gym.baselines.grpo.rows import StepRow
from agemem_gym.baselines.grpo.update import Gradient, update
from agemem_gym.errors import ConfigurationError
from agemem_gym.plain import plain
from agemem_gym.registration import make_memory_env
from agemem_gym.versions import installed_versions

Row = dict[str, float]
Report = Callable[[Row], None]
_EVALUATION = -1  # the iteration that seeds the draws of every evaluation
_NUMBERS = 2**40  # jobs of evaluations are numbered from here on
_MAY_DIFFER = {"out", "iterations", "checkpoint_every", "keep", "threads", "device"}


@dataclass(frozen=True)
class Trained:
    """What came of a training.

    Attributes:
        rows: a row of metrics an iteration, and one before the first.
        folder: where the model lies.
    """

    rows: tuple[Mapping[str, float], ...]
    folder: Path


def train(config: TrainConfig, report: Report = lambda row: None) -> Trained:
    """Train to the end; a run that was stopped goes on where it was.

    Args:
        config: of the training.
        report: is told each row of metrics.

    Raises:
        ConfigurationError: the folder holds a run with other settings, or nothing can be trained so.
    """
    trainer = Trainer(config)
    try:
        trainer.resume()
        for row in trainer.journal.rows:
            report(dict(row))
        for row in trainer.rows():
            report(row)
    finally:
        trainer.close()
    return Trained(tuple(trainer.journal.rows), trainer.folder / "model")


class Trainer:
    """A training, an iteration at a time.

    Args:
        config: its settings.

    Attributes:
        iteration: how many are over.
        policy, optimiser, collector: the parts.
        journal: the rows of metrics.
        folder: of the run.
        trajectories: the episodes of the last iteration.
    """

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        self.folder = Path(config.out)
        self._found = checkpoint.checkpoints_of(self.folder)
        state = checkpoint.read_state(self._found[-1]) if self._found else {}
        self._check_same(state)
        self._curriculum = _Curriculum(config)
        self.policy = Policy(config, state.get("threads"))
        self.optimiser = optimiser_of(self.policy, config)
        self.collector = Collector(
            self.policy.chat,
            slots=config.slots,
            temperature=config.learner.temperature,
            max_tokens=config.max_tokens,
            seed=config.seed,
            precision=self.policy.precision,
        )
        self.iteration = 0
        self.trajectories: tuple[Trajectory, ...] = ()
        self.journal = Journal(self.folder) if not self._found else Journal(self.folder, int(state["iteration"]))

    def resume(self) -> bool:
        """Go back to the newest checkpoint of the run's folder, if there is one."""
        if not self._found:
            return False
        state = checkpoint.read_state(self._found[-1])
        checkpoint.restore(self._found[-1], self.policy.learned, self.optimiser)
        self._curriculum.load(state["curriculum"])
        self.iteration = int(state["iteration"])
        return True

    def rows(self) -> Iterator[Row]:
        """Play and learn to the end of the training; yields a row of metrics an iteration."""
        config = self.config
        if self.iteration == 0 and config.evaluate_every:
            yield self._noted({"iteration": 0.0, **self.evaluation()})
        while self.iteration < config.iterations:
            row = self.iterate()
            last = self.iteration == config.iterations
            if config.evaluate_every and (last or self.iteration % config.evaluate_every == 0):
                row |= self.evaluation()
            noted = self._noted(row)
            if last or self.iteration % config.checkpoint_every == 0:
                self.save()
            yield noted
        self.write_model()

    def iterate(self) -> Row:
        """Collect, learn; what was measured."""
        config, started = self.config, time.perf_counter()
        seeds = tasks_of(config, self.iteration)
        jobs = jobs_of(config.env, seeds, config.k, config.env_kwargs, self.iteration * config.groups * config.k)
        progress = min(1.0, self.iteration / config.iterations)
        collected = self.collector.play(jobs, self.iteration + 1, self._curriculum.at(progress))
        groups = collected.groups()
        rows, credited = rows_of(groups, config.learner)
        before_learning = time.perf_counter()
        rate = learning_rate(config, self.iteration + 1)
        learned = self.learn(rows, rate) if rows else {}
        self._curriculum.count([trajectory.episode.success for trajectory in collected.trajectories])
        self.trajectories = collected.trajectories
        self.iteration += 1
        ended = time.perf_counter()
        return {
            "iteration": float(self.iteration),
            **outcome_of(collected.trajectories),
            "groups": float(len(groups)),
            "skipped": float(credited.skipped),
            "failed": float(len(collected.failures)),
            "outgrown": float(sum(trajectory.outgrown for trajectory in collected.trajectories)),
            "learning_rate": rate,
            **learned,
            **_speed(collected, ended - started, ended - before_learning),
        }

    def learn(self, rows: Sequence[StepRow], rate: float) -> Row:
        """The steps of the optimiser on one batch.

        Raises:
            SamplerError: a sampled log-probability is not what the model gives: nothing was learned.
        """
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

    def evaluation(self) -> Row:
        """Sampled episodes of held-out tasks, always with the same draws; and the control, if one is asked for."""
        found = {f"eval/{name}": value for name, value in self.evaluate({}, 0).items()}
        if self.config.control:
            found |= {f"control/{name}": value for name, value in self.evaluate(self.config.control, 1).items()}
        return found

    def evaluate(self, beside: Mapping[str, Any], which: int = 0) -> Row:
        """Play held-out tasks with these keywords beside the evaluation's."""
        config = self.config
        kwargs = {**config.env_kwargs, **config.evaluate_kwargs, **beside}
        kwargs.pop("curriculum", None)
        number = _NUMBERS + (2 * self.iteration + which) * config.evaluate_episodes
        jobs = jobs_of(config.env, range(config.evaluate_episodes), 1, kwargs, number)
        played = self.collector.play(jobs, _EVALUATION).trajectories
        found = outcome_of(played)
        memory = [trajectory.memory() for trajectory in played]
        spread = np.std([trajectory.episode.success for trajectory in played]) / np.sqrt(len(played))
        return found | {
            "success_error": float(spread),
            "mq": float(np.mean([metrics.quality for metrics in memory])),
            "coverage": float(np.mean([metrics.coverage for metrics in memory])),
            "prompt_tokens": float(np.mean([metrics.prompt_tokens for metrics in memory])),
        }

    def save(self) -> None:
        """Write a checkpoint."""
        state = {
            "iteration": self.iteration,
            "position": self.iteration * self.config.groups,
            "curriculum": self._curriculum.state(),
            "threads": self.policy.threads,
            "config": self.config.record(),
            "versions": installed_versions(),
        }
        checkpoint.save_checkpoint(
            self.folder, self.iteration, self.policy.learned, self.optimiser, state, self.config.keep
        )

    def write_model(self) -> None:
        """Write the model as a folder that plays, with a card."""
        folder, new = self.folder / "model", self.folder / ".model.new"
        shutil.rmtree(new, ignore_errors=True)
        self.policy.write(new)
        record = {"config": plain(self.config.record()), "versions": installed_versions(), "rows": self.journal.rows}
        (new / "training.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        (new / "README.md").write_text(_card(self), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)

    def close(self) -> None:
        """Close envs and agent."""
        self.collector.close()
        self._curriculum.close()

    def _noted(self, row: Row) -> Row:
        self.journal.add(row)
        return row

    def _check_same(self, state: Mapping[str, Any]) -> None:
        """Refuse to go on with other settings than a run began with."""
        before = state.get("config")
        if before is None:
            return
        now = json.loads(json.dumps(plain(self.config.record())))
        differ = [name for name in now if name not in _MAY_DIFFER and now[name] != before.get(name)]
        if differ:
            raise ConfigurationError(
                f"{self.config.out}: this folder holds a run with other settings of {', '.join(differ)}; choose another "
                "folder, or the settings of then to go on"
            )


class _Curriculum:
    """Where the envs' curriculum stands, if they have one: one state for all of them."""

    def __init__(self, config: TrainConfig) -> None:
        self._env = make_memory_env(config.env, **config.env_kwargs)
        self._there = self._env.has_wrapper_attr("count_episode")

    def at(self, progress: float) -> Mapping[str, Any] | None:
        """The state for the episodes of an iteration."""
        if not self._there:
            return None
        self._env.get_wrapper_attr("set_progress")(progress)
        return self.state()

    def count(self, successes: Sequence[bool]) -> None:
        """These episodes are over."""
        for success in successes if self._there else ():
            self._env.get_wrapper_attr("count_episode")(success)

    def state(self) -> dict[str, Any] | None:
        """As plain data."""
        return dict(self._env.get_wrapper_attr("state_dict")()) if self._there else None

    def load(self, state: Mapping[str, Any] | None) -> None:
        """Be where :meth:`state` was taken."""
        if self._there and state is not None:
            self._env.get_wrapper_attr("load_state_dict")(state)

    def close(self) -> None:
        """Close the env that keeps it."""
        close_agent(self._env)


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


def learning_rate(config: TrainConfig, iteration: int) -> float:
    """That of an iteration, counted from 1: it rises for `warmup` of them, and falls to 0 if it is to."""
    rising = min(1.0, iteration / config.warmup) if config.warmup else 1.0
    left = config.iterations - iteration + 1
    falling = left / max(1, config.iterations - config.warmup) if config.decay == "linear" else 1.0
    return config.learning_rate * min(rising, falling)


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


def _speed(collected: Collected, seconds: float, learning: float) -> Row:
    tokens = sum(trajectory.tokens for trajectory in collected.trajectories)
    return {
        "seconds": seconds,
        "tokens_per_second": tokens / collected.seconds,
        "share/env": (collected.seconds - collected.generating) / seconds,
        "share/generation": collected.generating / seconds,
        "share/update": learning / seconds,
    }


def _card(trainer: Trainer) -> str:
    config, rows = trainer.config, trainer.journal.rows
    evaluated = [row for row in rows if "eval/success" in row]
    ends = evaluated[:1] + evaluated[-1:] if len(evaluated) > 1 else evaluated
    lines = [
        f"# {trainer.folder.name}",
        "",
        f"{Path(config.model).name}, trained with step-wise GRPO (arXiv:2601.01885) on {config.env} by `agemem train`.",
        "",
        f"- {trainer.iteration} iterations of {config.groups} tasks × {config.k} episodes",
        *(f"- held-out success after {row['iteration']:.0f} iterations: {_with_error(row)}" for row in ends),
        "- settings, versions and metrics of each iteration: `training.json`",
        "- play it: `agemem leaderboard --agents agemem --agent-arg checkpoint=FOLDER`, where FOLDER is this one",
    ]
    return "\n".join(lines) + "\n"


def _with_error(row: Mapping[str, float]) -> str:
    return f"{row['eval/success']:.3f} ± {row['eval/success_error']:.3f}"
