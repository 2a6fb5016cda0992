"""What a run will ask for: measured in the real envs with the real agents, and no model asked."""

import io
import json

import pytest
from rich.console import Console

from agemem_gym.agent import AgentSpec
from agemem_gym.chat.prices import Price
from agemem_gym.cli import main
from agemem_gym.errors import ConfigurationError
from agemem_gym.leaderboard import run_leaderboard
from agemem_gym.leaderboard.forecast import forecast
from agemem_gym.leaderboard.rehearsal import Tokens

ENV = "AgeMem-HotpotQA-ThreeStage-v0"
NOWHERE = "openai:m@http://127.0.0.1:9/v1"
FAST = {"n1": 2, "n2": 1}
PRICES = {"m": Price(prompt=2.0, completion=8.0, cached=0.5)}


def demands(*agents, out, episodes=4, measure=1, **keywords):
    specs = [AgentSpec.parse(agent, {"model": NOWHERE, **keywords.pop(agent, {})}) for agent in agents]
    options = {"env_kwargs": FAST, "measure": measure, "console": Console(file=io.StringIO(), width=100), **keywords}
    found = forecast(specs, [ENV], episodes, out, **options)
    return found, options["console"].file.getvalue()


def test_it_says_what_the_run_then_asks_for(tmp_path, scripted_server):
    """A model that replies as the script does is asked for what was said, call by call."""
    ((demand,), _) = demands("no-memory", out=tmp_path, episodes=3, measure=3, tokenizer="words")
    count = Tokens(lambda text: len(text.split()))
    asked = []

    def answer(handler, body):
        reply = "<answer>Noted.</answer>"
        asked.append(count.prompt(body["messages"], None, reply))
        scripted_server.say(reply)(handler, body)

    scripted_server.default = answer
    spec = AgentSpec.parse("no-memory", {"model": f"{scripted_server.url}#m"})
    rows = run_leaderboard([spec], [ENV], 3, tmp_path, env_kwargs=FAST, console=Console(quiet=True))
    assert demand.total("calls") == sum(row.steps for row in rows) == len(asked)
    words = [sum(each) for each in zip(*asked, strict=True)]
    assert demand.total("fresh") / demand.total("prompt") == pytest.approx(words[1] / words[0], rel=0.3)


def test_tokens_are_those_of_the_prompts_and_prefixes_are_read_once(tmp_path):
    tokens = Tokens(lambda text: len(text))
    first = [{"role": "system", "content": "abc"}, {"role": "user", "content": "de"}]
    assert tokens.prompt(first, None, "fgh") == (5 + 8, 13)
    later = [*first, {"role": "assistant", "content": "fgh"}, {"role": "user", "content": "i"}]
    assert tokens.prompt(later, None, "j") == (9 + 16, 5)
    assert tokens.prompt([first[0], {"role": "user", "content": "other"}], None, "") == (8 + 8, 9)
    tools = [{"function": {"name": "x"}}]
    assert tokens.prompt(first, tools, "")[0] == 13 + len(json.dumps(tools))
    assert tokens.prompt(first, tools, "")[1] == 0


def test_memorys_calls_are_counted_beside_and_all_is_priced(tmp_path):
    (without, with_memory), printed = demands("no-memory", "a-mem", out=tmp_path, prices=PRICES)
    assert (without.episodes, without.measured) == (4, 1)
    assert without.total("calls", ["memory"]) == 0
    said = with_memory.total("calls", ["replies"])
    assert said == without.total("calls")
    assert with_memory.total("calls", ["memory"]) > said
    prompt, fresh, written = (with_memory.total(name) for name in ("prompt", "fresh", "completion"))
    assert 0 < fresh < prompt
    assert with_memory.cost(cached=False) == pytest.approx((2.0 * prompt + 8.0 * written) / 1e6)
    cached = (2.0 * fresh + 0.5 * (prompt - fresh) + 8.0 * written) / 1e6
    assert with_memory.cost(cached=True) == pytest.approx(cached)
    assert "no model was asked" in " ".join(printed.split())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["agemem-norl", "agemem-norl-rag", "long-context", "agemem"])
def test_agents_are_the_real_ones(tmp_path, name):
    keywords = {"checkpoint": NOWHERE} if name == "agemem" else {"model": NOWHERE}
    spec = AgentSpec.parse(name, keywords | {"timeout": 3, "shots": 1})
    (demand,) = forecast([spec], [ENV], 2, tmp_path, env_kwargs=FAST, measure=1, console=Console(quiet=True))
    (bare,) = forecast(
        [AgentSpec.parse(name, keywords)], [ENV], 2, tmp_path, env_kwargs=FAST, measure=1, console=Console(quiet=True)
    )
    assert demand.total("prompt") > bare.total("prompt") > 0
    assert demand.total("calls") == bare.total("calls") > 0


def test_native_tools_are_read_too(tmp_path):
    found, _ = demands("agemem-norl", out=tmp_path, **{"agemem-norl": {"native_tools": True}})
    assert found[0].total("prompt") > 0


def test_what_is_there_already_is_not_asked_for_again(tmp_path, scripted_server):
    scripted_server.default = scripted_server.say("<answer>Noted.</answer>")
    spec = AgentSpec.parse("no-memory", {"model": f"{scripted_server.url}#m"})
    run_leaderboard([spec], [ENV], 2, tmp_path, env_kwargs=FAST, console=Console(quiet=True))
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    asked = len(scripted_server.seen)
    console = Console(file=io.StringIO(), width=100)
    options = {"env_kwargs": FAST, "measure": 1, "console": console}
    (demand,) = forecast([spec], [ENV], 5, tmp_path, **options)
    assert demand.episodes == 3
    assert "2 of 5 episodes are in" in console.file.getvalue()
    assert forecast([spec], [ENV], 2, tmp_path, **options) == []
    assert forecast([spec], [ENV], 2, tmp_path, fresh=True, **options)[0].episodes == 2
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert len(scripted_server.seen) == asked


def test_a_control_is_rehearsed_under_its_own_keywords(tmp_path):
    (told, untold), printed = demands("no-memory", out=tmp_path, control={"n1": 0})
    assert (told.entry.control, untold.entry.control) == ({}, {"n1": 0})
    assert told.total("calls") > untold.total("calls")
    assert f"{ENV} (control n1=0)" in printed


# ----------------------------------------------------------------------------------------------------- the command


def dry(*arguments):
    return main(
        ["leaderboard", "--dry-run", "--envs", ENV, "--episodes", "3", "--measure", "1", "--out", "out", *arguments]
    )


def test_the_command_prints_a_table_and_plays_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prices.json").write_text('{"m": {"prompt": 2, "completion": 8}}')
    words = ["--env-arg", "n1=2", "--env-arg", "n2=1", "--prices", "prices.json", "--model", NOWHERE]
    assert dry("--agents", "random", "no-memory", *words) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "No language model is asked by random." in said
    assert "In all" in said
    assert "by the tokenizer 'encoder'" in said
    assert [path.name for path in tmp_path.iterdir()] == ["prices.json"]
    assert dry("--agents", "no-memory", *words, "--format", "json") == 0
    (found,) = json.loads(capsys.readouterr().out)["demands"]
    assert (found["agent"], found["episodes"], found["measured_episodes"]) == (f"no-memory (model={NOWHERE})", 3, 1)
    assert found["cost"] == pytest.approx(
        (2 * found["replies"]["prompt"] + 8 * found["replies"]["completion"]) / 1e6, rel=0.01
    )


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["--agents", "random", "--format", "csv"], "--format csv does not go with --dry-run"),
        (["--agents", "random", "--suite", "stream"], "--dry-run goes with --suite episodes"),
        (["--agents", "random", "--measure", "0"], "measure=0"),
        (["--agents", "no-memory", "--model", NOWHERE, "--tokenizer", "nonsense"], "expected 'encoder', 'words'"),
        (["--agents", "random", "--model", NOWHERE], "no agent here takes a model"),
    ],
)
def test_what_cannot_be_is_said(tmp_path, monkeypatch, capsys, arguments, match):
    monkeypatch.chdir(tmp_path)
    assert dry(*arguments) == 2
    assert match in " ".join(capsys.readouterr().err.split())


def test_its_options_do_not_go_without_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["leaderboard", "--agents", "random", "--envs", ENV, "--episodes", "1", "--measure", "3"]) == 2
    assert "--measure goes with --dry-run" in capsys.readouterr().err


def test_a_wrong_form_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="expected table or json"):
        demands("no-memory", out=tmp_path, form="md")
