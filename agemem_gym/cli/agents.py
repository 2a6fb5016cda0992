"""What commands that let agents play share: ``--agents``, ``--agent NAME=module:Class``, ``--agent-arg``; their exit status."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agemem_gym.agent import AgentSpec, takes_keyword
from agemem_gym.cli.arguments import env_kwargs
from agemem_gym.cli.status import Status
from agemem_gym.errors import ConfigurationError
from agemem_gym.urls import masked

if TYPE_CHECKING:
    from agemem_gym.chat.prices import Price
    from agemem_gym.leaderboard import EpisodeRow

_HELP = "short name, package.module:Class, path/to/file.py:Class, or a name of your own for one of these: NAME=…"


def add_agents(command: argparse.ArgumentParser, *, several: bool) -> None:
    """``--agent`` and ``--agent-arg``, and where there may be several agents ``--agents``."""
    command.set_defaults(agents=())
    if several:
        command.add_argument("--agents", nargs="+", action=_Agents, metavar="AGENT", help=f"{_HELP}; several of them")
    command.add_argument("--agent", action=_Agents, metavar="AGENT", help=_HELP + ("; one more" if several else ""))
    command.add_argument(
        "--agent-arg",
        action=_AgentArg,
        dest="agents",
        metavar="KEYWORD=VALUE",
        help="keyword of the agent named before it; may be repeated",
    )
    command.add_argument(
        "--model",
        metavar="SPEC",
        help="language model of every agent that takes one and was given none: openai:MODEL@URL, local:FOLDER, smollm, …",
    )


def add_prices(command: argparse.ArgumentParser) -> None:
    """``--prices FILE``."""
    command.add_argument(
        "--prices",
        type=Path,
        metavar="FILE",
        help='prices of models, as JSON: {"MODEL": {"prompt": 2.0, "completion": 8.0, "cached": 0.5}} for a million tokens',
    )


def prices_of(options: argparse.Namespace) -> dict[str, Price]:
    """The price table that was named; empty without one."""
    from agemem_gym.chat.prices import read_prices

    return read_prices(options.prices) if options.prices is not None else {}


def agent_specs(
    options: argparse.Namespace, default: Sequence[str], of_default: Mapping[str, Sequence[str]] | None = None
) -> list[AgentSpec]:
    """The agents that were named, or else the default ones, with keywords by name, each ``KEYWORD=VALUE``."""
    named = options.agents or [(name, list((of_default or {}).get(name, ()))) for name in default]
    given = [(name, env_kwargs(pairs, "--agent-arg")) for name, pairs in named]
    if options.model is not None:
        lack = [keywords for name, keywords in given if takes_keyword(name, "model") and "model" not in keywords]
        if not lack:
            raise ConfigurationError(f"--model {masked(options.model)}: no agent here takes a model, or lacks one")
        for keywords in lack:
            keywords["model"] = options.model
    return [AgentSpec.parse(name, keywords) for name, keywords in given]


def status_of_rows(rows: Sequence[EpisodeRow]) -> Status:
    """What episodes that were played mean for the exit status."""
    if any(row.judge_fallbacks for row in rows):
        return Status.FALLBACK
    return Status.FINDING if any(row.error is not None for row in rows) else Status.OK


class _Agents(argparse.Action):
    """Adds agents to those that were named before, whichever of the arguments named them."""

    def __call__(self, parser: Any, options: argparse.Namespace, values: Any, option: str | None = None) -> None:
        names = [values] if isinstance(values, str) else values
        options.agents = [*options.agents, *((name, []) for name in names)]


class _AgentArg(argparse.Action):
    """Adds a keyword to the agent that was named last."""

    def __call__(self, parser: Any, options: argparse.Namespace, values: Any, option: str | None = None) -> None:
        if not options.agents:
            parser.error("--agent-arg belongs to the --agent before it; name the agent first")
        *before, (name, pairs) = options.agents
        options.agents = [*before, (name, [*pairs, values])]
