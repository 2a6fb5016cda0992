"""Rescore: saved episodes judged again, against the time that it took to play them; and whether the same terms come back.

Agents that handle memory rightly and wrongly play every three-stage env with the default encoder and the composite return;
then the records alone are judged again, in a fresh process. ``ratio`` is how many times faster that is.
"""

from __future__ import annotations

import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from report import Row, run

from agemem_gym.agent import AgentSpec
from agemem_gym.episode import read_episodes, write_episodes
from agemem_gym.jobs import Job
from agemem_gym.registration import BENCHMARKS
from agemem_gym.rescore import rescore
from agemem_gym.rollout import rollout

AGENTS = ("perfect", "hoarder", "wiper")


def measure(quick: bool) -> list[Row]:
    """One row an env, and one for all."""
    seeds = range(2 if quick else 20)
    rows, whole = [], [0.0, 0.0, 0]
    for benchmark in BENCHMARKS:
        jobs = [Job(seed, benchmark.three_stage_id, seed, {"reward": "composite"}) for seed in seeds]
        started = time.perf_counter()
        episodes = [played.episode for agent in AGENTS for played in rollout(AgentSpec.parse(agent), jobs)]
        playing = time.perf_counter() - started
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "episodes.jsonl.gz"
            write_episodes(file, [episode for episode in episodes if episode is not None])
            with ProcessPoolExecutor(1, get_context("spawn")) as fresh:  # whose encoder has seen nothing yet
                judging, changed = fresh.submit(judge_again, file).result()
        if any(changed) or len(changed) != len(episodes):
            raise SystemExit(f"{benchmark.name}: {sum(changed)} of {len(episodes)} episodes have other terms")
        rows.append(Row.less_is_better(benchmark.name, judging, playing, "playing them", "s", len(episodes)))
        whole = [whole[0] + judging, whole[1] + playing, whole[2] + len(episodes)]
    return [*rows, Row.less_is_better("all, terms the same", whole[0], whole[1], "playing them", "s", int(whole[2]))]


def judge_again(file: Path) -> tuple[float, list[bool]]:
    """Seconds that it takes to judge a file's episodes again, and of each whether a term is another."""
    started = time.perf_counter()
    changed = [bool(again.changes) for again in map(rescore, read_episodes(file))]
    return time.perf_counter() - started, changed


if __name__ == "__main__":
    run(measure, __doc__)
