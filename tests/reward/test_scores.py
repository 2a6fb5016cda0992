"""The number in a judge's reply: what judges write is taken, where it can mean one thing only."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agemem_gym.reward.scores import parse_score


@pytest.mark.parametrize(("text", "score"), [("0", 0.0), ("1", 1.0), ("0.75", 0.75), (" 1.0\n", 1.0), ("0.333", 0.333)])
def test_a_number_from_zero_to_one_is_a_score(text, score):
    assert parse_score(text) == score


@pytest.mark.parametrize(
    "text",
    ["", "1.5", "1.01", "-0.5", "2", "00.5", ".5", "0.", "0,5", "5e-1", "0.5.", "0.5/1", "Score: 0.5", "nan", "٠", "½"],
)
def test_anything_else_is_none(text):
    assert parse_score(text) is None


@given(st.text(max_size=20))
def test_the_parser_takes_any_text(text):
    score = parse_score(text)
    assert score is None or 0.0 <= score <= 1.0


@pytest.mark.parametrize(
    "text",
    [
        "**0.75**",
        "`0.75`",
        '"0.75"',
        "**`0.75`**",
        "```\n0.75\n```",
        "```text\n0.75```",
        '{"score": 0.75}',
        '{"score": "0.75"}',
        '{"Score": 0.75, "reason": "one of two"}',
        '{"reason": "one of two", "score": 0.75}',
        '```json\n{"score": 0.75}\n```',
        '{\n  "rating": 0.75\n}',
        "<think>Is it 0.2? Or 1?</think>0.75",
        "<think>\nHm.\n</think>\n\n**0.75**",
        "It says the same, 1.0, I think.</think>\n0.75",  # the template has opened the thought
        "<think>a</think><think>b</think>0.75",
        "<reasoning>0.1</reasoning> 0.75",
        "0.75<|im_end|>",
        "0.75</s>\n",
        "0.75 <|eot_id|><|end_of_text|>",
        'One of two is right.\n\n{"score": 0.75}',
        'One of two is right, so here is 1 object:\n```json\n{"score": 0.75}\n```',
    ],
)
def test_what_judges_write_is_taken(text):
    assert parse_score(text) == 0.75


@pytest.mark.parametrize(
    "text",
    [
        "I would say 0.75",
        "0.75 because one of two is right",
        "The answer is right.\n0.75",
        "The answer is right. **0.75**",
        "Not **0.75**, not **0.25**",
        "**0.75** or **0.5**",
        "<think>0.75",
        "<think>0.75</think>",
        "<think>a</think>0.75<think>no, 0.5",
        '{"score": 0.75, "score": 0.25}',
        '{"score": 0.75, "rating": 0.25}',
        '{"score": 7}',
        '{"score": 1.5}',
        '{"score": NaN}',
        '{"score": true}',
        '{"score": null}',
        '{"score": [0.75]}',
        '{"confidence": 0.75}',
        '{"a": {"score": 0.75}}',
        "[0.75]",
        'They wrote {"score": 1.0}',
        'They wrote "score":\n{"score": 1.0}',
        '{"score": 1.0}\nis what they wrote',
        '```json\n{"score": 1.0}\n```\n```json\n{"score": 0.0}\n```',
        "```\n0.75\n```\nor so",
        "75%",
        "3/4",
        "{" * 100_000,
        '{"score":' + "[" * 100_000,
    ],
)
def test_a_number_that_may_mean_something_else_is_none(text):
    assert parse_score(text) is None


@given(st.text('0.1 5{}":score`*\n<think>/|', max_size=60))
def test_the_parser_takes_any_marks(text):
    score = parse_score(text)
    assert score is None or 0.0 <= score <= 1.0


@pytest.mark.parametrize(
    "piece", [" ", "*", "`", "<think>", "</think>", "{", '"score"', "</s>", "```", "<|im_end|>", "\n{}"]
)
def test_long_replies_are_read_in_time(piece):
    started = time.monotonic()
    parse_score(piece * 20_000 + "x")
    parse_score("0.5" + piece * 20_000)
    assert time.monotonic() - started < 2
