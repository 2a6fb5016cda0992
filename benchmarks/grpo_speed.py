"""One update of GRPO on the tree of a group, and one whole iteration, against reading every row and prompt by itself.

The update: rows of a group of K episodes of one task, whose replies are given (``store-all-noisy``), go through the model
forward and backward, and AdamW makes a step; in all three layouts, and in TRL's ``GRPOTrainer`` where it is installed (extra
[trl]; padded as TRL pads, no gradient checkpointing). The gradients are compared. Memory is what the process takes up beyond
what it had before; rows go through the model one at a time.

The iteration: K episodes are sampled and learned from, once through slots and the tree, once with ``transformers``'
``generate`` on the padded batch of all turns that wait, every prompt read again, and rows one by one.

    python benchmarks/grpo_speed.py

A model of 2.8 M parameters with random weights; seconds are those of the processor, in one thread. The exit status says
whether the tree is at least 8 times faster than rows, and 5 times faster than TRL, reads at most 1.05 of the group's tokens,
an iteration is at least 4 times faster, and the gradients are equal.
"""

from __future__ import annotations

import argparse
import copy
import ctypes
import gc
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from generation import SMALL as OF_GENERATION
from generation import small_model
from report import Row, print_table, write_json

from agemem_gym.agent import LiveTurn
from agemem_gym.baselines.agents.language_model import RULES
from agemem_gym.baselines.grpo.collect import Collector, jobs_of, rows_of
from agemem_gym.baselines.grpo.config import GRPOConfig
from agemem_gym.baselines.grpo.rows import StepRow
from agemem_gym.baselines.grpo.scoring import logprobs_of
from agemem_gym.baselines.grpo.trie import packs_of
from agemem_gym.baselines.grpo.update import add_gradient
from agemem_gym.baselines.sft.demos import collect, demos_of
from agemem_gym.baselines.sft.segments import encode
from agemem_gym.chat.local.loading import load
from agemem_gym.chat.local.model import LocalModel
from agemem_gym.chat.turns import turns as as_turns
from agemem_gym.rollout import rollout

ENV = "AgeMem-HotpotQA-ThreeStage-v0"
KEYWORDS = {"encoder": "hash", "index": "exact"}
UPDATE, TRL, ITERATION, EQUAL = 8.0, 5.0, 4.0, 1e-4
LAYOUTS = ("trie", "segments", "rows")
CONFIG = GRPOConfig(beta=0.0, clip=(0.2, 0.2))
AT_ONCE = 8  # rows of TRL's micro-batches


@dataclass(frozen=True)
class Setting:
    """How much is measured.

    Attributes:
        keywords: of the env.
        ks: group sizes; the last one is measured against all peers.
        reply: tokens of a sampled reply.
        gains: whether the figures of time have to hold.
    """

    keywords: Mapping[str, Any]
    ks: tuple[int, ...]
    reply: int
    gains: bool = True


FULL = Setting(KEYWORDS, (2, 4, 16, 8), 48)
QUICK = Setting({**KEYWORDS, "n1": 2, "n2": 1, "prompt_style": "compact"}, (8,), 24)
TINY = Setting({**QUICK.keywords, "n1": 1, "max_rounds": 4}, (2,), 4, gains=False)
"""For the tests: no figure of time."""


# ------------------------------------------------------------------------------------------------------------- an update


@dataclass(frozen=True)
class Updated:
    """One update: its time, the most memory that it took up, and its gradient."""

    seconds: float
    bytes: int
    gradient: dict[str, torch.Tensor]


class Peak:
    """The most memory of the process while a block runs, beyond what it had when it began."""

    def __enter__(self) -> Peak:
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)  # what was freed before would be taken again unseen
        self._start = self._most = _resident()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._over.set()
        self._thread.join()
        self.bytes = self._most - self._start

    def _watch(self) -> None:
        while not self._over.wait(0.002):
            self._most = max(self._most, _resident())


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def given_rows(model: Any, tokenizer: Any, keywords: Mapping[str, Any], k: int) -> list[StepRow]:
    """The rows of a group of scripted episodes, with the log-probabilities of the model."""
    from agemem_gym.chat.local.encoding import ChatEncoder

    episodes = list(collect(ENV, "store-all-noisy", 1, samples=k, env_kwargs=keywords, failed=True))
    demos = [demo for episode in episodes for demo in demos_of(episode)]
    advantages = np.random.default_rng(0).normal(size=k)
    rows = [
        StepRow(row.prompt, np.asarray(row.reply), [0.0] * len(row.reply), float(advantages[number]), number)
        for number, of_episode in enumerate(encode(demos, ChatEncoder(tokenizer), tokenizer.eos_token_id))
        for row in of_episode
    ]
    found = logprobs_of(model, rows, CONFIG)
    return [replace(row, sampled=values) for row, values in zip(rows, found, strict=True)]


def updated(model: Any, prepare: Callable[[Any], Callable[[], None]]) -> Updated:
    """A step of AdamW on a copy of the model; `prepare` gives what adds the gradient, and its own time does not count."""
    model = copy.deepcopy(model)
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.0)
    compute = prepare(model)
    with Peak() as peak:
        started = time.process_time()
        compute()
        optimiser.step()
        seconds = time.process_time() - started
    gradient = {name: value.grad.clone() for name, value in model.named_parameters() if value.grad is not None}
    return Updated(seconds, peak.bytes, gradient)


def in_layout(rows: Sequence[StepRow], layout: Any) -> Callable[[Any], Callable[[], None]]:
    """What adds the gradient of rows in a layout."""
    return lambda model: lambda: add_gradient(model, rows, replace(CONFIG, layout=layout)) and None


def by_trl(rows: Sequence[StepRow], folder: str) -> Callable[[Any], Callable[[], None]]:
    """What adds TRL's gradient of the same rows, in micro-batches."""
    import datasets
    import trl

    batch, parts = padded(rows), -(-len(rows) // AT_ONCE)

    def prepare(model: Any) -> Callable[[], None]:
        args = trl.GRPOConfig(
            output_dir=tempfile.mkdtemp(),
            use_cpu=True,
            bf16=False,
            report_to=[],
            per_device_train_batch_size=AT_ONCE,
            num_generations=AT_ONCE,
            beta=0.0,
            epsilon=0.2,
            loss_type="grpo",
            gradient_checkpointing=False,
        )
        trainer = trl.GRPOTrainer(
            model=model,
            reward_funcs=lambda completions, **_: [0.0] * len(completions),
            args=args,
            train_dataset=datasets.Dataset.from_list([{"prompt": "x"}] * AT_ONCE),
            processing_class=transformers.AutoTokenizer.from_pretrained(folder),
        )
        trainer.current_gradient_accumulation_steps = 1
        model.train()

        def compute() -> None:
            for part in range(parts):
                chosen = {name: value[part * AT_ONCE : (part + 1) * AT_ONCE] for name, value in batch.items()}
                share = len(chosen["advantages"]) / len(rows)
                (trainer._compute_loss(model, chosen) * share).backward()

        return compute

    return prepare


def padded(rows: Sequence[StepRow]) -> dict[str, torch.Tensor]:
    """Rows as TRL takes them: prompts padded to the left, completions to the right, all to the longest."""

    def pad(sequences: Sequence[Any], *, left: bool) -> torch.Tensor:
        longest = max(map(len, sequences))
        out = torch.zeros(len(sequences), longest)
        for line, sequence in zip(out, sequences, strict=True):
            start = longest - len(sequence) if left else 0
            line[start : start + len(sequence)] = torch.as_tensor(np.asarray(sequence, np.float32))
        return out

    prompts, replies = [row.prompt for row in rows], [row.reply for row in rows]
    return {
        "prompt_ids": pad(prompts, left=True).long(),
        "prompt_mask": pad([np.ones(len(ids)) for ids in prompts], left=True).long(),
        "completion_ids": pad(replies, left=False).long(),
        "completion_mask": pad([np.ones(len(ids)) for ids in replies], left=False).long(),
        "advantages": torch.tensor([row.advantage for row in rows]),
        "old_per_token_logps": pad([row.sampled for row in rows], left=False),
    }


def furthest(one: Updated, other: Updated) -> float:
    """How far two gradients are apart, relative to their size."""
    apart = sum(float((one.gradient[name] - value).norm() ** 2) for name, value in other.gradient.items())
    return float(np.sqrt(apart / sum(float(value.norm() ** 2) for value in other.gradient.values())))


def measure_updates(model: Any, folder: str, setting: Setting) -> tuple[list[Row], bool]:
    """Updates of groups of each size, and whether all holds that has to."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    found: list[Row] = []
    holds = True
    for k in setting.ks:
        rows = given_rows(model, tokenizer, setting.keywords, k)
        last = k == setting.ks[-1]
        for name in LAYOUTS:
            updated(model, in_layout(rows[:3], name))  # a process's first passes are slower
        done = {name: updated(model, in_layout(rows, name)) for name in (LAYOUTS if last else ("trie", "rows"))}
        trie, alone = done["trie"], done["rows"]
        what, count = f"update, K = {k}, {len(rows)} rows", len(rows)
        found.append(Row.less_is_better(what, trie.seconds, alone.seconds, "rows", "s", 1))
        holds &= furthest(trie, alone) <= EQUAL
        if not last:
            continue
        read = sum(len(pack) for pack in packs_of(rows, CONFIG))
        least = sum(len(pack) for pack in packs_of(rows, replace(CONFIG, micro_tokens=2**40)))
        found += [
            Row.less_is_better(what, trie.seconds, done["segments"].seconds, "segments", "s", 1),
            Row.less_is_better("tokens read", read, sum(map(len, rows)), "rows", "tokens", count),
            Row.less_is_better("tokens read", read, least, "the group's prefix trie", "tokens", count),
            Row.less_is_better("most memory", trie.bytes / 2**20, alone.bytes / 2**20, "rows", "MiB", 1),
            Row.alone("gradient apart from that of rows", furthest(trie, alone), "relative", count),
        ]
        holds &= not setting.gains or (alone.seconds / trie.seconds >= UPDATE and read <= 1.05 * least)
        try:
            trl = updated(model, by_trl(rows, folder))
        except ImportError as error:
            print(f"without TRL: {error}", file=sys.stderr)
            continue
        found.append(Row.less_is_better(what, trie.seconds, trl.seconds, "TRL's GRPOTrainer", "s", 1))
        found.append(Row.alone("gradient apart from that of TRL", furthest(trie, trl), "relative", count))
        holds &= furthest(trie, trl) <= 10 * EQUAL and (not setting.gains or trl.seconds / trie.seconds >= TRL)
    return found, holds


# ---------------------------------------------------------------------------------------------------------- an iteration


class ByGenerate:
    """Samples as it is commonly done: all prompts that wait are encoded, padded, and read from their beginning."""

    def __init__(self, model: Any, tokenizer: Any, tokens: int, env_kwargs: Mapping[str, Any]) -> None:
        self.env_kwargs = dict(env_kwargs)
        self.rows: list[StepRow] = []
        self._model, self._tokenizer, self._tokens = model, tokenizer, tokens

    def act_batch(self, turns: Sequence[LiveTurn]) -> Mapping[int, str]:
        """The replies to all turns."""
        chats = [as_turns(turn.info["messages"], RULES) for turn in turns]
        batch = self._tokenizer.apply_chat_template(
            chats, add_generation_prompt=True, padding=True, padding_side="left", return_dict=True, return_tensors="pt"
        )
        with torch.inference_mode():
            out = self._model.generate(
                batch["input_ids"],
                attention_mask=batch["attention_mask"],
                max_new_tokens=self._tokens,
                do_sample=True,
                temperature=1.0,
                top_k=0,
                return_dict_in_generate=True,
                output_logits=True,
            )
        start = batch["input_ids"].shape[1]
        logprobs = torch.stack(out.logits, 1).float().log_softmax(-1)
        written = out.sequences[:, start:]
        texts = self._tokenizer.batch_decode(written, skip_special_tokens=True)
        for number, turn in enumerate(turns):
            ids = written[number].tolist()
            end = self._tokenizer.eos_token_id
            ids = ids[: ids.index(end) + 1] if end in ids else ids
            chosen = logprobs[number, range(len(ids)), ids].tolist()
            prompt = batch["input_ids"][number][batch["attention_mask"][number].bool()]
            self.rows.append(StepRow(prompt, ids, chosen, (-1.0) ** turn.job.sample, turn.job.sample))
        return {turn.slot: text for turn, text in zip(turns, texts, strict=True)}


def measure_iteration(model: Any, folder: str, setting: Setting) -> tuple[list[Row], bool]:
    """Sample a group and learn from it, both ways."""
    loaded = load(folder, threads=1)
    k = setting.ks[-1]
    jobs = jobs_of(ENV, [0], k, {**setting.keywords, "reward": "composite"})
    chat = LocalModel.of(replace(loaded, model=copy.deepcopy(model)), folder, slots=k)
    collector = Collector(chat, slots=k, temperature=1.0, max_tokens=setting.reply, seed=0)
    started = time.process_time()
    collected = collector.play(jobs, 1)
    collecting = time.process_time() - started
    rows, _ = rows_of(collected.groups(), CONFIG)
    ours = updated(model, in_layout(rows, "trie"))
    peer = ByGenerate(model, loaded.tokenizer, setting.reply, collector.sampler.env_kwargs)
    started = time.process_time()
    for _ in rollout(peer, jobs, slots=k):
        pass
    sampling = time.process_time() - started
    collector.close()
    theirs = updated(model, in_layout(peer.rows, "rows"))
    written, read = sum(len(row.reply) for row in rows), sum(len(row.reply) for row in peer.rows)
    # both sides' draws differ, and with them how many replies an episode takes: seconds are those of as many sampled tokens
    share = written / read
    whole, other = collecting + ours.seconds, (sampling + theirs.seconds) * share
    env = (1 - collected.generating / collected.seconds) * collecting / whole
    name = "generate, every prompt read again, and rows"
    found = [
        Row.less_is_better(f"iteration, K = {k}, {len(rows)} rows", whole, other, name, "s", 1),
        Row.less_is_better("of it collecting", collecting, sampling * share, name, "s", 1),
        Row.less_is_better("of it updating", ours.seconds, theirs.seconds * share, name, "s", 1),
        Row.alone("of it env, memory and encoder", 100 * env, "%", 1),
    ]
    return found, not setting.gains or other / whole >= ITERATION


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="shorter episodes, one size of groups")
    parser.add_argument("--tiny", action="store_true", help="the shortest episodes, and no figure of time")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows as JSON")
    arguments = parser.parse_args()
    setting = TINY if arguments.tiny else QUICK if arguments.quick else FULL
    with tempfile.TemporaryDirectory() as folder:
        small_model(Path(folder), OF_GENERATION)
        model = load(folder, threads=1).model
        rows, held = measure_updates(model, folder, setting)
        more, held_too = measure_iteration(model, folder, setting)
    print_table(rows + more, f"GRPO on {ENV}, one group")
    if arguments.json:
        write_json(rows + more, arguments.json)
    return 0 if held and held_too else 1


if __name__ == "__main__":
    sys.exit(main())
