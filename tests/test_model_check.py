"""The format check of a model: what is to the letter, readable and right, with models whose faults are known."""

import json

import pytest

from agemem_gym.chat import make_chat_model
from agemem_gym.cli import main
from agemem_gym.model_check import KINDS, cases, check_model
from agemem_gym.protocol import parse


def model(reply):
    return make_chat_model(reply)


def knows(messages):
    """Replies right: finds the case by what it was asked last."""
    asked = messages[-1]["content"]
    return next(case.wanted for number in range(9) for case in cases(number) if asked.endswith(case.said[-1]))


def by_kind(report, name, shots=0):
    return {line.kind: getattr(line, name) for line in report.lines if line.shots == shots}


@pytest.mark.parametrize("number", [0, 1, 2, 6, 1000])
def test_the_wanted_replies_are_to_the_letter_and_right_and_no_other_kinds_are(number):
    asked = cases(number)
    assert [case.kind for case in asked] == list(KINDS)
    for case in asked:
        assert parse(case.wanted, dialects="strict").format_error is None
        assert case.is_right(parse(case.wanted))
        assert not [other.kind for other in asked if other is not case and case.is_right(parse(other.wanted))]


def test_wrong_arguments_are_not_right():
    update = cases(0)[1]
    call = json.loads(update.wanted.removeprefix("<tool_call>").removesuffix("</tool_call>"))
    for change in ({"memory_id": "m9"}, {"content": "The lamp is in the kitchen."}):
        wrong = [{"name": "Update_memory", "arguments": call[0]["arguments"] | change}]
        assert not update.is_right(parse(f"<tool_call>{json.dumps(wrong)}</tool_call>"))


def test_a_model_that_replies_right_has_nothing_to_be_advised():
    report = check_model(model(knows))
    assert set(by_kind(report, "strict").values()) == set(by_kind(report, "right", 2).values()) == {1.0}
    assert report.advice == ["It speaks the protocol as it is: nothing to do."]
    assert not report.failures


def test_a_dialect_is_read_and_named():
    def hermes(messages):
        reply = parse(knows(messages))
        calls = "\n".join(
            f"<tool_call>{json.dumps({'name': c.name, 'parameters': dict(c.arguments)})}</tool_call>"
            for c in reply.tool_calls
        )
        return calls or knows(messages)

    report = check_model(model(hermes), shots=[0])
    assert by_kind(report, "strict")["ADD"] == 0.0
    assert by_kind(report, "right")["ADD"] == 1.0
    line = next(line for line in report.lines if line.kind == "ADD")
    assert sum(line.dialects.values()) == line.count
    assert any("dialects='all'" in sentence for sentence in report.advice)


def test_a_model_that_only_imitates_is_told_to_be_given_examples():
    def copies(messages):
        shown = [m["content"] for m in messages if m["role"] == "assistant"]
        return knows(messages) if shown else "Sure! I can help with that."

    report = check_model(model(copies), shots=[0, 1])
    assert report.share_right(0) < 0.2 < 0.9 < report.share_right(1)
    assert "shots=1" in report.advice[0]


def test_the_examples_do_not_tell_what_is_asked_for():
    prompts = []

    def notes(messages):
        prompts.append(messages)
        return "no"

    check_model(model(notes), shots=[2], samples=2)
    for number, prompt in enumerate(prompts):
        wanted = cases(number // len(KINDS))[number % len(KINDS)].wanted
        told = [message["content"] for message in prompt if message["role"] == "assistant"]
        assert wanted not in told or KINDS[number % len(KINDS)] in (
            "SUMMARY",
            "FILTER",
        )  # of which there is one right reply


def test_cut_replies_and_failures_are_told(capsys):
    def breaks(messages):
        raise RuntimeError("out of order")

    report = check_model(model(breaks), shots=[0], samples=1)
    assert all(tried.error for tried in report.tried)
    assert "8 of 8 requests failed: RuntimeError: out of order" in report.advice[0]


def test_the_command_refuses_what_is_no_model(capsys):
    assert main(["check-model", "no such model"]) == 2
    assert "no such model" in capsys.readouterr().err
