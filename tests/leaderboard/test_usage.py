"""What language models read, wrote and cost, memory's own calls beside the agent's, and whether all were bound alike."""

import io
import json

import pytest
from rich.console import Console

from agemem_gym.agent import AgentSpec
from agemem_gym.baselines.agents.following import Follower
from agemem_gym.chat.prices import Price, price_of, read_prices
from agemem_gym.cli import main
from agemem_gym.errors import ConfigurationError
from agemem_gym.leaderboard import EpisodeRow, run_leaderboard
from agemem_gym.leaderboard.costs import price_for
from agemem_gym.leaderboard.results import RESULTS, read_rows

ENV = "AgeMem-HotpotQA-ThreeStage-v0"
FAST = {"encoder": "hash", "index": "exact", "n1": 2, "n2": 0}
PRICES = {"m": Price(prompt=1.0, completion=10.0)}


@pytest.fixture
def endpoint(scripted_server):
    """Follows what it is asked for; each call reads 100 tokens and writes 10."""
    follower = Follower()

    def answer(handler, body):
        message = {"role": "assistant", "content": follower(body["messages"])}
        usage = {"prompt_tokens": 100, "completion_tokens": 10, "prompt_tokens_details": {"cached_tokens": 40}}
        scripted_server.raw(json.dumps({"choices": [{"message": message}], "usage": usage}))(handler, body)

    scripted_server.default = answer
    return scripted_server


def board(server, folder, agents=("no-memory", "a-mem"), form="table", prices=None, **keywords):
    specs = [AgentSpec.parse(name, {"model": f"{server.url}#m", **keywords.get(name, {})}) for name in agents]
    console = Console(file=io.StringIO(), width=100)
    rows = run_leaderboard(
        specs, [ENV], 1, folder, env_kwargs=FAST, form=form, prices=prices, console=console, command="x"
    )
    return rows, console.file.getvalue()


def test_memorys_calls_are_counted_beside_the_agents(endpoint, tmp_path):
    rows, _ = board(endpoint, tmp_path)
    without, with_memory = rows
    assert without.policy["prompt_tokens"] == 100 * without.steps
    assert without.policy["cached_tokens"] == 40 * without.steps
    assert (without.layer, "cost" in without.policy) == ({}, False)
    calls = len(endpoint.seen) - without.steps - with_memory.steps
    assert with_memory.layer == {
        "calls": calls,
        "prompt_tokens": 100 * calls,
        "completion_tokens": 10 * calls,
        "failures": 0,
    }
    text = (tmp_path / "leaderboard.md").read_text()
    assert "## Language models" in text
    assert "| memory calls |" in text
    again = [EpisodeRow.from_json(row.to_json()) for row in rows]
    assert [row.layer for row in again] == [row.layer for row in rows]


def test_a_price_table_that_comes_later_prices_what_is_there_and_plays_nothing_again(endpoint, tmp_path):
    board(endpoint, tmp_path)
    asked = len(endpoint.seen)
    rows, printed = board(endpoint, tmp_path, prices=PRICES)
    assert len(endpoint.seen) == asked
    costs = [row.policy["cost"] + row.layer.get("cost", 0) for row in rows]
    assert costs == pytest.approx([rows[0].steps * 200e-6, (rows[1].steps + rows[1].layer["calls"]) * 200e-6])
    told = "".join(printed.split())
    assert f"no-memory(model={endpoint.url}#m){costs[0]:.4f}" in told
    _, text = board(endpoint, tmp_path, prices=PRICES, form="json")
    lines = {line["agent"].split()[0]: line for line in json.loads(text)["lines"]}
    assert lines["a-mem"]["memory calls"] == rows[1].layer["calls"]
    assert lines["a-mem"]["cost in all"] == pytest.approx(costs[1])
    assert lines["no-memory"]["memory calls"] is None
    assert lines["no-memory"]["cost"] == pytest.approx(costs[0])


def test_prices_given_to_the_agent_are_in_its_rows(endpoint, tmp_path):
    prices = {"prices": {"m": {"prompt": 1.0, "completion": 10.0}}}
    rows, _ = board(endpoint, tmp_path, **{"no-memory": prices, "a-mem": prices})
    stored = list(read_rows(tmp_path / RESULTS))
    assert [row.policy["cost"] for row in stored] == pytest.approx([row.steps * 200e-6 for row in rows])
    assert stored[1].layer["cost"] == pytest.approx(rows[1].layer["calls"] * 200e-6)


def test_the_board_says_that_all_were_bound_alike(endpoint, tmp_path):
    _, printed = board(endpoint, tmp_path)
    assert "All agents with a language model had a context of 8,192 tokens and top_k 3." in " ".join(printed.split())
    assert "All agents with a language model had" in (tmp_path / "leaderboard.md").read_text()
    _, text = board(endpoint, tmp_path, form="json")
    bounds = [(line["token budget"], line["top_k"], line["own window"]) for line in json.loads(text)["lines"]]
    assert bounds == [(8192, 3, None)] * 2
    assert any("top_k 3" in note for note in json.loads(text)["notes"])


def test_the_board_says_that_some_may_read_more_than_others(endpoint, tmp_path):
    _, printed = board(endpoint, tmp_path, **{"a-mem": {"top_k": 9}})
    told = " ".join(printed.split())
    assert "Not to be compared: agents with a language model had different bounds." in told
    assert "top_k 3: no-memory" in told
    assert "top_k 9: a-mem" in told


def test_the_board_says_what_long_context_reads(endpoint, tmp_path):
    _, printed = board(endpoint, tmp_path, agents=("no-memory", "long-context"))
    told = " ".join(printed.split())
    assert "All agents with a language model had a context of 8,192 tokens and top_k 3. long-context" in told
    assert "reads what its episode said up to 32,768 tokens." in told


def test_an_agent_that_asks_retrieve_for_more_is_named(endpoint, tmp_path):
    adds = [{"name": "Add_memory", "arguments": {"content": f"fact {number}"}} for number in range(6)]
    calls = [adds, [{"name": "Retrieve_memory", "arguments": {"query": "fact", "top_k": 5}}]]
    endpoint.script = [endpoint.say(f"<tool_call>{json.dumps(call)}</tool_call>") for call in calls]
    rows, printed = board(endpoint, tmp_path, agents=("agemem-norl",))
    assert rows[0].most_recalled == 5
    assert "asked RETRIEVE for up to 5 entries at once." in " ".join(printed.split())


def test_agents_without_a_model_are_not_spoken_of(tmp_path):
    console = Console(file=io.StringIO(), width=100)
    run_leaderboard(["store-all"], [ENV], 1, tmp_path, env_kwargs=FAST, console=console)
    assert "language model" not in console.file.getvalue()
    assert "## Language models" not in (tmp_path / "leaderboard.md").read_text()


def test_the_command_takes_a_model_for_all_agents_and_prices(endpoint, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prices.json").write_text('{"m": {"prompt": 1, "completion": 10}}')
    words = ["--env-arg", "n1=1", "--env-arg", "n2=0", "--env-arg", "encoder=hash", "--env-arg", "index=exact"]
    model = ["--model", f"{endpoint.url}#m", "--prices", "prices.json"]
    assert main(["run", ENV, "--agent", "no-memory", *model, *words]) == 0
    assert "Cost by the prices given" in capsys.readouterr().out
    agents = [
        "--agents",
        "random",
        "no-memory",
        "a-mem",
        "--agent",
        "x=a-mem",
        "--agent-arg",
        f"model={endpoint.url}#other",
    ]
    assert main(["leaderboard", "--envs", ENV, "--episodes", "1", "--out", "out", *agents, *model, *words]) == 0
    rows = {row.agent: row for row in read_rows(tmp_path / "out" / RESULTS)}
    assert rows["random"].agent_kwargs == {}
    assert rows["a-mem"].agent_kwargs == rows["no-memory"].agent_kwargs == {"model": f"{endpoint.url}#m"}
    assert rows["x"].agent_kwargs == {"model": f"{endpoint.url}#other"}
    assert ("cost" in rows["a-mem"].layer, "cost" in rows["x"].layer) == (True, False)


# ------------------------------------------------------------------------------------------------------- tables


def test_a_price_is_found_by_the_models_name_or_by_what_names_it():
    prices = {"m": Price(1.0, 2.0), "local:there": Price(3.0, 4.0)}
    found = [
        price_for({"model": spec}, prices)
        for spec in ("openai:m@http://h/v1", "http://h/v1#m", "local:there", "http://h/v1#other")
    ]
    assert [price and price.prompt for price in found] == [1.0, 1.0, 3.0, None]
    assert price_for({"checkpoint": "http://h/v1#m"}, prices).prompt == 1.0
    assert price_for({}, prices) is None


def test_a_file_of_prices_is_read(tmp_path):
    path = tmp_path / "prices.json"
    path.write_text('{"m": {"prompt": 2, "completion": 8, "cached": 0.5}}')
    assert read_prices(path) == {"m": Price(2, 8, 0.5)}
    assert price_of("other", read_prices(path)) is None


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (None, "cannot read"),
        ("{", "is no JSON"),
        ("[]", "holds no table"),
        ('{"m": 3}', "expected 'prompt' and 'completion'"),
        ('{"m": {"prompt": -1, "completion": 1}}', "expected a number of at least 0"),
        ('{"m": {"prompt": 1}}', "expected 'prompt' and 'completion'"),
    ],
)
def test_a_file_of_prices_that_cannot_be_used_is_said_before_anything_is_played(tmp_path, capsys, text, match):
    path = tmp_path / "prices.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigurationError, match=match):
        read_prices(path)
    status = main(["run", ENV, "--agent", "random", "--prices", str(path)])
    assert status == 2
    assert "price" in capsys.readouterr().err
