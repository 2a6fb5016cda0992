"""Distractors among the observations of any env, at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils import RecordConstructorArgs

from agemem_gym.checks import did_you_mean
from agemem_gym.curriculum.distractors import Distractor, DistractorScene, DistractorSource, make_source
from agemem_gym.env import MemoryEnv
from agemem_gym.errors import ConfigurationError
from agemem_gym.protocol import Reply

POSITIONS = ("end", "start", "random")
_SEED_TAG = 0xD157
_SETTINGS = ("source", "rate", "position", "similarity")
_STOCK = 16  # distractors drawn for an episode; then they come again from the first


@dataclass(frozen=True)
class InjectionSnapshot:
    """What :meth:`DistractorInjection.restore` needs: plain data that can be pickled."""

    env: Any
    rng: dict[str, Any]
    stock: tuple[Distractor, ...]
    injected: int


class DistractorInjection(gym.Wrapper[str, str, str, str], RecordConstructorArgs):
    """After each reply, with probability `rate`, a distractor comes into the context.

    Args:
        env: a :class:`~agemem_gym.env.MemoryEnv`, or wrappers round one.
        source: a name, a list of names, or a source; see :mod:`agemem_gym.curriculum.distractors`.
        rate: probability in [0, 1] for each reply.
        position: where in the context: ``"end"`` as the newest message, ``"start"`` right behind the system message and the
            task, ``"random"`` anywhere behind these.
        similarity: range of cosine similarity to the query, or None.

    ``info["distractors"]`` lists what came with this reply: ``[{"text", "source", "similarity", "corrected_by"}, …]``; it is
    empty in stages that hide the task. A stale fact and its correction come one after the other. All settings may be changed
    between episodes by assignment.

    Raises:
        ConfigurationError: a setting that cannot be used.

    Example:
        >>> import agemem_gym, gymnasium
        >>> env = gymnasium.make("AgeMem-BabyAI-v0", encoder="hash", index="exact")
        >>> env = DistractorInjection(env, source="chat", rate=1.0)
        >>> obs, info = env.reset(seed=0)
        >>> obs, reward, terminated, truncated, info = env.step("turn left")
        >>> [distractor["source"] for distractor in info["distractors"]]
        ['chat']
        >>> info["messages"][-1]["content"] == info["distractors"][0]["text"]
        True
        >>> env.close()

    Version history: v0, the first.
    """

    def __init__(
        self,
        env: gym.Env[str, str],
        source: str | Sequence[str] | DistractorSource = "benchmark",
        rate: float = 0.2,
        position: str = "end",
        similarity: tuple[float, float] | None = None,
    ) -> None:
        settings = {"source": source, "rate": rate, "position": position, "similarity": similarity}
        RecordConstructorArgs.__init__(self, _disable_deepcopy=True, **settings)
        gym.Wrapper.__init__(self, env)
        if not isinstance(env.unwrapped, MemoryEnv):
            raise ConfigurationError(
                f"DistractorInjection goes round a MemoryEnv, not round {type(env.unwrapped).__name__}"
            )
        self._base: MemoryEnv = env.unwrapped
        self.source, self.rate, self.position, self.similarity = source, rate, position, similarity
        self._check()
        self._rng = np.random.default_rng(0)
        self._stock: tuple[Distractor, ...] | None = None
        self._injected = 0
        self._now: list[Distractor] = []

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Start an episode; the distractors are seeded by it."""
        self._check()
        obs, info = self.env.reset(seed=seed, options=options)
        base = self._base
        self._rng = np.random.default_rng([base.episode.seed, _SEED_TAG])
        self._stock, self._injected, self._now = None, 0, []
        base.note_wrapper(self, {name: getattr(self, name) for name in _SETTINGS})
        base.after_replies(self._after_reply)
        return obs, self._added(info)

    def apply_settings(self, settings: Mapping[str, Any]) -> None:
        """Set what :meth:`MemoryEnv.note_wrapper <agemem_gym.env.MemoryEnv.note_wrapper>` wrote down."""
        for name in _SETTINGS:
            setattr(self, name, settings[name])
        self._check()

    def step(self, action: Any) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Carry out one reply; a distractor may come with what it brings about."""
        self._now = []
        obs, reward, terminated, truncated, info = self.env.step(action)
        return obs, float(reward), terminated, truncated, self._added(info)

    def snapshot(self) -> InjectionSnapshot:
        """The present state, that of the wrappers beneath included."""
        inner = self.env.get_wrapper_attr("snapshot")()
        return InjectionSnapshot(inner, dict(self._rng.bit_generator.state), self._drawn(), self._injected)

    def restore(self, snapshot: InjectionSnapshot) -> tuple[str, dict[str, Any]]:
        """Go back to a snapshot, of this env or of another one made with the same keywords; returns ``obs, info``."""
        obs, info = self.env.get_wrapper_attr("restore")(snapshot.env)
        self._rng.bit_generator.state = dict(snapshot.rng)
        self._stock, self._injected, self._now = snapshot.stock, snapshot.injected, []
        self._base.after_replies(self._after_reply)
        return obs, self._added(info)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self._base.recorder.recording:  # a copy speaks into its own env
            self._base.after_replies(self._after_reply)

    # ------------------------------------------------------------------------------------------------- the parts

    def _after_reply(self, reply: Reply) -> None:
        if self.rate == 0.0 or self._rng.random() >= self.rate:
            return
        stock = self._drawn()
        if not stock:
            return
        distractor = stock[self._injected % len(stock)]
        self._injected += 1
        self._now.append(distractor)
        for text in (distractor.text, distractor.corrected_by):
            if text is not None:
                self._base.distract(text, distractor.source, distractor.similarity, at=self._place())

    def _added(self, info: dict[str, Any]) -> dict[str, Any]:
        """`info` with what came; not where the task is hidden: to know what distracts from it is to know of it."""
        return info | {"distractors": [] if self._base.stage.hides_task else [asdict(d) for d in self._now]}

    def _place(self) -> int | None:
        """Where the message goes; never before the system message, the task, or the reply it comes after."""
        if self.position == "end":
            return None
        messages = list(self._base.context)
        first = max((i for i, message in enumerate(messages) if message.protected), default=-1) + 1
        return first if self.position == "start" else int(self._rng.integers(first, len(messages) + 1))

    def _drawn(self) -> tuple[Distractor, ...]:
        """The episode's distractors, drawn when the first one is needed, from a generator of their own."""
        if self._stock is None:
            episode = self._base.episode
            rng = np.random.default_rng([episode.seed, _SEED_TAG, 1])
            task, start = self._base.task, episode.start
            scene = DistractorScene(
                query=start.instruction,
                key_facts=start.key_facts,
                answer=start.answer,
                background=(),
                pool=tuple(task.distractor_pool(rng)),
                seed=episode.seed,
            )
            source = make_source(self.source, self._base.encoder, self.similarity)
            self._stock = tuple(source.draw(scene, min(_STOCK, episode.max_rounds), rng))
        return self._stock

    def _check(self) -> None:
        if isinstance(self.rate, bool) or not isinstance(self.rate, (int, float)) or not 0.0 <= self.rate <= 1.0:
            raise ConfigurationError(f"rate={self.rate!r}: expected a probability in [0, 1]")
        if self.position not in POSITIONS:
            raise ConfigurationError(
                f"position={self.position!r}: expected one of {', '.join(POSITIONS)}{did_you_mean(self.position, POSITIONS)}"
            )
        make_source(self.source, self._base.encoder, self.similarity)
