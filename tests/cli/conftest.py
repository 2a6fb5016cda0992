"""A terminal for commands that read keys."""

import os
import pty
import select
import sys
import time

import pytest


class Typist:
    """A command in a terminal of its own, with somebody at the keys."""

    def __init__(self, *arguments, **environment):
        self.said = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(PROMPT_TOOLKIT_NO_CPR="1", TERM="xterm", COLUMNS="120", LINES="40", **environment)
            os.execv(sys.executable, [sys.executable, "-m", "agemem_gym.cli", *arguments])

    def until(self, text, seconds=60):
        deadline = time.monotonic() + seconds
        while text not in self.said:
            ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"{text!r} did not come; so far: {self.said}"
            try:
                self.said += os.read(self.fd, 65536).decode("utf-8", "replace")
            except OSError:  # the terminal was closed
                assert text in self.said, self.said
        before, _, self.said = self.said.partition(text)
        return before

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def status(self):
        try:
            while os.read(self.fd, 65536):
                pass
        except OSError:
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


@pytest.fixture
def typist():
    """Starts a command in a terminal: ``typist("play", …)``."""
    return Typist
