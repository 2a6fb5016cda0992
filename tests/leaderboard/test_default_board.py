"""What plays where nobody names an agent: weights of the package only where they were trained, and only if they can."""

import json

import pytest

from agemem_gym.agent import AgentSpec
from agemem_gym.cli import main
from agemem_gym.leaderboard.plan import make_plan

TRAINED_ON, ELSEWHERE = "AgeMem-HotpotQA-ThreeStage-v0", "AgeMem-BabyAI-v0"
ALWAYS = {"random", "explorer", "store-all", "oracle"}
FEW = ["--envs", TRAINED_ON, ELSEWHERE, "--episodes", "1", "--env-arg", "encoder=hash", "--format", "json"]


def players(capsys, tmp_path, *more):
    """Who played where, and what was said besides."""
    assert main(["leaderboard", *FEW, "--out", str(tmp_path), *more]) == 0
    rows = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text(encoding="utf-8").splitlines()]
    found = {env: {row["agent"] for row in rows if row["env_id"] == env} for env in (TRAINED_ON, ELSEWHERE)}
    return found, capsys.readouterr().err


def test_agents_with_weights_play_where_these_were_trained_and_nowhere_else(capsys, tmp_path):
    found, _ = players(capsys, tmp_path)
    assert found == {TRAINED_ON: {*ALWAYS, "sb3-ppo", "agemem-norl"}, ELSEWHERE: ALWAYS}


def test_a_default_agent_that_lacks_a_package_is_left_out_and_that_is_said(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("agemem_gym.cli.leaderboard.find_spec", lambda name: None if name == "transformers" else True)
    found, said = players(capsys, tmp_path)
    assert found == {TRAINED_ON: {*ALWAYS, "sb3-ppo"}, ELSEWHERE: ALWAYS}
    assert "skipped agemem-norl: 'transformers' is not installed; it comes with the extra [local]" in " ".join(
        said.split()
    )


@pytest.mark.parametrize("keywords", [{}, {"top_k": 3}])
def test_an_agent_is_bound_to_its_envs_by_name_whatever_its_keywords(keywords):
    agents = [AgentSpec.parse("store-all", keywords), AgentSpec.parse("random")]
    plan = make_plan(agents, [TRAINED_ON, ELSEWHERE], [0], only={"store-all": (TRAINED_ON,)})
    played = [(wanted.entry.agent.name, wanted.entry.env_id) for wanted in plan]
    assert sorted(played) == [("random", ELSEWHERE), ("random", TRAINED_ON), ("store-all", TRAINED_ON)]


def test_the_forecast_of_the_default_board_is_of_what_it_plays(capsys, tmp_path):
    assert main(["leaderboard", *FEW, "--out", str(tmp_path), "--dry-run", "--measure", "1"]) == 0
    demands = json.loads(capsys.readouterr().out)["demands"]
    foretold = {(demand["env"], demand["agent"].partition(" (")[0]) for demand in demands}
    everywhere = {(env, name) for env in (TRAINED_ON, ELSEWHERE) for name in ALWAYS}
    assert foretold == everywhere | {(TRAINED_ON, "sb3-ppo"), (TRAINED_ON, "agemem-norl")}
