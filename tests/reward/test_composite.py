"""The weighted sum, its modes and its configuration, on hand-made episodes and in the env."""

import gymnasium as gym
import pytest

import agemem_gym
from agemem_gym.episode import Episode
from agemem_gym.errors import ConfigurationError
from agemem_gym.protocol import call_reply
from agemem_gym.replay import replay
from agemem_gym.reward import Reward, make_reward, memory_metrics

FACT = "Ada Karr built the mill in 1840."
NAMES = {
    "task", "compression", "preventive", "preservation", "context", "storage", "maintenance", "relevance", "memory",
    "penalty_rounds", "penalty_overflow", "total",
}  # fmt: skip


@pytest.fixture
def played(made):
    """Compression 0.6, preventive 1, preservation 1; storage 0.5, maintenance 1, relevance 1; the answer half right."""
    return made.episode(
        made.step(made.add("m1", FACT), made.add("m2", "Lunch."), made.delete("m2")),
        made.step(made.call("Filter_context", removed=[])),
        made.step(made.retrieve(FACT)),
        made.step(prompt=400, answer="the city of Paris"),
        facts=[FACT],
    )


def test_the_composite_is_the_weighted_sum_of_three_means(played, judge):
    terms = Reward(mode="composite").terms(played, "success", judge)
    assert set(terms) == NAMES
    assert terms["context"] == pytest.approx((0.6 + 1 + 1) / 3)
    assert terms["memory"] == pytest.approx((0.5 + 1 + 1) / 3)
    assert terms["task"] == 0.5
    assert terms["total"] == pytest.approx((0.5 + 2.6 / 3 + 2.5 / 3) / 3)
    weighted = Reward(mode="composite", weights=(1, 2, 0)).terms(played, "success", judge)
    assert weighted["total"] == pytest.approx(0.5 + 2 * 2.6 / 3)


def test_answer_only_is_the_judges_score_and_nothing_else(made, judge, played):
    assert Reward(mode="answer_only").terms(played, "success", judge)["total"] == 0.5
    spent = made.episode(made.step(prompt=2000), rounds=1, truncated=True)
    assert Reward(mode="answer_only").terms(spent, "success", judge)["total"] == -1.0


def test_the_task_mode_is_the_benchmarks_figure_and_the_penalties(made, judge, played):
    terms = Reward().terms(played, "success", judge)
    assert (terms["task"], terms["total"]) == (0.0, 0.0)
    assert set(terms) == NAMES
    spent = made.episode(made.step(prompt=2000), rounds=1, truncated=True)
    terms = Reward().terms(spent, "success", judge)
    assert (terms["task"], terms["penalty_rounds"], terms["penalty_overflow"], terms["total"]) == (
        -1.0,
        -1.0,
        -0.5,
        -2.5,
    )


def test_penalties_are_not_weighted(made, judge):
    spent = made.episode(made.step(prompt=2000), rounds=1, truncated=True)
    terms = Reward(mode="composite", penalty_rounds=-3, penalty_overflow=-0.25).terms(spent, "success", judge)
    assert (terms["context"], terms["memory"]) == (pytest.approx(1 / 3), 0.0)  # only preservation
    assert terms["total"] == pytest.approx((-1 + 1 / 3 + 0) / 3 - 3.25)


@pytest.mark.parametrize(
    ("without", "total"),
    [
        (["preventive"], (0.5 + 1.6 / 2 + 2.5 / 3) / 3),
        (["storage", "relevance"], (0.5 + 2.6 / 3 + 1) / 3),
        (["memory"], (0.5 + 2.6 / 3) / 3),
        (["compression", "preventive", "preservation"], (0.5 + 2.5 / 3) / 3),
        (["task", "context", "memory"], 0.0),
    ],
)
def test_a_term_that_is_switched_off_leaves_its_mean_or_the_sum(played, judge, without, total):
    terms = make_reward("composite", {"without": without}).terms(played, "success", judge)
    assert terms["total"] == pytest.approx(total)
    assert terms["storage"] == 0.5


@pytest.mark.parametrize(
    ("spec", "options", "message"),
    [
        ("gold", None, "reward='gold'"),
        (3, None, "reward=3"),
        ("composite", {"weigths": (1, 1, 1)}, "unknown weigths"),
        ("composite", {"mode": "task"}, "unknown mode"),
        ("composite", {"weights": (1, 1)}, "three numbers"),
        ("composite", {"weights": "111"}, "expected a list"),
        ("composite", {"weights": (1, 1, float("nan"))}, "three numbers"),
        ("composite", {"penalty_rounds": None}, "penalty_rounds=None"),
        ("composite", {"without": ["fun"]}, "without=fun"),
        ("composite", {"key_phrases": "regex"}, "key_phrases='regex'"),
        (Reward(), {"weights": (1, 1, 1)}, "reward_options"),
    ],
)
def test_a_wrong_configuration_is_one_clear_error(spec, options, message):
    with pytest.raises(ConfigurationError, match=message):
        make_reward(spec, options)


def test_a_reward_is_taken_as_it_is():
    reward = Reward(mode="composite")
    assert make_reward(reward) is reward


def test_the_env_gives_the_reward_that_was_asked_for(tmp_path):
    def play(**keywords):
        env = gym.make("AgeMem-HotpotQA-v0", mode="open", encoder="hash", index="exact", **keywords)
        env.reset(seed=0)
        start = env.unwrapped.episode.start
        env.step(call_reply(*(("Add_memory", {"content": fact}) for fact in start.key_facts)))
        env.step(call_reply(("Retrieve_memory", {"query": start.instruction})))
        _, reward, _, _, info = env.step(f"<answer>{start.answer}</answer>")
        env.close()
        return reward, info, env.unwrapped.episode

    reward, info, episode = play(reward="composite", reward_options={"weights": [1, 1, 1]})
    terms = info["reward_terms"]
    assert (terms["task"], terms["storage"], terms["relevance"], terms["maintenance"]) == (1.0, 1.0, 1.0, 0.0)
    assert reward == terms["total"] == pytest.approx(terms["task"] + terms["context"] + terms["memory"])
    assert (episode.judge, info["judge_fallbacks"]) == ("offline", [])

    def model(messages):
        return "0.5" if "predicted answer" in messages[1]["content"] else "no idea"

    reward, info, episode = play(reward="answer_only", judge=model)
    assert (reward, info["reward_terms"]["storage"]) == (0.5, 1.0)
    assert info["judge_fallbacks"] == []  # nothing but the answer counts
    reward, info, episode = play(reward="composite", judge=model)
    assert (info["reward_terms"]["task"], info["reward_terms"]["storage"]) == (0.5, 1.0)
    assert len(info["judge_fallbacks"]) == 1  # relevance; which entries are useful the offline judge finds
    assert episode.judge_fallbacks == info["judge_fallbacks"]
    assert play()[0] == 1.0


CONFIGURED = {
    "encoder": "hash", "index": "exact", "reward": "composite",
    "reward_options": {"weights": (1, 1, 1), "without": ("preventive",)},
}  # fmt: skip


def test_a_configured_reward_is_replayed_from_its_record():
    env = gym.make("AgeMem-BabyAI-v0", **CONFIGURED)
    env.reset(seed=0)
    env.step("<answer>x</answer>")
    record = Episode.from_json(env.unwrapped.episode.to_json())
    assert replay(record) is None
    assert record.reward == pytest.approx((record.reward_terms["compression"] + 1) / 2)


def test_a_configured_reward_works_in_vector_envs():
    envs = agemem_gym.make_vec("AgeMem-BabyAI-v0", 2, "sync", **CONFIGURED)
    envs.reset(seed=[0, 1])
    _, rewards, _, _, info = envs.step(["<answer>x</answer>"] * 2)
    assert rewards == pytest.approx(info["reward_terms"]["total"])
    assert (rewards > 0.9).all()
    envs.close()


def test_a_users_own_add_that_tells_nothing_of_its_entry_does_no_harm(made, judge):
    episode = made.episode(made.step(made.call("Add_memory"), made.call("Retrieve_memory")), facts=[FACT])
    assert Reward("composite").terms(episode, "success", judge)["memory"] == 0.0
    assert memory_metrics(episode, judge).hit_rate == 0.0


@pytest.mark.parametrize("keywords", [{"judge": "gold"}, {"reward_options": {"a": 1}}, {"reward": "gold"}])
def test_the_env_refuses_what_it_does_not_know(keywords):
    with pytest.raises(ConfigurationError):
        gym.make("AgeMem-BabyAI-v0", encoder="hash", index="exact", **keywords)
