"""The one Gymnasium env: a task, a context (STM), a memory (LTM), and an agent that sends text.

The way of one step::

    reply text ─► protocol.parse ─► Reply
                     tool_calls ─► ToolSet.call ─► result messages
                     action     ─► stage.act    ─► observation, progress, done
                     answer     ─► stage.answer
                  ─► Context.append ─► obs = Context.render(), info       (the Recorder writes it down)
                  ─► at the end: Reward.terms(episode) ─► reward, info["reward_terms"]

Who answers is the present :class:`~agemem_gym.stage.Stage`: the task, or what a curriculum puts before it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal, get_args

import gymnasium as gym
import numpy as np
from gymnasium.error import ResetNeeded

from agemem_gym import branching
from agemem_gym.branching import EnvSnapshot
from agemem_gym.chat import ChatCallable, ChatModel
from agemem_gym.checks import at_least, flag, one_of, within
from agemem_gym.context import Context, Message, Role, Summariser
from agemem_gym.episode import Episode, StepRecord
from agemem_gym.errors import ConfigurationError, EngineError, MissingDependencyError
from agemem_gym.info import start_info, step_info, task_info
from agemem_gym.memory import Encoder, make_encoder, make_memory, similarities
from agemem_gym.memory.make import MemorySpec
from agemem_gym.memory.tokens import make_token_counter
from agemem_gym.plain import plain
from agemem_gym.protocol import (
    MAX_REPLY_CHARACTERS,
    PromptMaker,
    Reply,
    ToolCall,
    bounded,
    encodable,
    fitted,
    make_dialects,
    make_prompt,
    parse,
    reply_text,
)
from agemem_gym.recorder import Recorder
from agemem_gym.rendering import print_step
from agemem_gym.reward import Judge, Reward, make_judge, make_reward
from agemem_gym.spaces import TextSpace
from agemem_gym.stage import Opener, Opening, Stage, TaskStage
from agemem_gym.summariser import make_summariser
from agemem_gym.task import Task, TaskStart, TaskStep
from agemem_gym.tools import Scene, Tool, ToolResult, make_tools
from agemem_gym.tools.stm import FilterMode
from agemem_gym.versions import installed_versions
from agemem_gym.wrappers import note_of

MAX_OBSERVATION_CHARACTERS = 262_144
OnOverflow = Literal["penalise", "drop_oldest", "end"]
"""What happens when the context grows over its budget."""

_FAILED = "The environment has failed; the episode is over."
_TASK_SEEDS = 2**31
_log = logging.getLogger(__name__)


class MemoryEnv(gym.Env[str, str]):
    """A task for an agent that manages its own memory.

    Wrappers speak through :meth:`say`. What comes before the task they hand to :meth:`open_with`; what they do after each
    reply of an episode, before the observation is made, to :meth:`after_replies`; what they are, to :meth:`note_wrapper`.

    Args:
        task: the engine (the registered ids fill this in).
        encoder: text encoder of the long-term memory and of FILTER: ``"minilm"``, ``"hash"``,
            ``"sentence-transformers:NAME"``, the URL of an embeddings endpoint, a callable, or an Encoder.
        memory: the long-term memory: our own store by default, or a :class:`agemem_gym.memory.Memory`, what makes one, or its
            ``"module:Class"``.
        index: of our own store, ``"chroma"`` or ``"exact"``; both give the same results.
        chroma_path, chroma_url, collection, chroma_existing, chroma_timeout: where Chroma keeps the vectors; see
            :func:`agemem_gym.memory.make_memory`.
        tools: names of tools and Tool objects, or the name of a set (``"pointer"``); the paper's six by default.
        token_budget: `T_max`, tokens that the context may hold.
        token_counter: ``"encoder"``, ``"words"``, ``"hf:NAME"``, or a callable from text to int.
        max_rounds: `N_max`, replies allowed in an episode; by default twice the task's moves and 20 more.
        keep_memory: carry the long-term memory over from episode to episode.
        on_overflow: what happens when the context grows over its budget: ``"penalise"``, nothing but `P_overflow` (the
            paper); ``"drop_oldest"``, the oldest messages leave and a message that alone is too long is cut; ``"end"``. The
            system message and the task never leave: where they alone do not fit, the episode ends.
        filter_threshold: θ of FILTER (eq. 15).
        filter_mode: what FILTER's criteria describe: ``"remove"``, as in the paper, or ``"keep"``.
        dialects: how replies may be written: ``"all"``, ``"strict"`` (to the letter), or names of
            :data:`agemem_gym.protocol.DIALECTS`.
        prompt_style: how the system message shows reply format and tools: ``"full"`` or ``"compact"``.
        system_prompt: makes the system message instead, see :func:`agemem_gym.protocol.make_prompt`.
        summariser: ``"extractive"``, a chat model or its URL, or a callable from messages to text (eq. 14); see
            :func:`agemem_gym.summariser.make_summariser`.
        reward: ``"task"``, ``"composite"``, ``"answer_only"``, or a :class:`agemem_gym.reward.Reward`.
        reward_options: keywords of Reward for the named ones, e.g. ``{"weights": (1, 1, 1)}``.
        judge: ``"offline"``, a chat model in any form that :func:`agemem_gym.chat.make_chat_model` takes (the URL of an
            endpoint, a callable from chat messages to text), or a :class:`agemem_gym.reward.Judge`.
        judge_options: keywords of the judge, e.g. ``{"timeout": 30, "attempts": 5, "max_tokens": 2048}``; see
            :func:`agemem_gym.reward.make_judge`.
        info_admissible: put the admissible commands into ``info["admissible"]``; can be slow.
        info_expert: put the expert's next reply into ``info["expert"]`` and the gold facts into ``info["key_facts"]``; can be
            slow.
        render_mode: ``"ansi"`` (the context as text) or ``"human"`` (prints each step).

    Attributes:
        task, context, memory, tools, encoder, reward, judge: the parts.
        stage, task_stage: who answers now; the task's own.
        standing: where the task stood after the last reply.
        recorder: writes the record.
        tokens_so_far: of all prompts, and of all replies.
        clock: logical time of the memory when the episode began.
        parts, made_by: what the env was made of, and by which maker, for copies and records.

    Observation: the whole context as one text (:class:`~agemem_gym.spaces.TextSpace`, at most 262,144 characters; of a
    longer one the end). Action: the reply, see :mod:`agemem_gym.protocol`.

    ``reset(options=…)`` takes ``keep_memory: bool`` (as the keyword, for this episode) and what the task takes, such as
    ``task_index: int``.

    ``terminated``: the task is solved, failed for good, or answered. ``truncated``: the task's move limit or `N_max` is
    reached, the context overflowed with ``on_overflow="end"``, or the engine failed. Whatever else fails in the midst of a
    step (a tool, an encoder, an index, a summariser, a judge) counts as the engine: the call that failed changes nothing,
    and the episode ends.

    Keys of ``info``:

    =================  ==================================================================================================
    messages           the context as chat messages, ``[{"role", "content"}, …]``; read-only, see ``ChatMessage``
    context            the same as :class:`~agemem_gym.context.Message`: with id, kind, tokens, …
    observation        only what is new since the reply
    stage              1, 2 or 3 (3 without a curriculum)
    step, moves        replies so far; commands of them that went to the engine
    token_usage        ``context`` (tokens now), ``budget``, ``prompt`` (sum over all replies), ``reply`` (likewise)
    tool_results       what the calls of this reply came to: ``[{"name", "arguments", "ok", "text", "data", "call_id"}, …]``
    format_error       name of the format error of this reply, or None
    dialect            how this reply was written, see :data:`agemem_gym.protocol.DIALECTS`; empty where to the letter
    valid              the engine understood this reply's command (True where there was none)
    progress, success  of the task, so far
    metrics            the task's further numbers by name
    task_id, seed      which task this is; the id is empty in stages that hide the task
    ended_by           ``"task"``, ``"moves"``, ``"rounds"``, ``"overflow"`` or ``"engine"``, at the end
    instruction        the query (at reset; behind a curriculum, when stage 3 begins)
    benchmark          name of the task's room, e.g. ``"babyai"`` (at reset)
    commands           what the engine understands, in words (at reset)
    tools              schemas of the tools in OpenAI function form (at reset)
    limits             ``moves`` and ``rounds`` (at reset)
    record             facts for a result row: engine version, level, … (with the instruction)
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
        memory: MemorySpec = None,
        index: str = "chroma",
        chroma_path: str | None = None,
        chroma_url: str | None = None,
        collection: str | None = None,
        chroma_existing: Literal["refuse", "wipe"] = "refuse",
        chroma_timeout: float = 30.0,
        tools: str | Sequence[str | Tool] | None = None,
        token_budget: int = 8192,
        token_counter: str | Callable[[str], int] = "encoder",
        max_rounds: int | None = None,
        keep_memory: bool = False,
        on_overflow: OnOverflow = "penalise",
        filter_threshold: float = 0.6,
        filter_mode: FilterMode = "remove",
        dialects: str | Sequence[str] = "all",
        prompt_style: str = "full",
        system_prompt: PromptMaker | None = None,
        summariser: str | Summariser | ChatModel | ChatCallable = "extractive",
        reward: str | Reward = "task",
        reward_options: Mapping[str, Any] | None = None,
        judge: str | Judge | ChatModel | ChatCallable = "offline",
        judge_options: Mapping[str, Any] | None = None,
        info_admissible: bool = False,
        info_expert: bool = False,
        render_mode: str | None = None,
    ) -> None:
        at_least("token_budget", token_budget)
        if max_rounds is not None:
            at_least("max_rounds", max_rounds)
        within("filter_threshold", filter_threshold, -1, 1, "a cosine similarity")
        one_of("render_mode", render_mode, [None, *self.metadata["render_modes"]])
        for name, value in (
            ("keep_memory", keep_memory),
            ("info_admissible", info_admissible),
            ("info_expert", info_expert),
        ):
            flag(name, value)
        one_of("on_overflow", on_overflow, get_args(OnOverflow))
        self.task = task
        self.render_mode = render_mode
        self.encoder = make_encoder(encoder)
        self.tools = make_tools(tools, filter_mode)
        self.dialects = make_dialects(dialects)
        self._prompt = make_prompt(prompt_style if system_prompt is None else system_prompt)
        self.reward = make_reward(reward, reward_options)
        self.judge = make_judge(judge, self.encoder, judge_options)
        self.summariser = make_summariser(summariser)
        self.filter_threshold = filter_threshold
        self.context = Context(
            token_budget, make_token_counter(token_counter, self.encoder), self.tools.points_at_messages
        )
        self.recorder = Recorder(self.context)
        self.memory = make_memory(
            memory,
            self.encoder,
            index=index,
            chroma_path=chroma_path,
            chroma_url=chroma_url,
            collection=collection,
            chroma_existing=chroma_existing,
            chroma_timeout=chroma_timeout,
        )
        self._max_rounds = max_rounds
        self._keep_memory = keep_memory
        self._on_overflow = on_overflow
        self.info_admissible = info_admissible
        self.info_expert = info_expert
        self._opener: Opener | None = None
        self._hooks: list[Callable[[Reply], None]] = []
        self.parts: branching.Parts | None = None
        self.tokens_so_far: tuple[int, int] = (0, 0)
        self.made_by: tuple[str, Mapping[str, Any]] = (type(task).__name__, {})
        self.stage: Stage
        self.task_stage: TaskStage
        self.observation_space = TextSpace(MAX_OBSERVATION_CHARACTERS)
        self.action_space = TextSpace(MAX_REPLY_CHARACTERS)

    # ---------------------------------------------------------------------------------------------- Gymnasium's verbs

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Start an episode; see the class for `options`. The same seed is the same episode, whatever came before."""
        self.recorder.forget()  # if this fails there is no episode, rather than the old one over a new world
        opener, self._opener, self._hooks = self._opener, None, []
        super().reset(seed=seed)
        try:
            self._start(seed, dict(options or {}), opener)
        except BaseException:
            self.recorder.forget()
            raise
        self._show("\n\n".join(message.content for message in self.context if message.kind != "system"))
        return self._observe(), step_info(self, self.opening_text()) | start_info(self)

    def step(self, action: str | Reply) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Carry out one reply, as text or parsed. Any string is taken; a malformed one costs a step and is complained of."""
        reply, text = self._read(action)
        episode = self.episode
        if episode.over:
            raise ResetNeeded("The episode is over: call reset() before step().")
        self.recorder.number = len(episode.steps) + 1
        self.memory.now = self.clock + self.recorder.number
        stage, prompt_tokens = self.stage.number, self.context.tokens
        hidden = self.stage.hides_task
        said = self.say("assistant", text, kind="reply")
        results: list[ToolResult] = []
        outcome = self._carry_out(reply, said, results)
        observation = "\n".join(m.content for m in self.recorder.new_since(said) if m.kind != "summary")
        if not outcome.done:
            self._fit()
        self.standing = outcome
        self.tokens_so_far = (self.tokens_so_far[0] + prompt_tokens, self.tokens_so_far[1] + said.tokens)
        self.recorder.step(
            StepRecord(
                reply=text,
                stage=stage,
                observation=observation,
                prompt_tokens=prompt_tokens,
                reply_tokens=said.tokens,
                context_tokens=self.context.tokens,
                tool_results=tuple(results),
                action=reply.action,
                answer=reply.answer,
                valid=outcome.valid,
                format_error=reply.format_error,
                dialect=reply.dialect,
                progress=outcome.progress,
                success=outcome.success,
                metrics=outcome.metrics,
            )
        )
        reward = self._end_if_over(outcome)
        info = step_info(self, observation, reply, results)
        if hidden and not self.stage.hides_task:
            info |= task_info(self)
        self._show(text + "\n" + observation)
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

    def snapshot(self) -> EnvSnapshot:
        """The present state: LTM, STM, RNG, record, stage, and how to bring the engine here again."""
        return branching.take(self)

    def restore(self, snapshot: EnvSnapshot) -> tuple[str, dict[str, Any]]:
        """Go back to a snapshot, of this env or of another one made with the same keywords; returns ``obs, info``.

        The engine is reset and the snapshot's commands are played again.
        """
        branching.go_back(self, snapshot)
        self._hooks = []
        episode = self.episode
        latest = episode.steps[-1].observation if episode.steps else self.opening_text()
        return self._observe(), step_info(self, latest) | start_info(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> MemoryEnv:
        return branching.Twin.of(self).make()

    def __reduce__(self) -> tuple[Any, ...]:
        twin = branching.Twin.of(self)
        twin.check_picklable()
        return branching.remade, (twin,)

    # ---------------------------------------------------------------------------------------------- for wrappers

    @property
    def episode(self) -> Episode:
        """The record of the present episode."""
        return self.recorder.episode

    def open_with(self, opener: Opener) -> None:
        """Let `opener` make the stages of the episode that the coming ``reset`` starts.

        Raises:
            ConfigurationError: another wrapper has asked for that, too.
        """
        if self._opener not in (None, opener):  # its own of a reset that failed on the way is no other's
            self._opener = None
            raise ConfigurationError("two curricula want to open the same episode: put one ThreeStage round an env")
        self._opener = opener

    def after_replies(self, hook: Callable[[Reply], None]) -> None:
        """Call `hook` after each further reply of this episode; to be asked for after each ``reset`` or ``restore``."""
        self._hooks.append(hook)

    def note_wrapper(self, wrapper: gym.Wrapper[Any, Any, Any, Any], settings: Mapping[str, Any]) -> None:
        """Write into the record what stands round the env, with the settings that are in force in this episode.

        A wrapper that calls this has a method ``apply_settings(settings)``, so that a replay can bring them back.
        """
        self.episode.wrappers.append(note_of(wrapper, settings))

    def say(self, role: Role, content: str, *, kind: str, protected: bool = False, at: int | None = None) -> Message:
        """Put a message into the context, at its end or before position `at`; how stages and wrappers speak."""
        return self.context.append(role, content, kind=kind, protected=protected, at=at)

    def distract(self, text: str, source: str, similarity: float | None, *, at: int | None = None) -> Message:
        """Say a distractor, and note in the record where it came from and how near to the query it is."""
        message = self.say("user", text, kind="distractor", at=at)
        self.episode.distractors.append({"message_id": message.id, "source": source, "similarity": similarity})
        return message

    def clear_context(self, by: str, *, keep: Callable[[Message], bool]) -> None:
        """Clear the context of all but what `keep` names; `by` stands in the record."""
        with self.recorder.acting(by):
            self.context.clear(keep=keep)

    def view(self, observation: str = "") -> tuple[str, dict[str, Any]]:
        """``obs, info`` as they are now, with `observation` as what is new; for wrappers that have spoken after a reset."""
        return self._observe(), step_info(self, observation)

    def opening_text(self) -> str:
        """What has been said since the reset, system and task messages apart."""
        told = (m for m in self.context if m.kind not in ("system", "task"))
        return "\n\n".join(message.content for message in told)

    # ---------------------------------------------------------------------------------------------- the parts of a step

    def _start(self, seed: int | None, options: dict[str, Any], opener: Opener | None) -> None:
        """Reset the task, begin the record, and let the first stage speak."""
        keep_memory = bool(options.pop("keep_memory", self._keep_memory))
        task_seed = int(seed) if seed is not None else int(self.np_random.integers(_TASK_SEEDS))
        start = self.task.reset(task_seed, options)
        if not keep_memory:
            self.memory.clear()
        self._begin(start, task_seed, options, keep_memory)
        opening = opener(self) if opener else Opening(self.task_stage)
        self.stage = opening.stage
        self.episode.max_rounds += opening.rounds
        self.episode.curriculum |= plain(opening.curriculum)
        system = self._prompt(self.tools.schemas(), self.context.token_budget, start.commands)
        self.say("system", system, kind="system", protected=True)
        self.stage.begin()
        self._fit()

    def _begin(self, start: TaskStart, seed: int, options: dict[str, Any], keep_memory: bool) -> None:
        self.context.reset()
        self.clock = self.memory.now
        self.tokens_so_far = (0, 0)
        self.task_stage = TaskStage(self.task, start, self.say)
        self.standing = TaskStep(start.observation, start.progress, False, False)
        self.recorder.begin(
            Episode(
                env_id=self.spec.id if self.spec else self.made_by[0],
                env_kwargs=plain(self.spec.kwargs if self.spec else self.made_by[1]),
                seed=seed,
                options=plain(options),
                start=start,
                token_budget=self.context.token_budget,
                max_rounds=self._max_rounds or 2 * start.max_moves + 20,
                metric=self.task.metric,
                keep_memory=keep_memory,
                initial_memory=plain(list(self.memory)),
                reward_settings=plain(self.reward),
                versions=installed_versions(),
            )
        )

    def _read(self, action: str | Reply) -> tuple[Reply, str]:
        """The reply, and its text as it goes into context and record."""
        if isinstance(action, Reply):
            return fitted(action, self.tools, self.dialects), reply_text(action)
        if not isinstance(action, str):
            raise TypeError(f"a reply is a str or a Reply, not {type(action).__name__}: {action!r:.100}")
        text = encodable(action)
        commands = self.episode.start.takes_commands
        return parse(text, dialects=self.dialects, commands=commands, tools=self.tools), bounded(text)

    def _carry_out(self, reply: Reply, said: Message, results: list[ToolResult]) -> TaskStep:
        """Do what the reply says, part by part; a part that fails is undone and ends the episode.

        Returns where the task stands; what the calls came to is added to `results`.
        """
        outcome = replace(self.standing, observation="", valid=True)
        mark = self.recorder.mark()
        try:
            if reply.format_error is not None:
                self.say("user", reply.complaint(), kind="complaint")
            for call in reply.tool_calls:
                mark = self.recorder.mark()
                results.append(self._call(call, said))
            mark = self.recorder.mark()
            if reply.action is not None or reply.answer is not None:
                stage = self.stage
                outcome = stage.answer(reply.answer) if reply.answer is not None else stage.act(reply.action or "")
                if outcome.observation:
                    self.say("user", outcome.observation, kind="observation")
            mark = self.recorder.mark()
            if not outcome.done:
                self._go_on(reply)
        except Exception as error:  # a user's tool, encoder, server … may raise anything; nothing is to be lost by it
            self.recorder.roll_back(mark)
            self.say("user", _FAILED, kind="observation")
            self._fail(error)
            if isinstance(error, (ConfigurationError, MissingDependencyError)):
                self.episode.truncated = True
                raise
        return outcome

    def _go_on(self, reply: Reply) -> None:
        """What follows a reply: the stage's word, or the next stage's; then the wrappers'."""
        following = self.stage.after(reply)
        if following is not None:
            self.stage = following
            following.begin()
        for hook in self._hooks:
            hook(reply)

    def _call(self, call: ToolCall, said: Message) -> ToolResult:
        """Carry out one tool call and put its result into the context."""
        scene = Scene(
            context=self.context,
            memory=self.memory,
            similarity=self._similarity,
            summariser=self.summariser,
            filter_threshold=self.filter_threshold,
            reply_id=said.id,
            step=self.memory.now,
            stage=self.stage.number,
        )
        mark = self.recorder.mark()
        with self.recorder.acting(call.name):
            result = self.tools.call(call.name, call.arguments, scene, call.id)
        if not result.ok and self.recorder.mark() != mark:
            self.recorder.roll_back(mark)  # a user's tool that refuses when it has begun
        self.say("tool", f"{call.name[:100]}: {result.text}", kind="tool_result")
        return result

    def _fail(self, error: Exception) -> None:
        """The episode is to end with this error."""
        text = str(error) if isinstance(error, EngineError) else f"{type(error).__name__}: {error}"
        self.episode.engine_error = text
        if not isinstance(error, EngineError):
            _log.warning("%s of %s ends with an error", "a step", self.episode.env_id, exc_info=error)

    def _fit(self) -> None:
        """With ``on_overflow="drop_oldest"``: make the context fit its budget."""
        if self._on_overflow == "drop_oldest" and self.context.overflowed:
            with self.recorder.acting("overflow"):
                self.context.fit()

    def _end_if_over(self, outcome: TaskStep) -> float:
        """Set terminated and truncated; at the end, give the return."""
        episode = self.episode
        episode.terminated = outcome.done and episode.engine_error is None
        episode.ended_by = self._ended_by(outcome)
        episode.truncated = bool(episode.ended_by) and not episode.terminated
        if not episode.over:
            return 0.0
        try:
            episode.final_memory = plain(list(self.memory))
            episode.reward_terms = self.reward.terms(episode, self.task.metric, self.judge)
        except Exception as error:  # a user's judge or memory; the episode is kept, without a return
            self._fail(error)
            episode.reward_terms = {}
        episode.judge, episode.judge_fallbacks = self.judge.name, list(self.judge.take_fallbacks())
        episode.reward = episode.reward_terms.get("total", 0.0)
        return episode.reward

    def _ended_by(self, outcome: TaskStep) -> str:
        """What ends the episode now; empty if nothing does."""
        episode = self.episode
        causes = {
            "engine": episode.engine_error is not None,
            "task": outcome.done,
            "moves": len(self.task_stage.commands) >= episode.start.max_moves,
            "rounds": len(episode.steps) >= episode.max_rounds,
            "overflow": self._on_overflow != "penalise" and self.context.overflowed,
        }
        return next((name for name, is_so in causes.items() if is_so), "")

    def _similarity(self, text: str, others: Sequence[str]) -> np.ndarray:
        return similarities(self.encoder, text, others)

    def _observe(self) -> str:
        return self.context.render(MAX_OBSERVATION_CHARACTERS)

    def _show(self, text: str) -> None:
        if self.render_mode == "human":
            print_step(self.episode, text, "" if self.stage.hides_task else self.episode.start.task_id)
