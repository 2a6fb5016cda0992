"""What a message says and what it takes back, and which entries of memory are shown beside it: told by the wording alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agemem_gym.stream.places import at_place, place_of

_TAKES_BACK = re.compile(
    r"(?:[^.!?:]*\b(?:no longer (?:true|so)(?: that)?|changed since|do not rely on it)\s*:\s*)(?P<old>\S.*)$",
    re.IGNORECASE | re.DOTALL,
)
_ENTRY = re.compile(
    r"^(?P<id>\S+) \(-?\d\.\d+\): (?P<content>.*?)(?=^\S+ \(-?\d\.\d+\): |\Z)", re.MULTILINE | re.DOTALL
)
_NUMBER = re.compile(r"\[(?P<number>\d+)\] ")
_SHOWN = "Entries of memory near this message:\n"


@dataclass(frozen=True)
class Message:
    """A message.

    Attributes:
        states: what it says holds; may be empty.
        takes_back: what it says does not hold any more; empty if nothing.
        place: of which place of a stream it says so; empty where it names none.
    """

    states: str
    takes_back: str = ""
    place: str = ""

    @property
    def content(self) -> str:
        """What is to be kept of it: what it states, and of which place."""
        return at_place(self.place, self.states) if self.place else self.states

    @property
    def former(self) -> str:
        """What an entry that it takes back may say."""
        return at_place(self.place, self.takes_back) if self.place else self.takes_back


@dataclass(frozen=True)
class Entry:
    """An entry of long-term memory as it is shown to an agent."""

    id: str
    content: str


def understood(text: str) -> Message:
    """A message by its wording.

    Example:
        >>> understood("By the way, the fork 1 is in the drawer 2.")
        Message(states='By the way, the fork 1 is in the drawer 2.', takes_back='', place='')
        >>> understood("The fork 1 is on the desk 1. It is no longer true that: The fork 1 is in the drawer 2.")
        Message(states='The fork 1 is on the desk 1.', takes_back='The fork 1 is in the drawer 2.', place='')
        >>> understood("Please forget this, it has changed since: The fork 1 is in the drawer 2.")
        Message(states='', takes_back='The fork 1 is in the drawer 2.', place='')
        >>> understood("At Fir Lane: The ball is blue.")
        Message(states='The ball is blue.', takes_back='', place='Fir Lane')
    """
    place, said = place_of(text.strip())
    match = _TAKES_BACK.search(said)
    if match:
        return Message(said[: match.start()].strip(), match["old"].strip(), place)
    return Message(said.strip(), place=place)


def shown_entries(messages: Sequence[Mapping[str, str]]) -> list[Entry]:
    """The entries that the env puts beside a message of stage 1, best first; none if the last message shows none.

    Example:
        >>> shown_entries([{"role": "tool", "content": "Entries of memory near this message:\\nm1 (0.83): It rains."}])
        [Entry(id='m1', content='It rains.')]
    """
    last = messages[-1] if messages else {}
    if last.get("role") != "tool" or not str(last["content"]).startswith(_SHOWN):
        return []
    return [Entry(m["id"], m["content"].strip()) for m in _ENTRY.finditer(last["content"].removeprefix(_SHOWN))]


def without_numbers(messages: Sequence[Mapping[str, str]]) -> tuple[list[dict[str, str]], list[int]]:
    """Messages without the numbers that stand before them, and the numbers of those of users.

    Example:
        >>> without_numbers([{"role": "user", "content": "[3] It rains."}, {"role": "tool", "content": "[4] Hm."}])
        ([{'role': 'user', 'content': 'It rains.'}, {'role': 'tool', 'content': 'Hm.'}], [3])
    """
    plain, numbers = [], []
    for message in messages:
        number = _NUMBER.match(message["content"])
        plain.append({**message, "content": message["content"][number.end() :] if number else message["content"]})
        if number and message["role"] == "user":
            numbers.append(int(number["number"]))
    return plain, numbers


def retrieved_entries(tool_results: Sequence[Mapping[str, Any]]) -> list[Entry]:
    """The entries that RETRIEVE has just found, those of the first call first, each once."""
    found: dict[str, str] = {}
    for result in tool_results:
        for entry_id, content in zip(result["data"].get("ids", ()), result["data"].get("contents", ()), strict=True):
            found.setdefault(entry_id, content)
    return [Entry(entry_id, content) for entry_id, content in found.items()]
