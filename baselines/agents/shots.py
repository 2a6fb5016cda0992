"""Few-shot examples: exchanges that an honest agent had with the same kind of env, from seeds that no board plays.

A shot is one exchange of each kind (what was said, and the reply to the letter of the protocol): storing, letting pass,
filtering, retrieving, acting or answering; out of one episode of ``store-all`` or, where an agent has no tools, of
``explorer``. Shots are our own and seeded: the same keywords give the same examples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from agemem_gym.agent import make_agent
from agemem_gym.checks import within
from agemem_gym.episode import Episode
from agemem_gym.errors import ConfigurationError
from agemem_gym.protocol import parse
from agemem_gym.registration import BENCHMARKS, make_memory_env
from agemem_gym.rollout import play_episode

FIRST_SEED = 900_000_000
"""Seed of the first example: far from those that are evaluated."""

MOST_SHOTS = 3
_MOST_CHARACTERS = 1500


class Exchange(NamedTuple):
    """What was said, what was replied, and what the reply's tool calls came to."""

    said: str
    reply: str
    results: tuple[str, ...] = ()


def check_shots(shots: int) -> int:
    """`shots`, if it is a whole number from 0 to 3.

    Raises:
        ConfigurationError: it is none.
    """
    if isinstance(shots, bool) or not isinstance(shots, int):
        raise ConfigurationError(f"shots={shots!r}: expected a whole number from 0 to {MOST_SHOTS}")
    within("shots", shots, 0, MOST_SHOTS, "a whole number")
    return shots


@cache
def examples(benchmark: str, staged: bool, tools: tuple[str, ...], shots: int) -> tuple[Exchange, ...]:
    """What was said and what was replied, in the order of the episodes.

    Args:
        benchmark: as in ``info["benchmark"]``.
        staged: behind the three stages.
        tools: names of the tools that the agent has.
        shots: number of episodes, 0 to 3.
    """
    if not shots:
        return ()
    found = next(known for known in BENCHMARKS if known.name.lower() == benchmark)
    env = make_memory_env(
        found.three_stage_id if staged else found.env_id,
        tools=list(tools),
        encoder="hash",
        index="exact",
        info_admissible=True,
        split="train",
    )
    agent = make_agent("explorer")
    if "Retrieve_memory" in tools:
        agent = make_agent("store-all", tools="pointer" if "Note_message" in tools else "paper")
    try:
        episodes = [play_episode(env, agent, FIRST_SEED + number) for number in range(shots)]
    finally:
        env.close()
    return tuple(exchange for episode in episodes for exchange in _exchanges(episode, set(tools)))


def _exchanges(episode: Episode, tools: set[str]) -> list[Exchange]:
    """The first exchange of each kind that needs no other tool; of short ones, so that examples stay short."""
    kinds: dict[tuple[int, str], Exchange] = {}
    for number, step in enumerate(episode.steps, start=1):
        reply = parse(step.reply)
        names = {call.name for call in reply.tool_calls}
        what = ",".join(sorted(names)) or ("act" if reply.action is not None else "answer")
        said = _said_last(episode, number)
        if names <= tools and said and len(said) <= _MOST_CHARACTERS:
            results = tuple(f"{result.name}: {result.text}" for result in step.tool_results)
            kinds.setdefault((step.stage, what), Exchange(said, step.reply, results))
    return list(kinds.values())


def _said_last(episode: Episode, step: int) -> str:
    """What an agent was told since its reply before."""
    told: list[str] = []
    for message in reversed(episode.prompt(step)):
        if message.role in ("assistant", "system"):
            break
        told.append(message.shown)
    return "\n\n".join(reversed(told))


def with_examples(
    messages: Sequence[Mapping[str, Any]], shots: Sequence[Exchange], *, results: bool = False
) -> list[Mapping[str, Any]]:
    """The messages with examples behind the leading system messages; with `results` those of their tool calls stand there."""
    start = next((place for place, message in enumerate(messages) if message["role"] != "system"), len(messages))
    shown: list[Mapping[str, Any]] = []
    for shot in shots:
        shown += [{"role": "user", "content": shot.said}, {"role": "assistant", "content": shot.reply}]
        shown += [{"role": "tool", "content": text} for text in shot.results if results]
    return [*messages[:start], *shown, *messages[start:]]
