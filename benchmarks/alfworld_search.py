"""ALFWorld: what searching is worth, and what it is worth to be told where things are.

The explorer plays each game in several ways: searching in different orders, and told the key facts. In the games of
``games="memory"`` no order should be better than another, and none much better than the chance that the room works out
(``envs/alfworld/homes.py``). Ordinary generated games, and official ones where ``--data`` or ``$ALFWORLD_DATA`` holds them,
are played for comparison, each with the move limit of ``moves="memory"``. Success with Wilson's interval, 95 %.

    python benchmarks/alfworld_search.py --games 120 --data ../shared/data/alfworld
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from agemem_gym.baselines.explorers.alfworld import ALFWorldExplorer
from agemem_gym.baselines.explorers.household import OPENS, promise
from agemem_gym.envs.alfworld import ALFWorldTask
from agemem_gym.envs.alfworld.official import data_folder
from agemem_gym.intervals import Figure, mean, share

Promise = Callable[[str, str], float]
_FIRST = 100.0

ORDERS: Mapping[str, Promise] = {
    "common sense": promise,
    "doors first": lambda thing, place: promise(thing, place) * (_FIRST if place in OPENS else 1),
    "doors last": lambda thing, place: promise(thing, place) * (1 if place in OPENS else _FIRST),
    "at random": lambda thing, place: (2.0 if place in OPENS else 1.0) if promise(thing, place) > 0.1 else 0.001,
}
"""How promising an order takes a place to be; it is divided by the moves that looking there takes."""

TOLD = "told the key facts"


@dataclass(frozen=True)
class Line:
    """All games of one kind, played in one way."""

    games: str
    way: str
    played: int
    success: Figure
    moves: Figure


def play(task: ALFWorldTask, seed: int, order: Promise, told: bool) -> tuple[bool, int]:
    """Whether one game is won within its limit, and the moves."""
    start = task.reset(seed, {})
    explorer = ALFWorldExplorer(order)
    explorer.reset(np.random.default_rng(seed))
    for fact in start.key_facts if told else ():
        explorer.learn(fact)
    info: dict[str, Any] = {"instruction": start.instruction, "observation": start.observation}
    explorer.begin(info)
    for moves in range(start.max_moves):
        reply = explorer.act({**info, "admissible": task.admissible()})
        if reply.startswith("<answer>"):
            return False, moves
        step = task.act(reply.removeprefix("<action>").removesuffix("</action>"))
        if step.success:
            return True, moves + 1
        info["observation"] = step.observation
    return False, start.max_moves


def lines(name: str, count: int, orders: Mapping[str, Promise], **kwargs: Any) -> Iterator[Line]:
    """Each order, and the first one told the key facts."""
    task = ALFWorldTask(moves="memory", **kwargs)
    count = task.size() or count
    ways = [*((way, order, False) for way, order in orders.items()), (TOLD, promise, True)]
    for way, order, told in ways:
        played = [play(task, seed, order, told) for seed in range(count)]
        won = [success for success, _ in played]
        yield Line(name, way, len(played), share(won), mean([float(moves) for success, moves in played if success]))
    task.close()


def measured(games: int, data: str | None) -> Iterator[Line]:
    """Every kind of games."""
    usual = {"common sense": promise}
    yield from lines("memory, train", games, ORDERS, games="memory", data="generated")
    yield from lines("memory, valid_unseen", games, usual, games="memory", data="generated", split="valid_unseen")
    yield from lines("any, train", games, usual, games="any", data="generated")
    if folder := data_folder(data, "valid_seen"):
        yield from lines("official, valid_seen", games, usual, games="memory", data=folder.parent, split="valid_seen")


def print_table(found: list[Line]) -> None:
    """For people."""
    table = Table(title="ALFWorld: searching, and being told, with 95 % intervals")
    for heading in ("games", "the explorer", "n", "success", "moves when solved"):
        table.add_column(heading, justify="left" if heading in ("games", "the explorer") else "right")
    for line in found:
        table.add_row(line.games, line.way, str(line.played), str(line.success), str(line.moves))
    Console(width=110).print(table)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--games", type=int, default=120, help="of each kind")
    parser.add_argument("--data", help="folder that holds json_2.1.1")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    found = list(measured(options.games, options.data))
    print_table(found)
    if options.json:
        options.json.write_text(json.dumps([asdict(line) for line in found], indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
