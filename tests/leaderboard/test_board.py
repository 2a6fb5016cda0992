"""What the board says: effective keywords, privileges, failures, what had to be remembered; text that is nothing but text."""

import csv
import io
import json
import textwrap
from dataclasses import replace

import pytest
from rich.console import Console

from agemem_gym.agent import AgentSpec
from agemem_gym.errors import ConfigurationError
from agemem_gym.leaderboard import EpisodeRow, run_leaderboard
from agemem_gym.leaderboard.board import make_board
from agemem_gym.leaderboard.plan import check_alone, make_plan
from agemem_gym.leaderboard.results import RESULTS, read_rows
from agemem_gym.leaderboard.table import as_csv, as_json, markdown, print_board
from agemem_gym.terminal import Terminal

ENV = "AgeMem-BabyAI-v0"
STAGES = "AgeMem-BabyAI-ThreeStage-v0"
FAST = {"encoder": "hash", "index": "exact"}

AGENTS = """
    class Easy:
        env_kwargs = {"level": "GoToObj"}

        def reset(self, info):
            pass

        def act(self, obs, info):
            return "<answer>x</answer>"

    class Peeking(Easy):
        env_kwargs = {"info_expert": True}

    class Half(Easy):
        env_kwargs = {}

        def act(self, obs, info):
            if info["seed"] % 2:
                raise RuntimeError("[/INST] |broken|\\x1b[31m")
            return "<answer>x</answer>"

    class Loose(Easy):
        env_kwargs = {}

        def act(self, obs, info):
            return "Sure! <answer>x</answer>" if info["seed"] else "<answer>x</answer>"
"""


@pytest.fixture
def agents(tmp_path, monkeypatch):
    (tmp_path / "board_agents.py").write_text(textwrap.dedent(AGENTS))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def play(agent, out, episodes=2, env=ENV, **kwargs):
    console = Terminal(file=io.StringIO(), width=160)
    rows = run_leaderboard([agent], [env], episodes, out, env_kwargs={**FAST, **kwargs}, console=console)
    return rows, console.file.getvalue()


def row(**changes):
    plain = EpisodeRow("a", ENV, {}, 0, agent_spec="a", agent_fingerprint="f", versions={"python": "3"}, steps=1)
    return replace(plain, **changes)


def test_the_user_beats_the_agent_and_row_key_and_title_say_what_was_played(agents):
    rows, said = play("board_agents.py:Easy", agents / "out", 1, level="GoToLocal")
    assert "GoToLocal" in rows[0].task_id
    assert rows[0].env_kwargs["level"] == "GoToLocal"
    rows, said = play("board_agents.py:Easy", agents / "out", 1)
    assert rows[0].env_kwargs["level"] == "GoToObj"
    assert f"{ENV} (encoder=hash, index=exact, level=GoToObj)" in said
    assert len(list(read_rows(agents / "out" / RESULTS))) == 2


def test_an_agent_that_is_shown_the_expert_is_marked_everywhere(agents):
    rows, said = play("board_agents.py:Peeking", agents / "out", 1)
    board = make_board(rows)
    assert rows[0].privileged
    assert "†" in said
    assert "† privileged" in said
    assert "Peeking †" in markdown(board, "x")
    assert json.loads(as_json(board, "x"))["lines"][0]["privileged"] is True
    assert next(csv.DictReader(io.StringIO(as_csv(board, "x"))))["privileged"] == "True"
    assert "info_expert" in (agents / "out" / RESULTS).read_text()
    assert not play("board_agents.py:Peeking", agents / "out", 1, info_expert=False)[0][0].privileged


def test_failed_episodes_count_as_failures_and_the_table_says_how_many(agents):
    rows, said = play("board_agents.py:Half", agents / "out", 6)
    assert sum(row.error is not None for row in rows) == 3
    good = [replace(row, success=True, progress=1.0) if row.error is None else row for row in rows]
    (line,) = json.loads(as_json(make_board(good), "x"))["lines"]
    assert (line["episodes"], line["failed"], line["success"]) == (6, 3, 50.0)
    assert "3 of 6 episodes ended in an error" in said


def test_the_same_agent_named_twice_counts_once_and_two_of_one_name_are_refused(agents):
    spec = AgentSpec.parse("random")
    plan = make_plan([spec, AgentSpec.parse("random")], [ENV, ENV], range(3))
    assert len(plan) == 3
    assert [wanted.job.number for wanted in plan] == [0, 1, 2]
    with pytest.raises(ConfigurationError, match="two agents are called 'random'"):
        make_plan([spec, AgentSpec.parse("random=board_agents.py:Half")], [ENV], range(3))
    assert len(make_plan([spec, AgentSpec.parse("other=random")], [ENV], range(3))) == 6


def test_keywords_that_are_no_plain_data_are_refused(agents):
    for processes in (1, 2):
        with pytest.raises(ConfigurationError, match="the keyword judge is no plain data"):
            run_leaderboard(
                ["random"], [ENV], 2, agents / "out", processes=processes, env_kwargs={"judge": lambda messages: "1"}
            )


def test_envs_that_would_share_a_collection_are_refused():
    plan = make_plan([AgentSpec.parse("random")], [ENV], range(2), env_kwargs={"chroma_path": "memory"})
    check_alone(plan, 1)
    with pytest.raises(ConfigurationError, match="chroma_path: 2 envs at a time would share"):
        check_alone(plan, 2)


def test_an_unknown_env_is_answered_with_the_one_that_was_meant():
    with pytest.raises(ConfigurationError, match="did you mean 'AgeMem-BabyAI"):
        make_plan([AgentSpec.parse("random")], ["AgeMem-BabyAl-v0"], range(2))


def test_a_file_that_a_keyword_names_is_part_of_the_key(tmp_path):
    path = tmp_path / "curriculum.yaml"
    keys = []
    for content in ("n1: 1", "n1: 2", "n1: 1"):
        path.write_text(content)
        keys.append(make_plan([AgentSpec.parse("random")], [STAGES], [0], env_kwargs={"curriculum": str(path)})[0].key)
    assert keys[0] == keys[2] != keys[1]


def test_mq_stands_only_where_something_had_to_be_remembered(tmp_path):
    bare, _ = play("oracle", tmp_path, 1)
    staged, _ = play("oracle", tmp_path, 1, env=STAGES)
    assert [row.had_to_remember for row in bare + staged] == [False, True]
    lines = json.loads(as_json(make_board(bare + staged), "x"))["lines"]
    assert [line["MQ"] for line in lines] == [0.0, None]  # the env with stages stands first
    assert "| – |" in markdown(make_board(bare), "x")


def test_strict_replies_and_dialects_are_counted(agents):
    rows, _ = play("board_agents.py:Loose", agents / "out", 2)
    assert rows[0].strict_replies == 1
    assert rows[0].dialects == {}
    board = make_board([row(strict_replies=1, steps=2, dialects={"fence": 1})])
    assert json.loads(as_json(board, "x"))["lines"][0]["strict replies"] == 50.0
    assert "## Dialects" in markdown(board, "x")


def test_a_group_of_samples_counts_as_one_task_in_the_standard_error():
    rows = [row(seed=seed, sample=sample, success=bool(seed)) for seed in range(2) for sample in range(50)]
    (line,) = json.loads(as_json(make_board(rows), "x"))["lines"]
    assert line["success error"] == pytest.approx(50.0)


def test_an_edited_agent_and_other_versions_are_counted_and_not_shown():
    rows = [row(seed=seed) for seed in range(4)]
    rows += [row(seed=seed, agent_fingerprint="g") for seed in range(2)]
    rows += [row(seed=0, agent_fingerprint="g", versions={"python": "4"})]
    board = make_board(rows)
    assert [len(line.rows) for line in board.lines] == [1]
    assert "6 more episodes" in " ".join(board.notes)
    assert "Played with python 4." in board.notes
    two = make_board([row(), row(agent="b", versions={"python": "2", "commit": "abc"})])
    assert "1 episodes were played with python 2, commit abc." in two.notes


def test_judge_fallbacks_are_counted_in_a_column_and_named_under_the_table():
    board = make_board([row(judge="chat:m", judge_fallbacks=("offline judge instead of chat:m: dead",)), row(seed=1)])
    console = Console(file=io.StringIO(), width=80)
    print_board(board, console)
    assert "judge-" in console.file.getvalue()
    assert "chat:m failed 1 times in 1 episodes" in markdown(board, "x")


def test_the_tables_fit_eighty_columns_and_the_other_formats_hold_all():
    long = {"level": "BossLevel", "judge": "http://***@host/v1#model", "token_budget": 100_000}
    rows = [
        row(agent="a_very_long_name_of_an_agent_of_mine", agent_kwargs={"model": "org/model-7b"}, env_kwargs=long,
            success=True, progress=1.0, steps=12345, memory_quality=1.0, had_to_remember=True, seed=seed,
            judge_fallbacks=("x",) * 9)
        for seed in range(1000)
    ]  # fmt: skip
    board = make_board([*rows, row(error="x")])
    console = Console(file=io.StringIO(), width=200)
    print_board(board, console)
    assert max(map(len, console.file.getvalue().splitlines())) <= 80
    headings = next(csv.reader(io.StringIO(as_csv(board, "x"))))
    assert {"success", "success error", "coverage", "Filter_context", "prompt tokens"} <= set(headings)


def test_names_and_errors_are_never_markup_markdown_or_escape_sequences(agents):
    _, said = play("[/red]|x|=board_agents.py:Half", agents / "out", 2)
    assert "[/INST] |broken|" in said
    assert "\x1b[31m" not in said
    text = (agents / "out" / "leaderboard.md").read_text()
    assert r"\[/red\]\|x\|" in text
    assert "\x1b" not in text
    again, said = play("[/red]|x|=board_agents.py:Half", agents / "out", 2)
    assert "1 of 2 episodes are in" in said
    assert again[1].error.startswith("RuntimeError: [/INST]")
    assert again[1].error_at.startswith("board_agents.py:")


def test_calls_without_effect_stand_in_every_row_and_on_the_board(agents):
    farmer = """
        from agemem_gym.protocol import call_reply

        class Farmer:
            def reset(self, info):
                self.replies = [
                    call_reply(("Add_memory", {"content": "x"}), ("Update_memory", {"memory_id": "m1", "content": "x"})),
                    call_reply(("Add_memory", {"content": "x"}), ("Filter_context", {"criteria": "zebra"})),
                    call_reply(("Summary_context", {"span": "1"})),  # refused: it would save nothing
                    "<answer>x</answer>",
                ]

            def act(self, obs, info):
                return self.replies.pop(0)
    """
    (agents / "farmer.py").write_text(textwrap.dedent(farmer))
    rows, _ = play("farmer.py:Farmer", agents / "out", 1)
    assert rows[0].no_ops == {"Add_memory": 0.5, "Filter_context": 1.0, "Update_memory": 1.0}
    assert "farming" in [finding["kind"] for finding in rows[0].diagnosis]
    (line,) = json.loads(as_json(make_board(rows), "x"))["lines"]
    assert (line["Add_memory without effect"], line["Update_memory without effect"]) == (50.0, 100.0)
    assert line["Delete_memory without effect"] is None
    assert "| Filter_context without effect |" in markdown(make_board(rows), "x")
    idle, _ = play("random", agents / "out", 1)
    assert idle[0].no_ops == {}  # nothing called, nothing without effect
