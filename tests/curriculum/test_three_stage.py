"""The three stages: what is shown when, what survives, and that every benchmark goes through them."""

import json
import pickle

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import agemem_gym
from agemem_gym.curriculum import ThreeStage
from agemem_gym.errors import ConfigurationError
from agemem_gym.facts import compare
from agemem_gym.protocol import call_reply
from agemem_gym.registration import BENCHMARKS

IDS = [benchmark.three_stage_id for benchmark in BENCHMARKS]
NEXT = "<answer>Noted.</answer>"
FAST = {"encoder": "hash", "index": "exact"}


def make(env_id="AgeMem-HotpotQA-ThreeStage-v0", **kwargs):
    return gymnasium.make(env_id, **{**FAST, **kwargs})


def walk(env, seed, reply=NEXT):
    """Every (stage, observation) up to the first one of stage 3."""
    obs, info = env.reset(seed=seed)
    seen = [(info["stage"], info["observation"], obs, info)]
    while info["stage"] != 3:
        obs, _, _, _, info = env.step(reply)
        seen.append((info["stage"], info["observation"], obs, info))
    return seen


@pytest.mark.parametrize("env_id", IDS)
def test_stages_come_in_order_and_the_query_stays_hidden_until_the_third(env_id):
    env = make(env_id, n1=2, n2=2)
    seen = walk(env, 0)
    query = env.unwrapped.episode.start.instruction
    assert [stage for stage, *_ in seen] == [1, 1, 2, 2, 3]
    for stage, _, obs, info in seen:
        assert (query in obs) == (stage == 3)
        assert ("instruction" in info) == (stage == 3)
        assert any(query in message["content"] for message in info["messages"]) == (stage == 3)
    env.close()


@pytest.mark.parametrize("env_id", IDS)
def test_the_context_is_cleared_after_stage_one_and_kept_after_stage_two(env_id):
    env = make(env_id, n1=2, n2=2)
    seen = walk(env, 1)
    talk = [observation for stage, observation, *_ in seen if stage == 1]
    noise = [observation for stage, observation, *_ in seen if stage == 2]
    last = seen[-1][2]
    assert not any(text in last for text in talk)
    assert all(text in last for text in noise)
    env.close()


@pytest.mark.parametrize("env_id", IDS)
def test_the_expert_solves_the_task_behind_the_stages(env_id):
    env = make(env_id, n1=2, n2=1, info_expert=True)
    for seed in range(3):
        info = walk(env, seed)[-1][3]
        over = False
        while not over:
            _, _, terminated, truncated, info = env.step(info["expert"] or NEXT)
            over = terminated or truncated
        assert info["success"], (env_id, seed)
    env.close()


@pytest.mark.parametrize("env_id", IDS)
def test_two_envs_with_one_seed_give_the_same_bytes(env_id):
    one, other = make(env_id, n1=4, n2=3), make(env_id, n1=4, n2=3)
    other.reset(seed=99)
    for seed in (0, 5):
        assert [item[:3] for item in walk(one, seed)] == [item[:3] for item in walk(other, seed)]
    one.close()
    other.close()


def test_memory_outlives_the_stages_and_is_put_beside_each_message():
    env = make(n1=3, n2=1, top_k=2)
    _, info = env.reset(seed=4)
    first = info["messages"][-1]["content"]
    env.step(call_reply(("Add_memory", {"content": first})))
    _, _, _, _, info = env.step(NEXT)
    roles = [message["role"] for message in info["messages"]]
    assert roles[-2:] == ["user", "tool"]
    assert info["messages"][-1]["content"].startswith("Entries of memory near this message:\nm1 (")
    while info["stage"] != 3:
        _, _, _, _, info = env.step(NEXT)
    assert [record.content for record in env.unwrapped.memory] == [first]


def test_a_turn_ends_after_its_replies_even_without_an_answer():
    env = make(n1=2, n2=0, turns=2)
    _, info = env.reset(seed=0)
    call = call_reply(("Retrieve_memory", {"query": "anything"}))
    turns = [info["turn"]]
    for reply in (call, "go to desk 1", "", call):
        _, _, _, _, info = env.step(reply)
        turns.append((info["stage"], info["turn"]))
    assert turns == [1, (1, 1), (1, 2), (1, 2), (3, 2)]


def test_an_action_before_stage_three_is_answered_and_moves_nothing():
    env = make("AgeMem-BabyAI-ThreeStage-v0", n1=1, n2=0, turns=5)
    env.reset(seed=0)
    _, _, _, _, info = env.step("<action>turn left</action>")
    assert info["stage"] == 1
    assert not info["valid"]
    assert info["moves"] == 0
    assert "nothing to act on yet" in info["observation"]


@pytest.mark.parametrize(
    ("order", "stages"),
    [("progressive", [1, 1, 2, 2, 3]), ("reversed", [2, 2, 1, 1, 3])],
)
def test_orders(order, stages):
    assert [stage for stage, *_ in walk(make(n1=2, n2=2, order=order), 0)] == stages


def test_all_at_once_never_clears_and_interleaved_clears_before_the_task():
    for order, kept in (("all_at_once", True), ("interleaved", False)):
        seen = walk(make(n1=3, n2=3, order=order), 2)
        stages = [stage for stage, *_ in seen[:-1]]
        assert sorted(stages) == [1, 1, 1, 2, 2, 2]
        assert stages not in ([1, 1, 1, 2, 2, 2], [2, 2, 2, 1, 1, 1])
        assert all((text in seen[-1][2]) == kept for stage, text, *_ in seen if stage == 1)


def test_facts_come_first_into_the_choice_of_what_is_told():
    env = make("AgeMem-ALFWorld-ThreeStage-v0", n1=5, n2=0)
    for seed in range(4):
        told = [observation for stage, observation, *_ in walk(env, seed) if stage == 1]
        facts = env.unwrapped.episode.start.key_facts
        assert len(facts) <= len(told) == 5
        assert all(any(compare(fact, line)[0] for line in told) for fact in facts)
    env.close()


def test_a_stale_fact_is_told_in_stage_one_and_taken_back_in_stage_two():
    env = make(n1=3, n2=2, source="stale")
    seen = walk(env, 0)
    assert [stage for stage, *_ in seen] == [1, 1, 1, 1, 1, 2, 2, 3]
    corrections = [observation for stage, observation, *_ in seen if stage == 2]
    told = [observation for stage, observation, *_ in seen if stage == 1]
    for correction in corrections:
        assert any(correction.endswith(text.partition(": ")[2] or text) for text in told)


def test_no_stages_is_the_task_itself():
    env = make(n1=0, n2=0)
    _, info = env.reset(seed=0)
    assert info["stage"] == 3
    assert info["messages"][-1]["content"] == info["instruction"]


def test_rounds_make_room_for_the_stages():
    env = make(n1=2, n2=2, turns=2, max_rounds=3)
    env.reset(seed=0)
    assert env.unwrapped.episode.max_rounds == 3 + 2 * 4


def test_a_snapshot_brings_stage_and_plan_back_in_another_env():
    env, other = make("AgeMem-PDDL-ThreeStage-v0", n1=3, n2=2), make("AgeMem-PDDL-ThreeStage-v0", n1=3, n2=2)
    env.reset(seed=7)
    env.step(call_reply(("Add_memory", {"content": "something"})))
    env.step(NEXT)
    snapshot = pickle.loads(pickle.dumps(env.snapshot()))
    ahead = [env.step(NEXT) for _ in range(5)]
    for target in (env, other):
        _, info = target.restore(snapshot)
        assert info["stage"] == 1
        assert [target.step(NEXT) for _ in range(5)] == ahead


def test_a_replayed_episode_is_the_same():
    from agemem_gym.episode import Episode
    from agemem_gym.replay import replay

    env = make(n1=2, n2=2, source="counterfactual", reward="composite")
    walk(env, 3)
    env.step("<answer>nobody</answer>")
    assert replay(Episode.from_json(env.unwrapped.episode.to_json())) is None


def test_vector_envs_carry_the_stages():
    for mode in ("sync", "async"):
        vector = agemem_gym.make_vec("AgeMem-BabyAI-ThreeStage-v0", 2, mode, n1=1, n2=1, **FAST)
        _, info = vector.reset(seed=[0, 1])
        stages = [list(info["stage"])]
        for _ in range(2):
            _, _, _, _, info = vector.step((NEXT, "look"))
            stages.append(list(info["stage"]))
        vector.close()
        assert stages == [[1, 1], [2, 1], [3, 1]]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_gymnasium_finds_nothing_wrong():
    check_env(make(), skip_render_check=True)


@pytest.mark.parametrize(
    ("kwargs", "word"),
    [
        ({"n1": -1}, "n1"),
        ({"curriculums": "adaptive"}, "unknown keyword curriculums; .*; besides, curriculum$"),
        ({"turns": 0}, "turns"),
        ({"n2": True}, "n2"),
        ({"order": "random"}, "progressive"),
        ({"source": "rumour"}, "counterfactual"),
        ({"source": "llm"}, "ChatModelSource"),
        ({"similarity": (0.9, 0.1)}, "similarity"),
        ({"n3": 1}, "n3"),
    ],
)
def test_bad_settings_say_what_was_expected(kwargs, word):
    with pytest.raises(ConfigurationError, match=word):
        make(**kwargs)


def test_it_goes_round_a_memory_env_only():
    with pytest.raises(ConfigurationError, match="MemoryEnv"):
        ThreeStage(gymnasium.make("CartPole-v1"))


def test_the_record_says_which_curriculum_it_was():
    env = make(n1=2, n2=3, source=["chat", "benchmark"])
    env.reset(seed=0)
    record = env.unwrapped.episode.curriculum
    assert (record["n1"], record["n2"], record["order"]) == (2, 3, "progressive")
    assert record["distractors"] == "benchmark, chat"
    assert json.dumps(dict(record))


def test_lines_of_stage_one_are_the_tasks_background():
    env = make(n1=50, n2=0)
    told = [observation for stage, observation, *_ in walk(env, 0) if stage == 1]
    seed = env.unwrapped.episode.seed
    assert sorted(told) == sorted(env.unwrapped.task.background(np.random.default_rng([seed, 0x57A6E])))
