"""The benchmark of updates and iterations: it runs, and both sides compute the same gradient of the same rows."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

BENCHMARK = Path(__file__).parents[3] / "benchmarks" / "grpo_speed.py"


@pytest.mark.slow
def test_all_sides_compute_the_same_and_every_token_of_the_tree_is_read_once(tmp_path):
    path = tmp_path / "rows.json"
    run = subprocess.run(
        [sys.executable, str(BENCHMARK), "--tiny", "--json", str(path)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    rows = {(row["name"], row["peer_name"]): row for row in json.loads(path.read_text())["rows"]}
    assert rows["gradient apart from that of rows", None]["ours"] < 1e-4
    assert rows["tokens read", "the group's prefix trie"]["ratio"] == 1
    assert rows["tokens read", "rows"]["ratio"] > 4
