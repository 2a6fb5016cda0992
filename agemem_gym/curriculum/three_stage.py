"""The three stages of AgeMem as one Gymnasium wrapper (arXiv:2601.01885, sec. 3.3, algorithms 1-5).

::

    stage 1   casual talk, a message at a time; beside each stand the top-k entries that memory holds on it   (alg. 3)
              ── the context is cleared, long-term memory stays ──
    stage 2   distractors, a message at a time                                                                 (alg. 4)
              ── the context stays ──
    stage 3   the query and the task itself; the return is given at its end                                    (alg. 5)

A message's turn ends with an ``<answer>``, or after `turns` replies; tool calls are carried out as always. The wrapper makes
the plan of an episode; :class:`~agemem_gym.curriculum.talk.Talk` is the stage that carries it out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils import RecordConstructorArgs

from agemem_gym.checks import did_you_mean
from agemem_gym.curriculum.distractors import Distractor, DistractorScene, DistractorSource, make_source
from agemem_gym.curriculum.talk import ORDERS, Talk, Turn
from agemem_gym.env import EnvSnapshot, MemoryEnv
from agemem_gym.errors import ConfigurationError
from agemem_gym.facts import compare
from agemem_gym.stage import Opening

_SEED_TAG = 0x57A6E
_SETTINGS = ("n1", "n2", "turns", "top_k", "source", "similarity", "order")


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

    Until stage 3 the query is shown nowhere: not in the context, not in ``info``, not on the screen. ``info["stage"]`` is the
    stage of the message that waits for a reply, ``info["turn"]`` its number, from 1, and ``info["turns"]`` how many there
    are; in stage 3 both are equal. All settings may be changed between episodes by assignment
    (:class:`~.schedule.CurriculumSchedule` does).

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
        settings: dict[str, Any] = {"n1": n1, "n2": n2, "turns": turns, "top_k": top_k, "source": source}
        settings |= {"similarity": similarity, "order": order}
        RecordConstructorArgs.__init__(self, _disable_deepcopy=True, **settings)
        gym.Wrapper.__init__(self, env)
        if not isinstance(env.unwrapped, MemoryEnv):
            raise ConfigurationError(f"ThreeStage goes round a MemoryEnv, not round {type(env.unwrapped).__name__}")
        self._base: MemoryEnv = env.unwrapped
        self.n1, self.n2, self.turns, self.top_k = n1, n2, turns, top_k
        self.source, self.similarity, self.order = source, similarity, order
        self._check()

    # ---------------------------------------------------------------------------------------------- Gymnasium's verbs

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Start an episode with its first stage."""
        self._check()
        self._base.open_with(self._open)
        obs, info = self.env.reset(seed=seed, options=options)
        self._base.note_wrapper(self, {name: getattr(self, name) for name in _SETTINGS})
        return obs, info

    def apply_settings(self, settings: Mapping[str, Any]) -> None:
        """Set what :meth:`MemoryEnv.note_wrapper <agemem_gym.env.MemoryEnv.note_wrapper>` wrote down."""
        for name in _SETTINGS:
            setattr(self, name, settings[name])
        self._check()

    def snapshot(self) -> EnvSnapshot:
        """The present state, the stages' own included."""
        return self.env.get_wrapper_attr("snapshot")()

    def restore(self, snapshot: EnvSnapshot) -> tuple[str, dict[str, Any]]:
        """Go back to a snapshot, of this env or of another one made with the same keywords; returns ``obs, info``."""
        return self.env.get_wrapper_attr("restore")(snapshot)

    # ---------------------------------------------------------------------------------------------- the stages

    def _open(self, env: MemoryEnv) -> Opening:
        """The stages of the episode whose task has just been reset."""
        plan = self._make_plan()
        counts = {f"n{stage}": sum(turn.stage == stage for turn in plan) for stage in (1, 2)}
        sources = ", ".join(sorted({turn.source for turn in plan if turn.stage == 2}))
        settings = {
            **counts,
            "turns": self.turns,
            "top_k": self.top_k,
            "order": self.order,
            "similarity": self.similarity,
            "distractors": sources,
        }
        env.task_stage.turns = len(plan)
        talk = Talk(env, plan, turns=self.turns, top_k=self.top_k, order=self.order)
        return Opening(talk if plan else env.task_stage, self.turns * len(plan), settings)

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

    def _check(self) -> None:
        for name, least in (("n1", 0), ("n2", 0), ("turns", 1), ("top_k", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ConfigurationError(f"{name}={value!r}: expected a whole number of at least {least}")
        if self.order not in ORDERS:
            raise ConfigurationError(
                f"order={self.order!r}: expected one of {', '.join(ORDERS)}{did_you_mean(self.order, ORDERS)}"
            )
        make_source(self.source, self._base.encoder, self.similarity)


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
