"""The board of record: SmolLM2-135M-Instruct under every agent of the paper's table, in two three-stage envs.

    python benchmarks/board_of_record.py                        # 2 shots: all agents but those with trained weights
    python benchmarks/board_of_record.py --trained FOLDER       # these too, with what `agemem sft` wrote

It is ``agemem leaderboard`` with these settings, printed before it begins, and so it can be stopped and called again: what the
folder holds is not played again. Episodes are small so that a CPU can play them: four messages in stage 1, two distractors, one
reply for each, and a limit of replies in stage 3.
"""

from __future__ import annotations

import argparse
import sys

from agemem_gym.cli import main

ENVS = ("AgeMem-HotpotQA-ThreeStage-v0", "AgeMem-BabyAI-ThreeStage-v0")
EVERY_ENV = tuple(f"AgeMem-{name}-ThreeStage-v0" for name in ("ALFWorld", "BabyAI", "HotpotQA", "PDDL", "ScienceWorld"))
SETTINGS = {"n1": 4, "n2": 2, "turns": 1, "max_rounds": 12}
PLAYED = {"dtype": "bfloat16", "threads": 1, "max_tokens": 128}
"""How the model runs: bfloat16 reads prompts about five times as fast as float32 where the processor has units for it."""

AGENTS = ("no-memory", "long-context", "agemem-norl", "agemem-norl-rag")
LAYERED = ("langmem", "mem0", "mem0-graph", "a-mem")
TRAINED = ("agemem", "agemem-rag")
MEMORY_TOKENS = 64
"""The longest reply of the model behind a memory layer."""


def command(options: argparse.Namespace) -> list[str]:
    """The arguments of ``agemem`` that play the board."""
    given = ["leaderboard", "--envs", *options.envs, "--episodes", str(options.episodes), "--slots", str(options.slots)]
    given += ["--jobs", str(options.jobs), "--out", options.out, "--gzip"]
    for name, value in SETTINGS.items():
        given += ["--env-arg", f"{name}={value}"]
    for agent in options.agents or (*AGENTS, *LAYERED, *(TRAINED if options.trained else ())):
        weights = {"checkpoint": options.trained} if agent in TRAINED else {"model": options.model, "shots": 2}
        layer = {"memory_tokens": MEMORY_TOKENS} if agent in LAYERED else {}
        given += ["--agent", agent]
        for name, value in (weights | PLAYED | layer).items():
            given += ["--agent-arg", f"{name}={value}"]
    return given


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm", help="(default: smollm)")
    parser.add_argument("--trained", metavar="FOLDER", help="weights of `agemem sft`, for agemem and agemem-rag")
    parser.add_argument("--agents", nargs="+", choices=(*AGENTS, *LAYERED, *TRAINED), help="only these")
    parser.add_argument("--envs", nargs="+", default=list(ENVS), choices=EVERY_ENV, metavar="ID", help="(default: two)")
    parser.add_argument("--episodes", type=int, default=10, help="of each agent in each env (default: 10)")
    parser.add_argument("--slots", type=int, default=10, help="live episodes in each process (default: 10)")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: 1)")
    parser.add_argument("--out", default="results/board_of_record", help="(default: results/board_of_record)")
    options = parser.parse_args()
    if not options.trained and set(options.agents or ()) & set(TRAINED):
        parser.error("agemem and agemem-rag need --trained FOLDER")
    return options


if __name__ == "__main__":
    arguments = command(_options())
    print("agemem", *arguments, flush=True)
    sys.exit(main(arguments))
