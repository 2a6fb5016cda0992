"""Replies as models write them: how many keep to the letter of the protocol, and how many are understood.

The corpus is written by the script: the same 40 replies (tool calls, commands, answers; with thoughts and without) in every
dialect of agemem_gym.protocol, and then as each model family writes them: with its template's thoughts and end tokens, its way
to call tools, and its habits. It shows what is covered, not how often a model writes so. Understood means: as the strict form
means it; what is understood as something else is counted, too, also where a reply is cut off anywhere. The peer is the letter
alone, ``dialects="strict"``.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from report import Row, run

from agemem_gym.protocol import DIALECTS, Reply, ToolCall, parse, reply_text
from agemem_gym.protocol.samples import written
from agemem_gym.tools import make_tools

PEER = "the letter"
TOOLS = make_tools(None)
Sample = tuple[Reply, str]

THOUGHTS = (None, "I should look at the desk first.", "The note names two people.\nThe second one matters.")
TEXTS = (
    "The red key lies in drawer 2.",
    'Anna Bell wrote "The Long Winter" in 1931.',
    "Step 1: clean it; step 2: put it back.",
)
COMMANDS = ("look", "go to desk 1", "put apple 2 in/on fridge 1", "pickup red ball 1")
ANSWERS = ("Paris", "Anna Bell", "42", "yes")


def replies() -> list[Reply]:
    """Forty replies of all kinds."""
    rng = random.Random(0)
    made: list[Reply] = []
    for number in range(40):
        think = THOUGHTS[number % 3]
        if number % 4 == 0:
            made.append(Reply(think, action=rng.choice(COMMANDS)))
        elif number % 4 == 1:
            made.append(Reply(think, answer=rng.choice(ANSWERS)))
        else:
            made.append(Reply(think, tool_calls=tuple(call(rng) for _ in range(1 + (number % 8 == 3)))))
    return made


def call(rng: random.Random) -> ToolCall:
    """One call of one of the six tools."""
    text = rng.choice(TEXTS)
    return rng.choice(
        (
            ToolCall("Add_memory", {"content": text, "metadata": {"room": "hall"}}),
            ToolCall("Update_memory", {"memory_id": "m1", "content": text}),
            ToolCall("Delete_memory", {"memory_id": "m2", "confirmation": True}),
            ToolCall("Retrieve_memory", {"query": text, "top_k": 5}),
            ToolCall("Summary_context", {"span": "all"}),
            ToolCall("Filter_context", {"criteria": "small talk"}),
        )
    )


# ---------------------------------------------------------------------------------------------------- the families


def _smollm2(reply: Reply, rng: random.Random) -> str | None:
    """A small model: prose, fences, slips in JSON, and it plays on."""
    dialect = rng.choice(("prose", "fence", "json_repair", "plays_on", "names", "react", "end_token"))
    return written(reply, dialect, rng)


def _qwen25(reply: Reply, rng: random.Random) -> str | None:
    text = written(reply, "several_calls" if reply.tool_calls else rng.choice(("", "prose")), rng)
    return None if text is None else text + "<|im_end|>"


def _qwen3(reply: Reply, rng: random.Random) -> str | None:
    """Its template opens the thought; several calls stand in a row."""
    block = written(replace(reply, think=None), "several_calls" if reply.tool_calls else "", rng)
    return f"{reply.think or ''}\n</think>\n\n{block}<|im_end|>"


def _llama3(reply: Reply, rng: random.Random) -> str | None:
    if reply.tool_calls:
        return written(reply, rng.choice(("llama", "function_tags", "bare_json", "keys")), rng)
    return f"{written(reply, rng.choice(('', 'prose')), rng)}<|eot_id|>"


def _mistral(reply: Reply, rng: random.Random) -> str | None:
    return written(reply, "mistral" if reply.tool_calls else rng.choice(("end_token", "prose")), rng)


def _gemma(reply: Reply, rng: random.Random) -> str | None:
    text = written(reply, rng.choice(("python", "fence")) if reply.tool_calls else rng.choice(("fence", "prose")), rng)
    return None if text is None else text + "<end_of_turn>\n"


def _deepseek(reply: Reply, rng: random.Random) -> str | None:
    block = written(replace(reply, think=None), "deepseek" if reply.tool_calls else "", rng)
    return f"{reply.think or 'Well.'}\n</think>\n\n{block}"


FAMILIES: dict[str, Callable[[Reply, random.Random], str | None]] = {
    "SmolLM2": _smollm2,
    "Qwen2.5": _qwen25,
    "Qwen3": _qwen3,
    "Llama 3": _llama3,
    "Mistral": _mistral,
    "Gemma": _gemma,
    "DeepSeek": _deepseek,
    "gpt-oss": lambda reply, rng: written(reply, "harmony", rng),
    "GLM-4.5": lambda reply, rng: written(reply, "glm" if reply.tool_calls else "end_token", rng),
}


# ---------------------------------------------------------------------------------------------------- the measures


def corpus(write: Callable[[Reply, random.Random], str | None], name: str) -> list[Sample]:
    """The forty replies as `write` writes them, those apart that it cannot say."""
    rng = random.Random(name)
    texts = ((reply, write(reply, rng)) for reply in replies())
    return [(reply, text) for reply, text in texts if text is not None]


def meaning(reply: Reply) -> Any:
    """What a reply says, thoughts apart."""
    calls = [(call.name, dict(call.arguments)) for call in reply.tool_calls]
    return reply.format_error or (calls, reply.action, reply.answer)


def shares(samples: Iterable[Sample], dialects: str) -> tuple[float, int]:
    """Share of the replies that are understood, and how many are understood as something else."""
    understood = other = total = 0
    for reply, text in samples:
        found = parse(text, dialects=dialects, commands=reply.answer is None, tools=TOOLS)
        same = meaning(found) == meaning(parse(reply_text(reply), dialects="strict"))
        understood += same
        other += not same and found.format_error is None
        total += 1
    return understood / total, other


def measure(quick: bool) -> list[Row]:
    """A row for each dialect and each family; the whole corpus takes a second, so `quick` changes nothing."""
    writers = {"to the letter": lambda reply, rng: written(reply, "", rng)}
    writers |= {f"dialect {name}": _writer(name) for name in DIALECTS}
    writers |= {f"family {name}": write for name, write in FAMILIES.items()}
    corpora = {name: corpus(write, name) for name, write in writers.items()}
    rows, every = [], [sample for samples in corpora.values() for sample in samples]
    for name, samples in {**corpora, "all": every}.items():
        ours, others = shares(samples, "all")
        letter, _ = shares(samples, "strict")
        rows.append(Row(f"{name}: understood", ours, letter, PEER, "share", None, len(samples)))
        if name == "all":
            rows.append(Row.alone("all: understood as something else", others, "replies", len(samples)))
    cut = [(reply, text) for reply, text in every if reply.tool_calls]
    rows.append(
        Row.alone("calls cut off anywhere: understood as something else", wrong_calls(cut), "replies", 10 * len(cut))
    )
    return [*rows, *speeds(every)]


def wrong_calls(samples: Sequence[Sample]) -> int:
    """How many of the replies, cut off at ten random places each, call what the whole reply does not."""
    rng = random.Random(0)
    wrong = 0
    for reply, text in samples:
        meant = [(call.name, dict(call.arguments)) for call in reply.tool_calls]
        for _ in range(10):
            found = parse(text[: rng.randrange(len(text))], tools=TOOLS)
            wrong += any((call.name, dict(call.arguments)) not in meant for call in found.tool_calls)
    return wrong


def speeds(samples: Sequence[Sample]) -> list[Row]:
    """Microseconds a reply, to the letter and as models write it."""
    rows = []
    letters = [reply_text(reply) for reply, _ in samples]
    for name, texts in (("to the letter", letters), ("in all dialects", [text for _, text in samples])):
        start = time.perf_counter()
        for text in texts:
            parse(text, tools=TOOLS)
        rows.append(Row.alone(f"parse, {name}", 1e6 * (time.perf_counter() - start) / len(texts), "µs", len(texts)))
    return rows


def _writer(dialect: str) -> Callable[[Reply, random.Random], str | None]:
    return lambda reply, rng: written(reply, dialect, rng)


if __name__ == "__main__":
    run(measure, __doc__)
