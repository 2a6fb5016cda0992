"""What several rooms' tests share: a local HTTP server that misbehaves as it is told."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class ScriptedServer(ThreadingHTTPServer):
    """Answers each POST with the next behaviour of `script`, and with `default` when it is empty.

    Attributes:
        seen: path, headers and body of every request, in order.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script, self.seen, self.default = [], [], say("ok")
        self.origin = f"http://127.0.0.1:{self.server_port}"
        self.url = f"{self.origin}/v1"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def handle_error(self, request, client_address):
        """A client that hung up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.title(): value for name, value in self.headers.items()}
        self.server.seen.append((self.path, headers, body))
        behave = self.server.script.pop(0) if self.server.script else self.server.default
        behave(self, body)

    def send(self, status, text, headers=(), length=None):
        data = text.encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data) if length is None else length))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        """Silence."""


def say(content, **more):
    """A chat completion with this content; `more` goes into its message."""
    return raw(json.dumps({"choices": [{"message": {"role": "assistant", "content": content, **more}}]}))


def raw(text):
    """This body, whatever it is."""
    return lambda handler, body: handler.send(200, text)


def status(code, text="{}", **headers):
    """An error."""
    named = [(name.replace("_", "-"), str(value)) for name, value in headers.items()]
    return lambda handler, body: handler.send(code, text, named)


def redirect(target, code=307):
    """Somewhere else."""
    return lambda handler, body: handler.send(code, "", [("Location", target)])


def cut(handler, body):
    """Closes in the middle of the body."""
    handler.send(200, '{"choices": [{"mess', length=1000)
    handler.close_connection = True


def drip(handler, body):
    """Sends a byte every 50 ms, for ten seconds."""
    handler.send(200, "", length=200)
    for _ in range(200):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)


def hang(handler, body):
    """Says nothing for ten seconds."""
    time.sleep(10)


@pytest.fixture
def server(scripted_server):
    """The same under a short name, for rooms that know no other server."""
    return scripted_server


@pytest.fixture
def scripted_server():
    """A local server whose behaviours are set by `script` and `default`; those above stand beside it as attributes."""
    with ScriptedServer() as server:
        server.say, server.raw, server.status, server.redirect = say, raw, status, redirect
        server.cut, server.drip, server.hang = cut, drip, hang
        yield server
        server.shutdown()


@pytest.fixture
def elsewhere():
    """A second server: another origin."""
    with ScriptedServer() as server:
        server.default = say("1.0")
        yield server
        server.shutdown()
