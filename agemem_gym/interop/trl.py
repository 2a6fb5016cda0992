"""TRL's ``GRPOTrainer`` on these envs: a ``rollout_func`` that plays episodes and gives a row a step.

TRL trains on rows of one prompt and one completion, a fixed number for each task (``num_generations``), and knows of no context
that an agent rewrites. So an episode becomes `steps` rows, each of one reply after the prompt that it was drawn in; a group of
K episodes is ``num_generations = K · steps`` rows. An episode with fewer replies is filled up with rows that are not learned
(``env_mask``). Every row has the return of its episode, so that the mean over a group is that over its episodes::

    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer
    from agemem_gym.interop.trl import EnvRollout, episode_return

    play = EnvRollout("FOLDER", "AgeMem-HotpotQA-ThreeStage-v0", {"reward": "composite"}, steps=60)
    args = GRPOConfig(num_generations=4 * play.steps, per_device_train_batch_size=4 * play.steps, temperature=1.0, …)
    trainer = GRPOTrainer("FOLDER", reward_funcs=episode_return, rollout_func=play, args=args,
                          train_dataset=Dataset.from_list(play.dataset(range(100))))
    trainer.train()

What differs from :mod:`agemem_gym.baselines.grpo`: the standard deviation is over the K · steps rows instead of K episodes,
which scales all advantages of a group alike; means of the loss count the rows that are not learned; TRL always clips, and
weighs the divergence by the ratio unless ``use_bias_correction_kl=False``; rows are read one by one.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from agemem_gym.chat.local.loading import Loaded, ends_of
from agemem_gym.chat.local.model import LocalModel
from agemem_gym.checks import at_least
from agemem_gym.errors import ConfigurationError
from agemem_gym.jobs import Job

_COLLECT = "agemem_gym.baselines.grpo.collect"
_PROMPT = "{env_id}, seed {seed}"


def episode_return(completions: Sequence[Any], episode_return: Sequence[float | None], **_: Any) -> list[float | None]:
    """TRL's reward function: the return of each row's episode; None, which TRL leaves out, for an episode that failed."""
    return list(episode_return)


class EnvRollout:
    """A ``rollout_func``.

    Args:
        model: the folder or hub name that the trainer was given: its tokenizer counts the context's tokens.
        env_id: what is played.
        env_kwargs: keywords of ``gym.make``; ``reward`` says what is learned.
        steps: rows of an episode: the most replies that one may take.
        slots: episodes at the same time.
        max_tokens: the longest reply; by default the trainer's ``max_completion_length``.
        window: most tokens of prompt and reply, if fewer than the model's own.
        seed: of the draws.

    Raises:
        ConfigurationError: a value out of range; and, when called, rows that do not divide into episodes of `steps`, or an
            episode that took more.
    """

    def __init__(
        self,
        model: str,
        env_id: str,
        env_kwargs: Mapping[str, Any] | None = None,
        *,
        steps: int,
        slots: int = 32,
        max_tokens: int | None = None,
        window: int | None = None,
        seed: int = 0,
    ) -> None:
        self.steps = at_least("steps", steps)
        self._spec = model.removeprefix("local:")
        self._env_id, self._env_kwargs = env_id, dict(env_kwargs or {})
        self._slots = at_least("slots", slots)
        self._max_tokens, self._window, self._seed = max_tokens, window, seed
        self._collector: Any = None
        self._played = 0

    def dataset(self, seeds: Iterable[int]) -> list[dict[str, Any]]:
        """Rows of a data set, a task each; the prompt only names it."""
        return [{"prompt": _PROMPT.format(env_id=self._env_id, seed=seed), "seed": seed} for seed in seeds]

    def __call__(self, prompts: Sequence[str], trainer: Any) -> dict[str, list[Any]]:
        """Play the tasks that these prompts name; ``prompt_ids``, ``completion_ids``, ``logprobs`` and more, a value a row."""
        if self._collector is None:
            self._collector = self._collector_of(trainer)
        jobs = self._jobs(prompts)
        collected = self._collector.play(jobs, trainer.state.global_step + 1)
        found = {trajectory.job.number: trajectory for trajectory in collected.trajectories}
        end = trainer.processing_class.eos_token_id
        rows = [row for job in jobs for row in self._rows(found.get(job.number), end)]
        return {name: [row[name] for row in rows] for name in rows[0]}

    def close(self) -> None:
        """Close the envs."""
        if self._collector is not None:
            self._collector.close()

    def _collector_of(self, trainer: Any) -> Any:
        model = trainer.accelerator.unwrap_model(trainer.model)
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        loaded = Loaded(base, trainer.processing_class, ends_of(base, trainer.processing_class), None)
        return importlib.import_module(_COLLECT).Collector(
            LocalModel.of(loaded, self._spec, slots=self._slots, window=self._window),
            slots=self._slots,
            temperature=trainer.args.temperature,
            max_tokens=self._max_tokens or trainer.args.max_completion_length,
            seed=self._seed,
        )

    def _jobs(self, prompts: Sequence[str]) -> list[Job]:
        """An episode for each `steps` prompts of one task."""
        jobs: list[Job] = []
        samples: dict[int, int] = {}
        for prompt, same in groupby(prompts):
            count = len(list(same))
            if count % self.steps:
                raise ConfigurationError(
                    f"{count} rows of one task: num_generations (and the batch of a process) has to be a multiple of "
                    f"steps={self.steps}"
                )
            seed = self._seed_in(prompt)
            for _ in range(count // self.steps):
                sample = samples[seed] = samples.get(seed, -1) + 1
                jobs.append(Job(self._played + len(jobs), self._env_id, seed, self._env_kwargs, sample))
        self._played += len(jobs)
        return jobs

    def _seed_in(self, prompt: str) -> int:
        seed = prompt.rpartition(" ")[2]
        if not seed.isdigit() or prompt != _PROMPT.format(env_id=self._env_id, seed=seed):
            raise ConfigurationError(
                f"{prompt!r:.100} names no task of {self._env_id}: make the data set with dataset(seeds)"
            )
        return int(seed)

    def _rows(self, trajectory: Any, end: int) -> list[dict[str, Any]]:
        """The rows of an episode; of one that failed, rows without a return."""
        replies = trajectory.replies if trajectory is not None else ()
        if len(replies) > self.steps:
            raise ConfigurationError(
                f"steps={self.steps}: an episode took {len(replies)} replies; give more, or less max_rounds"
            )
        rows = [
            {
                "prompt_ids": reply.prompt.tolist(),
                "completion_ids": list(reply.ids),
                "logprobs": list(reply.logprobs),
                "env_mask": [1] * len(reply.ids),
                "episode_return": trajectory.total,
                "stage": reply.stage,
            }
            for reply in replies
        ]
        filling = {"prompt_ids": [end], "completion_ids": [end], "logprobs": [0.0], "env_mask": [0], "stage": 0}
        filling["episode_return"] = trajectory.total if trajectory is not None else None
        return rows + [filling] * (self.steps - len(rows))
