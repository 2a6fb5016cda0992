"""From what a user writes to a chat model; functions as models; sampling."""

import pytest

from agemem_gym.chat import (
    CallableModel,
    ChatError,
    ChatModel,
    Completion,
    EndpointModel,
    Price,
    Sampling,
    complete_each,
    make_chat_model,
    text_of,
)
from agemem_gym.errors import ConfigurationError

HELLO = [{"role": "user", "content": "Hello"}]


def test_a_function_is_a_model():
    def shout(messages):
        return messages[-1]["content"].upper()

    model = make_chat_model(shout)
    assert isinstance(model, ChatModel)
    assert model.name.endswith("shout")
    completions = model.complete([HELLO, [{"role": "user", "content": "you"}]])
    assert [completion.text for completion in completions] == ["HELLO", "YOU"]
    assert make_chat_model(model) is model


def test_a_function_may_give_a_whole_completion():
    model = CallableModel(lambda messages: Completion("Hi", prompt_tokens=3))
    assert model.complete([HELLO])[0].prompt_tokens == 3


def test_a_function_cannot_change_the_messages_of_others():
    def spoil(messages):
        messages[0]["content"] = "spoilt"
        messages.clear()
        return "ok"

    assert text_of(make_chat_model(spoil), HELLO) == "ok"
    assert HELLO == [{"role": "user", "content": "Hello"}]


def test_what_a_function_raises_or_gives_instead_of_text_is_a_chat_error():
    def fail(messages):
        raise KeyError("x")

    with pytest.raises(ChatError, match="KeyError: 'x'"):
        text_of(make_chat_model(fail), HELLO)
    with pytest.raises(ChatError, match="the model replied 7"):
        text_of(make_chat_model(lambda messages: 7), HELLO)


def test_each_of_a_batch_by_itself_for_a_model_that_only_completes():
    def odd(messages):
        if messages[0]["content"] == "b":
            raise ValueError("no b")
        return messages[0]["content"]

    batch = [[{"role": "user", "content": text}] for text in "abc"]
    results = complete_each(make_chat_model(odd), batch)
    assert [type(result) for result in results] == [Completion, ChatError, Completion]


def test_names_and_urls_are_endpoints():
    for spec in ("http://host/v1#m", "openai:m@https://host/v1", "openai:m"):
        model = make_chat_model(spec, timeout=3, attempts=1)
        assert isinstance(model, EndpointModel)
        assert model.name == "m"


@pytest.mark.parametrize(
    ("spec", "options", "match"),
    [
        ("gpt-4", {}, "'gpt-4' is no chat model: expected 'openai:MODEL@BASE_URL'"),
        ("ftp://u:secret@host", {}, r"'ftp://\*\*\*@host' is no chat model"),
        ("openai:@http://host", {}, "names no model"),
        (3, {}, "3 is no chat model"),
        (None, {}, "None is no chat model"),
        (CallableModel, {}, "CallableModel is a class: make a model of it"),
        (len, {"timeout": 3}, "timeout: goes with an endpoint"),
        ("http://host", {"time_out": 3}, "unknown 'time_out': expected timeout.*did you mean 'timeout'"),
    ],
)
def test_anything_else_is_refused_with_a_sentence(spec, options, match):
    with pytest.raises(ConfigurationError, match=match):
        make_chat_model(spec, **options)


@pytest.mark.parametrize(
    "wrong", [{"temperature": -1}, {"top_p": 0}, {"max_tokens": 0}, {"max_tokens": 1.5}, {"stop": "x"}, {"stop": ("",)}]
)
def test_sampling_is_checked(wrong):
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        Sampling(**wrong)


def test_cached_tokens_cost_what_prompt_tokens_do_unless_told():
    price = Price(prompt=2.0, completion=8.0)
    assert price.of(prompt_tokens=10, completion_tokens=0, cached_tokens=5) == price.of(
        prompt_tokens=10, completion_tokens=0
    )
