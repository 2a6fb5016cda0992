"""A context over its budget: penalised, made to fit, or the end."""

import gymnasium as gym
import pytest

import agemem_gym  # noqa: F401
from agemem_gym.episode import Episode
from agemem_gym.errors import ConfigurationError
from agemem_gym.protocol import call_reply
from agemem_gym.tools import Arguments, Tool, ToolResult

FAST = {"encoder": "hash", "index": "exact", "token_counter": "words"}


class Flood(Tool):
    """A tool that says much."""

    name = "Flood"
    target = "STM"
    description = "Say much."

    class Arguments(Arguments):
        """How much."""

        words: int

    def run(self, arguments, scene):
        return ToolResult(" ".join(f"w{number}" for number in range(arguments.words)))


def make(budget, mode, env_id="AgeMem-BabyAI-v0", **kwargs):
    return gym.make(env_id, token_budget=budget, on_overflow=mode, tools=[Flood()], **FAST, **kwargs)


def flood(env, words):
    return env.step(call_reply(("Flood", {"words": words})))


def test_the_oldest_messages_leave_and_the_record_says_so():
    env = make(500, "drop_oldest")
    _, info = env.reset(seed=0)
    assert info["token_usage"]["context"] < 400
    for _ in range(12):
        *_, terminated, truncated, info = flood(env, 60)
        assert info["token_usage"]["context"] <= 500
        assert not terminated
        assert not truncated
    assert [message.kind for message in info["context"]][:2] == ["system", "task"]
    assert info["messages"][-1]["content"].endswith("w59")
    episode = Episode.from_json(env.unwrapped.episode.to_json())
    dropped = [removal for removal in episode.removals if removal.by == "overflow"]
    assert len(dropped) > 10
    assert [removal.message_id for removal in dropped] == sorted(removal.message_id for removal in dropped)
    assert all(step.prompt_tokens <= 500 for step in episode.steps)
    assert [tuple(episode.prompt(number)) for number in (13,)] == [info["context"]]


def test_a_message_that_alone_is_too_long_is_cut_with_a_mark():
    env = make(500, "drop_oldest")
    env.reset(seed=0)
    *_, info = flood(env, 5000)
    assert info["token_usage"]["context"] <= 500
    newest = info["context"][-1]
    assert newest.content.endswith("[… cut: the rest does not fit into the context]")
    assert newest.content.startswith("Flood: w0 w1 w2")
    assert newest.sources
    assert env.step("turn left")[4]["token_usage"]["context"] <= 500


def test_what_never_leaves_ends_the_episode_where_it_alone_does_not_fit():
    env = make(20, "drop_oldest")
    _, info = env.reset(seed=0)
    assert [message.protected for message in info["context"]][:2] == [True, True]
    *_, truncated, info = env.step("turn left")
    assert (truncated, info["ended_by"]) == (True, "overflow")
    assert info["reward_terms"]["penalty_overflow"] == -0.5


def test_the_end_is_truncated_and_penalised():
    env = make(500, "end")
    env.reset(seed=0)
    *_, terminated, truncated, info = flood(env, 5)
    assert not terminated
    assert not truncated
    *_, terminated, truncated, info = flood(env, 5000)
    assert (terminated, truncated, info["ended_by"]) == (False, True, "overflow")
    assert info["reward_terms"]["penalty_overflow"] == -0.5


def test_penalise_lets_it_grow():
    env = make(500, "penalise")
    env.reset(seed=0)
    flood(env, 5000)
    *_, info = env.step("<answer>x</answer>")
    assert info["token_usage"]["context"] > 5000
    assert (info["ended_by"], info["reward_terms"]["penalty_overflow"]) == ("task", -0.5)


def test_the_stages_keep_to_the_budget_too():
    env = make(420, "drop_oldest", "AgeMem-HotpotQA-ThreeStage-v0", n1=6, n2=4)
    _, info = env.reset(seed=0)
    while info["stage"] != 3:
        *_, info = env.step("<answer>Noted.</answer>")
        assert info["token_usage"]["context"] <= 420


def test_an_unknown_mode_is_refused():
    with pytest.raises(ConfigurationError, match="on_overflow='forget'"):
        make(500, "forget")
