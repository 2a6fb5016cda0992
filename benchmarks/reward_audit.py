"""What can be farmed? The return of degenerate policies and of random templates of replies, beside agents that do the work.

Each policy (``baselines/templates.py``, ``baselines/staged.py``) plays the same seeds in every three-stage env; every episode
is scored under all returns. A random search draws templates of at most six parts and plays each on one task, and the best
eighth under each return on three more; the best one under each return is then played on the audit's tasks, none of which it was
chosen by. Means have a bootstrapped 95 % interval over seeds. The exit status is 1 where one of these does not hold:

- under strict, and gated, no degenerate policy and no template gets more than 0.35 of store-all's return from episodes that it
  did not solve
- under strict, gated or not, store-all comes within 0.1 of the perfect agent, which is told what to store

    python benchmarks/reward_audit.py --episodes 20 --templates 200 --jobs 2 --json results/reward_audit.json
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from report import Row, write_json
from rich.console import Console
from rich.table import Table

import agemem_gym  # noqa: F401  registers the ids
from agemem_gym.agent import env_kwargs_of, make_agent
from agemem_gym.baselines.templates import TEMPLATES, LibrarianAgent, Part, TemplateAgent, random_templates
from agemem_gym.errors import MissingDependencyError
from agemem_gym.intervals import Figure, mean
from agemem_gym.registration import BENCHMARKS, Benchmark
from agemem_gym.reward import Reward
from agemem_gym.rollout import play_episode

RETURNS: Mapping[str, Reward] = {
    "paper": Reward("composite"),
    "strict": Reward("composite", variant="strict"),
    "paper, gated": Reward("composite", gate="task"),
    "strict, gated": Reward("composite", variant="strict", gate="task"),
    "answer only": Reward("answer_only"),
}
HONEST = ("perfect", "store-all", "explorer")
POLICIES: Mapping[str, Callable[[], Any]] = {
    **{name: (lambda name=name: make_agent(name)) for name in (*HONEST, "wiper", "hoarder", "amnesic")},
    "librarian": LibrarianAgent,
    **{name: (lambda name=name: TemplateAgent(name)) for name in TEMPLATES},
}
MOST, CHECKED = 0.35, ("strict", "paper, gated", "strict, gated")
NEAR, COMPARED = 0.1, ("strict", "strict, gated")
_SEARCH_SEEDS = 10_000
_SECOND_ROUND = 3
_READS_NO_COMMANDS = ("ScienceWorld", ("explorer", "store-all"))  # listing them takes most of a step, and none is read


@dataclass(frozen=True)
class Scored:
    """One episode under all returns."""

    success: bool
    returns: Mapping[str, float]


@dataclass(frozen=True)
class Line:
    """A policy in an env.

    Attributes:
        episodes: by seed.
        template: its parts, where the random search found it.
    """

    env: str
    policy: str
    episodes: tuple[Scored, ...]
    template: str = ""

    @property
    def success(self) -> float:
        """Share of the episodes that were solved."""
        return float(np.mean([episode.success for episode in self.episodes]))

    def figure(self, name: str) -> Figure:
        """The mean return with its interval."""
        return mean([episode.returns[name] for episode in self.episodes])

    def unsolved(self, name: str) -> float:
        """The mean return of what it did not solve; 0 where it solved all."""
        found = [episode.returns[name] for episode in self.episodes if not episode.success]
        return float(np.mean(found)) if found else 0.0


class Player:
    """Plays agents in one three-stage env; envs of the same keywords are made once."""

    def __init__(self, benchmark: Benchmark, encoder: str) -> None:
        self._benchmark, self._encoder = benchmark, encoder
        self._envs: dict[str, gymnasium.Env[str, str]] = {}

    def play(self, agent: Any, seeds: Sequence[int], name: str = "") -> tuple[Scored, ...]:
        """Episodes of these seeds, scored."""
        kwargs = dict(env_kwargs_of(agent))
        if self._benchmark.name == _READS_NO_COMMANDS[0] and name in _READS_NO_COMMANDS[1]:
            kwargs["info_admissible"] = False
        key = str(sorted(kwargs.items()))
        if key not in self._envs:
            self._envs[key] = gymnasium.make(self._benchmark.three_stage_id, encoder=self._encoder, **kwargs)
        env = self._envs[key]
        base: Any = env.unwrapped
        return tuple(
            Scored(
                episode.success,
                {key: r.terms(episode, base.task.metric, base.judge)["total"] for key, r in RETURNS.items()},
            )
            for episode in (play_episode(env, agent, seed) for seed in seeds)
        )

    def close(self) -> None:
        """Close what was made."""
        for env in self._envs.values():
            env.close()


def audit(benchmark: Benchmark, episodes: int, templates: int, encoder: str) -> list[Line]:
    """All policies in one env, and the best templates that the search finds there."""
    player, seeds, lines = Player(benchmark, encoder), range(episodes), []
    try:
        for name, make in POLICIES.items():
            print(f"{benchmark.name}: {name}", file=sys.stderr, flush=True)
            lines.append(Line(benchmark.name, name, player.play(make(), seeds, name)))
        for name, parts in best_templates(player, templates).items():
            played = player.play(TemplateAgent(parts), seeds)
            lines.append(Line(benchmark.name, f"best template for {name}", played, " · ".join(map(str, parts))))
    finally:
        player.close()
    return lines


def best_templates(player: Player, count: int) -> dict[str, tuple[Part, ...]]:
    """Of random templates the best one for each return; the same one for several of them comes once."""
    drawn = random_templates(np.random.default_rng(0), count)
    first = [player.play(TemplateAgent(parts), [_SEARCH_SEEDS]) for parts in drawn]
    best: dict[int, list[str]] = {}
    seeds = range(_SEARCH_SEEDS + 1, _SEARCH_SEEDS + 1 + _SECOND_ROUND)
    second: dict[int, tuple[Scored, ...]] = {}
    for name in RETURNS:
        order = sorted(range(len(drawn)), key=lambda i, name=name: -first[i][0].returns[name])
        kept = order[: max(1, len(order) // 8)]
        for i in kept:
            if i not in second:
                second[i] = (*first[i], *player.play(TemplateAgent(drawn[i]), seeds))
        i = max(kept, key=lambda i, name=name: float(np.mean([scored.returns[name] for scored in second[i]])))
        best.setdefault(i, []).append(name)
    return {" and ".join(names): drawn[i] for i, names in best.items()}


def failures(lines: Sequence[Line]) -> Iterator[str]:
    """What does not hold of what has to."""
    for env in dict.fromkeys(line.env for line in lines):
        here = {line.policy: line for line in lines if line.env == env}
        for name in CHECKED:
            limit = MOST * here["store-all"].figure(name).value
            for policy, line in here.items():
                if policy not in HONEST and line.unsolved(name) > limit:
                    yield f"{env}, {name}: {policy} gets {line.unsolved(name):.3f} without success, more than {limit:.3f}"
        for name in COMPARED:
            gap = here["perfect"].figure(name).value - here["store-all"].figure(name).value
            if gap > NEAR:
                yield f"{env}, {name}: store-all is {gap:.3f} under perfect"


def print_tables(lines: Sequence[Line], console: Console) -> None:
    """A table an env: mean returns ± half the interval, and what unsolved episodes earned, as a share of store-all's return."""
    for env in dict.fromkeys(line.env for line in lines):
        here = [line for line in lines if line.env == env]
        base = next(line for line in here if line.policy == "store-all")
        table = Table(title=f"{env}, {len(base.episodes)} episodes each")
        table.add_column("policy", overflow="fold", max_width=44)
        for heading in ("success", *RETURNS, *(f"unsolved: {name}" for name in ("paper", *CHECKED))):
            table.add_column(heading, justify="right")
        for line in here:
            shares = [line.unsolved(name) / base.figure(name).value for name in ("paper", *CHECKED)]
            cells = [
                f"{line.success:.2f}",
                *(_worded(line.figure(name)) for name in RETURNS),
                *(f"{x:.2f}" for x in shares),
            ]
            table.add_row(line.policy, *cells)
        console.print(table)
        for line in here:
            if line.template:
                console.print(f"{line.policy}: {line.template}", markup=False)


def _worded(figure: Figure) -> str:
    return f"{figure.value:.2f} ± {(figure.high - figure.low) / 2:.2f}"


def rows_of(lines: Sequence[Line]) -> Iterator[Row]:
    """For programs: each return beside store-all's, and what was earned without success."""
    base = {line.env: line for line in lines if line.policy == "store-all"}
    for line in lines:
        n = len(line.episodes)
        yield Row.alone(f"{line.env} · {line.policy} · success", line.success, "share", n)
        for name in RETURNS:
            figure, peer = line.figure(name), base[line.env].figure(name).value
            row = Row.more_is_better(
                f"{line.env} · {line.policy} · {name}", figure.value, peer, "store-all", "return", n
            )
            yield replace(row, low=figure.low, high=figure.high)
            without = f"{line.env} · {line.policy} · {name}, unsolved"
            yield Row.more_is_better(without, line.unsolved(name), peer, "store-all", "return", n)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=20, metavar="N", help="of each policy in each env")
    parser.add_argument("--templates", type=int, default=200, metavar="N", help="drawn at random in each env")
    names = [benchmark.name for benchmark in BENCHMARKS]
    parser.add_argument("--envs", nargs="+", default=names, choices=names)
    parser.add_argument("--encoder", default="minilm", help="of the memory; 'hash' is faster")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="envs at a time")
    parser.add_argument("--quick", action="store_true", help="HotpotQA and BabyAI, 3 episodes, 16 templates")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures as JSON")
    options = parser.parse_args()
    if options.quick:
        options.envs, options.episodes, options.templates = ["HotpotQA", "BabyAI"], 3, 16
    chosen = [
        (b, options.episodes, options.templates, options.encoder)
        for b in BENCHMARKS
        if b.name in options.envs and b.installed
    ]
    if not chosen:
        raise MissingDependencyError(
            f"none of {', '.join(options.envs)} is installed; `agemem doctor` says what is missing"
        )
    console = Console(width=None if sys.stdout.isatty() else 200)
    lines: list[Line] = []
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        for found in pool.map(audit, *zip(*chosen, strict=True)):
            print_tables(found, console)
            lines += found
            if options.json:  # after each env: a run is long, and what is done is done
                write_json(list(rows_of(lines)), options.json)
    wrong = list(failures(lines))
    for text in wrong:
        print(text)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
