"""Calls that were carried out and changed nothing: how a return is farmed without remembering.

A term of the paper's reward that asks whether a tool *ran* can be earned by a call without effect. Such are

==========  =======================================================================================================
UPDATE      to what the entry said before, or of an entry that the same reply had written: nothing was read between
DELETE      of an entry that the same reply had written
FILTER      that removed no message
SUMMARY     that saved no token
ADD         of what memory held already
==========  =======================================================================================================

A refused call is none of these, and earns nothing: our own SUMMARY refuses where it would save no token.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from agemem_gym.episode import Episode
from agemem_gym.facts import Held, say_the_same
from agemem_gym.reward.calls import entry_of, kind_of, took_out
from agemem_gym.tools.tool import ToolResult


@dataclass(frozen=True)
class NoOps:
    """Calls without effect, by tool.

    Attributes:
        calls: calls that were carried out.
        without_effect: those of them that changed nothing.
        steps: number of the reply, from 1, of each call without effect, ADD apart.
    """

    calls: Mapping[str, int] = field(default_factory=dict)
    without_effect: Mapping[str, int] = field(default_factory=dict)
    steps: tuple[int, ...] = ()

    def rate(self, tool: str) -> float | None:
        """Share of a tool's calls that changed nothing; None without calls."""
        return self.without_effect.get(tool, 0) / self.calls[tool] if self.calls.get(tool) else None

    @property
    def rates(self) -> dict[str, float]:
        """The rate of every tool that was called."""
        return {tool: self.without_effect.get(tool, 0) / count for tool, count in self.calls.items() if count}


def no_ops(episode: Episode) -> NoOps:
    """The calls without effect of an episode."""
    calls: Counter[str] = Counter()
    idle: Counter[str] = Counter()
    steps: list[int] = []
    for number, result, without_effect in _looked_at(episode):
        calls[result.name] += 1
        if without_effect:
            idle[result.name] += 1
            if kind_of(result) != "added":
                steps.append(number)
    return NoOps(dict(sorted(calls.items())), dict(sorted(idle.items())), tuple(steps))


def _looked_at(episode: Episode) -> Iterator[tuple[int, ToolResult, bool]]:
    """Every call that may be without effect, with the number of its reply, and whether it is."""
    contents = {str(r.get("id", "")): str(r.get("content", "")) for r in episode.initial_memory}
    held = Held(contents)
    for number, step in enumerate(episode.steps, start=1):
        fresh: set[str] = set()  # written by this reply
        for result in step.tool_results:
            kind, entry = kind_of(result), entry_of(result)
            if kind == "reduced":
                yield number, result, not took_out(result)
            elif kind == "added":
                yield number, result, held.knows(entry.content)
                fresh.add(entry.id)
            elif kind == "updated":
                same = entry.id in contents and say_the_same(contents[entry.id], entry.content)
                yield number, result, same or entry.id in fresh
                fresh.add(entry.id)
            elif kind == "deleted":
                yield number, result, entry.id in fresh
            if kind in ("added", "updated"):
                contents[entry.id] = entry.content
                held.put(entry.id, entry.content)
            elif kind == "deleted":
                contents.pop(entry.id, None)
                held.drop(entry.id)
