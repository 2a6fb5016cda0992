"""Many live episodes, one agent: who is asked when.

::

    jobs ─► slot 0  reset ─► turn ─┐                       ┌─► step ─► turn …
            slot 1  reset ─► turn ─┼─► agent.act_batch ────┤   (each goes on as soon as its reply is there)
            slot 2  reset ─► turn ─┘   some or all of them └─► step ─► over: Played, and the slot takes the next job

Serial play is the case of one slot. An agent without ``act_batch`` is made once for each slot and asked one turn after another.
Envs are stepped one after another, too; those of an agent with ``envs_wait`` each in a thread of its own, because there a
step asks a language model itself, and the questions of all live episodes can be answered together.
What an agent or an env raises ends that one episode with a :class:`Failure`; a wrong configuration ends the rollout.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import gymnasium as gym

from agemem_gym.agent import Act, AgentSpec, LiveTurn, close_agent, env_kwargs_of, is_privileged
from agemem_gym.env import MemoryEnv
from agemem_gym.episode import Episode
from agemem_gym.errors import AgeMemError, ConfigurationError, MissingDependencyError
from agemem_gym.failure import Failure, failure_of
from agemem_gym.jobs import Job
from agemem_gym.protocol import Reply
from agemem_gym.registration import make_memory_env
from agemem_gym.reward import Judge
from agemem_gym.wrappers import note_all

_RAISED = (Exception, SystemExit)  # SystemExit: a user's agent must not end a run of hours with sys.exit()


class EpisodeError(AgeMemError):
    """An episode ended in an error, and it was asked for to stop at the first."""


@dataclass(frozen=True)
class Played:
    """What came of a job.

    Attributes:
        job: the job.
        env_kwargs: the keywords that it was played with, the agent's among them.
        episode: its record, as far as it went; None if it could not be started.
        failure: why it is not whole, or None.
        judge: the env's judge.
        seconds: from making ready to the last reply.
    """

    job: Job
    env_kwargs: Mapping[str, Any]
    episode: Episode | None
    failure: Failure | None = None
    judge: Judge | None = None
    seconds: float = 0.0


class EnvSource(Protocol):
    """Where the slots' envs come from."""

    def take(self, slot: int, job: Job, kwargs: Mapping[str, Any]) -> tuple[gym.Env[str, str], bool]:
        """The env for this slot's next job, and whether it is a fresh one."""

    def drop(self, slot: int) -> None:
        """This slot's env has failed."""

    def close(self) -> None:
        """The rollout is over."""


def rollout(
    agent: AgentSpec | Any,
    jobs: Iterable[Job],
    *,
    slots: int = 1,
    envs: EnvSource | None = None,
    stop_at_error: bool = False,
) -> Iterator[Played]:
    """Play jobs in `slots` live episodes, and yield each as it ends.

    Args:
        agent: an AgentSpec, of which instances are made and closed here, or an instance, which stays the caller's.
        jobs: taken one after another, as slots become free.
        slots: live episodes at a time.
        envs: where envs come from; by default each slot makes its own.
        stop_at_error: raise EpisodeError at the first failure, after yielding it.

    Raises:
        ConfigurationError, MissingDependencyError: an env cannot be made or started as it is configured.
    """
    if slots < 1:
        raise ConfigurationError(f"slots={slots}: expected a whole number of at least 1")
    run = _Rollout(_Players(agent, slots), iter(jobs), slots, envs or _EnvOfEachSlot())
    try:
        for played in run.play():
            yield played
            if stop_at_error and played.failure is not None:
                raise EpisodeError(_told(played))
    finally:
        run.close()


def play_episode(
    env: gym.Env[str, str], agent: Any, seed: int, options: dict[str, Any] | None = None, *, sample: int = 0
) -> Episode:
    """Play one episode of an agent in an env to its end and return its record; what they raise is raised."""
    base = env.unwrapped
    assert isinstance(base, MemoryEnv)
    job = Job(0, env.spec.id if env.spec else type(env).__name__, seed, sample=sample, options=options or {})
    run = _Rollout(_Players(agent, 1), iter([job]), 1, _GivenEnv(env), raises=True)
    (played,) = run.play()
    assert played.episode is not None
    return played.episode


@dataclass
class _Live:
    """A live episode."""

    job: Job
    kwargs: Mapping[str, Any]
    env: gym.Env[str, str]
    started: float
    turn: LiveTurn

    @property
    def base(self) -> MemoryEnv:
        base = self.env.unwrapped
        assert isinstance(base, MemoryEnv)
        return base


@dataclass
class _Rollout:
    """The state of one rollout."""

    players: _Players
    jobs: Iterator[Job]
    slots: int
    envs: EnvSource
    raises: bool = False
    live: dict[int, _Live] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def play(self) -> Iterator[Played]:
        if self.slots > 1 and self.players.envs_wait:
            yield from self._play_in_threads()
            return
        for slot in range(self.slots):
            yield from self._begin(slot)
        while self.live:
            free = []
            for slot, reply in self._ask([live.turn for live in self.live.values()]).items():
                if (played := self._carry_out(slot, partial(_step, self.live[slot], reply))) is not None:
                    free.append(slot)
                    yield played
            for slot in free:  # a reset takes longer than a step: those go first
                yield from self._begin(slot)

    def _play_in_threads(self) -> Iterator[Played]:
        """The same, each env's resets and steps in a thread; the agent is asked here alone."""
        pool = ThreadPoolExecutor(self.slots)
        try:
            resets = {pool.submit(self._begun, slot) for slot in range(self.slots)}
            steps: dict[Future[Any], int] = {}
            while self.live or resets:
                for reset in [reset for reset in resets if reset.done()]:
                    resets.remove(reset)
                    yield from reset.result()
                for step in [step for step in steps if step.done()]:
                    slot = steps.pop(step)
                    if (played := self._carry_out(slot, step.result)) is not None:
                        resets.add(pool.submit(self._begun, slot))
                        yield played
                under_way = set(steps.values())
                turns = [live.turn for slot, live in list(self.live.items()) if slot not in under_way]
                if turns:
                    replies = self._ask(turns)
                    steps |= {pool.submit(_step, self.live[slot], reply): slot for slot, reply in replies.items()}
                elif steps or resets:
                    wait([*steps, *resets], return_when=FIRST_COMPLETED)
        finally:
            pool.shutdown(cancel_futures=True)

    def close(self) -> None:
        try:
            self.envs.close()
        finally:
            self.players.close()

    def _begin(self, slot: int) -> Iterator[Played]:
        """Start the next job in a slot; those that cannot be started are over at once."""
        while (job := self._next_job()) is not None:
            started = time.perf_counter()
            kwargs = {**self.players.env_kwargs(slot), **job.env_kwargs}
            env, fresh = self.envs.take(slot, job, kwargs)
            try:
                obs, info = env.reset(seed=job.seed, options=dict(job.options) or None)
                base = env.unwrapped
                assert isinstance(base, MemoryEnv)
                self._label(base.episode, job, kwargs)
                note_all(env, base.episode)
            except _RAISED as error:
                if self.raises or (fresh and isinstance(error, ConfigurationError | MissingDependencyError)):
                    raise
                self._drop(slot)
                yield Played(job, kwargs, None, failure_of(error, None), seconds=time.perf_counter() - started)
                continue
            live = _Live(job, kwargs, env, started, LiveTurn(slot, job, obs, info | {"sample": job.sample}))
            try:
                self.players.reset(live.turn)
                self.players.notice(live.turn)
            except _RAISED as error:
                yield self._failed(slot, live, error)
                continue
            self.live[slot] = live
            return

    def _begun(self, slot: int) -> list[Played]:
        return list(self._begin(slot))

    def _next_job(self) -> Job | None:
        with self.lock:
            return next(self.jobs, None)

    def _ask(self, turns: Sequence[LiveTurn]) -> dict[int, Any]:
        """The agent's replies by slot; what it raises stands in the place of them."""
        try:
            replies = dict(self.players.act(turns))
            if not replies or not replies.keys() <= {turn.slot for turn in turns}:
                raise RuntimeError(f"act_batch answered slots {sorted(replies)} of {sorted(t.slot for t in turns)}")
            return replies
        except _RAISED as error:
            return {turn.slot: error for turn in turns}

    def _carry_out(self, slot: int, step: Callable[[], tuple[str, bool, dict[str, Any]]]) -> Played | None:
        """Take what a step came to; the episode if it is over."""
        live = self.live[slot]
        try:
            obs, over, info = step()
            live.turn = LiveTurn(slot, live.job, obs, info)
            if not over:
                self.players.notice(live.turn)
        except _RAISED as error:
            del self.live[slot]
            return self._failed(slot, live, error)
        if not over:
            return None
        del self.live[slot]
        return Played(
            live.job, live.kwargs, live.base.episode, None, live.base.judge, time.perf_counter() - live.started
        )

    def _failed(self, slot: int, live: _Live, error: BaseException) -> Played:
        if self.raises:
            raise error
        episode, judge = live.base.episode, live.base.judge
        self._drop(slot)
        return Played(
            live.job, live.kwargs, episode, failure_of(error, episode), judge, time.perf_counter() - live.started
        )

    def _drop(self, slot: int) -> None:
        self.envs.drop(slot)
        self.players.drop(slot)

    def _label(self, episode: Episode, job: Job, kwargs: Mapping[str, Any]) -> None:
        episode.agent = {**self.players.record, "privileged": is_privileged(kwargs)} if self.players.record else {}
        episode.sample = job.sample


def _step(live: _Live, reply: Any) -> tuple[str, bool, dict[str, Any]]:
    """Send a reply to its env: what is seen then, whether the episode is over, and its info."""
    if isinstance(reply, BaseException):
        raise reply
    act = reply if isinstance(reply, Act) else Act(reply)
    obs, _, terminated, truncated, info = live.env.step(_text(act.reply))
    if act.policy is not None:
        live.base.episode.note_policy(act.policy)
    return obs, terminated or truncated, info


class _Players:
    """One agent for all slots, or one for each where it cannot play many episodes at once."""

    def __init__(self, agent: AgentSpec | Any, slots: int) -> None:
        self._spec = agent if isinstance(agent, AgentSpec) else None
        first = agent.make() if isinstance(agent, AgentSpec) else agent
        self._batches = callable(getattr(first, "act_batch", None))
        self.envs_wait = self._batches and bool(getattr(first, "envs_wait", False))
        if slots > 1 and not self._batches and self._spec is None:
            raise ConfigurationError(
                f"slots={slots}: an agent without act_batch plays one episode at a time; give its AgentSpec, so that each slot "
                "can have its own"
            )
        self._of_slot: dict[int, Any] = {0: first}
        self.record: dict[str, Any] = self._spec.record() if self._spec else {}

    def env_kwargs(self, slot: int) -> dict[str, Any]:
        return env_kwargs_of(self._player(slot))

    def reset(self, turn: LiveTurn) -> None:
        if not self._batches:
            self._player(turn.slot).reset(turn.info)

    def notice(self, turn: LiveTurn) -> None:
        if self._batches and callable(notice := getattr(self._player(0), "notice", None)):
            notice(turn)

    def act(self, turns: Sequence[LiveTurn]) -> Mapping[int, Any]:
        if self._batches:
            return self._player(0).act_batch(turns)
        replies: dict[int, Any] = {}
        for turn in turns:
            try:
                replies[turn.slot] = self._player(turn.slot).act(turn.obs, turn.info)
            except _RAISED as error:
                replies[turn.slot] = error
        return replies

    def drop(self, slot: int) -> None:
        """After a failure the next episode gets a fresh agent, if no other episode is in its hands."""
        if self._spec is not None and not self._batches:
            _close_quietly(self._of_slot.pop(slot, None))

    def close(self) -> None:
        if self._spec is not None:
            for player in self._of_slot.values():
                _close_quietly(player)
            self._of_slot = {}

    def _player(self, slot: int) -> Any:
        slot = 0 if self._batches or self._spec is None else slot
        if slot not in self._of_slot:
            assert self._spec is not None
            self._of_slot[slot] = self._spec.make()
        return self._of_slot[slot]


class _EnvOfEachSlot:
    """Each slot makes its own env, and a new one where its next job wants another or its last one failed."""

    def __init__(self) -> None:
        self._envs: dict[int, tuple[tuple[str, Mapping[str, Any]], gym.Env[str, str]]] = {}

    def take(self, slot: int, job: Job, kwargs: Mapping[str, Any]) -> tuple[gym.Env[str, str], bool]:
        wanted = (job.env_id, dict(kwargs))
        if slot in self._envs:
            made, env = self._envs[slot]
            if made == wanted:
                return env, False
            self.drop(slot)
        env = make_memory_env(job.env_id, **kwargs)
        self._envs[slot] = wanted, env
        return env, True

    def drop(self, slot: int) -> None:
        if slot in self._envs:
            _close_quietly(self._envs.pop(slot)[1])

    def close(self) -> None:
        for slot in list(self._envs):
            self.drop(slot)


class _GivenEnv:
    """One env that stays the caller's."""

    def __init__(self, env: gym.Env[str, str]) -> None:
        self._env = env

    def take(self, slot: int, job: Job, kwargs: Mapping[str, Any]) -> tuple[gym.Env[str, str], bool]:
        return self._env, True

    def drop(self, slot: int) -> None:
        pass

    def close(self) -> None:
        pass


def _close_quietly(thing: Any) -> None:
    """Close an env or an agent; one that cannot be closed has still played what it has played."""
    try:
        close_agent(thing)
    except _RAISED as error:
        gym.logger.warn(f"closing {type(thing).__name__} failed: {type(error).__name__}: {error}")


def _text(reply: str | Reply) -> Any:
    if not isinstance(reply, str | Reply):
        raise TypeError(f"an agent replies with a str, a Reply or an Act, not {type(reply).__name__}: {reply!r:.100}")
    return reply


def _told(played: Played) -> str:
    failure = played.failure
    assert failure is not None
    return (
        f"{played.job.env_id}, seed {played.job.seed}: {failure.error} (at {failure.where}, after {failure.step} replies)\n\n"
        f"{failure.traceback}"
    )
