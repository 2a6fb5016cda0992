"""GRPO with the face of Stable-Baselines3: ``learn``, ``predict``, ``save``, ``load``, callbacks, logger, ``evaluate_policy``.

    from agemem_gym.baselines.grpo.algorithm import GRPO

    model = GRPO("FOLDER", "AgeMem-HotpotQA-ThreeStage-v0", env_kwargs={"reward": "composite"}, groups=4, k=8)
    model.learn(20_000, callback=EvalCallback(...))
    model.save("trained")

A policy here is a language model by name. SB3's own vector envs cannot play K episodes of one task (their auto-reset passes no
seed), so ``learn`` plays in envs of its own, made by the id and keywords of the env that was given; a time step is a reply.
Callbacks are asked after each reply of an iteration's episodes, before anything is learned from them.
"""

from __future__ import annotations

import io
import json
import re
import tempfile
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.utils import safe_mean
from stable_baselines3.common.vec_env import VecEnv

from agemem_gym.baselines.agents.language_model import RULES
from agemem_gym.baselines.grpo import checkpoint
from agemem_gym.baselines.grpo.collect import Trajectory
from agemem_gym.baselines.grpo.config import GRPOConfig, TrainConfig
from agemem_gym.baselines.grpo.learner import Learner
from agemem_gym.baselines.grpo.trainer import speed_of
from agemem_gym.chat import Sampling
from agemem_gym.chat.local.model import LocalModel
from agemem_gym.chat.turns import turns as as_turns
from agemem_gym.errors import ConfigurationError
from agemem_gym.registration import make_memory_env
from agemem_gym.spaces import TextSpace

_MESSAGE = re.compile(r"(?:\A|\n\n)\[(system|user|assistant|tool)\] ")
_OWN = {"model", "env", "out", "env_kwargs", "learning_rate", "seed", "device", "iterations", "learner"}


def messages_of(observation: str) -> list[dict[str, str]]:
    """The chat messages of an observation, which is their text; one that is cut in front begins with what is left of it.

    Example:
        >>> messages_of("[system] Be brief.\\n\\n[user] Where?\\n\\nTell me.")
        [{'role': 'system', 'content': 'Be brief.'}, {'role': 'user', 'content': 'Where?\\n\\nTell me.'}]
    """
    parts = _MESSAGE.split(observation)
    messages = [{"role": "user", "content": parts[0]}] if parts[0] else []
    return messages + [
        {"role": role, "content": content} for role, content in zip(parts[1::2], parts[2::2], strict=True)
    ]


class LanguagePolicy(BasePolicy):
    """A language model as a policy of SB3: text in, text out.

    Args:
        observation_space, action_space: of text.
        model: the weights.
        chat: the same model, as it is asked.
        temperature, max_tokens, seed: how replies are drawn.

    Attributes:
        moved: the weights have changed since :meth:`predict`.
    """

    def __init__(
        self,
        observation_space: gym.Space[Any],
        action_space: gym.Space[Any],
        *,
        model: torch.nn.Module,
        chat: LocalModel,
        temperature: float,
        max_tokens: int,
        seed: int,
    ) -> None:
        super().__init__(observation_space, action_space)
        self.language_model = model
        self._chat = chat
        self._temperature, self._max_tokens, self._seed = temperature, max_tokens, seed
        self._drawn = self._conversations = 0
        self.moved = False

    def predict(
        self,
        observation: Any,
        state: tuple[Any, ...] | None = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[Any, tuple[Any, ...] | None]:
        """Replies to observations.

        Args:
            observation: a text, or an array of one for each env.
            state: what an earlier call gave back: which conversations these are.
            episode_start: which of them begin anew.
            deterministic: take the likeliest tokens instead of drawing.
        """
        texts = [str(text) for text in np.ravel(np.asarray(observation, object))]
        begins = np.ones(len(texts), bool) if state is None or episode_start is None else np.ravel(episode_start)
        held = [self._conversation() if new else number for new, number in zip(begins, state or texts, strict=True)]
        sampling = Sampling(temperature=0.0 if deterministic else self._temperature, max_tokens=self._max_tokens)
        if self.moved:  # what slots hold was computed by other weights
            self._chat.engine.forget()
            self.moved = False
        asked = []
        for text, number in zip(texts, held, strict=True):
            self._drawn += 1
            drawn = Sampling(**{**asdict(sampling), "seed": self._seed * 2**32 + self._drawn})
            prompt = as_turns(messages_of(text), RULES)
            asked.append(self._chat.submit(prompt, drawn, conversation=("predict", number)))
        while not all(future.done() for future in asked):
            self._chat.advance()
        replies = np.empty(len(texts), object)
        replies[:] = [future.result().text for future in asked]
        return (replies[0] if np.ndim(observation) == 0 else replies), tuple(held)

    def _predict(self, observation: Any, deterministic: bool = False) -> torch.Tensor:
        raise TypeError("observations are text, not tensors: call predict")

    def _conversation(self) -> int:
        self._conversations += 1
        return self._conversations


class GRPO(BaseAlgorithm):
    """Step-wise GRPO (arXiv:2601.01885, eq. 5 and 6).

    Args:
        policy: a language model: a folder, a name on the hub, or ``"smollm"``.
        env: an id, an env that ``gym.make`` made, or a vector env of such; of an env its id and keywords count, and not what
            was put round it afterwards. None where :meth:`load` knows it.
        learning_rate: of AdamW, a number or a function of the remaining progress.
        env_kwargs: keywords of ``gym.make``, with an id.
        learner: how a batch becomes a gradient.
        tensorboard_log, verbose, seed, device, stats_window_size: as in SB3.
        settings: what else a :class:`~agemem_gym.baselines.grpo.config.TrainConfig` has: ``groups``, ``k``, ``lora``, …

    Raises:
        ConfigurationError: no such model, env or setting.
    """

    policy: LanguagePolicy
    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {}

    def __init__(
        self,
        policy: str,
        env: str | gym.Env[str, str] | VecEnv | None,
        learning_rate: Any = 1e-4,
        *,
        env_kwargs: Mapping[str, Any] | None = None,
        learner: GRPOConfig | None = None,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        verbose: int = 0,
        seed: int = 0,
        device: str = "auto",
        _init_setup_model: bool = True,
        **settings: Any,
    ) -> None:
        if isinstance(env, str):
            env = make_memory_env(env, **(env_kwargs or {}))
        elif env_kwargs:
            raise ConfigurationError("env_kwargs go with an env that is named by its id")
        super().__init__(
            LanguagePolicy,
            env,
            learning_rate,
            stats_window_size=stats_window_size,
            tensorboard_log=tensorboard_log,
            verbose=verbose,
            device=device,
            support_multi_env=True,
            seed=seed,
            supported_action_spaces=(TextSpace,),
        )
        self._settings = {"policy": policy, "learner": asdict(learner or GRPOConfig()), **settings}
        self._iteration = 0
        if _init_setup_model:
            self._setup_model()

    def _setup_model(self) -> None:
        self._setup_lr_schedule()
        self.config = self._config()
        self.learner = Learner(self.config)
        if self.env is None:
            self.observation_space = self.learner.curriculum.env.observation_space
            self.action_space = self.learner.curriculum.env.action_space
        policy = self.learner.policy
        self.policy = LanguagePolicy(
            self.observation_space,
            self.action_space,
            model=policy.model,
            chat=policy.chat,
            temperature=self.config.learner.temperature,
            max_tokens=self.config.max_tokens,
            seed=self.config.seed,
        )

    def _config(self) -> TrainConfig:
        """The settings of a training on the env that was given."""
        settings = dict(self._settings)
        own = settings.keys() & _OWN - {"learner"}
        if own:
            raise ConfigurationError(f"{', '.join(sorted(own))}: SB3 has arguments of its own for that")
        given = {
            "model": settings.pop("policy"),
            "env": settings.pop("env_id", None),
            "env_kwargs": settings.pop("made_with", {}),
            "out": "sb3",
            "learning_rate": float(self.lr_schedule(1.0)),
            "seed": self.seed or 0,
            "device": "auto" if self.device.type == "cuda" else self.device.type,
            **settings,
        }
        if self.env is not None:
            spec = _spec_of(self.env)
            given["env"], given["env_kwargs"] = spec.id, dict(spec.kwargs)
            self._settings |= {"env_id": spec.id, "made_with": dict(spec.kwargs)}
        return TrainConfig.load(None, given)

    # ------------------------------------------------------------------------------------------------------ SB3's verbs

    def learn(
        self,
        total_timesteps: int,
        callback: Any = None,
        log_interval: int = 1,
        tb_log_name: str = "GRPO",
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
    ) -> GRPO:
        """Learn for so many replies; the last iteration is played to its end.

        Args:
            total_timesteps: replies, of all episodes together.
            callback, tb_log_name, reset_num_timesteps, progress_bar: as in SB3.
            log_interval: iterations from line to line of the log.
        """
        total_timesteps, callback = self._setup_learn(
            total_timesteps, callback, reset_num_timesteps, tb_log_name, progress_bar
        )
        callback.on_training_start(locals(), globals())
        while self.num_timesteps < total_timesteps:
            started = time.perf_counter()
            callback.on_rollout_start()
            batch = self.learner.play(self._iteration, min(1.0, self.num_timesteps / total_timesteps))
            played = time.perf_counter() - started
            if not self._count(batch.collected.trajectories, callback):
                break
            callback.on_rollout_end()
            self._update_current_progress_remaining(self.num_timesteps, total_timesteps)
            before_learning = time.perf_counter()
            rate = float(self.lr_schedule(self._current_progress_remaining))
            learned = self.learner.learn(batch.rows, rate)
            self.policy.moved = True
            learning = time.perf_counter() - before_learning
            self._iteration += 1
            self._n_updates += self.config.updates * bool(learned)
            if self._iteration % log_interval == 0:
                speed = speed_of(batch.collected, played + learning, learning)
                self._log({"rollout": batch.measured(), "train": {**learned, "learning_rate": rate}, "time": speed})
        callback.on_training_end()
        return self

    def predict(
        self,
        observation: Any,
        state: tuple[Any, ...] | None = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[Any, tuple[Any, ...] | None]:
        """Replies to observations; see :meth:`LanguagePolicy.predict`."""
        return self.policy.predict(observation, state, episode_start, deterministic)

    def save(self, path: Any, exclude: Any = None, include: Any = None) -> None:
        """Write a zip file of safetensors, the optimiser's state and JSON; the model that training began from is named in it.

        Args:
            path: where; ``.zip`` is added if it has no suffix. A file object will do.
            exclude, include: have no meaning here.
        """
        state = {
            "settings": self._settings,
            "seed": self.seed,
            "iteration": self._iteration,
            "timesteps": self.num_timesteps,
            "updates": self._n_updates,
            "learning_rate": float(self.lr_schedule(self._current_progress_remaining)),
            "curriculum": self.learner.curriculum.state(),
        }
        with tempfile.TemporaryDirectory() as folder:
            checkpoint.write_parts(Path(folder), self.learner.policy.learned, self.learner.optimiser, state)
            with zipfile.ZipFile(_zip_at(path, make=True), "w") as file:
                for name in checkpoint.PARTS:
                    file.write(Path(folder) / name, name)

    @classmethod
    def load(  # type: ignore[override]
        cls, path: Any, env: str | gym.Env[str, str] | VecEnv | None = None, device: str = "auto", **settings: Any
    ) -> GRPO:
        """A model that :meth:`save` wrote.

        Args:
            path: of the file, or a file object.
            env: to learn on further; without one only that of the training is known, by its id.
            device: of torch.
            settings: of :class:`GRPO`, on top of those that were saved.

        Raises:
            ConfigurationError: it is no such file.
        """
        with tempfile.TemporaryDirectory() as folder:
            try:
                with zipfile.ZipFile(_zip_at(path)) as file:
                    for name in checkpoint.PARTS:
                        (Path(folder) / name).write_bytes(file.read(name))
            except (KeyError, zipfile.BadZipFile) as error:
                raise ConfigurationError(f"{path}: no model that GRPO.save wrote: {error}") from None
            state = json.loads((Path(folder) / "state.json").read_text(encoding="utf-8"))
            saved = dict(state["settings"])
            learner = GRPOConfig(**{**saved.pop("learner"), "clip": _pair(state["settings"]["learner"]["clip"])})
            given = {
                "learning_rate": state["learning_rate"],
                "seed": state["seed"],
                "learner": learner,
                **saved,
                **settings,
            }
            model = cls(given.pop("policy"), env, given.pop("learning_rate"), device=device, **given)
            checkpoint.restore(Path(folder), model.learner.policy.learned, model.learner.optimiser)
        model.learner.curriculum.load(state["curriculum"])
        model.num_timesteps, model._n_updates = state["timesteps"], state["updates"]
        model._iteration = state["iteration"]
        return model

    def close(self) -> None:
        """Close the envs of the training."""
        self.learner.close()

    def _get_torch_save_params(self) -> tuple[list[str], list[str]]:
        return ["policy"], []

    # --------------------------------------------------------------------------------------------------------- its parts

    def _count(self, trajectories: Sequence[Trajectory], callback: Any) -> bool:
        """Tell callbacks of each reply; false if one of them wants to stop."""
        for trajectory in trajectories:
            episode = trajectory.episode
            for step in range(1, len(episode.steps) + 1):
                self.num_timesteps += 1
                over = step == len(episode.steps)
                infos = [{"success": episode.success, "is_success": episode.success}] if over else [{}]
                if over:
                    infos[0]["episode"] = {"r": episode.reward, "l": len(episode.steps), "t": time.time()}
                    self._update_info_buffer(infos, np.array([True]))
                    self._episode_num += 1
                rewards, dones = np.array([episode.reward if over else 0.0]), np.array([over])
                callback.update_locals({"infos": infos, "rewards": rewards, "dones": dones, "trajectory": trajectory})
                if not callback.on_step():
                    return False
        return True

    def _log(self, parts: Mapping[str, Mapping[str, float]]) -> None:
        for part, values in parts.items():
            for name, value in values.items():
                self.logger.record(f"{part}/{name.replace('/', '_')}", value)
        if self.ep_info_buffer:
            self.logger.record("rollout/ep_rew_mean", safe_mean([info["r"] for info in self.ep_info_buffer]))
            self.logger.record("rollout/ep_len_mean", safe_mean([info["l"] for info in self.ep_info_buffer]))
        if self.ep_success_buffer:
            self.logger.record("rollout/success_rate", safe_mean(self.ep_success_buffer))
        self.logger.record("time/iterations", self._iteration, exclude="tensorboard")
        self.logger.record("time/total_timesteps", self.num_timesteps, exclude="tensorboard")
        self.logger.dump(step=self.num_timesteps)


def _spec_of(env: VecEnv) -> Any:
    """The spec by which the envs of a vector env were made.

    Raises:
        ConfigurationError: it was not made by ``gym.make``.
    """
    spec = env.unwrapped.get_attr("unwrapped", [0])[0].spec
    if spec is None:
        raise ConfigurationError(
            "learn makes envs of its own by id: give an env that gym.make made, or an id and env_kwargs"
        )
    return spec


def _zip_at(path: Any, *, make: bool = False) -> Any:
    if isinstance(path, io.IOBase) or hasattr(path, "read"):
        return path
    found = Path(path)
    found = found if found.suffix == ".zip" or (not make and found.is_file()) else found.with_name(f"{found.name}.zip")
    if make:
        found.parent.mkdir(parents=True, exist_ok=True)
    elif not found.is_file():
        raise ConfigurationError(f"{path}: there is no such file")
    return found


def _pair(value: Any) -> Any:
    return None if value is None else tuple(value)
