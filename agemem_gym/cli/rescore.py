"""``agemem rescore``: saved episodes judged again, without an engine."""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from agemem_gym.checks import file_at
from agemem_gym.cli.arguments import env_kwargs
from agemem_gym.cli.status import Status
from agemem_gym.errors import ConfigurationError

if TYPE_CHECKING:
    from agemem_gym.cli.arguments import Commands
    from agemem_gym.rescore import Rescored
    from agemem_gym.reward import Reward


def add(commands: Commands) -> None:
    """Add the command's parser."""
    command = commands.add_parser("rescore", help="judge saved episodes again, without an engine")
    command.add_argument("file", type=Path, metavar="FILE", help="episodes, as the leaderboard and --record write them")
    command.add_argument("--judge", help="'offline' or the URL of a chat endpoint; the record's own by default")
    command.add_argument("--reward", help="'task', 'composite' or 'answer_only'; the record's own by default")
    command.add_argument(
        "--reward-option",
        action="append",
        default=[],
        metavar="KEYWORD=VALUE",
        help="setting of the reward, e.g. weights=[1,1,1]; may be repeated",
    )
    command.add_argument("--out", type=Path, metavar="FILE", help="write the episodes with their new terms")
    command.set_defaults(command=rescore_file)


def rescore_file(options: argparse.Namespace, console: Console) -> Status:
    """Judge each episode of the file, and say what changed."""
    from agemem_gym.episode import open_episodes, read_episodes
    from agemem_gym.rescore import judge_for, rescore
    from agemem_gym.reward import check_judge

    if options.out is not None and options.out.exists():
        raise ConfigurationError(f"--out {options.out}: there is such a file already")
    reward = _reward(options.reward, env_kwargs(options.reward_option, "--reward-option"))
    rescored: list[Rescored] = []
    for episode in read_episodes(file_at("FILE", options.file, "a file of recorded episodes")):
        if not episode.over:
            continue
        judge = judge_for(episode, options.judge) if options.judge else None
        if judge is not None and not rescored:
            check_judge(judge)
        rescored.append(rescore(episode, reward, judge))
    if not rescored:
        raise ConfigurationError(f"{options.file} holds no finished episode")
    if options.out is not None:
        part = options.out.with_name("part-" + options.out.name)
        with open_episodes(part, "w") as file:
            for item in rescored:
                file.write(item.episode.to_json() + "\n")
        part.replace(options.out)
    _report(rescored, console)
    return Status.FALLBACK if options.judge and any(item.episode.judge_fallbacks for item in rescored) else Status.OK


def _reward(mode: str | None, settings: dict[str, Any]) -> Reward | None:
    from agemem_gym.reward import make_reward

    if mode is None:
        if settings:
            raise ConfigurationError("--reward-option goes with --reward")
        return None
    return make_reward(mode, settings)


def _report(rescored: list[Rescored], console: Console) -> None:
    """The means of what changed, and the findings."""
    changed: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for item in rescored:
        for name, (before, after) in item.changes.items():
            changed[name].append((before or 0.0, after or 0.0))
    judges = ", ".join(sorted({item.episode.judge for item in rescored}))
    fallbacks = sum(bool(item.episode.judge_fallbacks) for item in rescored)
    console.print(f"{len(rescored)} episodes, judged by {judges}" + (f"; {fallbacks} with fallbacks" * bool(fallbacks)))
    if not changed:
        console.print("every term is as it was")
    for name, pairs in changed.items():
        before, after = (sum(side) / len(pairs) for side in zip(*pairs, strict=True))
        console.print(f"  {name}: {before:.4f} -> {after:.4f}, mean of the {len(pairs)} episodes in which it changed")
    quality = [item.metrics.quality for item in rescored if item.metrics.quality is not None]
    if quality:
        console.print(f"memory quality {sum(quality) / len(quality):.3f} over {len(quality)} episodes")
    findings: dict[str, int] = defaultdict(int)
    for item in rescored:
        for kind in {finding.kind for finding in item.diagnosis}:
            findings[kind] += 1
    console.print("findings: " + (", ".join(f"{kind} {count}" for kind, count in sorted(findings.items())) or "none"))
