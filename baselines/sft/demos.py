"""Demonstrations: what an agent replied to what, a row a reply, as JSON Lines.

::

    {"prompt": [{"role", "content"}, …], "completion": [{"role": "assistant", "content"}],
     "env_id", "seed", "sample", "step", "stage"}

That is the conversational prompt-completion form of TRL and ``datasets``.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import IO, Any

from agemem_gym.agent import AgentSpec
from agemem_gym.checks import at_least, file_at
from agemem_gym.episode import Episode
from agemem_gym.errors import ConfigurationError
from agemem_gym.jobs import Job
from agemem_gym.rollout import rollout


@dataclass(frozen=True)
class Demo:
    """One reply.

    Attributes:
        prompt: the context that it was given in, as chat messages.
        reply: the reply.
        env_id, seed, sample, step, stage: where it stands; `step` counts from 1.
    """

    prompt: tuple[Mapping[str, str], ...]
    reply: str
    env_id: str
    seed: int
    sample: int
    step: int
    stage: int

    @property
    def episode(self) -> tuple[str, int, int]:
        """What tells its episode from others."""
        return self.env_id, self.seed, self.sample

    def to_json(self) -> dict[str, Any]:
        """As a row."""
        row = asdict(self)
        del row["reply"]
        return {**row, "completion": [{"role": "assistant", "content": self.reply}]}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Demo:
        """The inverse of :meth:`to_json`; a row of somebody else's may lack where it stands.

        Raises:
            ConfigurationError: it has no prompt and completion of one message.
        """
        try:
            (message,) = row["completion"]
            prompt = tuple({"role": str(m["role"]), "content": str(m["content"])} for m in row["prompt"])
            place = {name: int(row.get(name, 0)) for name in ("seed", "sample", "step", "stage")}
            return cls(prompt, str(message["content"]), str(row.get("env_id", "")), **place)
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigurationError(f"no row of demonstrations: {type(error).__name__}: {error}") from None


def demos_of(episode: Episode) -> Iterator[Demo]:
    """The rows of an episode."""
    for number, step in enumerate(episode.steps, start=1):
        prompt = tuple({"role": message.role, "content": message.shown} for message in episode.prompt(number))
        yield Demo(prompt, step.reply, episode.env_id, episode.seed, episode.sample, number, step.stage)


def collect(
    env_id: str,
    agent: str,
    episodes: int,
    *,
    seed: int = 0,
    samples: int = 1,
    env_kwargs: Mapping[str, Any] | None = None,
    agent_kwargs: Mapping[str, Any] | None = None,
    failed: bool = False,
) -> Iterator[Episode]:
    """Episodes of an agent that may be imitated.

    Args:
        env_id: where.
        agent: who; ``"expert"`` is the engine's own.
        episodes: how many tasks, from `seed` on.
        samples: episodes of each task.
        env_kwargs, agent_kwargs: keywords of both.
        failed: those that were not solved, too.
    """
    spec = AgentSpec.parse("oracle" if agent == "expert" else agent, agent_kwargs)
    seeds = range(seed, seed + at_least("episodes", episodes))
    places = [(number, sample) for number in seeds for sample in range(at_least("samples", samples))]
    jobs = [Job(n, env_id, place, env_kwargs or {}, sample) for n, (place, sample) in enumerate(places)]
    for played in rollout(spec, jobs, stop_at_error=True):
        if played.episode is not None and (played.episode.success or failed):
            yield played.episode


def write_demos(path: Path, episodes: Iterable[Episode]) -> tuple[int, int]:
    """Write the rows of episodes, compressed if the name ends in ``.gz``; returns how many episodes and rows."""
    count = rows = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with _open(path, "wt") as file:
        for count, episode in enumerate(episodes, start=1):  # noqa: B007
            for demo in demos_of(episode):
                file.write(json.dumps(demo.to_json(), ensure_ascii=False) + "\n")
                rows += 1
    return count, rows


def each_demo(paths: Sequence[str | Path]) -> Iterator[Demo]:
    """The rows of files, one after the other.

    Raises:
        ConfigurationError: there is no such file, or a line is no row; it names file and line.
    """
    for name in paths:
        path = file_at("data", name, "demonstrations, as `agemem demos` writes them")
        with _open(path, "rt") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    try:
                        yield Demo.from_json(json.loads(line))
                    except (ValueError, AttributeError, ConfigurationError) as error:
                        raise ConfigurationError(f"{path}, line {number}: {error}") from None


def each_episode(paths: Sequence[str | Path]) -> Iterator[list[Demo]]:
    """The rows of each episode, one episode after the other: those that stand together in a file.

    Raises:
        ConfigurationError: as :func:`each_demo`, or there is no row at all.
    """
    none = True
    for _, group in groupby(each_demo(paths), key=lambda demo: demo.episode):
        none = False
        yield list(group)
    if none:
        raise ConfigurationError(f"{', '.join(map(str, paths))}: there is no row in it")


def read_demos(paths: Sequence[str | Path]) -> list[Demo]:
    """All rows of files at once.

    Raises:
        ConfigurationError: as :func:`each_episode`.
    """
    return [demo for episode in each_episode(paths) for demo in episode]


@contextmanager
def _open(path: Path, mode: str) -> Iterator[IO[str]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, mode, encoding="utf-8") as file:  # type: ignore[operator]
        yield file
