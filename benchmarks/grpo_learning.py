"""Does step-wise GRPO teach a policy to manage its memory? Warm starts, trainings over seeds, ablations, with controls.

    python benchmarks/grpo_learning.py warm hotpotqa              # demonstrations, tokenizer, weights to begin with
    python benchmarks/grpo_learning.py train hotpotqa             # GRPO from there, five seeds one after the other
    python benchmarks/grpo_learning.py train hotpotqa --arms last answer-only --seeds 0 1 2
    python benchmarks/grpo_learning.py table                      # what is there, as a page with curves

A *recipe* is an env with the keywords that make it small, and what its warm start was trained on; an *arm* is one training of
it, ``grpo`` or something left out or changed. All that is needed stands below. Whatever was stopped goes on with the same
command; runs and weights lie in ``results/grpo``, metrics of runs that are over in ``benchmarks/results/grpo``.

Evaluations before and after are sampled at temperature 1, as the training is, on tasks of the test split, on which nothing was
trained; ``control`` is the same with ``n1=0``: nothing is told in stage 1. Intervals are Student's over seeds, 95 %.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scipy.stats import t as student

from agemem_gym.baselines.grpo.config import TrainConfig
from agemem_gym.baselines.grpo.journal import Row
from agemem_gym.baselines.grpo.plots import write_curves
from agemem_gym.baselines.grpo.trainer import train
from agemem_gym.cli import main as agemem
from agemem_gym.intervals import Figure

RUNS, KEPT = Path("results/grpo"), Path("benchmarks/results/grpo")
SMALL = {"n1": 4, "n2": 1, "turns": 1, "encoder": "hash", "index": "exact"}
POINTER = {"tools": "pointer"}
RENAMED = 0.7
"""Share of the names in demonstrations that are others in each episode."""
STRICT = {"reward": "composite", "reward_options": {"variant": "strict"}}


@dataclass(frozen=True)
class Pass:
    """Supervised training on demonstrations that nothing was trained on before.

    Attributes:
        first, episodes: tasks from the seed `first` on, which ``store-all`` plays.
        early: weight of the replies of stages 1 and 2, beside those of stage 3.
        rate: learning rate.
        without: so many more tasks, which ``explorer`` plays: it writes no memory and answers what it knows without.
    """

    first: int
    episodes: int
    early: float
    rate: float
    without: int = 0


@dataclass(frozen=True)
class Recipe:
    """An env, and how its warm start is made.

    Attributes:
        env, env_kwargs: which env.
        agent_kwargs: of ``store-all``, whose solved episodes of the split "train" are imitated.
        passes: over demonstrations.
        start: what the first pass begins with: a model, or the shape of a new one.
        train: settings of the training.
    """

    env: str
    env_kwargs: Mapping[str, Any]
    agent_kwargs: Mapping[str, Any]
    passes: Sequence[Pass]
    start: str | Mapping[str, int] = "small"
    train: Mapping[str, Any] = field(default_factory=dict)


TRAINING: Mapping[str, Any] = {
    "iterations": 20,
    "groups": 12,
    "k": 8,
    "slots": 48,
    "threads": 1,
    "max_tokens": 96,
    "evaluate_every": 20,
    "evaluate_episodes": 200,
    "evaluate_kwargs": {"split": "test"},
    "control": {"n1": 0},
    "learning_rate": 1e-4,
    "learner": {"beta": 0.05},
}
"""Of every training, unless its recipe or its arm says otherwise."""

RECIPES: Mapping[str, Recipe] = {
    "hotpotqa": Recipe(
        "AgeMem-HotpotQA-ThreeStage-v0",
        {**SMALL, **POINTER, **STRICT, "max_rounds": 6},
        {"tools": "pointer", "thinks": True},
        (
            Pass(1500, 750, 0.2, 5e-4),
            Pass(3000, 1000, 0.3, 5e-4),
            Pass(4500, 1000, 0.3, 5e-4),
            Pass(6000, 1000, 0.3, 3e-4),
            Pass(8000, 700, 0.3, 3e-4, without=700),
        ),
    ),
    "alfworld": Recipe(
        "AgeMem-ALFWorld-ThreeStage-v0",
        {**SMALL, **POINTER, **STRICT},
        {"tools": "pointer"},
        (Pass(1500, 1500, 0.3, 1e-3),),
        {"vocabulary": 1000},
    ),
    "pddl": Recipe(
        "AgeMem-PDDL-ThreeStage-v0",
        {**SMALL, **POINTER, **STRICT},
        {"tools": "pointer"},
        (Pass(1500, 1500, 0.3, 1e-3),),
        {"vocabulary": 1000},
    ),
}

ARMS: Mapping[str, Mapping[str, Any]] = {
    "grpo": {},
    "paper": {"env_kwargs": {"reward_options": {}}},
    "gated": {"env_kwargs": {"reward_options": {"variant": "strict", "gate": "task"}}},
    "answer-only": {"env_kwargs": {"reward": "answer_only", "reward_options": {}}},
    "last": {"learner": {"credit": "last"}},
    "discounted": {"learner": {"credit": "discounted"}},
}
"""What each training changes."""

_LEARNED = ("success", "return", "kl", "entropy", "off", "skipped", "failed", "seconds", "tokens_per_second")
_SHOWN = ("success", "mq", "coverage", "return", "reply_tokens", "prompt_tokens", "tool_calls", "no_op_share", "steps")


def warm(name: str) -> Path:
    """The recipe's warm start; made if it is not there."""
    recipe, folder = RECIPES[name], RUNS / "warm" / name
    if (folder / "config.json").is_file():
        return folder
    model = RUNS / "warm" / f"{name}-0"
    for number, step in enumerate(recipe.passes, start=1):
        played = _demonstrations(name, number, step)
        if number == 1 and not model.is_dir():
            start = {"model": recipe.start} if isinstance(recipe.start, str) else {**recipe.start, "rename": RENAMED}
            shape = [text for key, value in start.items() for text in (f"--{key}", str(value))]
            made = ["-m", "agemem_gym.baselines.sft.small", played[0], *shape, "--out", str(model)]
            subprocess.run([sys.executable, *made], check=True)
        last = number == len(recipe.passes)
        out = folder if last else RUNS / "warm" / f"{name}-after-{number}"
        if not (out / "config.json").is_file():
            settings = f"--epochs 1 --rename {RENAMED} --final-weight 2 --bf16 --threads 1 --batch-tokens 3072"
            command = ["sft", str(model), *played, "--early", str(step.early), "--lr", str(step.rate)]
            _do([*command, *settings.split(), "--held-out", "0.01", "--out", str(out)])
        model = out
    return folder


def _demonstrations(name: str, number: int, step: Pass) -> list[str]:
    """The files of a pass; played if they are not there."""
    recipe, files = RECIPES[name], []
    played = {key: value for key, value in recipe.env_kwargs.items() if not key.startswith(("reward", "max_"))}
    wanted = [("store-all", step.first, step.episodes, _flags("--agent-arg", recipe.agent_kwargs))]
    if step.without:
        wanted.append(("explorer", step.first + 1500, step.without, ["--failed"]))
    for agent, first, episodes, flags in wanted:
        files.append(str(RUNS / "warm" / f"{name}-{number}-{agent}.jsonl.gz"))
        if not Path(files[-1]).is_file():
            command = ["demos", recipe.env, "--agent", agent, "--episodes", str(episodes), "--seed", str(first)]
            _do([*command, *flags, *_flags("--env-arg", played), "--out", files[-1]])
    return files


def config_of(name: str, arm: str, seed: int) -> TrainConfig:
    """The settings of one training; tasks differ from seed to seed."""
    recipe, changed = RECIPES[name], ARMS[arm]
    given = {**TRAINING, **recipe.train, **changed}
    given["env_kwargs"] = {**recipe.env_kwargs, **changed.get("env_kwargs", {})}
    given["learner"] = {**TRAINING["learner"], **recipe.train.get("learner", {}), **changed.get("learner", {})}
    place = {"model": str(RUNS / "warm" / name), "env": recipe.env, "out": str(RUNS / name / arm / f"seed-{seed}")}
    return TrainConfig.load(None, {**given, **place, "seed": seed, "first_task": 100_000 * (seed + 1)})


def play(name: str, arm: str, seed: int) -> None:
    """One training; its metrics are kept where it is over."""
    kept = KEPT / name / arm / f"seed-{seed}.jsonl"
    if kept.is_file():
        return
    config = config_of(name, arm, seed)
    print(name, arm, f"seed {seed}", flush=True)
    rows = train(config, _told).rows
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text("".join(json.dumps(_short(row)) + "\n" for row in rows), encoding="utf-8")


def over_seeds(values: Sequence[float]) -> Figure:
    """A mean over seeds with Student's interval; a bootstrap of five values is too narrow."""
    middle = statistics.fmean(values)
    if len(values) < 2:
        return Figure(middle, math.nan, math.nan)
    width = float(student.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / math.sqrt(len(values))
    return Figure(middle, middle - width, middle + width)


def table() -> str:
    """A line a training with what it was before and after, and curves beside it."""
    columns = ["before", "after", "gain", "n1=0 before", "n1=0 after", "MQ", "reply tokens", "tool calls", "no effect"]
    lines = [
        "| env | training | seeds | " + " | ".join(columns) + " | minutes |",
        "|---|---|---:|" + "---:|" * (len(columns) + 1),
    ]
    for folder in sorted(KEPT.glob("*/*")):
        runs = [_read(path) for path in sorted(folder.glob("seed-*.jsonl"))]
        if not runs:
            continue
        write_curves(folder, _together(runs))
        first, last = [run[0] for run in runs], [run[-1] for run in runs]

        def told(name: str, rows: Sequence[Row]) -> Figure:
            return over_seeds([row[name] for row in rows])

        gain = over_seeds([b["eval/success"] - a["eval/success"] for a, b in zip(first, last, strict=True)])
        cells = [told("eval/success", first), told("eval/success", last), gain]
        cells += [told("control/success", first), told("control/success", last)]
        pairs = [f"{told(f'eval/{name}', first).value:.2f} → {told(f'eval/{name}', last)}" for name in ("mq",)]
        for name in ("reply_tokens", "tool_calls", "no_op_share"):
            before, after = told(f"eval/{name}", first).value, told(f"eval/{name}", last).value
            digits = 2 if name == "no_op_share" else 1
            pairs.append(f"{before:.{digits}f} → {after:.{digits}f}")
        minutes = statistics.fmean(sum(row.get("seconds", 0.0) for row in run) / 60 for run in runs)
        cells = [*map(str, cells), *pairs, f"{minutes:.0f}"]
        lines.append(f"| {folder.parent.name} | {folder.name} | {len(runs)} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _together(runs: Sequence[Sequence[Row]]) -> list[dict[str, float]]:
    """The mean of each metric over seeds, with what the curves take for one standard error."""
    rows = []
    for group in zip(*runs, strict=True):
        row: dict[str, float] = {"iteration": group[0]["iteration"]}
        for name in group[0]:
            if name != "iteration" and all(name in other for other in group):
                figure = over_seeds([other[name] for other in group])
                row[name] = figure.value
                if len(group) > 1:
                    row[f"{name}_error"] = (figure.high - figure.value) / 1.96
        rows.append(row)
    return rows


def _read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _short(row: Row) -> dict[str, float]:
    wanted = ("iteration", *_LEARNED, *(f"{kind}/{name}" for kind in ("eval", "control") for name in _SHOWN))
    return {name: round(row[name], 5) for name in wanted if name in row}


def _told(row: Row) -> None:
    shown = (
        "iteration",
        "success",
        "return",
        "kl",
        "entropy",
        "reply_tokens",
        "seconds",
        "eval/success",
        "control/success",
    )
    print("  ".join(f"{name} {row[name]:.3f}" for name in shown if name in row), flush=True)


def _flags(flag: str, keywords: Mapping[str, Any]) -> list[str]:
    return [text for key, value in keywords.items() for text in (flag, f"{key}={json.dumps(value).strip(chr(34))}")]


def _do(command: Sequence[str]) -> None:
    print("agemem", *command, flush=True)
    if agemem(list(command)):
        sys.exit(1)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for command, said in (("warm", "make a warm start"), ("train", "train from it")):
        sub = commands.add_parser(command, help=said)
        sub.add_argument("recipes", nargs="+", choices=RECIPES, metavar="RECIPE", help=", ".join(RECIPES))
        if command == "train":
            sub.add_argument("--arms", nargs="+", default=["grpo"], choices=ARMS, metavar="ARM", help=", ".join(ARMS))
            sub.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    commands.add_parser("table", help="what was kept")
    chosen = parser.parse_args()
    for name in getattr(chosen, "recipes", ()):
        warm(name)
        if chosen.command == "train":
            for seed in chosen.seeds:
                for arm in chosen.arms:
                    play(name, arm, seed)
    if chosen.command == "table":
        (KEPT / "table.md").write_text(table(), encoding="utf-8")
        print((KEPT / "table.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
