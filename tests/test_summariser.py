"""Summarisers: extractive, chat models in every form, functions of both kinds; what fails is a sentence, not a broken step."""

import json
import pickle

import gymnasium
import pytest

import agemem_gym  # noqa: F401  registers the ids
from agemem_gym.chat import CallableModel
from agemem_gym.context import Message
from agemem_gym.errors import ConfigurationError
from agemem_gym.protocol import call_reply
from agemem_gym.summariser import SummariserError, chat_summariser, extractive_summary, make_summariser

SPAN = (
    Message(1, "user", "The key is red.", "talk", 4),
    Message(2, "assistant", "<answer>Noted.</answer>", "reply", 3),
)
FAST = {"encoder": "hash", "index": "exact"}
SUMMARISE = call_reply(("Summary_context", {"span": "all"}))


def chat(messages):
    assert messages[0]["role"] == "user"
    return f"{len(messages)} message, {messages[0]['content'].count('red')} red"


def by_keys(messages):
    return " ".join(message["content"] for message in messages)


def as_json(messages):
    json.dumps(messages)
    return "It was so."


def on_messages(messages):
    return " ".join(message.content for message in messages)


@pytest.mark.parametrize(
    ("spec", "summary"),
    [
        ("extractive", "The key is red. Noted."),
        (on_messages, "The key is red.  Noted."),
        (chat, "1 message, 1 red"),
        (as_json, "It was so."),
        (CallableModel(chat), "1 message, 1 red"),
        (chat_summariser(chat), "1 message, 1 red"),
        (chat_summariser("http://127.0.0.1:9/v1"), SummariserError),
    ],
)
def test_whatever_gives_a_text_is_a_summariser(spec, summary):
    summariser = make_summariser(spec)
    for _ in range(2):
        if isinstance(summary, str):
            assert summariser(SPAN) == summary
        else:
            with pytest.raises(summary, match="the summariser default failed: the chat endpoint"):
                summariser(SPAN)


def test_a_function_that_expects_a_chat_is_asked_as_one():
    asked = []

    def echo(messages):
        asked.append(messages[0]["content"])
        return "short"

    assert make_summariser(echo)(SPAN) == "short"
    assert asked[0].startswith("Summarise the following messages in at most 120 words.")
    assert asked[0].endswith("[user] The key is red.\n[assistant] <answer>Noted.</answer>")


def test_the_url_of_an_endpoint_is_a_summariser(server):
    server.default = server.say("<think>What matters?</think>The key is red. <answer>x</answer>")
    assert make_summariser(f"{server.url}#m")(SPAN) == "The key is red.  x"
    assert server.seen[0][2]["messages"][0]["role"] == "user"


def test_no_summary_quotes_reply_tags():
    quoted = (
        Message(1, "user", "Reply with <answer> or </answer>.", "task", 4),
        Message(2, "assistant", call_reply(("Add_memory", {"content": "The key is red."}), think="Hm."), "reply", 3),
        Message(3, "assistant", "<action>go to desk 1</action>", "reply", 3),
        Message(4, "assistant", "<tool_call>never closed", "reply", 3),
    )
    for spec in ("extractive", on_messages, lambda messages: on_messages(messages)):
        summary = make_summariser(spec)(quoted)
        assert "go to desk 1" in summary
        for tag in ("think", "tool_call", "action", "answer"):
            assert f"<{tag}>" not in summary
            assert f"</{tag}>" not in summary
    assert "Add_memory" not in extractive_summary(quoted)


@pytest.mark.parametrize("text", ["", "  ", "<think>…</think>", "<answer></answer>"])
def test_a_summary_without_a_word_is_an_error(text):
    with pytest.raises(SummariserError, match="gave no text"):
        make_summariser(lambda messages: text)(SPAN)


def test_what_a_function_raises_is_told_in_a_sentence():
    def broken(messages):
        raise ZeroDivisionError("by zero at http://u:secret@h")

    def wrong(messages):
        return len(messages.nothing)

    with pytest.raises(SummariserError, match=r"broken: ZeroDivisionError: by zero at http://\*\*\*@h"):
        make_summariser(broken)(SPAN)
    with pytest.raises(SummariserError, match="wrong: AttributeError: 'tuple' object has no attribute 'nothing'"):
        make_summariser(wrong)(SPAN)
    with pytest.raises(SummariserError, match="gave 7, which is no text"):
        make_summariser(lambda messages: 7)(SPAN)


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        ("extractiv", "summariser='extractiv': expected 'extractive', a chat model.*did you mean 'extractive'"),
        (7, "summariser=7"),
        (None, "summariser=None"),
        (lambda: "x", "summariser=<function"),
        (lambda messages, style: "x", "summariser=<function"),
        (CallableModel, "summariser=<class"),
        ("ftp://u:secret@host", r"summariser='ftp://\*\*\*@host'"),
    ],
)
def test_what_cannot_summarise_is_refused_at_once(spec, match):
    with pytest.raises(ConfigurationError, match=match):
        make_summariser(spec)


def test_summarisers_travel_to_another_process():
    for spec in ("extractive", on_messages, CallableModel(chat), "http://host/v1#m"):
        pickle.loads(pickle.dumps(make_summariser(spec)))


@pytest.mark.parametrize("spec", [chat, by_keys, as_json, on_messages, CallableModel(chat)])
def test_every_kind_serves_an_env(spec):
    env = gymnasium.make("AgeMem-BabyAI-v0", summariser=spec, **FAST)
    env.reset(seed=0)
    _, _, _, _, info = env.step(SUMMARISE)
    assert info["tool_results"][0]["ok"]
    assert "engine_error" not in info
    env.close()


def test_one_that_fails_ends_the_episode_and_leaves_no_half_step():
    def broken(messages):
        raise OSError("the model is gone")

    env = gymnasium.make("AgeMem-BabyAI-v0", summariser=broken, **FAST)
    _, before = env.reset(seed=0)
    _, _, terminated, truncated, info = env.step(SUMMARISE)
    assert (terminated, truncated) == (False, True)
    assert "OSError: the model is gone" in info["engine_error"]
    assert info["messages"][: len(before["messages"])] == before["messages"]
    assert len(env.unwrapped.episode.steps) == 1
    env.reset(seed=0)
    env.close()
