"""One Java virtual machine that runs ScienceWorld's simulator, and the calls into it.

py4j's server stands on the Java side (``py4j.GatewayServer``, in py4j's jar); this is a client of its line protocol. py4j's
own client is not used for three reasons: it sends a command again when an answer stays away (a step would be taken
twice), it cannot be given a time limit for a single call, and its finalizers speak on a socket that a forked child
shares with its parent.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agemem_gym.errors import EngineError, MissingDependencyError, import_extra

EXTRA = "scienceworld"
_START_SECONDS = 60.0
_NO_JAVA = (
    "ScienceWorld's simulator needs Java 8 or later, and no {java!r} can be run. Install one, e.g. with "
    "`apt-get install default-jre-headless` or `conda install -c conda-forge openjdk`, or let JAVA_HOME name it."
)
AGENT = Path(__file__).parent / "java" / "agemem.jar"
"""Our half on the Java side, made from the sources beside it by ``java/build.py``: hashes that are the same in every JVM, and
less to do in a step (``Agent.java``)."""
# -UsePerfData: its file in /tmp can fail, and the warning would come where the port is expected.
_QUIET = ("-XX:+UseSerialGC", "-XX:-UsePerfData", "-Xshare:auto")
# By default HotSpot's second compiler works as long as the simulator does, on methods that the first has made fast enough.
_COMPILE_LATER = (
    "-XX:+IgnoreUnrecognizedVMOptions",
    "-XX:Tier4InvocationThreshold=15000",
    "-XX:Tier4MinInvocationThreshold=3000",
    "-XX:Tier4CompileThreshold=30000",
)


@dataclass(frozen=True)
class Call:
    """One call of a Java method.

    Attributes:
        target: an object's id, or ``z:`` and a class's name for a static method.
        method: the method's name.
        arguments: str, bool, int, None, or :class:`Reference`.
    """

    target: str
    method: str
    arguments: tuple[Any, ...] = ()

    def encode(self) -> str:
        """The call in py4j's line protocol."""
        return f"c\n{self.target}\n{self.method}\n{_encode_all(self.arguments)}e\n"


@dataclass(frozen=True)
class Reference:
    """A Java object, by the id under which py4j's server keeps it until :meth:`Jvm.forget`."""

    id: str


class JavaError(Exception):
    """A Java method threw; the JVM itself is well."""


class Jvm:
    """A JVM of this process. Every failure to answer kills it and raises EngineError.

    Args:
        heap: its heap's limit, as ``-Xmx`` takes it.
    """

    def __init__(self, heap: str) -> None:
        self.heap = heap
        self.owner = os.getpid()
        self._process = _launch(heap)
        try:
            port, token = self._read_lines(2)
            self.port = int(port)
            self._socket = socket.create_connection(("127.0.0.1", self.port), timeout=_START_SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._answers = self._socket.makefile("rb")
            self._send([f"A\n{token}\n"], _START_SECONDS)
            self._silence()
        except (OSError, ValueError, EngineError) as error:
            self.close()
            raise EngineError(f"ScienceWorld's JVM did not start: {error}") from error

    @property
    def pid(self) -> int:
        """The JVM's process id."""
        return self._process.pid

    @property
    def usable(self) -> bool:
        """It runs, and it was started by this process (a forked child must not speak on its parent's socket)."""
        return self.owner == os.getpid() and self._process.poll() is None

    def call(self, *calls: Call, seconds: float) -> list[Any]:
        """Carry out `calls` in order; returns their values.

        Raises:
            EngineError: the JVM is dead, or gave no answer within `seconds`; it is killed.
            JavaError: a method threw an exception.
        """
        if not self.usable:
            raise EngineError("ScienceWorld's JVM is not running any more; call reset")
        return self._send([call.encode() for call in calls], seconds)

    def new(self, java_class: str) -> Reference:
        """An object of `java_class`, made without arguments."""
        (made,) = self._send([f"i\n{java_class}\ne\n"], _START_SECONDS)
        assert isinstance(made, Reference)
        return made

    def forget(self, *references: Reference) -> None:
        """Let Java collect these objects."""
        self._send([f"m\nd\n{reference.id}\ne\n" for reference in references], _START_SECONDS)

    def close(self) -> None:
        """Kill it and wait until it is gone. Safe to call twice; does nothing in a forked child."""
        if self.owner != os.getpid():
            return
        self._process.kill()
        with contextlib.suppress(OSError):
            self._process.wait(timeout=10)
        self._close_files()

    def abandon(self) -> None:
        """In a forked child: close the copies of the parent's files, so that the JVM still ends with the parent."""
        self._close_files()
        self._process.returncode = 0  # not our child: subprocess must neither wait for it nor warn

    def _close_files(self) -> None:
        for file in (getattr(self, "_answers", None), getattr(self, "_socket", None)):
            if file is not None:
                with contextlib.suppress(OSError):
                    file.close()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _send(self, commands: Sequence[str], seconds: float) -> list[Any]:
        try:
            self._socket.settimeout(seconds)
            answers = [self._exchange(command) for command in commands]
        except TimeoutError as error:
            self.close()
            raise EngineError(f"ScienceWorld gave no answer within {seconds:g} s; its JVM was ended") from error
        except (OSError, ValueError) as error:
            self.close()
            raise EngineError(f"ScienceWorld's JVM has died: {error}") from error
        except BaseException:  # Ctrl-C between question and answer: the answers would be taken for others later
            self.close()
            raise
        return [_decode(answer.decode("utf-8")[1:-1]) for answer in answers]

    def _exchange(self, command: str) -> bytes:
        # One by one: several answers to one write would wait 40 ms for an acknowledgement (Nagle's algorithm).
        self._socket.sendall(command.encode("utf-8", "replace"))
        answer = self._answers.readline()
        if not answer.endswith(b"\n"):
            raise ConnectionError("the connection was closed")
        return answer

    def _read_lines(self, count: int) -> list[str]:
        """The first lines that py4j's server prints."""
        stream = self._process.stdout
        assert stream is not None
        deadline, data = time.monotonic() + _START_SECONDS, b""
        while data.count(b"\n") < count:
            ready, _, _ = select.select([stream], [], [], max(0.0, deadline - time.monotonic()))
            chunk = os.read(stream.fileno(), 4096) if ready else b""
            if not chunk:
                raise EngineError(f"no port was printed; the output was {data!r:.300}")
            data += chunk
        return data.decode().split("\n")[:count]

    def _silence(self) -> None:
        """Send what the simulator prints to nowhere: it prints some lines a step, which nobody would read."""
        (nowhere,) = self._send([f"i\njava.io.PrintStream\n{_encode(os.devnull)}e\n"], _START_SECONDS)
        self.call(Call("z:java.lang.System", "setOut", (nowhere,)), seconds=_START_SECONDS)


def find_java() -> str:
    """The `java` to run.

    Raises:
        MissingDependencyError: there is none.
    """
    home = os.environ.get("JAVA_HOME")
    java = os.path.join(home, "bin", "java") if home else "java"
    found = shutil.which(java)
    if found is None:
        raise MissingDependencyError(_NO_JAVA.format(java=java))
    return found


def _launch(heap: str) -> subprocess.Popen[bytes]:
    import_extra("scienceworld", EXTRA)
    simulator = import_extra("scienceworld.constants", EXTRA)
    gateway = import_extra("py4j.java_gateway", EXTRA).find_jar_path()
    command = [
        find_java(),
        f"-Xmx{heap}",
        *_QUIET,
        *_COMPILE_LATER,
        f"-javaagent:{AGENT}",
        "-classpath",
        os.pathsep.join((gateway, simulator.JAR_PATH)),
    ]
    command += ["py4j.GatewayServer", "--die-on-broken-pipe", "--enable-auth", "0"]
    # A session of its own: Ctrl-C in the terminal is for Python, which ends the JVM itself.
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=simulator.BASEPATH,  # where it finds its table of object types; elsewhere it would write one
        start_new_session=True,
    )


def _encode_all(arguments: Sequence[Any]) -> str:
    return "".join(_encode(argument) for argument in arguments)


def _encode(argument: Any) -> str:
    if argument is None:
        return "n\n"
    if isinstance(argument, Reference):
        return f"r{argument.id}\n"
    if isinstance(argument, bool):
        return f"b{str(argument).lower()}\n"
    if isinstance(argument, int):
        return f"i{argument}\n" if abs(argument) < 2**31 else f"L{argument}\n"
    return "s" + str(argument).replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n") + "\n"


def _decode(answer: str) -> Any:
    """The value of an answer: ``y`` (or an error), a letter for the type, the value."""
    if not answer.startswith("y"):
        raise JavaError(_unescape(answer[1:]))
    kind, value = answer[1:2], answer[2:]
    if kind in ("", "v", "n"):
        return None
    if kind == "b":
        return value.lower() == "true"
    if kind in "iL":
        return int(value)
    if kind == "d":
        return float(value)
    if kind == "s":
        return _unescape(value)
    return Reference(value)


def _unescape(text: str) -> str:
    """Undo py4j's escapes: ``\\n``, ``\\r`` and ``\\\\``."""
    parts = text.split("\\\\")
    return "\\".join(part.replace("\\n", "\n").replace("\\r", "\r") for part in parts)
