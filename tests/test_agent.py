"""Agents by name: short names, classes, files, factories; keywords; fingerprints."""

import os
import subprocess
import sys
import textwrap

import pytest

from agemem_gym.agent import AgentSpec, make_agent
from agemem_gym.errors import ConfigurationError
from agemem_gym.fingerprint import fingerprint_of

SOURCE = """
    import os
    from helper import WORD

    class Fixed:
        def __init__(self, word=WORD, times=1):
            self.word = word * times

        def reset(self, info):
            pass

        def act(self, obs, info):
            return f"<answer>{self.word}{os.environ.get('MY_MODEL', '')}</answer>"

    class Broken:
        def __init__(self):
            raise KeyError("no weights")
        reset = act = lambda self, *a: ""

    def factory(word="made"):
        return Fixed(word)

    def no_agent():
        return 3
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(textwrap.dedent(SOURCE))
    (tmp_path / "helper.py").write_text("WORD = 'x'\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def in_a_new_process(folder, code, **environment):
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, env={**os.environ, **environment}
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_an_agent_is_named_by_file_with_a_name_and_keywords(folder):
    spec = AgentSpec.parse("short=mine.py:Fixed", {"word": "y", "times": 2})
    assert spec.make().act("", {}) == "<answer>yy</answer>"
    assert spec.label == "short (times=2, word=y)"
    assert spec.record()["kwargs"] == {"word": "y", "times": 2}
    assert AgentSpec.parse("mine.py:factory").make().act("", {}) == "<answer>made</answer>"


def test_what_is_no_agent_is_refused_with_a_sentence(folder):
    for text, kwargs, message in (
        ("scriptd", {}, "did you mean 'scripted'"),
        ("mine.py:Fixd", {}, "did you mean 'Fixed'"),
        ("mine.py:SOURCE_OF_ALL", {}, "has no 'SOURCE_OF_ALL'"),
        ("nowhere.py:Fixed", {}, "no such file"),
        ("nowhere:Fixed", {}, "no module 'nowhere'"),
        ("mine.py:Fixed", {"colour": 1}, r"it takes word, times"),
        ("mine.py:Fixed", {"word": object()}, "no plain data"),
        ("=mine.py:Fixed", {}, "expected NAME="),
    ):
        with pytest.raises(ConfigurationError, match=message):
            AgentSpec.parse(text, kwargs)
    with pytest.raises(ConfigurationError, match="has no method reset and no method act"):
        AgentSpec.parse("mine.py:no_agent").make()
    with pytest.raises(ConfigurationError, match="cannot be made: KeyError: 'no weights'"):
        AgentSpec.parse("mine.py:Broken").make()
    (folder / "torn.py").write_text("class Agent(:\n")
    with pytest.raises(ConfigurationError, match=r"importing torn\.py failed: SyntaxError"):
        AgentSpec.parse("torn.py:Agent")


def test_an_object_is_a_keyword_only_where_nothing_is_written_down(folder):
    word = type("Word", (str,), {})("z")
    assert make_agent("mine.py:Fixed", word=word).word == "z"


def test_the_fingerprint_changes_with_the_source_the_modules_beside_it_and_what_it_reads_from_the_environment(folder):
    code = "from agemem_gym.agent import AgentSpec; print(AgentSpec.parse('mine.py:Fixed').fingerprint)"
    first = in_a_new_process(folder, code)
    assert in_a_new_process(folder, code) == first
    assert in_a_new_process(folder, code, MY_MODEL="large") != first
    assert in_a_new_process(folder, code, OTHER="large") == first
    (folder / "helper.py").write_text("WORD = 'changed'\n")
    second = in_a_new_process(folder, code)
    assert second != first
    (folder / "mine.py").write_text(textwrap.dedent(SOURCE) + "\n# edited\n")
    assert in_a_new_process(folder, code) != second


def test_a_key_in_the_environment_is_no_part_of_the_fingerprint(folder, monkeypatch):
    (folder / "keyed.py").write_text("import os\ndef agent():\n    return os.environ['MY_API_KEY']\n")
    code = "from agemem_gym.agent import AgentSpec; print(AgentSpec.parse('keyed.py:agent').fingerprint)"
    assert in_a_new_process(folder, code, MY_API_KEY="a") == in_a_new_process(folder, code, MY_API_KEY="b")


def test_the_fingerprint_of_our_own_agents_covers_what_they_inherit():
    from agemem_gym.baselines.scripted import RandomAgent

    class Mine(RandomAgent):
        pass

    assert len({fingerprint_of(Mine), fingerprint_of(RandomAgent), fingerprint_of(dict)}) == 3


def test_two_edits_of_a_checkout_are_two_versions(tmp_path, monkeypatch):
    from agemem_gym import versions

    def git(*arguments):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], cwd=tmp_path, check=True)

    (tmp_path / "package").mkdir()
    file = tmp_path / "package" / "versions.py"
    file.write_text("1\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    monkeypatch.setattr(versions, "__file__", str(file))
    said = []
    for text in ("1\n", "2\n", "3\n", "1\n"):
        file.write_text(text)
        versions.commit.cache_clear()
        said.append(versions.commit())
    versions.commit.cache_clear()
    assert said[0] == said[3]
    assert "dirty" not in said[0]
    assert len(set(said)) == 3
