"""The simulators of this process: every live episode has one of its own, and idle ones are used again.

A simulator cannot serve two episodes at once: its random generator, its object ids and its simplifications are global to
its JVM. So a task borrows one for as long as it lives::

    simulator = POOL.lend(heap, seconds, own=False)
    POOL.take_back(simulator)

When the last borrowed one comes back, the idle ones end too; at the latest they end with Python, however Python ends (a
JVM ends when its standard input closes). A forked child starts its own.
"""

from __future__ import annotations

import atexit
import os
import threading

from agemem_gym.envs.scienceworld.jvm import Jvm
from agemem_gym.envs.scienceworld.simulator import Simulator


class SimulatorPool:
    """Lends simulators to tasks."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a garbage collection inside may give one back
        self._idle: list[Simulator] = []
        self._lent: dict[Simulator, bool] = {}

    def lend(self, heap: str, seconds: float, *, own: bool) -> Simulator:
        """An idle simulator with this heap, or a new one; for `own` always a new one, that nobody has after it.

        Raises:
            MissingDependencyError: no Java, or the package is not installed.
            EngineError: the JVM did not start.
        """
        with self._lock:
            simulator = None if own else self._find_idle(heap)
            if simulator is None:
                simulator = Simulator(Jvm(heap), seconds)
            simulator.seconds = seconds
            self._lent[simulator] = own
            return simulator

    def take_back(self, simulator: Simulator) -> None:
        """End of a loan; a second time does nothing."""
        with self._lock:
            own = self._lent.pop(simulator, None)
            if own is None:
                return
            if own or not simulator.jvm.usable:
                simulator.jvm.close()
            else:
                self._idle.append(simulator)
            if all(self._lent.values()):  # nobody is left who might want an idle one
                self._end_idle()

    def end(self) -> None:
        """End every simulator, lent or not."""
        with self._lock:
            for simulator in self._lent:
                simulator.jvm.close()
            self._lent.clear()
            self._end_idle()

    def pids(self) -> list[int]:
        """The process ids of the JVMs that run now."""
        with self._lock:
            return sorted(simulator.jvm.pid for simulator in (*self._lent, *self._idle) if simulator.jvm.usable)

    def forget_parents(self) -> None:
        """In a forked child: the JVMs are the parent's; close our copies of its files."""
        self._lock = threading.RLock()  # another thread of the parent may have held it
        for simulator in (*self._lent, *self._idle):
            simulator.jvm.abandon()
        self._lent.clear()
        self._idle.clear()

    def _find_idle(self, heap: str) -> Simulator | None:
        for simulator in list(self._idle):
            if not simulator.jvm.usable:
                self._idle.remove(simulator)
                simulator.jvm.close()
            elif simulator.jvm.heap == heap:
                self._idle.remove(simulator)
                return simulator
        return None

    def _end_idle(self) -> None:
        while self._idle:
            self._idle.pop().jvm.close()


POOL = SimulatorPool()
"""The pool of this process."""

atexit.register(POOL.end)
os.register_at_fork(after_in_child=POOL.forget_parents)
