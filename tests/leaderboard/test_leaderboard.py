"""The leaderboard: complete after a kill, no row twice, the same table; users' own agents; workers that die."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from agemem_gym.agent import make_agent
from agemem_gym.cli import main
from agemem_gym.episode import read_episodes
from agemem_gym.errors import ConfigurationError
from agemem_gym.leaderboard import run_leaderboard
from agemem_gym.leaderboard.play import Block, play_block
from agemem_gym.leaderboard.pool import WorkerFailure
from agemem_gym.leaderboard.results import EPISODES, RESULTS, ResultsFolder, read_episode, read_rows
from agemem_gym.registration import BENCHMARKS

ENV = "AgeMem-BabyAI-v0"
FAST = {"encoder": "hash", "index": "exact"}


def plain(row):
    return {key: value for key, value in json.loads(row.to_json()).items() if key not in ("seconds", "place")}


def table(path):
    """The tables without their last columns, seconds among them."""
    return [line.rsplit("|", 2)[0] for line in path.read_text().splitlines() if line.startswith("|")]


def command(out, episodes=8):
    keywords = [f"--env-arg={key}={value}" for key, value in FAST.items()]
    return [sys.executable, "-m", "agemem_gym.cli", "leaderboard", "--agents", "random", "scripted", "--envs", ENV,
            "--episodes", str(episodes), "--jobs", "2", "--split", "train", "--out", str(out), *keywords]  # fmt: skip


def test_killed_in_the_middle_and_run_again_it_is_as_if_undisturbed(tmp_path):
    run = subprocess.Popen(command(tmp_path / "killed"), stdout=subprocess.DEVNULL, start_new_session=True)
    lines = tmp_path / "killed" / RESULTS
    for _ in range(600):
        if lines.exists() and lines.read_bytes().count(b"\n") >= 3:
            break
        time.sleep(0.05)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    assert 3 <= lines.read_bytes().count(b"\n") < 16
    with lines.open("a") as file:
        file.write('{"agent": "random", "torn')
    for out in ("killed", "whole"):
        subprocess.run(command(tmp_path / out), stdout=subprocess.DEVNULL, check=True)
    killed, whole = (sorted(read_rows(tmp_path / out / RESULTS), key=lambda r: r.key) for out in ("killed", "whole"))
    assert len({row.key for row in killed}) == len(killed) == 16
    assert [plain(row) for row in killed] == [plain(row) for row in whole]
    assert table(tmp_path / "killed" / "leaderboard.md") == table(tmp_path / "whole" / "leaderboard.md")


def test_what_is_there_is_not_played_again(tmp_path):
    run_leaderboard(["random"], [ENV], 2, tmp_path, env_kwargs=FAST)
    before = (tmp_path / RESULTS).read_text(), (tmp_path / EPISODES).read_text()
    rows = run_leaderboard(["random"], [ENV], 2, tmp_path, env_kwargs=FAST)
    assert ((tmp_path / RESULTS).read_text(), (tmp_path / EPISODES).read_text()) == before
    assert [row.seed for row in rows] == [0, 1]


AGENTS = """
    import os

    class Good:
        def reset(self, info):
            self.n = 0

        def act(self, obs, info):
            return "<answer>x</answer>"

    class Crashing(Good):
        def act(self, obs, info):
            raise RuntimeError("I broke")

    class Deadly(Good):
        def act(self, obs, info):
            if info["seed"] == 1:
                os._exit(9)
            return "<answer>x</answer>"
"""


@pytest.fixture
def agents(tmp_path, monkeypatch):
    (tmp_path / "my_agents.py").write_text(textwrap.dedent(AGENTS))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def test_a_users_own_agent_needs_no_registration(agents, capsys):
    assert (
        main(["run", ENV, "--agent", "my_agents:Good", "--episodes", "2", "--record", str(agents / "record.jsonl")])
        == 0
    )
    assert [episode.answer for episode in read_episodes(agents / "record.jsonl")] == ["x", "x"]
    assert main(["replay", str(agents / "record.jsonl")]) == 0
    assert "2 of 2 episodes are the same" in capsys.readouterr().out


def test_a_tampered_record_is_found_out(agents, capsys):
    path = agents / "record.jsonl"
    main(["run", ENV, "--agent", "my_agents:Good", "--record", str(path)])
    path.write_text(path.read_text().replace("You are not carrying anything", "You are carrying a crown"))
    assert main(["replay", str(path)]) == 1
    assert "differs at reply 0, start" in capsys.readouterr().out


def test_a_crashing_agent_costs_its_episodes_and_they_are_played_again(agents):
    rows = run_leaderboard(["my_agents:Crashing"], [ENV], 2, agents / "out", env_kwargs=FAST)
    assert [row.error for row in rows] == ["RuntimeError: I broke"] * 2
    assert all(row.error_at.endswith("my_agents.py:13") for row in rows)
    run_leaderboard(["my_agents:Crashing"], [ENV], 2, agents / "out", env_kwargs=FAST)
    assert len(list(read_rows(agents / "out" / RESULTS))) == 4


def test_a_worker_that_dies_takes_only_the_episode_that_it_died_of(agents):
    rows = run_leaderboard(["my_agents:Deadly"], [ENV], 4, agents / "out", processes=2, env_kwargs=FAST)
    assert [row.error is None for row in rows] == [True, False, True, True]
    assert "exit code 9" in rows[1].error


def test_a_wrong_configuration_ends_the_run_at_once(agents):
    with pytest.raises(WorkerFailure, match="unknown encoder"):
        run_leaderboard(["random"], [ENV], 2, agents / "out", processes=2, env_kwargs={"encoder": "bert"})
    for arguments, message in (
        ((["nobody"], [ENV], 1), "unknown agent 'nobody'"),
        ((["my_agents:Nobody"], [ENV], 1), "has no 'Nobody'"),
        ((["my_agents"], [ENV], 1), "unknown agent"),
        ((["random"], ["AgeMem-Chess-v0"], 1), "unknown env"),
        ((["random"], [ENV], 0), "episodes=0"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            run_leaderboard(*arguments, agents / "out2")
    with pytest.raises(ConfigurationError, match="cannot be made with"):
        make_agent("random", colour="red")


def test_two_runs_do_not_write_into_one_file(tmp_path):
    with ResultsFolder(tmp_path), pytest.raises(ConfigurationError, match="another run"):
        ResultsFolder(tmp_path)
    ResultsFolder(tmp_path).__exit__(None, None, None)


def test_list_doctor_and_errors(capsys):
    assert main(["list"]) == 0
    assert main(["doctor"]) == 0
    assert main(["run", ENV, "--agent", "nobody"]) == 2
    assert main(["replay", "/nowhere.jsonl"]) == 2
    said = capsys.readouterr()
    assert ENV in said.out
    assert "agemem: unknown agent 'nobody'" in said.err


def test_a_person_plays_in_the_terminal(monkeypatch, capsys):
    lines = iter([":commands", ":add a note", ":get note", "turn left", ":context", ":answer done"])
    monkeypatch.setattr("builtins.input", lambda *a: next(lines))
    assert main(["play", ENV, "--env-arg", "level=GoToObj"]) == 0
    said = capsys.readouterr().out
    assert "Stored as m1." in said
    assert "return" in said


class Reversed:
    """An executor of a user's own: plays the last job first."""

    def play(self, wanted):
        for item in reversed(wanted):
            yield from play_block(Block((item,)))


def test_an_executor_is_one_method(tmp_path):
    rows = run_leaderboard(["random"], [ENV], 3, tmp_path / "own", env_kwargs=FAST, executor=Reversed())
    here = run_leaderboard(["random"], [ENV], 3, tmp_path / "here", env_kwargs=FAST, slots=2)
    assert [plain(row) for row in rows] == [plain(row) for row in here]
    assert [row.seed for row in read_rows(tmp_path / "own" / RESULTS)] == [2, 1, 0]


def test_a_worker_that_dies_with_several_live_episodes_takes_only_the_one_that_killed_it(agents):
    rows = run_leaderboard(
        ["my_agents:Deadly"], [ENV], 9, agents / "out", processes=2, slots=3, env_kwargs={**FAST, "max_rounds": 2}
    )
    assert [row.seed for row in rows if row.error is not None] == [1]
    assert len(list(read_rows(agents / "out" / RESULTS))) == 9


def test_a_stream_that_carries_memory_over_is_played_in_order_in_one_env_or_not_at_all(tmp_path):
    keywords = {**FAST, "keep_memory": True}
    rows = run_leaderboard(["scripted"], [ENV], 4, tmp_path, env_kwargs=keywords, processes=2, slots=3)
    held = [read_episode(tmp_path, row).initial_memory for row in rows]
    assert [len(records) > 0 for records in held] == [False, True, True, True]
    lines = (tmp_path / RESULTS).read_bytes().splitlines(keepends=True)
    (tmp_path / RESULTS).write_bytes(b"".join(lines[:2]))
    again = run_leaderboard(["scripted"], [ENV], 4, tmp_path, env_kwargs=keywords)
    assert len(list(read_rows(tmp_path / RESULTS))) == 6
    assert [plain(row) for row in again] == [plain(row) for row in rows]


def test_by_default_held_out_tasks_in_three_stages_and_then_bare(monkeypatch):
    asked = {}

    def remember(*, agents, env_ids, **settings):
        asked.update(agents=[agent.name for agent in agents], envs=env_ids, **settings)
        return []

    monkeypatch.setattr("agemem_gym.leaderboard.run_leaderboard", remember)
    main(["leaderboard"])
    staged = [benchmark.three_stage_id for benchmark in BENCHMARKS]
    assert list(asked["envs"]) == [*staged, *(benchmark.env_id for benchmark in BENCHMARKS)]
    assert asked["env_kwargs"]["split"] == "test"
    assert {"random", "oracle"} <= set(asked["agents"])
