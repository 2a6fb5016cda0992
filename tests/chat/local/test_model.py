"""A local model as a chat model, and as what plays."""

import copy
import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from agemem_gym.agent import AgentSpec, make_agent  # noqa: E402
from agemem_gym.baselines.agents.language_model import LanguageModelAgent  # noqa: E402
from agemem_gym.chat import ChatError, ChatModel, Sampling, complete_each, make_chat_model  # noqa: E402
from agemem_gym.chat.local import engine  # noqa: E402
from agemem_gym.chat.local.drawing import Drawn  # noqa: E402
from agemem_gym.chat.local.loading import load  # noqa: E402
from agemem_gym.chat.local.model import LocalModel  # noqa: E402
from agemem_gym.errors import ConfigurationError  # noqa: E402
from agemem_gym.jobs import Job  # noqa: E402
from agemem_gym.rollout import rollout  # noqa: E402

HELLO = [{"role": "user", "content": "Hello"}]
DRAWN = Sampling(temperature=1.0, max_tokens=24, seed=3)
ENV = "AgeMem-BabyAI-v0"
FAST = {"encoder": "hash", "index": "exact", "max_rounds": 4}


def asked(text):
    return [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]


@pytest.fixture(scope="module")
def local(folder):
    return make_chat_model(f"local:{folder}", threads=1)


def test_a_folder_names_a_local_model(folder):
    for spec in (folder, f"local:{folder}"):
        model = make_chat_model(spec, slots=3)
        assert isinstance(model, LocalModel)
        assert isinstance(model, ChatModel)
        assert model.name == "tiny"
        assert model.window == 8192


@pytest.mark.parametrize(
    ("spec", "options", "match"),
    [
        ("local:/no/such/folder", {}, "there is no such folder"),
        ("local:./nowhere", {}, "there is no such folder"),
        ("FOLDER", {"slot": 3}, "unknown 'slot': expected slots.*did you mean 'slots'"),
        ("FOLDER", {"slots": 0}, "slots=0"),
        ("FOLDER", {"window": 1}, "window=1"),
        ("EMPTY", {}, "holds no model: there is no config.json"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(folder, tmp_path, spec, options, match):
    spec = {"FOLDER": folder, "EMPTY": f"local:{tmp_path}"}.get(spec, spec)
    with pytest.raises(ConfigurationError, match=match):
        make_chat_model(spec, **options)


def test_weights_that_are_not_there_are_refused(folder, tmp_path):
    for file in Path(folder).iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        make_chat_model(f"local:{tmp_path}").complete([HELLO])
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    (tmp_path / "model.safetensors").write_bytes((Path(folder) / "model.safetensors").read_bytes())
    with pytest.raises(ConfigurationError, match="lacks weights"):
        make_chat_model(f"local:{tmp_path}").complete([HELLO])


def test_weights_are_read_once_until_others_are_written(folder, tmp_path):
    place = shutil.copytree(folder, tmp_path / "changing")
    assert load(str(place), threads=1) is load(str(place), threads=1)
    before = load(str(place), threads=1).model
    changed = copy.deepcopy(before)
    with torch.no_grad():
        changed.model.norm.weight.mul_(2.0)
    changed.save_pretrained(place)
    after = load(str(place), threads=1).model
    assert torch.equal(after.model.norm.weight, 2.0 * before.model.norm.weight)


def test_a_completion_says_what_was_read_and_drawn(local):
    (completion,) = local.complete([HELLO], DRAWN)
    assert completion.model == "tiny"
    assert completion.prompt_tokens == len(completion.prompt_ids) == len(local.encoder.prompt(HELLO))
    assert completion.completion_tokens == len(completion.token_ids) == len(completion.logprobs)
    assert completion.finish_reason in ("stop", "length")
    assert completion.seconds > 0
    assert completion.cost is None
    ids = torch.tensor([[*completion.prompt_ids, *completion.token_ids]])
    with torch.inference_mode():
        logits = local.engine.model(input_ids=ids).logits[0].log_softmax(-1)
    first = len(completion.prompt_ids)
    expected = logits[first - 1 : -1].gather(1, ids[0, first:, None])[:, 0].numpy()
    assert np.allclose(completion.logprobs, expected, atol=1e-4)
    assert np.allclose(completion.sampled_logprobs, expected, atol=1e-4)


def test_a_seed_gives_the_same_reply_in_any_batch_and_none_gives_others(local):
    chats = [asked(f"Room {number}?") for number in range(5)]
    together = [completion.token_ids for completion in local.complete(chats, DRAWN)]
    alone = [local.complete([chat], DRAWN)[0].token_ids for chat in chats]
    assert together == alone
    unseeded = Sampling(temperature=1.0, max_tokens=24)
    assert len({completion.token_ids for completion in local.complete([HELLO] * 4, unseeded)}) == 4


def test_the_next_turn_goes_on_from_the_sampled_tokens(local):
    conversation, before = asked("Where?"), ()
    for turn in range(4):
        future = local.submit(conversation, DRAWN, conversation="x")
        while not future.done():
            local.advance()
        completion = future.result()
        if turn:
            assert completion.prompt_ids[: len(before)] == before
            assert completion.cached_tokens >= len(before) - 1
        drawn = completion.token_ids
        before = completion.prompt_ids + (drawn[:-1] if completion.finish_reason == "stop" else drawn)
        conversation = [
            *conversation,
            {"role": "assistant", "content": completion.text},
            {"role": "user", "content": f"Go on, {turn}."},
        ]


def test_a_reply_ends_at_its_closing_tag(folder, local, monkeypatch):
    """The model's draws are replaced by the tokens of a reply and what would follow it."""
    text = "<answer>a lamp</answer>"
    ids = local.encoder._encode(text).tolist()
    model = LocalModel(folder, threads=1)
    model.encoder, model.engine  # noqa: B018 - loaded before draws are replaced
    drawn = iter([*ids, 5, 6, 7, 8])
    monkeypatch.setattr(engine, "draw", lambda logits, streams: [Drawn(next(drawn), -1.0, -1.0) for _ in streams])
    (completion,) = model.complete([HELLO])
    assert (completion.text, completion.finish_reason) == (text, "stop")
    assert list(completion.token_ids) == ids


def test_a_chat_that_a_template_refuses_costs_the_others_nothing(local):
    results = complete_each(local, [HELLO, [], asked("b")], Sampling(max_tokens=4))
    assert [isinstance(result, ChatError) for result in results] == [False, True, False]
    with pytest.raises(ChatError):
        local.complete([[]])
    with pytest.raises(ConfigurationError, match="told its tools in the prompt"):
        local.complete([HELLO], tools=[{"type": "function"}])


def test_a_prompt_beyond_the_window_is_answered_with_nothing(folder):
    model = LocalModel(folder, window=64, threads=1)
    (completion,) = model.complete([asked("a lamp " * 200)])
    assert (completion.text, completion.finish_reason, completion.completion_tokens) == ("", "length", 0)
    (completion,) = model.complete([asked("a lamp")], Sampling(max_tokens=500))
    assert completion.prompt_tokens + completion.completion_tokens <= 64


def test_a_cancelled_chat_is_given_up(local):
    future = local.submit(HELLO, Sampling(max_tokens=500))
    local.advance()
    future.cancel()
    local.advance()
    assert local.engine.idle


def test_it_can_be_copied_and_sent_to_another_process(local):
    for other in (copy.deepcopy(local), pickle.loads(pickle.dumps(local))):
        assert other.complete([HELLO], DRAWN)[0].token_ids == local.complete([HELLO], DRAWN)[0].token_ids


def jobs(count, **kwargs):
    return [Job(number, ENV, number, {**FAST, **kwargs}) for number in range(count)]


def played(folder, count, slots, **kwargs):
    spec = AgentSpec.parse("llm", {"model": folder, "max_tokens": 24, "temperature": 1.0, "threads": 1, **kwargs})
    found = {item.job.number: item for item in rollout(spec, jobs(count), slots=slots)}
    assert [found[number].failure for number in range(count)] == [None] * count
    return found


def replies_of(item):
    return [step.reply for step in item.episode.steps]


def test_it_plays_and_says_the_same_in_one_slot_or_in_many(folder):
    one, many = played(folder, 5, 1), played(folder, 5, 4)
    for number in range(5):
        assert replies_of(one[number]) == replies_of(many[number])
    assert len({tuple(replies_of(item)) for item in one.values()}) == 5
    other = played(folder, 2, 2, seed=1)
    assert replies_of(other[0]) != replies_of(one[0])
    policy = many[0].episode.steps[1].policy
    assert policy.model == "tiny"
    assert policy.cached_tokens > 0.5 * policy.prompt_tokens


def test_replies_are_as_long_as_its_own_generation_settings_allow(folder, tmp_path):
    assert LanguageModelAgent(folder, window=4000).longest_reply == 1024
    bounded = tmp_path / "bounded"
    shutil.copytree(folder, bounded)
    (bounded / "generation_config.json").write_text('{"max_new_tokens": 7}', encoding="utf-8")
    assert LanguageModelAgent(str(bounded)).longest_reply == 7
    assert LanguageModelAgent(str(bounded), max_tokens=30).longest_reply == 30
    spec = AgentSpec.parse("agemem-norl", {"model": str(bounded), "threads": 1, "temperature": 1.0})
    (item,) = rollout(spec, [Job(0, ENV, 0, FAST)], stop_at_error=True)
    assert all(0 < step.policy.completion_tokens <= 7 for step in item.episode.steps)


def test_its_context_is_counted_in_its_own_tokens_and_fits_its_window(folder):
    agent = LanguageModelAgent(folder, max_tokens=100)
    assert agent.env_kwargs == {
        "on_overflow": "drop_oldest",
        "token_counter": f"hf:{folder}",
        "token_budget": 8192 - 100 - 32,
    }
    assert LanguageModelAgent(folder, max_tokens=100, window=2000).env_kwargs["token_budget"] == 2000 - 100 - 32
    with pytest.raises(ConfigurationError, match="max_tokens=1800, shots=0: the window of tiny holds 2000 tokens"):
        LanguageModelAgent(folder, max_tokens=1800, window=2000)
    shown = LanguageModelAgent(folder, max_tokens=100, shots=2).env_kwargs["token_budget"]
    assert shown == 8192 - 100 - 32 - 2 * 1200


@pytest.mark.parametrize(("on_overflow", "kept"), [("drop_oldest", True), ("end", False)])
def test_what_a_window_cannot_hold_is_for_on_overflow_to_decide(folder, on_overflow, kept):
    """Replies are noise, so each is answered with a complaint, and the context grows."""
    options = {"max_tokens": 40, "temperature": 1.0, "threads": 1, "window": 1500, "on_overflow": on_overflow}
    spec = AgentSpec.parse("llm", {"model": folder, **options})
    (item,) = rollout(spec, jobs(1, max_rounds=12, prompt_style="compact"))
    assert item.failure is None
    steps = item.episode.steps
    assert (len(steps) == 12) == kept
    assert max(step.policy.prompt_tokens for step in steps) > 1200
    assert all(step.policy.completion_tokens for step in steps)


def test_a_budget_beyond_the_window_ends_in_empty_replies_and_no_error(folder):
    spec = AgentSpec.parse("llm", {"model": folder, "max_tokens": 40, "temperature": 1.0, "threads": 1, "window": 1500})
    (item,) = rollout(spec, jobs(1, token_budget=100_000, max_rounds=15, prompt_style="compact"))
    assert item.failure is None
    assert len(item.episode.steps) == 15
    assert item.episode.steps[-1].policy.finish_reason == "length"
    assert item.episode.steps[-1].policy.completion_tokens == 0


@pytest.mark.parametrize(("name", "package"), [("langmem", "langmem"), ("mem0-graph", "kuzu"), ("a-mem", None)])
def test_memory_systems_ask_it_without_tools_of_which_it_is_told_in_the_prompt(local, name, package):
    if package is not None:
        pytest.importorskip(package)
    agent = make_agent(name, model=local, max_tokens=8, memory_tokens=8)
    keywords = {"encoder": "hash", "index": "exact", "n1": 1, "n2": 0, "max_rounds": 2}
    (played,) = rollout(agent, [Job(0, "AgeMem-HotpotQA-ThreeStage-v0", 0, keywords)])
    assert played.failure is None
    assert sum(item["calls"] for item in played.episode.layer) > 0


def test_it_takes_no_native_tools(local):
    with pytest.raises(ConfigurationError, match="native_tools=True: tiny is given no tools"):
        make_agent("llm", model=local, native_tools=True)
