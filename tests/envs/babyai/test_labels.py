"""AgentBoard's label file: a user's own; here one of the same form with patterns of ours."""

import json

import pytest

from agemem_gym.envs.babyai import BabyAITask
from agemem_gym.envs.babyai.labels import Label, LabelProgress
from agemem_gym.errors import ConfigurationError


def write(path, lines):
    path.write_text("\n".join(json.dumps(line) for line in lines) + "\n", encoding="utf-8")
    return path


def labels(count=112):
    return [{"subgoals": ["There is a ** ball", "The task is completed"], "difficulty": "easy"} for _ in range(count)]


def test_labels_add_difficulty_and_progress_of_the_text(tmp_path):
    task = BabyAITask(protocol="agentboard", labels=write(tmp_path / "test.jsonl", labels()))
    start = task.reset(1, {})
    assert start.record["difficulty"] == "easy"
    steps = [task.act(command) for command in task.expert()]
    assert steps[-1].success
    assert [step.metrics["label_progress"] for step in steps] == sorted(
        step.metrics["label_progress"] for step in steps
    )
    assert steps[-1].metrics["label_progress"] >= 0.5


def test_an_observation_meets_one_subgoal_at_most():
    progress = LabelProgress(Label((("red", "ball"),), "easy"))
    progress.see("a red ball")
    assert progress.value == 0.5
    progress.see("a red ball")
    assert progress.value == 1.0


def test_alternatives_count_together():
    progress = LabelProgress(Label((("red", "ball"), ("blue", "box")), "hard"))
    progress.see("a blue thing")
    progress.see("a ball")
    assert progress.value == 1.0


def test_parts_of_a_pattern_have_to_stand_in_one_sentence():
    progress = LabelProgress(Label((("red ** near",),), "easy"))
    progress.see("It is red. It is near")
    assert progress.value == 0.0
    progress.see("The red one is near. So.")
    assert progress.value == 1.0


@pytest.mark.parametrize(
    "line", ["[]", "{}", "nonsense", '{"subgoals": [], "difficulty": "easy"}', '{"subgoals": ["a"]}']
)
def test_a_line_that_is_no_label_is_named_by_file_and_line(tmp_path, line):
    path = tmp_path / "test.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"test\.jsonl(, line 1: no BabyAI label| is empty)"):
        BabyAITask(protocol="agentboard", labels=path).reset(0, {})


def test_a_file_of_another_length_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="111 labels"):
        BabyAITask(protocol="agentboard", labels=write(tmp_path / "test.jsonl", labels(111))).reset(0, {})


def test_labels_without_their_protocol_or_their_file_are_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="protocol='agentboard'"):
        BabyAITask(labels=tmp_path)
    with pytest.raises(ConfigurationError, match="no such file"):
        BabyAITask(protocol="agentboard", labels=tmp_path / "missing.jsonl")


def test_labels_with_a_byte_order_mark_crlf_and_blank_lines_are_read(tmp_path):
    path = write(tmp_path / "test.jsonl", labels())
    path.write_bytes(b"\xef\xbb\xbf\r\n" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert BabyAITask(protocol="agentboard", labels=path).reset(1, {}).record["difficulty"] == "easy"


def test_a_misspelt_label_file_is_named_with_its_neighbour(tmp_path):
    write(tmp_path / "test.jsonl", labels())
    with pytest.raises(ConfigurationError, match=r"did you mean '.*test\.jsonl'"):
        BabyAITask(protocol="agentboard", labels=tmp_path / "tset.jsonl")
