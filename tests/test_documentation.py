"""Documentation is checked: the README's code and the docstrings' examples run."""

import doctest
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = [
    "agemem_gym.answers",
    "agemem_gym.context",
    "agemem_gym.curriculum.config",
    "agemem_gym.curriculum.injection",
    "agemem_gym.curriculum.schedule",
    "agemem_gym.curriculum.three_stage",
    "agemem_gym.env",
    "agemem_gym.memory.store",
    "agemem_gym.play",
    "agemem_gym.protocol",
    "agemem_gym.spaces",
    "agemem_gym.tools.tool",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted > 0
    assert result.failed == 0


def test_python_in_the_readme():
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        run = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        assert "I start facing a wall." in run.stdout
