"""A language model as judge is asked where its term counts, and nowhere else."""

import gymnasium as gym
import pytest

import agemem_gym  # noqa: F401  registers the ids
from agemem_gym.protocol import call_reply
from agemem_gym.reward import Reward, answer_scores
from agemem_gym.reward.chat import ANSWER_RUBRIC, MEMORY_RUBRIC, RELEVANCE_RUBRIC

NAMES = {ANSWER_RUBRIC: "answer", MEMORY_RUBRIC: "memory", RELEVANCE_RUBRIC: "relevance"}


def play(answer="right", **keywords):
    """An episode that stores and retrieves the key facts; the episode, its judge, and what the judge's model was asked."""
    asked = []

    def model(messages):
        asked.append(NAMES[messages[0]["content"]])
        return "0.25"

    env = gym.make("AgeMem-HotpotQA-v0", mode="open", encoder="hash", index="exact", judge=model, **keywords)
    env.reset(seed=0)
    episode = env.unwrapped.episode
    env.step(call_reply(*(("Add_memory", {"content": fact}) for fact in episode.start.key_facts)))
    env.step(call_reply(("Retrieve_memory", {"query": episode.start.instruction})))
    env.step(f"<answer>{episode.start.answer if answer == 'right' else answer}</answer>")
    env.close()
    return episode, env.unwrapped.judge, asked


@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        ({"reward": "task"}, []),
        ({"reward": "answer_only"}, ["answer"]),
        ({"reward": "composite"}, ["answer", "relevance"]),
        ({"reward": "composite", "reward_options": {"without": ["relevance"]}}, ["answer"]),
        ({"reward": "composite", "reward_options": {"without": ["memory"]}}, ["answer"]),
        ({"reward": "composite", "reward_options": {"weights": [1, 1, 0]}}, ["answer"]),
        ({"reward": "composite", "reward_options": {"weights": [0, 1, 1]}}, ["relevance"]),
        ({"reward": "composite", "reward_options": {"weights": [0, 1, 1], "gate": "task"}}, ["answer", "relevance"]),
        ({"reward": "composite", "reward_options": {"variant": "strict"}}, ["answer"]),  # F1 needs no score of a whole
        ({"reward": "composite", "judge_options": {"each_entry": True}}, ["answer", "memory", "memory", "relevance"]),
    ],
)
def test_the_model_is_asked_where_its_term_counts(keywords, expected):
    episode, judge, asked = play(**keywords)
    assert asked == expected
    assert len(episode.start.key_facts) == 2
    assert {"task", "storage", "relevance"} <= set(episode.reward_terms)  # all terms are there all the same
    assert judge.take_fallbacks() == ()  # what does not count is no fallback


def test_j_is_asked_for_once_in_every_mode():
    for mode in ("task", "answer_only", "composite"):
        episode, judge, asked = play(reward=mode)
        before = asked.count("answer")
        assert answer_scores(episode, judge) == {"J": 0.25, "EM": 1.0, "F1": 1.0}
        assert (before, asked.count("answer")) == (mode != "task", 1)


def test_a_model_that_fails_on_an_answer_is_not_asked_for_it_again():
    failures = []

    def model(messages):
        failures.append(messages)
        raise TimeoutError("down")

    env = gym.make(
        "AgeMem-HotpotQA-v0", encoder="hash", index="exact", reward="answer_only", judge=model,
        judge_options={"attempts": 1},
    )  # fmt: skip
    env.reset(seed=0)
    env.step("<answer>nothing</answer>")
    answer_scores(env.unwrapped.episode, env.unwrapped.judge)
    assert len(failures) == 1


def test_answers_have_scores_and_other_tasks_have_none(made, judge):
    def scores(answer, expected="Port Vell"):
        return answer_scores(made.episode(made.step(answer=answer), answer=expected), judge)

    assert scores("the Port Vell") == {"J": 1.0, "EM": 1.0, "F1": 1.0}
    assert scores("Port") == {"J": pytest.approx(2 / 3), "EM": 0.0, "F1": pytest.approx(2 / 3)}
    assert scores(None) == {"J": 0.0, "EM": 0.0, "F1": 0.0}
    assert scores("done", expected=None) == {}


def test_what_counts(made):
    plain, half = Reward("composite"), Reward("composite", weights=(1, 0, 1), without=("storage", "task"))
    assert [plain.counts(name) for name in ("task", "context", "memory", "storage", "preventive")] == [True] * 5
    assert [half.counts(name) for name in ("task", "context", "preventive", "storage", "relevance")] == [
        False, False, False, False, True,
    ]  # fmt: skip
    assert [Reward("task").counts(name) for name in ("task", "memory", "relevance")] == [True, False, False]
