"""``agemem play``: what costs a reply, what costs nothing, and a real terminal with arrow keys."""

import re
import sys

import pytest

from agemem_gym.cli import line_reader, main
from agemem_gym.cli.shorthand import FREE, TOOLS, NotAReply, as_reply
from agemem_gym.episode import read_episodes
from agemem_gym.protocol import parse

ENV = "AgeMem-BabyAI-v0"
FAST = ["--env-arg", "level=GoToObj", "--env-arg", "encoder=hash", "--env-arg", "index=exact"]


@pytest.fixture
def type_lines(monkeypatch, capsys):
    """Play with these lines as input; returns what was printed, and the prompts."""

    def play(lines, *more):
        given, prompts = iter(lines), []

        def answer(prompt=""):
            prompts.append(prompt)
            try:
                return next(given)
            except StopIteration:
                raise EOFError from None

        monkeypatch.setattr(line_reader, "input", answer, raising=False)
        status = main(["play", ENV, *FAST, *more])
        return status, capsys.readouterr().out, prompts

    return play


def replies_left(prompt):
    return int(re.search(r"replies left (\d+)", prompt)[1])


@pytest.mark.parametrize(
    "line", [*sorted(FREE.keys() - {":quit"}), "", "   ", ":nonsense", ":update m1", ":delete", ":add", ":add  "]
)
def test_it_costs_nothing(line, type_lines):
    _, _, prompts = type_lines([line, ":quit"])
    assert replies_left(prompts[0]) == replies_left(prompts[1])


@pytest.mark.parametrize(
    "line", ["turn left", ":add a note", ":get note", ":sum all", ":filter walls", "no such command"]
)
def test_it_costs_a_reply(line, type_lines):
    _, _, prompts = type_lines([line, ":quit"])
    assert replies_left(prompts[0]) == replies_left(prompts[1]) + 1


def test_a_whole_episode_with_every_short_form(type_lines):
    memory = [":add first note", ":add [/INST] \x1b[31m", ":update m1 second note", ":memory", ":delete m2", ":memory"]
    lines = [*memory, ":get note", ":commands", ":context", ":help", ":sum all", ":answer done"]
    status, said, _ = type_lines(lines)
    assert status == 0
    assert r"m1: second note" + "\n" + r"m2: [/INST] \x1b[31m" in said
    assert "Deleted m2." in said
    assert said.count("m1: second note") >= 2
    assert "turn left" in said
    assert "\x1b" not in said
    assert "· return" in said


def test_what_was_meant_and_how_it_is_used_is_said(type_lines):
    _, said, _ = type_lines([":fliter x", ":xyzzy", ":update m1", ""])
    assert "there is no :fliter; did you mean ':filter'?" in said
    assert "there is no :xyzzy; :help lists what there is" in said
    assert "usage: :update ID TEXT" in said


def test_the_prompt_says_what_is_left_and_an_empty_memory_says_so(type_lines):
    _, said, prompts = type_lines([":memory"])
    assert re.fullmatch(r"\[replies left \d+, tokens \d+/8192\] > ", prompts[0])
    assert "(memory is empty)" in said


def test_short_forms_become_replies_that_the_protocol_understands():
    for word, form in TOOLS.items():
        reply = parse(as_reply(f"{word} " + " ".join("m1" for _ in form.usage.split())))
        assert reply.format_error is None
        assert reply.answer == "m1" if word == ":answer" else [call.name for call in reply.tool_calls] == [form.tool]
    assert as_reply("<answer>x</answer>") == "<answer>x</answer>"
    with pytest.raises(NotAReply):
        as_reply(":help me")  # only the word alone is a command


def test_stages_begin_without_the_task(type_lines, monkeypatch, capsys):
    monkeypatch.setattr(line_reader, "input", lambda prompt: ":quit", raising=False)
    assert main(["play", "AgeMem-BabyAI-ThreeStage-v0", "--env-arg", "encoder=hash"]) == 0
    assert "(the task comes later)" in capsys.readouterr().out


UP, LEFT, TAB = "\x1b[A", "\x1b[D", "\t"


def test_arrow_keys_bring_back_and_mend_what_was_typed(typist):
    keys = typist("play", ENV, *FAST)
    keys.until("replies left")
    keys.type(":add a nte\r")
    keys.until("Stored as m1.")
    keys.until("replies left")
    keys.type(UP + LEFT * 2 + "o\r")
    keys.until("Stored as m2.")
    keys.until("replies left")
    keys.type(":memory\r")
    keys.until("m1: a nte")
    keys.until("m2: a note")
    keys.until("replies left")
    keys.type("turn l" + TAB + "\r")
    keys.until("turn left")
    keys.until("replies left")
    keys.type(":quit\r")
    assert keys.status() == 0


def test_an_interrupt_at_the_prompt_ends_it(typist):
    keys = typist("play", ENV, *FAST)
    keys.until("replies left")
    keys.type("\x03")
    assert keys.status() == 130


def test_without_prompt_toolkit_it_plays_all_the_same(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "prompt_toolkit", None)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(line_reader, "input", lambda prompt: ":quit", raising=False)
    assert main(["play", ENV, *FAST]) == 0
    assert "History and arrow keys need prompt_toolkit: pip install" in capsys.readouterr().out


def test_the_record_is_played_again_byte_for_byte(type_lines, tmp_path, capsys):
    file = tmp_path / "new folder" / "played.jsonl"
    status, _, _ = type_lines(["turn left", ":add a note", ":memory", ":bogus", ":answer done"], "--record", str(file))
    assert status == 0
    (episode,) = read_episodes(file)
    assert [len(step.reply) > 0 for step in episode.steps] == [True] * 3
    assert main(["replay", str(file)]) == 0
    assert "1 of 1 episodes are the same, byte for byte" in capsys.readouterr().out


def test_an_episode_that_was_left_is_recorded_up_to_there(type_lines, tmp_path):
    file = tmp_path / "played.jsonl"
    type_lines(["turn left"], "--record", str(file))
    (episode,) = read_episodes(file)
    assert len(episode.steps) == 1
    assert not episode.over
    assert main(["replay", str(file)]) == 0


def test_no_record_is_overwritten_and_none_is_left_empty(type_lines, tmp_path):
    file = tmp_path / "played.jsonl"
    type_lines([":memory", ":quit"], "--record", str(file))
    assert not file.exists()
    type_lines(["turn left"], "--record", str(file))
    before = file.read_text()
    assert type_lines(["turn left"], "--record", str(file))[0] == 2
    assert file.read_text() == before
    assert type_lines(["turn right"], "--record", str(file), "--append")[0] == 0
    assert len([*read_episodes(file)]) == 2
    assert file.read_text().startswith(before)


def test_what_was_played_before_an_interrupt_is_kept(typist, tmp_path):
    file = tmp_path / "played.jsonl"
    keys = typist("play", ENV, *FAST, "--record", str(file))
    keys.until("replies left ")
    before = int(keys.until(","))
    keys.type("turn left\r")
    keys.until(f"replies left {before - 1}")
    keys.type("\x03")
    assert keys.status() == 130
    assert len([*read_episodes(file)]) == 1


@pytest.mark.parametrize("name", ["", "file/below"])
def test_a_record_that_cannot_be_written_is_a_sentence_before_anything_is_played(name, type_lines, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    status, _, prompts = type_lines(["turn left"], "--record", str(tmp_path / name))
    assert status == 2
    assert not prompts
