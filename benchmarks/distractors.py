"""Distractor sources: how near they are to the query and to the gold facts, and how often they fool plain RAG.

For each benchmark and source, over generated episodes of seeds 0, 1, …: the mean cosine of a distractor to the query and to
its nearest gold fact (all-MiniLM-L6-v2); and what happens when the gold facts and the distractors lie in one memory and the
three entries nearest to the query are retrieved: in how many episodes a distractor stands before every gold fact (*misled*),
in how many it pushes one out that would be retrieved without it (*pushed out*), in how many either (*fooled*), and the share
of gold facts retrieved without and with distractors.
The same seeds give the same table.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import gymnasium
import numpy as np
from rich.console import Console
from rich.table import Table

import agemem_gym  # noqa: F401  registers the ids
from agemem_gym.curriculum.distractors import (
    SOURCES,
    ChatModelSource,
    Chooser,
    DistractorScene,
    DistractorSource,
    make_source,
)
from agemem_gym.memory import Encoder, cosines, make_encoder
from agemem_gym.registration import BENCHMARKS

TOP_K = 3
COUNT = 6


@dataclass(frozen=True)
class Figures:
    """Means over episodes."""

    env: str
    source: str
    episodes: int
    to_query: float
    to_facts: float
    misled: float
    pushed_out: float
    fooled: float
    recall_without: float
    recall_with: float


def scenes(env_id: str, episodes: int) -> list[DistractorScene]:
    """What a source may know of each episode."""
    env = gymnasium.make(env_id, encoder="hash", index="exact")
    found = []
    for seed in range(episodes):
        env.reset(seed=seed)
        start, task = env.unwrapped.episode.start, env.unwrapped.task
        rng = np.random.default_rng(seed)
        background, pool = tuple(task.background(rng)), tuple(task.distractor_pool(rng))
        found.append(DistractorScene(start.instruction, start.key_facts, start.answer, background, pool, seed))
    env.close()
    return [scene for scene in found if scene.key_facts]


def figures(
    env: str, name: str, source: DistractorSource, these: Sequence[DistractorScene], encoder: Encoder
) -> Figures:
    """One row of the table."""
    rows = []
    for scene in these:
        texts = [d.text for d in source.draw(scene, COUNT, np.random.default_rng([scene.seed, 1]))]
        if not texts:
            continue
        vectors = encoder.encode([scene.query, *scene.key_facts, *texts])  # (1 + f + d, n)
        query, facts, noise = vectors[0], vectors[1 : 1 + len(scene.key_facts)], vectors[1 + len(scene.key_facts) :]
        gold, wrong = cosines(facts, query), cosines(noise, query)
        together = np.concatenate([gold, wrong])
        best = np.argsort(-together, kind="stable")[:TOP_K]
        possible, found = min(TOP_K, len(gold)), int((best < len(gold)).sum())
        misled, pushed = bool(wrong.max() > gold.max()), found < possible
        rows.append(
            (
                float(wrong.mean()),
                float(np.max([cosines(noise, fact) for fact in facts], axis=0).mean()),
                float(misled),
                float(pushed),
                float(misled or pushed),
                possible / len(gold),
                found / len(gold),
            )
        )
    return Figures(env, name, len(rows), *(float(value) for value in np.mean(rows, axis=0)))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=30)
    parser.add_argument("--quick", action="store_true", help="few episodes, under 50 seconds")
    parser.add_argument("--chat", metavar="URL", help="also what the model behind this chat endpoint writes")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    encoder = make_encoder("minilm")
    sources = {name: make_source(name, encoder) for name in SOURCES}
    if arguments.chat:
        sources["llm"] = ChatModelSource(Chooser(encoder), arguments.chat)
    rows = []
    for benchmark in BENCHMARKS:
        these = scenes(benchmark.env_id, 4 if arguments.quick else arguments.episodes)
        rows += [figures(benchmark.name, name, source, these, encoder) for name, source in sources.items()]
    table = Table(title=f"Distractor sources ({COUNT} distractors an episode, top-{TOP_K} retrieval)")
    for column in (
        "env",
        "source",
        "n",
        "to query",
        "to facts",
        "misled",
        "pushed out",
        "fooled",
        "recall without",
        "recall with",
    ):
        table.add_column(column, justify="left" if column in ("env", "source") else "right")
    for row in rows:
        shares = [
            f"{value:.0%}" for value in (row.misled, row.pushed_out, row.fooled, row.recall_without, row.recall_with)
        ]
        table.add_row(row.env, row.source, str(row.episodes), f"{row.to_query:.2f}", f"{row.to_facts:.2f}", *shares)
        if row.source == list(sources)[-1]:
            table.add_section()
    Console(width=130).print(table)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
