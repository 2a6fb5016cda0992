"""A training as a whole, on a model of random weights: what an iteration measures, going on after a kill, learning."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from agemem_gym.baselines.grpo import checkpoint  # noqa: E402
from agemem_gym.baselines.grpo.config import GRPOConfig, TrainConfig  # noqa: E402
from agemem_gym.baselines.grpo.journal import Journal, read_rows  # noqa: E402
from agemem_gym.baselines.grpo.learner import tasks_of  # noqa: E402
from agemem_gym.baselines.grpo.trainer import Trainer, learning_rate, train  # noqa: E402
from agemem_gym.baselines.grpo.update import SamplerError  # noqa: E402
from agemem_gym.chat import Sampling, make_chat_model  # noqa: E402
from agemem_gym.errors import ConfigurationError  # noqa: E402
from agemem_gym.reward import Reward  # noqa: E402

from .conftest import ENV, SHORT  # noqa: E402

KWARGS = {**SHORT, "max_rounds": 5, "reward": "composite"}


def a_config(folder, out, **settings):
    small = {"iterations": 2, "groups": 2, "k": 3, "slots": 6, "max_tokens": 10, "threads": 1, "warmup": 0}
    asked = {"evaluate_every": 0, "evaluate_episodes": 3, "checkpoint_every": 1}
    return TrainConfig(str(folder), ENV, str(out), **{"env_kwargs": KWARGS, **small, **asked, **settings})


def weights_of(trainer):
    return {name: value.detach().clone() for name, value in trainer.learner.policy.learned.items()}


def finished(config):
    """A training to its end: rows without what the clock decides, and weights."""
    trainer = Trainer(config)
    trainer.resume()
    list(trainer.rows())
    trainer.close()
    return [timeless(row) for row in trainer.journal.rows], weights_of(trainer)


def timeless(row):
    return {k: v for k, v in row.items() if not k.startswith("share/") and k not in ("seconds", "tokens_per_second")}


def test_a_training_writes_metrics_checkpoints_and_a_model_that_plays(folder, tmp_path):
    config = a_config(folder, tmp_path / "run", iterations=3, evaluate_every=2, control={"n1": 0}, keep=2)
    seen = []
    trained = train(config, seen.append)
    assert [row["iteration"] for row in trained.rows] == [0, 1, 2, 3]
    assert ["eval/success" in row and "control/success" in row for row in trained.rows] == [True, False, True, True]
    first = trained.rows[1]
    assert (first["episodes"], first["groups"], first["skipped"], first["failed"]) == (6, 2, 0, 0)
    assert first["off"] < 1e-4
    assert first["kl"] == pytest.approx(0, abs=1e-6)  # the policy is its own reference still
    assert trained.rows[2]["kl"] > 1e-9
    assert 0 < first["entropy"] < np.log(700)
    assert first["read_tokens"] < first["row_tokens"]
    assert sum(first[f"share/{part}"] for part in ("env", "generation", "update")) == pytest.approx(1, abs=0.02)
    assert [dict(row) for row in trained.rows] == seen == read_rows(tmp_path / "run")
    table = list(csv.DictReader((tmp_path / "run" / "metrics.csv").open()))
    assert [float(row["iteration"]) for row in table] == [0, 1, 2, 3]
    assert float(table[3]["eval/mq"]) == trained.rows[3]["eval/mq"]
    assert [c.name for c in checkpoint.checkpoints_of(tmp_path / "run")] == ["iteration-000002", "iteration-000003"]
    assert "agemem train" in (trained.folder / "README.md").read_text()
    assert json.loads((trained.folder / "training.json").read_text())["config"]["groups"] == 2
    completion = make_chat_model(f"local:{trained.folder}").complete(
        [[{"role": "user", "content": "Hi"}]], Sampling(max_tokens=3)
    )
    assert completion[0].token_ids


def test_two_trainings_of_one_seed_are_the_same_and_another_seed_is_another(folder, tmp_path):
    rows, weights = finished(a_config(folder, tmp_path / "a"))
    again, weights_again = finished(a_config(folder, tmp_path / "b"))
    assert rows == again
    assert all(torch.equal(weights[name], weights_again[name]) for name in weights)
    assert finished(a_config(folder, tmp_path / "c", seed=1))[0] != rows


def test_a_training_in_parts_is_the_training_in_one(folder, tmp_path):
    """With LoRA, an adaptive curriculum and a list of tasks: all that a checkpoint has to hold."""
    curriculum = {"n1": {"adaptive": [1, 3]}, "n2": {"linear": [0, 4]}, "window": 2, "target_success": 0.01}
    kwargs = {name: value for name, value in KWARGS.items() if name not in ("n1", "n2")}
    settings = {"env_kwargs": {**kwargs, "curriculum": curriculum}, "lora": 2, "tasks": 5, "iterations": 4}
    rows, weights = finished(a_config(folder, tmp_path / "whole", **settings))
    config = a_config(folder, tmp_path / "parts", **settings)
    for stop in (1, 3):
        trainer = Trainer(config)
        assert trainer.resume() == (stop > 1)
        assert trainer.iteration == (0 if stop == 1 else 1)
        for row in trainer.rows():
            if row["iteration"] == stop:
                break
        trainer.close()
    found, found_weights = finished(config)
    assert found == rows
    assert weights.keys() == found_weights.keys()
    assert all("lora" in name and torch.equal(weights[name], found_weights[name]) for name in weights)


def test_a_training_that_is_killed_goes_on_with_the_same_losses(folder, tmp_path):
    """kill -9, twice, wherever the process happens to be."""
    out = tmp_path / "killed"
    wanted, _ = finished(a_config(folder, tmp_path / "whole", iterations=5))
    settings = asdict(a_config(folder, out, iterations=5))
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    script = (
        "import json; from agemem_gym.baselines.grpo.config import GRPOConfig, TrainConfig; "
        "from agemem_gym.baselines.grpo.trainer import train; settings = json.load(open('settings.json')); "
        "config = TrainConfig(**{**settings, 'learner': GRPOConfig(**settings['learner'])}); "
        "train(config, lambda row: print(row['iteration'], flush=True))"
    )
    for kill_after in (1, 3, None):
        process = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        for line in process.stdout:
            if kill_after is not None and float(line) >= kill_after:
                time.sleep(0.05 * kill_after)  # somewhere in the next iteration
                os.kill(process.pid, signal.SIGKILL)
                break
        process.stdout.close()
        assert process.wait() == (0 if kill_after is None else -signal.SIGKILL)
        assert checkpoint.read_state(checkpoint.checkpoints_of(out)[-1])["iteration"] >= (kill_after or 5)
    assert [timeless(row) for row in read_rows(out)] == wanted


def test_a_checkpoint_is_whole_or_not_there(folder, tmp_path):
    config = a_config(folder, tmp_path / "run", iterations=1)
    _, weights = finished(config)
    newest = checkpoint.checkpoints_of(tmp_path / "run")[-1]
    half = newest.with_name(".iteration-000002.unfinished")
    half.mkdir()
    (half / "state.json").write_text("{")
    empty = newest.with_name("iteration-000003")
    empty.mkdir()
    assert checkpoint.checkpoints_of(tmp_path / "run") == [newest]
    assert finished(config)[1].keys() == weights.keys()
    (newest / "state.json").write_text("[]")
    with pytest.raises(ConfigurationError, match="no checkpoint"):
        Trainer(config)


def test_a_foreign_pickle_is_not_run(folder, tmp_path):
    config = a_config(folder, tmp_path / "run", iterations=1)
    finished(config)
    newest = checkpoint.checkpoints_of(tmp_path / "run")[-1]

    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "run over",))

    torch.save({"optimiser": Evil()}, newest / "optimiser.pt")
    trainer = Trainer(config)
    with pytest.raises(Exception, match=r"[Ww]eights.?only"):
        trainer.resume()
    trainer.close()
    assert not (tmp_path / "run over").exists()


def test_a_run_does_not_go_on_with_other_settings(folder, tmp_path):
    finished(a_config(folder, tmp_path / "run", iterations=1))
    with pytest.raises(ConfigurationError, match="other settings of k"):
        Trainer(a_config(folder, tmp_path / "run", iterations=1, k=4))
    Trainer(a_config(folder, tmp_path / "run", iterations=2)).close()


def test_a_learning_rate_of_0_changes_nothing(folder, tmp_path):
    trainer = Trainer(a_config(folder, tmp_path / "run", learning_rate=0.0))
    before = weights_of(trainer)
    trainer.iterate()
    trainer.close()
    assert all(torch.equal(before[name], value) for name, value in weights_of(trainer).items())


def test_what_another_policy_sampled_is_refused_before_anything_is_learned(folder, tmp_path):
    trainer = Trainer(a_config(folder, tmp_path / "run"))
    play = trainer.learner.collector.play

    def from_another(*args):
        collected = play(*args)
        for trajectory in collected.trajectories[:1]:
            reply = trajectory.replies[2]
            object.__setattr__(reply, "logprobs", (reply.logprobs[0] - 0.01, *reply.logprobs[1:]))
        return collected

    trainer.learner.collector.play = from_another
    before = weights_of(trainer)
    with pytest.raises(SamplerError, match=r"off by 0\.01"):
        trainer.iterate()
    trainer.close()
    assert all(torch.equal(before[name], value) for name, value in weights_of(trainer).items())


class Vowels(Reward):
    """A return that can be learned in a minute: the share of vowels in what was replied."""

    def terms(self, episode, metric, judge):
        said = "".join(step.reply for step in episode.steps).lower()
        share = sum(letter in "aeiou" for letter in said) / max(1, len(said))
        return {"task": share, "total": share}


@pytest.mark.slow
def test_a_training_raises_the_return_that_it_is_given(folder, tmp_path):
    settings = {"iterations": 15, "groups": 3, "k": 8, "slots": 24, "max_tokens": 8, "learning_rate": 1e-2}
    config = a_config(
        folder, tmp_path / "run", env_kwargs={**KWARGS, "reward": Vowels()}, checkpoint_every=15, **settings
    )
    returns = [row["return"] for row in finished(config)[0]]
    assert np.mean(returns[-3:]) > np.mean(returns[:3]) + 0.03


def test_an_iteration_without_spread_learns_nothing_and_says_so(folder, tmp_path):
    trainer = Trainer(a_config(folder, tmp_path / "run", env_kwargs={**KWARGS, "reward": "task"}))
    before = weights_of(trainer)
    row = trainer.iterate()
    trainer.close()
    assert (row["skipped"], "loss" in row) == (2, False)
    assert all(torch.equal(before[name], value) for name, value in weights_of(trainer).items())


def test_half_precision_learns_from_what_it_sampled_itself(folder, tmp_path):
    trainer = Trainer(a_config(folder, tmp_path / "run", precision="bfloat16", updates=2))
    before = weights_of(trainer)
    row = trainer.iterate()
    trainer.close()
    assert 1e-6 < row["off"] < 0.2
    after = weights_of(trainer)
    assert {value.dtype for value in after.values()} == {torch.float32}
    assert any(not torch.equal(before[name], value) for name, value in after.items())


def test_every_episode_of_a_group_has_the_same_curriculum(folder, tmp_path):
    kwargs = {name: value for name, value in KWARGS.items() if name not in ("n1", "n2")}
    curriculum = {"n1": 2, "n2": {"linear": [0, 4]}}
    trainer = Trainer(a_config(folder, tmp_path / "run", env_kwargs={**kwargs, "curriculum": curriculum}, iterations=4))
    found = []
    for _ in range(3):
        trainer.iterate()
        found.append({trajectory.episode.curriculum["n2"] for trajectory in trainer.trajectories})
    trainer.close()
    assert found == [{0}, {1}, {2}]


def test_tasks_come_in_a_new_order_each_round_and_never_twice_in_an_iteration():
    config = TrainConfig("m", "e", "o", groups=3, tasks=7, first_task=100)
    rounds = [[tasks_of(config, 2 * n), tasks_of(config, 2 * n + 1)] for n in range(3)]
    for first, second in rounds:
        assert len({*first, *second}) == 6
        assert {*first, *second} <= set(range(100, 107))
    assert rounds[0] != rounds[1]
    assert tasks_of(replace(config, tasks=0), 2) == [106, 107, 108]


def test_the_learning_rate_rises_and_falls():
    config = TrainConfig("m", "e", "o", iterations=6, warmup=2, learning_rate=0.1)
    assert [learning_rate(config, n) for n in (1, 2, 6)] == pytest.approx([0.05, 0.1, 0.1])
    falling = replace(config, decay="linear")
    assert [learning_rate(falling, n) for n in range(1, 7)] == pytest.approx([0.05, 0.1, 0.1, 0.075, 0.05, 0.025])


def test_a_journal_drops_what_is_played_again_and_a_line_that_was_cut(tmp_path):
    journal = Journal(tmp_path)
    for n in range(3):
        journal.add({"iteration": float(n), **({"eval": 1.0} if n == 1 else {})})
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"iteration": 3')
    assert len(read_rows(tmp_path)) == 3
    assert [row["iteration"] for row in Journal(tmp_path, 1).rows] == [0, 1]
    assert Journal(tmp_path).rows == []


def test_a_file_of_settings_and_what_is_given_beside_it(tmp_path):
    file = tmp_path / "train.yaml"
    file.write_text(
        "model: m\nenv: e\nout: o\nk: 4\nenv_kwargs: {n1: 2, n2: 1}\nlearner: {beta: 0.0, clip: [0.2, 0.3]}\n"
    )
    config = TrainConfig.load(file, {"k": 6, "env_kwargs": {"n2": 3}, "learner": {"mean": "token"}})
    assert (config.k, dict(config.env_kwargs)) == (6, {"n1": 2, "n2": 3})
    assert config.learner == GRPOConfig(beta=0.0, clip=(0.2, 0.3), mean="token")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model: m", "needs env, out"),
        ("model: m\nenv: e\nout: o\nlerner: {}", "did you mean 'learner'"),
        ("model: m\nenv: e\nout: o\nlearner: {bta: 1}", "did you mean 'beta'"),
        ("model: m\nenv: e\nout: o\nk: 1", "k=1"),
        ("model: m\nenv: e\nout: o\ntasks: 3", "tasks=3"),
        ("- 1", "expected a mapping"),
        ("{", "not YAML"),
    ],
)
def test_wrong_settings_are_answered_with_a_sentence(tmp_path, text, said):
    file = tmp_path / "train.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        TrainConfig.load(file)
