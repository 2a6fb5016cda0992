"""Stable-Baselines3, unmodified: its own wrappers, vector envs, callbacks and algorithms on our envs."""

import json

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as gymnasium_check

pytest.importorskip("stable_baselines3")

from stable_baselines3.common.env_checker import check_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv

from agemem_gym.agent import make_agent
from agemem_gym.baselines.sb3 import HashedTextObservation, TemplateActions, make_sb3_env
from agemem_gym.baselines.sb3.agent import PACKAGED
from agemem_gym.baselines.sb3.templates import ACTIONS
from agemem_gym.baselines.sb3.train import make_algorithm, save, train
from agemem_gym.errors import ConfigurationError
from agemem_gym.rollout import play_episode

QUESTIONS = "AgeMem-HotpotQA-ThreeStage-v0"
GRID = "AgeMem-BabyAI-v0"
FAST = {"encoder": "hash", "index": "exact"}
SHORT = {**FAST, "n1": 2, "n2": 1, "max_rounds": 20}


def made(env_id=QUESTIONS, features=64):
    return make_sb3_env(
        env_id, features, **(SHORT if env_id == QUESTIONS else FAST | {"level": "GoToObj", "max_rounds": 20})
    )


@pytest.mark.parametrize("env_id", [QUESTIONS, GRID])
def test_both_checkers_pass(env_id):
    env = made(env_id)
    check_env(env)
    gymnasium_check(env, skip_render_check=True, skip_close_check=True)
    env.close()


@pytest.mark.parametrize("env_id", [QUESTIONS, GRID])
def test_every_action_in_every_state_is_a_reply_that_the_env_understands(env_id):
    env, rng = made(env_id), np.random.default_rng(0)
    for seed in range(3):
        _, info = env.reset(seed=seed)
        over = False
        while not over:
            mask = env.action_masks()
            assert mask.shape == (ACTIONS,)
            assert mask[0]
            action = int(rng.choice(np.flatnonzero(mask)))
            _, _, terminated, truncated, info = env.step(action)
            assert info["format_error"] is None
            assert all(result["ok"] for result in info["tool_results"])
            over = terminated or truncated
    env.close()


def test_an_action_that_makes_no_sense_harms_nothing():
    env = made()
    env.reset(seed=0)
    assert not env.action_masks()[2]  # there is no entry yet
    _, _, terminated, truncated, info = env.step(2)
    assert not terminated
    assert not truncated
    assert not info["tool_results"][0]["ok"]
    env.close()


def test_the_same_text_is_the_same_vector_and_another_text_another():
    env = made()
    one, _ = env.reset(seed=0)
    again, _ = env.reset(seed=0)
    other, _ = env.reset(seed=1)
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert one.shape == env.observation_space.shape == (2 * 64 + 8,)
    assert env.observation_space.contains(one)
    env.close()


def test_wrappers_stand_in_the_record_and_are_made_again():
    env = HashedTextObservation(TemplateActions(gym.make(QUESTIONS, **SHORT)), features=32)
    env.reset(seed=0)
    env.step(1)
    assert env.unwrapped.episode.tool_results[0].name == "Add_memory"
    env.close()


def test_evaluate_policy_and_monitor_count_episodes_as_they_are():
    env = Monitor(made(), info_keywords=("success",))
    model = make_algorithm("ppo", env, n_steps=32, batch_size=32)
    returns, lengths = evaluate_policy(model, env, n_eval_episodes=3, return_episode_rewards=True)
    assert len(returns) == len(lengths) == 3
    assert all(0 < length <= 20 + 9 for length in lengths)
    env.close()


@pytest.mark.parametrize("kind", [DummyVecEnv, lambda makers: SubprocVecEnv(makers, start_method="spawn")])
def test_vector_envs_give_what_one_env_gives(kind):
    from functools import partial

    alone = made()
    first, _ = alone.reset(seed=5)
    second = alone.step(1)[0]
    alone.close()
    venv = kind([partial(make_sb3_env, QUESTIONS, 64, **SHORT) for _ in range(2)])
    try:
        venv.seed(5)
        assert np.array_equal(venv.reset()[0], first)
        obs, *_ = venv.step(np.asarray([1, 0]))
        assert np.array_equal(obs[0], second)
    finally:
        venv.close()


@pytest.mark.parametrize("algorithm", ["ppo", "dqn", "maskable-ppo"])
def test_an_algorithm_learns_saves_and_plays_the_same_on_the_board(algorithm, tmp_path):
    env = made()
    short = {"learning_starts": 20} if algorithm == "dqn" else {"n_steps": 32, "batch_size": 32, "n_epochs": 1}
    model = make_algorithm(algorithm, env, **short)
    model.learn(64)
    masked = algorithm == "maskable-ppo"
    save(model, tmp_path, {"features": 64, "masked": masked})
    agent = make_agent("sb3-ppo", model=str(tmp_path), deterministic=True)
    obs, info = env.reset(seed=3)
    agent.reset(info)
    for _ in range(8):
        choice = {"action_masks": env.action_masks()} if masked else {}
        action, _ = model.predict(obs, deterministic=True, **choice)
        expected = env.env._templates.replies[int(action)]
        assert agent.act("", info) == expected
        obs, _, terminated, truncated, info = env.step(int(action))
        if terminated or truncated:
            break
    env.close()


def test_training_evaluates_on_held_out_tasks_and_writes_what_the_board_plays(tmp_path):
    train(
        QUESTIONS,
        algorithm="ppo",
        steps=1024,
        envs=2,
        features=32,
        evaluate_every=512,
        episodes=2,
        out=tmp_path,
        env_kwargs=SHORT,
    )
    settings = json.loads((tmp_path / "settings.json").read_text())
    assert (settings["algorithm"], settings["steps"], settings["masked"]) == ("ppo", 1024, False)
    with np.load(tmp_path / "evaluations.npz") as kept:
        assert len(kept["timesteps"]) >= 2
    env = gym.make(QUESTIONS, **SHORT)
    episode = play_episode(env, make_agent("sb3-ppo", model=str(tmp_path)), seed=0)
    assert episode.over
    env.close()


def test_a_folder_without_a_policy_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="no saved policy"):
        make_agent("sb3-ppo", model=str(tmp_path))


def test_the_packaged_model_stores_what_it_is_told():
    env = gym.make(QUESTIONS, split="test", info_admissible=True, **FAST)
    agent = make_agent("sb3-ppo")
    kept = [len(play_episode(env, agent, seed=seed).final_memory) for seed in range(5)]
    env.close()
    assert sum(kept) >= 5


def test_the_packaged_model_is_small_and_says_what_it_was_trained_on():
    settings = json.loads((PACKAGED / "settings.json").read_text())
    assert (settings["algorithm"], settings["env"], settings["masked"]) == ("ppo", QUESTIONS, False)
    assert sum(file.stat().st_size for file in PACKAGED.iterdir()) < 2_000_000
    assert not [file.name for file in PACKAGED.iterdir() if file.suffix in (".zip", ".pkl", ".pt")]
