"""``agemem label`` and ``agemem agreement``: keys, undo, resume, and the figures at the end."""

import io
import sys

import pytest

from agemem_gym.agreement import LabelFile
from agemem_gym.cli import main


@pytest.fixture(scope="module")
def episodes(tmp_path_factory):
    file = tmp_path_factory.mktemp("label") / "episodes.jsonl"
    arguments = ["run", "AgeMem-HotpotQA-ThreeStage-v0", "--agent", "perfect", "--episodes", "3", "--record", str(file)]
    assert main([*arguments, "--env-arg", "encoder=hash", "--env-arg", "index=exact"]) == 0
    return file


@pytest.fixture
def label(episodes, tmp_path, monkeypatch, capsys):
    """Label with these keys, a line each; returns status, what was printed, and the labels."""
    path = tmp_path / "labels.jsonl"

    def run(keys, *more):
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{key}\n" for key in keys)))
        status = main(["label", str(episodes), "--labels", str(path), *more])
        return status, capsys.readouterr().out, [*LabelFile(path).labels.values()]

    run.path = path
    return run


def test_keys_undo_and_resume(label):
    status, said, labels = label(["y", "n", "x", "u", "y", "q"], "--kind", "answer")
    assert status == 0
    assert labels == [True, True]
    assert "u undo the last" in said  # the answer to a key that is none
    assert "2 of 3 labelled" in said
    status, said, labels = label(["s"], "--kind", "answer")
    assert "3 of 3" in said.split("─")[0] or "3 of 3 labelled" in said
    assert labels == [True, True, None]


def test_the_end_of_the_input_keeps_what_is_labelled(label):
    assert label(["y"])[2] == [True]


def test_it_is_blind(label, episodes):
    _, said, _ = label(["q"], "--kind", "answer")
    assert "Is this answer right?" in said
    for telling in ("perfect", "reward", "score", "success", "seed"):
        assert telling not in said.lower()


def test_memories_are_shown_entry_by_entry_beside_the_fact(label):
    _, said, _ = label(["q"], "--kind", "memory")
    assert "Does this memory state the fact?" in said
    assert "fact\n  " in said
    assert "memory\n  " in said


def test_figures_and_their_intervals(label, episodes, capsys):
    label(["y"] * 100)
    assert main(["agreement", str(episodes), "--labels", str(label.path)]) == 0
    said = capsys.readouterr().out
    assert "Agreement of judge offline" in said
    assert "1.00 [1.00, 1.00]" in said
    assert "–" in said  # kappa is not defined where all labels are alike


def test_a_judge_that_does_not_answer_is_status_3(label, episodes, capsys):
    label(["y"] * 100, "--kind", "answer")
    status = main(["agreement", str(episodes), "--labels", str(label.path), "--judge", "http://127.0.0.1:9/v1#none"])
    assert status in (2, 3)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["label", "nowhere.jsonl"], "there is no such file"),
        (["agreement", "EPISODES", "--labels", "nowhere.jsonl"], "there is no such file"),
        (["agreement", "EPISODES", "--labels", "EMPTY"], "holds no label"),
        (["agreement", "EPISODES", "--labels", "EMPTY", "--threshold", "2"], "--threshold 2.0"),
        (["label", "EMPTY"], "holds nothing to label"),
    ],
)
def test_what_cannot_be_used_is_a_sentence(arguments, sentence, episodes, tmp_path, capsys):
    (tmp_path / "empty.jsonl").write_text("")
    names = {"EPISODES": str(episodes), "EMPTY": str(tmp_path / "empty.jsonl")}
    assert main([names.get(word, word) for word in arguments]) == 2
    assert sentence in capsys.readouterr().err


def test_single_keys_in_a_terminal(typist, episodes, tmp_path):
    path = tmp_path / "labels.jsonl"
    keys = typist("label", str(episodes), "--labels", str(path), "--kind", "answer")
    for key, shown in (("y", "1 of 3"), ("n", "2 of 3"), ("u", "3 of 3"), ("y", "2 of 3"), ("q", "3 of 3")):
        keys.until(shown)
        keys.until("(y/n/s/u/q)")
        keys.type(key)
    keys.until("2 of 3 labelled")
    assert keys.status() == 0
    assert [*LabelFile(path).labels.values()] == [True, True]
