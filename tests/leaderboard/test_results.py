"""Results and episodes on the disk: kills, damage, full disks, other versions, folders that cannot be written."""

import gzip
import io
import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from agemem_gym.episode import read_episodes
from agemem_gym.errors import ConfigurationError
from agemem_gym.leaderboard import run as running
from agemem_gym.leaderboard import run_leaderboard
from agemem_gym.leaderboard.results import DAMAGED, EPISODES, RESULTS, ResultsFolder, read_episode, read_rows
from agemem_gym.terminal import Terminal

ENV = "AgeMem-BabyAI-v0"
FAST = {"encoder": "hash", "index": "exact"}


def play(out, episodes=3, agents=("random",), **options):
    console = Terminal(file=io.StringIO(), width=160)
    rows = run_leaderboard(list(agents), [ENV], episodes, out, env_kwargs=FAST, console=console, **options)
    return rows, console.file.getvalue()


def agree(folder, count):
    """Every row has its episode where it says, every episode its row, and nothing is there twice."""
    rows = list(read_rows(folder / RESULTS))
    name = rows[0].place["file"]
    episodes = list(read_episodes(folder / name))
    assert len(rows) == len({row.key for row in rows}) == len(episodes) == count
    ends = 0
    for row in sorted(rows, key=lambda row: row.place["offset"]):
        assert row.place["offset"] == ends
        ends += row.place["length"]
        there = read_episode(folder, row)
        assert (there.seed, there.sample, there.agent["name"]) == (row.seed, row.sample, row.agent)
        assert episodes[row.place["line"] - 1].to_json() == there.to_json()
    assert ends == (folder / name).stat().st_size


@pytest.mark.parametrize("compressed", [False, True])
def test_each_row_says_where_its_episode_lies(tmp_path, compressed):
    play(tmp_path, compressed=compressed)
    play(tmp_path, episodes=5)  # the form of the file that is there is kept
    agree(tmp_path, 5)
    assert (tmp_path / f"{EPISODES}.gz").exists() == compressed
    if compressed:
        with gzip.open(tmp_path / f"{EPISODES}.gz", "rt") as file:
            assert len(file.readlines()) == 5


def test_episodes_are_kept_as_asked(tmp_path):
    rows, _ = play(tmp_path / "none", keep_episodes="none")
    assert not (tmp_path / "none" / EPISODES).exists()
    with pytest.raises(ConfigurationError, match="was not kept"):
        read_episode(tmp_path / "none", rows[0])
    rows, _ = play(tmp_path / "failed", 8, ["scripted", "oracle"], keep_episodes="failed")
    rows = list(read_rows(tmp_path / "failed" / RESULTS))
    assert [bool(row.place) for row in rows] == [not row.success for row in rows]
    with pytest.raises(ConfigurationError, match="keep_episodes='some'"):
        play(tmp_path, keep_episodes="some")


def command(out, episodes):
    keywords = [f"--env-arg={key}={value}" for key, value in FAST.items()]
    return [sys.executable, "-m", "agemem_gym.cli", "leaderboard", "--agents", "random", "scripted", "--envs", ENV,
            "--split", "train", "--episodes", str(episodes), "--slots", "3", "--out", str(out), *keywords]  # fmt: skip


def kill_in_the_midst(out, episodes, until):
    run = subprocess.Popen(command(out, episodes), stdout=subprocess.DEVNULL, start_new_session=True)
    until(run)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()


def test_a_kill_between_episode_and_row_neither_loses_nor_doubles(tmp_path):
    play(tmp_path)
    whole = (tmp_path / EPISODES).read_bytes()
    rows = (tmp_path / RESULTS).read_bytes().splitlines(keepends=True)
    for row_bytes in (0, 40):  # the episode is on the disk; the row is not, or torn
        (tmp_path / EPISODES).write_bytes(whole)
        (tmp_path / RESULTS).write_bytes(b"".join(rows[:2]) + rows[2][:row_bytes])
        _, said = play(tmp_path)
        assert "2 of 3 episodes are in" in said
        agree(tmp_path, 3)
    (tmp_path / RESULTS).write_bytes(b"".join(rows[:2]))
    (tmp_path / EPISODES).write_bytes(whole[: len(whole) - 50])  # the episode itself is torn
    play(tmp_path)
    agree(tmp_path, 3)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_at_twenty_random_moments_rows_and_episodes_agree(tmp_path):
    moments = random.Random(0)
    for _ in range(20):
        written = (tmp_path / RESULTS).stat().st_size if (tmp_path / RESULTS).exists() else 0

        def until(run, written=written):
            while run.poll() is None and (
                not (tmp_path / RESULTS).exists() or (tmp_path / RESULTS).stat().st_size <= written
            ):
                time.sleep(0.005)
            time.sleep(moments.uniform(0, 0.05))

        kill_in_the_midst(tmp_path, 60, until)
    subprocess.run(command(tmp_path, 60), stdout=subprocess.DEVNULL, check=True)
    agree(tmp_path, 120)


def damaged(folder, how):
    lines = (folder / RESULTS).read_bytes().split(b"\n")
    lines[1] = how(lines[1])
    (folder / RESULTS).write_bytes(b"\n".join(lines))


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (lambda line: line[:100], "Unterminated|delimiter|Expecting"),
        (lambda line: line[:50] + b"\0" * 60 + line[110:], "control character|Expecting"),
        (lambda line: line.replace(b'"agent"', b'"\xff\xfe"', 1), "utf-8"),
        (lambda line: line.replace(b'"reward": ', b'"reward": null, "_": ', 1), "'reward' is None, expected float"),
        (lambda line: line.replace(b'"success": ', b'"success": 1, "_": ', 1), "'success' is 1, expected bool"),
        (lambda line: line.replace(b'"progress": ', b'"progress": NaN, "_": ', 1), "'progress' is nan"),
        (lambda line: b"[1, 2]", "expected a mapping, not list"),
        (lambda line: b"[" * 100_000, "recursion|Expecting"),
        (lambda line: b'{"agent": "a"}', "it has no 'env_id'"),
    ],
)
def test_damage_is_named_by_line_and_repaired_when_asked(tmp_path, how, reason):
    play(tmp_path)
    damaged(tmp_path, how)
    before = (tmp_path / RESULTS).read_bytes()
    with pytest.raises(ConfigurationError, match=rf"line 2 is no result \(.*({reason}).*--repair"):
        play(tmp_path)
    assert (tmp_path / RESULTS).read_bytes() == before
    rows, said = play(tmp_path, repair=True)
    assert "2 of 3 episodes are in" in said
    assert len(rows) == len(list(read_rows(tmp_path / RESULTS))) == 3
    assert (tmp_path / DAMAGED).read_bytes().split(b"\n")[0] == before.split(b"\n")[1]
    _, said = play(tmp_path)
    assert "3 of 3 episodes are in" in said


def test_a_row_whose_episode_is_gone_is_damage_too(tmp_path):
    play(tmp_path)
    content = (tmp_path / EPISODES).read_bytes()
    (tmp_path / EPISODES).write_bytes(content[: len(content) // 2])
    with pytest.raises(ConfigurationError, match=r"2 rows name episodes that are not in episodes\.jsonl"):
        play(tmp_path)
    play(tmp_path, repair=True)
    agree(tmp_path, 3)


def test_rows_of_other_versions_are_another_experiment(tmp_path, monkeypatch):
    play(tmp_path)
    other = {**running.installed_versions(), "commit": "0123456789ab"}
    monkeypatch.setattr("agemem_gym.env.installed_versions", lambda: other)
    monkeypatch.setattr("agemem_gym.leaderboard.run.installed_versions", lambda: other)
    rows, said = play(tmp_path)
    assert "episodes are in" not in said
    assert {row.versions["commit"] for row in rows} == {"0123456789ab"}
    assert len(list(read_rows(tmp_path / RESULTS))) == 6
    assert "3 more episodes" in (tmp_path / "leaderboard.md").read_text()
    assert "commit 0123456789ab" in (tmp_path / "leaderboard.md").read_text()


def test_fresh_plays_all_anew_and_keeps_what_was_there_beside(tmp_path):
    play(tmp_path)
    _, said = play(tmp_path, fresh=True)
    assert "already" not in said
    agree(tmp_path, 3)
    agree(tmp_path / "before-1", 3)


def test_the_table_on_the_disk_holds_all_that_is_in_the_results(tmp_path):
    play(tmp_path, agents=["oracle"])
    _, said = play(tmp_path, agents=["random"])
    text = (tmp_path / "leaderboard.md").read_text()
    assert "| oracle † |" in text
    assert "| random ‡ |" in text
    assert "and 1 more lines of what was played before" in said


def test_results_of_an_earlier_version_are_not_taken_for_episodes(tmp_path):
    (tmp_path / EPISODES).write_text('{"agent": "random", "env_id": "x"}\n')
    with pytest.raises(ConfigurationError, match="earlier version"):
        play(tmp_path)
    play(tmp_path, fresh=True)
    agree(tmp_path, 3)


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    for out, message in (
        (tmp_path / "file", "it is a file"),
        (tmp_path / "file" / "inside", "it is a file, or lies in one"),
        (tmp_path.__class__("/proc/nowhere"), "cannot write into /proc/nowhere"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            play(out)
    (tmp_path / "out" / RESULTS).mkdir(parents=True)
    with pytest.raises(ConfigurationError, match=r"cannot (read|write) .*results\.jsonl: Is a directory"):
        play(tmp_path / "out")


def test_a_full_disk_is_one_sentence_and_what_was_written_counts(tmp_path):
    code = (
        "import resource, signal, sys; from agemem_gym.cli import main; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY)); sys.exit(main(sys.argv[1:]))"
    )
    arguments = command(tmp_path, 30)[3:]
    run = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert run.returncode != 0
    assert "Traceback" not in run.stderr
    assert "File too large; what was finished before is kept" in run.stderr
    before = (tmp_path / RESULTS).read_bytes().count(b"\n")
    assert 0 < before < 60
    subprocess.run(command(tmp_path, 30), stdout=subprocess.DEVNULL, check=True)
    agree(tmp_path, 60)


def test_two_runs_do_not_write_into_one_folder(tmp_path):
    with ResultsFolder(tmp_path), pytest.raises(ConfigurationError, match="another run"):
        ResultsFolder(tmp_path)
    with ResultsFolder(tmp_path) as results:
        assert results.rows == []


def test_the_json_of_a_row_is_strict(tmp_path):
    play(tmp_path)
    for line in (tmp_path / RESULTS).read_text().splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(name))
