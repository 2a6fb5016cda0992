"""A rollout over a language model's endpoint that fails, stalls and babbles: nothing lost, nothing doubled, and fast.

A local endpoint in a process of its own answers after a few seconds, and of its answers fail 10 %, are garbage 5 %, stall 1 %
beyond the client's time-out, are refused 3 % with 429 and Retry-After, and break off 2 % in mid-body. 64 live episodes play
over it. What has to hold, and sets the exit status: every job has one row and none two; and the throughput, while there are
jobs for all slots, is at least 0.9 of what the endpoint's own latency (its faults and the waiting that it asks for among it)
allows 64 callers::

    python benchmarks/endpoint_faults.py

``--many`` plays 200 episodes at a time, each chat tried twice, so that the endpoint fails some of them for good. What has to
hold then: every job has one row, every row without an episode's end says why, and the reasons add up.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import importlib
import json
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from report import Row, print_table, write_json
from rich.console import Console

from agemem_gym.agent import AgentSpec
from agemem_gym.leaderboard import EpisodeRow, run_leaderboard
from agemem_gym.leaderboard.results import EPISODES, RESULTS, read_episode, read_rows

ENV = "AgeMem-BabyAI-v0"
FAULTS = {"fails": 0.10, "garbage": 0.05, "stalls": 0.01, "429": 0.03, "breaks off": 0.02}
BACKOFF = 0.1  # seconds before the second attempt
REPLIES = 8  # of each episode


@dataclass(frozen=True)
class Setting:
    """Sizes of a run: live episodes, jobs, seconds that an answer takes on average; the client's time-out and attempts; whether
    there is enough time for a figure of throughput.
    """

    slots: int
    jobs: int
    latency: float
    timeout: float
    attempts: int = 8
    timed: bool = True


WHOLE = Setting(slots=64, jobs=128, latency=4.0, timeout=12.0)
TINY = Setting(slots=64, jobs=80, latency=0.1, timeout=1.0, timed=False)
"""For the tests: every fault, but too little time for a figure of throughput."""
QUICK = Setting(slots=64, jobs=96, latency=2.0, timeout=6.0)
MANY = Setting(slots=200, jobs=200, latency=2.0, timeout=12.0, attempts=2, timed=False)
FEW = Setting(slots=24, jobs=24, latency=0.05, timeout=2.0, attempts=1, timed=False)
"""For the tests: many jobs fail for good."""
SIZES = {"tiny": TINY, "few": FEW, "quick": QUICK, "whole": WHOLE, "many": MANY}

REASONS = {
    "status 500": "status 500",
    "status 429": "status 429",
    "no whole answer": "stalled beyond the time-out",
    "JSONDecodeError": "no JSON",
    "RemoteProtocolError": "broken off in mid-body",
}
"""What the error of a row says, and what it was."""


# ---------------------------------------------------------------------------------------------------------- the endpoint


class Endpoint:
    """An OpenAI-compatible endpoint with faults, drawn by its own generator; it keeps account of the time that it takes."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._rng = random.Random(7)
        self._busy = 0.0
        self._kinds: collections.Counter[str] = collections.Counter()

    async def serve(self) -> None:
        """Print the port, then answer for ever."""
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0, backlog=512)
        print(server.sockets[0].getsockname()[1], flush=True)
        async with server:
            await server.serve_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if head.startswith(b"GET"):
                    account = json.dumps({"busy": self._busy, "kinds": self._kinds}).encode()
                    _send(writer, 200, account)
                    continue
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
                await reader.readexactly(length)
                if not await self._play(writer):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _play(self, writer: asyncio.StreamWriter) -> bool:
        """One answer; whether the connection stays open."""
        latency = self._setting.latency * self._rng.uniform(0.5, 1.5)
        kind, wait = self._kind(), 0.0
        if kind == "garbage" and self._rng.random() < 0.5:
            kind = "nonsense"
        self._kinds[kind] += 1
        if kind == "stalls":
            self._busy += self._setting.timeout + BACKOFF
            await asyncio.sleep(10 * self._setting.timeout)
            return False
        if kind in ("429", "fails"):
            latency, wait = latency / 4, 1.0 if kind == "429" else BACKOFF
        self._busy += latency + wait
        await asyncio.sleep(latency)
        if kind == "429":
            _send(writer, 429, b'{"error": {"message": "slow down"}}', "Retry-After: 1\r\n")
        elif kind == "fails":
            _send(writer, 500, b'{"error": {"message": "overloaded"}}')
        elif kind == "breaks off":
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 400\r\n\r\n" + b'{"choi'
            )
        elif kind == "garbage":
            _send(writer, 200, b"<html>")
        elif kind == "nonsense":
            _send(writer, 200, _completion("\x00<tool_call>{]}"))
        else:
            _send(writer, 200, _completion("<action>turn left</action>"))
        await writer.drain()
        return kind != "breaks off"

    def _kind(self) -> str:
        drawn = self._rng.random()
        for kind, share in FAULTS.items():
            drawn -= share
            if drawn < 0:
                return kind
        return "right"


def _completion(text: str) -> bytes:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105}
    return json.dumps(
        {"id": "x", "object": "chat.completion", "model": "faulty", "choices": [choice], "usage": usage}
    ).encode()


def _send(writer: asyncio.StreamWriter, status: int, body: bytes, headers: str = "") -> None:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    writer.write(head.encode() + body)


# --------------------------------------------------------------------------------------------------------- the rollout


def measure(setting: Setting, size: str) -> list[Row]:
    """Play all jobs over the endpoint and compare."""
    importlib.import_module(
        "openai.resources.chat.completions"
    )  # a second or two once a process, not a matter of throughput
    server = subprocess.Popen([sys.executable, __file__, "--serve", size], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
    try:
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            play(setting, f"{url}/v1#faulty", Path(folder))
            wall = time.perf_counter() - started
            with urllib.request.urlopen(url) as answer:
                account = json.load(answer)
            return rows_of(setting, Path(folder), wall, account)
    finally:
        server.kill()
        server.wait()


def play(setting: Setting, url: str, folder: Path) -> None:
    """The jobs, in as many live episodes as there are slots."""
    agent = AgentSpec.parse(
        "llm",
        {
            "model": url,
            "timeout": setting.timeout,
            "attempts": setting.attempts,
            "backoff": BACKOFF,
            "concurrency": setting.slots,
        },
    )
    keywords = {"encoder": "hash", "index": "exact", "max_rounds": REPLIES}
    run_leaderboard(
        [agent],
        [ENV],
        setting.jobs,
        folder,
        slots=setting.slots,
        env_kwargs=keywords,
        console=Console(file=sys.stderr, quiet=True),
    )


def rows_of(setting: Setting, folder: Path, wall: float, account: dict[str, Any]) -> list[Row]:
    """What was found; the exit status is read off the rows."""
    rows = list(read_rows(folder / RESULTS))
    episodes = (folder / EPISODES).read_text(encoding="utf-8").count("\n")
    placed = sum(read_episode(folder, row).seed == row.seed for row in rows)
    replies = sum(row.steps for row in rows)
    live, allowed = (seconds / setting.slots for seconds in (sum(row.seconds for row in rows), account["busy"]))
    found = [
        Row.alone("jobs", setting.jobs, "jobs", 1),
        Row.alone("rows", len(rows), "rows", 1),
        Row.alone("jobs with a row", len({row.seed for row in rows}), "jobs", 1),
        Row.alone("episodes kept where their row says", min(placed, episodes), "episodes", 1),
        Row.alone("jobs that the endpoint failed in all attempts", sum(r.error is not None for r in rows), "jobs", 1),
        Row.more_is_better(
            "replies", replies / live, replies / allowed, "what the latency allows", "per second", replies
        ),
        Row.more_is_better(
            "replies, the last slots running empty among it",
            replies / wall,
            replies / allowed,
            "what the latency allows",
            "per second",
            replies,
        ),
    ]
    return (
        found
        + _failures(rows, account)
        + [Row.alone(f"answers, {kind}", count, "answers", 1) for kind, count in sorted(account["kinds"].items())]
    )


def _failures(rows: Sequence[EpisodeRow], account: dict[str, Any]) -> list[Row]:
    """Why jobs failed, how often chats were tried again, and what was answered to nobody."""
    failed = [row for row in rows if row.error is not None]
    reasons = collections.Counter(_reason(row.error or "") for row in failed)
    answered, asked = sum(row.steps for row in rows), sum(account["kinds"].values())
    usable = sum(account["kinds"].get(kind, 0) for kind in ("right", "nonsense"))
    counted = sum(row.policy.get("completion_tokens", 0) for row in rows)
    return [
        *(Row.alone(f"failed jobs, {reason}", count, "jobs", 1) for reason, count in sorted(reasons.items())),
        Row.alone("replies of failed jobs that are kept", sum(row.steps for row in failed), "replies", 1),
        Row.alone("attempts", asked, "attempts", 1),
        Row.alone("attempts that were tried again", asked - answered - len(failed), "attempts", 1),
        Row.alone("answers that came to nobody", usable - answered, "answers", 1),
        Row.alone("tokens written, by rows", counted, "tokens", 1),
    ]


def _reason(error: str) -> str:
    return next((reason for words, reason in REASONS.items() if words in error), f"other: {error[:60]}")


def holds(setting: Setting, rows: list[Row]) -> bool:
    """Whether every job has one row, none two, all that failed say why, and throughput is at least 0.9 of what is possible."""
    by_name = {row.name: row for row in rows}
    counts = [by_name[name].ours for name in ("rows", "jobs with a row", "episodes kept where their row says")]
    reasons = {row.name: row.ours for row in rows if row.name.startswith("failed jobs, ")}
    failed = by_name["jobs that the endpoint failed in all attempts"].ours
    told = sum(reasons.values()) == failed and not any("other" in name for name in reasons)
    fast = not setting.timed or (by_name["replies"].ratio or 0) >= 0.9
    return counts == [setting.jobs] * 3 and told and fast


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer jobs and shorter answers, about half a minute")
    parser.add_argument("--tiny", action="store_true", help="no figure of throughput, a few seconds")
    parser.add_argument("--few", action="store_true", help="24 episodes, each chat tried once, a few seconds")
    parser.add_argument("--many", action="store_true", help="200 episodes at a time, each chat tried twice")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows as JSON")
    parser.add_argument("--serve", metavar="SIZE", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        asyncio.run(Endpoint(SIZES[arguments.serve]).serve())
    size = next((name for name in SIZES if getattr(arguments, name, False)), "whole")
    setting = SIZES[size]
    rows = measure(setting, size)
    print_table(rows, f"{setting.slots} live episodes over an endpoint with faults")
    if arguments.json:
        write_json(rows, arguments.json)
    return 0 if holds(setting, rows) else 1


if __name__ == "__main__":
    sys.exit(main())
