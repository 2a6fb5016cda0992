"""AgentBoard's label file, for users who have it: its goals and patterns, and of which split its rows really are."""

import json

import pytest

from agemem_gym.envs.scienceworld import ScienceWorldTask
from agemem_gym.envs.scienceworld.variations import COUNTS, split_of
from agemem_gym.errors import ConfigurationError


def row(name: str, variation: int, **changes: object) -> dict[str, object]:
    return {
        "goal": f"Do it: {name}.",
        "subgoals": ["the hallway|outside", "nothing like this is ever said"],
        "difficulty": "hard",
        "additional_info": {"env_name": name, "var": variation},
        **changes,
    }


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_rows_goal_progress_and_true_split_are_told(tmp_path):
    """AgentBoard calls its file the test set; the engine's split of a row stands in the record."""
    train, _, test = COUNTS["find-plant"]
    rows = [row("find-plant", 0), row("find-plant", sum(COUNTS["find-plant"]) - 1)]
    task = ScienceWorldTask(protocol="agentboard", labels=write(tmp_path / "test.jsonl", *rows))
    assert task.size() == 2
    starts = [task.reset(0, {"task_index": index}) for index in range(2)]
    assert [start.record["split"] for start in starts] == ["train", "test"]
    assert [start.record["difficulty"] for start in starts] == ["hard", "hard"]
    assert starts[0].instruction == "Do it: find-plant."
    step = [task.act(command) for command in ("look around", "open door to hallway", "look around")][-1]
    assert step.metrics["label_progress"] == 0.5
    assert (train, test) == (150, 75)
    task.close()


def test_agentboards_own_protocol_without_labels_plays_held_out_variations_only():
    task = ScienceWorldTask(protocol="agentboard")
    assert {split_of(variation) for variation in task._choice.all()} == {"test"}
    assert task.size() == 90


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"subgoals": []}, "no subgoals"),
        ({"subgoals": ["("]}, "is no ScienceWorld label"),
        ({"additional_info": {"env_name": "find-plant", "var": 10**6}}, "no such variation"),
    ],
)
def test_a_line_that_is_no_label_is_named(tmp_path, broken, message):
    file = write(tmp_path / "test.jsonl", row("boil", 0), row("boil", 1, **broken))
    with pytest.raises(ConfigurationError, match=rf"test\.jsonl:2 .*{message}"):
        ScienceWorldTask(protocol="agentboard", labels=file).reset(0, {})


def test_a_label_file_that_is_not_there_is_named_with_its_neighbour(tmp_path):
    write(tmp_path / "test.jsonl", row("boil", 0))
    with pytest.raises(ConfigurationError, match="did you mean"):
        ScienceWorldTask(protocol="agentboard", labels=tmp_path / "tests.jsonl")


def test_a_byte_order_mark_does_not_matter_and_other_bytes_are_named(tmp_path):
    file = write(tmp_path / "test.jsonl", row("boil", 0))
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert ScienceWorldTask(protocol="agentboard", labels=file).size() == 1
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match=r"test\.jsonl is no text in UTF-8"):
        ScienceWorldTask(protocol="agentboard", labels=file).size()
