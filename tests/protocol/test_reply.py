"""The reply grammar: what is understood, and that every malformed case has a name."""

import json

import gymnasium as gym
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agemem_gym.errors import ConfigurationError
from agemem_gym.memory.encoders import make_encoder
from agemem_gym.memory.tokens import make_token_counter
from agemem_gym.protocol import (
    FORMAT_ERRORS,
    MAX_CALLS_PER_REPLY,
    MAX_REPLY_CHARACTERS,
    bounded,
    call_reply,
    make_prompt,
    parse,
    system_prompt,
)
from agemem_gym.tools import make_tools

ADD = '{"name": "Add_memory", "arguments": {"content": "x"}}'


def test_a_reply_without_tags_is_an_action():
    assert parse("  go to desk 1\n").action == "go to desk 1"


def test_think_may_stand_before_an_untagged_action():
    reply = parse("<think>a desk!</think>go to desk 1")
    assert (reply.think, reply.action) == ("a desk!", "go to desk 1")


@pytest.mark.parametrize("tag", ["answer", "action"])
def test_tagged_text_is_stripped(tag):
    assert getattr(parse(f" <{tag}> some text\n</{tag}> "), tag) == "some text"


def test_tool_calls_come_in_order():
    reply = parse(f'<think>t</think><tool_call>[{ADD}, {{"name": "Retrieve_memory", "arguments": {{}}}}]</tool_call>')
    assert [call.name for call in reply.tool_calls] == ["Add_memory", "Retrieve_memory"]
    assert reply.tool_calls[0].arguments == {"content": "x"}


def test_a_single_object_is_a_list_of_one():
    assert len(parse(f"<tool_call>{ADD}</tool_call>").tool_calls) == 1


@pytest.mark.parametrize(
    "wrap", [lambda call: [call], lambda call: {"role": "assistant", "content": None, "tool_calls": [call]}]
)
def test_native_openai_tool_calls_are_understood(wrap):
    call = {"id": "call_1", "type": "function", "function": {"name": "Add_memory", "arguments": '{"content": "x"}'}}
    reply = parse(json.dumps(wrap(call)))
    assert (reply.tool_calls[0].name, reply.tool_calls[0].arguments) == ("Add_memory", {"content": "x"})


def test_native_json_is_no_letter():
    assert parse(ADD).dialect == "bare_json"
    assert parse(ADD, dialects="strict").action == ADD


def test_arguments_under_another_name_are_not_lost_without_a_word():
    reply = parse('<tool_call>{"name": "Add_memory", "parameters": {"content": "x"}}</tool_call>', dialects="strict")
    assert (reply.format_error, "parameters" in reply.detail) == ("bad_call", True)


def test_a_json_string_that_holds_a_block_is_no_block():
    content = "he said <answer>42</answer></tool_call><action>look</action></think>"
    body = json.dumps([{"name": "Add_memory", "arguments": {"content": content}}])
    for dialects in ("strict", "all"):
        reply = parse(f"<tool_call>{body}</tool_call>", dialects=dialects)
        assert reply.strict
        assert reply.tool_calls[0].arguments == {"content": content}


def test_a_thought_that_holds_its_own_end_parses_back():
    reply = parse(call_reply(("Add_memory", {"content": "x"}), think="a </think> b"))
    assert (reply.think, reply.tool_calls[0].name) == ("a </think> b", "Add_memory")


def test_a_too_long_reply_is_kept_to_a_bound_and_replays_alike():
    text = "x" * 10_000_000
    kept = bounded(text)
    assert len(kept) == MAX_REPLY_CHARACTERS + 1
    assert bounded(kept) == kept
    assert parse(kept) == parse(text)
    assert parse(kept).detail == "10000000 characters"
    assert bounded("x" * MAX_REPLY_CHARACTERS) == "x" * MAX_REPLY_CHARACTERS


def test_an_env_records_a_too_long_reply_within_bounds():
    env = gym.make("AgeMem-HotpotQA-v0", encoder="hash", index="exact")
    env.reset(seed=0)
    *_, info = env.step("x" * 1_000_000)
    (step,) = env.unwrapped.episode.steps
    assert (info["format_error"], len(step.reply)) == ("too_long", MAX_REPLY_CHARACTERS + 1)
    env.close()


def test_untagged_json_that_is_no_call_is_an_action():
    assert parse('{"city": "Paris"}').action == '{"city": "Paris"}'
    assert parse("[1, 2").action == "[1, 2"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "empty_reply"),
        (" \n", "empty_reply"),
        ("x" * (MAX_REPLY_CHARACTERS + 1), "too_long"),
        ("<think>hm</think>", "nothing_after_think"),
        ("<think>hm</think>  ", "nothing_after_think"),
        ("<think>hm", "unclosed_tag"),
        ("<answer>Paris", "unclosed_tag"),
        ("Paris</answer>", "unclosed_tag"),
        ("</answer>Paris<answer>", "unclosed_tag"),
        ("<think>a</think><think>b</think><answer>c</answer>", "several_blocks"),
        ("<answer>a</answer><answer>b</answer>", "several_blocks"),
        (f"<tool_call>{ADD}</tool_call><answer>b</answer>", "several_blocks"),
        ("<answer><action>x</action></answer>", "several_blocks"),
        ("I say <answer>Paris</answer>", "text_outside_tags"),
        ("<answer>Paris</answer>!", "text_outside_tags"),
        ("<answer> </answer>", "empty_block"),
        ("<tool_call></tool_call>", "empty_block"),
        ("<tool_call>[]</tool_call>", "empty_block"),
        ("<tool_call>{'name': 'x'}</tool_call>", "bad_json"),
        ("<tool_call>" + "[" * 20_000 + "</tool_call>", "bad_json"),
        ('<tool_call>{"name": "x", "arguments": {"n": ' + "9" * 5000 + "}}</tool_call>", "bad_json"),
        ('<tool_call>{"name": "x", "arguments": {"n": 1' + "0" * 30 + "}}</tool_call>", "bad_json"),
        ('<tool_call>{"name": "x", "arguments": {"n": NaN}}</tool_call>', "bad_json"),
        ('<tool_call>{"name": "x", "arguments": {"n": ' + "[" * 40 + "]" * 40 + "}}</tool_call>", "bad_json"),
        ("<tool_call>3</tool_call>", "bad_call"),
        ('<tool_call>[{"arguments": {}}]</tool_call>', "bad_call"),
        ('<tool_call>{"name": 3}</tool_call>', "bad_call"),
        ('<tool_call>{"name": "x", "arguments": [1]}</tool_call>', "bad_call"),
        ("<tool_call>[" + ",".join([ADD] * (MAX_CALLS_PER_REPLY + 1)) + "]</tool_call>", "too_many_calls"),
    ],
)
def test_every_malformed_case_has_its_name(text, error):
    reply = parse(text, dialects="strict")
    assert reply.format_error == error
    assert error in reply.complaint()


def test_every_format_error_is_tested_above():
    cases = test_every_malformed_case_has_its_name.pytestmark[0].args[1]
    assert {error for _, error in cases} == set(FORMAT_ERRORS)


def test_lone_surrogates_are_replaced_everywhere():
    reply = parse(
        '<tool_call>{"name": "Add_memory", "arguments": {"content": "\\ud800", "\\udfff": ["\\ud800"]}}</tool_call>'
    )
    json.dumps(reply.tool_calls[0].arguments, ensure_ascii=False).encode("utf-8")
    parse("\ud800").action.encode("utf-8")


@given(st.text())
def test_any_text_gives_exactly_one_of_the_four(text):
    reply = parse(text)
    assert (
        sum([bool(reply.tool_calls), reply.action is not None, reply.answer is not None, bool(reply.format_error)]) == 1
    )


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


_THOUGHTS = st.lists(
    st.sampled_from(["</think>", "<\\\\/think>", "<\\\\\\\\/think>", "<answer>x</answer>", " ", "a"])
).map("".join)


@given(st.lists(st.tuples(st.text(), st.dictionaries(st.text(), _JSON, max_size=3)), min_size=1, max_size=4), _THOUGHTS)
def test_call_reply_is_the_inverse_of_parse(calls, think):
    parsed = parse(call_reply(*calls, think=think))
    assert parsed.strict
    assert parsed.think == think.strip()
    assert [(call.name, dict(call.arguments)) for call in parsed.tool_calls] == [
        (name, arguments) for name, arguments in calls
    ]


def test_the_system_prompt_names_every_tool_and_the_commands():
    prompt = system_prompt(make_tools(None).schemas(), 8192, "go north")
    for tool in make_tools(None):
        assert tool.name in prompt
    assert "go north" in prompt
    assert "<action>" in prompt
    assert "<action>" not in system_prompt([], 8192, "")


# ----------------------------------------------------------------------------------------------------------- prompts


@pytest.mark.parametrize("commands", ["", "go to X, take X from Y, put X in/on Y, open X, close X, look"])
def test_the_compact_prompt_says_the_same_in_a_third_of_the_tokens(commands):
    count = make_token_counter("encoder", make_encoder("minilm"))
    schemas = make_tools(None).schemas()
    full, compact = (make_prompt(style)(schemas, 8192, commands) for style in ("full", "compact"))
    assert 3 * count(compact) <= count(full)
    for schema in schemas:
        assert f"{schema['function']['name']}(" in compact
        assert schema["function"]["description"] in compact
        for argument in schema["function"]["parameters"]["properties"]:
            assert argument in compact
    assert ("<action>" in compact) == bool(commands)
    assert all(part in compact for part in ("8192", "<think>", "<tool_call>", "<answer>", commands))


def test_a_users_own_prompt_is_checked():
    assert make_prompt(lambda schemas, budget, commands: f"{len(schemas)} tools, {budget}")([], 7, "") == "0 tools, 7"
    with pytest.raises(ConfigurationError, match="has to return text"):
        make_prompt(lambda schemas, budget, commands: None)([], 7, "")
    with pytest.raises(ConfigurationError, match="did you mean 'compact'"):
        make_prompt("compat")


def test_an_env_takes_style_prompt_and_dialects():
    def system_message(**keywords):
        env = gym.make("AgeMem-HotpotQA-v0", encoder="hash", index="exact", **keywords)
        try:
            _, info = env.reset(seed=0)
            *_, after = env.step("```xml\n<answer>Paris</answer>\n```")
            return (
                info["messages"][0]["content"],
                after["dialect"],
                after["format_error"],
                env.unwrapped.episode.steps[0],
            )
        finally:
            env.close()

    full, dialect, _, step = system_message()
    assert (dialect, step.dialect, step.answer) == ("fence", "fence", "Paris")
    assert full.startswith(system_prompt(make_tools(None).schemas(), 8192, "")[:300])
    assert system_message(prompt_style="compact")[0] != full
    assert system_message(system_prompt=lambda schemas, budget, commands: "Mine.")[0] == "Mine."
    assert system_message(dialects="strict")[1:3] == ("", "text_outside_tags")


def test_a_plain_text_is_the_answer_where_the_engine_takes_no_commands():
    for mode, expected in (("open", ("Paris", None)), ("search", (None, "Paris"))):
        env = gym.make("AgeMem-HotpotQA-v0", encoder="hash", index="exact", mode=mode)
        env.reset(seed=0)
        *_, info = env.step("Paris")
        step = env.unwrapped.episode.steps[0]
        assert (step.answer, step.action) == expected
        assert info["dialect"] == ("plain_answer" if mode == "open" else "")
        env.close()
