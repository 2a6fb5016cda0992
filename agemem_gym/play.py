"""``agemem play``: a person in the agent's place."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
from rich.console import Console

_HELP = """\
Type a command, or a whole reply with tags. Short forms: :add TEXT, :get QUERY, :sum all|N, :filter WHAT, :answer TEXT;
:commands lists what the engine takes now, :context shows the whole context, :quit ends."""

_SHORT = {
    ":add": ("Add_memory", "content"),
    ":get": ("Retrieve_memory", "query"),
    ":sum": ("Summary_context", "span"),
    ":filter": ("Filter_context", "criteria"),
}


def play_in_terminal(env_id: str, seed: int, env_kwargs: dict[str, Any], console: Console) -> None:
    """Play one episode; ends with the episode, with :quit, or with the end of the input."""
    env = gym.make(env_id, **{"info_admissible": True, **env_kwargs})
    try:
        obs, info = env.reset(seed=seed)
        console.print(_HELP, markup=False)
        console.rule(info["task_id"])
        console.print(info.get("instruction", "(the task comes later)"), markup=False)
        console.print(info["observation"], markup=False)
        over = False
        while not over:
            line = _read(console)
            if line is None or line == ":quit":
                return
            if line == ":commands":
                console.print("\n".join(info["admissible"]) or "(none: reply with an answer)", markup=False)
            elif line == ":context":
                console.print(obs, markup=False)
            else:
                obs, reward, terminated, truncated, info = env.step(as_reply(line))
                over = terminated or truncated
                console.print(info["observation"], markup=False)
        state = "solved" if info["success"] else "over"
        console.rule(f"{state} · progress {info['progress']:.2f} · return {reward:.2f}")
    finally:
        env.close()


def as_reply(line: str) -> str:
    """The reply that a typed line stands for.

    Example:
        >>> as_reply("look"), as_reply(":answer Paris")
        ('look', '<answer>Paris</answer>')
    """
    from agemem_gym.protocol import call_reply

    word, _, rest = line.partition(" ")
    if word == ":answer":
        return f"<answer>{rest}</answer>"
    if word in _SHORT:
        tool, argument = _SHORT[word]
        return call_reply((tool, {argument: rest}))
    return line


def _read(console: Console) -> str | None:
    try:
        return console.input("> ").strip()
    except EOFError:
        return None
