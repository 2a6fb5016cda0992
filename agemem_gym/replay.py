"""Replay: make the env of a record again, send the same replies, and compare what comes back byte for byte."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium as gym

from agemem_gym.context import Message
from agemem_gym.env import MemoryEnv
from agemem_gym.episode import Episode
from agemem_gym.errors import AgeMemError, ConfigurationError
from agemem_gym.remake import remake_env
from agemem_gym.wrappers import wrappers_of

_NOT_THE_ENVS = ("policy",)  # what the agent's model said of itself


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
        ConfigurationError: the record cannot be replayed: it carried memory over from an episode before, or its env cannot be
            made again (:mod:`agemem_gym.remake`); the message says which.
    """
    if record.keep_memory and record.initial_memory:
        raise ConfigurationError(
            "the episode began with the memory of the one before; replay that one with it, or its snapshot"
        )
    env = remake_env(record)
    try:
        base = env.unwrapped
        if not isinstance(base, MemoryEnv):
            raise ConfigurationError(f"{record.env_id} is a {type(base).__name__} now, not a MemoryEnv")
        # replies are recorded as the env got them: a wrapper that makes them of something else has had its turn
        rewrites = any(isinstance(wrapper, gym.ActionWrapper) for wrapper in wrappers_of(env))
        _play(base if rewrites else env, env, record)
        return first_difference(record, base.episode)
    except AgeMemError:
        raise
    except Exception as error:  # a user's own task or wrapper
        raise ConfigurationError(f"it cannot be played again: {type(error).__name__}: {error}") from error
    finally:
        env.close()


def _play(taker: gym.Env[str, str], env: gym.Env[str, str], record: Episode) -> None:
    """Send the record's replies until they, or the episode, end."""
    env.reset(seed=record.seed, options={**record.options, "keep_memory": False})
    for step in record.steps:
        _, _, terminated, truncated, _ = taker.step(step.reply)
        if terminated or truncated:
            return


def first_difference(recorded: Episode, replayed: Episode) -> Difference | None:
    """The first difference between two records of one episode, in the order in which things happened."""
    recorded, replayed = (Episode.from_json(episode.to_json()) for episode in (recorded, replayed))
    for what in ("start", "initial_memory", "max_rounds", "curriculum"):
        if getattr(recorded, what) != getattr(replayed, what):
            return Difference(0, what, getattr(recorded, what), getattr(replayed, what))
    for number, (then, now) in enumerate(zip(recorded.steps, replayed.steps, strict=False), start=1):
        for what in vars(then):
            if what not in _NOT_THE_ENVS and getattr(then, what) != getattr(now, what):
                return Difference(number, what, getattr(then, what), getattr(now, what))
    if len(recorded.steps) != len(replayed.steps):
        return Difference(len(replayed.steps), "end of the episode", len(recorded.steps), len(replayed.steps))
    end = len(recorded.steps)
    if [_text(message) for message in recorded.messages] != [_text(message) for message in replayed.messages]:
        pairs = zip(recorded.messages, replayed.messages, strict=False)
        then_message, now_message = next((pair for pair in pairs if pair[0] != pair[1]), (None, None))
        return Difference(end, "messages", then_message, now_message)
    for what in ("edits", "final_memory", "terminated", "truncated", "ended_by", "reward", "reward_terms"):
        if getattr(recorded, what) != getattr(replayed, what):
            return Difference(end, what, getattr(recorded, what), getattr(replayed, what))
    return None


def _text(message: Message) -> tuple[int, str, str]:
    return message.id, message.role, message.content
