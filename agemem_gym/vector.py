"""Vector envs that carry text: several envs of one id, stepped together, in this process or in a few others.

:class:`ProcessVectorEnv` stands beside Gymnasium's ``AsyncVectorEnv``, which runs every env in a process of its own. An env
with an encoder, an index and an engine takes hundreds of megabytes, and two envs in one process share most of that; so here
each process runs a share of the envs. (It also heeds a ``reset`` that follows the end of an episode: without shared memory,
``AsyncVectorEnv`` resets such an env a second time, unseeded, instead of taking the next step.)

Each sub-env has its own long-term memory.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection, wait
from typing import Any, Literal

import gymnasium as gym
import numpy as np
from gymnasium.error import AlreadyPendingCallError, ClosedEnvironmentError, InvalidAction, NoAsyncCallError
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.vector.utils import CloudpickleWrapper, batch_space

from agemem_gym.errors import ConfigurationError, EngineError

_SECONDS_TO_CLOSE = 30


def make_vec(
    env_id: str,
    num_envs: int,
    mode: Literal["sync", "async"] = "sync",
    *,
    workers: int | None = None,
    start_method: Literal["fork", "spawn", "forkserver"] | None = None,
    autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
    **kwargs: Any,
) -> VectorEnv:
    """`num_envs` copies of one env.

    Args:
        env_id: e.g. ``"AgeMem-BabyAI-v0"``.
        num_envs: how many, at least 1.
        mode: ``"sync"`` in this process, ``"async"`` in `workers` others.
        workers: processes among which the envs are divided; for ``None`` one per core, and at most one per env. Envs that
            wait for something else, such as a judge behind an endpoint, gain from one each.
        start_method: how processes are started; the platform's default for ``None``.
        autoreset_mode: Gymnasium's; ``AutoresetMode.DISABLED`` leaves resets to the caller.
        kwargs: keywords of ``gym.make``.

    Observations and actions are tuples of `num_envs` strings. A seed of ``reset`` is a list of `num_envs`, or the first of
    them.

    Raises:
        ConfigurationError: naming the keyword that cannot be used.
    """
    if isinstance(num_envs, bool) or not isinstance(num_envs, int) or num_envs < 1:
        raise ConfigurationError(f"num_envs={num_envs!r}: expected a whole number of at least 1")
    autoreset_mode = AutoresetMode(autoreset_mode)
    makers = [partial(_make, env_id, kwargs)] * num_envs
    if mode == "sync":
        if workers is not None:
            raise ConfigurationError(f"workers={workers!r}: only mode='async' has worker processes")
        return TextSyncVectorEnv(makers, autoreset_mode=autoreset_mode)
    if mode == "async":
        if workers is None:
            workers = min(num_envs, os.cpu_count() or 1)
        if isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= num_envs:
            raise ConfigurationError(f"workers={workers!r}: expected a whole number from 1 to num_envs={num_envs}")
        if start_method is not None and start_method not in multiprocessing.get_all_start_methods():
            raise ConfigurationError(
                f"start_method={start_method!r}: expected one of {multiprocessing.get_all_start_methods()}"
            )
        return ProcessVectorEnv(makers, workers, start_method=start_method, autoreset_mode=autoreset_mode)
    raise ConfigurationError(f"mode={mode!r}: expected 'sync' or 'async'")


def _make(env_id: str, kwargs: dict[str, Any]) -> gym.Env:
    return gym.make(env_id, **kwargs)  # in a spawned worker, too: to find this function it imports the package first


def check_actions(actions: Sequence[str], num_envs: int) -> None:
    """One reply for each env, and not one text for all: a text is a sequence, too.

    Raises:
        InvalidAction: it is something else.
    """
    if isinstance(actions, str) or not isinstance(actions, Sequence | np.ndarray):
        raise InvalidAction(f"{actions!r:.80}: expected a tuple or list of {num_envs} replies, one for each env")
    if len(actions) != num_envs:
        raise InvalidAction(f"{len(actions)} replies: expected one for each of {num_envs} envs")


class TextSyncVectorEnv(SyncVectorEnv):
    """Gymnasium's vector env in one process, which takes one reply for each env and nothing else."""

    def step(self, actions: Sequence[str]) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """One step of every env."""
        if self.closed:
            raise ClosedEnvironmentError("step: this vector env is closed")
        check_actions(actions, self.num_envs)
        return super().step(actions)


class ProcessVectorEnv(VectorEnv):
    """Envs whose observations are text, divided among worker processes.

    What it returns is what ``SyncVectorEnv`` returns for the same seeds and actions. An exception of a sub-env is raised here,
    with the worker's traceback as a note; the other envs have taken their step, and all can be reset.

    Args:
        makers: one function per env; all envs have the same spaces.
        workers: how many processes, at most ``len(makers)``.
        start_method: as of ``multiprocessing``.
        autoreset_mode: Gymnasium's.
    """

    def __init__(
        self,
        makers: Sequence[Callable[[], gym.Env]],
        workers: int,
        *,
        start_method: str | None = None,
        autoreset_mode: AutoresetMode = AutoresetMode.NEXT_STEP,
    ) -> None:
        self.num_envs = len(makers)
        self._pipes: list[Connection] = []
        self._processes: list[Any] = []
        self._commands, self._pending = 0, False
        self._lost: EngineError | None = None
        self._observations: list[str] = [""] * self.num_envs
        self._shares = [share.tolist() for share in np.array_split(np.arange(self.num_envs), workers)]
        context: Any = multiprocessing.get_context(start_method)
        for number, share in enumerate(self._shares):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=_serve,
                name=f"agemem-gym worker {number}",
                args=(theirs, {i: CloudpickleWrapper(makers[i]) for i in share}, autoreset_mode),
                daemon=True,
            )
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)
        try:
            described = self._ask("describe", [dict.fromkeys(share, ()) for share in self._shares])[0][0]
        except BaseException:
            self.close()
            raise
        self.metadata = {**described["metadata"], "autoreset_mode": autoreset_mode}
        self.render_mode = described["render_mode"]
        self.single_observation_space, self.single_action_space = described["spaces"]
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[tuple[str, ...], dict[str, Any]]:
        """Begin new episodes.

        Args:
            seed: one per env, or the first of them: ``seed``, ``seed + 1``, …
            options: for each env; ``options["reset_mask"]``, a boolean array, resets some of them only.

        Raises:
            ConfigurationError: as many seeds, and as long a mask, as there are envs.
        """
        if seed is None:
            seed = [None] * self.num_envs
        seeds = [seed + i for i in range(self.num_envs)] if isinstance(seed, int | np.integer) else list(seed)
        if len(seeds) != self.num_envs:
            raise ConfigurationError(f"seed={seed!r}: expected one for each of {self.num_envs} envs, or the first")
        options = dict(options) if options is not None else None
        mask = np.asarray(options.pop("reset_mask") if options and "reset_mask" in options else [True] * self.num_envs)
        if mask.shape != (self.num_envs,) or mask.dtype != np.bool_ or not mask.any():
            raise ConfigurationError(
                f"reset_mask={mask!r}: expected {self.num_envs} booleans of which at least one is true"
            )
        asked = [{i: (seeds[i], options) for i in share if mask[i]} for share in self._shares]
        infos: dict[str, Any] = {}
        for share, results in zip(asked, self._ask("reset", asked), strict=True):
            for i, (observation, info) in zip(share, results, strict=True):
                self._observations[i] = observation
                infos = self._add_info(infos, info, i)
        return tuple(self._observations), infos

    def step(
        self, actions: Sequence[str]
    ) -> tuple[tuple[str, ...], np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """One step of every env; the five arrays and dicts of Gymnasium's vector API."""
        self.step_async(actions)
        return self.step_wait()

    def step_async(self, actions: Sequence[str]) -> None:
        """Begin a step; the caller can work on something else until :meth:`step_wait`."""
        check_actions(actions, self.num_envs)
        self._send("step", [{i: (actions[i],) for i in share} for share in self._shares])
        self._pending = True

    def step_wait(self) -> tuple[tuple[str, ...], np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """What the step that was begun has led to."""
        if not self._pending:
            raise NoAsyncCallError("step_wait: step_async has to come first", "step")
        rewards = np.zeros(self.num_envs)
        terminated, truncated = np.zeros(self.num_envs, dtype=bool), np.zeros(self.num_envs, dtype=bool)
        infos: dict[str, Any] = {}
        for share, results in zip(self._shares, self._receive(), strict=True):
            for i, (*outcome, info) in zip(share, results, strict=True):
                self._observations[i], rewards[i], terminated[i], truncated[i] = outcome
                infos = self._add_info(infos, info, i)
        return tuple(self._observations), rewards, terminated, truncated, infos

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """What a method (or an attribute) of each env gives."""
        asked = [dict.fromkeys(share, (name, args, kwargs)) for share in self._shares]
        return tuple(result for results in self._ask("call", asked) for result in results)

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """An attribute of each env."""
        return self.call(name)

    def set_attr(self, name: str, values: Any) -> None:
        """Set an attribute of each env: a list or tuple holds one value for each, anything else is for all."""
        values = values if isinstance(values, list | tuple) else [values] * self.num_envs
        if len(values) != self.num_envs:
            raise ConfigurationError(f"{len(values)} values: expected one for each of {self.num_envs} envs")
        self._ask("set", [{i: (name, values[i]) for i in share} for share in self._shares])

    def render(self) -> tuple[Any, ...]:
        """Each env's own rendering."""
        return self.call("render")

    def close_extras(self, **kwargs: Any) -> None:
        """Close the envs and end the processes; one that does not answer is terminated."""
        for pipe in self._pipes:
            with suppress(OSError):  # it died
                pipe.send((0, "close", {}))
        for process in self._processes:
            process.join(_SECONDS_TO_CLOSE)
            if process.is_alive():
                process.terminate()
                process.join()
        for pipe in self._pipes:
            pipe.close()

    def __del__(self) -> None:
        if not self.closed and getattr(self, "_pipes", None):
            self.close()

    # ------------------------------------------------------------------------------------------- talk with the workers

    def _ask(self, command: str, asked: Sequence[Mapping[int, tuple[Any, ...]]]) -> list[list[Any]]:
        self._send(command, asked)
        return self._receive()

    def _send(self, command: str, asked: Sequence[Mapping[int, tuple[Any, ...]]]) -> None:
        """Give each worker its part of a command: the arguments for each of its envs."""
        if self.closed:
            raise ClosedEnvironmentError(f"{command}: this vector env is closed")
        if self._lost is not None:
            raise self._lost
        if self._pending:
            raise AlreadyPendingCallError(f"{command}: step_wait has to come first", "step")
        self._commands += 1
        for number, (pipe, part) in enumerate(zip(self._pipes, asked, strict=True)):
            try:
                pipe.send((self._commands, command, part))
            except OSError as error:
                raise self._died(number) from error

    def _receive(self) -> list[list[Any]]:
        """Every worker's results; all are read before the first error among them is raised."""
        self._pending = False
        results, errors = [], []
        for number, pipe in enumerate(self._pipes):
            answered = 0
            while answered != self._commands:  # an interrupt may have left the answer to an earlier command
                try:
                    answered, result, error = pipe.recv()
                except (EOFError, OSError) as lost:
                    raise self._died(number) from lost
            results.append(result)
            errors.append(error)
        for error in errors:
            if error is not None:
                raise error
        return results

    def _died(self, number: int) -> EngineError:
        """The error for a lost worker; the others are ended, since the envs cannot go on together."""
        process = self._processes[number]
        process.join(1)
        self._lost = EngineError(f"{process.name} (envs {self._shares[number]}) died, exit code {process.exitcode}")
        for other in self._processes:
            other.terminate()
        return self._lost


# ------------------------------------------------------------------------------------------------ in a worker process


class _Slot:
    """One env and whether its episode is over; every method is a command."""

    def __init__(self, env: gym.Env, autoreset_mode: AutoresetMode) -> None:
        self._env, self._autoreset_mode = env, autoreset_mode
        self._over = False

    def describe(self) -> dict[str, Any]:
        env = self._env
        spaces = (env.observation_space, env.action_space)
        return {"spaces": spaces, "metadata": dict(env.metadata), "render_mode": env.render_mode}

    def reset(self, seed: int | None, options: dict[str, Any] | None) -> tuple[Any, dict[str, Any]]:
        self._over = False
        return self._env.reset(seed=seed, options=options)

    def step(self, action: str) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        if self._over and self._autoreset_mode is AutoresetMode.DISABLED:
            raise ConfigurationError("the episode of this env is over: reset it, with options={'reset_mask': …}")
        if self._over:
            observation, info = self.reset(None, None)
            return observation, 0.0, False, False, info
        observation, reward, terminated, truncated, info = self._env.step(action)
        self._over = bool(terminated or truncated)
        if self._over and self._autoreset_mode is AutoresetMode.SAME_STEP:
            final = {"final_obs": observation, "final_info": info}
            observation, info = self.reset(None, None)
            info = {**final, **info}
        return observation, float(reward), bool(terminated), bool(truncated), info

    def call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        attribute = self._env.get_wrapper_attr(name)
        return attribute(*args, **kwargs) if callable(attribute) else attribute

    def set(self, name: str, value: Any) -> None:
        self._env.set_wrapper_attr(name, value)

    def close(self) -> None:
        self._env.close()


def _serve(pipe: Connection, makers: Mapping[int, Callable[[], gym.Env]], autoreset_mode: AutoresetMode) -> None:
    """Carry out commands until one is to close, or the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the parent's to handle
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that engines are closed
    parent: Any = multiprocessing.parent_process()
    slots: dict[int, _Slot] = {}
    try:
        while pipe in wait([pipe, parent.sentinel]):
            number, command, part = pipe.recv()
            if command == "close":
                return
            results, error = [], None
            for i, arguments in part.items():
                try:
                    if i not in slots:
                        slots[i] = _Slot(makers[i](), autoreset_mode)
                    results.append(getattr(slots[i], command)(*arguments))
                except Exception as raised:
                    error = error or _portable(raised, i)
            try:
                pipe.send((number, results, error))
            except (pickle.PicklingError, TypeError, AttributeError) as raised:  # nothing has been sent
                pipe.send((number, None, _portable(raised, next(iter(part)))))
    except (EOFError, OSError):  # the parent is gone
        return
    finally:
        for slot in slots.values():
            slot.close()


def _portable(error: Exception, env: int) -> Exception:
    """An error that can be sent, with this process's traceback as a note."""
    error.add_note(f"in env {env}:\n{''.join(traceback.format_exception(error))}")
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return EngineError(f"env {env}: {''.join(traceback.format_exception(error))}")
    return error
