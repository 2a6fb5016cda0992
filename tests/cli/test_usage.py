"""What a user may get wrong, command by command: one sentence on stderr, what was probably meant, exit status 2."""

import argparse
import re
import shlex
from pathlib import Path

import pytest

from agemem_gym import __version__
from agemem_gym.cli import main, make_parser
from agemem_gym.cli.status import Status, status_of
from agemem_gym.errors import ConfigurationError, EngineError, MissingDependencyError
from agemem_gym.registration import make_memory_env

ENV = "AgeMem-BabyAI-v0"
ROOT = Path(__file__).parents[2]


def status(arguments):
    try:
        return main(arguments)
    except SystemExit as end:  # argparse ends by itself
        return end.code


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["leaderbord"], "there is no 'leaderbord': expected list"),
        (["leaderbord"], "did you mean 'leaderboard'?"),
        (["run", ENV, "--episods", "3"], "agemem run takes no '--episods'; did you mean '--episodes'?"),
        (["play", ENV, "--sed=3"], "did you mean '--seed'?"),
        (["run"], "required: ID"),
        (["run", ENV, "--seed", "x"], "--seed: invalid int value: 'x'"),
        (["play", "AgeMem-BabiAI-v0"], "unknown env 'AgeMem-BabiAI-v0'; did you mean 'AgeMem-BabyAI-v0'?"),
        (["play", "babyai"], "did you mean 'AgeMem-BabyAI-v0'?"),
        (["play", "nowhere:Mine-v0"], "there is no module 'nowhere'"),
        (["play", "Cartpole-v1"], "did you mean 'CartPole-v1'?"),
        (["play", "CartPole-v1"], "'CartPole-v1' cannot be made so: CartPoleEnv.__init__() got an unexpected keyword"),
        (["play", ENV, "--env-arg", "level=GoToObjj"], "did you mean 'GoToObj'?"),
        (["play", ENV, "--env-arg", "splt=test"], "unknown keyword splt"),
        (["play", ENV, "--env-arg", "splt=test"], "did you mean 'split'?"),
        (["play", "AgeMem-ALFWorld-v0", "--env-arg", "split=tran"], "did you mean 'train'?"),
        (["play", ENV, "--env-arg", "level"], "expected KEYWORD=VALUE"),
        (["run", "AgeMem-BabiAI-v0"], "did you mean 'AgeMem-BabyAI-v0'?"),
        (["run", "CartPole-v1"], "'CartPole-v1' cannot be made so"),
        (["run", ENV, "--agent", "oracel"], "did you mean 'oracle'?"),
        (["run", ENV, "--agent", "agemem_gym.baselines.scripted:OracelAgent"], "did you mean 'OracleAgent'?"),
        (["run", ENV, "--agent", "mein_agent.py:Agent"], "did you mean 'mine_agent.py'?"),
        (["run", ENV, "--episodes", "0"], "--episodes 0: expected a whole number of at least 1"),
        (["run", ENV, "--env-arg", "encoder=minlm"], "did you mean 'minilm'?"),
        (["run", ENV, "--env-arg", "reward=compsite"], "did you mean 'composite'?"),
        (["run", ENV, "--env-arg", "judge=ofline"], "did you mean 'offline'?"),
        (["run", ENV, "--env-arg", "index=chrome"], "did you mean 'chroma'?"),
        (["run", "AgeMem-BabyAI-ThreeStage-v0", "--env-arg", "order=progresive"], "did you mean 'progressive'?"),
        (["run", "AgeMem-BabyAI-ThreeStage-v0", "--env-arg", "source=benchmrk"], "did you mean 'benchmark'?"),
        (["run", "AgeMem-BabyAI-ThreeStage-v0", "--env-arg", "curriculum=reverse"], "did you mean 'reversed'?"),
        (["run", "AgeMem-PDDL-v0", "--env-arg", "domain=griper"], "did you mean 'gripper'?"),
        (["run", "AgeMem-ScienceWorld-v0", "--env-arg", "split=tran"], "did you mean 'train'?"),
        (["run", "AgeMem-HotpotQA-v0", "--env-arg", "split=tran"], "did you mean 'train'?"),
        (["leaderboard", "--envs", "AgeMem-BabiAI-v0"], "did you mean 'AgeMem-BabyAI-v0'?"),
        (["leaderboard", "--agents", "oracel", "--envs", ENV], "did you mean 'oracle'?"),
        (["leaderboard", "--agents", "random", "--envs", ENV, "--split", "tst"], "did you mean 'test'?"),
        (["leaderboard", "--format", "cvs"], "did you mean 'csv'?"),
        (["rescore", "README.mdx"], "did you mean 'README.md'?"),
        (["replay", "README.mdx"], "did you mean 'README.md'?"),
    ],
)
def test_one_sentence_and_what_was_meant(arguments, sentence, capsys, tmp_path, monkeypatch):
    for name in ("README.md", "mine_agent.py"):
        (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path)
    assert status(arguments) == Status.USAGE == 2
    said = capsys.readouterr().err
    assert said.startswith("agemem: ")
    assert sentence in said
    assert said.count("\n") == 1


def test_an_env_of_another_kind_is_refused():
    with pytest.raises(ConfigurationError, match="'CartPole-v1' is no env of agemem-gym"):
        make_memory_env("CartPole-v1")


def test_a_misspelt_file_is_named_beside_the_one_that_is_there(tmp_path, capsys):
    (tmp_path / "episodes.jsonl").write_text("")
    assert main(["replay", str(tmp_path / "episode.jsonl")]) == 2
    assert "did you mean" in (said := capsys.readouterr().err)
    assert "episodes.jsonl" in said


def test_a_users_own_id_is_suggested_too(monkeypatch, capsys):
    from gymnasium.envs.registration import register, registry

    register("Mine-Kitchen-v0", entry_point="agemem_gym.registration:make_env", kwargs={"task": "x:Y"})
    monkeypatch.setattr("builtins.input", lambda *a: ":quit")
    try:
        assert main(["play", "Mine-Kitchn-v0"]) == 2
    finally:
        registry.pop("Mine-Kitchen-v0")
    assert "did you mean 'Mine-Kitchen-v0'?" in capsys.readouterr().err


def test_an_error_is_no_escape_sequence(capsys):
    assert main(["play", "AgeMem-\x1b[31m[/INST]-v0"]) == 2
    said = capsys.readouterr().err
    assert r"\x1b[31m[/INST]" in said.replace(r"\\", "\\")
    assert "\x1b" not in said


def test_what_the_system_refuses_is_a_sentence(tmp_path, capsys):
    assert main(["replay", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConfigurationError("x"), Status.USAGE),
        (MissingDependencyError("x"), Status.USAGE),
        (FileNotFoundError(2, "x"), Status.USAGE),
        (EngineError("x"), Status.FINDING),
    ],
)
def test_the_status_of_an_error(error, expected):
    assert status_of(error) == expected


def test_an_interrupt_is_130(monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", interrupt)
    assert main(["play", ENV, "--env-arg", "level=GoToObj"]) == Status.STOPPED == 130
    assert "what was finished is kept" in capsys.readouterr().err


def test_version(capsys):
    assert status(["--version"]) == 0
    assert capsys.readouterr().out == f"agemem-gym {__version__}\n"


def parsers(parser, name="agemem"):
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command, child in action.choices.items():
                yield from parsers(child, f"{name} {command}")


@pytest.mark.parametrize(("name", "parser"), list(parsers(make_parser())), ids=lambda value: str(value)[:40])
def test_every_argument_of_every_command_has_help(name, parser):
    for action in parser._actions:
        assert action.help or isinstance(action, argparse._SubParsersAction), f"{name}: {action.dest}"
    assert parser.format_help()


def test_every_command_has_a_line_in_the_help_of_the_program(capsys):
    assert status(["--help"]) == 0
    said = capsys.readouterr().out
    for name, _ in parsers(make_parser()):
        assert name.split()[-1] in said


def test_the_page_names_every_command_option_and_status():
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for name, parser in parsers(make_parser()):
        assert name in page
        for action in parser._actions:
            for option in action.option_strings:
                assert option in ("-h", "--help", "--version") or f"`{option}" in page, f"{name} {option}"
    for each in Status:
        assert f"| {each.value} |" in page


def commands_on_the_pages():
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for block in re.findall(r"```bash\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                if line.startswith("agemem ") and "--version" not in line:
                    yield shlex.split(line, comments=True)[1:]


@pytest.mark.parametrize("arguments", [*commands_on_the_pages()], ids=" ".join)
def test_commands_on_the_pages_are_understood(arguments):
    assert make_parser().parse_args(arguments).command
