"""One JVM with one simulator: start, calls with a time-out, and loading that gives the same world every time.

Three things make the simulator slow, unsafe or different from run to run when it is used through its own wrapper
(``scienceworld/scienceworld.py``), and are otherwise here:

- ``ScienceWorldEnv.step`` lists all valid actions at every step; here a step is a step.
- Nothing limits the JVM's memory or a call's time; here both have a limit, and a JVM that does not answer is killed.
- Worlds differ between loads, by identity hash codes and Scala's global generator; here ``-XX:hashCode=2`` and a fixed seed
  before ``load`` and before ``reset`` make them equal.

One simulator holds one world, so every live episode has an engine of its own; :func:`acquire` takes an idle one, or starts one.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from agemem_gym.errors import EngineError, MissingDependencyError, import_extra

WORLD_SEED = 20_260_101  # any constant: a variation is one world
_MAX_IDLE = 2
_JVM_OPTIONS = (
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",  # or a warning on its stdout breaks py4j's start
    "-XX:+UnlockExperimentalVMOptions",
    "-XX:hashCode=2",
)


class Engine:
    """A running JVM.

    Args:
        heap: the JVM's limit, as ``-Xmx`` takes it.
        timeout: seconds that a call may take.

    Raises:
        MissingDependencyError: there is no Java.
        EngineError: the JVM does not start.
    """

    def __init__(self, heap: str, timeout: float) -> None:
        self.heap, self.timeout = heap, timeout
        self.pid = os.getpid()
        self.process: subprocess.Popen[bytes] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="agemem-scienceworld-")
        if shutil.which("java") is None:
            raise MissingDependencyError(
                "ScienceWorld needs Java 8 or later, and there is no `java` on PATH: install a Java runtime "
                "(Debian: apt install default-jre-headless); `agemem doctor` checks it"
            )
        constants = import_extra("scienceworld.constants", "scienceworld")
        py4j = import_extra("py4j.java_gateway", "scienceworld")
        try:
            port, self.process = py4j.launch_gateway(
                classpath=constants.JAR_PATH,
                die_on_exit=True,
                cwd=constants.BASEPATH,
                javaopts=[f"-Xmx{heap}", *_JVM_OPTIONS],
                return_proc=True,
            )
            parameters = py4j.GatewayParameters(auto_field=True, port=port, read_timeout=timeout)
            self._gateway = py4j.JavaGateway(gateway_parameters=parameters, java_process=self.process)
            self.server: Any = self._gateway.jvm.scienceworld.runtime.pythonapi.PythonInterface()
            random = self._gateway.jvm.java.lang.Class.forName("scala.util.Random$")
            self._random = random.getField("MODULE$").get(None)
        except Exception as error:
            self.kill()
            raise EngineError(f"the JVM of ScienceWorld did not start (java options -Xmx{heap}): {error}") from error

    def load(self, task: str, variation: int, simplifications: str, *, gold: bool = False) -> None:
        """Build a world; the same arguments give the same one, in any JVM."""
        self.call("setSeed", WORLD_SEED, target=self._random)
        self.call("load", task, variation, simplifications, gold)
        self.call("setSeed", WORLD_SEED, target=self._random)
        self.call("reset")

    def call(self, method: str, *arguments: Any, target: Any = None) -> Any:
        """Call the simulator.

        Raises:
            EngineError: the JVM is dead, failed, or did not answer in time; it is killed then.
        """
        try:
            return getattr(target or self.server, method)(*arguments)
        except Exception as error:  # py4j raises its own, socket's and Java's errors, and none can be gone on from
            self.kill()
            kind = type(error).__name__
            text = str(error).strip().splitlines()[0] if str(error).strip() else "no answer"
            raise EngineError(f"the ScienceWorld simulator failed in {method!r} ({kind}: {text})") from error

    def object_tree(self) -> dict[str, Any]:
        """All objects of the world, as the simulator writes them."""
        import json

        problem = self.call("getObjectTree", self._folder.name)
        if problem:
            raise EngineError(f"the ScienceWorld simulator gave no object tree: {problem}")
        return json.loads((Path(self._folder.name) / "objectTree.json").read_text(encoding="utf-8"))

    @property
    def alive(self) -> bool:
        """Whether the JVM runs, and is this process's own."""
        return self.pid == os.getpid() and self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """End the JVM. Does nothing in a forked child, whose parent still uses it."""
        if self.pid != os.getpid():
            return
        with suppress(Exception):  # a broken connection cannot be closed in order
            self._gateway.close()
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
                if stream is not None:
                    with suppress(OSError):
                        stream.close()
        self._folder.cleanup()


_lock = threading.Lock()
_idle: list[Engine] = []


def acquire(heap: str, timeout: float, *, own: bool) -> Engine:
    """An idle engine of this process with these limits, or a new one; always a new one for `own`."""
    with _lock:
        _idle[:] = [engine for engine in _idle if engine.alive]
        for engine in _idle:
            if not own and (engine.heap, engine.timeout) == (heap, timeout):
                _idle.remove(engine)
                return engine
    return Engine(heap, timeout)


def release(engine: Engine, *, own: bool) -> None:
    """Give an engine back: kept idle for the next episode, or ended."""
    with _lock:
        if not own and engine.alive and len(_idle) < _MAX_IDLE:
            _idle.append(engine)
            return
    engine.kill()


def end_idle() -> None:
    """End the idle engines of this process."""
    with _lock:
        engines: Sequence[Engine] = list(_idle)
        _idle.clear()
    for engine in engines:
        engine.kill()


atexit.register(end_idle)
