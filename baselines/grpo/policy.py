"""The model in training: what of it learns, what it is compared with, and how it is asked.

All weights, or LoRA adapters; the reference is the adapter switched off, or else the model as it was loaded.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from agemem_gym.baselines.grpo.config import TrainConfig
from agemem_gym.baselines.grpo.rows import StepRow
from agemem_gym.baselines.grpo.scoring import check_trie, with_reference
from agemem_gym.chat.local.loading import load
from agemem_gym.chat.local.model import LocalModel
from agemem_gym.errors import import_extra

TOLERANCE = {"float32": 1e-3, "bfloat16": 0.5}
"""How far a sampled log-probability may be from the learner's; half precision rounds differently in other batches."""


class Policy:
    """A model that is asked and that learns.

    Args:
        config: of the training.
        threads: of torch on a CPU; by default those of the config.

    Attributes:
        model: with adapters, if there are any.
        chat: the same as a chat model, with slots.
        threads: of torch.

    Raises:
        ConfigurationError: no such model, or one that cannot go through slots or a trie.
    """

    def __init__(self, config: TrainConfig, threads: int | None = None) -> None:
        self._config = config
        spec = config.model.removeprefix("local:")
        loaded = load(spec, device=config.device, dtype="float32", threads=threads or config.threads or None)
        self._start = loaded.model
        self._tokenizer = loaded.tokenizer
        self.threads = loaded.threads or 0
        if loaded.threads:
            torch.set_num_threads(loaded.threads)
        self.model = _with_adapters(
            copy.deepcopy(loaded.model), config
        )  # the loaded one is the process's, and the reference
        base = self.model.get_base_model() if config.lora else self.model
        if config.learner.layout == "trie":
            check_trie(self.model, spec)
        options = {"slots": config.slots, "window": config.window}
        self.chat = LocalModel.of(replace(loaded, model=base), spec, **options)

    @property
    def learned(self) -> dict[str, torch.nn.Parameter]:
        """What learns, by name."""
        return {name: value for name, value in self.model.named_parameters() if value.requires_grad}

    @property
    def tolerance(self) -> float:
        """How far a sampled log-probability may be from the learner's."""
        return TOLERANCE[self._config.precision]

    def precision(self) -> AbstractContextManager[Any]:
        """A context in which the model computes as the config asks."""
        if self._config.precision == "float32":
            return contextlib.nullcontext()
        return torch.autocast(self.model.device.type, torch.bfloat16)

    def referenced(self, rows: Sequence[StepRow]) -> list[StepRow]:
        """The rows with the reference's log-probabilities, where the loss has need of them."""
        learner = self._config.learner
        if not learner.beta:
            return list(rows)
        if self._config.lora:
            with self.model.disable_adapter():
                return with_reference(self.model, rows, learner)
        return with_reference(self._start, rows, learner)

    def write(self, folder: Path) -> None:
        """Write the model as a folder that ``local:FOLDER`` and ``agemem sft`` read; adapters are merged into a copy."""
        model = copy.deepcopy(self.model).merge_and_unload() if self._config.lora else self.model
        model.save_pretrained(folder, safe_serialization=True)
        self._tokenizer.save_pretrained(folder)


def _with_adapters(model: Any, config: TrainConfig) -> Any:
    """The model with LoRA adapters on all its linear layers, or all its weights to be trained."""
    if not config.lora:
        return model.requires_grad_(True)
    peft = import_extra("peft", "train")
    wanted = peft.LoraConfig(
        r=config.lora, lora_alpha=2 * config.lora, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        return peft.get_peft_model(model, wanted).eval()


def optimiser_of(policy: Policy, config: TrainConfig) -> torch.optim.Optimizer:
    """AdamW over what learns."""
    make = partial(torch.optim.AdamW, lr=config.learning_rate, weight_decay=config.weight_decay)
    return make(list(policy.learned.values()))
