"""GRPO behind the face of Stable-Baselines3: its verbs, and SB3's own callbacks, logger and evaluation."""

import csv
import zipfile

import gymnasium as gym
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")

from stable_baselines3.common.callbacks import BaseCallback, CheckpointCallback, EvalCallback  # noqa: E402
from stable_baselines3.common.evaluation import evaluate_policy  # noqa: E402
from stable_baselines3.common.logger import configure  # noqa: E402
from stable_baselines3.common.monitor import Monitor  # noqa: E402
from stable_baselines3.common.vec_env import DummyVecEnv  # noqa: E402

from agemem_gym.baselines.grpo.algorithm import GRPO, messages_of  # noqa: E402
from agemem_gym.errors import ConfigurationError  # noqa: E402

from .conftest import ENV, SHORT  # noqa: E402

KWARGS = {**SHORT, "max_rounds": 4, "reward": "composite"}
FEW = {"groups": 2, "k": 2, "slots": 4, "max_tokens": 8, "threads": 1}


def made(folder, **settings):
    return GRPO(str(folder), ENV, env_kwargs=KWARGS, device="cpu", **{**FEW, **settings})


def an_env():
    return Monitor(gym.make(ENV, **KWARGS))


def weights_of(model):
    return {name: value.detach().clone() for name, value in model.learner.policy.learned.items()}


def test_learn_with_sb3s_own_callbacks_and_logger(folder, tmp_path):
    class Seen(BaseCallback):
        calls, ends, order = 0, 0, ()

        def _on_rollout_start(self):
            self.order += ("play",)

        def _on_step(self):
            self.calls += 1
            self.ends += int(self.locals["dones"][0])
            return True

        def _on_rollout_end(self):
            self.order += ("learn",)

    model = made(folder)
    before = weights_of(model)
    model.set_logger(configure(str(tmp_path), ["csv"]))
    seen = Seen()
    evaluating = EvalCallback(
        an_env(), n_eval_episodes=1, eval_freq=10, best_model_save_path=str(tmp_path / "best"), verbose=0
    )
    saving = CheckpointCallback(10, str(tmp_path / "saved"))
    assert model.learn(20, callback=[seen, evaluating, saving]) is model
    model.close()
    assert model.num_timesteps == seen.calls >= 20
    assert seen.ends % 4 == 0
    assert seen.order == ("play", "learn") * (len(seen.order) // 2)
    assert any(not torch.equal(before[name], value) for name, value in weights_of(model).items())
    rows = list(csv.DictReader((tmp_path / "progress.csv").open()))
    assert float(rows[-1]["train/loss"]) == pytest.approx(float(rows[-1]["train/loss"]))
    for name in ("rollout/ep_rew_mean", "rollout/success_rate", "rollout/term_task", "train/kl", "train/entropy"):
        assert rows[-1][name], name
    assert float(rows[-1]["time/share_generation"]) < 1
    assert np.isfinite(evaluating.last_mean_reward)
    assert (tmp_path / "best" / "best_model.zip").is_file()
    assert list((tmp_path / "saved").glob("*.zip"))


def test_a_callback_can_stop_it_before_anything_is_learned(folder):
    class Stop(BaseCallback):
        def _on_step(self):
            return False

    model = made(folder)
    before = weights_of(model)
    model.learn(1000, callback=Stop())
    model.close()
    assert model.num_timesteps == 1
    assert all(torch.equal(before[name], value) for name, value in weights_of(model).items())


@pytest.mark.parametrize("lora", [0, 2])
def test_what_was_saved_goes_on_as_what_was_not(folder, tmp_path, lora):
    model = made(folder, lora=lora, seed=5)
    model.learn(1)
    model.save(tmp_path / "model")
    assert sorted(zipfile.ZipFile(tmp_path / "model.zip").namelist()) == [
        "optimiser.pt",
        "state.json",
        "weights.safetensors",
    ]
    loaded = GRPO.load(tmp_path / "model", an_env(), device="cpu")
    named = GRPO.load(str(tmp_path / "model.zip"), device="cpu")  # the env of the training, by its id
    for other in (model, loaded):
        other.learn(1, reset_num_timesteps=False)
        other.close()
    assert loaded.num_timesteps == model.num_timesteps
    weights = weights_of(model)
    assert all(torch.equal(weights[name], value) for name, value in weights_of(loaded).items())
    obs, _ = an_env().reset(seed=3)
    assert isinstance(named.predict(obs, deterministic=True)[0], str)
    named.close()


def test_predict_is_the_agents_reply(folder):
    """Greedy replies to texts are those of the agent to messages; one text, or an array of one for each env."""
    from agemem_gym.agent import make_agent

    env = gym.make(ENV, **KWARGS)
    agent = make_agent("agemem", checkpoint=str(folder), temperature=0.0, max_tokens=8)
    model = made(folder)
    obs, info = env.reset(seed=1)
    state, start = None, np.array([True])
    for _ in range(3):
        (reply,), state = model.predict(np.array([obs], object), state, start, deterministic=True)
        assert reply == agent.act(obs, info)
        assert model.predict(obs, deterministic=True)[0] == reply
        obs, _, _, _, info = env.step(reply)
        start = np.array([False])
    drawn = {model.predict(obs)[0] for _ in range(4)}
    assert len(drawn) > 1
    model.close()


def test_evaluate_policy_on_several_envs(folder):
    model = made(folder)
    envs = DummyVecEnv([an_env, an_env])
    envs.seed(3)
    rewards, lengths = evaluate_policy(model, envs, n_eval_episodes=3, deterministic=False, return_episode_rewards=True)
    model.close()
    assert len(rewards) == len(lengths) == 3
    assert all(1 < length < 20 for length in lengths)


@pytest.mark.parametrize("tools", [None, "pointer"])
def test_messages_are_read_back_from_an_observation(tools):
    env = gym.make(ENV, **KWARGS, tools=tools)
    obs, info = env.reset(seed=0)
    assert messages_of(obs) == [dict(message) for message in info["messages"]]
    obs, _, _, _, info = env.step('<tool_call>[{"name": "Add_memory", "arguments": {"content": "x"}}]</tool_call>')
    assert messages_of(obs) == [dict(message) for message in info["messages"]]
    assert messages_of("the end of it\n\n[user] Where?") == [
        {"role": "user", "content": "the end of it"},
        {"role": "user", "content": "Where?"},
    ]


def test_the_curriculum_is_driven_by_the_share_of_steps(folder):
    kwargs = {name: value for name, value in KWARGS.items() if name != "n2"}
    curriculum = {"n2": {"staged": [[0, 0], [0.01, 3]]}}
    model = GRPO(str(folder), ENV, env_kwargs={**kwargs, "curriculum": curriculum}, device="cpu", **FEW)
    seen = []

    class Look(BaseCallback):
        def _on_step(self):
            seen.append(self.locals["trajectory"].episode.curriculum["n2"])
            return True

    model.learn(30, callback=Look())
    model.close()
    assert seen[0] == 0
    assert seen[-1] == 3


def test_what_cannot_be_used_is_answered_with_a_sentence(folder, tmp_path):
    with pytest.raises(ConfigurationError, match="did you mean 'groups'"):
        made(folder, gruops=3)
    with pytest.raises(ConfigurationError, match="arguments of its own"):
        made(folder, iterations=3)
    with pytest.raises(ConfigurationError, match="needs env"):
        GRPO(str(folder), None, device="cpu")
    with pytest.raises(ConfigurationError, match="no such file"):
        GRPO.load(tmp_path / "nothing")
    (tmp_path / "bad.zip").write_bytes(b"no zip")
    with pytest.raises(ConfigurationError, match=r"GRPO\.save"):
        GRPO.load(tmp_path / "bad.zip")
