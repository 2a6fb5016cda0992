"""A small language model from scratch: its own tokenizer, learnt from demonstrations, and weights to begin with.

The tokenizer is a byte-level BPE in which

- what the protocol makes every reply begin, join and end with is one token each, and so is a system message that many
  demonstrations share,
- digits stand alone,
- a space is joined to the word behind it last of all, so that a name is parted in the same way wherever it stands, and only its
  first token tells whether there is a space before it: what a small model has to copy, it can copy token by token.

The weights are random, but for an induction head (:mod:`.induction`) that copies from the first step on; ``--plain`` leaves
it out.

    python -m agemem_gym.baselines.sft.small demos.jsonl.gz --out FOLDER && agemem sft FOLDER demos.jsonl.gz --out TRAINED

With ``--model FOLDER`` weights and tokenizer are those of a model that was trained on something else; phrases that only these
demonstrations share are added.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from agemem_gym.baselines.sft.demos import Demo, each_demo
from agemem_gym.baselines.sft.induction import THETA, induce
from agemem_gym.baselines.sft.renaming import Renaming
from agemem_gym.chat.local.loading import load
from agemem_gym.checks import at_least
from agemem_gym.errors import import_extra

BEGIN, END = "<|im_start|>", "<|im_end|>"
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
BOILERPLATE = (
    *(f"{BEGIN}{role}\n" for role in ("system", "user", "assistant")),
    *("<answer>", "</answer>", "<action>", "</action>", "<tool_call>[", "]</tool_call>", "<think>", "</think>"),
    *(
        f'{{"name": "{name}", "arguments": {{"{argument}": "'
        for name, argument in (
            ("Add_memory", "content"),
            ("Update_memory", "memory_id"),
            ("Delete_memory", "memory_id"),
            ("Retrieve_memory", "query"),
            ("Summary_context", "span"),
            ("Filter_context", "criteria"),
        )
    ),
    *('"}}', '", "content": "', '", "confirmation": true}}', '", "top_k": ', "}}, ", '"}}, '),
    *("\n\nEntries of memory near this message:\n", "From memory:\n", "<answer>Noted.</answer>", "\n\n"),
    *("Add_memory: Stored as m", "Update_memory: ", "Delete_memory: ", "Retrieve_memory: m", "Summary_context: "),
    *("Filter_context: Removed ", " messages (", " tokens).", "\nm", " (0.", "): ", "(The conversation goes on.)"),
)
"""Texts of the protocol that are one token each, the longer ones tried first."""

POINTING = (
    *(f'{{"name": "{name}", "arguments": {{"message": ' for name in ("Note_message", "Drop_message")),
    '{"name": "Update_note", "arguments": {"memory_id": "',
    *('", "message": ', "}}]</tool_call>", "Note_message: Stored as m", "Drop_message: Removed message "),
)
"""Those of pointer tools, where demonstrations have them."""

_LOOKED_AT = 400  # episodes that a tokenizer is learnt from
_SHARED = 0.1  # of the rows: a system message that so many have is one token


def make_tokenizer(demos: Iterable[Demo], vocabulary: int = 2000, renaming: float = 0.0) -> Any:
    """A tokenizer with a chat template.

    Args:
        demos: whose texts it is learnt from; each message once.
        vocabulary: number of tokens in all.
        renaming: share of names that are made-up ones to it (:class:`.Renaming`), so that it learns no name by heart.
    """
    transformers = import_extra("transformers", "train")
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    demos = list(demos)
    phrases = _phrases(demos)
    texts = sorted(_texts(demos, renaming))
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(r" ?\d"), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    room = at_least("vocabulary", vocabulary, 400) - len(phrases)
    trainer = trainers.BpeTrainer(
        vocab_size=256 + 2 + (room - 258) // 2,
        special_tokens=[BEGIN, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((text.replace(" ", "\n") for text in texts), trainer)
    tokenizer = Tokenizer.from_str(_with_spaces(tokenizer, texts, room))
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in sorted(phrases, key=len, reverse=True)])
    made = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, pad_token=END)
    made.chat_template = TEMPLATE
    return made


def _phrases(demos: Sequence[Demo]) -> list[str]:
    """What is one token each."""
    points = any(POINTING[0] in demo.reply for demo in demos)
    return [*BOILERPLATE, *(POINTING if points else ()), *_shared(demos)]


def _shared(demos: Iterable[Demo]) -> list[str]:
    """The system messages that many rows have."""
    rows = [{message["content"] for message in demo.prompt if message["role"] == "system"} for demo in demos]
    counts = Counter(text for row in rows for text in row)
    return [text for text, count in sorted(counts.items()) if text and count >= _SHARED * len(rows)]


def _texts(demos: Iterable[Demo], renaming: float) -> set[str]:
    names = Renaming(demos, renaming, seed=1) if renaming else None
    return {
        text
        for _, group in groupby(demos, key=lambda demo: demo.episode)
        for demo in (names(list(group)) if names else group)
        for text in (demo.reply, *(message["content"] for message in demo.prompt if message["role"] != "system"))
    }


def _with_spaces(tokenizer: Any, texts: Iterable[str], most: int) -> str:
    """The tokenizer, as JSON, with the commonest beginnings of words once more, a space before them: merged last of all."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text) if word[0] == "Ġ")
    firsts: Counter[str] = Counter()
    for word, count in counts.items():
        pieces = tokenizer.encode(word[1:], add_special_tokens=False).tokens if word[1:].isascii() else []
        firsts.update(dict.fromkeys(pieces[:1], count))
    state = json.loads(tokenizer.to_str())
    known = state["model"]["vocab"]
    for piece, _ in firsts.most_common():
        if len(known) >= most:
            break
        if f"Ġ{piece}" not in known:
            known[f"Ġ{piece}"] = len(known)
            state["model"]["merges"].append(["Ġ", piece])
    return json.dumps(state)


def twins_of(tokenizer: Any) -> list[int]:
    """For each token the one that says the same without a space before it; itself if there is none."""
    vocabulary = tokenizer.get_vocab()
    twins = list(range(len(tokenizer)))
    for token, place in vocabulary.items():
        if token.startswith("Ġ") and token[1:] in vocabulary:
            twins[place] = vocabulary[token[1:]]
    return twins


def make_model(
    tokenizer: Any,
    *,
    hidden: int = 256,
    layers: int = 4,
    heads: int = 4,
    middle: int | None = None,
    window: int = 16_384,
    seed: int = 0,
    induction: bool = False,
) -> Any:
    """A Llama with random weights; at the defaults 3.5 million parameters with a vocabulary of 2,000, 4.0 with induction.

    Args:
        tokenizer: its own.
        hidden, layers, heads: width of the residual stream, number of layers, heads in each.
        middle: width within a layer's feed-forward part; twice `hidden` if left out.
        window: the most tokens of prompt and reply; where it holds the env's budget, a model is told the same budget as others.
        seed: of the weights.
        induction: write an induction head into them (:func:`.induce`); it brings biases of attention and an output layer of
            its own.

    Raises:
        ConfigurationError: there is no room for an induction head.
    """
    torch, transformers = import_extra("torch", "train"), import_extra("transformers", "train")
    torch.manual_seed(seed)
    end = tokenizer.convert_tokens_to_ids(END)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=2 * hidden if middle is None else middle,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        max_position_embeddings=window,
        rope_parameters={"rope_type": "default", "rope_theta": THETA if induction else 10_000.0},
        attention_bias=induction,
        tie_word_embeddings=not induction,
        bos_token_id=tokenizer.convert_tokens_to_ids(BEGIN),
        eos_token_id=end,
        pad_token_id=end,
    )
    model = transformers.LlamaForCausalLM(config)
    if induction:
        induce(model, twins_of(tokenizer), seed)
    return model


def add_phrases(tokenizer: Any, model: Any, demos: Iterable[Demo]) -> list[str]:
    """Let a model that was trained elsewhere read these demonstrations as one made for them would.

    Phrases of the protocol and shared system messages that it does not know become tokens of their own, each the mean of the
    tokens that it was spelled with.

    Args:
        tokenizer, model: of the model; both are changed.
        demos: what it is to be trained on.

    Returns:
        What was added.
    """
    torch = import_extra("torch", "train")
    from tokenizers import AddedToken

    known = tokenizer.get_vocab()
    phrases = [text for text in _phrases(list(demos)) if text not in known]
    spelled = [tokenizer.encode(text, add_special_tokens=False) for text in phrases]
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in phrases])
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    matrices = {id(part.weight): part.weight for part in (model.get_input_embeddings(), model.get_output_embeddings())}
    with torch.no_grad():
        for weight in matrices.values():
            for text, pieces in zip(phrases, spelled, strict=True):
                weight[tokenizer.convert_tokens_to_ids(text)] = weight[pieces].mean(0)
    return phrases


def save(tokenizer: Any, model: Any, folder: Path) -> None:
    """Write both as a folder that ``agemem sft`` and ``local:FOLDER`` read."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)


def _first_episodes(paths: Iterable[str], episodes: int) -> Iterator[Demo]:
    groups = groupby(each_demo(list(paths)), key=lambda demo: demo.episode)
    for _, group in islice(groups, episodes):
        yield from group


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", metavar="FILE", help="demonstrations")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--vocabulary", type=int, default=2000)
    parser.add_argument(
        "--rename", type=float, default=0.0, help="share of names that are made-up ones to the tokenizer"
    )
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--middle", type=int)
    parser.add_argument("--window", type=int, default=16_384)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plain", action="store_true", help="random weights, without an induction head")
    parser.add_argument("--model", metavar="FOLDER", help="begin with this model, or `small`, instead of a new one")
    options = parser.parse_args()
    demos = _first_episodes(options.data, _LOOKED_AT)
    if options.model:
        loaded = load(options.model, device="cpu", dtype="float32", threads=1)
        tokenizer, model = loaded.tokenizer, loaded.model
        add_phrases(tokenizer, model, list(demos))
    else:
        tokenizer = make_tokenizer(demos, options.vocabulary, options.rename)
        sizes = ("hidden", "layers", "heads", "middle", "window", "seed")
        chosen = {name: getattr(options, name) for name in sizes}
        model = make_model(tokenizer, **chosen, induction=not options.plain)
    save(tokenizer, model, options.out)
    count = sum(parameter.numel() for parameter in model.parameters())
    print(f"{count:,} parameters, {len(tokenizer):,} tokens, in {options.out}")


if __name__ == "__main__":
    main()
