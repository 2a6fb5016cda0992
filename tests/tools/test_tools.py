"""What a tool set promises: typed effects, schemas built once, calls that fail and change nothing, summaries that shorten."""

import json
import random

import gymnasium as gym
import numpy as np
import pytest
from pydantic import BaseModel

from agemem_gym.context import Context
from agemem_gym.memory import Match, MemoryRecord, make_memory
from agemem_gym.memory.encoders import make_encoder
from agemem_gym.protocol import call_reply
from agemem_gym.protocol.reply import ToolCall
from agemem_gym.tools import (
    Added,
    Arguments,
    Deleted,
    Removed,
    Retrieved,
    Scene,
    Tool,
    ToolError,
    ToolFailure,
    ToolResult,
    Updated,
    make_tools,
)
from agemem_gym.tools.effects import effect_from_json, effect_to_json


def words(text):
    return len(text.split())


def a_scene(summariser=lambda messages: "short"):
    encoder = make_encoder("hash")
    context = Context(1000, words)
    context.append("system", "Be brief.", kind="system", protected=True)
    return Scene(
        context=context,
        memory=make_memory(None, encoder, index="exact"),
        similarity=lambda text, others: np.ones(len(others), dtype=np.float32),
        summariser=summariser,
        filter_threshold=0.6,
        reply_id=0,
        step=1,
    )


class Meddling(Tool):
    """Changes memory and context, then does as it is told."""

    name = "Meddle"
    target = "LTM"
    description = "Meddle."

    class Arguments(Arguments):
        """None."""

    def __init__(self, error=None):
        self.error = error

    def run(self, arguments, scene):
        scene.memory.add("half a step")
        scene.context.append("user", "half a step", kind="observation")
        if isinstance(self.error, BaseException):
            raise self.error
        return self.error


# ------------------------------------------------------------------------------------------------------------ effects

RECORD, OTHER = MemoryRecord("m1", "old", {"a": [1]}, 2, None), MemoryRecord("m1", "new", {}, 2, 3)


@pytest.mark.parametrize(
    "effect",
    [
        None,
        Added(RECORD),
        Updated(RECORD, OTHER),
        Deleted(RECORD),
        Retrieved((Match(RECORD, 0.5), Match(OTHER, 0.25))),
        Removed((3, 4), 17, 5),
        Removed((), 0),
    ],
)
def test_an_effect_survives_json(effect):
    assert effect_from_json(json.loads(json.dumps(effect_to_json(effect)))) == effect


def test_what_is_no_effect_is_refused():
    with pytest.raises(ValueError, match="no effect"):
        effect_from_json({"kind": "eaten"})


def test_the_six_tools_say_what_they_did():
    tools, scene = make_tools(None), a_scene()
    scene.context.append("user", "a long observation of nothing at all in an empty room", kind="observation")
    scene.context.append("user", "another long observation of nothing at all in a room", kind="observation")
    added = tools.call("Add_memory", {"content": "red key"}, scene)
    updated = tools.call("Update_memory", {"memory_id": "m1", "content": "blue key"}, scene)
    found = tools.call("Retrieve_memory", {"query": "key"}, scene)
    summary = tools.call("Summary_context", {"span": "all"}, scene)
    filtered = tools.call("Filter_context", {"criteria": "anything"}, scene)
    deleted = tools.call("Delete_memory", {"memory_id": "m1", "confirmation": True}, scene)
    assert (added.effect.record.content, added.data) == ("red key", {"id": "m1", "content": "red key"})
    assert (updated.effect.before.content, updated.effect.after.content) == ("red key", "blue key")
    assert [match.record.content for match in found.effect.matches] == found.data["contents"] == ["blue key"]
    assert (summary.effect.message_ids, summary.effect.summary_id) == ((2, 3), 4)
    assert filtered.effect == Removed((4,), filtered.data["saved_tokens"])
    assert deleted.effect.record.content == "blue key"


def test_a_refused_call_and_a_users_tool_have_no_effect():
    tools = make_tools(["Add_memory", Meddling(ToolResult("done"))])
    assert tools.call("Add_memory", {"content": " "}, a_scene()).effect is None
    assert tools.call("Meddle", {}, a_scene()).effect is None


def test_results_carry_the_id_of_their_call():
    assert make_tools(None).call("Add_memory", {"content": "x"}, a_scene(), "call_7").call_id == "call_7"


# ------------------------------------------------------------------------------------------------------------ schemas


def test_schemas_are_built_once_and_handed_out_as_copies(monkeypatch):
    built = []
    schema_of = BaseModel.model_json_schema.__func__

    def counted(cls, *args, **kwargs):
        built.append(cls)
        return schema_of(cls, *args, **kwargs)

    class Fresh(Meddling):
        """A tool whose schema nobody has built yet."""

        name = "Fresh"

        class Arguments(Arguments):
            """None."""

    monkeypatch.setattr(BaseModel, "model_json_schema", classmethod(counted))
    tools = make_tools(["Add_memory", "Filter_context", Fresh()])
    first = tools.schemas()
    first[0]["function"]["name"] = "changed"
    first[1]["function"]["parameters"]["properties"].clear()
    for _ in range(18):
        assert tools.schemas()[0]["function"]["name"] == "Add_memory"
    make_tools([Fresh()]).schemas()
    assert built.count(Fresh.Arguments) == 1
    assert "criteria" in tools.schemas()[1]["function"]["parameters"]["properties"]


def test_two_filter_modes_have_two_descriptions():
    remove, keep = (make_tools(["Filter_context"], mode).schemas() for mode in ("remove", "keep"))
    assert remove != keep


# ----------------------------------------------------------------------------------------------------------- failures


@pytest.mark.parametrize("error", [ValueError("boom"), RecursionError(), "no result"])
def test_a_tool_that_fails_leaves_memory_as_it_was(error):
    scene = a_scene()
    scene.memory.add("mine")
    with pytest.raises(ToolFailure, match="Meddle failed"):
        make_tools([Meddling(error)]).call("Meddle", {}, scene)
    assert [record.content for record in scene.memory] == ["mine"]


def test_an_interrupt_passes_through_and_leaves_memory_as_it_was():
    scene = a_scene()
    with pytest.raises(KeyboardInterrupt):
        make_tools([Meddling(KeyboardInterrupt())]).call("Meddle", {}, scene)
    assert len(scene.memory) == 0


@pytest.mark.parametrize("error", [ToolError("not now"), ValueError("boom")])
def test_a_users_tool_leaves_no_half_step_in_an_env(error):
    tools = ["Add_memory", Meddling(error)]
    env = gym.make("AgeMem-HotpotQA-v0", encoder="hash", index="exact", tools=tools).unwrapped
    env.reset(seed=0)
    env.step(call_reply(("Add_memory", {"content": "mine"})))
    before = [message.content for message in env.context]
    *_, truncated, info = env.step(call_reply(("Meddle", {})))
    assert [record.content for record in env.memory] == ["mine"]
    assert "half a step" not in [message.content for message in env.context]
    assert [message.content for message in env.context][: len(before)] == before
    assert [message.content for message in env.episode.prompt(len(env.episode.steps))]
    if isinstance(error, ToolError):
        assert (info["tool_results"][0]["text"], truncated) == ("Error: not now", False)
    else:
        assert truncated
        assert "Meddle failed: ValueError: boom" in info["engine_error"]
    env.close()


def test_a_summariser_that_fails_ends_the_call_and_changes_nothing():
    def broken(messages):
        raise OSError("gone")

    scene = a_scene(broken)
    scene.context.append("user", "one two three four five six seven", kind="observation")
    before = scene.context.messages()
    with pytest.raises(ToolFailure, match="Summary_context failed: OSError: gone"):
        make_tools(None).call("Summary_context", {"span": "all"}, scene)
    assert scene.context.messages() == before


# ---------------------------------------------------------------------------------------------------------- summaries


def test_a_summary_never_lengthens_the_context():
    rng = random.Random(0)
    tools = make_tools(None)
    for _ in range(200):
        text = " ".join(["word"] * rng.randrange(1, 60))
        scene = a_scene(lambda messages, text=text: text)
        for _ in range(rng.randrange(1, 5)):
            scene.context.append("user", " ".join(["seen"] * rng.randrange(1, 20)), kind="observation")
        before, messages = scene.context.tokens, scene.context.messages()
        result = tools.call("Summary_context", {"span": str(rng.randrange(1, 6))}, scene)
        if result.ok:
            assert scene.context.tokens < before
            assert result.data["saved_tokens"] > 0
        else:
            assert result.text == "Error: A summary would not be shorter."
            assert scene.context.messages() == messages


def test_a_summary_of_replies_quotes_no_tags():
    env = gym.make("AgeMem-HotpotQA-v0", encoder="hash", index="exact").unwrapped
    env.reset(seed=0)
    for number in range(4):
        content = f"Fact number {number} about the city of Paris and its many bridges over the river."
        env.step(call_reply(("Add_memory", {"content": content}), think=f"I keep fact {number}."))
    env.step(call_reply(("Summary_context", {"span": "all"})))
    (summary,) = [message.content for message in env.context if message.kind == "summary"]
    assert not any(tag in summary for tag in ("<think>", "</think>", "<tool_call>", "</tool_call>", "<answer>"))
    env.close()


# ------------------------------------------------------------------------------------------------------------ fitting


@pytest.mark.parametrize("name", ["add_memory", "ADD_MEMORY", "AddMemory", "add-memory"])
def test_names_fit_in_any_case(name):
    call, dialects = make_tools(None).fit(ToolCall(name, {"Content": "x"}))
    assert (call, set(dialects)) == (ToolCall("Add_memory", {"content": "x"}), {"names"})


def test_a_call_that_nothing_makes_right_stays_as_it_was():
    tools = make_tools(None)
    for call in (
        ToolCall("Add_memories", {}),
        ToolCall("Add_memory", {"content": 3}),
        ToolCall("Retrieve_memory", {"query": "x", "top_k": "three"}),
        ToolCall("Retrieve_memory", {"query": "x", "top_k": "1000"}),
        ToolCall("Delete_memory", {"memory_id": "m1", "confirmation": "yes, please"}),
    ):
        assert tools.fit(call) == (call, ())


def test_names_that_are_alike_are_not_guessed():
    class Other(Meddling):
        """A tool of nearly the same name."""

        name = "meddle"

    tools = make_tools([Meddling(), Other()])
    assert tools.fit(ToolCall("MEDDLE", {})) == (ToolCall("MEDDLE", {}), ())
    assert tools.fit(ToolCall("meddle", {})) == (ToolCall("meddle", {}), ())
