"""The loop: a learner's iterations, evaluations now and then, and what it takes to go on after any end.

What an iteration does is a function of the weights, the optimiser's state, the curriculum and the iteration's number. Those are
a checkpoint: going on from it gives the losses of a run that nobody stopped.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agemem_gym.baselines.grpo import checkpoint
from agemem_gym.baselines.grpo.collect import Collected, Trajectory
from agemem_gym.baselines.grpo.config import TrainConfig
from agemem_gym.baselines.grpo.journal import Journal
from agemem_gym.baselines.grpo.learner import Learner, Row
from agemem_gym.errors import ConfigurationError
from agemem_gym.plain import plain
from agemem_gym.versions import installed_versions

Report = Callable[[Row], None]
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
        learner: what learns.
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
        self.learner = Learner(config, state.get("threads"))
        self.iteration = 0
        self.trajectories: tuple[Trajectory, ...] = ()
        self.journal = Journal(self.folder) if not self._found else Journal(self.folder, int(state["iteration"]))

    def resume(self) -> bool:
        """Go back to the newest checkpoint of the run's folder, if there is one."""
        if not self._found:
            return False
        state = checkpoint.read_state(self._found[-1])
        checkpoint.restore(self._found[-1], self.learner.policy.learned, self.learner.optimiser)
        self.learner.curriculum.load(state["curriculum"])
        self.iteration = int(state["iteration"])
        return True

    def rows(self) -> Iterator[Row]:
        """Play and learn to the end of the training; yields a row of metrics an iteration."""
        config = self.config
        if self.iteration == 0 and config.evaluate_every:
            yield self._noted({"iteration": 0.0, **self.learner.evaluation(self.iteration)})
        while self.iteration < config.iterations:
            row = self.iterate()
            last = self.iteration == config.iterations
            if config.evaluate_every and (last or self.iteration % config.evaluate_every == 0):
                row |= self.learner.evaluation(self.iteration)
            noted = self._noted(row)
            if last or self.iteration % config.checkpoint_every == 0:
                self.save()
            yield noted
        self.write_model()

    def iterate(self) -> Row:
        """Collect, learn; what was measured."""
        started = time.perf_counter()
        batch = self.learner.play(self.iteration, min(1.0, self.iteration / self.config.iterations))
        before_learning = time.perf_counter()
        rate = learning_rate(self.config, self.iteration + 1)
        learned = self.learner.learn(batch.rows, rate)
        self.trajectories = batch.collected.trajectories
        self.iteration += 1
        ended = time.perf_counter()
        return {
            "iteration": float(self.iteration),
            **batch.measured(),
            "learning_rate": rate,
            **learned,
            **speed_of(batch.collected, ended - started, ended - before_learning),
        }

    def save(self) -> None:
        """Write a checkpoint."""
        state = {
            "iteration": self.iteration,
            "position": self.iteration * self.config.groups,
            "curriculum": self.learner.curriculum.state(),
            "threads": self.learner.policy.threads,
            "config": self.config.record(),
            "versions": installed_versions(),
        }
        checkpoint.save_checkpoint(
            self.folder, self.iteration, self.learner.policy.learned, self.learner.optimiser, state, self.config.keep
        )

    def write_model(self) -> None:
        """Write the model as a folder that plays, with a card."""
        folder, new = self.folder / "model", self.folder / ".model.new"
        shutil.rmtree(new, ignore_errors=True)
        self.learner.policy.write(new)
        record = {"config": plain(self.config.record()), "versions": installed_versions(), "rows": self.journal.rows}
        (new / "training.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        (new / "README.md").write_text(_card(self), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)

    def close(self) -> None:
        """Close envs and agent."""
        self.learner.close()

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


def learning_rate(config: TrainConfig, iteration: int) -> float:
    """That of an iteration, counted from 1: it rises for `warmup` of them, and falls to 0 if it is to."""
    rising = min(1.0, iteration / config.warmup) if config.warmup else 1.0
    left = config.iterations - iteration + 1
    falling = left / max(1, config.iterations - config.warmup) if config.decay == "linear" else 1.0
    return config.learning_rate * min(rising, falling)


def speed_of(collected: Collected, seconds: float, learning: float) -> Row:
    """How fast an iteration was, and where its time went."""
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
