"""``agemem play``: play an env yourself, in the terminal."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from agemem_gym.cli.arguments import add_env_arg, env_kwargs
from agemem_gym.cli.line_reader import LineReader, make_reader
from agemem_gym.cli.shorthand import FREE, HELP, TOOLS, NotAReply, as_reply
from agemem_gym.cli.status import Status
from agemem_gym.registration import make_memory_env

if TYPE_CHECKING:
    import gymnasium as gym

    from agemem_gym.cli.arguments import Commands
    from agemem_gym.env import MemoryEnv
    from agemem_gym.terminal import Terminal


def add(commands: Commands) -> None:
    """Add the command's parser."""
    command = commands.add_parser(
        "play",
        help="play an env yourself, in the terminal",
        description="Play one episode yourself: type commands of the engine; :help lists the rest.",
    )
    command.add_argument("env", metavar="ID", help="id of an env; `agemem list` names them")
    command.add_argument("--seed", type=int, default=0, help="seed of the episode (0)")
    command.add_argument("--record", type=Path, metavar="FILE", help="write the episode as a line of JSON, for replay")
    command.add_argument("--append", action="store_true", help="add to the file of --record, if it is there")
    add_env_arg(command)
    command.set_defaults(command=play)


def play(options: argparse.Namespace, terminal: Terminal) -> Status:
    """Play one episode; it is recorded up to where it was left."""
    from agemem_gym.leaderboard.recording import Recording

    with Recording(options.record, append=options.append) as recording:
        env = make_memory_env(options.env, **{"info_admissible": True, **env_kwargs(options.env_arg)})
        game = Game(env, terminal)
        try:
            game.play(options.seed)
        finally:
            if game.begun:
                recording.write(game.base.episode.to_json())
            env.close()
    return Status.OK


class Game:
    """One episode, a person in the agent's place.

    Args:
        env: made by :func:`~agemem_gym.registration.make_memory_env`.
        terminal: where it is shown.
    """

    def __init__(self, env: gym.Env[str, str], terminal: Terminal) -> None:
        self._env = env
        self.base = cast("MemoryEnv", env.unwrapped)
        self._terminal = terminal
        self._obs = ""
        self._info: dict[str, Any] = {}
        self._read: LineReader = make_reader(terminal, self._completions)

    @property
    def begun(self) -> bool:
        """Whether a reply was sent."""
        return bool(self._info) and bool(self.base.episode.steps)

    def play(self, seed: int) -> None:
        """From the reset to the end of the episode, to ``:quit``, or to the end of the input."""
        self._obs, self._info = self._env.reset(seed=seed)
        self._say(HELP)
        self._terminal.rule(self._info["task_id"] or "stage 1")
        self._say(self._info.get("instruction", "(the task comes later)"))
        self._say(self._info["observation"])
        while not self.base.episode.over:
            line = self._next_line()
            if line is None or line == ":quit":
                return
            if line in FREE:
                self._show(line)
            else:
                self._send(line)
        self._end()

    def _send(self, line: str) -> None:
        try:
            reply = as_reply(line)
        except NotAReply as error:
            self._say(str(error))
            return
        self._obs, _, _, _, self._info = self._env.step(reply)
        self._say(self._info["observation"])

    def _show(self, word: str) -> None:
        if word == ":help":
            self._say(HELP)
        elif word == ":commands":
            self._say("\n".join(self._info["admissible"]) or "(none: reply with an answer)")
        elif word == ":context":
            self._say(self._obs)
        else:
            self._say("\n".join(f"{entry.id}: {entry.content}" for entry in self.base.memory) or "(memory is empty)")

    def _end(self) -> None:
        episode = self.base.episode
        state = "solved" if self._info["success"] else "over"
        if "engine_error" in self._info:
            self._say(self._info["engine_error"])
        self._terminal.rule(f"{state} · progress {episode.progress:.2f} · return {episode.reward:.2f}")

    def _next_line(self) -> str | None:
        """What is typed next; the prompt says what is left."""
        usage = self._info["token_usage"]
        replies = self.base.episode.max_rounds - self._info["step"]
        try:
            return self._read(f"[replies left {replies}, tokens {usage['context']}/{usage['budget']}] > ").strip()
        except EOFError:
            return None

    def _completions(self) -> list[str]:
        return [*self._info["admissible"], *TOOLS, *FREE]

    def _say(self, text: str) -> None:
        self._terminal.print(text)
