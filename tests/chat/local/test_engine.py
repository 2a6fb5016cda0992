"""Token ids in, token ids out: the same as a plain forward pass says, whatever else is in the batch."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from agemem_gym.chat.local.engine import Request, SlotEngine  # noqa: E402
from agemem_gym.chat.local.verification import check_engine, largest_difference  # noqa: E402
from agemem_gym.errors import ConfigurationError  # noqa: E402

SMALL = {
    "vocab_size": 600,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 1,
}


def a_model(kind, **config):
    torch.manual_seed(1)
    made = getattr(transformers, {"GPT2": "GPT2LMHeadModel"}.get(kind, f"{kind}ForCausalLM"))
    names = {"Gemma3": "Gemma3TextConfig"}
    return made(getattr(transformers, names.get(kind, f"{kind}Config"))(**{**SMALL, **config})).eval()


def words(count, seed=0):
    return np.random.default_rng(seed).integers(2, 600, count).tolist()


def plain(model, prompt, reply, temperature=1.0):
    """Log-probabilities of a reply by one forward pass over everything."""
    ids = torch.tensor([[*prompt, *reply]])
    with torch.inference_mode():
        logits = model(input_ids=ids, use_cache=False).logits[0].float() / temperature
    chosen = logits.log_softmax(-1)[len(prompt) - 1 : -1].gather(1, ids[0, len(prompt) :, None])
    return chosen[:, 0].numpy()


def off(model, request, sampled):
    return np.abs(plain(model, request.prompt, sampled.ids) - np.array(sampled.logprobs)).max()


@pytest.mark.parametrize("together", [False, True])
def test_rows_of_all_lengths_have_the_log_probabilities_of_a_plain_forward_pass(model, together):
    engine = SlotEngine(model, slots=3, together=together)
    sizes = ((5, 10), (40, 3), (17, 20), (100, 7), (60, 30), (3, 1), (1, 5))
    requests = [Request(words(n, n), max_tokens=k, temperature=1.0, seed=(1, n)) for n, k in sizes]
    for request, sampled in zip(requests, engine.run(requests), strict=True):
        assert off(model, request, sampled) < 1e-4
        assert len(sampled.ids) == request.max_tokens
        assert sampled.finish_reason == "length"
    assert engine.idle


def test_greedy_replies_are_those_of_generate(model):
    prompts = [words(n, n) for n in (4, 30, 11)]
    found = SlotEngine(model).run([Request(prompt, max_tokens=12) for prompt in prompts])
    for prompt, sampled in zip(prompts, found, strict=True):
        ids = model.generate(torch.tensor([prompt]), max_new_tokens=12, do_sample=False, eos_token_id=None)
        assert list(sampled.ids) == ids[0, len(prompt) :].tolist()


def test_what_all_writing_rows_begin_with_is_read_once_and_changes_nothing(model, monkeypatch):
    """Rows that begin alike write while one reads a long prompt; two of them begin with more in common than the third."""
    begun = words(150)
    prompts = [begun + words(40, 1), begun + words(40, 1)[:20] + words(5, 2), begun + words(1, 3), words(3, 4)]
    requests = [Request(prompt, max_tokens=12, temperature=1.0, seed=(2, n)) for n, prompt in enumerate(prompts)]
    engine = SlotEngine(model, slots=4)
    shared = []
    of_all = engine._alike
    monkeypatch.setattr(engine, "_alike", lambda slots: shared.append((len(slots), of_all(slots))) or shared[-1][1])
    engine.run([Request(begun, max_tokens=1)])
    for request, sampled in zip(requests, engine.run(requests[:3]), strict=False):
        assert off(model, request, sampled) < 1e-4
    assert (3, 150) in shared
    late = Request([*begun, *words(600, 5)], max_tokens=3)
    for request, sampled in zip([*requests, late], engine.run([*requests, late]), strict=True):
        assert off(model, request, sampled) < 1e-4
    assert (4, 0) in shared  # one of them begins with something else


@pytest.mark.parametrize("together", [False, True])
def test_a_slot_is_cropped_to_what_it_shares_with_the_next_prompt(model, together):
    engine = SlotEngine(model, slots=2, together=together)
    first = Request(words(50), max_tokens=6, conversation="a")
    (sampled,) = engine.run([first])
    longer = [*first.prompt, *sampled.ids, *words(9, 1)]
    shorter = [*first.prompt[:20], *words(8, 2), *first.prompt[30:]]
    for prompt, cached in ((longer, 55), (shorter, 20), (shorter, len(shorter) - 1), (shorter[:7], 6)):
        request = Request(prompt, max_tokens=5, conversation="a")
        (sampled,) = engine.run([request])
        assert sampled.cached_tokens == cached
        assert off(model, request, sampled) < 1e-4
    assert engine.work.read == 50 + (len(longer) - 55) + (len(shorter) - 20) + 1 + 1


def test_the_next_one_enters_while_others_write(model):
    engine = SlotEngine(model, slots=2)
    long = engine.add(Request(words(5), max_tokens=40))
    short = [engine.add(Request(words(5, n), max_tokens=4)) for n in (1, 2, 3)]
    over = [ticket for _ in range(50) for ticket, _ in engine.step()]
    assert over == [*short, long]
    assert engine.work.passes == 40


def test_what_is_drawn_is_the_same_whatever_else_is_in_the_batch(model):
    request = Request(words(30), max_tokens=40, temperature=0.9, top_p=0.95, seed=(3, 7))
    (alone,) = SlotEngine(model).run([request])
    others = [Request(words(n, n), max_tokens=n, temperature=1.3, seed=n) for n in (3, 50, 21, 80)]
    among = SlotEngine(model, slots=3).run([*others[:2], request, *others[2:]])[2]
    assert among.ids == alone.ids
    assert np.allclose(among.logprobs, alone.logprobs, atol=1e-4)
    (another,) = SlotEngine(model).run([Request(words(30), 40, temperature=0.9, top_p=0.95, seed=(3, 8))])
    assert another.ids != alone.ids


def test_tokens_are_drawn_as_often_as_they_are_likely(model):
    prompt, temperature = words(12), 1.5
    engine = SlotEngine(model, slots=64)
    drawn = engine.run([Request(prompt, max_tokens=1, temperature=temperature, seed=n) for n in range(2000)])
    counts = np.bincount([sampled.ids[0] for sampled in drawn], minlength=600) / 2000
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([prompt])).logits[0, -1].float()
    expected = (logits / temperature).softmax(-1).numpy()
    assert np.abs(counts - expected).sum() < 0.5 * np.sqrt(600 / 2000) * 2
    assert abs(counts[expected.argmax()] - expected.max()) < 4 * np.sqrt(expected.max() / 2000)


def test_the_sampler_s_own_log_probabilities_know_temperature_and_top_p(model):
    request = Request(words(20), max_tokens=30, temperature=0.7, seed=5)
    (sampled,) = SlotEngine(model).run([request])
    expected = plain(model, request.prompt, sampled.ids, temperature=0.7)
    assert np.allclose(sampled.sampled_logprobs, expected, atol=1e-4)
    (narrow,) = SlotEngine(model).run([Request(words(20), max_tokens=30, temperature=0.7, top_p=0.3, seed=5)])
    assert np.all(np.array(narrow.sampled_logprobs) >= plain(model, words(20), narrow.ids, temperature=0.7) - 1e-5)
    (only,) = SlotEngine(model).run([Request(words(20), max_tokens=30, temperature=0.7, top_p=1e-6, seed=5)])
    assert only.ids == SlotEngine(model).run([Request(words(20), max_tokens=30)])[0].ids
    assert np.allclose(only.sampled_logprobs, 0.0)


def test_a_given_reply_is_scored_and_not_drawn(model):
    reply = tuple(words(25, 9))
    request = Request(words(14), max_tokens=3, forced=reply, ends=frozenset(reply[:2]))
    (sampled,) = SlotEngine(model).run([request])
    assert (sampled.ids, sampled.finish_reason) == (reply, "stop")
    assert off(model, request, sampled) < 1e-4


def test_what_ends_a_reply(model):
    (whole,) = SlotEngine(model).run([Request(words(10), max_tokens=20)])
    (ended,) = SlotEngine(model).run([Request(words(10), 20, ends=frozenset([whole.ids[4]]))])
    first = whole.ids.index(whole.ids[4])
    assert (ended.ids, ended.finish_reason) == (whole.ids[: first + 1], "stop")
    (stopped,) = SlotEngine(model).run([Request(words(10), 20, stop=lambda ids: len(ids) == 7)])
    assert (stopped.ids, stopped.finish_reason) == (whole.ids[:7], "stop")


def test_a_prompt_or_reply_beyond_the_window_is_cut_and_no_error(model):
    engine = SlotEngine(model, window=40)
    full, longer, near = engine.run([Request(words(n), max_tokens=20) for n in (40, 70, 30)])
    for sampled in (full, longer):
        assert (sampled.ids, sampled.finish_reason) == ((), "length")
    assert (len(near.ids), near.finish_reason) == (10, "length")
    assert off(model, Request(words(30)), near) < 1e-4


def test_a_group_reads_its_common_prompt_once_and_a_conversation_keeps_its_slot(model):
    engine = SlotEngine(model, slots=8)
    common = words(200)
    requests = [Request([*common, *words(10, n)], max_tokens=5, conversation=n) for n in range(8)]
    found = engine.run(requests)
    assert engine.work.read == 200 + 8 * 10
    assert all(off(model, request, sampled) < 1e-4 for request, sampled in zip(requests, found, strict=True))
    before = engine.work.read
    engine.run(
        [Request([*r.prompt, *s.ids, 5], 3, conversation=r.conversation) for r, s in zip(requests, found, strict=True)]
    )
    assert engine.work.read == before + 8 * 2  # the last token of each reply, and the new one


def test_more_conversations_than_slots_are_all_answered(model):
    engine = SlotEngine(model, slots=2)
    for turn in range(3):
        requests = [Request(words(30 + 5 * turn, n), 4, conversation=n) for n in range(5)]
        for request, sampled in zip(requests, engine.run(requests), strict=True):
            assert off(model, request, sampled) < 1e-4


def test_a_long_prompt_is_read_in_parts_while_others_write():
    model = a_model("Llama", max_position_embeddings=4096)
    engine = SlotEngine(model, slots=2)
    short = engine.add(Request(words(5), max_tokens=3))
    request = Request(words(2500, 1), max_tokens=2)
    long = engine.add(request)
    found = dict(pair for _ in range(8) for pair in engine.step())
    assert sorted(found) == [short, long]
    assert off(model, request, found[long]) < 1e-4


def test_a_reply_can_be_given_up(model):
    engine = SlotEngine(model, slots=1)
    given_up = [engine.add(Request(words(5), max_tokens=100)) for _ in range(2)]
    engine.step()
    for ticket in given_up:
        engine.cancel(ticket)
    assert engine.idle
    (sampled,) = engine.run([Request(words(5), max_tokens=3)])
    assert len(sampled.ids) == 3


def test_after_a_change_of_weights_nothing_read_before_counts():
    model = a_model("Llama")
    engine = SlotEngine(model)
    request = Request(words(30), max_tokens=4)
    engine.run([request])
    with torch.no_grad():
        model.model.layers[0].self_attn.v_proj.weight.mul_(3.0)
    engine.forget()
    (sampled,) = engine.run([request])
    assert sampled.cached_tokens == 0
    assert off(model, request, sampled) < 1e-4


def test_the_model_is_left_as_it_was(model):
    engine = SlotEngine(model)
    model.train()
    try:
        engine.run([Request(words(5), max_tokens=2)])
        assert model.training
    finally:
        model.eval()
    assert model.config._attn_implementation == "sdpa"
    assert model(input_ids=torch.tensor([words(5)])).logits.requires_grad


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("Qwen2", {}),
        ("Qwen3", {"head_dim": 16}),
        ("Mistral", {"sliding_window": 8}),
        ("Gemma", {"head_dim": 16, "num_key_value_heads": 1}),
        ("Gemma2", {"head_dim": 16, "sliding_window": 8}),
        ("Gemma3", {"head_dim": 16, "sliding_window": 8}),
        ("GPT2", {}),
    ],
)
def test_kinds_of_attention(kind, config):
    model = a_model(kind, **config)
    assert largest_difference(model) < 1e-4
    for together in (False, True):
        engine = SlotEngine(model, slots=2, together=together)
        requests = [Request(words(n, n), max_tokens=12, temperature=1.0, seed=n) for n in (20, 5, 33)]
        for request, sampled in zip(requests, engine.run(requests), strict=True):
            assert off(model, request, sampled) < 1e-4


def test_adapters_play_through_slots_as_by_themselves(model):
    peft = pytest.importorskip("peft")
    config = peft.LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    adapted = peft.get_peft_model(a_model("Llama"), config).eval()
    assert largest_difference(adapted) < 1e-4
    with torch.inference_mode(), adapted.disable_adapter():
        plain_logits = adapted(input_ids=torch.tensor([words(9)])).logits
    assert not torch.allclose(plain_logits, adapted(input_ids=torch.tensor([words(9)])).logits, atol=1e-3)


def test_a_recurrent_model_is_refused_with_a_sentence():
    torch.manual_seed(0)
    model = transformers.MambaForCausalLM(
        transformers.MambaConfig(vocab_size=600, hidden_size=32, num_hidden_layers=2)
    ).eval()
    with pytest.raises(ConfigurationError, match="this kind of model"):
        check_engine(model, "mamba")


def test_half_precision_stays_near_a_plain_forward_pass():
    assert largest_difference(a_model("Llama").to(torch.bfloat16)) < 0.1


def test_memory_is_taken_as_it_is_needed(model):
    engine = SlotEngine(model, slots=8)
    engine.run([Request(words(20), max_tokens=5)])
    assert engine.memory.bytes_per_token == 2 * 2 * 2 * 8 * 4  # layers, keys and values, heads, width, bytes
    assert engine.memory.bytes_per_slot == 256 * engine.memory.bytes_per_token
    engine.run([Request(words(300), max_tokens=5)])
    assert engine.memory.bytes_per_slot == 512 * engine.memory.bytes_per_token
