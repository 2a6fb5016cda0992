"""Loss and gradient of segments and trie are those of rows, each by itself through the model as it is."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from agemem_gym.baselines.grpo.config import GRPOConfig  # noqa: E402
from agemem_gym.baselines.grpo.rows import StepRow  # noqa: E402
from agemem_gym.baselines.grpo.scoring import check_trie, logprobs_of, scores_of, with_reference  # noqa: E402
from agemem_gym.baselines.grpo.trie import packs_of  # noqa: E402
from agemem_gym.baselines.grpo.update import add_gradient  # noqa: E402
from agemem_gym.errors import ConfigurationError  # noqa: E402

from .conftest import a_model, moved, sample_group, words  # noqa: E402

FULL = {"clip": (0.2, 0.3), "beta": 0.1, "entropy": 0.05}


def gradient_of(model, rows, **settings):
    """What a batch comes to, and the gradient of each parameter."""
    model.zero_grad(set_to_none=True)
    found = add_gradient(model, rows, GRPOConfig(**settings))
    gradients = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad(set_to_none=True)
    return found, gradients


def assert_same(model, rows, **settings):
    """The three layouts, to 1e-5 relative, each parameter by itself."""
    wanted, oracle = gradient_of(model, rows, layout="rows", **settings)
    found = {layout: gradient_of(model, rows, layout=layout, **settings) for layout in ("segments", "trie")}
    for layout, (loss, gradients) in found.items():
        for name in ("loss", "gain", "divergence", "entropy", "clipped"):
            assert getattr(loss, name) == pytest.approx(getattr(wanted, name), rel=1e-5), (layout, name)
        assert gradients.keys() == oracle.keys()
        for name, gradient in gradients.items():
            size = oracle[name].norm()
            assert (gradient - oracle[name]).norm() <= 1e-5 * size + 1e-9, (layout, name)
    assert max(gradient.norm() for gradient in oracle.values()) > 1e-3
    return wanted, found["segments"][0], found["trie"][0]


KINDS = {
    "Llama": {},
    "grouped-query": {"num_key_value_heads": 2},
    "tied": {"tie_word_embeddings": True},
    "Mistral": {"sliding_window": 7, "num_key_value_heads": 2},
    "Qwen3": {"num_key_value_heads": 2},
    "Gemma2": {"sliding_window": 9, "num_key_value_heads": 2, "layer_types": ["sliding_attention", "full_attention"]},
    "GPT2": {"n_embd": 32, "n_layer": 2, "n_head": 4},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_sampled_group_of_each_kind_of_model(kind):
    model = a_model(kind if kind[0].isupper() else "Llama", **KINDS[kind]).double()
    rows = moved(sample_group(model))
    wanted, segments, trie = assert_same(model, rows, **FULL)
    assert trie.laid_out < segments.laid_out < wanted.laid_out == wanted.tokens


@pytest.mark.parametrize("mean", ["step", "token", "sequence", "dr_grpo"])
@pytest.mark.parametrize("ratio", ["token", "step"])
def test_every_mean_and_ratio(precise, group, mean, ratio):
    assert_same(precise, moved(group), mean=mean, ratio=ratio, temperature=0.7, **FULL)


def test_the_group_has_what_is_hard(group):
    first = [row for row in group if len(row.prompt) == 21]
    assert len({row.reply[0] for row in first}) > 1  # a branch at the first token of the reply
    assert any(row.reply[-1] != 1 and len(row.reply) == 6 for row in group)  # cut by the limit
    assert any(len(row.prompt) < len(before.prompt) for before, row in zip(group, group[4:], strict=False))  # FILTER


def test_single_precision_is_near(model, group):
    wanted, oracle = gradient_of(model, moved(group), layout="rows", **FULL)
    found, gradients = gradient_of(model, moved(group), layout="trie", **FULL)
    assert found.loss == pytest.approx(wanted.loss, rel=1e-4)
    for name, gradient in gradients.items():
        assert (gradient - oracle[name]).norm() <= 1e-4 * oracle[name].norm()


def test_equal_replies_are_read_once_and_learned_twice(precise):
    prompt, reply = words(8, 1), [5, 6, 1]
    one = StepRow(prompt, reply, [-4.0, -4.0, -4.0], 1.0, 0)
    other = StepRow(prompt, reply, [-4.0, -4.0, -4.0], 3.0, 1)
    wanted, _, trie = assert_same(precise, [one, other], beta=0.0)
    assert (wanted.laid_out, trie.laid_out) == (22, 11)
    alone, _ = gradient_of(precise, [one], beta=0.0)
    assert trie.loss == pytest.approx(2 * alone.loss)


def test_replies_that_are_the_start_of_each_other_and_branch_anywhere(precise):
    prompt = words(8, 1)
    replies = ([5], [5, 6], [5, 6, 7], [5, 7], [8], [9, 1])
    rows = [StepRow(prompt, r, [-4.0] * len(r), float(n - 2), n) for n, r in enumerate(replies)]
    _, _, trie = assert_same(precise, rows, beta=0.0)
    assert trie.laid_out == 8 + 7


def test_lora_and_its_reference_is_the_adapter_switched_off(group):
    peft = pytest.importorskip("peft")
    model = a_model(num_key_value_heads=2)
    rows = sample_group(model)
    wanted = peft.LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", lora_dropout=0.5)
    adapted = peft.get_peft_model(model.double(), wanted).double().train()
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0, 0.3)
    with adapted.disable_adapter():
        rows = with_reference(adapted, rows, GRPOConfig())
    assert max(abs(np.subtract(row.sampled, row.reference)).max() for row in rows) < 1e-3
    assert_same(adapted, rows, **FULL)
    assert adapted.training
    _, gradients = gradient_of(adapted, rows, **FULL)
    assert gradients
    assert all("lora" in name for name in gradients)


def test_parts_of_any_size_sum_to_the_whole(precise, group):
    rows = moved(group)
    whole, one = gradient_of(precise, rows, micro_tokens=10_000, **FULL)
    for most in (1, 60, 150):
        parts, other = gradient_of(precise, rows, micro_tokens=most, **FULL)
        assert parts.laid_out > whole.laid_out
        assert parts.loss == pytest.approx(whole.loss, rel=1e-6)
        assert all((other[name] - gradient).norm() <= 1e-5 * gradient.norm() for name, gradient in one.items())


def test_what_was_sampled_is_computed_again_to_a_ten_thousandth(model, group):
    found = logprobs_of(model, group, GRPOConfig())
    assert max(abs(np.subtract(row.sampled, again)).max() for row, again in zip(group, found, strict=True)) < 1e-4


@pytest.mark.parametrize("layout", ["rows", "segments", "trie"])
def test_gradients_flow_through_sampled_tokens_alone(precise, layout):
    """Against log-probabilities of the one learned token, taken from a plain forward pass."""
    prompt = words(8, 1)
    rows = [
        StepRow(prompt, [5, 6, 7], [-4.0] * 3, 2.0, weights=[0.0, 1.0, 0.0]),
        StepRow([*prompt, 5, 6, 7, 9], [4], [-4.0], 3.0, weights=[0.0]),
        StepRow(prompt, [9], [-4.0], 0.0),
    ]
    _, found = gradient_of(precise, rows, beta=0.0, layout=layout, mean="token")
    logits = precise(input_ids=torch.tensor([[*prompt, 5]])).logits[0, -1]
    (-(logits.log_softmax(-1)[6] + 4.0).exp() * 2.0 / 2).backward()  # two tokens count; the other's advantage is 0
    for name, parameter in precise.named_parameters():
        assert torch.allclose(found[name], parameter.grad, rtol=1e-4, atol=1e-7), name
    precise.zero_grad(set_to_none=True)


def test_entropies_are_those_of_the_distributions(model, group):
    (pack,) = packs_of(group[:1], GRPOConfig())
    with torch.no_grad():
        scores = scores_of(model, pack, 0.5)
        logits = model(input_ids=torch.from_numpy(group[0].ids)[None]).logits[0, len(group[0].prompt) - 1 : -1] / 0.5
    assert torch.allclose(scores.entropies, torch.distributions.Categorical(logits=logits).entropy(), atol=1e-5)


def test_models_of_attention_alone_are_taken_and_left_as_they_were(model):
    before = model.config._attn_implementation
    check_trie(model, "tiny")
    check_trie(a_model("GPT2", **KINDS["GPT2"]), "gpt2")
    assert model.config._attn_implementation == before


OTHERS = {
    "Mamba": {},  # recurrent
    "Bloom": {"n_head": 4, "n_layer": 2},  # attention of its own making
    "Lfm2": {"num_attention_heads": 4, "num_key_value_heads": 2, "layer_types": ["conv", "full_attention"]},  # both
}


@pytest.mark.parametrize("kind", OTHERS)
def test_a_model_that_shares_more_than_attention_is_refused_with_a_sentence(kind):
    torch.manual_seed(0)
    sizes = {"vocab_size": 60, "hidden_size": 32, "num_hidden_layers": 2, "pad_token_id": 0}
    made = getattr(transformers, f"{kind}ForCausalLM")
    other = made(getattr(transformers, f"{kind}Config")(**sizes, **OTHERS[kind])).eval()
    with pytest.raises(ConfigurationError, match="this kind of model"):
        check_trie(other, kind)
    rows = [StepRow([2, 3], [4, 5], [0.0, 0.0], 1.0), StepRow([2, 3], [6], [0.0], -1.0)]
    with pytest.raises((ConfigurationError, TypeError)):
        add_gradient(other, rows, GRPOConfig(beta=0.0))
    assert add_gradient(other, rows, GRPOConfig(beta=0.0, layout="rows")).laid_out == 7


# ------------------------------------------------------------------------------------------------------------ real episodes

ENV = "AgeMem-HotpotQA-ThreeStage-v0"
SHORT = {"n1": 2, "n2": 2, "encoder": "hash", "index": "exact", "prompt_style": "compact"}


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Rows of a group of real episodes, and a small model whose tokenizer is learnt from them."""
    from agemem_gym.baselines.sft.demos import collect, demos_of
    from agemem_gym.baselines.sft.segments import encode
    from agemem_gym.baselines.sft.small import make_model, make_tokenizer
    from agemem_gym.chat.local.encoding import ChatEncoder

    episodes = list(collect(ENV, "store-all-noisy", 1, samples=3, env_kwargs=SHORT, failed=True))
    demos = [demo for episode in episodes for demo in demos_of(episode)]
    tokenizer = make_tokenizer(demos, 800)
    model = make_model(tokenizer, hidden=32, layers=2, heads=4, window=4096).double().eval()
    encoded = encode(demos, ChatEncoder(tokenizer), tokenizer.eos_token_id)
    rows = [
        StepRow(row.prompt, row.reply, [0.0] * len(row.reply), episodes[number].reward - 0.5 * number, number)
        for number, of_episode in enumerate(encoded)
        for row in of_episode
    ]
    found = logprobs_of(model, rows, GRPOConfig())
    sampled = [
        StepRow(row.prompt, row.reply, values, row.advantage, row.episode)
        for row, values in zip(rows, found, strict=True)
    ]
    return model, moved(sampled), [demo.reply for demo in demos]


def test_real_episodes_with_filter_in_mid_context(played):
    model, rows, replies = played
    assert any("Filter_context" in reply for reply in replies)
    wanted, segments, trie = assert_same(model, rows, **FULL)
    assert trie.laid_out < segments.laid_out < wanted.laid_out
