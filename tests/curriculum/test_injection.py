"""Distractors among the observations of any env."""

import pickle

import gymnasium
import pytest

import agemem_gym
from agemem_gym.curriculum import DistractorInjection
from agemem_gym.errors import ConfigurationError
from agemem_gym.registration import BENCHMARKS

FAST = {"encoder": "hash", "index": "exact"}


def make(env_id="AgeMem-BabyAI-v0", **kwargs):
    return DistractorInjection(gymnasium.make(env_id, **FAST), **kwargs)


def play(env, seed, steps=12):
    env.reset(seed=seed)
    trace = []
    for _ in range(steps):
        obs, _, terminated, truncated, info = env.step("<think>hm</think><action>check valid actions</action>")
        trace.append((obs, info["observation"], info["distractors"]))
        if terminated or truncated:
            break
    return trace


@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda b: b.name)
def test_any_env_takes_distractors_and_shows_them_in_observation_and_record(benchmark):
    env = make(benchmark.env_id, rate=1.0, source="chat")
    trace = play(env, 0, steps=3)
    for obs, observation, distractors in trace:
        assert len(distractors) == 1
        assert distractors[0]["text"] in obs
        assert distractors[0]["text"] in observation
    kinds = [message.kind for message in env.unwrapped.episode.messages]
    assert kinds.count("distractor") == len(trace)
    env.close()


def test_the_rate_is_a_probability_and_zero_is_none():
    assert not any(distractors for *_, distractors in play(make(rate=0.0), 0, 40))
    count = sum(bool(distractors) for seed in range(6) for *_, distractors in play(make(rate=0.3), seed, 40))
    assert 30 < count < 110


def test_the_same_seed_injects_the_same_whatever_came_before():
    env = make(rate=0.5, position="random")
    first = play(env, 3)
    play(env, 4)
    assert play(env, 3) == first
    assert play(make(rate=0.5, position="random"), 3) == first


@pytest.mark.parametrize("position", ["start", "end", "random"])
def test_positions_never_come_before_the_task(position):
    env = make(rate=1.0, source="chat", position=position)
    play(env, 0, 6)
    messages = list(env.unwrapped.context)
    places = [i for i, message in enumerate(messages) if message.kind == "distractor"]
    assert min(places) >= 2
    if position == "start":
        assert places == [2, 3, 4, 5, 6, 7]
    if position == "end":
        assert places[-1] == len(messages) - 1


def test_the_task_is_not_disturbed():
    plain = gymnasium.make("AgeMem-BabyAI-v0", info_expert=True, **FAST)
    env = DistractorInjection(gymnasium.make("AgeMem-BabyAI-v0", info_expert=True, **FAST), rate=1.0)
    for seed in range(3):
        infos = [e.reset(seed=seed)[1] for e in (plain, env)]
        over = False
        while not over:
            assert infos[0]["expert"] == infos[1]["expert"]
            steps = [e.step(i["expert"]) for e, i in zip((plain, env), infos, strict=True)]
            infos = [step[4] for step in steps]
            over = steps[0][2] or steps[0][3]
        assert infos[1]["success"]


def test_a_snapshot_brings_the_draws_back():
    env = make(rate=0.5)
    play(env, 1, 4)
    snapshot = pickle.loads(pickle.dumps(env.snapshot()))
    ahead = [env.step("look")[4]["distractors"] for _ in range(8)]
    env.restore(snapshot)
    assert [env.step("look")[4]["distractors"] for _ in range(8)] == ahead
    assert any(ahead)


def test_it_works_round_three_stages():
    env = DistractorInjection(
        gymnasium.make("AgeMem-HotpotQA-ThreeStage-v0", n1=1, n2=1, **FAST), source="chat", rate=1.0
    )
    env.reset(seed=0)
    stages = []
    for _ in range(3):
        _, _, _, _, info = env.step("<answer>ok</answer>")
        stages.append((info["stage"], len(info["distractors"])))
    assert stages[:2] == [(2, 0), (3, 1)]  # what distracts is not told while the task is hidden
    assert len(env.unwrapped.episode.distractors) >= 3


def test_it_works_in_vector_envs():
    def maker():
        return make(rate=1.0, source="chat")

    vector = gymnasium.vector.SyncVectorEnv([maker, maker])
    vector.reset(seed=[0, 1])
    obs, *_ = vector.step(("look", "look"))
    assert len(obs) == 2
    vector.close()


@pytest.mark.parametrize("kwargs", [{"rate": 1.5}, {"rate": True}, {"position": "middle"}, {"source": "gossip"}])
def test_bad_settings_are_refused(kwargs):
    with pytest.raises(ConfigurationError):
        make(**kwargs)


def test_it_goes_round_a_memory_env_only():
    with pytest.raises(ConfigurationError, match="MemoryEnv"):
        DistractorInjection(gymnasium.make("CartPole-v1"))
    assert agemem_gym.__version__


def test_source_and_similarity_are_in_the_record():
    env = make(rate=1.0)
    trace = play(env, 0, 3)
    noted = env.unwrapped.episode.distractors
    assert [item["similarity"] for item in noted] == [d[0]["similarity"] for *_, d in trace]
    assert {item["source"] for item in noted} == {"benchmark"}
