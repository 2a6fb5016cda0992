"""The suite of streams: what is played, that memory is frozen, that a board goes on where it was, what the tables say."""

import importlib.util
import json
import math
import sys
from pathlib import Path

import gymnasium
import pytest

from agemem_gym.cli import main
from agemem_gym.errors import ConfigurationError
from agemem_gym.leaderboard.results import MEMORIES, RESULTS, read_rows
from agemem_gym.leaderboard.streams import run_streams
from agemem_gym.leaderboard.streams.board import MEASURES, stream_board
from agemem_gym.leaderboard.streams.memories import MemoriesFile, memory_from_json, memory_to_json
from agemem_gym.leaderboard.streams.plan import Cell, cells_of
from agemem_gym.memory import MemoryRecord, StoreSnapshot
from agemem_gym.plain import plain
from agemem_gym.stream import Matrix, StreamSettings

PANTRY = Path(__file__).parents[1] / "stream" / "conftest.py"
ENV = "AgeMem-Pantry-Stream-v0"
KEYWORDS = {
    "encoder": "hash",
    "index": "exact",
    "tasks": 4,
    "worlds": 2,
    "n1": 12,
    "n2": 1,
    "turns": 1,
    "top_k": 0,
    "change_rate": 0.5,
}

AGENTS = '''
import re

from agemem_gym.protocol import call_reply

SAYS = re.compile(r"^At (.*): The (\\w+) is in box (\\d+)\\.")
NEXT = "<answer>Noted.</answer>"


class Forgetful:
    """Opens the boxes one after the other."""

    def reset(self, info):
        self.box = 0
        self.looked = False
        self.task = info.get("instruction", "")

    def act(self, obs, info):
        self.task = info.get("instruction", self.task)
        if info["stage"] != 3:
            return self.hear(next(m["content"] for m in reversed(info["messages"]) if m["role"] == "user"))
        return self.solve(info)

    def hear(self, text):
        return NEXT

    def solve(self, info):
        self.box += 1
        return f"<action>open box {self.box}</action>"


class Keeper(Forgetful):
    """Keeps where each thing is, by name; a correction is put beside what it corrects, so that the newest entry counts."""

    def hear(self, text):
        return call_reply(("Add_memory", {"content": text.split(" It is no")[0]})) if SAYS.match(text) else NEXT

    def believed(self, boxes):
        return boxes[::-1]

    def solve(self, info):
        if not self.looked:
            self.looked = True
            self.wanted = info["stream"]["place"], self.task.split()[-1].rstrip(".")
            return call_reply(("Retrieve_memory", {"query": "At %s: The %s is in box" % self.wanted, "top_k": 20}))
        if info["tool_results"]:
            data = info["tool_results"][-1]["data"]
            known = dict(zip(data["ids"], data["contents"]))
            found = [(n, SAYS.match(known[f"m{n}"])) for n in sorted(int(i[1:]) for i in known)]
            found = [(n, m) for n, m in found if m]
            self.boxes = [m[3] for _, m in found if (m[1], m[2]) == self.wanted]
            self.boxes = self.believed(self.boxes)
        return f"<action>open box {self.boxes.pop(0) if self.boxes else 0}</action>"


class First(Keeper):
    """Believes what it was told first."""

    def believed(self, boxes):
        return boxes[:1]


class Writer(Keeper):
    """Writes while it solves."""

    def solve(self, info):
        if not self.looked:
            self.looked = True
            return call_reply(("Add_memory", {"content": "I was here."}))
        self.box += 1
        return f"<action>open box {self.box}</action>"


class Breaks(Keeper):
    """Fails at the second task of a stream unless it is told not to."""

    def solve(self, info):
        import os
        place = info["stream"]
        if place["part"] == "task" and place["task"] == 2 and os.path.exists(os.environ["PANTRY_BREAKS"]):
            raise RuntimeError("the pantry is locked")
        return super().solve(info)
'''


@pytest.fixture
def pantry(tmp_path, monkeypatch):
    """The pantry as a registered stream, and agents that play it, importable here and in worker processes."""
    source = PANTRY.read_text(encoding="utf-8")
    (tmp_path / "pantry_env.py").write_text(
        source
        + f"""
import gymnasium

if "{ENV}" not in gymnasium.registry:
    gymnasium.register(
        "{ENV}",
        entry_point="agemem_gym.registration:make_stream",
        kwargs={{"task": "pantry_env:PantryTask"}},
        order_enforce=False,
        disable_env_checker=True,
    )
"""
    )
    (tmp_path / "pantry_agents.py").write_text("import pantry_env\n" + AGENTS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PANTRY_BREAKS", str(tmp_path / "locked"))
    importlib.import_module("pantry_env")
    yield tmp_path
    for name in ("pantry_env", "pantry_agents"):
        sys.modules.pop(name, None)
    gymnasium.registry.pop(ENV, None)


def play(out, *agents, streams=2, **settings):
    keywords = {**KEYWORDS, **settings.pop("env_kwargs", {})}
    named = [f"{name.lower()}=pantry_agents:{name}" for name in agents]
    return run_streams(named, [ENV], streams, out, env_kwargs=keywords, **settings)


def without_time(rows):
    return [plain(row) | {"seconds": 0} for row in rows]


# ------------------------------------------------------------------------------------------------------------- the plan


def test_the_needed_cells_are_each_task_from_just_before_its_turn_on():
    settings = StreamSettings(tasks=3, worlds=1, held_out=1)
    scored = [(cell.after, cell.task) for cell in cells_of(settings, 0) if cell.kind == "scored"]
    assert scored == [(1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (3, 1), (3, 2), (3, 3)]
    every = [(cell.after, cell.task) for cell in cells_of(settings, 0, "all") if cell.kind == "scored"]
    assert every == [(i, j) for i in (1, 2, 3) for j in (1, 2, 3)]


def test_a_cell_is_read_back_from_its_options():
    for cell in cells_of(StreamSettings(tasks=3, worlds=2, held_out=1), 5, "all"):
        assert Cell.of(cell.options) == cell


def test_without_memory_a_task_is_scored_once_for_each_state_of_its_world():
    moving = StreamSettings(tasks=4, worlds=2, change_rate=0.5, held_out=0)
    states = [(cell.task, cell.after) for cell in cells_of(moving, 0) if cell.kind == "without"]
    assert states == [(1, 0), (1, 3), (2, 0), (2, 4), (3, 0), (3, 3), (4, 0), (4, 4)]
    still = StreamSettings(tasks=4, worlds=2, change_rate=0.0, held_out=0)
    assert [(c.task, c.after) for c in cells_of(still, 0) if c.kind == "without"] == [(1, 0), (2, 0), (3, 0), (4, 0)]


# ----------------------------------------------------------------------------------------------------------- what it says


def test_who_keeps_what_is_told_is_better_off_than_who_does_not(pantry):
    rows = play(pantry / "out", "Forgetful", "Keeper", streams=3)
    lines = {line.agent: line for line in stream_board(rows)}
    keeper, forgetful = lines["keeper"], lines["forgetful"]
    assert keeper.figure(lambda m: m.learned).value == 1.0
    assert keeper.figure(lambda m: m.stability).low > forgetful.figure(lambda m: m.stability).high
    assert keeper.figure(lambda m: m.plasticity).low > forgetful.figure(lambda m: m.plasticity).high
    assert keeper.figure(lambda m: m.generalisation).low > 0
    gains = ("plasticity", "stability", "generalisation")
    nothing = [measure(stream.matrix) for stream in forgetful.streams for name, measure in MEASURES if name in gains]
    assert set(nothing) == {0.0}
    assert keeper.figure(lambda m: m.forgetting).value == 0.0


def test_who_does_not_mend_its_memory_loses_where_the_world_changes(pantry):
    still = stream_board(play(pantry / "still", "Keeper", "First", streams=2, env_kwargs={"change_rate": 0.0}))
    moving = stream_board(play(pantry / "moving", "Keeper", "First", streams=2))
    ends = [{line.agent: line.figure(lambda m: m.in_the_end).value for line in board} for board in (still, moving)]
    assert ends[0] == {"keeper": 1.0, "first": 1.0}
    assert ends[1]["first"] < ends[1]["keeper"] == 1.0


def test_what_is_written_in_an_evaluation_is_thrown_away(pantry):
    rows = play(pantry / "out", "Writer", streams=1)
    held = {
        (row.options.get("stream_from"), row.options.get("after")): row.curriculum["stream"]["entries"] for row in rows
    }
    told = [row.curriculum["n1"] for row in rows if "stream_from" in row.options]
    assert held[None, 1] == held[2, None]
    assert held[2, None] == told[0] + 1  # what was told, and one note of the task itself: none of the evaluations
    assert held[None, 4] == sum(told) + 4


def test_an_evaluation_that_comes_to_the_same_is_not_played_again(pantry):
    (line,) = stream_board(rows := play(pantry / "out", "Forgetful", streams=1))
    assert line.agent == "forgetful"
    played = [row for row in rows if row.seconds]
    scored = [row for row in played if "after" in row.options]
    assert len(scored) < sum("after" in row.options for row in rows)
    assert [row.curriculum["stream"]["after"] for row in rows if "after" in row.options] == [
        row.options["after"] for row in rows if "after" in row.options
    ]


# -------------------------------------------------------------------------------------------------- going on, elsewhere


def test_processes_give_the_same_rows(pantry):
    here = play(pantry / "here", "Keeper", streams=2)
    there = play(pantry / "there", "Keeper", streams=2, processes=2)
    assert without_time(here) == without_time(there)


def test_what_is_there_is_not_played_again(pantry):
    out = pantry / "out"
    first = play(out, "Keeper")
    before = (out / RESULTS).read_bytes()
    assert without_time(play(out, "Keeper")) == without_time(first)
    assert (out / RESULTS).read_bytes() == before


@pytest.mark.parametrize("lines", [1, 7, 9, 12, 20, 24])
def test_a_board_that_was_killed_goes_on_with_the_memory_it_had(pantry, lines):
    whole = play(pantry / "whole", "Keeper", streams=1)
    out = pantry / "out"
    play(out, "Keeper", streams=1)
    rows = (out / RESULTS).read_bytes().splitlines(keepends=True)
    (out / RESULTS).write_bytes(b"".join(rows[:lines]) + rows[lines][:40])
    again = play(out, "Keeper", streams=1)
    assert without_time(again) == without_time(whole)
    assert len(list(read_rows(out / RESULTS))) == len(whole)  # nothing was played twice


def test_without_its_memories_a_stream_is_played_from_its_first_task_on(pantry):
    out = pantry / "out"
    whole = play(out, "Keeper", streams=1)
    rows = (out / RESULTS).read_bytes().splitlines(keepends=True)
    (out / RESULTS).write_bytes(b"".join(rows[:12]))
    (out / MEMORIES).unlink()
    assert without_time(play(out, "Keeper", streams=1)) == without_time(whole)
    again = [row.options for row in list(read_rows(out / RESULTS))[12:]]
    assert again[0] == {"stream_from": 1}


def test_a_damaged_memory_is_as_if_it_were_not_there(pantry):
    out = pantry / "out"
    whole = play(out, "Keeper", streams=1)
    rows = (out / RESULTS).read_bytes().splitlines(keepends=True)
    (out / RESULTS).write_bytes(b"".join(rows[:12]))
    (out / MEMORIES).write_bytes(b'{"key": 3}\nno json\n{"torn')
    assert without_time(play(out, "Keeper", streams=1)) == without_time(whole)


def test_a_stream_that_breaks_off_says_so_and_is_gone_on_with(pantry):
    out = pantry / "out"
    (pantry / "locked").touch()
    rows = play(out, "Breaks", streams=1)
    errors = [row.error for row in rows if row.error]
    assert errors[0] == "RuntimeError: the pantry is locked"
    assert errors[1] == "the stream broke off: there is no memory after its task 2"
    (line,) = stream_board(rows)
    assert line.streams[0].failed == len(errors)
    assert line.figure(lambda m: m.in_the_end).value == 0.0
    (pantry / "locked").unlink()
    mended = play(out, "Breaks", streams=1)
    assert not [row for row in mended if row.error]
    assert mended[-1].success
    assert [row.options for row in list(read_rows(out / RESULTS))].count({"stream_from": 1}) == 1


def test_fresh_moves_memories_aside_too(pantry):
    out = pantry / "out"
    play(out, "Keeper", streams=1)
    play(out, "Keeper", streams=1, fresh=True)
    assert (out / "before-1" / MEMORIES).exists()
    assert len(MemoriesFile(out)._found) == 4


def test_a_memory_is_read_back_as_it_was_written():
    snapshot = StoreSnapshot((MemoryRecord("m2", "ünï", {"tags": ["a"], "n": 1}, 3, 5),), 7, 9)
    assert memory_from_json(memory_to_json(snapshot)) == snapshot
    assert memory_to_json({"of": "another kind"}) is None
    with pytest.raises(ConfigurationError, match="not a memory"):
        memory_from_json('{"records": 3}')


# ------------------------------------------------------------------------------------------------------ tables and words


def test_the_board_reads_its_matrix_from_the_rows(pantry):
    (line,) = stream_board(play(pantry / "out", "Keeper", streams=1, cells="all"))
    (stream,) = line.streams
    assert isinstance(stream.matrix, Matrix)
    assert stream.matrix.scores[3][0] == 1.0
    assert all(score is not None for row in stream.matrix.scores for score in row)
    assert [point.after for point in stream.points] == [1, 2, 3, 4]
    assert [point.entries for point in stream.points] == [12.0, 24.0, 30.0, 36.0]
    assert all(point.tokens > point.entries for point in stream.points)


def test_a_stream_that_is_not_whole_is_left_out_and_counted(pantry):
    rows = play(pantry / "out", "Keeper", streams=2)
    (line,) = stream_board(rows[:-1])
    assert ([stream.number for stream in line.streams], line.missing) == ([0], 1)
    (none,) = stream_board(rows[:3])
    assert math.isnan(none.figure(lambda m: m.plasticity).value)


def test_rows_of_streams_stay_out_of_the_board_of_episodes(pantry):
    from agemem_gym.leaderboard.board import make_board

    assert make_board(play(pantry / "out", "Keeper", streams=1)).lines == ()


def test_the_command_plays_and_prints(pantry, capsys):
    arguments = ["leaderboard", "--suite", "stream", "--envs", f"pantry_env:{ENV}", "--out", str(pantry / "out")]
    arguments += ["--agents", "pantry_agents:Forgetful", "pantry_agents:Keeper", "--episodes", "2"]
    for name, value in KEYWORDS.items():
        arguments += ["--env-arg", f"{name}={value}"]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "split=test" in said
    rows = list(read_rows(pantry / "out" / RESULTS))
    assert {row.agent for row in rows} == {"pantry_agents:Forgetful", "pantry_agents:Keeper"}
    assert {row.seed for row in rows} == {0, 1}
    assert main([*arguments, "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["lines"]) == 2


@pytest.mark.parametrize("form", ["table", "md", "csv", "json"])
def test_each_form_says_the_same(pantry, capsys, form):
    from agemem_gym.terminal import make_terminal

    play(pantry / "out", "Keeper", "Forgetful", streams=2, form=form, console=make_terminal())
    said = capsys.readouterr().out
    assert "keeper" in said
    table = said.partition("All measures")[0].splitlines()
    assert all(len(line) <= 80 for line in table if "━" not in line) or form != "table"
    if form == "json":
        keeper = next(line for line in json.loads(said)["lines"] if line["agent"] == "keeper")
        assert keeper["measures"]["learned"] == {"mean": 1.0, "low": 1.0, "high": 1.0}
        assert len(keeper["played"]) == 2
    if form == "csv":
        assert said.splitlines()[0].startswith("env,agent,streams,without memory,without memory low")


def test_the_tables_are_written_into_the_folder(pantry):
    play(pantry / "out", "Keeper", streams=2, command="agemem leaderboard --suite stream")
    text = (pantry / "out" / "streams.md").read_text(encoding="utf-8")
    assert "| plasticity |" in text
    assert "## Along the stream" in text
    assert "`agemem leaderboard --suite stream`" in text


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--suite", "streem"], "there is no 'streem': expected episodes, stream; did you mean 'stream'?"),
        (["--suite", "stream", "--slots", "3"], "--slots does not go with --suite stream"),
        (["--suite", "stream", "--samples", "3"], "--samples does not go with --suite stream"),
        (["--suite", "stream", "--control", "n1=0"], "--control does not go with --suite stream"),
        (["--cells", "all"], "--cells does not go with --suite episodes"),
        (["--suite", "stream", "--episodes", "0"], "episodes=0: expected a whole number of at least 1"),
        (["--suite", "stream", "--envs", "AgeMem-BabyAI-Steam-v0"], "did you mean 'AgeMem-BabyAI-Stream-v0'?"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(tmp_path, monkeypatch, capsys, arguments, complaint):
    monkeypatch.chdir(tmp_path)
    try:
        status = main(["leaderboard", *arguments])
    except SystemExit as end:
        status = end.code
    assert status == 2
    assert complaint in capsys.readouterr().err
