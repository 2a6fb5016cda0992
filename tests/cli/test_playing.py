"""``agemem leaderboard`` and ``agemem run``: agents with keywords, formats, recordings, exit statuses."""

import csv
import io
import json
import textwrap
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from agemem_gym.cli import main
from agemem_gym.episode import read_episodes
from agemem_gym.leaderboard.results import RESULTS, read_rows
from agemem_gym.registration import Benchmark

ENV = "AgeMem-BabyAI-v0"
STAGES = "AgeMem-HotpotQA-ThreeStage-v0"
FAST = ["--env-arg", "encoder=hash", "--env-arg", "index=exact"]

AGENTS = """
    class Word:
        def __init__(self, word="x"):
            self.word = word

        def reset(self, info):
            pass

        def act(self, obs, info):
            if self.word == "broken":
                raise SystemExit(4)
            return f"<answer>{self.word}</answer>"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(textwrap.dedent(AGENTS))
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Judge(BaseHTTPRequestHandler):
    """Says what its server has to say, one after another, and then the last for ever."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        says = self.server.says
        text = says.pop(0) if len(says) > 1 else says[0]
        status, body = (200, {"choices": [{"message": {"content": text}, "finish_reason": "stop"}]})
        if text is None:
            status, body = 500, {}
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def judge():
    with ThreadingHTTPServer(("127.0.0.1", 0), Judge) as server:
        server.says = ["1.0"]
        Thread(target=server.serve_forever, daemon=True).start()
        server.url = f"http://127.0.0.1:{server.server_port}/v1#judge"
        yield server
        server.shutdown()


def board(*arguments):
    return main(["leaderboard", "--envs", ENV, "--episodes", "1", "--out", "out", *FAST, *arguments])


def test_agents_are_named_with_keywords_and_none_is_dropped(folder, capsys):
    status = board(
        "--agent", "a=mine.py:Word", "--agent-arg", "word=yes", "--agent", "a=mine.py:Word", "--agents", "random", "oracle"
    )  # fmt: skip
    assert status == 0
    rows = list(read_rows(folder / "out" / RESULTS))
    assert sorted(row.agent_label for row in rows) == ["a", "a (word=yes)", "oracle", "random"]
    said = capsys.readouterr().out
    assert all(name in said for name in ("a (word=yes)", "oracle †", "random ‡"))
    assert {row.record["split"] for row in rows} == {"test"}  # held-out tasks, unless another split is asked for


def test_an_agent_arg_without_an_agent_is_answered(folder, capsys):
    with pytest.raises(SystemExit) as ended:
        board("--agent-arg", "word=yes")
    assert ended.value.code == 2
    assert "name the agent first" in capsys.readouterr().err
    assert board("--agent", "mine.py:Word", "--agent-arg", "wrod=yes") == 2
    assert "it takes word" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["md", "csv", "json"])
def test_other_formats_are_all_that_stands_on_the_output(folder, capsys, form):
    board("--agents", "random", "--format", form)
    said = capsys.readouterr().out
    if form == "json":
        assert json.loads(said)["lines"][0]["agent"] == "random"
    elif form == "csv":
        assert len(list(csv.DictReader(io.StringIO(said)))) == 1
    else:
        assert said == (folder / "out" / "leaderboard.md").read_text()


def test_an_engine_that_is_not_installed_is_skipped_and_said(folder, capsys, monkeypatch):
    missing = Benchmark("PDDL", "agemem_gym.envs.pddl:PDDLTask", "pddl", "no_such_engine", "an engine that nobody has")
    monkeypatch.setattr("agemem_gym.leaderboard.plan.BENCHMARKS", [missing])
    assert main(["leaderboard", "--envs", ENV, "AgeMem-PDDL-v0", "--agents", "random", "--episodes", "1", "--out", "out",
                 *FAST]) == 0  # fmt: skip
    said = capsys.readouterr().out
    assert "skipped AgeMem-PDDL-v0: no_such_engine is not installed" in said
    assert "[pddl]" in said
    assert main(["leaderboard", "--envs", "AgeMem-PDDL-v0", "--out", "out"]) == 2


def test_an_agent_that_ends_the_program_ends_its_episode_only(folder, capsys):
    status = board("--agent", "mine.py:Word", "--agent-arg", "word=broken", "--agents", "oracle")
    assert status == 1
    rows = {row.agent: row for row in read_rows(folder / "out" / RESULTS)}
    assert rows["mine.py:Word"].error == "SystemExit: 4"
    assert rows["mine.py:Word"].error_at == "mine.py:11"
    assert rows["oracle"].success
    assert board("--agent", "mine.py:Word", "--agent-arg", "word=broken", "--agents", "oracle", "--raise") == 1
    assert "SystemExit: 4" in capsys.readouterr().err


def test_a_dead_judge_is_found_before_the_run(folder, capsys, judge):
    judge.says = [None]
    keywords = ["--env-arg", f"judge={judge.url}", "--env-arg", 'judge_options={"attempts": 1, "backoff": 0.01}']
    assert board("--agents", "random", *keywords) == 2
    assert "before the run" in capsys.readouterr().err
    assert list(read_rows(folder / "out" / RESULTS)) == []
    assert main(["run", ENV, *FAST, *keywords]) == 2


def test_fallbacks_of_the_judge_stand_in_row_table_and_status(folder, capsys, judge):
    judge.says = ["1.0", "I would say that it is fine."]
    keywords = ["--env-arg", f"judge={judge.url}", "--env-arg", 'judge_options={"attempts": 1, "backoff": 0.01}',
                "--env-arg", "reward=composite"]  # fmt: skip
    arguments = ["--envs", STAGES, "--agents", "oracle", "--episodes", "1", "--out", "out", *FAST, *keywords]
    assert main(["leaderboard", *arguments]) == 3
    said = capsys.readouterr().out
    assert "judge-" in said
    assert "failed" in said
    (row,) = read_rows(folder / "out" / RESULTS)
    assert row.judge_fallbacks
    judge.says = ["1.0"]
    assert main(["leaderboard", *arguments, "--fresh"]) == 0


def test_a_recording_is_never_emptied_and_never_half_there(folder, capsys):
    record = folder / "record.jsonl"
    arguments = ["run", ENV, "--agent", "mine.py:Word", *FAST, "--record", str(record)]
    assert main([*arguments, "--episodes", "2"]) == 0
    before = record.read_bytes()
    assert main([*arguments, "--agent-arg", "colour=red"]) == 2
    assert main(arguments) == 2
    assert "--append adds to it" in capsys.readouterr().err
    assert record.read_bytes() == before
    assert main([*arguments, "--append", "--seed", "2"]) == 0
    assert record.read_bytes().startswith(before)
    assert [episode.seed for episode in read_episodes(record)] == [0, 1, 2]
    assert [path.name for path in folder.glob("record*")] == ["record.jsonl"]
    assert main([*arguments[:-1], str(folder)]) == 2
    assert main([*arguments[:-1], str(folder / "mine.py" / "x.jsonl")]) == 2
    said = capsys.readouterr().err
    assert "it is a folder" in said
    assert "Traceback" not in said


def test_what_was_finished_before_a_stop_is_in_the_recording(folder, monkeypatch):
    record = folder / "record.jsonl.gz"
    played = []

    def stop(self, text):
        if played:
            raise KeyboardInterrupt
        played.append(text)
        return write(self, text)

    from agemem_gym.leaderboard.recording import Recording

    write = Recording.write
    monkeypatch.setattr(Recording, "write", stop)
    assert main(["run", ENV, "--agent", "mine.py:Word", "--episodes", "3", *FAST, "--record", str(record)]) == 130
    assert [episode.seed for episode in read_episodes(record)] == [0]


def test_run_plays_samples_in_processes_and_says_how_far_it_is(folder, capsys):
    assert main(["run", ENV, "--agent", "mine.py:Word", "--episodes", "2", "--samples", "2", "--jobs", "2", *FAST]) == 0
    said = capsys.readouterr().out
    assert "4/4  seed" in said
    assert f"{ENV} (encoder=hash, index=exact)" in said
    assert main(["run", "AgeMem-BabyA-v0"]) == 2
    assert "did you mean" in capsys.readouterr().err
