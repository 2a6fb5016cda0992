"""The loop of supervised fine-tuning: next-token loss on replies alone, all weights or LoRA.

The folder that comes out is a model of ``transformers`` (safetensors, tokenizer, template) with a card that says how it was
made; ``agemem leaderboard --agents agemem --agent-arg checkpoint=FOLDER`` plays it.
"""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from agemem_gym.baselines.sft.demos import Demo, each_episode
from agemem_gym.baselines.sft.renaming import Renaming
from agemem_gym.baselines.sft.segments import Segment, encode, segments_of
from agemem_gym.baselines.sft.tree import loss_in_tree, tree_batches
from agemem_gym.checks import at_least, one_of, positive, within
from agemem_gym.errors import ConfigurationError, import_extra
from agemem_gym.versions import installed_versions

if TYPE_CHECKING:
    import torch

_LOOKED_AT = 400  # episodes that tell what is no name

Report = Callable[[dict[str, float]], None]


@dataclass(frozen=True)
class SFTConfig:
    """How to train.

    Attributes:
        model: a folder, a name on the hub, or ``"smollm"``.
        data: files of demonstrations.
        out: the folder to write.
        epochs: passes over all episodes.
        learning_rate: its peak, after `warmup` of the steps; then it falls to a tenth along a cosine.
        batch_tokens: tokens of a step, at most (a longer sequence is a step of its own).
        longest: tokens of a prompt and its reply; longer rows are left out.
        final_weight: weight of tokens of stage 3 against those of the stages before (reading is harder to learn than noting).
        early: share of the episodes of which all is learned; of the others stage 3 alone, the end of an episode.
        rename: share of the names in an episode that are replaced by made-up ones (:class:`.Renaming`).
        held_out: share of episodes that is kept for the validation loss, at least one episode.
        lora: rank of LoRA adapters; 0 trains all weights.
        weight_decay, clip: of AdamW; largest norm of a gradient.
        seed: of the order and of adapters.
        threads: of torch; its own choice if 0.
        bf16: multiply in bfloat16, where the processor is faster at it; weights stay as they are.
        store: number format of the weights that are written.
        tree: lay out the sequences of a step as one tree (:mod:`.tree`), of which `batch_tokens` counts the nodes.
    """

    model: str
    data: tuple[str, ...]
    out: str
    epochs: int = 2
    learning_rate: float = 2e-4
    warmup: float = 0.05
    batch_tokens: int = 8192
    longest: int = 4096
    final_weight: float = 1.0
    early: float = 1.0
    rename: float = 0.0
    held_out: float = 0.05
    lora: int = 0
    weight_decay: float = 0.0
    clip: float = 1.0
    seed: int = 0
    threads: int = 0
    bf16: bool = False
    store: str = "float32"
    tree: bool = False

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_tokens", "longest"):
            at_least(name, getattr(self, name))
        for name in ("learning_rate", "final_weight", "clip"):
            positive(name, getattr(self, name))
        one_of("store", self.store, ("float32", "float16", "bfloat16"))
        for name, high in (("warmup", 1.0), ("held_out", 0.5), ("early", 1.0), ("rename", 1.0)):
            within(name, getattr(self, name), 0.0, high)
        at_least("lora", self.lora, 0)


@dataclass(frozen=True)
class Trained:
    """What came of it.

    Attributes:
        steps, tokens: of training; tokens read, and `replied` of them learned.
        curve: a point a step: ``{"step", "loss", "learning_rate", "seconds"}``.
        validation: loss and share of tokens that were most likely, before and after.
    """

    steps: int
    tokens: int
    replied: int
    curve: tuple[dict[str, float], ...]
    validation: tuple[dict[str, float], dict[str, float]]


def sft(config: SFTConfig, report: Report = lambda point: None) -> Trained:
    """Train, and write the folder.

    Raises:
        ConfigurationError: no such model or data, or no row is short enough.
    """
    torch = import_extra("torch", "train")
    from agemem_gym.chat.local.encoding import ChatEncoder
    from agemem_gym.chat.local.loading import load

    loaded = load(config.model)
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    model = _with_adapters(copy.deepcopy(loaded.model), config)  # the loaded one is the process's
    encoder = ChatEncoder(loaded.tokenizer)
    episodes = episodes_of(each_episode(config.data), encoder, loaded.tokenizer.eos_token_id, config)
    order = np.random.default_rng([config.seed, 1]).permutation(len(episodes))
    kept = max(1, round(config.held_out * len(episodes))) if config.held_out and len(episodes) > 1 else 0
    held_out = [segment for place in order[:kept] for segment in episodes[place]]
    before = evaluate(model, held_out, config)
    started = time.perf_counter()
    training = [episodes[place] for place in order[kept:]]
    curve = tuple(_steps(model, training, config, started, report))
    after = evaluate(model, held_out, config)
    every = [segment for episode in training for segment in episode]
    trained = Trained(
        steps=len(curve),
        tokens=config.epochs * sum(len(segment.ids) for segment in every),
        replied=config.epochs * sum(weight > 0 for segment in every for weight in segment.weights),
        curve=curve,
        validation=(before, after),
    )
    _write(model, loaded.tokenizer, config, trained, len(training))
    return trained


def episodes_of(episodes: Iterable[Sequence[Demo]], encoder: Any, end: int, config: SFTConfig) -> list[list[Segment]]:
    """The sequences of each episode.

    Args:
        episodes: the rows of each.
        encoder, end: see :func:`.encode`.

    Raises:
        ConfigurationError: no row is short enough.
    """
    rng = np.random.default_rng([config.seed, 3])
    found = []
    for demos in _renamed(episodes, config):
        whole = rng.random() < config.early

        def weigh(demo: Demo, whole: bool = whole) -> float:
            return config.final_weight if demo.stage == 3 else float(whole)

        found += [
            segments for rows in encode(demos, encoder, end, weigh) if (segments := segments_of(rows, config.longest))
        ]
    if not found:
        raise ConfigurationError(
            f"longest={config.longest}: every prompt with its reply is longer; the shortest rows make nothing to learn from"
        )
    return found


def _renamed(episodes: Iterable[Sequence[Demo]], config: SFTConfig) -> Iterator[Sequence[Demo]]:
    """The rows of each episode, under other names if wanted."""
    episodes = iter(episodes)
    if not config.rename:
        yield from episodes
        return
    first = list(islice(episodes, _LOOKED_AT))
    names = Renaming([demo for demos in first for demo in demos], config.rename, config.seed)
    yield from map(names, chain(first, episodes))


def loss_of(model: Any, segments: Sequence[Segment]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Sum of weighted losses of the replies' tokens, sum of weights, and how many tokens were the likeliest.

    Sequences are padded to the right, which no token looks at, and only targets go through the output layer.
    """
    import torch

    device = next(model.parameters()).device
    longest = max(len(segment.ids) for segment in segments)
    ids = torch.zeros(len(segments), longest, dtype=torch.long)
    weights = torch.zeros(len(segments), longest)
    for row, segment in enumerate(segments):
        length = len(segment.ids)
        ids[row, :length] = torch.tensor(segment.ids)
        weights[row, :length] = torch.tensor(segment.weights)
    ids, weights = ids.to(device), weights.to(device)
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    hidden = base.model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
    targets, wanted = ids[:, 1:], weights[:, 1:]
    learned = wanted > 0
    logits = base.lm_head(hidden[learned]).float()
    losses = torch.nn.functional.cross_entropy(logits, targets[learned], reduction="none")
    right = (logits.argmax(-1) == targets[learned]).sum()
    return (losses * wanted[learned]).sum(), wanted[learned].sum(), right


def evaluate(model: Any, segments: Sequence[Segment], config: SFTConfig) -> dict[str, float]:
    """Mean loss a token and share of tokens that were the likeliest; empty where nothing was held out."""
    import torch

    total = count = right = tokens = 0.0
    model.eval()
    with torch.no_grad(), _precision(model, config):
        for batch in _batches(segments, config.batch_tokens):
            loss, weight, found = loss_of(model, batch)
            total, count, right = total + float(loss), count + float(weight), right + float(found)
            tokens += sum(value > 0 for segment in batch for value in segment.weights)
    return {"loss": total / count, "accuracy": right / tokens} if count else {}


def _steps(
    model: Any, episodes: Sequence[Sequence[Segment]], config: SFTConfig, started: float, report: Report
) -> Iterator[dict[str, float]]:
    import torch

    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(learned, lr=config.learning_rate, weight_decay=config.weight_decay)
    plan = [batch for epoch in range(config.epochs) for batch in _shuffled(episodes, config, epoch)]
    for number, batch in enumerate(plan, start=1):
        model.train()
        rate = config.learning_rate * _schedule(number, len(plan), config.warmup)
        for group in optimiser.param_groups:
            group["lr"] = rate
        with _precision(model, config):
            loss, weight = (loss_in_tree if config.tree else loss_of)(model, batch)[:2]
        (loss / weight).backward()
        torch.nn.utils.clip_grad_norm_(learned, config.clip)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        point = {
            "step": float(number),
            "steps": float(len(plan)),
            "loss": float(loss.detach() / weight),
            "learning_rate": rate,
            "seconds": time.perf_counter() - started,
        }
        report(point)
        yield point
    model.eval()


def _shuffled(episodes: Sequence[Sequence[Segment]], config: SFTConfig, epoch: int) -> list[list[Segment]]:
    """The batches of an epoch, in random order: sequences of like length together, or those of an episode for trees."""
    rng = np.random.default_rng([config.seed, 2, epoch])
    if config.tree:
        mixed = [segment for place in rng.permutation(len(episodes)) for segment in episodes[place]]
        return list(tree_batches(mixed, config.batch_tokens))
    segments = [segment for episode in episodes for segment in episode]
    mixed = [segments[place] for place in rng.permutation(len(segments))]
    batches = list(_batches(sorted(mixed, key=lambda segment: len(segment.ids)), config.batch_tokens))
    return [batches[place] for place in rng.permutation(len(batches))]


def _batches(segments: Sequence[Segment], most: int) -> Iterator[list[Segment]]:
    """As many sequences together as fit, padding counted."""
    batch: list[Segment] = []
    for segment in segments:
        longest = max([len(segment.ids), *(len(other.ids) for other in batch)])
        if batch and longest * (len(batch) + 1) > most:
            yield batch
            batch = []
        batch.append(segment)
    if batch:
        yield batch


def _schedule(step: int, steps: int, warmup: float) -> float:
    rising = max(1, round(warmup * steps))
    if step <= rising:
        return step / rising
    return 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def _precision(model: Any, config: SFTConfig) -> AbstractContextManager[Any]:
    """What multiplications are done in."""
    import torch

    return torch.autocast(next(model.parameters()).device.type, torch.bfloat16, enabled=config.bf16)


def _with_adapters(model: Any, config: SFTConfig) -> Any:
    """The model with LoRA adapters on all its linear layers, or all its weights to be trained."""
    if not config.lora:
        for parameter in model.parameters():
            parameter.requires_grad_(True)
        return model
    peft = import_extra("peft", "train")
    wanted = peft.LoraConfig(
        r=config.lora, lora_alpha=2 * config.lora, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    return peft.get_peft_model(model, wanted)


def _write(model: Any, tokenizer: Any, config: SFTConfig, trained: Trained, episodes: int) -> None:
    """The folder: weights (adapters merged in), tokenizer, card, curve."""
    folder = Path(config.out)
    folder.mkdir(parents=True, exist_ok=True)
    import torch

    whole = model.merge_and_unload() if config.lora else model
    whole = whole.to(getattr(torch, config.store))
    whole.save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    before, after = trained.validation
    settings = {**asdict(replace(config, **_names(config))), "episodes": episodes, "versions": installed_versions()}
    record = {"config": settings, "validation": {"before": before, "after": after}, "curve": trained.curve}
    (folder / "training.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    lines = [
        f"# {folder.name}",
        "",
        f"{Path(config.model).name}, fine-tuned on replies of demonstrations with `agemem sft` (agemem-gym).",
        "",
        f"- {episodes} episodes, {trained.steps} steps, {trained.tokens:,} tokens read, {trained.replied:,} learned",
        f"- validation: before {_said(before)}; after {_said(after)}",
        "- settings, versions and the loss of each step: `training.json`",
        f"- play it: `agemem leaderboard --agents agemem --agent-arg checkpoint={folder.name}`",
    ]
    (folder / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _names(config: SFTConfig) -> dict[str, Any]:
    """Files and folders without where they lie."""
    return {
        "model": Path(config.model).name,
        "data": tuple(Path(name).name for name in config.data),
        "out": Path(config.out).name,
    }


def _said(found: dict[str, float]) -> str:
    return f"loss {found['loss']:.3f}, token accuracy {found['accuracy']:.3f}" if found else "not measured"
