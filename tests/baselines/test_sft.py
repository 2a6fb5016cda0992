"""Demonstrations and supervised fine-tuning, on a small model of our own that is made here."""

import json
import math

import gymnasium as gym
import pytest
import torch

from agemem_gym.baselines.sft.demos import Demo, collect, demos_of, read_demos, write_demos
from agemem_gym.baselines.sft.segments import alone, encode, segments_of
from agemem_gym.baselines.sft.small import BOILERPLATE, END, make_model, make_tokenizer, save
from agemem_gym.baselines.sft.train import SFTConfig, evaluate, loss_of, sft
from agemem_gym.baselines.sft.tree import loss_in_tree, tree_batches
from agemem_gym.chat import Sampling, make_chat_model
from agemem_gym.cli import main
from agemem_gym.errors import ConfigurationError
from agemem_gym.replay import replay

torch.set_num_threads(1)
ENV = "AgeMem-HotpotQA-ThreeStage-v0"
SHORT = {"n1": 2, "n2": 1, "encoder": "hash", "index": "exact", "prompt_style": "compact"}


@pytest.fixture(scope="module")
def episodes():
    return list(collect(ENV, "store-all", 4, env_kwargs=SHORT))


@pytest.fixture(scope="module")
def data(episodes, tmp_path_factory):
    path = tmp_path_factory.mktemp("demos") / "demos.jsonl.gz"
    write_demos(path, episodes)
    return path


@pytest.fixture(scope="module")
def folder(data, tmp_path_factory):
    place = tmp_path_factory.mktemp("model")
    tokenizer = make_tokenizer(read_demos([data]), 800)
    save(tokenizer, make_model(tokenizer, hidden=48, layers=2, heads=4, window=2048), place)
    return place


@pytest.fixture(scope="module")
def rows(data, folder):
    model = make_chat_model(f"local:{folder}")
    encoder = model.encoder
    end = encoder._tokenizer.eos_token_id
    return list(encode(read_demos([data]), encoder, end)), model


def test_rows_are_what_the_agent_was_asked_and_replied(episodes, data):
    demos = read_demos([data])
    assert len(demos) == sum(len(episode.steps) for episode in episodes)
    first = episodes[0]
    for number, demo in enumerate(demos[: len(first.steps)], start=1):
        assert [m["content"] for m in demo.prompt] == [m.content for m in first.prompt(number)]
        assert (demo.reply, demo.step, demo.stage) == (
            first.steps[number - 1].reply,
            number,
            first.steps[number - 1].stage,
        )
    assert replay(first) is None
    assert [Demo.from_json(json.loads(json.dumps(demo.to_json()))) for demo in demos] == demos


def test_rows_show_the_numbers_of_messages_where_the_env_does():
    kwargs = SHORT | {"tools": "pointer"}
    (episode,) = collect(ENV, "store-all", 1, env_kwargs=kwargs, agent_kwargs={"tools": "pointer"})
    with gym.make(ENV, **kwargs) as env:
        _, info = env.reset(seed=episode.seed)
        for demo in demos_of(episode):
            assert list(demo.prompt) == [{"role": m["role"], "content": m["content"]} for m in info["messages"]]
            *_, info = env.step(demo.reply)


def test_only_solved_episodes_are_kept_unless_asked_for():
    wanted = {"env_kwargs": SHORT | {"n1": 0}}
    assert len(list(collect(ENV, "amnesic", 6, failed=True, **wanted))) == 6
    assert len(list(collect(ENV, "amnesic", 6, **wanted))) < 6


@pytest.mark.parametrize(
    ("line", "said"),
    [("[", "line 2"), ('{"prompt": []}', "completion"), ('{"prompt": 1, "completion": [{}]}', "line 2")],
)
def test_a_file_that_is_no_demonstrations_is_refused_by_line(tmp_path, episodes, line, said):
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(next(demos_of(episodes[0])).to_json()) + "\n" + line + "\n")
    with pytest.raises(ConfigurationError, match=said):
        read_demos([path])
    (tmp_path / "none.jsonl").write_text("\n")
    with pytest.raises(ConfigurationError, match="no row"):
        read_demos([tmp_path / "none.jsonl"])


def test_the_small_tokenizer_keeps_every_text_and_one_token_a_phrase_of_the_protocol(data):
    demos = read_demos([data])
    tokenizer = make_tokenizer(demos, 800)
    assert 600 < len(tokenizer) <= 800
    for phrase in BOILERPLATE:
        assert len(tokenizer.encode(phrase, add_special_tokens=False)) == 1
    for demo in demos:
        for text in (demo.reply, *(message["content"] for message in demo.prompt)):
            assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text
    assert all(len(tokenizer.encode(digit * 3, add_special_tokens=False)) == 3 for digit in "0123456789")


def test_segments_hold_every_reply_once_after_its_own_prompt(rows):
    for episode in rows[0]:
        segments = segments_of(episode, 10_000)
        assert len(segments) < len(episode)
        learned = [
            (tuple(segment.ids[:start]), tuple(segment.ids[start:end]))
            for segment in segments
            for start, end in _stretches(segment.weights)
        ]
        assert sorted(learned) == sorted((tuple(row.prompt.tolist()), row.reply) for row in episode)


def _stretches(weights):
    """Where targets begin and end."""
    starts = [i for i, w in enumerate(weights) if w and (i == 0 or not weights[i - 1])]
    ends = [i + 1 for i, w in enumerate(weights) if w and (i + 1 == len(weights) or not weights[i + 1])]
    return list(zip(starts, ends, strict=True))


def test_loss_and_gradient_of_segments_are_those_of_rows_alone(rows):
    episode, model = rows[0][0], rows[1]._loaded.model
    gradients = []
    for segments in (segments_of(episode, 10_000), alone(episode, 10_000)):
        model.zero_grad()
        loss, weight, _ = loss_of(model, segments)
        (loss / weight).backward()
        gradients.append((loss.item(), weight.item(), [p.grad.clone() for p in model.parameters()]))
    assert gradients[0][1] == gradients[1][1]
    assert math.isclose(gradients[0][0], gradients[1][0], rel_tol=1e-5)
    for one, other in zip(gradients[0][2], gradients[1][2], strict=True):
        assert torch.linalg.norm(one - other) <= 1e-4 * torch.linalg.norm(other) + 1e-7
    model.zero_grad()


def test_loss_and_gradient_of_a_tree_are_those_of_its_sequences(rows):
    episodes, model = [segments_of(episode, 10_000) for episode in rows[0]], rows[1]._loaded.model
    segments = [segment for episode in episodes[:2] for segment in episode]
    found = []
    for measure in (loss_in_tree, loss_of):
        model.zero_grad()
        loss, weight, *_ = measure(model, segments)
        (loss / weight).backward()
        found.append((loss.item(), weight.item(), [p.grad.clone() for p in model.parameters()]))
    assert found[0][1] == found[1][1]
    assert math.isclose(found[0][0], found[1][0], rel_tol=1e-5)
    for one, other in zip(found[0][2], found[1][2], strict=True):
        assert torch.linalg.norm(one - other) <= 1e-4 * torch.linalg.norm(other) + 1e-6
    model.zero_grad()


def test_the_steps_of_a_tree_hold_every_sequence_once_and_as_many_as_fit(rows):
    segments = [segment for episode in rows[0] for segment in segments_of(episode, 10_000)]
    whole = sum(len(segment.ids) for segment in segments)
    assert [len(batch) for batch in tree_batches(segments, whole)] == [len(segments)]
    assert [len(batch) for batch in tree_batches(segments, 1)] == [1] * len(segments)
    most = whole // 3
    batches = list(tree_batches(segments, most))
    assert [id(segment) for batch in batches for segment in batch] == [id(segment) for segment in segments]
    for batch in batches:
        nodes = {tuple(segment.ids[:end]) for segment in batch for end in range(1, len(segment.ids) + 1)}
        assert len(nodes) <= most or len(batch) == 1


def test_the_loss_is_that_of_the_log_probabilities_by_hand(rows):
    episode, model = rows[0][0], rows[1]._loaded.model
    row = episode[0]
    ids = torch.tensor([[*row.prompt.tolist(), *row.reply]])
    with torch.no_grad():
        scores = torch.log_softmax(model(ids).logits[0].float(), -1)
        start = len(row.prompt)
        by_hand = -sum(scores[start + i - 1, token].item() for i, token in enumerate(row.reply))
        loss, weight, _ = loss_of(model, alone([row], 10_000))
    assert math.isclose(loss.item(), by_hand, rel_tol=1e-5)
    assert weight.item() == len(row.reply)


@pytest.mark.parametrize(("lora", "tree", "bf16"), [(0, False, False), (4, True, False), (4, True, True)])
def test_training_lowers_the_loss_and_writes_a_model_that_plays(folder, data, tmp_path, lora, tree, bf16):
    config = SFTConfig(
        str(folder),
        (str(data),),
        str(tmp_path / "out"),
        epochs=12,
        learning_rate=1e-2,
        batch_tokens=4096,
        held_out=0.25,
        lora=lora,
        tree=tree,
        bf16=bf16,
    )
    trained = sft(config)
    before, after = trained.validation
    assert after["loss"] < (0.9 if lora == 0 else 0.99) * before["loss"]
    assert trained.curve[-1]["loss"] < trained.curve[0]["loss"]
    assert trained.steps == len(trained.curve)
    card = (tmp_path / "out" / "README.md").read_text()
    assert "agemem sft" in card
    assert str(tmp_path) not in card
    model = make_chat_model(f"local:{tmp_path / 'out'}")
    (completion,) = model.complete([[{"role": "user", "content": "hello"}]], Sampling(max_tokens=8))
    assert completion.completion_tokens <= 8


def test_the_same_seed_trains_the_same(folder, data, tmp_path):
    curves = []
    for run in range(2):
        config = SFTConfig(str(folder), (str(data),), str(tmp_path / str(run)), epochs=1, batch_tokens=4096)
        curves.append([point["loss"] for point in sft(config).curve])
    assert curves[0] == curves[1]


def test_stage_three_may_weigh_more(data, folder, rows):
    encoder = rows[1].encoder
    weighed = encode(read_demos([data]), encoder, 1, lambda demo: 3.0 if demo.stage == 3 else 1.0)
    stages = [demo.stage for demo in read_demos([data])]
    assert [row.weight for episode in weighed for row in episode] == [3.0 if stage == 3 else 1.0 for stage in stages]


def test_rows_that_are_too_long_are_left_out_and_nothing_is_an_error(folder, data, tmp_path):
    with pytest.raises(ConfigurationError, match="longest=10"):
        sft(SFTConfig(str(folder), (str(data),), str(tmp_path), longest=10))


def test_nothing_held_out_has_no_validation(rows):
    assert evaluate(rows[1]._loaded.model, [], SFTConfig("x", ("y",), "z")) == {}


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"learning_rate": 0}, {"held_out": 0.9}, {"lora": -1}, {"batch_tokens": 0}, {"clip": -1.0}]
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        SFTConfig("x", ("y",), "z", **wrong)


def test_the_commands_write_demonstrations_and_train(folder, tmp_path, capsys):
    demos, out = tmp_path / "d.jsonl", tmp_path / "model"
    options = [f"--env-arg={name}={value}" for name, value in SHORT.items()]
    assert main(["demos", ENV, "--agent", "expert", "--episodes", "2", "--out", str(demos), *options]) == 0
    assert "2 of 2 episodes" in capsys.readouterr().out
    assert main(["sft", str(folder), str(demos), "--out", str(out), "--epochs", "1", "--held-out", "0"]) == 0
    assert "tokens read" in capsys.readouterr().out
    assert (out / "model.safetensors").is_file()
    assert END in (out / "tokenizer_config.json").read_text()
    assert main(["demos", ENV, "--agent", "nobody", "--out", str(demos)]) == 2
