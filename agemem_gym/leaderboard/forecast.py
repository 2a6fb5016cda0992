"""``agemem leaderboard --dry-run``: the demands of :mod:`.rehearsal` as a table, or as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agemem_gym.agent import AgentSpec
from agemem_gym.chat.prices import Price
from agemem_gym.checks import at_least
from agemem_gym.errors import ConfigurationError
from agemem_gym.foreign import for_terminal
from agemem_gym.leaderboard.columns import NOTHING
from agemem_gym.leaderboard.keeping import installed_of
from agemem_gym.leaderboard.plan import make_plan
from agemem_gym.leaderboard.rehearsal import Demand, asks_a_model, rehearse, tokenizer_of
from agemem_gym.leaderboard.results import RESULTS, newest_of, read_rows
from agemem_gym.leaderboard.run import missing_of
from agemem_gym.leaderboard.table import WIDTH
from agemem_gym.terminal import Terminal, make_terminal

FORMS = ("table", "json")
_HEADINGS = ("agent", "n", "replies", "memory calls", "read", "of it new", "written", "cost", "cached")


def forecast(
    agents: Sequence[AgentSpec],
    env_ids: Sequence[str],
    episodes: int,
    out: Path,
    *,
    first_seed: int = 0,
    samples: int = 1,
    env_kwargs: Mapping[str, Any] | None = None,
    control: Mapping[str, Any] | None = None,
    only: Mapping[str, Sequence[str]] | None = None,
    fresh: bool = False,
    tokenizer: str = "encoder",
    measure: int = 3,
    prices: Mapping[str, Price] | None = None,
    form: str = "table",
    console: Console | None = None,
) -> list[Demand]:
    """Say what :func:`.run.run_leaderboard` with the same arguments will ask for; asks no model and writes nothing.

    Args:
        agents, env_ids, episodes, out, first_seed, samples, env_kwargs, control, only, fresh: see there.
        tokenizer: as ``token_counter`` of ``gym.make``; of models that are run here their own is taken.
        measure: how many episodes of each agent and env are rehearsed, at most.
        prices: of models by name, for a million tokens.
        form: one of :data:`FORMS`.
        console: where to print.

    Raises:
        ConfigurationError: as there.
    """
    at_least("episodes", episodes)
    at_least("measure", measure)
    if form not in FORMS:
        raise ConfigurationError(f"--format {form} does not go with --dry-run: expected {' or '.join(FORMS)}")
    console = console or make_terminal()
    notes = console if form == "table" else Terminal(stderr=True)
    seeds = range(first_seed, first_seed + episodes)
    plan = make_plan(
        agents, installed_of(env_ids, notes), seeds, samples=samples, env_kwargs=env_kwargs, control=control, only=only
    )
    path = out / RESULTS
    missing = missing_of(plan, newest_of(read_rows(path)) if path.exists() and not fresh else {})
    demands = rehearse(missing, tokenizer=tokenizer, measure=measure, prices=prices)
    if form == "json":
        text = {"demands": [demand.plain() for demand in demands], "notes": _notes(demands, tokenizer)}
        console.file.write(json.dumps(text, indent=1, ensure_ascii=False) + "\n")
        return demands
    if len(missing) < len(plan):
        console.print(f"{len(plan) - len(missing)} of {len(plan)} episodes are in {path} already.")
    asking = [demand for demand in demands if demand.measured]
    for title in dict.fromkeys(map(_title, asking)):
        _print_env(title, [demand for demand in asking if _title(demand) == title], console)
    for note in _notes(demands, tokenizer):
        console.print(for_terminal(note), width=WIDTH)
    return demands


def _title(demand: Demand) -> str:
    control = ", ".join(f"{name}={value}" for name, value in demand.entry.control.items())
    return f"{demand.entry.env_id} (control {control})" if control else demand.entry.env_id


def _print_env(env: str, demands: Sequence[Demand], console: Console) -> None:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(_HEADINGS[0], overflow="fold")
    for heading in _HEADINGS[1:]:
        table.add_column(heading, justify="right")
    names = [demand.entry.agent.name for demand in demands]
    for demand in demands:
        agent = demand.entry.agent
        counts = [demand.total("calls", [whose]) for whose in ("replies", "memory")]
        tokens = [demand.total(name) for name in ("prompt", "fresh", "completion")]
        costs = [demand.cost(cached=cached) for cached in (False, True)]
        title = agent.name if names.count(agent.name) == 1 else agent.label
        cells = [for_terminal(title), f"{demand.episodes:,}", *map(_short, (*counts, *tokens))]
        table.add_row(*map(Text, [*cells, *(NOTHING if cost is None else f"{cost:,.2f}" for cost in costs)]))
    console.print(for_terminal(env), width=WIDTH)
    console.print(table, width=WIDTH)


def _short(number: float) -> str:
    """A count in at most six signs."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= 10 * size:
            return f"{number / size:,.0f}{unit}"
        if number >= size:
            return f"{number / size:.1f}{unit}"
    return f"{number:.0f}"


def _notes(demands: Sequence[Demand], tokenizer: str) -> list[str]:
    asking = [demand for demand in demands if demand.measured]
    silent = dict.fromkeys(demand.entry.agent.name for demand in demands if not asks_a_model(demand.entry.agent))
    notes = [f"No language model is asked by {', '.join(silent)}."] if silent else []
    if not asking:
        return [*notes, "Nothing is to be played." if not demands else "No model will be asked."]
    counters = dict.fromkeys(tokenizer_of(demand.entry.agent, tokenizer) for demand in asking)
    most = max(demand.measured for demand in asking)
    at_most = sum(demand.episodes * demand.most_replies * demand.longest for demand in asking)
    totals = [sum(demand.total(name) for demand in asking) for name in ("calls", "prompt", "fresh", "completion")]
    calls, read, new, written = map(_short, totals)
    notes.append(
        f"In all {calls} calls, {read} tokens read ({new} with prefix caching), {written} written{_price(asking)}."
    )
    notes.append(
        "Read: tokens of all prompts; of it new: what a provider that keeps prefixes has to read; cost: without and with that."
    )
    notes.append(
        f"Measured on {most} episode{'s' if most > 1 else ''} of each at most, with the replies of store-all (explorer where "
        f"there are no tools), by {' and '.join(counters)}; no model was asked. A model that is lost takes more replies, one "
        f"that thinks aloud writes more: {_short(at_most)} tokens at most. Calls that are tried again and judges come on top."
    )
    return notes


def _price(asking: Sequence[Demand]) -> str:
    if not any(demand.price for demand in asking):
        return "; --prices FILE says what they cost"
    costs = [[demand.cost(cached=cached) for demand in asking] for cached in (False, True)]
    whole, cached = (math.fsum(cost for cost in each if cost is not None) for each in costs)
    left = len([demand for demand in asking if demand.price is None])
    without = f", {left} agents without a price apart" if left else ""
    return f", for {whole:,.2f} ({cached:,.2f} with prefix caching){without}"
