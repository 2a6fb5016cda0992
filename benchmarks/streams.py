"""Do streams tell memories apart? Agents that differ only in how they keep what they are told, in every stream.

====================  =================================================================================================
explorer              keeps nothing
store-all             keeps what is new, mends what is corrected
store-only            keeps what is new, never updates or deletes
hoarder               keeps all that is said, twice, distractors too, and looks at one entry (shown the key facts)
====================  =================================================================================================

Each is played in the same streams, once in worlds that stay as they are and once in worlds that change. It has to show that
(1) store-all beats explorer on plasticity, intervals apart; (2) the hoarder's lookups find less as the stream grows; (3) what
store-only loses by change, store-all does not. The exit status is 1 where one of them does not hold in some env.

    python benchmarks/streams.py --envs HotpotQA --streams 10 --jobs 2
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agemem_gym.intervals import Figure, mean
from agemem_gym.leaderboard.streams import run_streams
from agemem_gym.leaderboard.streams.board import MEASURES, StreamLine, stream_board
from agemem_gym.registration import BENCHMARKS
from agemem_gym.terminal import Terminal
from agemem_gym.versions import installed_versions

AGENTS = ("explorer", "store-all", "store-only", "hoarder")
RATES = (0.0, 0.5)
_READS_NO_COMMANDS = {"ScienceWorld": {"info_admissible": False}}  # listing them takes most of a step, and none is read
_COMMAND = shlex.join(sys.argv)
_SHOWN = ("without memory", "learned", "in the end", "plasticity", "stability", "forgetting", "generalisation")

Lines = Mapping[float, Mapping[str, StreamLine]]
"""By change rate and agent."""


@dataclass(frozen=True)
class Claim:
    """Something that has to hold in an env.

    Attributes:
        text: what.
        figures: what it rests on, in words.
        holds: whether it does.
    """

    env: str
    text: str
    figures: str
    holds: bool


def played(
    env: str, agents: Sequence[str], rates: Sequence[float], streams: int, out: Path, processes: int, tasks: int
) -> Lines:
    """Every agent's streams in an env, at each rate; what is in `out` already is not played again."""
    (benchmark,) = (benchmark for benchmark in BENCHMARKS if benchmark.name == env)
    found: dict[float, dict[str, StreamLine]] = {}
    for rate in rates:
        keywords = {"split": "test", "index": "exact", "tasks": tasks, "change_rate": rate}
        rows = run_streams(
            agents,
            [benchmark.stream_id],
            streams,
            out,
            processes=processes,
            env_kwargs={**keywords, **_READS_NO_COMMANDS.get(env, {})},
            command=_COMMAND,
            console=Terminal(stderr=True),
        )
        lines = {agent: stream_board([row for row in rows if row.agent == agent]) for agent in agents}
        found[rate] = {agent: line for agent, (line,) in lines.items()}
    return found


def claims(env: str, lines: Lines) -> Iterator[Claim]:
    """What streams have to show of these agents."""
    for rate, by_agent in lines.items():
        if {"explorer", "store-all"} <= set(by_agent):
            one, other = (by_agent[name].figure(lambda m: m.plasticity) for name in ("store-all", "explorer"))
            text = f"store-all beats explorer on plasticity (change rate {rate:g})"
            yield Claim(env, text, f"{one} against {other}", one.low > other.high)
        if "hoarder" in by_agent:
            lost = _lost_on_the_way(by_agent["hoarder"])
            text = f"the hoarder's hit rate falls from the first task to the last (change rate {rate:g})"
            yield Claim(env, text, f"by {lost}", lost.low > 0)
    if len(lines) > 1 and {"store-only", "store-all"} <= set(by_agent):
        only, both = (_lost_by_change(lines, agent) for agent in ("store-only", "store-all"))
        more = mean([a - b for a, b in zip(_paired(lines, "store-only"), _paired(lines, "store-all"), strict=True)])
        text = "store-only loses more by change than store-all does (score in the end)"
        yield Claim(env, text, f"{only} against {both}: {more} more", more.low > 0)


def _lost_on_the_way(line: StreamLine) -> Figure:
    """How much less its lookups find after the last task than after the first, stream by stream."""
    ends = [(stream.points[0].hit_rate, stream.points[-1].hit_rate) for stream in line.streams]
    return mean([first - last for first, last in ends if first is not None and last is not None])


def _lost_by_change(lines: Lines, agent: str) -> Figure:
    return mean(_paired(lines, agent))


def _paired(lines: Lines, agent: str) -> list[float]:
    """What each stream scores less in the end where its worlds change."""
    still, moving = (
        {stream.number: stream.matrix.in_the_end or 0.0 for stream in lines[rate][agent].streams}
        for rate in (min(lines), max(lines))
    )
    return [still[number] - moving[number] for number in sorted(still.keys() & moving.keys())]


def print_env(env: str, lines: Lines, console: Console) -> None:
    """The measures, and how hit rate and score go along the stream."""
    table = Table(title=f"{env}: streams of {len(_any(lines).streams)}, means with 95 % intervals")
    for heading in ("change", "agent", *_SHOWN, "entries a task"):
        table.add_column(heading)
    along = Table(title=f"{env}: after each task, on the tasks so far")
    for heading in ("change", "value", "agent", *map(str, range(1, len(_any(lines).streams[0].points) + 1))):
        along.add_column(heading)
    for rate, by_agent in lines.items():
        for agent, line in by_agent.items():
            cells = [str(line.figure(measure)) for name, measure in MEASURES if name in _SHOWN]
            table.add_row(f"{rate:g}", agent, *cells, f"{line.per_task(lambda point: point.entries).value:.1f}")
            for name, figures in (
                ("score", line.along(lambda p: p.score)),
                ("hit rate", line.along(lambda p: p.hit_rate)),
            ):
                along.add_row(f"{rate:g}", name, agent, *(f"{figure.value:.2f}" for figure in figures))
    console.print(table)
    console.print(along)


def _any(lines: Lines) -> StreamLine:
    return next(line for by_agent in lines.values() for line in by_agent.values())


def main() -> int:
    """The command line."""
    names = [benchmark.name for benchmark in BENCHMARKS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envs", nargs="+", choices=names, default=names, metavar="NAME", help="(default: all)")
    parser.add_argument("--agents", nargs="+", default=list(AGENTS), metavar="AGENT", help="(default: the four)")
    parser.add_argument("--rates", nargs="+", type=float, default=list(RATES), metavar="R", help="(default: 0 and 0.5)")
    parser.add_argument("--streams", type=int, default=10, metavar="N", help="of each agent (default: 10)")
    parser.add_argument("--tasks", type=int, default=8, metavar="T", help="in a stream (default: 8)")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="worker processes (default: 1)")
    parser.add_argument(
        "--out", type=Path, default=Path("results/streams"), metavar="FOLDER", help="can be gone on with"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures as JSON")
    options = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 220)
    found: list[Claim] = []
    for env in options.envs:
        lines = played(env, options.agents, options.rates, options.streams, options.out, options.jobs, options.tasks)
        print_env(env, lines, console)
        found += claims(env, lines)
    verdicts = Table(title="What has to be shown")
    for heading in ("env", "that", "figures", "holds"):
        verdicts.add_column(heading)
    for claim in found:
        verdicts.add_row(claim.env, claim.text, claim.figures, "yes" if claim.holds else "no")
    console.print(verdicts)
    if options.json:
        report = {"command": _COMMAND, "versions": installed_versions(), "claims": [asdict(claim) for claim in found]}
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0 if all(claim.holds for claim in found) else 1


if __name__ == "__main__":
    sys.exit(main())
