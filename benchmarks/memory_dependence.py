"""Does a task need its memory? Honest agents that differ only in what of stage 1 they know, in every three-stage env.

====================  =================================================================================================
explorer              notes nothing of stage 1, and plays on: it searches, opens, tries
store-all             the same explorer, which stored what it was told and retrieves it
informed              the same explorer with all that was said before its eyes (order="all_at_once", n2=0): the upper bound
store-all, n1=0       the control: stage 1 says nothing
====================  =================================================================================================

None of them is shown a key fact or the expert's replies. *Memory gain* is store-all less explorer on the same seeds, in success
and in moves (as a share of the limit; an episode that failed used them all). Success has Wilson's interval, a mean and a gain
the percentile bootstrap's over seeds, 95 %. The exit status is 1 where a gain in success is under 0.5 or store-all under 0.8.

    python benchmarks/memory_dependence.py --episodes 100 --jobs 2

Tasks are those of the test split, on which no explorer was developed; ``--split train`` plays the ids' own default.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from agemem_gym.agent import AgentSpec
from agemem_gym.intervals import Figure, mean, share
from agemem_gym.jobs import Job
from agemem_gym.registration import BENCHMARKS, Benchmark
from agemem_gym.rollout import rollout
from agemem_gym.versions import installed_versions

CONDITIONS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "explorer": ("explorer", {}),
    "store-all": ("store-all", {}),
    "informed": ("explorer", {"order": "all_at_once", "n2": 0}),
    "store-all, n1=0": ("store-all", {"n1": 0}),
}
"""Name of a condition: the agent, and its keywords of ``gym.make``."""

LEAST_GAIN, LEAST_SUCCESS = 0.5, 0.8
_READS_NO_COMMANDS = {"ScienceWorld": {"info_admissible": False}}  # listing them takes most of a step, and none is read
_COMMAND = shlex.join(sys.argv)


@dataclass(frozen=True)
class Result:
    """One episode."""

    seed: int
    kind: str
    success: bool
    progress: float
    moves: int
    limit: int

    @property
    def share_of_moves(self) -> float:
        """Moves as a share of the limit; all of them where the task was not solved."""
        return self.moves / self.limit if self.success else 1.0


@dataclass(frozen=True)
class Line:
    """All episodes of one condition in one env.

    Attributes:
        moves: of the episodes that were solved.
        gain: in success, over the explorer on the same seeds.
        gain_in_moves: the share of the limit saved, likewise.
    """

    env: str
    condition: str
    episodes: int
    success: Figure
    progress: Figure
    moves: Figure
    limit: Figure
    gain: Figure
    gain_in_moves: Figure


def play(env_id: str, agent: str, kwargs: Mapping[str, Any], seeds: Sequence[int]) -> list[Result]:
    """The episodes of one condition."""
    jobs = [Job(seed, env_id, seed, kwargs) for seed in seeds]
    results = []
    for played in rollout(AgentSpec.parse(agent), jobs, stop_at_error=True):
        episode = played.episode
        assert episode is not None
        kind = episode.start.task_id.rpartition("/")[0]
        results.append(
            Result(episode.seed, kind, episode.success, episode.progress, episode.moves, episode.start.max_moves)
        )
    return sorted(results, key=lambda result: result.seed)


def lines(env: str, played: Mapping[str, Sequence[Result]]) -> Iterator[Line]:
    """What came of each condition, beside the explorer."""
    base = played["explorer"]
    for condition, results in played.items():
        pairs = list(zip(results, base, strict=True))
        yield Line(
            env,
            condition,
            len(results),
            share([result.success for result in results]),
            mean([result.progress for result in results]),
            mean([float(result.moves) for result in results if result.success]),
            mean([float(result.limit) for result in results]),
            mean([float(one.success) - float(other.success) for one, other in pairs]),
            mean([other.share_of_moves - one.share_of_moves for one, other in pairs]),
        )


def failures(found: Sequence[Line]) -> Iterator[str]:
    """What does not hold of what has to."""
    for line in found:
        if line.condition == "store-all":
            if line.success.value < LEAST_SUCCESS:
                yield f"{line.env}: store-all solves {line.success}, under {LEAST_SUCCESS}"
            if line.gain.value < LEAST_GAIN:
                yield f"{line.env}: memory is worth {line.gain} in success, under {LEAST_GAIN}"


def print_table(found: Sequence[Line]) -> None:
    """For people."""
    table = Table(title="What memory is worth, with 95 % intervals")
    for heading in ("env", "agent", "n", "success", "progress", "moves when solved", "limit", "gain", "moves saved"):
        table.add_column(heading)
    for line in found:
        compared = line.condition != "explorer"
        table.add_row(
            line.env,
            line.condition,
            str(line.episodes),
            str(line.success),
            str(line.progress),
            f"{line.moves.value:.1f}",
            f"{line.limit.value:.1f}",
            str(line.gain) if compared else "",
            str(line.gain_in_moves) if compared else "",
        )
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def measure(
    benchmarks: Sequence[Benchmark], episodes: int, jobs: int, given: Mapping[str, Any], seed: int
) -> dict[str, dict[str, list[Result]]]:
    """Play everything: env to condition to results."""
    found: dict[str, dict[str, list[Result]]] = {}
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        futures = {
            (benchmark.name, condition): pool.submit(
                play,
                benchmark.three_stage_id,
                agent,
                {**_READS_NO_COMMANDS.get(benchmark.name, {}), **kwargs, **given},
                range(seed, seed + episodes),
            )
            for benchmark in benchmarks
            for condition, (agent, kwargs) in CONDITIONS.items()
        }
        for (env, condition), future in futures.items():
            found.setdefault(env, {})[condition] = future.result()
    return found


def by_kind(found: Mapping[str, Mapping[str, Sequence[Result]]]) -> dict[str, dict[str, dict[str, list[float]]]]:
    """Success and number of episodes by kind of task, where a task's id tells it."""
    kinds: dict[str, dict[str, dict[str, list[float]]]] = {}
    for env, played in found.items():
        for condition, results in played.items():
            for kind in sorted({result.kind for result in results}):
                of_kind = [float(result.success) for result in results if result.kind == kind]
                place = kinds.setdefault(env, {}).setdefault(kind, {})
                place[condition] = [round(sum(of_kind) / len(of_kind), 3), len(of_kind)]
    return kinds


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [benchmark.name for benchmark in BENCHMARKS]
    parser.add_argument("--envs", nargs="+", choices=names, default=names)
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--split", default="test", help="train, validation or test (default: test)")
    parser.add_argument("--data", metavar="FILE", help="HotpotQA's own questions, with --envs HotpotQA")
    parser.add_argument("--seed", type=int, default=0, help="of the first episode")
    parser.add_argument("--encoder", default="minilm", help="of the memory; 'hash' is faster")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all of it as JSON")
    options = parser.parse_args()
    chosen = [benchmark for benchmark in BENCHMARKS if benchmark.name in options.envs]
    given = {"encoder": options.encoder, **({"data": options.data} if options.data else {"split": options.split})}
    played = measure(chosen, options.episodes, options.jobs, given, options.seed)
    found = [line for env in played for line in lines(env, played[env])]
    print_table(found)
    if options.json:
        report = {"command": _COMMAND, "versions": installed_versions(), "lines": [asdict(line) for line in found]}
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({**report, "kinds": by_kind(played)}, indent=2) + "\n", encoding="utf-8")
    wrong = list(failures(found))
    print(*wrong, sep="\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
