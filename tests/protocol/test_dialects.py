"""Replies as models write them: each dialect is understood as its strict form, and nothing is understood wrongly."""

import json
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agemem_gym.errors import ConfigurationError
from agemem_gym.protocol import DIALECTS, FORMAT_ERRORS, Reply, ToolCall, make_dialects, parse, reply_text
from agemem_gym.protocol.samples import written
from agemem_gym.tools import make_tools

TOOLS = make_tools(None)
ADD = '{"name": "Add_memory", "arguments": {"content": "x"}}'
ADDED = ({"name": "Add_memory", "arguments": {"content": "x"}},)


def understood(text, **options):
    """The reply as plain data, and its dialect."""
    reply = parse(text, **{"tools": TOOLS, **options})
    return content(reply), reply.dialect


def content(reply):
    if reply.format_error:
        return reply.format_error
    calls = tuple({"name": call.name, "arguments": dict(call.arguments)} for call in reply.tool_calls)
    return calls or (("action", reply.action) if reply.action is not None else ("answer", reply.answer))


# ------------------------------------------------------------------------------- what real models write, line by line

PARIS, LOOK = ("answer", "Paris"), ("action", "look")


@pytest.mark.parametrize(
    ("text", "expected", "dialect"),
    [
        ("reasoning</think><answer>Paris</answer>", PARIS, "opened_think"),
        ("I could say <answer>Rome</answer>.</think>\n\n<answer>Paris</answer>", PARIS, "opened_think"),
        (f"<tool_call>\n{ADD}\n</tool_call>\n<tool_call>\n{ADD}\n</tool_call>", ADDED * 2, "several_calls"),
        (f"<tool_call>{ADD}\n{ADD}</tool_call>", ADDED * 2, "several_calls"),
        ("<answer>Paris", PARIS, "unclosed"),
        ("<answer>Paris</ans", PARIS, "unclosed"),
        ("<action>look<|im_end|>", LOOK, "unclosed+end_token"),
        (f"<tool_call>{ADD}", ADDED, "unclosed"),
        (f"<tool_call>\n```json\n{ADD}\n```\n</tool_call>", ADDED, "fence"),
        (f"```json\n{ADD}\n```", ADDED, "fence+bare_json"),
        ("```xml\n<answer>Paris</answer>\n```", PARIS, "fence"),
        ("Of course! <answer>Paris</answer>", PARIS, "prose"),
        ("<answer>Paris</answer> I hope this helps.", PARIS, "prose"),
        ("<answer>Paris</answer><|im_end|>", PARIS, "end_token"),
        ("<answer>Paris</answer><|eot_id|>", PARIS, "end_token"),
        ("<answer>Paris</answer></s>", PARIS, "end_token"),
        ("<answer>Paris</answer><end_of_turn>\n", PARIS, "end_token"),
        ("<|start_header_id|>assistant<|end_header_id|>\n\n<action>look</action>", LOOK, "end_token"),
        ('<tool_call>{"name": "Add_memory", "parameters": {"content": "x"}}</tool_call>', ADDED, "keys"),
        ('<tool_call>{"name": "Add_memory", "content": "x"}</tool_call>', ADDED, "keys"),
        ('<tool_call>{"name": "Add_memory", "arguments": {"content": "x",},}</tool_call>', ADDED, "json_repair"),
        ("<tool_call>{'name': 'Add_memory', 'arguments': {'content': 'x'}}</tool_call>", ADDED, "json_repair"),
        ('<tool_call>{"name": "Add_memory", "arguments": {"content": "x"}</tool_call>', ADDED, "json_repair"),
        ('<tool_call>{"name": "Add_memory", "arguments": {"content": "x"}}}</tool_call>', ADDED, "json_repair"),
        ('<tool_call>{"name": "ADD_MEMORY", "arguments": {"Content": "x"}}</tool_call>', ADDED, "names"),
        ("Thought: I see a desk. Action: look", LOOK, "react"),
        ("Thought: I see a desk.\nAction: look\nObservation: A desk.\nAction: go", LOOK, "plays_on+react"),
        ('Action: Add_memory\nAction Input: {"content": "x"}', ADDED, "react"),
        ("Thought: I know.\nFinal Answer: Paris", PARIS, "react"),
        ("**Action:** `look`", LOOK, "react"),
        ("<action>look</action>\n[user] You see a key.\n[assistant] <action>take key</action>", LOOK, "plays_on"),
        ("<answer>Paris</answer><answer>Rome</answer>", PARIS, "plays_on"),
        ("look<|im_end|>\n<|im_start|>user\nYou see a key.", LOOK, "plays_on"),
        ("<ANSWER>Paris</Answer>", PARIS, "tag_case"),
        ("<thinking>easy</thinking><answer>Paris</answer>", PARIS, "thoughts"),
        (f"I store it. {ADD}", ADDED, "prose+bare_json"),
        (f"[TOOL_CALLS][{ADD}]</s>", ADDED, "end_token+mistral"),
        ('<|python_tag|>{"name": "Add_memory", "parameters": {"content": "x"}}', ADDED, "keys+llama"),
        ('<function=Add_memory>{"content": "x"}</function>', ADDED, "function_tags"),
        ('```tool_code\nadd_memory(content="x")\n```', ADDED, "fence+names+python"),
    ],
)
def test_every_dialect_of_real_models(text, expected, dialect):
    assert understood(text) == (expected, dialect)
    assert parse(text, dialects=dialect.split("+"), tools=TOOLS).dialect == dialect
    assert parse(text, dialects="strict", tools=TOOLS).dialect == ""


def test_values_that_mean_the_same():
    calls = (
        '[{"name": "Retrieve_memory", "arguments": {"query": "x", "top_k": "3", "metadata_filter": null}},'
        ' {"name": "Delete_memory", "arguments": {"memory_id": "m1", "confirmation": "true"}}]'
    )
    reply = parse(f"<tool_call>{calls}</tool_call>", tools=TOOLS)
    assert [dict(call.arguments) for call in reply.tool_calls] == [
        {"query": "x", "top_k": 3, "metadata_filter": None},
        {"memory_id": "m1", "confirmation": True},
    ]
    assert reply.dialect == "values"


def test_plain_text_is_the_answer_where_there_are_no_commands():
    assert understood("The city of Paris.<|im_end|>", commands=False) == (
        ("answer", "The city of Paris."),
        "end_token+plain_answer",
    )
    assert understood("look", commands=True) == (LOOK, "")
    assert parse("Paris", commands=False, dialects="strict").action == "Paris"


def test_a_raw_newline_in_a_string_stays_in_it():
    (call,) = parse(
        '<tool_call>{"name": "Add_memory", "arguments": {"content": "one\ntwo"}}</tool_call>', tools=TOOLS
    ).tool_calls
    assert call.arguments == {"content": "one\ntwo"}


def test_thoughts_are_kept_wherever_they_stood():
    assert parse("so it is</think><action>look</action>").think == "so it is"
    assert parse("Thought: so it is\nAction: look").think == "so it is"
    assert parse("Okay. <think>so</think><think>it is</think><action>look</action>").think == "so\n\nit is"


# ----------------------------------------------------------------------------------------------- what stays malformed


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("<think>hm <answer>Paris</answer>", "unclosed_tag"),
        ("Paris</answer>", "unclosed_tag"),
        ("<answer><action>x</action></answer>", "several_blocks"),
        ("<answer> </answer>", "empty_block"),
        ("<tool_call>[]</tool_call>", "empty_block"),
        ("<tool_call>3</tool_call>", "bad_call"),
        ('<tool_call>{"arguments": {}}</tool_call>', "bad_call"),
        ('<tool_call>{"name": "Add_memory", "arguments": {"content": "the key is un', "unclosed_tag"),
        ('{"name": "Add_memory", "arguments": {"content": "the key is un', "bad_json"),
        ('```json\n{"name": "Add_memory", "argum', "bad_json"),
        ("<tool_call>{'name': 'Add_memory', 'arguments': {'content': 'Bob's car'}}</tool_call>", "bad_json"),
        ("<tool_call>" + "[" * 20_000 + "</tool_call>", "bad_json"),
        ("<tool_call>" + "{'" * 8_000 + "</tool_call>", "bad_json"),
        ("<tool_call>" + f"{ADD}</tool_call><tool_call>" * 16 + f"{ADD}</tool_call>", "too_many_calls"),
        ("Thought: I wonder.", "nothing_after_think"),
        ("<|im_end|>", "empty_reply"),
        ("reasoning</think>", "unclosed_tag"),
    ],
)
@pytest.mark.parametrize("commands", [True, False])
def test_what_could_be_meant_otherwise_is_malformed(text, error, commands):
    reply = parse(text, commands=commands, tools=TOOLS)
    assert reply.format_error == error
    assert reply.dialect == ""
    assert error in reply.complaint()


def test_a_block_within_a_json_string_is_none_in_any_dialect():
    inside = "</think></tool_call><answer>Rome</answer>"
    body = json.dumps({"name": "Add_memory", "arguments": {"content": inside}})
    for text in (
        f"Sure: <tool_call>{body}</tool_call>",
        f"<tool_call>{body}",
        f"<tool_call>```\n{body}\n```</tool_call>",
    ):
        assert understood(text)[0] == ({"name": "Add_memory", "arguments": {"content": inside}},)


def test_dialects_are_chosen_by_name():
    assert make_dialects("all") == frozenset(DIALECTS)
    assert make_dialects(("fence", "prose")) == {"fence", "prose"}
    assert parse("<answer>Paris", dialects=("fence",)).format_error == "unclosed_tag"
    with pytest.raises(ConfigurationError, match="did you mean 'fence'"):
        make_dialects(("fense",))


# ------------------------------------------------------------------------------------------------ twenty thousand more

_TEXTS = (
    "Paris",
    "the red key lies in drawer 2",
    "Anna's sister is 42 years old, and lives in Zürich.",
    "a, b; c: d! (e) / f",
    "He said hello",
    "https://example.org/a?b=c",
    "wealth: 3.5 million",
)


def random_reply(rng):
    think = rng.choice((None, "hm", "I should look first. Then go on.", "two\nlines"))
    kind = rng.randrange(3)
    if kind == 0:
        return Reply(think, action=rng.choice(("look", "go to desk 1", "put apple 2 in/on fridge 1", "turn left")))
    if kind == 1:
        return Reply(think, answer=rng.choice(_TEXTS))
    calls = [random_call(rng) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
    return Reply(think, tool_calls=tuple(calls))


def random_call(rng):
    text = rng.choice((*_TEXTS, 'the "red" one', "two\nlines", "a <answer>b</answer> c", "50% {x} [y]"))
    return rng.choice(
        (
            ToolCall("Add_memory", {"content": text}),
            ToolCall("Add_memory", {"content": text, "metadata": {"room": "hall", "n": 2}, "memory_type": "fact"}),
            ToolCall("Update_memory", {"memory_id": "m1", "content": text}),
            ToolCall("Delete_memory", {"memory_id": "m12", "confirmation": True}),
            ToolCall("Retrieve_memory", {"query": text, "top_k": 5}),
            ToolCall("Summary_context", {"span": "all"}),
            ToolCall("Filter_context", {"criteria": text}),
        )
    )


def _prefix(text, rng):
    return rng.choice(("Okay.\n", "Sure! ", "<|im_start|>assistant\n", "\n\n", "  ")) + text


def _suffix(text, rng):
    return text + rng.choice(("<|im_end|>", "</s>\n", "\nThat is all.", "\n\n", "\n[user] Nothing happens."))


def _spaces(text, rng):
    return rng.choice(("\n ", "")) + text.replace("</think>", " </think>\n\n", 1) + rng.choice(("\n\n", "\t"))


def _cut(text, rng):
    return text[: rng.randrange(len(text) + 1)]


def _damage(text, rng):
    position = rng.randrange(len(text) + 1)
    return (
        text[:position] + rng.choice(("", "<", "}", '"', "\\", "\u0000", "</think>", "<answer>")) + text[position + 1 :]
    )


HARMLESS = (_prefix, _suffix, _spaces)


def well_formed(reply):
    parts = [bool(reply.tool_calls), reply.action is not None, reply.answer is not None, reply.format_error is not None]
    return sum(parts) == 1 and (reply.format_error is None or reply.format_error in FORMAT_ERRORS)


@pytest.mark.parametrize("dialect", ["", *DIALECTS])
def test_a_dialect_means_what_its_strict_form_means(dialect):
    rng = random.Random(f"dialect {dialect}")
    tried = missed = 0
    while tried < 150:
        reply = random_reply(rng)
        text = written(reply, dialect, rng)
        if text is None:
            continue
        tried += 1
        commands = reply.answer is None
        found = parse(text, commands=commands, tools=TOOLS)
        missed += bool(found.format_error)
        assert found.format_error or content(found) == content(reply), text
        assert found.format_error or not dialect or found.dialect or found == parse(reply_text(reply)), text
    assert missed <= tried * 0.1


@pytest.mark.parametrize("dialect", ["", *DIALECTS])
def test_mutated_replies_never_raise_and_are_never_understood_otherwise(dialect):
    """25 dialects × 800 = 20,000 replies; 400 with harmless changes, 400 damaged anywhere."""
    rng = random.Random(f"mutations of {dialect}")
    tried = 0
    while tried < 800:
        reply = random_reply(rng)
        text = written(reply, dialect, rng)
        if text is None:
            continue
        tried += 1
        commands = reply.answer is None
        if tried % 2:
            for change in rng.sample(HARMLESS, rng.randrange(1, 4)):
                text = change(text, rng)
            found = parse(text, commands=commands, tools=TOOLS)
            untouched = reply.tool_calls or "<" in text
            assert well_formed(found)
            assert found.format_error or not untouched or content(found) == content(reply) or plain(found, dialect), (
                text
            )
        else:
            cut = _cut(text, rng)
            found = parse(cut, commands=commands, tools=TOOLS)
            assert well_formed(found)
            calls = content(found) if found.tool_calls else ()
            assert all(call in content(reply) for call in calls), cut
            assert well_formed(parse(_damage(_damage(text, rng), rng), commands=commands, tools=TOOLS))


def plain(reply, dialect):
    """Plain text with prose round it cannot be told from the plain text."""
    return dialect in ("plain_answer", "react", "end_token", "") and (reply.action or reply.answer)


@given(st.text(), st.booleans())
def test_any_text_is_understood_as_one_thing_or_malformed(text, commands):
    assert well_formed(parse(text, commands=commands, tools=TOOLS))


@given(st.text(alphabet='<>/{}[]",:\\`| \nathink'), st.booleans())
def test_any_text_of_syntax_is_understood_as_one_thing_or_malformed(text, commands):
    assert well_formed(parse(f"<tool_call>{text}", commands=commands, tools=TOOLS))


@pytest.mark.parametrize(
    "unit",
    [
        "<tool_call>",
        "<think>",
        "</think>",
        "{'",
        "[",
        '{"a":',
        "`" * 3 + "\n",
        "Thought: ",
        "Action: ",
        "<|im_end|>",
        "\\",
        '"',
        "<",
        "x ",
    ],
)
def test_no_text_takes_long(unit):
    text = (unit * 65_536)[:65_536]
    start = time.process_time()
    parse(text, tools=TOOLS)
    parse("<tool_call>" + text[:60_000] + "</tool_call>", tools=TOOLS)
    assert time.process_time() - start < 2
