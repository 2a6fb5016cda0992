"""Success with and without what stage 1 tells: the control of three-stage envs, on the board and in every form of it."""

import csv
import io
import json
from dataclasses import replace

import pytest

from agemem_gym.cli import main
from agemem_gym.errors import ConfigurationError
from agemem_gym.leaderboard import EpisodeRow, run_leaderboard
from agemem_gym.leaderboard.board import make_board
from agemem_gym.leaderboard.plan import make_plan
from agemem_gym.leaderboard.results import RESULTS, read_rows
from agemem_gym.leaderboard.table import as_csv, as_json, markdown
from agemem_gym.terminal import Terminal

BARE, STAGES = "AgeMem-BabyAI-v0", "AgeMem-BabyAI-ThreeStage-v0"
FAST = {"encoder": "hash", "index": "exact"}


def run(out, agents=("perfect", "amnesic"), envs=(STAGES,), episodes=3, **options):
    console = Terminal(file=io.StringIO(), width=160)
    keywords = {**FAST, **options.pop("env_kwargs", {})}
    rows = run_leaderboard([*agents], [*envs], episodes, out, env_kwargs=keywords, console=console, **options)
    return rows, console.file.getvalue()


def row(seed=0, success=False, **changes):
    kwargs = changes.pop("env_kwargs", {})
    return EpisodeRow("a", STAGES, kwargs, seed, agent_fingerprint="f", success=success, versions={"v": "1"}, **changes)


def control(seed=0, success=False):
    return row(seed, success, env_kwargs={"n1": 0}, memory_gain_control={"n1": 0})


def test_each_three_stage_env_is_played_under_the_control_too(tmp_path):
    rows, _ = run(tmp_path, envs=(STAGES, BARE), episodes=2, control={"n1": 0})
    kinds = [(r.env_id, r.agent, r.env_kwargs.get("n1"), dict(r.memory_gain_control)) for r in rows if r.seed == 0]
    assert sorted(kinds, key=str) == sorted(
        [
            *(
                (STAGES, agent, n1, control)
                for agent in ("perfect", "amnesic")
                for n1, control in ((None, {}), (0, {"n1": 0}))
            ),
            *((BARE, agent, None, {}) for agent in ("perfect", "amnesic")),
        ],
        key=str,
    )
    assert all(r.curriculum["n1"] == 0 for r in rows if r.memory_gain_control)
    assert all(r.curriculum["n1"] > 0 for r in rows if r.env_id == STAGES and not r.memory_gain_control)


def test_what_needs_its_memory_gains_by_it_and_every_form_says_so(tmp_path):
    rows, said = run(tmp_path, control={"n1": 0})
    board = make_board(rows)
    gains = {gain.line.rows[0].agent: gain for gain in board.gains}
    assert (gains["perfect"].tasks, gains["perfect"].success, gains["perfect"].without) == (3, 1.0, 0.0)
    assert (gains["amnesic"].gain.value, gains["perfect"].gain.value) == (0.0, 1.0)  # what knows nothing gives up
    assert "success with and without (control n1=0)" in said
    assert "100.0      0.0  100.0" in said
    assert f"{STAGES} (encoder=hash, index=exact, n1=0)" not in said  # the control's own lines stand in the other forms
    text = (tmp_path / "leaderboard.md").read_text()
    assert "## Memory gain" in text
    assert "n1=0 | perfect † | 3 | 100.0 | 0.0 | 100.0 |" in text
    lines = {(x["agent"], x["env_kwargs"].get("n1")): x for x in json.loads(as_json(board, "x"))["lines"]}
    (found,) = lines["perfect", None]["memory_gain_control"]
    assert (found["keywords"], found["tasks"], found["gain"]) == ({"n1": 0}, 3, 100.0)
    assert found["low"] < 100.0 == found["high"]
    assert lines["perfect", 0]["memory_gain_control"] == []
    table = {(x["agent"], "n1=0" in x["env"]): x for x in csv.DictReader(io.StringIO(as_csv(board, "x")))}
    assert (table["perfect †", False]["control"], table["perfect †", False]["gain"]) == ("n1=0", "100.0")
    assert table["perfect †", True]["gain"] == ""


def test_a_control_is_played_once_and_known_again_in_the_folder(tmp_path):
    rows, _ = run(tmp_path, ["amnesic"], control={"n1": 0})
    again, said = run(tmp_path, ["amnesic"], control={"n1": 0})
    assert [r.to_json() for r in again] == [r.to_json() for r in rows]
    assert "6 of 6 episodes are in" in said
    assert "## Memory gain" in markdown(make_board(read_rows(tmp_path / RESULTS)), "x")  # the rows name their control


def test_episodes_played_before_under_the_same_keywords_are_the_control(tmp_path):
    run(tmp_path, ["amnesic"], env_kwargs={"n1": 0})
    _, said = run(tmp_path, ["amnesic"], control={"n1": 0})
    assert "3 of 6 episodes are in" in said
    assert "control n1=0" in said


def test_the_command_takes_several_keywords(tmp_path, capsys):
    arguments = [
        "--envs",
        STAGES,
        "--episodes",
        "1",
        "--out",
        str(tmp_path),
        "--env-arg=encoder=hash",
        "--env-arg=index=exact",
    ]
    assert main(["leaderboard", "--agents", "amnesic", *arguments, "--control", "n1=0", "n2=0"]) == 0
    assert "(control n1=0, n2=0)" in " ".join(capsys.readouterr().out.split())
    assert {(r.curriculum["n1"] > 0, r.curriculum["n2"] > 0) for r in read_rows(tmp_path / RESULTS)} == {
        (True, True), (False, False),
    }  # fmt: skip
    assert main(["leaderboard", "--agents", "amnesic", *arguments, "--control", "n1"]) == 2
    assert "--control 'n1': expected KEYWORD=VALUE" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("envs", "given", "match"),
    [([BARE], {}, "control n1=0: it is played in three-stage envs"), ([STAGES], {"n1": 0}, "is played so already")],
)
def test_a_control_of_nothing_is_refused(envs, given, match):
    from agemem_gym.agent import AgentSpec

    with pytest.raises(ConfigurationError, match=match):
        make_plan([AgentSpec.parse("random")], envs, range(2), env_kwargs=given, control={"n1": 0})


def test_the_gain_is_paired_by_seed_over_the_tasks_played_in_both():
    rows = [row(0, True), row(1, True), row(2, False), row(3, True), control(0, True), control(1), control(2)]
    (gain,) = make_board(rows).gains
    assert (gain.tasks, gain.success, gain.without) == (3, pytest.approx(2 / 3), pytest.approx(1 / 3))
    assert gain.gain.value == pytest.approx(1 / 3)
    # differences 0, 1, 0 and one more pair for either side: mean 1/5, mean square 3/5, 1.96 sqrt((3/5 - 1/25) / 5) = .656
    assert (gain.gain.low, gain.gain.high) == (
        pytest.approx(0.2 - 0.6559, abs=1e-3),
        pytest.approx(0.2 + 0.6559, abs=1e-3),
    )
    samples = [row(0, True), row(0, False, sample=1), control(0)]
    assert make_board(samples).gains[0].gain.value == 0.5


def test_a_line_without_its_control_and_a_control_of_another_agent_have_no_gain():
    assert make_board([row(0), replace(control(0), agent="b")]).gains == ()
    assert make_board([row(0), control(1)]).gains == ()  # no task in common
    assert make_board([row(0), row(0, env_kwargs={"n1": 0})]).gains == ()  # nobody called it a control
    assert len(make_board([row(0), row(0, env_kwargs={"n1": 0})], {"n1": 0}).gains) == 1
