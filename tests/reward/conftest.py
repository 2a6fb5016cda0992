"""Hand-made episodes: every number in them is chosen, so that every term can be worked out on paper."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from agemem_gym.context import Edit, Message
from agemem_gym.episode import Episode, StepRecord
from agemem_gym.memory import make_encoder
from agemem_gym.reward import OfflineJudge
from agemem_gym.task import TaskStart
from agemem_gym.tools import ToolResult


def call(name, ok=True, **data):
    return ToolResult("", ok=ok, data=data, name=name)


def add(memory_id, content):
    return call("Add_memory", id=memory_id, content=content)


def update(memory_id, content):
    return call("Update_memory", id=memory_id, content=content)


def delete(memory_id):
    return call("Delete_memory", id=memory_id, content="")


def retrieve(*contents):
    return call("Retrieve_memory", ids=[], contents=list(contents))


def step(*results, stage=3, prompt=100, answer=None, success=False, progress=0.0):
    return StepRecord(
        reply="", stage=stage, observation="", prompt_tokens=prompt, reply_tokens=1, context_tokens=prompt + 1,
        tool_results=results, answer=answer, success=success, progress=progress,
    )  # fmt: skip


def message(number, content, kind="observation", protected=False):
    return Message(number, "user", content, kind, len(content.split()), protected)


def _edits(messages, removals):
    """All messages stand there from the start; then these `(id, step, by)` leave."""
    told = [Edit(added=message.id) for message in messages]
    return told + [Edit(removed=(message_id,), step=step, by=by) for message_id, step, by in removals]


def episode(*steps, question="Where is it?", answer="Paris", facts=(), memory=(), before=(), messages=(), removals=(),
            budget=1000, rounds=10, truncated=False):  # fmt: skip
    start = TaskStart("t/0", question, "", "", 5, key_facts=tuple(facts), answer=answer)
    return Episode(
        "AgeMem-Test-v0", {}, 0, {}, start, budget, rounds, steps=list(steps), messages=list(messages),
        edits=_edits(messages, removals), truncated=truncated, terminated=not truncated,
        initial_memory=[{"id": f"m{n}", "content": text} for n, text in enumerate(before, start=1)],
        final_memory=[{"id": f"m{n}", "content": text} for n, text in enumerate(memory, start=1)],
    )  # fmt: skip


@pytest.fixture
def made():
    """The parts of a hand-made episode."""
    return SimpleNamespace(
        call=call, add=add, update=update, delete=delete, retrieve=retrieve, step=step, message=message, episode=episode,
        edit=Edit, start=replace,
    )  # fmt: skip


class CountingEncoder:
    """The hashing encoder, counting the texts that it is asked for."""

    name = "counting"
    dimension = 256

    def __init__(self):
        self.inner = make_encoder("hash")
        self.texts = []

    def encode(self, texts):
        self.texts += texts
        return self.inner.encode(texts)

    def count_tokens(self, text):
        return len(text.split())


@pytest.fixture
def encoder():
    return CountingEncoder()


@pytest.fixture
def judge(encoder):
    return OfflineJudge(encoder)
