"""Tiny models, and groups of episodes that they sampled."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from agemem_gym.baselines.grpo.rows import StepRow  # noqa: E402
from agemem_gym.chat.local.engine import Request, SlotEngine  # noqa: E402

torch.set_num_threads(1)

SMALL = {
    "vocab_size": 60,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "head_dim": 8,
    "max_position_embeddings": 512,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 1,
}
END = frozenset({1})


def a_model(kind="Llama", **config):
    """A model with random weights that make distributions of some shape."""
    torch.manual_seed(1)
    made = getattr(transformers, {"GPT2": "GPT2LMHeadModel"}.get(kind, f"{kind}ForCausalLM"))
    model = made(getattr(transformers, f"{kind}Config")(**{**SMALL, **config})).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(4)
    return model


def words(count, seed):
    return np.random.default_rng(seed).integers(2, 60, count).tolist()


def sample_group(model, k=4, limit=6):
    """K episodes of one task: four steps each, sampled; before the third FILTER takes a message out of the context's middle,
    before the fourth the context begins anew (a stage)."""
    engine = SlotEngine(model, slots=k)
    system, message, late = words(9, 1), words(12, 2), words(5, 3)
    contexts = [[*system, *message] for _ in range(k)]
    rows = []
    for step in range(4):
        asked = [
            Request(c, max_tokens=limit, temperature=1.0, seed=(1, n, step), ends=END) for n, c in enumerate(contexts)
        ]
        replies = engine.run(asked)
        for number, (context, reply) in enumerate(zip(contexts, replies, strict=True)):
            rows.append(StepRow(context, reply.ids, reply.logprobs, (-1.0) ** number * (1 + step / 2), number))
            contexts[number] = [*context, *reply.ids, *words(4, 10 * step + number)]
            if step == 1:
                contexts[number] = [*system, *contexts[number][len(system) + 5 :]]
            if step == 2:
                contexts[number] = [*system, *late]
    return rows


def moved(rows, seed=5):
    """As if the policy had moved on since: other log-probabilities of sampler and reference."""
    rng = np.random.default_rng(seed)
    return [
        replace(
            row,
            sampled=[value + 0.3 * rng.normal() for value in row.sampled],
            reference=[value + 0.3 * rng.normal() for value in row.sampled],
        )
        for row in rows
    ]


@pytest.fixture(scope="session")
def model():
    return a_model()


@pytest.fixture(scope="session")
def precise():
    """The same in double precision, where layouts differ by nothing but what they do wrong."""
    return a_model().double()


@pytest.fixture(scope="session")
def group(model):
    return sample_group(model)


# ------------------------------------------------------------------------------------------------------------- real envs

ENV = "AgeMem-HotpotQA-ThreeStage-v0"
SHORT = {"n1": 2, "n2": 1, "encoder": "hash", "index": "exact", "prompt_style": "compact", "max_rounds": 8}


def a_folder(place, told=lambda message: message):
    """A small model with random weights, as a folder; its tokenizer is learnt from demonstrations."""
    from agemem_gym.baselines.sft.demos import collect, demos_of
    from agemem_gym.baselines.sft.small import make_model, make_tokenizer, save

    episodes = collect(ENV, "store-all", 3, env_kwargs={**SHORT, "max_rounds": 40}, failed=True)
    demos = [demo for episode in episodes for demo in demos_of(episode)]
    tokenizer = make_tokenizer([replace(demo, prompt=tuple(map(told, demo.prompt))) for demo in demos], 700)
    save(tokenizer, make_model(tokenizer, hidden=32, layers=2, heads=4, window=2048), place)
    return place


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A small model of which the system message is one token."""
    return a_folder(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def wordy(tmp_path_factory):
    """One that reads the system message word by word, so that its window is soon full."""
    return a_folder(tmp_path_factory.mktemp("wordy"), lambda message: {**message, "role": "user"})
