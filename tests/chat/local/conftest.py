"""Small models with random weights, a tokenizer of our own, and chat templates that behave as the families' do."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

torch.set_num_threads(1)  # two are many times slower where others use the cores

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CONTROL = ["<|im_start|>", "<|im_end|>"]
SMALL = {
    "vocab_size": 600,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
}


def build_tokenizer(template=CHATML, control=CONTROL):
    """Byte-level BPE, learnt from this folder's own sources."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=SMALL["vocab_size"],
        special_tokens=list(control),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = [path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.py"))]
    tokenizer.train_from_iterator(texts, trainer)
    made = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=control[-1], additional_special_tokens=list(control)
    )
    made.chat_template = template
    return made


def make_model(kind="Llama", **config):
    """A model with random weights whose distributions are far from flat."""
    torch.manual_seed(0)
    options = {**SMALL, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1, **config}
    made = getattr(transformers, f"{kind}ForCausalLM")(getattr(transformers, f"{kind}Config")(**options))
    with torch.no_grad():
        for name, weights in made.named_parameters():
            if weights.dim() > 1 and "embed" not in name:
                weights.mul_(4.0)
    return made.eval()


@pytest.fixture(scope="session")
def make_tokenizer():
    return build_tokenizer


@pytest.fixture(scope="session")
def tokenizer():
    return build_tokenizer()


@pytest.fixture(scope="session")
def model():
    return make_model()


@pytest.fixture(scope="session")
def folder(tmp_path_factory, tokenizer):
    """A model's folder, as transformers writes one."""
    path = tmp_path_factory.mktemp("models") / "tiny"
    tokenizer.save_pretrained(path)
    make_model(max_position_embeddings=8192).save_pretrained(path)
    return str(path)
