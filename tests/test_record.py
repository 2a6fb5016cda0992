"""The record: every prompt can be made again, whatever tools, stages and wrappers do to the context."""

import random

import gymnasium as gym
import numpy as np
import pytest

import agemem_gym  # noqa: F401
from agemem_gym.curriculum import DistractorInjection
from agemem_gym.episode import Episode, read_episodes, write_episodes
from agemem_gym.errors import ConfigurationError
from agemem_gym.protocol import Reply, ToolCall, call_reply
from agemem_gym.registration import BENCHMARKS

FAST = {"encoder": "hash", "index": "exact"}
REPLIES = 14


def bare(benchmark):
    return gym.make(benchmark.env_id, **FAST)


def staged(benchmark):
    return gym.make(benchmark.three_stage_id, n1=2, n2=2, turns=2, **FAST)


def injected(benchmark):
    return DistractorInjection(staged(benchmark), source="chat", rate=0.7, position="random")


def dropping(benchmark):
    return DistractorInjection(
        gym.make(benchmark.env_id, token_budget=1500, on_overflow="drop_oldest", **FAST), rate=0.6, position="start"
    )


def random_reply(rng, info):
    entry = f"m{rng.randint(1, 4)}"
    said = rng.choice(info["messages"])["content"][:200]
    return rng.choice(
        [
            "look",
            "turn left",
            "<answer>Noted.</answer>",
            "<answer>broken",
            "<action>go</action><answer>no</answer>",
            call_reply(("Add_memory", {"content": said or "nothing"})),
            call_reply(("Add_memory", {"content": "a"}), ("Update_memory", {"memory_id": entry, "content": "b"})),
            call_reply(("Retrieve_memory", {"query": said or "x", "top_k": 2})),
            call_reply(("Delete_memory", {"memory_id": entry, "confirmation": True})),
            call_reply(("Summary_context", {"span": rng.choice(["all", "2", "3", "5"])})),
            call_reply(("Filter_context", {"criteria": said or "x"})),
            call_reply(("Filter_context", {"criteria": said or "x"}), ("Summary_context", {"span": "4"})),
        ]
    )


def check_prompts(env, seeds):
    """Play at random; each prompt out of the record is what the agent was asked with."""
    for seed in seeds:
        rng = random.Random(seed)
        _, info = env.reset(seed=seed)
        asked, over = [], False
        while not over and len(asked) < REPLIES:
            asked.append((info["messages"], info["context"]))
            *_, terminated, truncated, info = env.step(random_reply(rng, info))
            over = terminated or truncated
        episode = Episode.from_json(env.unwrapped.episode.to_json())
        for number, (messages, context) in enumerate([*asked, (info["messages"], info["context"])], start=1):
            prompt = episode.prompt(number)
            assert tuple(prompt) == context
            assert [message.as_chat() for message in prompt] == messages
        assert episode.final_context() == list(context)


@pytest.mark.parametrize("make", [bare, staged, injected, dropping])
@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda benchmark: benchmark.name)
def test_every_prompt_is_made_again_from_the_record(benchmark, make):
    env = make(benchmark)
    check_prompts(env, range(2 if benchmark.name == "ScienceWorld" else 8))
    env.close()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("make", [bare, staged, injected, dropping])
@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda benchmark: benchmark.name)
def test_every_prompt_of_two_hundred_episodes_is_made_again(benchmark, make):
    env = make(benchmark)
    check_prompts(env, range(1000, 1200))
    env.close()


def test_messages_have_ids_and_kinds_beside_them():
    env = gym.make("AgeMem-BabyAI-v0", **FAST)
    _, info = env.reset(seed=0)
    assert [message.kind for message in info["context"]] == ["system", "task", "observation"]
    assert [message.as_chat() for message in info["context"]] == info["messages"]


def test_a_record_says_who_by_and_when_something_left():
    env = gym.make("AgeMem-BabyAI-v0", **FAST)
    env.reset(seed=0)
    env.step("turn left")
    env.step(call_reply(("Summary_context", {"span": "2"})))
    episode = env.unwrapped.episode
    (edit,) = [edit for edit in episode.edits if edit.removed]
    assert (edit.step, edit.by) == (2, "Summary_context")
    assert [removal.message_id for removal in episode.removals] == list(edit.removed)
    assert episode.added_at[edit.added] == 2
    with pytest.raises(IndexError, match="reply 4 of 2"):
        episode.prompt(4)


def test_a_parsed_reply_is_as_good_as_its_text():
    def play(*replies):
        env = gym.make("AgeMem-BabyAI-v0", **FAST)
        env.reset(seed=0)
        return [env.step(reply)[:4] for reply in replies], env.unwrapped.episode.to_json()

    texts = [
        "<action>turn left</action>",
        call_reply(("Add_memory", {"content": "x"}), think="hm"),
        "<answer>y</answer>",
    ]
    parsed = [
        Reply(action="turn left"),
        Reply(think="hm", tool_calls=(ToolCall("Add_memory", {"content": "x"}),)),
        Reply(answer="y"),
    ]
    assert play(*texts) == play(*parsed)
    with pytest.raises(ValueError, match="was expected"):
        play(Reply(format_error="empty_reply"))


def test_versions_and_the_curriculum_stand_in_the_record():
    env = gym.make("AgeMem-BabyAI-ThreeStage-v0", n1=1, n2=1, curriculum={"n2": {"linear": [0, 4]}}, **FAST)
    env.set_progress(0.5)
    env.reset(seed=0)
    episode = Episode.from_json(env.unwrapped.episode.to_json())
    assert episode.versions["gymnasium"] == gym.__version__
    assert (episode.curriculum["n1"], episode.curriculum["n2"]) == (1, 2)
    assert [note["wrapper"].split(":")[1] for note in episode.wrappers] == ["ThreeStage", "CurriculumSchedule"]
    assert episode.wrappers[1]["settings"] == {"progress": 0.5, "level": 0.0}


def test_keywords_that_json_cannot_hold_stand_without_addresses():
    env = gym.make("AgeMem-BabyAI-v0", summariser=lambda messages: "short", token_budget=np.int64(900).item(), **FAST)
    env.reset(seed=0)
    kwargs = env.unwrapped.episode.env_kwargs
    assert set(kwargs["summariser"]) == {"not_plain"}
    assert "0x" not in kwargs["summariser"]["not_plain"]


def test_files_of_episodes_are_compressed_where_their_name_says_so(tmp_path):
    env = gym.make("AgeMem-BabyAI-v0", **FAST)
    env.reset(seed=0)
    env.step("<answer>ü</answer>")
    episode = env.unwrapped.episode
    for name in ("episodes.jsonl", "episodes.jsonl.gz"):
        write_episodes(tmp_path / name, [episode])
        write_episodes(tmp_path / name, [episode], append=True)
        assert [item.to_json() for item in read_episodes(tmp_path / name)] == [episode.to_json()] * 2
    assert (tmp_path / "episodes.jsonl.gz").read_bytes()[:2] == b"\x1f\x8b"
    (tmp_path / "old.jsonl").write_text('{"format": 1}\n')
    with pytest.raises(ConfigurationError, match=r"old.jsonl, line 1: .* its format is 1"):
        list(read_episodes(tmp_path / "old.jsonl"))
