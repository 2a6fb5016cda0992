"""ALFWorld: how hard the generated games are, next to the official ones.

By task type: receptacles, objects and the length of the planner's walkthrough, mean (smallest to largest), for generated
games of a split and for official games of the same split where they are found (``--data``, or ``$ALFWORLD_DATA``). Every
generated game's own walkthrough is carried out and has to win; with ``--planner N`` fast-downward, which the official
walkthroughs come from, is asked for the first N games as well.

    python benchmarks/alfworld_difficulty.py --games 120 --data ../shared/data/alfworld
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import mean

from rich.console import Console
from rich.table import Table

from agemem_gym.envs.alfworld.engine import Engine
from agemem_gym.envs.alfworld.game import Game, load_game
from agemem_gym.envs.alfworld.generated import SPLITS, generate
from agemem_gym.envs.alfworld.goals import TASK_TYPES, parse_goal
from agemem_gym.envs.alfworld.official import data_folder, index
from agemem_gym.envs.alfworld.rooms import ROOM_KINDS


@dataclass(frozen=True)
class Figures:
    """One game's size."""

    task_type: str
    receptacles: int
    objects: int
    walkthrough: int


def figures(game: Game, walkthrough: int) -> Figures:
    """What the problem of `game` holds; objects without a position are names that official files list in vain."""
    problem = game.problem[: game.problem.index("(:init")]
    receptacles = len(re.findall(r"_bar_\S+ - receptacle", problem))
    objects = len(re.findall(r"_bar_\S+ - object", problem))
    return Figures(parse_goal(game.problem).task_type, receptacles, objects, walkthrough)


def generated(split: str, games: int) -> Iterator[Figures]:
    """Figures of generated games; each game's walkthrough is carried out and has to win."""
    engine = Engine()
    for seed in range(games):
        game = game_of(split, seed)
        won = engine.reset(game).won
        for command in game.walkthrough:
            won = engine.step(command).won
        if not won:
            print(f"not won: {game.name} by {game.walkthrough}")
        yield figures(game, len(game.walkthrough))
    engine.close()


def game_of(split: str, seed: int) -> Game:
    """The generated game that a seed stands for, of all task types and rooms."""
    return generate(split, seed, TASK_TYPES, tuple(ROOM_KINDS))


def planner_check(split: str, games: int, limit_s: float) -> str:
    """How many games fast-downward solves, and how its plans compare with the walkthroughs.

    Its search may take minutes and cannot be interrupted, so it runs in a process that is ended after `limit_s` seconds.
    """
    counts = {"solved": 0, "as short as ours": 0, "longer": 0, "shorter": 0, "no plan": 0, "out of time": 0}
    worker = None
    for seed in range(games):
        worker = worker or _Planner()
        length = worker.length(split, seed, limit_s)
        if length is None:
            counts["out of time"] += 1
            worker = None
            continue
        ours = len(game_of(split, seed).walkthrough)
        counts["solved" if length else "no plan"] += 1
        counts["as short as ours" if length == ours else "longer" if length > ours else "shorter"] += bool(length)
    if worker:
        worker.end()
    return f"fast-downward, {limit_s:g} s a game, {games} games: " + ", ".join(
        f"{n} {what}" for what, n in counts.items()
    )


class _Planner:
    """fast-downward in a process of its own."""

    def __init__(self) -> None:
        self._ours, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(target=_plan_for_ever, args=(theirs,), daemon=True)
        self._process.start()

    def length(self, split: str, seed: int, limit_s: float) -> int | None:
        self._ours.send((split, seed))
        if self._ours.poll(limit_s):
            return self._ours.recv()
        self.end()
        return None

    def end(self) -> None:
        self._process.kill()
        self._process.join()


def _plan_for_ever(pipe: Connection) -> None:
    engine = Engine()
    while True:
        engine.reset(game_of(*pipe.recv()))
        pipe.send(len(engine.plan()))


def official(folder: Path, split: str) -> Iterator[Figures]:
    """Figures of the official games; their stored walkthrough is the planner's."""
    for entry in index(folder, split):
        game = load_game(entry.path, entry.name)
        yield figures(game, len(game.walkthrough))


def spread(values: list[int]) -> str:
    """``mean (smallest-largest)``."""
    return f"{mean(values):.1f} ({min(values)}-{max(values)})"


def show(title: str, rows: dict[str, list[Figures]]) -> None:
    """Print one table: a line for each task type and one for all."""
    table = Table(title=title)
    for column in ("task type", "games", "receptacles", "objects", "walkthrough"):
        table.add_column(column, justify="left" if column == "task type" else "right")
    everything = [item for items in rows.values() for item in items]
    for name, items in [*((kind, rows[kind]) for kind in TASK_TYPES if kind in rows), ("all", everything)]:
        spreads = (
            spread([getattr(item, field) for item in items]) for field in ("receptacles", "objects", "walkthrough")
        )
        table.add_row(name, str(len(items)), *spreads)
    Console(width=110).print(table)


def by_type(items: list[Figures]) -> dict[str, list[Figures]]:
    """Group by task type."""
    grouped = defaultdict(list)
    for item in items:
        grouped[item.task_type].append(item)
    return dict(grouped)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=SPLITS, default="valid_seen")
    parser.add_argument("--games", type=int, default=120, help="generated games to make")
    parser.add_argument("--data", help="folder that holds json_2.1.1")
    parser.add_argument("--planner", type=int, default=0, metavar="N", help="also ask fast-downward for N games")
    parser.add_argument("--limit", type=float, default=20, metavar="S", help="seconds for each of these")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    tables = {f"generated, {arguments.split}": list(generated(arguments.split, arguments.games))}
    if folder := data_folder(arguments.data, arguments.split):
        tables[f"official, {arguments.split}"] = list(official(folder, arguments.split))
    for title, items in tables.items():
        show(title, by_type(items))
    if arguments.planner:
        print(planner_check(arguments.split, arguments.planner, arguments.limit))
    if arguments.json:
        arguments.json.write_text(
            json.dumps({title: [asdict(item) for item in items] for title, items in tables.items()}, indent=2) + "\n"
        )


if __name__ == "__main__":
    main()
