"""``agemem train`` and the curves of a run."""

import json
import re
import sys
from xml.etree import ElementTree

import pytest

pytest.importorskip("torch")

from agemem_gym.baselines.grpo.plots import panels_of, write_curves
from agemem_gym.cli import main
from agemem_gym.cli.train import line_of, table_of
from agemem_gym.errors import ConfigurationError
from agemem_gym.terminal import Terminal

from .conftest import ENV, SHORT

ROWS = [
    {"iteration": 0.0, "eval/success": 0.2, "eval/success_error": 0.05, "eval/mq": 0.1},
    {"iteration": 1.0, "success": 0.1, "return": 0.5, "term/task": 0.1, "kl": 0.0, "share/env": 0.1},
    {
        "iteration": 2.0,
        "success": 0.4,
        "return": 0.7,
        "term/task": 0.4,
        "kl": 0.01,
        "share/env": 0.2,
        "eval/success": 0.5,
        "eval/success_error": 0.06,
        "eval/mq": 0.3,
    },
]


@pytest.fixture
def settings(folder, tmp_path):
    lines = [f"model: {folder}", f"env: {ENV}", f"out: {tmp_path / 'run'}", "iterations: 1", "k: 2", "groups: 1"]
    lines += [f"env_kwargs: {json.dumps({**SHORT, 'max_rounds': 3, 'reward': 'composite'})}", "threads: 1", "slots: 4"]
    lines += ["max_tokens: 6", "evaluate_episodes: 2", "learner: {beta: 0.0}"]
    file = tmp_path / "train.yaml"
    file.write_text("\n".join(lines))
    return file


def test_the_command_trains_goes_on_and_draws(settings, tmp_path, capsys):
    asked = ["train", str(settings), "--iterations", "2", "--control", "n1=0", "--set", "learner.beta=0.1", "--k", "3"]
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert "iteration 2/2" in said
    assert "control" in said
    run = tmp_path / "run"
    assert (run / "curves.html").is_file()
    assert (run / "model" / "model.safetensors").is_file()
    record = json.loads((run / "model" / "training.json").read_text())
    assert (record["config"]["k"], record["config"]["learner"]["beta"]) == (3, 0.1)
    assert main([*asked, "--iterations", "3"]) == 0
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 4
    assert main([*asked, "--k", "2"]) == 2
    assert "other settings of k" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "needs model, env, out"),
        (["--set", "grups=3", "--model", "m"], "did you mean 'groups'"),
        (["nothing.yaml"], "no such"),
    ],
)
def test_wrong_settings_end_the_command_with_a_sentence(options, said, capsys):
    assert main(["train", *options]) == 2
    assert said in capsys.readouterr().err


def test_the_page_is_well_formed_and_shows_every_metric(tmp_path):
    paths = write_curves(tmp_path, ROWS)
    page = paths[0].read_text()
    figures = re.findall(r"<svg.*?</svg>", page)
    assert len(figures) == len(panels_of(ROWS)) == page.count("<figure>")
    for figure in figures:
        ElementTree.fromstring(figure)
    assert "<polygon" in figures[0]  # the interval of what was evaluated
    for name in ("eval/success 0.5", "term/task 0.4", "kl 0.01"):
        assert name in page


def test_the_picture_is_drawn_where_matplotlib_is_and_left_out_where_not(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    page, picture = write_curves(tmp_path, ROWS)
    assert picture.read_bytes().startswith(b"\x89PNG")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert write_curves(tmp_path, ROWS) == [page]


def test_a_folder_without_metrics_is_answered_with_a_sentence(tmp_path):
    with pytest.raises(ConfigurationError, match="no metrics"):
        write_curves(tmp_path)


def test_the_view_shows_the_last_iterations_and_the_terms_of_the_return():
    terminal = Terminal(width=140, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    terminal.print(table_of(ROWS, 10))
    text = terminal.export_text()
    for shown in ("held out", "0.500", "KL", "0.0100", "iteration 2 of 10; task 0.400"):
        assert shown in text
    assert line_of(ROWS[2], 10) == "iteration 2/10  return 0.700  success 0.400  held out 0.500  KL 0.0100  env 20%"
