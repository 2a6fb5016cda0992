"""HotpotQA's board: J, EM and F1 in every reward mode, and how often the model that judges is asked for them."""

import io
import json

import pytest

from agemem_gym.leaderboard import run_leaderboard
from agemem_gym.leaderboard.board import make_board
from agemem_gym.leaderboard.table import as_json, markdown
from agemem_gym.reward.chat import ANSWER_RUBRIC, MEMORY_RUBRIC, RELEVANCE_RUBRIC
from agemem_gym.terminal import Terminal

BARE, STAGES = "AgeMem-HotpotQA-v0", "AgeMem-HotpotQA-ThreeStage-v0"
NAMES = {ANSWER_RUBRIC: "answer", MEMORY_RUBRIC: "memory", RELEVANCE_RUBRIC: "relevance"}


def run(out, env, episodes=2, agent="perfect", **keywords):
    console = Terminal(file=io.StringIO(), width=160)
    keywords = {"encoder": "hash", "index": "exact", **keywords}
    rows = run_leaderboard([agent], [env], episodes, out, env_kwargs=keywords, console=console)
    return rows, console.file.getvalue()


def asked(server):
    """What the server was asked, the question before the run apart."""
    rubrics = [body["messages"][0]["content"] for _, _, body in server.seen]
    return sorted(NAMES[rubric] for rubric in rubrics[1:])


@pytest.mark.parametrize("mode", ["task", "answer_only", "composite"])
def test_j_em_and_f1_stand_on_the_board_in_every_reward_mode(tmp_path, mode):
    rows, said = run(tmp_path, STAGES, reward=mode)
    assert [dict(row.answer_scores) for row in rows] == [{"J": 1.0, "EM": 1.0, "F1": 1.0}] * 2
    head, line = (next(x for x in said.splitlines() if x.strip().startswith(word)) for word in ("agent", "perfect"))
    assert head.split()[-6:] == ["J", "EM", "F1", "MQ", "strict", "steps"]
    assert line.split()[-6:-3] == ["100", "100", "100"]
    (found,) = json.loads(as_json(make_board(rows), "x"))["lines"]
    assert (found["J"], found["EM"], found["F1"]) == (100.0, 100.0, 100.0)
    assert "| J | EM | F1 |" in markdown(make_board(rows), "x")


@pytest.mark.parametrize(
    ("env", "mode", "expected"),
    [
        (BARE, "task", ["answer"]),  # nothing had to be remembered: MQ stands nowhere, and is not asked for
        (BARE, "answer_only", ["answer"]),
        (STAGES, "task", ["answer", "memory"]),
        (STAGES, "answer_only", ["answer", "memory"]),
        (STAGES, "composite", ["answer", "memory", "relevance"]),
    ],
)
def test_the_model_is_asked_once_for_each_figure_that_stands_on_the_board(tmp_path, server, env, mode, expected):
    server.default = server.say("0.25")
    rows, said = run(tmp_path, env, 1, reward=mode, judge=f"{server.url}#judge")
    assert asked(server) == expected
    assert rows[0].answer_scores == {"J": 0.25, "EM": 1.0, "F1": 1.0}
    assert (rows[0].judge_fallbacks, "judge-" in said) == ((), False)


def test_envs_without_questions_have_no_such_columns_and_ask_no_one(tmp_path, server):
    server.default = server.say("1")
    rows, said = run(tmp_path, "AgeMem-BabyAI-v0", 1, "random", judge=f"{server.url}#judge")
    assert rows[0].answer_scores == {}
    assert " EM " not in said
    assert len(server.seen) == 1  # the question before the run


def test_an_episode_without_an_answer_counts_nothing(tmp_path):
    silent = tmp_path / "silent.py"
    silent.write_text("class Silent:\n def reset(self, info): pass\n def act(self, obs, info): return 'hm'\n")
    rows, _ = run(tmp_path / "out", BARE, 1, f"{silent}:Silent", mode="search", max_rounds=2)
    assert rows[0].answer_scores == {"J": 0.0, "EM": 0.0, "F1": 0.0}
