"""Replay: make the env of a record again, send the same replies, and compare what comes back byte for byte."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium as gym

from agemem_gym.context import Message
from agemem_gym.env import MemoryEnv
from agemem_gym.episode import Episode
from agemem_gym.errors import ConfigurationError


@dataclass(frozen=True)
class Difference:
    """The first place in which a replay differs from its record.

    Attributes:
        step: number of the reply, 0 for the start.
        what: which part of the record.
        recorded, replayed: its value there and here.
    """

    step: int
    what: str
    recorded: Any
    replayed: Any

    def __str__(self) -> str:
        return f"reply {self.step}, {self.what}:\n  recorded: {self.recorded!r}\n  replayed: {self.replayed!r}"


def replay(record: Episode) -> Difference | None:
    """Play a recorded episode again; ``None`` if every byte is the same.

    Raises:
        ConfigurationError: the record cannot be replayed: it carried memory over from an episode before, or was made with
            keywords that JSON cannot hold (a callable, say).
    """
    if record.keep_memory and record.initial_memory:
        raise ConfigurationError(
            "the episode began with the memory of the one before; replay that one with it, or its snapshot"
        )
    kwargs = {key: value for key, value in record.env_kwargs.items() if key != "task"}
    unnamed = [key for key, value in kwargs.items() if isinstance(value, str) and value.startswith("<")]
    if unnamed:
        raise ConfigurationError(
            f"the record was made with {', '.join(unnamed)}=<an object>; it cannot be made again from text"
        )
    env = gym.make(record.env_id, **kwargs)
    try:
        env.reset(seed=record.seed, options=dict(record.options))
        for step in record.steps:
            env.step(step.reply)
        base = env.unwrapped
        assert isinstance(base, MemoryEnv)
        return first_difference(record, base.episode)
    finally:
        env.close()


def first_difference(recorded: Episode, replayed: Episode) -> Difference | None:
    """The first difference between two records of one episode, in the order in which things happened."""
    recorded, replayed = (Episode.from_json(episode.to_json()) for episode in (recorded, replayed))
    for what in ("start", "initial_memory"):
        if getattr(recorded, what) != getattr(replayed, what):
            return Difference(0, what, getattr(recorded, what), getattr(replayed, what))
    for number, (then, now) in enumerate(zip(recorded.steps, replayed.steps, strict=False), start=1):
        for what in vars(then):
            if getattr(then, what) != getattr(now, what):
                return Difference(number, what, getattr(then, what), getattr(now, what))
    end = len(recorded.steps)
    if [_text(message) for message in recorded.messages] != [_text(message) for message in replayed.messages]:
        pairs = zip(recorded.messages, replayed.messages, strict=False)
        then_message, now_message = next((pair for pair in pairs if pair[0] != pair[1]), (None, None))
        return Difference(end, "messages", then_message, now_message)
    for what in ("removals", "final_memory", "terminated", "truncated", "reward", "reward_terms"):
        if getattr(recorded, what) != getattr(replayed, what):
            return Difference(end, what, getattr(recorded, what), getattr(replayed, what))
    return None


def _text(message: Message) -> tuple[int, str, str]:
    return message.id, message.role, message.content
