"""The board of record: SmolLM2-135M-Instruct under every agent of the paper's table, in two three-stage envs.

    python benchmarks/board_of_record.py                        # 2 shots: all agents but those with trained weights
    python benchmarks/board_of_record.py --trained FOLDER       # these too, with what `agemem sft` wrote
    python benchmarks/board_of_record.py --join FOLDER ...      # add what was played into folders of its own by --out

It is ``agemem leaderboard`` with these settings, printed before it begins, and so it can be stopped and called again: what the
folder holds is not played again, and runs of some agents each (``--agents``) can go into several folders at the same time.
Episodes are small so that a CPU can play them: four messages in stage 1, two distractors, one reply for each, and a limit of
replies in stage 3. ``benchmarks/results/smollm/README.md`` says how to read what came of it.
"""

from __future__ import annotations

import argparse
import gzip
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean

from agemem_gym.cli import main
from agemem_gym.leaderboard.board import make_board
from agemem_gym.leaderboard.results import ResultsFolder
from agemem_gym.leaderboard.row import EpisodeRow
from agemem_gym.leaderboard.table import markdown

ENVS = ("AgeMem-HotpotQA-ThreeStage-v0", "AgeMem-BabyAI-ThreeStage-v0")
EVERY_ENV = tuple(f"AgeMem-{name}-ThreeStage-v0" for name in ("ALFWorld", "BabyAI", "HotpotQA", "PDDL", "ScienceWorld"))
SETTINGS = {"n1": 4, "n2": 2, "turns": 1, "max_rounds": 12}
PLAYED = {"dtype": "bfloat16", "threads": 1, "max_tokens": 128}
"""How the model runs: bfloat16 reads prompts about five times as fast as float32 where the processor has units for it."""

OUT = "benchmarks/results/smollm"
AGENTS = ("no-memory", "long-context", "agemem-norl", "agemem-norl-rag")
LAYERED = ("langmem", "mem0", "mem0-graph", "a-mem")
TRAINED = ("agemem", "agemem-rag")
WINDOW = 5792
"""Of agents without shots, so that their context has the budget of the others."""

MEMORY_TOKENS = 64
"""The longest reply of the model behind a memory layer."""


def command(options: argparse.Namespace) -> list[str]:
    """The arguments of ``agemem`` that play the board."""
    given = ["leaderboard", "--envs", *options.envs, "--episodes", str(options.episodes), "--slots", str(options.slots)]
    given += ["--jobs", str(options.jobs), "--out", options.out, "--gzip"]
    for name, value in SETTINGS.items():
        given += ["--env-arg", f"{name}={value}"]
    for agent in options.agents or (*AGENTS, *LAYERED, *(TRAINED if options.trained else ())):
        weights = (
            {"checkpoint": options.trained, "window": WINDOW}
            if agent in TRAINED
            else {"model": options.model, "shots": 2}
        )
        layer = {"memory_tokens": MEMORY_TOKENS} if agent in LAYERED else {}
        given += ["--agent", agent]
        for name, value in (weights | PLAYED | layer).items():
            given += ["--agent-arg", f"{name}={value}"]
    return given


def join(folders: Sequence[str], out: Path, line: str) -> None:
    """Add the rows and records of some folders to `out`, in the order of agents and envs, and write its board.

    Of an episode that is there twice, played by other versions say, the one of the last folder stays.

    Args:
        folders: where parts of the board were played.
        out: the board; what it holds already counts as the first folder.
        line: the command that the board names as its origin.
    """
    found: dict[tuple[int, int, int, int], tuple[EpisodeRow, str]] = {}
    order = [*AGENTS, *LAYERED, *TRAINED]
    for folder in (out, *map(Path, folders)):
        with ResultsFolder(folder, compressed=True) as results:
            content = results.episodes.read_bytes() if results.rows else b""
            for row in results.newest().values():
                if row.error is not None:  # to be played again
                    continue
                start = row.place["offset"]
                record = gzip.decompress(content[start : start + row.place["length"]]).decode("utf-8")
                place = order.index(row.agent), ENVS.index(row.env_id), row.seed, row.sample
                found[place] = row, record.rstrip("\n")
    new = out / ".joined"
    shutil.rmtree(new, ignore_errors=True)
    with ResultsFolder(new, compressed=True) as results:
        for place in sorted(found):
            results.append(*found[place])
        (new / "leaderboard.md").write_text(markdown(make_board(results.rows), line), encoding="utf-8")
        (new / "board.md").write_text(overview(results.rows), encoding="utf-8")
    for file in (path for path in new.iterdir() if not path.name.startswith(".")):
        file.replace(out / file.name)
    shutil.rmtree(new)


_COLUMNS: dict[str, Callable[[EpisodeRow], float]] = {
    "success %": lambda row: 100 * row.success,
    "progress %": lambda row: 100 * row.progress,
    "MQ %": lambda row: 100 * (row.memory_quality or 0),
    "strict replies %": lambda row: 100 * row.strict_replies / row.steps,
    "replies": lambda row: row.steps,
    "tool calls": lambda row: sum(row.tool_calls.values()),
    "prompt tokens": lambda row: row.policy.get("prompt_tokens", 0),
    "of these cached": lambda row: row.policy.get("cached_tokens", 0),
    "completion tokens": lambda row: row.policy.get("completion_tokens", 0),
    "memory calls": lambda row: row.layer.get("calls", 0),
    "of these failed": lambda row: row.layer.get("failures", 0),
    "memory prompt tokens": lambda row: row.layer.get("prompt_tokens", 0),
    "memory completion tokens": lambda row: row.layer.get("completion_tokens", 0),
    "entries": lambda row: row.memory_entries,
}


def overview(rows: Sequence[EpisodeRow]) -> str:
    """A line an agent and env, means an episode, and how many episodes each finding of the diagnosis is in."""
    lines = [
        f"| env | agent | episodes | {' | '.join(_COLUMNS)} | diagnosis | commit |",
        f"|---|---|{'---:|' * (1 + len(_COLUMNS))}---|---|",
    ]
    for env in ENVS:
        for agent in (*AGENTS, *LAYERED, *TRAINED):
            own = [row for row in rows if (row.env_id, row.agent) == (env, agent) and row.error is None]
            if own:
                means = [f"{fmean(map(of, own)):,.1f}" for of in _COLUMNS.values()]
                found = Counter(kind for row in own for kind in {item["kind"] for item in row.diagnosis})
                told = ", ".join(f"{kind} {count}" for kind, count in sorted(found.items()))
                name = env.removeprefix("AgeMem-").removesuffix("-v0")
                commits = ", ".join(dict.fromkeys(row.versions["commit"][:8] for row in own))
                lines.append(f"| {name} | {agent} | {len(own)} | {' | '.join(means)} | {told} | {commits} |")
    return "\n".join(lines) + "\n"


def missing(rows: Sequence[EpisodeRow], episodes: int = 10) -> list[str]:
    """Lines of the board of which there are fewer episodes than that."""
    played = Counter((row.env_id, row.agent) for row in rows if row.error is None)
    every = [(env, agent) for env in ENVS for agent in (*AGENTS, *LAYERED, *TRAINED)]
    return [
        f"{agent} in {env}: {played[env, agent]} of {episodes}" for env, agent in every if played[env, agent] < episodes
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm", help="(default: smollm)")
    parser.add_argument("--trained", metavar="FOLDER", help="weights of `agemem sft`, for agemem and agemem-rag")
    parser.add_argument("--agents", nargs="+", choices=(*AGENTS, *LAYERED, *TRAINED), help="only these")
    parser.add_argument("--envs", nargs="+", default=list(ENVS), choices=EVERY_ENV, metavar="ID", help="(default: two)")
    parser.add_argument("--episodes", type=int, default=10, help="of each agent in each env (default: 10)")
    parser.add_argument("--slots", type=int, default=10, help="live episodes in each process (default: 10)")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: 1)")
    parser.add_argument("--out", default=OUT, help=f"(default: {OUT})")
    parser.add_argument("--join", nargs="+", metavar="FOLDER", help="add these folders to --out, and play nothing")
    options = parser.parse_args()
    if not options.trained and set(options.agents or ()) & set(TRAINED):
        parser.error("agemem and agemem-rag need --trained FOLDER")
    return options


if __name__ == "__main__":
    chosen = _options()
    arguments = command(chosen)
    if chosen.join:
        join(chosen.join, Path(chosen.out), shlex.join(["agemem", *arguments]))
        with ResultsFolder(Path(chosen.out), compressed=True) as joined:
            lines = [f"- {line}" for line in missing(joined.rows)] or ["- nothing"]
        (Path(chosen.out) / "missing.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
        print("Missing:", *lines, sep="\n")
        sys.exit()
    print("agemem", shlex.join(arguments), flush=True)
    sys.exit(main(arguments))
