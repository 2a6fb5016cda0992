"""The benchmark of generation: it runs, both sides do the same, and what has to be read is read once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

BENCHMARK = Path(__file__).parents[3] / "benchmarks" / "generation.py"


def rows_of(tmp_path, *options):
    path = tmp_path / "rows.json"
    command = [sys.executable, str(BENCHMARK), *options, "--json", str(path)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    rows = json.loads(path.read_text())["rows"]
    return {(row["name"], row["peer_name"]): row for row in rows}


def test_both_sides_say_the_same_and_no_prompt_is_read_twice(tmp_path):
    rows = rows_of(tmp_path, "--tiny")
    same = rows["small: turns with the same tokens", None]
    assert same["ours"] == same["n"] > 15
    assert rows["small: largest difference of log-probabilities", None]["ours"] < 1e-4
    assert rows["small: prompt tokens read", "each episode's prefix trie"]["ratio"] > 1 / 1.05
    assert rows["small: prompt tokens read", "transformers.generate, every prompt read again"]["ratio"] > 3


@pytest.mark.slow
def test_it_takes_a_quarter_of_the_time(tmp_path):
    rows_of(tmp_path, "--model", "small")
