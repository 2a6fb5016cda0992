"""The record of an episode: all that rewards, judges, leaderboards and a replay need, in plain typed data.

An :class:`Episode` grows while it is played (:mod:`agemem_gym.recorder` writes it). As JSON it is one line;
:func:`write_episodes` and :func:`read_episodes` take files of them. Nothing that an env writes in it depends on the wall
clock, so that two runs of one episode give the same bytes; what an agent's model cost (:class:`PolicyRecord`) may.

Every prompt can be made again from it: :meth:`Episode.prompt`.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from agemem_gym.context import Edit, Message, replayed
from agemem_gym.errors import ConfigurationError
from agemem_gym.plain import plain
from agemem_gym.task import TaskStart
from agemem_gym.tools.tool import ToolResult

FORMAT_VERSION = 2


@dataclass(frozen=True)
class PolicyRecord:
    """What the agent's model says of one reply; ``None`` where it does not say.

    Attributes:
        model: its name.
        finish_reason: why it stopped, as in a chat completion: ``"stop"``, ``"length"``, …
        prompt_tokens, completion_tokens: by its own tokenizer.
        cached_tokens: of the prompt's, those that had not to be read again.
        cost: in the currency of the price table that was given.
        seconds: from asking to the last token.
    """

    model: str = ""
    finish_reason: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    cost: float | None = None
    seconds: float | None = None


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
        dialect: in which dialect it was understood; empty where it keeps to the protocol's letter (or is malformed).
        policy: what the agent's model says of the reply.
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
    dialect: str = ""
    policy: PolicyRecord | None = None
    progress: float = 0.0
    success: bool = False
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Removal:
    """A message left the context.

    Attributes:
        message_id: which one.
        step: number of the reply that removed it, from 1; 0 at the start.
        by: name of the tool, ``"stage"`` where a new stage cleared the context, ``"overflow"`` where it had to make room.
    """

    message_id: int
    step: int
    by: str


@dataclass
class Episode:
    """One episode.

    Attributes:
        env_id, env_kwargs: what ``gym.make`` was given, as plain data; see :mod:`agemem_gym.plain` for what JSON cannot hold.
        seed, options: what the task was reset with.
        keep_memory: whether the long-term memory was carried over from the episode before.
        start: what the task said at its reset.
        metric: what the benchmark reports, ``"success"`` or ``"progress"``.
        token_budget: `T_max`.
        max_rounds: `N_max`, replies allowed.
        agent: who played, where a rollout did: name, class, keywords, fingerprint …; empty for a loop by hand.
        sample: number of this episode in its group of one task.
        curriculum: the curriculum's settings in force in this episode.
        wrappers: what stands round the env, from the inside, ``{"wrapper": "module:Class", "kwargs": …, "settings": …}``;
            kwargs are None where nobody noted them.
        steps: every reply.
        messages: every message that was ever in the context, in order of their ids.
        edits: every change of the context, in order.
        distractors: what distracted, in order: ``{"message_id", "source", "similarity"}``, the similarity to the query.
        layer: what a memory layer did, in order; see :mod:`agemem_gym.layer`.
        initial_memory, final_memory: long-term memory before the first reply and after the last one, as plain records.
        terminated, truncated, engine_error: how it ended.
        ended_by: ``"task"``, ``"moves"``, ``"rounds"``, ``"overflow"`` or ``"engine"``.
        reward, reward_terms: the return and its terms; given at the end.
        reward_settings: the fields of the :class:`~agemem_gym.reward.Reward` that gave it.
        judge, judge_fallbacks: who judged them, and why another judge had to step in, if one had.
        versions: of the packages, and ``commit`` where it is known.
    """

    env_id: str
    env_kwargs: Mapping[str, Any]
    seed: int
    options: Mapping[str, Any]
    start: TaskStart
    token_budget: int
    max_rounds: int
    metric: str = "success"
    keep_memory: bool = False
    agent: Mapping[str, Any] = field(default_factory=dict)
    sample: int = 0
    curriculum: dict[str, Any] = field(default_factory=dict)
    wrappers: list[dict[str, Any]] = field(default_factory=list)
    steps: list[StepRecord] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    distractors: list[dict[str, Any]] = field(default_factory=list)
    layer: list[dict[str, Any]] = field(default_factory=list)
    initial_memory: list[dict[str, Any]] = field(default_factory=list)
    final_memory: list[dict[str, Any]] = field(default_factory=list)
    terminated: bool = False
    truncated: bool = False
    engine_error: str | None = None
    ended_by: str = ""
    reward: float = 0.0
    reward_terms: dict[str, float] = field(default_factory=dict)
    reward_settings: Mapping[str, Any] = field(default_factory=dict)
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

    @property
    def removals(self) -> list[Removal]:
        """What left the context, in order; made anew at each call."""
        return [Removal(gone, edit.step, edit.by) for edit in self.edits for gone in edit.removed]

    @property
    def added_at(self) -> dict[int, int]:
        """Message id to the number of the reply (0 at the start) that brought it into the context; made anew at each call."""
        return {edit.added: edit.step for edit in self.edits if edit.added is not None}

    def prompt(self, step: int) -> list[Message]:
        """What the agent was asked with for its reply number `step`, from 1: the whole context in its order.

        One more than there are replies gives the context as it is now.

        Raises:
            IndexError: there was no such reply.
        """
        if not 1 <= step <= len(self.steps) + 1:
            raise IndexError(f"reply {step} of {len(self.steps)}")
        return self._context(edit for edit in self.edits if edit.step < step)

    def final_context(self) -> list[Message]:
        """The messages that are in the context at the end."""
        return self._context(self.edits)

    def _context(self, edits: Iterable[Edit]) -> list[Message]:
        return replayed(edits, {message.id: message for message in self.messages})

    def note_policy(self, policy: PolicyRecord) -> None:
        """Write down what the agent's model says of the last reply; for whoever plays."""
        self.steps[-1] = replace(self.steps[-1], policy=policy)

    def to_json(self) -> str:
        """The episode as one line of JSON."""
        return json.dumps({"format": FORMAT_VERSION, **plain(self)}, ensure_ascii=False)

    @classmethod
    def from_json(cls, line: str) -> Episode:
        """Read what :meth:`to_json` wrote.

        Raises:
            ConfigurationError: the line is no episode, or one of another format version.
        """
        try:
            data = json.loads(line)
            if (version := data.pop("format")) != FORMAT_VERSION:
                raise ValueError(f"its format is {version!r}, this version of agemem-gym reads format {FORMAT_VERSION}")
            return cls(**_typed(data))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(f"not an episode record: {error} (in {line[:80]!r}…)") from None


def _typed(data: dict[str, Any]) -> dict[str, Any]:
    """The fields of an Episode from their JSON form."""
    texts = ("key_facts", "documents", "key_phrases")
    start = data["start"] | {name: tuple(data["start"].get(name, ())) for name in texts}
    steps = [StepRecord(**step | _typed_step(step)) for step in data["steps"]]
    return data | {
        "start": TaskStart(**start),
        "steps": steps,
        "messages": [Message(**message | {"sources": tuple(message["sources"])}) for message in data["messages"]],
        "edits": [Edit(**edit | {"removed": tuple(edit["removed"])}) for edit in data["edits"]],
    }


def _typed_step(step: dict[str, Any]) -> dict[str, Any]:
    policy = step["policy"]
    return {
        "tool_results": tuple(ToolResult.from_json(result) for result in step["tool_results"]),
        "policy": None if policy is None else PolicyRecord(**policy),
    }


def open_episodes(path: Path | str, mode: str) -> IO[str]:
    """A file of episodes as text; compressed where its name ends in ``.gz``. `mode` is ``"r"``, ``"w"`` or ``"a"``."""
    if str(path).endswith(".gz"):
        return io.TextIOWrapper(gzip.GzipFile(path, mode), encoding="utf-8", newline="\n")
    return Path(path).open(mode, encoding="utf-8", newline="\n")


def write_episodes(path: Path | str, episodes: Iterable[Episode], *, append: bool = False) -> None:
    """Write episodes as JSON Lines."""
    with open_episodes(path, "a" if append else "w") as file:
        for episode in episodes:
            file.write(episode.to_json() + "\n")


def read_episodes(path: Path | str) -> Iterator[Episode]:
    """Read episodes from JSON Lines.

    Raises:
        ConfigurationError: there is no such file, or a line is no episode; the message holds file and line number.
    """
    try:
        with open_episodes(path, "r") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    try:
                        yield Episode.from_json(line)
                    except ConfigurationError as error:
                        raise ConfigurationError(f"{path}, line {number}: {error}") from None
    except (OSError, EOFError) as error:
        raise ConfigurationError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8: {error}") from None
