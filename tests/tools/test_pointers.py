"""Tools that point at messages: what is said once is stored as it stands, dropped by its number, and never copied."""

import gymnasium as gym
import pytest

import agemem_gym  # noqa: F401
from agemem_gym.agent import make_agent
from agemem_gym.baselines.agents.shots import examples
from agemem_gym.context import Context
from agemem_gym.episode import Episode
from agemem_gym.errors import ConfigurationError
from agemem_gym.facts import states_fact
from agemem_gym.protocol import call_reply, parse
from agemem_gym.registration import BENCHMARKS
from agemem_gym.rollout import play_episode
from agemem_gym.tools import PAPER_TOOLS, POINTER_TOOLS, make_tools

STAGES = "AgeMem-HotpotQA-ThreeStage-v0"


@pytest.fixture
def env():
    with gym.make(STAGES, tools="pointer", encoder="hash") as made:
        yield made


def number_of(info):
    """The number before the newest message of a user."""
    newest = next(m["content"] for m in reversed(info["messages"]) if m["role"] == "user")
    return int(newest[1 : newest.index("]")]), newest[newest.index("]") + 2 :]


def call(env, name, **arguments):
    *_, info = env.step(call_reply((name, arguments)))
    return info, info["tool_results"][0]


def test_a_noted_message_is_stored_as_it_was_said_without_its_number(env):
    _, info = env.reset(seed=0)
    number, text = number_of(info)
    info, result = call(env, "Note_message", message=number)
    assert result["ok"]
    assert result["data"] == {"id": "m1", "content": text}
    assert [record.content for record in env.unwrapped.memory] == [text]


def test_an_entry_takes_over_what_a_later_message_says(env):
    _, info = env.reset(seed=0)
    number, first = number_of(info)
    call(env, "Note_message", message=number)
    *_, info = env.step("<answer>Noted.</answer>")
    number, second = number_of(info)
    _, result = call(env, "Update_note", memory_id="m1", message=number)
    assert result["data"] == {"id": "m1", "content": second, "old_content": first}


def test_a_dropped_message_is_gone_and_its_tokens_with_it(env):
    _, info = env.reset(seed=0)
    number, text = number_of(info)
    context = env.unwrapped.context
    tokens = context.find(number).tokens
    info, result = call(env, "Drop_message", message=number)
    assert result["data"] == {"removed": [number], "saved_tokens": tokens}
    assert not any(text in message["content"] for message in info["messages"])


@pytest.mark.parametrize("number", [0, 1, 2, 99])
def test_a_number_that_stands_nowhere_changes_nothing_and_is_told(env, number):
    env.reset(seed=0)
    before = env.unwrapped.context.messages()
    for name in ("Note_message", "Drop_message"):
        _, result = call(env, name, message=number)
        assert not result["ok"]
        assert "Error: There is no message" in result["text"]
    assert len(env.unwrapped.memory) == 0
    assert env.unwrapped.context.messages()[: len(before)] == before


def test_the_task_can_be_noted_but_not_dropped(env):
    _, info = env.reset(seed=0)
    while info["stage"] != 3:
        *_, info = env.step("<answer>Noted.</answer>")
    task = next(message for message in env.unwrapped.context if message.kind == "task")
    _, result = call(env, "Drop_message", message=task.id)
    assert not result["ok"]
    assert "stays" in result["text"]
    _, result = call(env, "Note_message", message=task.id)
    assert result["ok"]


def test_only_what_others_said_is_numbered_and_only_for_tools_that_point(env):
    env.reset(seed=0)
    for message in env.unwrapped.context:
        assert message.numbered == (message.role in ("user", "tool"))
        assert message.shown.startswith(f"[{message.id}] ") == message.numbered
    with gym.make(STAGES, encoder="hash") as plain:
        plain.reset(seed=0)
        assert not any(message.numbered for message in plain.unwrapped.context)


def test_numbers_are_counted_as_tokens_and_a_summary_is_shorter_with_its_number():
    everything = [*POINTER_TOOLS, "Summary_context"]
    with gym.make(STAGES, tools=everything, encoder="hash", summariser=lambda messages: "word " * 10_000) as env:
        env.reset(seed=0)
        for _ in range(3):
            env.step("<answer>Noted.</answer>")
        context, counted = env.unwrapped.context, Context(1, env.unwrapped.encoder.count_tokens)
        for message in context:
            assert message.tokens == counted.append(message.role, message.shown, kind="x").tokens
        result = env.step(call_reply(("Summary_context", {"span": "all"})))[-1]["tool_results"][0]
        assert result["ok"]
        assert result["data"]["saved_tokens"] > 0


def test_a_set_has_a_name_and_an_unknown_name_says_which_there_are():
    assert tuple(tool.name for tool in make_tools("pointer")) == POINTER_TOOLS
    assert tuple(tool.name for tool in make_tools("paper")) == PAPER_TOOLS == tuple(t.name for t in make_tools(None))
    with pytest.raises(ConfigurationError, match="'paper', 'pointer'"):
        make_tools("pointers")


@pytest.mark.parametrize("name", [benchmark.name for benchmark in BENCHMARKS])
def test_store_all_points_in_every_benchmark_and_holds_every_key_fact(name):
    agent = make_agent("store-all", tools="pointer")
    with gym.make(f"AgeMem-{name}-ThreeStage-v0", encoder="hash", **agent.env_kwargs) as env:
        episode = play_episode(env, agent, seed=1)
    used = {result.name for step in episode.steps for result in step.tool_results}
    assert "Note_message" in used
    assert used <= {*POINTER_TOOLS}
    assert all(result.ok for step in episode.steps for result in step.tool_results)
    facts = episode.start.key_facts
    assert all(any(states_fact(fact, entry["content"]) for entry in episode.final_memory) for fact in facts)
    again = Episode.from_json(episode.to_json())
    assert [message.shown for message in again.messages] == [message.shown for message in episode.messages]


def test_examples_of_pointing_name_the_number_of_what_was_said():
    shown = examples("hotpotqa", True, POINTER_TOOLS, 1)
    noted = [
        (shot.said, call.arguments["message"])
        for shot in shown
        for call in parse(shot.reply).tool_calls[:1]
        if call.name == "Note_message"
    ]
    assert noted
    assert all(said.startswith(f"[{number}] ") for said, number in noted)
