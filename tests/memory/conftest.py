"""A Chroma server of the tests' own: ``chroma run`` on a free port, which can be stopped, killed and started again."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest


class ChromaServer:
    def __init__(self, folder):
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.signal(signal.SIGCONT)
        self.process.terminate()
        self.process.wait()

    def start(self):
        chroma = [sys.executable, "-c", "from chromadb.cli.cli import app; app()", "run"]
        self.process = subprocess.Popen(
            [*chroma, "--path", str(self._folder), "--host", "127.0.0.1", "--port", str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self.process.poll() is None, "chroma run has ended"
            time.sleep(0.05)
        raise AssertionError("chroma run does not listen")

    def signal(self, number):
        if self.process.poll() is None:
            os.kill(self.process.pid, number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="session")
def chroma_url(tmp_path_factory):
    """URL of a Chroma server that stays up."""
    with ChromaServer(tmp_path_factory.mktemp("chroma")) as running:
        yield running.url


@pytest.fixture
def own_chroma(tmp_path):
    """A server that this test alone has, and may stop, kill and start again."""
    with ChromaServer(tmp_path) as running:
        yield running
