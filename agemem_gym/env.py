"""The one Gymnasium env: a task, a context (STM), a memory (LTM), and an agent that sends text.

The way of one step::

    reply text ─► protocol.parse ─► Reply
                     tool_calls ─► ToolSet.call ─► result messages
                     action     ─► stage.act    ─► observation, progress, done
                     answer     ─► stage.answer
                  ─► Context.append ─► obs = Context.render(), info
                  ─► at the end: Reward.terms(episode) ─► reward, info["reward_terms"]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Protocol

import gymnasium as gym
import numpy as np
from gymnasium.error import ResetNeeded

from agemem_gym.context import Context, ContextSnapshot, Message, Role, Summariser
from agemem_gym.episode import Episode, Removal, StepRecord
from agemem_gym.errors import ConfigurationError, EngineError
from agemem_gym.memory import Encoder, MemoryStore, StoreSnapshot, make_encoder, make_index
from agemem_gym.memory.tokens import make_token_counter
from agemem_gym.protocol import MAX_REPLY_CHARACTERS, Reply, encodable, parse, system_prompt
from agemem_gym.rendering import print_step
from agemem_gym.reward import Judge, Reward, make_judge, make_reward
from agemem_gym.spaces import TextSpace
from agemem_gym.summariser import ChatCallable, make_summariser
from agemem_gym.task import Task, TaskStart, TaskStep
from agemem_gym.tools import Scene, Tool, ToolResult, make_tools
from agemem_gym.tools.stm import FilterMode

MAX_OBSERVATION_CHARACTERS = 262_144
_TASK_SEEDS = 2**31


class Stage(Protocol):
    """Who answers the agent's actions and answers: the task itself, or a stage of the curriculum that comes before it."""

    number: int

    def act(self, command: str) -> TaskStep:
        """Take a command."""

    def answer(self, text: str) -> TaskStep:
        """Take an answer."""


class TaskStage:
    """Stage 3, and the only one without a curriculum: the task itself."""

    number = 3

    def __init__(self, task: Task) -> None:
        self._task = task

    def act(self, command: str) -> TaskStep:
        """Pass the command to the engine."""
        return self._task.act(command)

    def answer(self, text: str) -> TaskStep:
        """Pass the answer to the task."""
        return self._task.answer(text)


@dataclass(frozen=True)
class EnvSnapshot:
    """Everything that :meth:`MemoryEnv.restore` needs: plain data that can be pickled.

    The engine itself is not in it: engines are exactly reproducible, so it is reset and its commands are played again.
    """

    task_seed: int
    task_options: Mapping[str, Any]
    commands: tuple[str, ...]
    context: ContextSnapshot
    memory: StoreSnapshot
    rng: Mapping[str, Any]
    episode: str
    last: TaskStep


class MemoryEnv(gym.Env[str, str]):
    """A task for an agent that manages its own memory.

    Wrappers speak through :meth:`say`, take the task's place with :meth:`enter_stage`, and put what they do after each reply,
    before the observation is made, into the list :attr:`after_reply`.

    Args:
        task: the engine (the registered ids fill this in).
        encoder: text encoder of the long-term memory and of FILTER: ``"minilm"``, ``"hash"``,
            ``"sentence-transformers:NAME"``, the URL of an embeddings endpoint, a callable, or an Encoder.
        index: ``"chroma"`` or ``"exact"``; both give the same results.
        chroma_path, chroma_url, collection: where Chroma keeps the vectors; see :func:`agemem_gym.memory.make_index`.
        tools: names of tools and Tool objects; the paper's six by default.
        token_budget: `T_max`, tokens that the context may hold.
        token_counter: ``"encoder"``, ``"words"``, ``"hf:NAME"``, or a callable from text to int.
        max_rounds: `N_max`, replies allowed in an episode; by default twice the task's moves and 20 more.
        filter_threshold: θ of FILTER (eq. 15).
        filter_mode: what FILTER's criteria describe: ``"remove"``, as in the paper, or ``"keep"``.
        summariser: ``"extractive"`` or a callable from messages to text (eq. 14).
        reward: ``"task"``, ``"composite"``, ``"answer_only"``, or a :class:`agemem_gym.reward.Reward`.
        reward_options: keywords of Reward for the named ones, e.g. ``{"weights": (1, 1, 1)}``.
        judge: ``"offline"``, the URL of a chat endpoint, a callable from chat messages to text, or a
            :class:`agemem_gym.reward.Judge`.
        info_admissible: put the admissible commands into ``info["admissible"]``; can be slow.
        info_expert: put the expert's next reply into ``info["expert"]`` and the gold facts into ``info["key_facts"]``; can be
            slow.
        render_mode: ``"ansi"`` (the context as text) or ``"human"`` (prints each step).

    Observation: the whole context as one text (:class:`~agemem_gym.spaces.TextSpace`, at most 262,144 characters; of a
    longer one the end). Action: the reply, see :mod:`agemem_gym.protocol`.

    ``reset(options=…)`` takes ``keep_memory: bool`` (carry the long-term memory over) and what the task takes, such as
    ``index: int``.

    ``terminated``: the task is solved, failed for good, or answered. ``truncated``: the task's move limit or `N_max` is
    reached, or the engine failed.

    Keys of ``info``:

    =================  ==================================================================================================
    messages           the context as chat messages, ``[{"role", "content"}, …]``
    observation        only what is new since the reply
    stage              1, 2 or 3 (3 without a curriculum)
    step, moves        replies so far; commands of them that went to the engine
    token_usage        ``context`` (tokens now), ``budget``, ``prompt`` (sum over all replies), ``reply`` (likewise)
    tool_results       what the calls of this reply came to: ``[{"name", "arguments", "ok", "text", "data"}, …]``
    format_error       name of the format error of this reply, or None
    valid              the engine understood this reply's command (True where there was none)
    progress, success  of the task, so far
    metrics            the task's further numbers by name
    task_id, seed      which task this is
    instruction        the query (at reset; behind a curriculum, when stage 3 begins)
    commands           what the engine understands, in words (at reset)
    tools              schemas of the tools in OpenAI function form (at reset)
    limits             ``moves`` and ``rounds`` (at reset)
    record             facts for a result row: engine version, level, … (at reset)
    admissible         sorted commands, with ``info_admissible=True``
    expert             the expert's next reply or None, with ``info_expert=True``
    key_facts          the gold facts (at reset), with ``info_expert=True``
    engine_error       what happened to the engine, at the end of an episode that it broke
    reward_terms       the terms of the return by name, at the end
    judge_fallbacks    why another judge than the one asked for gave some terms, at the end; mostly empty
    =================  ==================================================================================================

    Example:
        >>> import agemem_gym, gymnasium
        >>> env = gymnasium.make("AgeMem-BabyAI-v0", encoder="hash", index="exact")
        >>> obs, info = env.reset(seed=0)
        >>> reply = '<tool_call>[{"name": "Add_memory", "arguments": {"content": "I start here."}}]</tool_call>'
        >>> obs, reward, terminated, truncated, info = env.step(reply)
        >>> info["tool_results"][0]["text"]
        'Stored as m1.'
        >>> env.close()
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["ansi", "human"], "render_fps": 4}  # type: ignore[misc]

    def __init__(
        self,
        task: Task,
        *,
        encoder: str | Encoder | Callable[[Sequence[str]], Any] = "minilm",
        index: str = "chroma",
        chroma_path: str | None = None,
        chroma_url: str | None = None,
        collection: str | None = None,
        tools: Sequence[str | Tool] | None = None,
        token_budget: int = 8192,
        token_counter: str | Callable[[str], int] = "encoder",
        max_rounds: int | None = None,
        filter_threshold: float = 0.6,
        filter_mode: FilterMode = "remove",
        summariser: str | Summariser = "extractive",
        reward: str | Reward = "task",
        reward_options: Mapping[str, Any] | None = None,
        judge: str | Judge | ChatCallable = "offline",
        info_admissible: bool = False,
        info_expert: bool = False,
        render_mode: str | None = None,
    ) -> None:
        _check_positive("token_budget", token_budget)
        _check_positive("max_rounds", max_rounds)
        if not -1.0 <= filter_threshold <= 1.0:
            raise ConfigurationError(f"filter_threshold={filter_threshold!r}: expected a cosine similarity in [-1, 1]")
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ConfigurationError(
                f"render_mode={render_mode!r}: expected one of {self.metadata['render_modes']} or None"
            )
        self.task = task
        self.render_mode = render_mode
        self.encoder = make_encoder(encoder)
        self.tools = make_tools(tools, filter_mode)
        self.reward = make_reward(reward, reward_options)
        self.judge = make_judge(judge, self.encoder)
        self.summariser = make_summariser(summariser)
        self.filter_threshold = filter_threshold
        self.context = Context(token_budget, make_token_counter(token_counter, self.encoder))
        self.memory = MemoryStore(
            self.encoder,
            make_index(
                index, chroma_path=chroma_path, chroma_url=chroma_url, collection=collection, encoder=self.encoder
            ),
        )
        self._max_rounds = max_rounds
        self._info_admissible = info_admissible
        self._info_expert = info_expert
        self._task_stage = TaskStage(task)
        self.stage: Stage = self._task_stage
        self.after_reply: list[Callable[[Reply], None]] = []
        self._episode: Episode | None = None
        self._commands: list[str] = []
        self._expert: Iterator[str] | None = None
        self._expert_reply: str | None = None
        self.observation_space = TextSpace(MAX_OBSERVATION_CHARACTERS)
        self.action_space = TextSpace(MAX_REPLY_CHARACTERS)

    # ---------------------------------------------------------------------------------------------- Gymnasium's verbs

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Start an episode; see the class for `options`. The same seed is the same episode, whatever came before."""
        super().reset(seed=seed)
        task_options = dict(options or {})
        keep_memory = bool(task_options.pop("keep_memory", False))
        task_seed = int(seed) if seed is not None else int(self.np_random.integers(_TASK_SEEDS))
        start = self.task.reset(task_seed, task_options)
        if not keep_memory:
            self.memory.clear()
        self._begin(start, task_seed, task_options, keep_memory)
        system = system_prompt(self.tools.schemas(), self.context.token_budget, start.commands)
        self.say("system", system, kind="system", protected=True)
        self.say("user", start.instruction, kind="task", protected=True)
        for text in start.shown:
            self.say("user", text, kind="observation")
        seen = "\n\n".join(start.shown)
        info = self._info(seen) | self.start_info()
        self._show(start.instruction + "\n" + seen)
        return self._observe(), info

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Carry out one reply. Any string is taken; a malformed one costs a step and is answered by an observation."""
        if not isinstance(action, str):
            raise TypeError(f"a reply is a str, not {type(action).__name__}: {action!r:.100}")
        episode = self.episode
        if episode.over:
            raise ResetNeeded("The episode is over: call reset() before step().")
        action = encodable(action)
        reply = parse(action)
        prompt_tokens = self.context.tokens
        said = self.say("assistant", action[:MAX_REPLY_CHARACTERS] if reply.format_error else action, kind="reply")
        results, outcome = self._carry_out(reply, said)
        if not outcome.done and episode.engine_error is None:
            for hook in self.after_reply:
                hook(reply)
        texts = [message.content for message in self._new_messages(said)]
        self._last = outcome
        self._prompt_tokens += prompt_tokens
        self._reply_tokens += said.tokens
        episode.steps.append(
            StepRecord(
                reply=action,
                stage=self._stage_of_reply,
                observation="\n".join(texts),
                prompt_tokens=prompt_tokens,
                reply_tokens=said.tokens,
                context_tokens=self.context.tokens,
                tool_results=tuple(results),
                action=reply.action,
                answer=reply.answer,
                valid=outcome.valid,
                format_error=reply.format_error,
                progress=outcome.progress,
                success=outcome.success,
                metrics=outcome.metrics,
            )
        )
        reward = self._end_if_over(outcome)
        info = self._info(episode.steps[-1].observation, reply, results)
        self._show(action + "\n" + episode.steps[-1].observation)
        return self._observe(), reward, episode.terminated, episode.truncated, info

    def render(self) -> str | None:
        """``"ansi"``: the context as text. ``"human"`` prints each step as it happens, and nothing here."""
        if self.render_mode is None:
            gym.logger.warn('render() needs a render mode: gymnasium.make(id, render_mode="ansi" or "human").')
        return self.context.render() if self.render_mode == "ansi" else None

    def close(self) -> None:
        """Free the engine and the index. Safe to call twice."""
        self.task.close()
        self.memory.close()

    # ---------------------------------------------------------------------------------------------- for wrappers

    @property
    def episode(self) -> Episode:
        """The record of the present episode."""
        if self._episode is None:
            raise ResetNeeded("No episode yet: call reset() first.")
        return self._episode

    def say(self, role: Role, content: str, *, kind: str, protected: bool = False, at: int | None = None) -> Message:
        """Put a message into the context, at its end or before position `at`, and into the record; how wrappers speak."""
        message = self.context.append(role, content, kind=kind, protected=protected, at=at)
        self._note(message)
        return message

    def distract(self, text: str, source: str, similarity: float | None, *, at: int | None = None) -> Message:
        """Say a distractor, and note in the record where it came from and how near to the query it is."""
        message = self.say("user", text, kind="distractor", at=at)
        self.episode.distractors.append({"message_id": message.id, "source": source, "similarity": similarity})
        return message

    def enter_stage(self, stage: Stage | None, *, keep: Callable[[Message], bool]) -> None:
        """Let `stage` (the task for ``None``) answer from now on, and clear the context of all but what `keep` names."""
        self.stage = stage or self._task_stage
        for message in self.context.clear(keep=keep):
            self.episode.removals.append(Removal(message.id, len(self.episode.steps), "stage"))

    def view(self, observation: str = "") -> tuple[str, dict[str, Any]]:
        """``obs, info`` as they are now, with `observation` as what is new; for wrappers that have spoken after a reset."""
        return self._observe(), self._info(observation)

    def start_info(self) -> dict[str, Any]:
        """The keys of ``info`` that stand only at a reset."""
        episode = self.episode
        gold = {"key_facts": episode.start.key_facts} if self._info_expert else {}
        return gold | {
            "instruction": episode.start.instruction,
            "commands": episode.start.commands,
            "tools": self.tools.schemas(),
            "limits": {"moves": episode.start.max_moves, "rounds": episode.max_rounds},
            "record": dict(episode.start.record),
        }

    # ---------------------------------------------------------------------------------------------- branching

    def snapshot(self) -> EnvSnapshot:
        """The present state: LTM, STM, RNG, record, and how to bring the engine here again."""
        episode = self.episode
        return EnvSnapshot(
            task_seed=episode.seed,
            task_options=dict(episode.options),
            commands=tuple(self._commands),
            context=self.context.snapshot(),
            memory=self.memory.snapshot(),
            rng=_rng_state(self.np_random),
            episode=episode.to_json(),
            last=self._last,
        )

    def restore(self, snapshot: EnvSnapshot) -> tuple[str, dict[str, Any]]:
        """Go back to a snapshot, of this env or of another one made with the same keywords; returns ``obs, info``.

        The engine is reset and the snapshot's commands are played again.
        """
        self.task.reset(snapshot.task_seed, dict(snapshot.task_options))
        for command in snapshot.commands:
            self.task.act(command)
        self.stage = self._task_stage
        self._commands = list(snapshot.commands)
        self._expert = self._expert_reply = None
        self.context.restore(snapshot.context)
        self.memory.restore(snapshot.memory)
        self.np_random.bit_generator.state = dict(snapshot.rng)
        self._episode = Episode.from_json(snapshot.episode)
        self._prompt_tokens = self._episode.prompt_tokens
        self._reply_tokens = sum(step.reply_tokens for step in self._episode.steps)
        self._last = snapshot.last
        steps, start = self._episode.steps, self._episode.start
        latest = steps[-1].observation if steps else "\n\n".join(start.shown)
        return self._observe(), self._info(latest) | self.start_info()

    # ---------------------------------------------------------------------------------------------- the parts of a step

    def _begin(self, start: TaskStart, seed: int, options: dict[str, Any], keep_memory: bool) -> None:
        self.context.reset()
        self.memory.now = 0
        self.stage = self._task_stage
        self._commands = []
        self._prompt_tokens = self._reply_tokens = 0
        self._expert = self._expert_reply = None
        self._last = TaskStep(start.observation, 0.0, False, False)
        self._episode = Episode(
            env_id=self.spec.id if self.spec else type(self.task).__name__,
            env_kwargs=_plain(self.spec.kwargs) if self.spec else {},
            seed=seed,
            options=options,
            start=start,
            token_budget=self.context.token_budget,
            max_rounds=self._max_rounds or 2 * start.max_moves + 20,
            keep_memory=keep_memory,
            initial_memory=self._memory_records(),
        )

    def _carry_out(self, reply: Reply, said: Message) -> tuple[list[ToolResult], TaskStep]:
        """Do what the reply says; returns the tools' results and where the task stands."""
        self._stage_of_reply = self.stage.number
        still = replace(self._last, observation="", valid=True)
        if reply.format_error is not None:
            self.say("user", reply.complaint(), kind="complaint")
            return [], still
        if reply.tool_calls:
            return [self._call(call.name, call.arguments, said) for call in reply.tool_calls], still
        try:
            if reply.action is not None:
                outcome = self._act(reply.action)
            else:
                outcome = self.stage.answer(reply.answer or "")
        except EngineError as error:
            self.episode.engine_error = str(error)
            self.say("user", "The environment has failed; the episode is over.", kind="observation")
            return [], still
        if outcome.observation:
            self.say("user", outcome.observation, kind="observation")
        return [], outcome

    def _act(self, command: str) -> TaskStep:
        if self.stage is self._task_stage:
            self._commands.append(command)
            if command != self._expert_reply:
                self._expert = None  # the expert has to think again from where this leads
            self._expert_reply = None
        return self.stage.act(command)

    def _call(self, name: str, arguments: Mapping[str, Any], said: Message) -> ToolResult:
        """Carry out one tool call and put its result into the context."""
        step = len(self.episode.steps) + 1
        self.memory.now = step
        before = self.context.snapshot()
        scene = Scene(
            context=self.context,
            memory=self.memory,
            similarity=self._similarity,
            summariser=self.summariser,
            filter_threshold=self.filter_threshold,
            reply_id=said.id,
            step=step,
            stage=self.stage.number,
        )
        result = self.tools.call(name, arguments, scene)
        self._note_changes(before, name, step)
        self.say("tool", f"{name[:100]}: {result.text}", kind="tool_result")
        return result

    def _end_if_over(self, outcome: TaskStep) -> float:
        """Set terminated and truncated; at the end, give the return."""
        episode = self.episode
        episode.terminated = outcome.done and episode.engine_error is None
        out_of_moves = len(self._commands) >= episode.start.max_moves
        out_of_rounds = len(episode.steps) >= episode.max_rounds
        episode.truncated = not episode.terminated and (
            out_of_moves or out_of_rounds or episode.engine_error is not None
        )
        if not episode.over:
            return 0.0
        episode.final_memory = self._memory_records()
        episode.reward_terms = self.reward.terms(episode, self.task.metric, self.judge)
        episode.judge, episode.judge_fallbacks = self.judge.name, list(self.judge.take_fallbacks())
        episode.reward = episode.reward_terms["total"]
        return episode.reward

    def _similarity(self, text: str, others: Sequence[str]) -> np.ndarray:
        vectors = self.encoder.encode([text, *others])  # (1 + n, d), unit length
        return vectors[1:] @ vectors[0]

    # ---------------------------------------------------------------------------------------------- records and info

    def _note(self, message: Message) -> None:
        episode = self.episode
        episode.messages.append(message)
        episode.added_at[message.id] = len(episode.steps)

    def _note_changes(self, before: ContextSnapshot, by: str, step: int) -> None:
        """Record what a tool removed from the context and added to it."""
        now = {message.id for message in self.context}
        old = {message.id for message in before.messages}
        for message in before.messages:
            if message.id not in now:
                self.episode.removals.append(Removal(message.id, step, by))
        for message in self.context:
            if message.id not in old:
                self._note(message)

    def _new_messages(self, said: Message) -> list[Message]:
        """What was said to the agent since its reply, summaries apart."""
        return [message for message in self.context if message.id > said.id and message.kind != "summary"]

    def _memory_records(self) -> list[dict[str, Any]]:
        return [asdict(record) for record in self.memory]

    def _observe(self) -> str:
        return self.context.render()[-MAX_OBSERVATION_CHARACTERS:]

    def _info(self, observation: str, reply: Reply | None = None, results: Sequence[ToolResult] = ()) -> dict[str, Any]:
        episode = self.episode
        info: dict[str, Any] = {
            "messages": self.context.chat(),
            "observation": observation,
            "stage": self.stage.number,
            "step": len(episode.steps),
            "moves": len(self._commands),
            "token_usage": {
                "context": self.context.tokens,
                "budget": self.context.token_budget,
                "prompt": self._prompt_tokens,
                "reply": self._reply_tokens,
            },
            "tool_results": [asdict(result) for result in results],
            "format_error": reply.format_error if reply else None,
            "valid": self._last.valid,
            "progress": self._last.progress,
            "success": self._last.success,
            "metrics": dict(self._last.metrics),
            "task_id": episode.start.task_id,
            "seed": episode.seed,
        }
        if self._info_admissible or self._info_expert:
            info |= self._ask_engine()
        if episode.engine_error is not None:
            info["engine_error"] = episode.engine_error
        if episode.over:
            info["reward_terms"] = dict(episode.reward_terms)
            info["judge_fallbacks"] = list(episode.judge_fallbacks)
        return info

    def _ask_engine(self) -> dict[str, Any]:
        """What ``info_admissible`` and ``info_expert`` ask for; nothing of it where the task is not playing."""
        playing = not self.episode.over and self.stage is self._task_stage
        asked: dict[str, Any] = {}
        try:
            if self._info_admissible:
                asked["admissible"] = self.task.admissible() if playing else []
            if self._info_expert:
                asked["expert"] = self._ask_expert() if playing else None
        except EngineError:  # the next command meets the same dead engine and ends the episode
            asked = {"admissible": [], "expert": None}
        return asked

    def _ask_expert(self) -> str | None:
        """The expert's next reply; asked again only after its last one was carried out, or after the agent left its way."""
        if self._expert is None:
            self._expert, self._expert_reply = self.task.expert(), None
        if self._expert_reply is None:
            self._expert_reply = next(self._expert, None)
        return self._expert_reply

    def _show(self, text: str) -> None:
        if self.render_mode == "human":
            print_step(self.episode, text)


def _check_positive(name: str, value: int | None) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ConfigurationError(f"{name}={value!r}: expected a whole number of at least 1")


def _rng_state(generator: np.random.Generator) -> dict[str, Any]:
    return dict(generator.bit_generator.state)


def _plain(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Keywords as JSON can hold them; what it cannot stands as its repr."""
    return {key: value if isinstance(value, _JSON_TYPES) else repr(value) for key, value in kwargs.items()}


_JSON_TYPES = (str, int, float, bool, list, dict, type(None))
