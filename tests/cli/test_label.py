"""``agemem label`` and ``agemem agreement``: keys, undo, resume, and the figures at the end."""

import io
import json
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


def test_a_model_is_checked_first_and_what_it_does_not_judge_itself_is_counted(label, episodes, server, capsys):
    label(["y"] * 100, "--kind", "answer")
    command = ["agreement", str(episodes), "--labels", str(label.path), "--judge", f"{server.url}#model"]
    server.default = say("1.0")
    assert main(command) == 0
    assert "1.00 [1.00, 1.00]" in capsys.readouterr().out
    server.script = [say("1.0")]  # the check before
    server.default = say("I cannot say")
    assert main([*command[:-1], f"{server.url}#another"]) == 3
    assert "3 verdicts are not the judge's own" in capsys.readouterr().out
    assert main([*command[:-1], f"{server.url}#a-third"]) == 2
    assert capsys.readouterr().err.startswith("agemem: ")


def test_rescore_checks_its_judge_first_and_tells_when_it_did_not_judge(episodes, server, capsys):
    server.default = say("I cannot say")
    command = ["rescore", str(episodes), "--reward", "composite", "--judge"]
    assert main([*command, f"{server.url}#rescore-a"]) == 2
    assert capsys.readouterr().err.startswith("agemem: ")
    server.script = [say("1.0")]
    assert main([*command, f"{server.url}#rescore-b"]) == 3
    assert "with fallbacks" in capsys.readouterr().out


def say(text):
    body = json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]})
    return lambda handler, _: handler.send(200, body)


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
