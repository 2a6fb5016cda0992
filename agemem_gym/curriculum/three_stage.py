"""The three stages of AgeMem as one Gymnasium wrapper (arXiv:2601.01885, sec. 3.3, algorithms 1-5).

::

    stage 1   casual talk, a message at a time; beside each stand the top-k entries that memory holds on it   (alg. 3)
              ── the context is cleared, long-term memory stays ──
    stage 2   distractors, a message at a time                                                                 (alg. 4)
              ── the context stays ──
    stage 3   the query and the task itself; the return is given at its end                                    (alg. 5)

A message's turn ends with an ``<answer>``, or after `turns` replies; tool calls are carried out as always.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils import RecordConstructorArgs

from agemem_gym.context import Message
from agemem_gym.curriculum.distractors import Distractor, DistractorScene, DistractorSource, make_source
from agemem_gym.env import EnvSnapshot, MemoryEnv
from agemem_gym.errors import ConfigurationError
from agemem_gym.facts import compare
from agemem_gym.protocol import STAGES_PROMPT, Reply
from agemem_gym.task import TaskStep
from agemem_gym.tools.ltm import format_matches

ORDERS = ("progressive", "reversed", "interleaved", "all_at_once")
"""Orders of the stages: 1, 2, 3; 2, 1, 3; 1 and 2 mixed, then 3; and all in one context that is never cleared."""

_SEED_TAG = 0x57A6E


@dataclass(frozen=True)
class Turn:
    """One message of stage 1 or 2.

    Attributes:
        stage: 1 or 2.
        text: the message.
        source: ``"background"``, or the name of the distractor source.
        similarity: cosine to the query for a distractor, else None.
    """

    stage: int
    text: str
    source: str
    similarity: float | None = None


@dataclass(frozen=True)
class StageSnapshot:
    """What :meth:`ThreeStage.restore` needs: plain data that can be pickled."""

    env: EnvSnapshot
    plan: tuple[Turn, ...]
    position: int
    replies: int


class _Conversation:
    """Answers the agent's actions and answers before the task does."""

    number = 1

    def act(self, command: str) -> TaskStep:
        return TaskStep(
            "There is nothing to act on yet. Call tools, or reply with <answer>…</answer> to go on.",
            0.0,
            False,
            False,
            valid=False,
        )

    def answer(self, text: str) -> TaskStep:
        return TaskStep("", 0.0, False, False)


class ThreeStage(gym.Wrapper[str, str, str, str], RecordConstructorArgs):
    """Puts stage 1 and stage 2 before the task.

    Args:
        env: a :class:`~agemem_gym.env.MemoryEnv`, or wrappers round one.
        n1: messages of stage 1, drawn from the task's ``background()``; those that carry a key fact come first into the choice.
        n2: distractors of stage 2; a stale one is told in stage 1 and corrected in stage 2 (in other orders both in stage 2).
        turns: `N_max`, replies that an agent has for each message.
        top_k: entries of memory put beside each message of stage 1.
        source: where distractors come from: a name, a list of names, or a :class:`~.distractors.DistractorSource`.
        similarity: range of the distractors' cosine similarity to the query, e.g. ``(0.3, 0.7)``, or None.
        order: one of :data:`ORDERS`.

    Until stage 3 the query is shown nowhere: not in the context, and not in ``info``. ``info["stage"]`` is the stage of the
    message that waits for a reply, ``info["turn"]`` its number, from 1, and ``info["turns"]`` how many there are; in stage 3
    both are equal. All settings may be changed between episodes by assignment (:class:`~.schedule.CurriculumSchedule` does).

    Raises:
        ConfigurationError: a setting that cannot be used.

    Example:
        >>> import agemem_gym, gymnasium
        >>> env = gymnasium.make("AgeMem-HotpotQA-ThreeStage-v0", n1=2, n2=1, encoder="hash", index="exact")
        >>> obs, info = env.reset(seed=0)
        >>> stages = [info["stage"]]
        >>> for _ in range(3):
        ...     obs, reward, terminated, truncated, info = env.step("<answer>Noted.</answer>")
        ...     stages.append(info["stage"])
        >>> stages
        [1, 1, 2, 3]
        >>> env.close()

    Version history: v0, the first.
    """

    def __init__(
        self,
        env: gym.Env[str, str],
        n1: int = 12,
        n2: int = 6,
        *,
        turns: int = 3,
        top_k: int = 3,
        source: str | Sequence[str] | DistractorSource = "benchmark",
        similarity: tuple[float, float] | None = None,
        order: str = "progressive",
    ) -> None:
        RecordConstructorArgs.__init__(
            self, n1=n1, n2=n2, turns=turns, top_k=top_k, source=source, similarity=similarity, order=order
        )
        gym.Wrapper.__init__(self, env)
        if not isinstance(env.unwrapped, MemoryEnv):
            raise ConfigurationError(f"ThreeStage goes round a MemoryEnv, not round {type(env.unwrapped).__name__}")
        self._base: MemoryEnv = env.unwrapped
        self.n1, self.n2, self.turns, self.top_k = n1, n2, turns, top_k
        self.source, self.similarity, self.order = source, similarity, order
        self._check()
        self._conversation = _Conversation()
        self._plan: tuple[Turn, ...] = ()
        self._position = self._replies = 0
        self._base.after_reply.append(self._after_reply)

    # ---------------------------------------------------------------------------------------------- Gymnasium's verbs

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Start an episode with its first stage."""
        self._check()
        _, info = self.env.reset(seed=seed, options=options)
        base = self._base
        self._plan = self._make_plan()
        self._position = self._replies = 0
        self._extend_episode()
        base.enter_stage(self._conversation if self._plan else None, keep=_system_only)
        base.say("system", STAGES_PROMPT, kind="system", protected=True)
        newest = len(base.episode.messages)
        if self._plan:
            self._speak()
        else:
            self._pose()
        seen = "\n\n".join(message.content for message in base.episode.messages[newest:])
        start = info | base.start_info()
        obs, info = base.view(seen)
        return obs, self._added(start | info)

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Carry out one reply; the next message follows when its turn is over."""
        before = self._base.stage
        obs, reward, terminated, truncated, info = self.env.step(action)
        if self._base.stage is not before:
            info["instruction"] = self._base.episode.start.instruction
        return obs, float(reward), terminated, truncated, self._added(info)

    # ---------------------------------------------------------------------------------------------- branching

    def snapshot(self) -> StageSnapshot:
        """The present state, the stages' own included."""
        return StageSnapshot(self._base.snapshot(), self._plan, self._position, self._replies)

    def restore(self, snapshot: StageSnapshot) -> tuple[str, dict[str, Any]]:
        """Go back to a snapshot, of this env or of another one made with the same keywords; returns ``obs, info``."""
        base = self._base
        _, restored = base.restore(snapshot.env)
        self._plan, self._position, self._replies = snapshot.plan, snapshot.position, snapshot.replies
        if self._talking:
            self._conversation.number = self._plan[self._position].stage
            base.stage = self._conversation
        obs, info = base.view(restored["observation"])
        return obs, self._added(restored | info)

    # ---------------------------------------------------------------------------------------------- the stages

    @property
    def _talking(self) -> bool:
        return self._position < len(self._plan)

    def _make_plan(self) -> tuple[Turn, ...]:
        """The messages of this episode, in order."""
        base, start = self._base, self._base.episode.start
        rng = np.random.default_rng([base.episode.seed, _SEED_TAG])
        background = base.task.background(rng)
        talk = [Turn(1, line, "background") for line in _choose(background, start.key_facts, self.n1)]
        if self.top_k and talk:
            base.encoder.encode([turn.text for turn in talk])  # one batch into the cache is faster than one by one
        noise = []
        for d in self._distractors(background, rng):
            if d.corrected_by is not None and self.order == "progressive":
                # it was true once: it is told in stage 1, and taken back in stage 2
                talk.insert(int(rng.integers(len(talk) + 1)), Turn(1, d.text, d.source, d.similarity))
            else:
                noise.append(Turn(2, d.text, d.source, d.similarity))
            if d.corrected_by is not None:
                noise.append(Turn(2, d.corrected_by, d.source, d.similarity))
        if self.order in ("interleaved", "all_at_once"):
            mixed = talk + noise
            return tuple(mixed[int(i)] for i in _merge(len(talk), len(noise), rng))
        return tuple(noise + talk) if self.order == "reversed" else tuple(talk + noise)

    def _distractors(self, background: Sequence[str], rng: np.random.Generator) -> list[Distractor]:
        base, start = self._base, self._base.episode.start
        if not self.n2:
            return []
        scene = DistractorScene(
            query=start.instruction,
            key_facts=start.key_facts,
            answer=start.answer,
            background=tuple(background),
            pool=tuple(base.task.distractor_pool(rng)),
            seed=base.episode.seed,
        )
        return make_source(self.source, base.encoder, self.similarity).draw(scene, self.n2, rng)

    def _extend_episode(self) -> None:
        """Give the replies of the stages their room in `N_max`, and write the curriculum into the record."""
        episode = self._base.episode
        episode.max_rounds += self.turns * len(self._plan)
        counts = {f"n{stage}": sum(turn.stage == stage for turn in self._plan) for stage in (1, 2)}
        sources = ", ".join(sorted({turn.source for turn in self._plan if turn.stage == 2}))
        record = {**episode.start.record, **counts, "turns": self.turns, "order": self.order, "distractors": sources}
        episode.start = replace(episode.start, record=record)

    def _speak(self) -> None:
        """Say the message whose turn it is."""
        turn, base = self._plan[self._position], self._base
        self._conversation.number = turn.stage
        if turn.stage == 1:
            base.say("user", turn.text, kind="talk")
        else:
            base.distract(turn.text, turn.source, turn.similarity)
        if turn.stage == 1 and self.top_k and len(base.memory):
            matches = base.memory.search(turn.text, self.top_k)
            base.say("tool", f"Entries of memory near this message:\n{format_matches(matches)}", kind="recall")

    def _after_reply(self, reply: Reply) -> None:
        """Go on to the next message, or to the task, when this message's turn is over."""
        if not self._talking:
            return
        self._replies += 1
        if reply.answer is None and self._replies < self.turns:
            return
        finished = self._plan[self._position].stage
        self._position, self._replies = self._position + 1, 0
        following = self._plan[self._position].stage if self._talking else 3
        if self._clears(finished, following):
            self._base.enter_stage(self._conversation if self._talking else None, keep=_system_only)
        elif not self._talking:
            self._base.enter_stage(None, keep=lambda message: True)
        if self._talking:
            self._speak()
        else:
            self._pose()

    def _clears(self, finished: int, following: int) -> bool:
        """Whether the context is cleared between two messages: when what was to be remembered has all been said."""
        if self.order == "all_at_once":
            return False
        if self.order == "interleaved":
            return following == 3
        return finished == 1 and following != 1

    def _pose(self) -> None:
        """Stage 3: the query, then what the task shows first."""
        start = self._base.episode.start
        self._base.say("user", start.instruction, kind="task", protected=True)
        for text in start.shown:
            self._base.say("user", text, kind="observation")

    def _added(self, info: dict[str, Any]) -> dict[str, Any]:
        """`info` with the turn, and without the query where it is not to be known yet."""
        if self._talking:
            info.pop("instruction", None)
        return info | {"turn": min(self._position + 1, len(self._plan)), "turns": len(self._plan)}

    def _check(self) -> None:
        for name, least in (("n1", 0), ("n2", 0), ("turns", 1), ("top_k", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ConfigurationError(f"{name}={value!r}: expected a whole number of at least {least}")
        if self.order not in ORDERS:
            raise ConfigurationError(f"order={self.order!r}: expected one of {', '.join(ORDERS)}")
        make_source(self.source, self._base.encoder, self.similarity)


def _system_only(message: Message) -> bool:
    return message.kind == "system"


def _choose(lines: Sequence[str], facts: Sequence[str], count: int) -> list[str]:
    """At most `count` of the lines in their order; those that carry a key fact before others."""
    needed = [i for i, line in enumerate(lines) if any(compare(fact, line)[0] for fact in facts)]
    rest = [i for i in range(len(lines)) if i not in set(needed)]
    return [lines[i] for i in sorted((needed + rest)[:count])]


def _merge(first: int, second: int, rng: np.random.Generator) -> list[int]:
    """The numbers below `first + second` in an order that mixes two runs and keeps the order within each."""
    of_first = np.zeros(first + second, dtype=bool)
    of_first[rng.choice(first + second, size=first, replace=False)] = True
    runs = {True: iter(range(first)), False: iter(range(first, first + second))}
    return [next(runs[bool(flag)]) for flag in of_first]
