"""A chat model without a model: it does what the prompts of memory systems ask for, plainly.

What it is asked is told apart by the prompts' own words. Tests play every memory agent on it, offline; and a dry run of the
board (``agemem leaderboard --dry-run``) measures with it what a memory system asks of its model.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from agemem_gym.protocol import call_reply

_NOTHING = "Nothing is out of date."
_CONTEXT = "something that was said"


class Follower:
    """From chat messages to a reply.

    Args:
        broken: kinds of requests that raise, for tests of failures.

    Attributes:
        asked: how often it was asked for each kind: ``"facts"``, ``"update"``, ``"entities"``, ``"relations"``,
            ``"forgetting"``, ``"extraction"``, ``"note"``, ``"evolution"``, ``"summary"``, and ``"reply"`` for all else.

    Example:
        >>> Follower()([{"role": "user", "content": "Who was Ada?"}])
        '<answer>Noted.</answer>'
    """

    model = "follower"

    def __init__(self, broken: Collection[str] = ()) -> None:
        self.broken = set(broken)
        self.asked: dict[str, int] = {}

    def __call__(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """The reply, as of any chat model that is a function."""
        kind, reply = follow(messages)
        self.asked[kind] = self.asked.get(kind, 0) + 1
        if kind in self.broken:
            raise RuntimeError(f"{kind} is broken")
        return reply


def follow(messages: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """What is asked for, and a reply that does it."""
    whole, last = "\n".join(m["content"] for m in messages), str(messages[-1]["content"])
    if "You can call these" in whole:
        return _called(set(re.findall(r'"name": "(\w+)"', whole.split("Reply with one block")[0])), whole, last)
    if "smart memory manager" in whole:  # Mem0: what becomes of facts
        facts = ast.literal_eval(whole.rpartition("The new retrieved facts")[2].split("```")[1].strip())
        changes = [{"id": str(90 + number), "text": fact, "event": "ADD"} for number, fact in enumerate(facts)]
        return "update", json.dumps({"memory": changes})
    if '"facts"' in whole:  # Mem0: which there are
        return "facts", json.dumps({"facts": re.findall(r"^user: (.+)$", last, re.MULTILINE)[-1:]})
    if last.startswith("Describe this message"):  # A-Mem
        words = re.findall(r"[A-Z]\w+", last.partition("Message: ")[2])
        found = {"keywords": words[:3], "context": _CONTEXT, "tags": ["talk"]}
        return "note", f"Here it is:\n```json\n{json.dumps(found)}\n```"
    if last.startswith("A new note was written"):
        evolved = [{"note": 1, "context": "seen in a new light", "tags": ["old"]}]
        return "evolution", json.dumps({"links": [1, 99, "x"], "evolved": evolved})
    if "summary" in last.lower() and "conversation" in last.lower():
        return "summary", "People talked."
    return "reply", "<answer>Noted.</answer>"


def _called(tools: Collection[str], whole: str, last: str) -> tuple[str, str]:
    """A request that offers tools."""
    if "extract_entities" in tools:
        return "entities", call_reply(("extract_entities", {"entities": _entities(last)}))
    linking = next((tool for tool in tools if tool in ("establish_relationships", "establish_relations")), None)
    if linking is not None:
        first, *others = (item["entity"] for item in _entities(last.partition("Text:")[2]))
        links = [{"source": first, "relationship": "with", "destination": other} for other in others]
        return "relations", call_reply((linking, {"entities": links}))
    if "Memory" in tools:  # LangMem
        said = re.findall(r"^[^<=\n]{30,}$", whole.rpartition("<session_")[2] or whole, re.MULTILINE)
        return "extraction", call_reply(*(("Memory", {"content": line.strip()}) for line in said[:1]))
    return "forgetting", _NOTHING


def _entities(text: str) -> list[dict[str, str]]:
    names = list(dict.fromkeys(re.findall(r"[A-Z][a-z]+", text)))[:3] or ["someone"]
    return [{"entity": name, "entity_type": "thing"} for name in names]
