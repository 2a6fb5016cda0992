"""The record of an episode: all that rewards, judges, leaderboards and a replay need, in plain typed data.

An :class:`Episode` grows while it is played. As JSON it is one line; :func:`write_episodes` and :func:`read_episodes` take
files of them. Nothing in it depends on the wall clock, so that two runs of one episode give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from agemem_gym.context import Message
from agemem_gym.errors import ConfigurationError
from agemem_gym.task import TaskStart
from agemem_gym.tools.tool import ToolResult

FORMAT_VERSION = 1


@dataclass(frozen=True)
class StepRecord:
    """One reply and what came of it.

    Attributes:
        reply: the agent's text, as it came.
        stage: 1 to 3 (AgeMem, arXiv:2601.01885, alg. 1-5); 3 where there is no curriculum.
        observation: all text that the reply brought about: tool results, the engine's observation, or a complaint.
        prompt_tokens: tokens in the context when the agent was asked.
        reply_tokens: tokens of the reply.
        context_tokens: tokens in the context afterwards.
        tool_results: what the calls of this reply came to, in order.
        action: the command that went to the engine, if any.
        answer: the answer that was given, if any.
        valid: the engine understood the command.
        format_error: name of the format error, if the reply was malformed.
        progress, success, metrics: as the task gave them last.
    """

    reply: str
    stage: int
    observation: str
    prompt_tokens: int
    reply_tokens: int
    context_tokens: int
    tool_results: tuple[ToolResult, ...] = ()
    action: str | None = None
    answer: str | None = None
    valid: bool = True
    format_error: str | None = None
    progress: float = 0.0
    success: bool = False
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Removal:
    """A message left the context.

    Attributes:
        message_id: which one.
        step: number of the reply that removed it, from 1; 0 at the start.
        by: name of the tool, or ``"stage"`` where a new stage cleared the context.
    """

    message_id: int
    step: int
    by: str


@dataclass
class Episode:
    """One episode.

    Attributes:
        env_id, env_kwargs: what ``gym.make`` was given; kwargs that JSON cannot hold stand as their ``repr``.
        seed, options: what the task was reset with.
        keep_memory: whether the long-term memory was carried over from the episode before.
        start: what the task said at its reset.
        token_budget: `T_max`.
        max_rounds: `N_max`, replies allowed.
        steps: every reply.
        messages: every message that was ever in the context, in order of their ids.
        removals: what left the context, in order.
        added_at: message id to the number of the reply (0 at the start) after which it stood in the context.
        distractors: what distracted, in order: ``{"message_id", "source", "similarity"}``, the similarity to the query.
        initial_memory, final_memory: long-term memory before the first reply and after the last one, as plain records.
        terminated, truncated, engine_error: how it ended.
        reward, reward_terms: the return and its terms; given at the end.
        judge, judge_fallbacks: who judged them, and why another judge had to step in, if one had.
    """

    env_id: str
    env_kwargs: Mapping[str, Any]
    seed: int
    options: Mapping[str, Any]
    start: TaskStart
    token_budget: int
    max_rounds: int
    keep_memory: bool = False
    steps: list[StepRecord] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    removals: list[Removal] = field(default_factory=list)
    added_at: dict[int, int] = field(default_factory=dict)
    distractors: list[dict[str, Any]] = field(default_factory=list)
    initial_memory: list[dict[str, Any]] = field(default_factory=list)
    final_memory: list[dict[str, Any]] = field(default_factory=list)
    terminated: bool = False
    truncated: bool = False
    engine_error: str | None = None
    reward: float = 0.0
    reward_terms: dict[str, float] = field(default_factory=dict)
    judge: str = ""
    judge_fallbacks: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.terminated or self.truncated

    @property
    def success(self) -> bool:
        """Whether the task is solved."""
        return bool(self.steps) and self.steps[-1].success

    @property
    def progress(self) -> float:
        """How far the task got, in [0, 1]."""
        return self.steps[-1].progress if self.steps else 0.0

    @property
    def answer(self) -> str | None:
        """The final answer: the last one given in stage 3."""
        return next((step.answer for step in reversed(self.steps) if step.stage == 3 and step.answer is not None), None)

    @property
    def moves(self) -> int:
        """Commands that went to the engine."""
        return sum(step.action is not None and step.stage == 3 for step in self.steps)

    @property
    def tool_results(self) -> list[ToolResult]:
        """All tool calls in order."""
        return [result for step in self.steps for result in step.tool_results]

    @property
    def prompt_tokens(self) -> int:
        """Prompt tokens over all replies (TN of the paper is their sum)."""
        return sum(step.prompt_tokens for step in self.steps)

    def final_context(self) -> list[Message]:
        """The messages that are in the context at the end."""
        gone = {removal.message_id for removal in self.removals}
        return [message for message in self.messages if message.id not in gone]

    def to_json(self) -> str:
        """The episode as one line of JSON."""
        return json.dumps({"format": FORMAT_VERSION, **asdict(self)}, ensure_ascii=False, default=repr)

    @classmethod
    def from_json(cls, line: str) -> Episode:
        """Read what :meth:`to_json` wrote.

        Raises:
            ConfigurationError: the line is no episode, or one of another format version.
        """
        try:
            data = json.loads(line)
            if data.pop("format") != FORMAT_VERSION:
                raise ValueError("written by another version of agemem-gym")
            return cls(**_typed(data))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(f"not an episode record: {error} (in {line[:80]!r}…)") from None


def _typed(data: dict[str, Any]) -> dict[str, Any]:
    """The fields of an Episode from their JSON form."""
    start = data["start"] | {name: tuple(data["start"][name]) for name in ("key_facts", "documents")}
    steps = [
        StepRecord(**step | {"tool_results": tuple(ToolResult(**result) for result in step["tool_results"])})
        for step in data["steps"]
    ]
    return data | {
        "start": TaskStart(**start),
        "steps": steps,
        "messages": [Message(**message | {"sources": tuple(message["sources"])}) for message in data["messages"]],
        "removals": [Removal(**removal) for removal in data["removals"]],
        "added_at": {int(key): value for key, value in data["added_at"].items()},
    }


def write_episodes(path: Path | str, episodes: Iterable[Episode], *, append: bool = False) -> None:
    """Write episodes as JSON Lines."""
    with Path(path).open("a" if append else "w", encoding="utf-8") as file:
        for episode in episodes:
            file.write(episode.to_json() + "\n")


def read_episodes(path: Path | str) -> Iterator[Episode]:
    """Read episodes from JSON Lines.

    Raises:
        ConfigurationError: there is no such file, or a line is no episode; the message holds file and line number.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from None
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield Episode.from_json(line)
            except ConfigurationError as error:
                raise ConfigurationError(f"{path}, line {number}: {error}") from None
