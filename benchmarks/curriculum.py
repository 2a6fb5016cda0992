"""The three-stage envs under four scripted agents: reward terms, memory quality, diagnosis; ablations; overhead.

The agents (``baselines/staged.py``) differ in nothing but their handling of memory. What has to hold is checked, and the exit
status is 1 where it does not:

- the perfect agent has the highest composite reward in every env;
- each faulty agent is named by the diagnosis in at least 95 % of its episodes, and the perfect one in at most 5 %;
- on HotpotQA the amnesic agent's success is under 0.15 and the perfect one's over 0.9, on generated and on real questions;
- wrappers and rewards cost less than a tenth of a step of the bare env; what they add to a reset is shown.

    python benchmarks/curriculum.py --data ../shared/data/hotpotqa/validation-100.jsonl
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from rich.console import Console
from rich.table import Table

import agemem_gym  # noqa: F401  registers the ids
from agemem_gym.agent import agent_env_kwargs, make_agent
from agemem_gym.episode import Episode
from agemem_gym.protocol import call_reply
from agemem_gym.registration import BENCHMARKS
from agemem_gym.reward import Judge, Reward, memory_metrics
from agemem_gym.reward.diagnosis import HABITS, diagnose, shares
from agemem_gym.rollout import play_episode
from agemem_gym.versions import installed_versions

FAULTS = {"perfect": None, "amnesic": "amnesia", "hoarder": "hoarding", "wiper": "wipe_out"}
"""The agents, and what the diagnosis is to find."""

ABLATIONS: Mapping[str, Reward] = {
    "composite": Reward("composite"),
    "answer only": Reward("answer_only"),
    **{
        f"without {name}": Reward("composite", without=(name,))
        for name in (
            *("task", "context", "memory", "compression", "preventive", "preservation"),
            *("storage", "maintenance", "relevance"),
        )
    },
}
TERMS = ("task", "compression", "preventive", "preservation", "storage", "maintenance", "relevance", "total")


@dataclass(frozen=True)
class Group:
    """All episodes of one agent in one env, as means.

    Attributes:
        terms: the composite reward's terms; ``total`` is the return.
        quality: MQ.
        found: kind of finding to the share of episodes that have it.
        ablations: name of a reward to the mean return under it.
    """

    env: str
    agent: str
    episodes: int
    success: float
    terms: Mapping[str, float]
    quality: float
    found: Mapping[str, float]
    ablations: Mapping[str, float]


def measure(env_id: str, name: str, agent_name: str, episodes: int, kwargs: Mapping[str, Any]) -> Group:
    """Play the episodes of seeds 0, 1, …"""
    env = gymnasium.make(env_id, reward="composite", **{**kwargs, **agent_env_kwargs(agent_name)})
    agent = make_agent(agent_name)
    try:
        played = [play_episode(env, agent, seed) for seed in range(episodes)]
        judge, metric = env.unwrapped.judge, env.unwrapped.task.metric
    finally:
        env.close()
    returns = {
        label: float(np.mean([reward.terms(episode, metric, judge)["total"] for episode in played]))
        for label, reward in ABLATIONS.items()
    }
    return Group(
        env=name,
        agent=agent_name,
        episodes=episodes,
        success=float(np.mean([episode.success for episode in played])),
        terms={term: float(np.mean([episode.reward_terms[term] for episode in played])) for term in TERMS},
        quality=_quality(played, judge),
        found=shares([diagnose(episode) for episode in played]),
        ablations=returns,
    )


def _quality(played: Sequence[Episode], judge: Judge) -> float:
    return float(np.mean([memory_metrics(episode, judge).quality for episode in played]))


def failures(groups: Sequence[Group]) -> Iterator[str]:
    """What does not hold of what has to."""
    by_env: dict[str, dict[str, Group]] = {}
    for group in groups:
        by_env.setdefault(group.env, {})[group.agent] = group
    for env, agents in by_env.items():
        best = max(agents, key=lambda agent: agents[agent].terms["total"])
        if best != "perfect":
            yield f"{env}: the best composite reward is {best}'s"
        for agent, fault in FAULTS.items():
            if fault is not None and agents[agent].found[fault] < 0.95:
                yield f"{env}: {agent} shows {fault} in only {agents[agent].found[fault]:.0%} of its episodes"
        for habit in HABITS:
            if agents["perfect"].found[habit] > 0.05:
                yield f"{env}: perfect is said to show {habit} in {agents['perfect'].found[habit]:.0%} of its episodes"
        if env.startswith("HotpotQA"):
            if agents["amnesic"].success >= 0.15:
                yield f"{env}: amnesic succeeds in {agents['amnesic'].success:.0%}"
            if agents["perfect"].success <= 0.9:
                yield f"{env}: perfect succeeds in only {agents['perfect'].success:.0%}"


@dataclass(frozen=True)
class Overhead:
    """Milliseconds a step, on episodes that no cache has seen.

    Attributes:
        bare: of the env without wrappers, memory calls among its steps.
        added: inside the wrapper's own methods and ``Reward.terms``.
        reset: of the bare env.
        reset_added: the plan of the stages, and the embedding of its messages in one batch, which an ADD of a message and
            the automatic retrieval of algorithm 3 find in the cache.
    """

    env: str
    bare: float
    added: float
    reset: float
    reset_added: float
    steps: float

    @property
    def of_episode(self) -> float:
        """What is added to reset and steps, as a share of a bare reset and as many bare steps.

        An upper bound: what an ADD finds in the cache is counted as added.
        """
        return (self.reset_added + self.steps * self.added) / (self.reset + self.steps * self.bare)


class _Clock:
    """Adds up the time that is spent in functions."""

    def __init__(self) -> None:
        self.spent = 0.0

    def timed(self, function: Any) -> Any:
        """The function, timed."""

        def call(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.spent += time.perf_counter() - started

        return call


def overhead(name: str, plain_id: str, staged_id: str, episodes: int) -> Overhead:
    """What wrapper and composite reward add to a step, and to a reset."""
    bare_time, bare_steps = _bare(plain_id, episodes)
    env = gymnasium.make(staged_id, reward="composite", info_expert=True)
    base, steps_clock, whole, inner = env.unwrapped, _Clock(), _Clock(), _Clock()
    base._go_on = steps_clock.timed(base._go_on)  # what stages and wrappers do after a reply
    object.__setattr__(base.reward, "terms", steps_clock.timed(base.reward.terms))
    base.reset = inner.timed(base.reset)
    env.reset = whole.timed(env.reset)
    env.reset(seed=_FRESH - 1)  # engine and encoder start
    whole.spent = inner.spent = 0.0
    agent = make_agent("perfect")
    steps = sum(len(play_episode(env, agent, _FRESH + seed).steps) for seed in range(episodes))
    env.close()
    return Overhead(
        name,
        1000 * bare_time / bare_steps,
        1000 * steps_clock.spent / steps,
        1000 * inner.spent / episodes,
        1000 * (whole.spent - inner.spent) / episodes,
        steps / episodes,
    )


def _bare(env_id: str, episodes: int) -> tuple[float, int]:
    """Seconds in ``step`` and steps: the expert's way, with an ADD of what was seen before each of its moves."""
    env = gymnasium.make(env_id, info_expert=True)
    spent, steps = 0.0, 0
    for seed in range(_FRESH, _FRESH + episodes):
        _, info = env.reset(seed=seed)
        over = False
        while not over:
            add = call_reply(("Add_memory", {"content": f"Reply {steps}: {info['observation'][:300]}"}))
            move = info["expert"] or "<answer>none</answer>"
            for reply in (add, move):
                started = time.perf_counter()
                _, _, terminated, truncated, info = env.step(reply)
                spent += time.perf_counter() - started
                steps += 1
                over = terminated or truncated
    env.close()
    return spent, steps


_FRESH = 50_000  # seeds that nothing else here plays


def show(groups: Sequence[Group], console: Console) -> None:
    """The two tables."""
    table = Table(title="Composite reward, memory quality and diagnosis (means over episodes)")
    for column in ("env", "agent", "n", "success", *TERMS, "MQ", *HABITS):
        table.add_column(column, justify="left" if column in ("env", "agent") else "right")
    ablation = Table(title="Return under other rewards (means over episodes)")
    for column in ("env", "reward", *FAULTS):
        ablation.add_column(column, justify="left" if column in ("env", "reward") else "right")
    for env in dict.fromkeys(group.env for group in groups):
        agents = {group.agent: group for group in groups if group.env == env}
        for name, group in agents.items():
            figures = [f"{group.terms[term]:.2f}" for term in TERMS]
            found = [f"{group.found[habit]:.0%}" for habit in HABITS]
            table.add_row(
                env, name, str(group.episodes), f"{group.success:.2f}", *figures, f"{group.quality:.2f}", *found
            )
        for label in ABLATIONS:
            ablation.add_row(env, label, *(f"{agents[name].ablations[label]:.2f}" for name in FAULTS))
        table.add_section()
        ablation.add_section()
    console.print(table)
    console.print(ablation)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=20, help="of each agent in each env")
    parser.add_argument("--quick", action="store_true", help="few episodes, under 50 seconds")
    parser.add_argument("--data", type=Path, metavar="FILE", help="real HotpotQA questions, besides generated ones")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    episodes = 2 if arguments.quick else arguments.episodes
    console = Console(width=190)
    settings: list[tuple[str, str, dict[str, Any]]] = [(b.three_stage_id, b.name, {}) for b in BENCHMARKS]
    if arguments.data:
        settings.append(("AgeMem-HotpotQA-ThreeStage-v0", "HotpotQA (real)", {"data": str(arguments.data)}))
    groups = []
    for env_id, name, kwargs in settings:
        for agent in FAULTS:
            count = 5 * episodes if name.startswith("HotpotQA") and not arguments.quick else episodes
            groups.append(measure(env_id, name, agent, count, kwargs))
    show(groups, console)
    costs = [overhead(b.name, b.env_id, b.three_stage_id, max(2, episodes // 5)) for b in BENCHMARKS]
    table = Table(title="Overhead of wrapper and composite reward")
    columns = (
        "bare step, ms",
        "added, ms",
        "share",
        "bare reset, ms",
        "added to reset, ms",
        "steps",
        "share of an episode",
    )
    for column in ("env", *columns):
        table.add_column(column, justify="left" if column == "env" else "right")
    for cost in costs:
        share = f"{cost.added / cost.bare:.1%}"
        resets = f"{cost.reset:.1f}", f"{cost.reset_added:.1f}", f"{cost.steps:.0f}", f"{cost.of_episode:.0%}"
        table.add_row(cost.env, f"{cost.bare:.3f}", f"{cost.added:.3f}", share, *resets)
    console.print(table)
    slow = [cost for cost in costs if cost.added >= 0.1 * cost.bare]
    wrong = [*failures(groups), *(f"{cost.env}: overhead {cost.added / cost.bare:.0%}" for cost in slow)]
    for line in wrong:
        console.print(f"[red]does not hold:[/] {line}")
    if not wrong:
        console.print("All that has to hold does.")
    if arguments.json:
        report = {
            "versions": installed_versions(),
            "groups": [asdict(group) for group in groups],
            "overhead_ms": [asdict(cost) for cost in costs],
            "failures": wrong,
        }
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
