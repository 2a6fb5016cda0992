"""The agents made of explorers: what they store, mend and look up, and that nothing else tells them apart."""

import gymnasium as gym
import pytest

import agemem_gym  # noqa: F401
from agemem_gym.agent import env_kwargs_of, make_agent
from agemem_gym.errors import ConfigurationError
from agemem_gym.facts import states_fact
from agemem_gym.registration import BENCHMARKS
from agemem_gym.rollout import play_episode

FAST = {"encoder": "hash", "index": "exact"}
QUESTIONS = "AgeMem-HotpotQA-ThreeStage-v0"


def played(name, env_id=QUESTIONS, seed=0, sample=0, agent_kwargs=None, **kwargs):
    agent = make_agent(name, **agent_kwargs or {})
    env = gym.make(env_id, **{**FAST, **env_kwargs_of(agent), **kwargs})
    try:
        return play_episode(env, agent, seed, sample=sample)
    finally:
        env.close()


def calls(episode):
    return [(step.stage, result.name) for step in episode.steps for result in step.tool_results]


def told(episode, kind):
    return [message.content for message in episode.messages if message.kind == kind]


@pytest.mark.parametrize("name", ["explorer", "store-all", "store-only", "store-all-noisy"])
def test_no_agent_is_shown_what_only_the_engine_knows(name):
    assert set(env_kwargs_of(make_agent(name))) == {"info_admissible"}


@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda benchmark: benchmark.name)
def test_in_every_benchmark_an_explorer_calls_no_tool_and_store_all_holds_every_key_fact(benchmark):
    assert calls(played("explorer", benchmark.three_stage_id)) == []
    episode = played("store-all", benchmark.three_stage_id)
    held = [entry["content"] for entry in episode.final_memory]
    assert episode.start.key_facts
    for fact in episode.start.key_facts:
        assert any(states_fact(fact, content) for content in held)
    assert {name for stage, name in calls(episode) if stage == 3} >= {"Retrieve_memory"}
    assert not [step for step in episode.steps if step.format_error]


def test_every_message_that_states_something_is_stored_once():
    episode = played("store-all")
    held = [entry["content"] for entry in episode.final_memory]
    assert len(held) == len(set(held)) == len(told(episode, "talk"))
    assert not set(held) & set(told(episode, "distractor"))


def test_distractors_leave_the_context_by_criteria_shorter_than_they_are():
    episode = played("store-all", encoder="minilm")
    (step,) = [step for step in episode.steps if any(r.name == "Filter_context" for r in step.tool_results)]
    assert step.stage == 2
    assert len(step.reply) < sum(len(text) for text in told(episode, "distractor"))
    left = {message.content for message in episode.final_context()}
    assert not left & set(told(episode, "distractor"))


def test_what_is_taken_back_is_mended_unless_the_agent_never_updates():
    stale = {"source": "stale", "n2": 2}
    mended, kept = played("store-all", **stale), played("store-only", **stale)
    assert {"Update_memory", "Delete_memory"} & {name for _, name in calls(mended)}
    assert not {"Update_memory", "Delete_memory"} & {name for _, name in calls(kept)}
    corrections = [text for text in told(mended, "distractor") if "As things stand" not in text]
    assert corrections
    assert len(mended.final_memory) < len(kept.final_memory)


def test_all_in_one_context_the_explorer_knows_what_was_said():
    blind = [played("explorer", seed=seed).success for seed in range(8)]
    informed = [played("explorer", seed=seed, order="all_at_once", n2=0).success for seed in range(8)]
    assert sum(informed) == 8
    assert sum(blind) <= 3


@pytest.mark.parametrize("name", ["explorer", "store-all"])
def test_what_stands_in_the_context_of_a_bare_env_is_read_there(name):
    assert all(played(name, "AgeMem-HotpotQA-v0", seed=seed).success for seed in range(4))


def test_noise_makes_samples_of_a_task_differ_and_is_the_same_in_every_run():
    runs = [[step.reply for step in played("store-all-noisy", sample=sample).steps] for sample in (0, 1, 2, 1)]
    assert runs[1] == runs[3]
    assert len({tuple(run) for run in runs}) > 1
    still = [step.reply for step in played("store-all-noisy", agent_kwargs={"noise": 0.0}).steps]
    assert still == [step.reply for step in played("store-all").steps]


@pytest.mark.parametrize("benchmark", ["ALFWorld", "BabyAI"])
def test_who_chooses_among_commands_says_so_when_it_is_shown_none(benchmark):
    blind = gym.make(f"AgeMem-{benchmark}-ThreeStage-v0", encoder="hash", n1=0, n2=0)
    with blind as env, pytest.raises(ConfigurationError, match="info_admissible=True"):
        play_episode(env, make_agent("explorer"), seed=0)


@pytest.mark.parametrize(
    ("split", "seed"),
    [
        ("train", 1),  # the door that the mission wants opened already stands open: it was gone through
        ("train", 22),
        ("test", 14),  # three rooms that flow together without a door, which no observation names
    ],
)
def test_who_was_told_everything_finds_the_way_and_opens_what_stands_open(split, seed):
    agent = make_agent("store-all")
    with gym.make("AgeMem-BabyAI-ThreeStage-v0", encoder="hash", split=split, **agent.env_kwargs) as env:
        assert play_episode(env, agent, seed=seed).success
