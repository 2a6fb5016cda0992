"""PDDL's memory domains: what each fact is worth. The same honest explorer, told more or less of what it cannot see.

=================  ====================================================================================================
told               what it knows before its first move
=================  ====================================================================================================
nothing            what it sees
without recipes    the key facts but for what cocktails are made of (barman only)
without places     the key facts but for what the dispensers hold (barman only)
all but one        the key facts but for one of them, drawn at random
key facts          the key facts
as it was          all that held in the world before a quarter of it changed (never corrected)
=================  ====================================================================================================

The engine alone is played, without memory and stages, within the limit of ``moves="memory"``. Success with Wilson's interval,
the mean of progress and of the moves used as a share of the limit (an episode that failed used them all) with the bootstrap's.

    python benchmarks/pddl_memory.py --episodes 100
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from agemem_gym.baselines.explorers.pddl import PDDLExplorer
from agemem_gym.envs.pddl import PDDLTask
from agemem_gym.envs.pddl.worlds import KINDS
from agemem_gym.intervals import Figure, mean, share

_CHANGES = 0.25

Told = Callable[[Sequence[str], np.random.Generator], list[str]]

TOLD: Mapping[str, Told] = {
    "nothing": lambda facts, rng: [],
    "without recipes": lambda facts, rng: [fact for fact in facts if "ingredient of" not in fact],
    "without places": lambda facts, rng: [fact for fact in facts if "ingredient of" in fact],
    "all but one": lambda facts, rng: [facts[int(i)] for i in rng.permutation(len(facts))[1:]],
    "key facts": lambda facts, rng: list(facts),
}
_OF_BARMAN = ("without recipes", "without places")
STALE = "as it was"


@dataclass(frozen=True)
class Line:
    """All episodes of one domain, told one part of the facts."""

    domain: str
    told: str
    played: int
    success: Figure
    progress: Figure
    moves: Figure


def play(task: PDDLTask, seed: int, told: Told | None) -> tuple[bool, float, float]:
    """Success, progress and the share of the limit that was used."""
    rng = np.random.default_rng(seed)
    if told is None:
        world = {"seed": seed, "epoch": 0, "changes": _CHANGES}
        task.reset(seed, {"world": world})
        facts = list(task.world_facts())
        start = task.reset(seed, {"world": {**world, "epoch": 1}})
    else:
        start = task.reset(seed, {})
        facts = told(start.key_facts, rng)
    explorer = PDDLExplorer()
    explorer.reset(rng)
    for fact in facts:
        explorer.learn(fact)
    info = {"instruction": start.instruction, "observation": start.observation}
    explorer.begin(info)
    progress = start.progress
    for moves in range(1, start.max_moves + 1):
        reply = explorer.act(info)
        if reply.startswith("<answer>"):
            break
        step = task.act(reply.removeprefix("<action>").removesuffix("</action>"))
        info["observation"], progress = step.observation, step.progress
        if step.success:
            return True, progress, moves / start.max_moves
    return False, progress, 1.0


def measured(episodes: int) -> Iterator[Line]:
    """Every domain, told every part."""
    for domain in KINDS:
        task = PDDLTask(domain=domain, moves="memory")
        ways: dict[str, Told | None] = {**TOLD, STALE: None}
        for name, told in ways.items():
            if name in _OF_BARMAN and domain != "memory-barman":
                continue
            won, progress, moves = zip(*(play(task, seed, told) for seed in range(episodes)), strict=True)
            yield Line(domain, name, episodes, share(won), mean(progress), mean(moves))


def print_table(found: Sequence[Line]) -> None:
    """For people."""
    table = Table(title="PDDL: what each fact is worth, with 95 % intervals")
    for heading in ("domain", "told", "n", "success", "progress", "moves / limit"):
        table.add_column(heading, justify="left" if heading in ("domain", "told") else "right")
    for line in found:
        table.add_row(line.domain, line.told, str(line.played), str(line.success), str(line.progress), str(line.moves))
    Console(width=110).print(table)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=100, help="of each domain and row")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    found = list(measured(options.episodes))
    print_table(found)
    if options.json:
        options.json.write_text(json.dumps([asdict(line) for line in found], indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
