"""``agemem doctor`` and ``agemem list``: what is there, what is missing, and commands that can be copied."""

import importlib.metadata
import importlib.util
import sys
from pathlib import Path

import pytest

from agemem_gym import doctor, errors
from agemem_gym.cli import main
from agemem_gym.errors import MissingDependencyError, import_extra, install_command

CLONE = Path(errors.__file__).parents[1]


@pytest.fixture
def without(monkeypatch):
    """Hide packages, as if they were not installed."""
    version, find_spec = importlib.metadata.version, importlib.util.find_spec

    def hide(*packages):
        def hidden_version(name):
            if name in packages:
                raise importlib.metadata.PackageNotFoundError(name)
            return version(name)

        monkeypatch.setattr(importlib.metadata, "version", hidden_version)
        monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name in packages else find_spec(name))

    return hide


def findings():
    return {finding.what: finding for finding in doctor.examine()}


def test_a_healthy_partial_install_is_no_finding(without, capsys):
    without("pddlgym", "scienceworld", "torch", "stable-baselines3", "transformers", "sentence-transformers")
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "[pddl]" in said
    assert "What is installed is complete." in said
    assert findings()["pddlgym"].ok is None
    assert findings()["psutil"].ok is True


def test_what_an_installed_part_needs_and_does_not_find_is_missing(without, monkeypatch, capsys):
    without("textworld")
    monkeypatch.setenv("PATH", "")
    found = findings()
    assert found["textworld"].ok is False
    assert found["Java (for ScienceWorld)"].ok is False
    assert main(["doctor"]) == 1
    assert "Missing:\n  textworld: pip install " in capsys.readouterr().out


def test_java_is_optional_without_scienceworld(without, monkeypatch):
    without("scienceworld")
    monkeypatch.setenv("PATH", "")
    assert findings()["Java (for ScienceWorld)"].ok is None


def test_a_java_that_does_not_run_is_missing(tmp_path, monkeypatch):
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho broken >&2; exit 1\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = findings()["Java (for ScienceWorld)"]
    assert found.ok is False
    assert "broken" in found.found


def test_a_version_that_does_not_fit_is_missing(monkeypatch):
    version = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.3.5" if name == "alfworld" else version(name))
    assert findings()["alfworld"].ok is False
    assert findings()["alfworld"].found == "0.3.5, but ==0.4.2 is needed"


def test_every_requirement_for_use_is_looked_at():
    names = findings()
    assert {"chromadb", "numpy", "minigrid", "pddlgym", "torch"} <= names.keys()
    assert not {"pytest", "ruff", "agemem-gym"} & names.keys()


def test_list_prints_the_extra_and_a_command_that_works_here(without, monkeypatch, capsys):
    without("pddlgym")
    monkeypatch.chdir(CLONE)
    assert main(["list"]) == 0
    assert "To install PDDL: pip install -e '.[pddl]'\n" in capsys.readouterr().out


def test_an_env_that_plays_without_its_extra_is_installed(without, monkeypatch, capsys):
    without("datasets")
    monkeypatch.setitem(sys.modules, "datasets", None)
    assert main(["list"]) == 0
    assert "To install" not in capsys.readouterr().out
    assert main(["run", "AgeMem-HotpotQA-v0", "--agent", "random", "--env-arg", "encoder=hash"]) == 0


def test_the_command_fits_the_place(tmp_path, monkeypatch):
    monkeypatch.chdir(CLONE)
    assert install_command("pddl") == "pip install -e '.[pddl]'"
    assert install_command() == "pip install -e ."
    monkeypatch.chdir(tmp_path)
    assert install_command("pddl") == f"pip install -e '{CLONE}[pddl]'"
    monkeypatch.setattr(errors, "_clone", lambda: None)
    assert install_command("pddl") == "pip install 'agemem-gym[pddl]'"


def test_the_error_for_a_missing_extra_holds_the_same_command(monkeypatch):
    monkeypatch.chdir(CLONE)
    with pytest.raises(MissingDependencyError, match=r"pip install -e '\.\[mem0\]'"):
        import_extra("no_such_package", "mem0")


def test_nothing_else_words_that_command():
    for folder in ("agemem_gym", "envs", "baselines"):
        for file in (CLONE / folder).rglob("*.py"):
            assert "pip install 'agemem-gym" not in file.read_text(encoding="utf-8"), f"{file}: use install_command"
