"""The policy as an agent of a rollout, which keeps what it was asked and what it drew as token ids.

Nothing that is learned from is ever made of text again: a reply's tokens are those that were sampled, and the prompt's are
those that the model was given.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256

import numpy as np

from agemem_gym.agent import Act, LiveTurn
from agemem_gym.baselines.agents.language_model import LanguageModelAgent
from agemem_gym.baselines.grpo.rows import Ids
from agemem_gym.chat import Completion, Sampling
from agemem_gym.chat.local.model import LocalModel
from agemem_gym.errors import AgeMemError


class OutgrownError(AgeMemError):
    """A prompt leaves no room for a reply in the model's window: the episode has outgrown its slot."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """One reply.

    Attributes:
        prompt: token ids that it was drawn after.
        ids: its own, the ending one among them.
        logprobs: of each, in what it was drawn from.
        step, stage: replies before it; of the curriculum.
    """

    prompt: Ids
    ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    step: int
    stage: int


class Sampler(LanguageModelAgent):
    """Plays with a model that is in memory.

    Each token's draw is a function of seed, iteration, task, number in the group, step and token, whatever else is played. The
    env's context ends an episode (``on_overflow="end"``) that outgrows what the window has room for beside a reply.

    Args:
        model: which model; its engine's slots are as many replies as are written at a time.
        temperature: of the draws.
        max_tokens: the longest reply.
        seed: of the draws.

    Attributes:
        drawn: replies in order, by the number of their job.
        outgrown: jobs whose prompt alone filled the window.
        seconds: spent on prompts and replies since :meth:`begin`.
    """

    def __init__(self, model: LocalModel, *, temperature: float, max_tokens: int, seed: int) -> None:
        super().__init__(model, temperature=temperature, max_tokens=max_tokens, on_overflow="end")
        self._draws = seed
        self.begin(0)

    def begin(self, iteration: int) -> None:
        """From now on draws are those of this iteration; what was drawn before is let go."""
        self._iteration = iteration
        self.drawn: dict[int, list[Drawn]] = {}
        self.outgrown: set[int] = set()
        self.seconds = 0.0
        self._depth = 0

    def notice(self, turn: LiveTurn) -> None:
        """Ask for a reply, and keep it when it is there."""
        before = self._asked.get(turn.key)
        started = self._enter()
        super().notice(turn)
        self._leave(started)
        asked = self._asked[turn.key]
        if asked is not before:
            asked[1].add_done_callback(partial(self._keep, turn))

    def act_batch(self, turns: Sequence[LiveTurn]) -> Mapping[int, Act | Exception]:
        """The replies that are there; an error for an episode that has outgrown its slot."""
        started = self._enter()
        replies = dict(super().act_batch(turns))
        self._leave(started)
        for turn in turns:
            if turn.slot in replies and turn.job.number in self.outgrown:
                replies[turn.slot] = OutgrownError(
                    "the prompt leaves no room for a reply in the model's window: give a larger window= or fewer max_tokens="
                )
        return replies

    def _sampling_of(self, turn: LiveTurn) -> Sampling:
        job = turn.job
        named = f"{self._draws} {self._iteration} {job.env_id} {job.seed} {job.sample} {turn.info['step']}"
        return replace(self._sampling, seed=int.from_bytes(sha256(named.encode()).digest()[:8], "big"))

    def _keep(self, turn: LiveTurn, future: Future[Completion]) -> None:
        if future.cancelled() or future.exception() is not None:
            return
        found = future.result()
        if not found.token_ids:
            self.outgrown.add(turn.job.number)
            return
        assert found.prompt_ids is not None
        assert found.sampled_logprobs is not None
        self.drawn.setdefault(turn.job.number, []).append(
            Drawn(
                np.asarray(found.prompt_ids, np.int64),
                tuple(found.token_ids),
                tuple(found.sampled_logprobs),
                int(turn.info["step"]),
                int(turn.info["stage"]),
            )
        )

    def _enter(self) -> float:
        self._depth += 1
        return time.perf_counter()

    def _leave(self, started: float) -> None:
        self._depth -= 1
        if not self._depth:  # a turn that is noticed while others are waited for counts once
            self.seconds += time.perf_counter() - started
