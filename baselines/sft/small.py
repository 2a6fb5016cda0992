"""A small language model from scratch: its own tokenizer, learnt from demonstrations, and random weights.

The tokenizer is a byte-level BPE in which

- what the protocol makes every reply begin, join and end with is one token each,
- digits stand alone,
- every segment between such tokens begins with a space, so that a name has the same tokens wherever it stands: what a small
  model has to copy, it can copy token by token.

    python -m agemem_gym.baselines.sft.small demos.jsonl.gz --out FOLDER && agemem sft FOLDER demos.jsonl.gz --out TRAINED
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from agemem_gym.baselines.sft.demos import Demo, read_demos
from agemem_gym.checks import at_least
from agemem_gym.errors import import_extra

BEGIN, END = "<|im_start|>", "<|im_end|>"
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
BOILERPLATE = (
    *("<answer>", "</answer>", "<action>", "</action>", "<tool_call>[", "]</tool_call>"),
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
    *("Entries of memory near this message:\n", "From memory:\n", "<answer>Noted.</answer>"),
)
"""Texts of the protocol that are one token each, the longer ones tried first."""


def make_tokenizer(demos: Iterable[Demo], vocabulary: int = 2000) -> Any:
    """A tokenizer with a chat template.

    Args:
        demos: whose texts it is learnt from; each message once.
        vocabulary: number of tokens in all.
    """
    transformers = import_extra("transformers", "train")
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\d"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    texts = {message["content"] for demo in demos for message in demo.prompt}
    trainer = trainers.BpeTrainer(
        vocab_size=at_least("vocabulary", vocabulary, 400) - len(BOILERPLATE),
        special_tokens=[BEGIN, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sorted(texts), trainer)
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in sorted(BOILERPLATE, key=len, reverse=True)])
    made = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, pad_token=END)
    made.chat_template = TEMPLATE
    return made


def make_model(
    tokenizer: Any, *, hidden: int = 192, layers: int = 6, heads: int = 6, window: int = 4096, seed: int = 0
) -> Any:
    """A Llama with random weights; at the defaults 3.1 million parameters with a vocabulary of 2,000."""
    torch, transformers = import_extra("torch", "train"), import_extra("transformers", "train")
    torch.manual_seed(seed)
    end = tokenizer.convert_tokens_to_ids(END)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=int(8 * hidden / 3) // 8 * 8,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        max_position_embeddings=window,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.convert_tokens_to_ids(BEGIN),
        eos_token_id=end,
        pad_token_id=end,
    )
    return transformers.LlamaForCausalLM(config)


def save(tokenizer: Any, model: Any, folder: Path) -> None:
    """Write both as a folder that ``agemem sft`` and ``local:FOLDER`` read."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", metavar="FILE", help="demonstrations")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--vocabulary", type=int, default=2000)
    parser.add_argument("--hidden", type=int, default=192)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--heads", type=int, default=6)
    parser.add_argument("--window", type=int, default=4096)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    tokenizer = make_tokenizer(read_demos(options.data), options.vocabulary)
    sizes = {name: getattr(options, name) for name in ("hidden", "layers", "heads", "window", "seed")}
    model = make_model(tokenizer, **sizes)
    save(tokenizer, model, options.out)
    count = sum(parameter.numel() for parameter in model.parameters())
    print(f"{count:,} parameters, {len(tokenizer):,} tokens, in {options.out}")


if __name__ == "__main__":
    main()
