"""Generation through slots against reading every prompt again: the same episodes, the same replies, the same tokens.

ThreeStage episodes are played twice by agents whose replies are given, token by token, so that both do the same work: once
through :class:`~agemem_gym.chat.local.engine.SlotEngine`, once through ``transformers``' own ``generate`` on the padded batch
of all turns that wait. Compared are the time from the first reset to the last reply (environments included; of one thread, on
the clock and of the processor), the prompt tokens read (against the prefix trie of each episode's prompts and replies, which
is the least that has to be read), and the log-probabilities::

    python benchmarks/generation.py

A model of 2.8 M parameters with random weights; and SmolLM2-135M-Instruct where it is installed (``make smollm``). The exit
status says whether: prompt tokens read <= 1.05 of the trie's; >= 4 times less processor time with the small model, >= 2.5
times with SmolLM2; and log-probabilities equal to 1e-4.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from report import Row, print_table, write_json

from agemem_gym.agent import AgentSpec, LiveTurn
from agemem_gym.chat.local.encoding import Replies
from agemem_gym.chat.local.engine import Request, Sampled, SlotEngine
from agemem_gym.chat.local.loading import SMOLLM, load
from agemem_gym.chat.local.model import LocalModel
from agemem_gym.errors import AgeMemError
from agemem_gym.jobs import Job
from agemem_gym.rollout import rollout

ENV = "AgeMem-HotpotQA-ThreeStage-v0"
KEYWORDS = {"encoder": "hash", "index": "exact"}
LIVE = 8
MOST_READ, NEAR = 1.05, 1e-4
PEER = "transformers.generate, every prompt read again"


@dataclass(frozen=True)
class Setting:
    """What is played with a model.

    Attributes:
        episodes: how many, ``LIVE`` of them at a time.
        keywords: of the env.
        gain: how many times faster it has to be.
    """

    episodes: int
    gain: float
    keywords: Mapping[str, Any] = field(default_factory=dict)


SMALL = Setting(episodes=8, gain=4.0)
QUICK = Setting(episodes=8, gain=4.0, keywords={"n1": 2, "n2": 1})
TINY = Setting(episodes=2, gain=0.0, keywords={"prompt_style": "compact", "n1": 1, "n2": 1})
"""For the tests: no figure of time."""
SMOL = Setting(episodes=8, gain=2.5, keywords={"prompt_style": "compact", "n1": 2, "n2": 1, "turns": 1})


# ------------------------------------------------------------------------------------------------- who plays, and how


@dataclass
class Played:
    """What a side did: seconds on the clock and of the processor; by episode and step prompt, reply and log-probabilities."""

    seconds: float = 0.0
    processor: float = 0.0
    rows: dict[tuple[int, int], tuple[tuple[int, ...], tuple[int, ...], tuple[float, ...]]] = field(
        default_factory=dict
    )


class Given:
    """Replies that are given, by episode and step, as text and as tokens."""

    def __init__(self, setting: Setting, encode: Any) -> None:
        jobs = setting_jobs(setting)
        self.text = {
            (item.job.number, step): record.reply
            for item in rollout(AgentSpec.parse("perfect"), jobs, slots=LIVE)
            for step, record in enumerate(item.episode.steps if item.episode else ())
        }
        self.ids = {key: tuple(encode(text)) for key, text in self.text.items()}


class ThroughSlots:
    """Plays through the slot engine; each turn goes on as soon as its reply is there."""

    def __init__(self, model: LocalModel, given: Given) -> None:
        self._encoder, self.engine = model.encoder, SlotEngine(model.engine.model, slots=LIVE)
        self._given = given
        self._waiting: dict[tuple[int, int], Future[Sampled]] = {}
        self._replies: dict[int, Replies] = {}
        self._tickets: dict[int, tuple[int, int]] = {}
        self.played = Played()

    def notice(self, turn: LiveTurn) -> None:
        """Ask at once."""
        replies = self._replies.setdefault(turn.key[0], Replies())
        prompt = self._encoder.prompt(turn.info["messages"], replies)
        request = Request(prompt, forced=self._given.ids[turn.key], conversation=turn.key[0])
        self._waiting[turn.key] = Future()
        self._tickets[self.engine.add(request)] = turn.key

    def act_batch(self, turns: Sequence[LiveTurn]) -> Mapping[int, str]:
        """The replies that are there first."""
        while not any(self._waiting[turn.key].done() for turn in turns):
            for ticket, sampled in self.engine.step():
                key = self._tickets.pop(ticket)
                self._replies[key[0]].add(self._given.text[key], sampled.ids)
                self.played.rows[key] = (sampled.prompt, sampled.ids, sampled.logprobs)
                self._waiting[key].set_result(sampled)
        return {turn.slot: self._given.text[turn.key] for turn in turns if self._waiting[turn.key].done()}


class ByGenerate:
    """Plays as it is commonly done: all prompts that wait are encoded, padded, and read from their beginning."""

    def __init__(self, model: LocalModel, given: Given) -> None:
        loaded = load(model.spec, **model._options)
        self._model, self._tokenizer, self._rules = loaded.model, loaded.tokenizer, model.encoder.rules
        self._pad = min(loaded.ends)
        self._given = given
        self.played = Played()

    def act_batch(self, turns: Sequence[LiveTurn]) -> Mapping[int, str]:
        """The replies to all turns."""
        from agemem_gym.chat.turns import turns as as_turns

        prompts = [self._encode(as_turns(turn.info["messages"], self._rules)) for turn in turns]
        replies = [self._given.ids[turn.key] for turn in turns]
        length = max(map(len, prompts))
        ids = torch.full((len(turns), length), self._pad)
        mask = torch.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            ids[row, length - len(prompt) :], mask[row, length - len(prompt) :] = torch.tensor(prompt), 1
        with torch.inference_mode():
            out = self._model.generate(
                ids,
                attention_mask=mask,
                max_new_tokens=max(map(len, replies)),
                do_sample=False,
                logits_processor=transformers.LogitsProcessorList([_Forcing(replies, length, self._pad)]),
                eos_token_id=[self._pad],
                pad_token_id=self._pad,
                return_dict_in_generate=True,
                output_logits=True,
            )
        logprobs = torch.stack(out.logits, 1).float().log_softmax(-1)  # (rows, tokens, vocabulary)
        for row, (turn, prompt, reply) in enumerate(zip(turns, prompts, replies, strict=True)):
            written = tuple(out.sequences[row, length : length + len(reply)].tolist())
            chosen = logprobs[row, : len(reply)].gather(1, torch.tensor(reply)[:, None])[:, 0]
            self.played.rows[turn.key] = (tuple(prompt), written, tuple(chosen.tolist()))
        return {turn.slot: self._given.text[turn.key] for turn in turns}

    def _encode(self, chat: list[dict[str, Any]]) -> list[int]:
        text = self._tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        return list(self._tokenizer.encode(text, add_special_tokens=False))


class _Forcing(transformers.LogitsProcessor):
    """Leaves no choice: the next token of each row's reply, then its end."""

    def __init__(self, replies: Sequence[Sequence[int]], start: int, end: int) -> None:
        self._replies, self._start, self._end = replies, start, end

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        at = input_ids.shape[1] - self._start
        forced = torch.full_like(scores, float("-inf"))
        for row, reply in enumerate(self._replies):
            forced[row, reply[at] if at < len(reply) else self._end] = 0.0
        return forced


def setting_jobs(setting: Setting) -> list[Job]:
    """The episodes."""
    keywords = {**KEYWORDS, **setting.keywords}
    return [Job(number, ENV, number, keywords) for number in range(setting.episodes)]


def play(agent: ThroughSlots | ByGenerate, setting: Setting) -> Played:
    """All episodes; how long they take, and what was read and written."""
    started, spent = time.perf_counter(), time.process_time()
    for item in rollout(agent, setting_jobs(setting), slots=LIVE):
        if item.failure is not None:
            raise RuntimeError(item.failure.error)
    agent.played.seconds, agent.played.processor = time.perf_counter() - started, time.process_time() - spent
    return agent.played


# ------------------------------------------------------------------------------------------------------- what is found


def measure(spec: str, setting: Setting, name: str) -> tuple[list[Row], bool]:
    """Play both ways with one model; the rows, and whether all holds that has to."""
    model = LocalModel(spec, threads=1)
    parameters = sum(weights.numel() for weights in model.engine.model.parameters()) / 1e6
    given = Given(setting, lambda text: model.encoder._encode(text).tolist())
    slots = ThroughSlots(model, given)
    ours, peer = play(slots, setting), play(ByGenerate(model, given), setting)
    assert ours.rows.keys() == peer.rows.keys() == given.ids.keys()
    same = [key for key, row in ours.rows.items() if row[:2] == peer.rows[key][:2]]
    off = max(float(np.abs(np.subtract(ours.rows[key][2], peer.rows[key][2])).max()) for key in same)
    least, again = least_to_read(ours), sum(len(prompt) for prompt, _, _ in peer.rows.values())
    read, written, count = slots.engine.work.read, sum(map(len, given.ids.values())), len(given.ids)
    memory = slots.engine.memory
    rows = [
        Row.alone("parameters", parameters, "M", 1),
        Row.less_is_better("from first reset to last reply", ours.seconds, peer.seconds, PEER, "s", setting.episodes),
        Row.less_is_better("the same, of the processor", ours.processor, peer.processor, PEER, "s", setting.episodes),
        Row.more_is_better("tokens written", written / ours.seconds, written / peer.seconds, PEER, "per second", count),
        Row.less_is_better("prompt tokens read", read, again, PEER, "tokens", count),
        Row.less_is_better("prompt tokens read", read, least, "each episode's prefix trie", "tokens", count),
        Row.alone("turns with the same tokens", len(same), f"of {count}", count),
        Row.alone("largest difference of log-probabilities", off, "nats", written),
        Row.alone("memory of a slot", memory.bytes_per_slot / 2**20, "MiB", 1),
        Row.alone("memory of a token", memory.bytes_per_token / 2**10, "KiB", 1),
    ]
    holds = (
        len(same) == count
        and off <= NEAR
        and read <= MOST_READ * least
        and peer.processor / ours.processor >= setting.gain
    )
    return [Row(f"{name}: {row.name}", *list(vars(row).values())[1:]) for row in rows], holds


def least_to_read(played: Played) -> int:
    """Prompt tokens that are new in the prefix trie of their episode, turn after turn."""
    tries: dict[int, dict[int, Any]] = {}
    new = 0
    for (number, _), (prompt, reply, _) in sorted(played.rows.items()):
        node = tries.setdefault(number, {})
        for place, token in enumerate([*prompt, *reply]):
            new += token not in node and place < len(prompt)
            node = node.setdefault(token, {})
    return new


def small_model(folder: Path, setting: Setting) -> str:
    """A model of 2.5 M parameters with random weights, and a tokenizer of 2,048 tokens learnt from such episodes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    (item, *_) = rollout(AgentSpec.parse("perfect"), [Job(0, ENV, 1000, KEYWORDS)])
    assert item.episode is not None
    texts = [message.content for message in item.episode.messages]
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    control = ["<|im_end|>", "<|im_start|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=2048, special_tokens=control, initial_alphabet=alphabet, show_progress=False
    )
    backend.train_from_iterator(texts, trainer)
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=backend, eos_token=control[0])
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.Qwen2Config(
        vocab_size=2048,
        hidden_size=192,
        intermediate_size=512,
        num_hidden_layers=6,
        num_attention_heads=6,
        num_key_value_heads=2,
        max_position_embeddings=16_384,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
    )
    transformers.Qwen2ForCausalLM(config).save_pretrained(folder)
    return str(folder)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the small model only, and shorter episodes")
    parser.add_argument("--tiny", action="store_true", help="the small model only, and no figure of time")
    parser.add_argument("--model", choices=["small", SMOLLM], help="this model only")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows as JSON")
    arguments = parser.parse_args()
    rows: list[Row] = []
    held = True
    if arguments.model != SMOLLM:
        with tempfile.TemporaryDirectory() as folder:
            setting = TINY if arguments.tiny else QUICK if arguments.quick else SMALL
            found, holds = measure(small_model(Path(folder), setting), setting, "small")
            rows, held = rows + found, held and holds
    if arguments.model == SMOLLM or not (arguments.model or arguments.quick or arguments.tiny):
        try:
            found, holds = measure(SMOLLM, SMOL, "SmolLM2")
            rows, held = rows + found, held and holds
        except AgeMemError as error:
            print(f"without SmolLM2: {error}", file=sys.stderr)
    print_table(rows, f"Generation, {LIVE} live episodes of {ENV}")
    if arguments.json:
        write_json(rows, arguments.json)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
