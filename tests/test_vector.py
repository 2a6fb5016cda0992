"""Vector envs: the right text in every slot, and a memory of its own."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

import agemem_gym
from agemem_gym.protocol import call_reply
from agemem_gym.spaces import TextSpace

ENV_ID = "AgeMem-BabyAI-v0"
FAST = {"level": "GoToObj", "encoder": "hash"}
MODES = [("sync", None), ("async", "fork"), ("async", "spawn")]


def scratchpad(vector, count):
    """Each slot writes its own secret, then reads; returns what each slot read."""
    vector.reset(seed=list(range(count)))
    secrets = [f"the secret of slot {i} is {i * 7919}" for i in range(count)]
    vector.step(tuple(call_reply(("Add_memory", {"content": secret})) for secret in secrets))
    obs, *_ = vector.step((call_reply(("Retrieve_memory", {"query": "the secret of slot", "top_k": 50})),) * count)
    return secrets, obs


@pytest.mark.parametrize(("mode", "start_method"), MODES)
def test_each_slot_reads_back_only_its_own_secret(mode, start_method):
    count = 64 if mode == "sync" or start_method == "fork" else 8
    vector = agemem_gym.make_vec(ENV_ID, count, mode, start_method=start_method, **FAST)
    secrets, obs = scratchpad(vector, count)
    vector.close()
    for i, text in enumerate(obs):
        last = text.rsplit("Retrieve_memory: ", 1)[1]
        assert last.endswith(f": {secrets[i]}")
        assert last.count("the secret of slot") == 1


@pytest.mark.slow
def test_sixty_four_spawned_slots_read_back_only_their_own_secret():
    vector = agemem_gym.make_vec(ENV_ID, 64, "async", start_method="spawn", **FAST)
    secrets, obs = scratchpad(vector, 64)
    vector.close()
    assert all(text.endswith(f": {secret}") for text, secret in zip(obs, secrets, strict=True))


def transcript(vector, env_kwargs):
    obs, _ = vector.reset(seed=[3, 4])
    texts = [tuple(obs)]
    for reply in ("turn left", call_reply(("Add_memory", {"content": "ü here"})), "move forward", "<answer>"):
        obs, rewards, *_ = vector.step((reply, reply))
        texts.append((*obs, *np.asarray(rewards).tolist()))
    vector.close()
    return texts


def test_all_modes_give_the_text_of_the_single_env():
    single = []
    for seed in (3, 4):
        env = gym.make(ENV_ID, **FAST)
        single.append([env.reset(seed=seed)[0]])
        for reply in ("turn left", call_reply(("Add_memory", {"content": "ü here"})), "move forward", "<answer>"):
            single[-1].append(env.step(reply)[0])
        env.close()
    expected = list(zip(*single, strict=True))
    for mode, start_method in MODES:
        vector = agemem_gym.make_vec(ENV_ID, 2, mode, start_method=start_method, **FAST)
        assert [texts[:2] for texts in transcript(vector, FAST)] == expected


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_gymnasiums_own_make_vec_gives_the_right_strings(mode):
    vector = gym.make_vec(ENV_ID, num_envs=2, vectorization_mode=mode, **FAST)
    obs, infos = vector.reset(seed=[3, 4])
    assert all(
        text.startswith("[system] You solve a task") and text.endswith(infos["observation"][i])
        for i, text in enumerate(obs)
    )
    obs, *_ = vector.step(("<answer>ü</answer>", "turn left"))
    assert "[assistant] <answer>ü</answer>" in obs[0]
    vector.close()


def test_autoreset_can_be_left_to_the_caller():
    vector = agemem_gym.make_vec(ENV_ID, 2, autoreset_mode=AutoresetMode.DISABLED, **FAST)
    vector.reset(seed=[0, 1])
    _, _, terminated, _, _ = vector.step(("<answer>x</answer>", "turn left"))
    assert terminated.tolist() == [True, False]
    vector.reset(seed=[5, 6], options={"reset_mask": np.array([True, False])})
    vector.close()


def test_stable_baselines_vec_env_carries_text():
    from stable_baselines3.common.vec_env import DummyVecEnv

    vector = DummyVecEnv([lambda: gym.make(ENV_ID, **FAST)] * 2)
    obs = vector.reset()
    assert obs.shape == (2,)
    assert all(isinstance(text, str) and len(text) > 500 for text in obs)
    obs, _, dones, infos = vector.step(np.array(["turn left", "<answer>x</answer>"], dtype=object))
    assert dones.tolist() == [False, True]
    assert "terminal_observation" in infos[1]
    vector.close()


def test_the_space_contains_any_text_up_to_its_length():
    space = TextSpace(10)
    assert all(text in space for text in ("", "a b", "ü🔑", "x" * 10))
    assert "x" * 11 not in space
    assert 3 not in space
    assert all(space.sample() in space for _ in range(50))
    assert space == TextSpace(10) != TextSpace(11)
