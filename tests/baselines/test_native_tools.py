"""Native tool calls over a real HTTP server, in a real env: what is asked, what comes back, and what cannot be read."""

import json

import gymnasium as gym
import pytest

import agemem_gym  # noqa: F401
from agemem_gym.agent import AgentSpec, make_agent
from agemem_gym.baselines.agents.language_model import act_of
from agemem_gym.chat import Completion
from agemem_gym.errors import ConfigurationError
from agemem_gym.jobs import Job
from agemem_gym.protocol import parse
from agemem_gym.replay import replay
from agemem_gym.rollout import rollout

ENV = "AgeMem-BabyAI-v0"
FAST = {"encoder": "hash", "index": "exact", "max_rounds": 4}


def call(name, arguments, call_id="c1"):
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": text}}


def calls(server, *made, content=None):
    message = {"role": "assistant", "content": content, "tool_calls": list(made)}
    usage = {"prompt_tokens": 10, "completion_tokens": 5}
    return server.raw(json.dumps({"choices": [{"message": message, "finish_reason": "tool_calls"}], "usage": usage}))


def play(server, env=ENV, agent="llm", slots=1, count=1, agent_kwargs=(), **kwargs):
    keywords = {"model": f"{server.url}#m", "native_tools": True, "attempts": 1, **dict(agent_kwargs)}
    jobs = [Job(number, env, number, {**FAST, **kwargs}) for number in range(count)]
    return list(rollout(AgentSpec.parse(agent, keywords), jobs, slots=slots))


def add(content, call_id="c1"):
    return call("Add_memory", {"content": content}, call_id)


def test_the_endpoint_is_given_the_envs_tools_and_its_calls_become_the_envs_reply(server):
    server.script = [calls(server, add("A red key.")), server.say("<action>turn left</action>")]
    (played,) = play(server, max_rounds=2)
    env = gym.make(ENV, **FAST)
    _, info = env.reset(seed=0)
    env.close()
    body = server.seen[0][2]
    assert body["tools"] == info["tools"]
    first, second = played.episode.steps
    assert first.reply == '<tool_call>[{"name": "Add_memory", "arguments": {"content": "A red key."}}]</tool_call>'
    assert first.tool_results[0].ok
    assert played.episode.final_memory[0]["content"] == "A red key."
    assert second.action == "turn left"
    assert first.dialect == ""
    assert first.policy.finish_reason == "tool_calls"
    assert "<tool_call>" not in body["messages"][0]["content"]
    assert replay(played.episode) is None


def test_results_of_parallel_calls_go_back_as_tool_messages_under_the_ids_of_their_calls(server):
    made = [add("One.", "call_A"), call("Retrieve_memory", {"query": "one"}, "call_B")]
    server.script = [calls(server, *made, content="I keep this.")]
    server.default = server.say("<action>turn left</action>")
    play(server, max_rounds=3)
    for body in (server.seen[1][2], server.seen[2][2]):  # they keep their ids
        place = next(n for n, m in enumerate(body["messages"]) if m.get("tool_calls"))
        said, first, second = body["messages"][place : place + 3]
        assert said["content"] == "<think>I keep this.</think>"
        assert [one["id"] for one in said["tool_calls"]] == ["call_A", "call_B"]
        assert [one["function"]["name"] for one in said["tool_calls"]] == ["Add_memory", "Retrieve_memory"]
        assert json.loads(said["tool_calls"][0]["function"]["arguments"]) == {"content": "One."}
        assert [(m["role"], m["tool_call_id"]) for m in (first, second)] == [("tool", "call_A"), ("tool", "call_B")]
        assert "Stored as m1" in first["content"]
        assert "One." in second["content"]


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (call("Retrieve_memory", '{"query": ', "bad"), "arguments_that_are_no_JSON_object"),
        (call("Retrieve_memory", "[1, 2]", "bad"), "arguments_that_are_no_JSON_object"),
        (call("Retrieve_memory", {}, "bad"), "query: field required"),
        (call("Fly_away", {"to": "Rome"}, "bad"), "There is no tool 'Fly_away'; there are Add_memory"),
        (call("Delete_memory", {"memory_id": "m9", "confirmation": True}, "bad"), "There is no entry 'm9'"),
        ({"id": "bad", "type": "function"}, "There is no tool ''"),
        ({"id": "bad", "type": "function", "function": {"name": "Add_memory", "arguments": None}}, "content: field"),
    ],
)
def test_a_call_that_fails_is_told_so_under_its_id_and_the_others_are_carried_out(server, bad, told):
    server.script = [calls(server, add("Kept.", "good"), bad)]
    server.default = server.say("<action>turn left</action>")
    (played,) = play(server, max_rounds=2)
    assert played.failure is None
    kept, failed = played.episode.steps[0].tool_results
    assert (kept.ok, failed.ok) == (True, False)
    assert told in failed.text
    results = {m["tool_call_id"]: m["content"] for m in server.seen[1][2]["messages"] if m["role"] == "tool"}
    assert told in results["bad"]
    sent = next(m for m in server.seen[1][2]["messages"] if m.get("tool_calls"))
    for one in sent["tool_calls"]:
        assert isinstance(json.loads(one["function"]["arguments"]), dict)  # what an endpoint takes back


def test_a_small_fault_in_arguments_is_mended_and_noted_as_a_dialect(server):
    server.script = [calls(server, call("Add_memory", "{'content': 'Mended.',}"))]
    server.default = server.say("<action>turn left</action>")
    (played,) = play(server, max_rounds=2)
    first = played.episode.steps[0]
    assert first.dialect == "json_repair"
    assert first.tool_results[0].ok
    sent = next(m for m in server.seen[1][2]["messages"] if m.get("tool_calls"))
    assert json.loads(sent["tool_calls"][0]["function"]["arguments"]) == {"content": "Mended."}


def test_more_calls_than_a_reply_may_hold_are_complained_of(server):
    server.script = [calls(server, *(add(f"{number}", f"c{number}") for number in range(17)))]
    server.default = server.say("<action>turn left</action>")
    (played,) = play(server, max_rounds=2)
    assert played.episode.steps[0].format_error == "too_many_calls"
    assert "at most 16 tool calls" in server.seen[1][2]["messages"][-1]["content"]


@pytest.mark.parametrize("ids", [["same", "same"], ["", "x"], [None, "x"]])
def test_ids_that_tell_nothing_apart_are_replaced(server, ids):
    server.script = [calls(server, *(add(f"{number}", one) for number, one in enumerate(ids)))]
    server.default = server.say("<action>turn left</action>")
    play(server, max_rounds=2)
    messages = server.seen[1][2]["messages"]
    sent = [one["id"] for m in messages for one in m.get("tool_calls", ())]
    assert sent == [m["tool_call_id"] for m in messages if m["role"] == "tool"]
    assert len({*sent}) == 2
    assert all(sent)


def test_ids_that_come_again_in_a_later_reply_are_replaced_there(server):
    server.script = [calls(server, add("One.", "call_0")), calls(server, add("Two.", "call_0"))]
    server.default = server.say("<action>turn left</action>")
    play(server, max_rounds=3)
    sent = [one["id"] for m in server.seen[2][2]["messages"] for one in m.get("tool_calls", ())]
    assert len(sent) == len({*sent}) == 2


def test_what_no_call_brought_about_is_said_by_the_user(server):
    server.script = [calls(server, add("The wall is grey.", "c7"))]
    server.default = server.say("<action>turn left</action>")
    play(server, agent="agemem-norl-rag", max_rounds=2)
    messages = server.seen[1][2]["messages"]
    place = next(n for n, m in enumerate(messages) if m.get("tool_calls"))
    assert [m["role"] for m in messages[place:]][:3] == ["assistant", "tool", "user"]
    assert messages[place + 1]["tool_call_id"] == "c7"
    assert "From memory:" in messages[place + 2]["content"]
    assert [tool["function"]["name"] for tool in server.seen[0][2]["tools"]][-1] == "Retrieve_memory"


def test_a_result_that_was_filtered_away_leaves_no_call_without_its_result(server):
    server.script = [
        calls(server, add("The weather is fine.", "c1"), call("Retrieve_memory", {"query": "weather"}, "c2")),
        calls(server, call("Filter_context", {"criteria": "The weather is fine."}, "c3")),
    ]
    server.default = server.say("<action>turn left</action>")
    (played,) = play(server, max_rounds=4, filter_threshold=0.2)
    assert played.failure is None
    assert played.episode.steps[1].tool_results[0].data
    for _, _, body in server.seen:
        called = [one["id"] for m in body["messages"] for one in m.get("tool_calls", ())]
        assert called == [m["tool_call_id"] for m in body["messages"] if m["role"] == "tool"]


def test_a_model_that_answers_in_the_text_protocol_is_understood_all_the_same(server):
    server.script = [server.say('<tool_call>[{"name": "Add_memory", "arguments": {"content": "Text."}}]</tool_call>')]
    server.default = server.say("<action>turn left</action>")
    (played,) = play(server, max_rounds=2)
    assert played.episode.final_memory[0]["content"] == "Text."
    sent = [one for m in server.seen[1][2]["messages"] for one in m.get("tool_calls", ())]
    assert len(sent) == 1


def test_without_the_keyword_nothing_is_said_of_tools(server):
    server.default = server.say("<action>turn left</action>")
    play(server, max_rounds=2, agent_kwargs={"native_tools": False})
    assert all("tools" not in body for _, _, body in server.seen)
    assert "<tool_call>" in server.seen[0][2]["messages"][0]["content"]


def test_an_agent_without_tools_gives_none(server):
    server.default = server.say("<action>turn left</action>")
    play(server, agent="no-memory", max_rounds=1)
    assert "tools" not in server.seen[0][2]
    assert "tool" not in server.seen[0][2]["messages"][0]["content"]


def test_live_episodes_keep_their_ids_apart(server):
    def behave(handler, body):
        messages = body["messages"]
        said = sum(m["role"] == "assistant" for m in messages)
        task = sum(map(ord, messages[1]["content"])) % 997
        made = (
            calls(server, add(f"fact {said}", f"id-{task}-{said}")) if said < 2 else server.say("<action>left</action>")
        )
        made(handler, body)

    server.default = behave
    played = play(server, slots=6, count=12, max_rounds=3)
    assert [item.failure for item in played] == [None] * 12
    last = [body for _, _, body in server.seen if sum(m["role"] == "assistant" for m in body["messages"]) == 2]
    assert len(last) == 12
    for body in last:
        ids = [m["tool_call_id"] for m in body["messages"] if m["role"] == "tool"]
        assert [one.rpartition("-")[2] for one in ids] == ["0", "1"]
        assert len({one.rpartition("-")[0] for one in ids}) == 1


def test_examples_are_shown_as_native_calls_with_their_results(server):
    server.default = server.say("<action>turn left</action>")
    play(server, env="AgeMem-HotpotQA-ThreeStage-v0", max_rounds=1, agent_kwargs={"shots": 1})
    messages = server.seen[0][2]["messages"]
    sent = [one["id"] for m in messages for one in m.get("tool_calls", ())]
    assert sent == [m["tool_call_id"] for m in messages if m["role"] == "tool"]
    assert len(sent) >= 3
    assert not any("<tool_call>" in m["content"] for m in messages)


def test_a_loop_by_hand_and_a_model_of_ones_own_take_tools_too():
    class Caller:
        name = "caller"

        def __init__(self):
            self.seen = []

        def complete(self, batch, sampling, tools=None):
            self.seen += [(messages, tools) for messages in batch]
            return [Completion("", tool_calls=(add(f"{len(self.seen)}", f"n{len(self.seen)}"),)) for _ in batch]

    model = Caller()
    agent = make_agent("llm", model=model, native_tools=True)
    env = gym.make(ENV, **FAST, **agent.env_kwargs)
    obs, info = env.reset(seed=0)
    agent.reset(info)
    for _ in range(2):
        obs, _, _, _, info = env.step(agent.act(obs, info))
    env.close()
    messages, tools = model.seen[1]
    assert tools[0]["function"]["name"] == "Add_memory"
    assert messages[-1]["tool_call_id"] == "n1"
    jobs = [Job(number, ENV, number, FAST) for number in range(3)]
    played = list(rollout(make_agent("llm", model=Caller(), native_tools=True), jobs, slots=3))
    assert [len(item.episode.final_memory) for item in played] == [4] * 3


def test_a_model_that_takes_no_tools_is_refused():
    with pytest.raises(ConfigurationError, match=r"native_tools=True: .* is given no tools"):
        make_agent("llm", model=lambda messages: "<answer>no</answer>", native_tools=True)
    with pytest.raises(ConfigurationError, match="native_tools='yes'"):
        make_agent("llm", model="http://127.0.0.1:9/v1#m", native_tools="yes")


def test_calls_beside_a_text_win_and_the_text_is_the_thought():
    made = Completion("<think>Hm.</think> <answer>x</answer>", tool_calls=(add("a < b"),))
    reply = parse(act_of(made).reply)
    assert reply.think == "Hm. <answer>x</answer>"
    assert reply.tool_calls[0].arguments == {"content": "a < b"}
    assert reply.answer is None


def test_tools_that_point_are_shown_the_numbers_that_they_name(server):
    server.script = [calls(server, call("Note_message", {"message": 3})), server.say("<answer>Noted.</answer>")]
    (played,) = play(server, env="AgeMem-HotpotQA-ThreeStage-v0", tools="pointer", max_rounds=2)
    (told,) = [message["content"] for message in server.seen[0][2]["messages"] if message["role"] == "user"]
    assert told.startswith("[3] ")
    assert played.episode.final_memory[0]["content"] == told.removeprefix("[3] ")
