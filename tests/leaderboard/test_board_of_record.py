"""``benchmarks/results/smollm``: the stored board is what the project's own reader makes of its rows."""

import gzip
import importlib.util
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from agemem_gym.agent import AGENTS
from agemem_gym.episode import Episode
from agemem_gym.leaderboard.results import ResultsFolder, read_episode

ROOT = Path(__file__).parents[2]
STORED = ROOT / "benchmarks" / "results" / "smollm"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("board_of_record", ROOT / "benchmarks" / "board_of_record.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("board")
    for file in STORED.iterdir():
        shutil.copy(file, folder)
    with ResultsFolder(folder, compressed=True) as results:
        return results.rows


def test_every_agent_of_the_papers_table_is_on_it_or_named_as_missing(script, rows):
    agents = (*script.AGENTS, *script.LAYERED, *script.TRAINED)
    assert len(set(agents)) == 10
    assert set(agents) <= set(AGENTS)
    assert {row.agent for row in rows} <= set(agents)
    said = (STORED / "missing.md").read_text().splitlines()
    assert said == ([f"- {line}" for line in script.missing(rows)] or ["- nothing"])


def test_no_episode_is_there_twice_and_none_ended_in_an_error(rows):
    assert len({row.key for row in rows}) == len(rows)
    assert not [row for row in rows if row.error is not None]


def test_rows_say_how_they_were_played(script, rows):
    for row in rows:
        assert row.env_kwargs.items() >= (script.SETTINGS | {"split": "test"}).items()
        assert row.agent_kwargs.items() >= script.PLAYED.items()
        assert (row.agent_kwargs.get("shots") == 2) == (row.agent not in script.TRAINED)
        assert {"commit", "torch", "transformers"} <= set(row.versions)
        assert row.policy["prompt_tokens"] > 0
        assert row.limits["top_k"] == 3
    assert len({row.token_budget for row in rows}) == 1


def test_the_tables_are_those_of_the_rows(script, rows):
    assert (STORED / "board.md").read_text() == script.overview(rows)


def test_records_stand_where_rows_say(rows):
    content = (STORED / "episodes.jsonl.gz").read_bytes()
    for row in rows[:: max(1, len(rows) // 5)]:
        start, length = row.place["offset"], row.place["length"]
        episode = Episode.from_json(gzip.decompress(content[start : start + length]).decode())
        assert len(episode.steps) == row.steps


def test_parts_are_joined_once_and_failures_left_out(script, rows, tmp_path):
    part = tmp_path / "part"
    part.mkdir()
    for name in ("results.jsonl", "episodes.jsonl.gz"):
        shutil.copy(STORED / name, part)
    for _ in range(2):
        script.join([str(part)], tmp_path / "out", "a command")
    with ResultsFolder(tmp_path / "out", compressed=True) as results:
        assert {row.key for row in results.rows} == {row.key for row in rows}
        assert len(results.rows) == len(rows)


def test_of_an_episode_that_was_played_again_the_later_one_stays(script, rows, tmp_path):
    with ResultsFolder(tmp_path / "again", compressed=True) as again:
        record = read_episode(STORED, rows[0]).to_json()
        again.append(replace(rows[0], versions={**rows[0].versions, "commit": "later"}, place={}), record)
    shutil.copytree(STORED, tmp_path / "out")
    script.join([str(tmp_path / "again")], tmp_path / "out", "a command")
    with ResultsFolder(tmp_path / "out", compressed=True) as results:
        assert len(results.rows) == len(rows)
        assert [row.versions["commit"] for row in results.rows].count("later") == 1
        assert read_episode(tmp_path / "out", results.rows[-1]).to_json() == read_episode(STORED, rows[-1]).to_json()
