"""Documentation is checked: the README's code and the docstrings' examples run."""

import doctest
import importlib.util
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agemem_gym.curriculum import CurriculumConfig, ThreeStage
from agemem_gym.curriculum.distractors import SOURCES
from agemem_gym.registration import BENCHMARKS, load_class
from agemem_gym.stream import Stream

ROOT = Path(__file__).parents[1]


def modules_with_examples():
    """Every module of ours that shows an example in a docstring."""
    for folder, package in (
        ("agemem_gym", "agemem_gym"),
        ("envs", "agemem_gym.envs"),
        ("baselines", "agemem_gym.baselines"),
    ):
        for file in sorted((ROOT / folder).rglob("*.py")):
            if re.search(r"^\s*>>> ", file.read_text(encoding="utf-8"), re.MULTILINE):
                parts = file.relative_to(ROOT / folder).with_suffix("").parts
                yield ".".join([package, *(part for part in parts if part != "__init__")])


@pytest.mark.parametrize("name", [*modules_with_examples()])
def test_examples_in_docstrings(name):
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted > 0
    assert result.failed == 0


def python_blocks(path):
    return re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", [page for page in PAGES if python_blocks(page)], ids=lambda page: page.name)
def test_python_on_the_pages(page):
    for block in python_blocks(page):
        run = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        assert run.stdout.strip()


def test_the_curriculum_on_its_page_loads(tmp_path):
    (yaml,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "curriculum.md").read_text(encoding="utf-8"), re.DOTALL)
    file = tmp_path / "curriculum.yaml"
    file.write_text(yaml)
    assert CurriculumConfig.load(file).at(0.5, 1.0) == {
        "n2": 4,
        "rate": 0.3,
        "order": "interleaved",
        "similarity": (0.2, 0.8),
    }


def test_links_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def docs_builder():
    spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda benchmark: benchmark.name)
def test_each_env_has_its_page_with_every_keyword(benchmark):
    build = docs_builder()
    text = build.file_of(benchmark).read_text(encoding="utf-8")
    assert text == build.page(benchmark), "run `python docs/build.py`"
    for keyword in inspect.signature(load_class(benchmark.task)).parameters:
        assert re.search(rf"^(``)?{keyword}(``)?\s", text, re.MULTILINE), keyword


def test_the_page_on_the_curriculum_names_every_keyword_and_source():
    text = (ROOT / "docs" / "curriculum.md").read_text(encoding="utf-8")
    for name in (*inspect.signature(ThreeStage).parameters, *SOURCES):
        assert name == "env" or f"`{name}`" in text


def test_the_page_on_streams_names_every_keyword_and_measure():
    text = (ROOT / "docs" / "streams.md").read_text(encoding="utf-8")
    for name in inspect.signature(Stream).parameters:
        assert name == "env" or f"`{name}`" in text
    for name in ("plasticity", "stability", "backward transfer", "forgetting", "generalisation"):
        assert f"| {name} |" in text
