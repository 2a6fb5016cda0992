"""Whether a model can speak to these envs at all: the paper's first experiment, a tool-format check of an untrained model.

Each of the six tools, an action and an answer, asked for in plain words in a context as the envs make it; what comes is read to
the letter and with all dialects, and looked at: the right tool, the right arguments. Zero-shot, and with examples::

    report = check_model(model, shots=(0, 2))
    report.lines                   a Line for each number of shots and kind of reply
    report.failures                what went wrong, a few of each
    report.advice                  sentences: shots, dialects, stop texts, length
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agemem_gym.chat import ChatError, ChatModel, Completion, Sampling, complete_each
from agemem_gym.chat.turns import TemplateRules, turns
from agemem_gym.checks import at_least
from agemem_gym.protocol import Reply, call_reply, make_prompt, parse
from agemem_gym.tools import make_tools

KINDS = ("ADD", "UPDATE", "DELETE", "RETRIEVE", "SUMMARY", "FILTER", "action", "answer")
_COMMANDS = "go to <thing>, open <thing>, take <thing>."
_RULES = TemplateRules(system="merge", alternate=True, tool_role="user")
_EXAMPLES = (1003, 1004, 1008)
_FEW = 0.8
"""Share of right replies from which on nothing has to be advised."""


@dataclass(frozen=True)
class Case:
    """One thing that is asked for.

    Attributes:
        kind: one of :data:`KINDS`.
        said: what the model is told, a user message each.
        wanted: a reply to the letter.
        is_right: whether a reply does it.
    """

    kind: str
    said: tuple[str, ...]
    wanted: str
    is_right: Callable[[Reply], bool]


@dataclass(frozen=True)
class Tried:
    """What a model replied to a case.

    Attributes:
        error: why there is no reply, or empty.
        strict: it keeps to the letter.
        dialect: how it could be read; empty to the letter or not at all.
        valid: it could be read.
        right: it does what was asked for.
    """

    case: Case
    shots: int
    text: str
    finish_reason: str
    error: str
    strict: bool
    dialect: str
    valid: bool
    right: bool


@dataclass(frozen=True)
class Line:
    """All replies of one kind: shares in [0, 1].

    Attributes:
        dialects: which were needed, with how often.
    """

    shots: int
    kind: str
    count: int
    strict: float
    valid: float
    right: float
    dialects: Mapping[str, int]


@dataclass(frozen=True)
class Report:
    """What came of a check."""

    tried: tuple[Tried, ...]
    lines: tuple[Line, ...]

    @property
    def failures(self) -> list[Tried]:
        """One reply that is not right for each number of shots and kind."""
        first: dict[tuple[int, str], Tried] = {}
        for tried in self.tried:
            if not tried.right:
                first.setdefault((tried.shots, tried.case.kind), tried)
        return list(first.values())

    def share_right(self, shots: int) -> float:
        """Of all replies with so many shots."""
        rights = [tried.right for tried in self.tried if tried.shots == shots]
        return sum(rights) / len(rights) if rights else 0.0

    @property
    def advice(self) -> list[str]:
        """What to do, in sentences; at least one."""
        return list(_advice(self))


def check_model(
    model: ChatModel,
    *,
    shots: Sequence[int] = (0, 2),
    samples: int = 3,
    sampling: Sampling | None = None,
    prompt_style: str = "full",
) -> Report:
    """Ask a model for each kind of reply.

    Args:
        model: it.
        shots: numbers of examples, 0 to 3; an example is one exchange of each kind.
        samples: cases of each kind.
        sampling: how replies are drawn; greedy, of at most 256 tokens, by default.
        prompt_style: how it is told the protocol, as for the envs.
    """
    sampling = sampling or Sampling(max_tokens=256)
    system = make_prompt(prompt_style)(make_tools(None).schemas(), 8192, _COMMANDS)
    wanted = [case for number in range(at_least("samples", samples)) for case in cases(number)]
    tried: list[Tried] = []
    for count in dict.fromkeys(shots):
        prompts = [turns(_messages(system, case, count), _RULES) for case in wanted]
        results = complete_each(model, prompts, sampling)
        tried += [_judged(case, count, result) for case, result in zip(wanted, results, strict=True)]
    return Report(tuple(tried), tuple(_lines(tried)))


_THINGS = ("lamp", "cup", "kettle", "blanket", "notebook", "vase", "radio")
_PLACES = ("kitchen", "attic", "garage", "hall", "cellar", "study", "garden")


def cases(number: int) -> list[Case]:
    """One case of each kind; another number gives other things, places and ids."""
    thing, other = _THINGS[number % 7], _THINGS[(number + 3) % 7]
    place, new = _PLACES[(2 * number) % 7], _PLACES[(2 * number + 3) % 7]
    here, there = 2 + number % 5, 3 + number % 5
    shown = f"m{here} (0.81): The {thing} is in the {place}.\nm{there} (0.44): The {other} is in the {new}."
    entries = f"Entries of memory near this message:\n{shown}"
    return [
        Case(
            "ADD",
            (f"The {thing} is in the {place}. Store this in long-term memory.",),
            call_reply(("Add_memory", {"content": f"The {thing} is in the {place}."})),
            _calls("Add_memory", content=_has(thing, place)),
        ),
        Case(
            "UPDATE",
            (f"{entries}\n\nThe {thing} is in the {new} now. Update the entry that is out of date.",),
            call_reply(("Update_memory", {"memory_id": f"m{here}", "content": f"The {thing} is in the {new}."})),
            _calls("Update_memory", memory_id=_is(f"m{here}"), content=_has(thing, new)),
        ),
        Case(
            "DELETE",
            (f"{entries}\n\nThe {other} is gone for good. Delete the entry about it.",),
            call_reply(("Delete_memory", {"memory_id": f"m{there}", "confirmation": True})),
            _calls("Delete_memory", memory_id=_is(f"m{there}"), confirmation=_is("True")),
        ),
        Case(
            "RETRIEVE",
            (f"Where is the {thing}? Look it up in long-term memory.",),
            call_reply(("Retrieve_memory", {"query": f"Where is the {thing}?"})),
            _calls("Retrieve_memory", query=_has(thing)),
        ),
        Case(
            "SUMMARY",
            (
                f"The {thing} was painted.",
                f"Somebody talked about the {place}.",
                "Replace the whole conversation by a summary.",
            ),
            call_reply(("Summary_context", {"span": "all"})),
            _calls("Summary_context", span=_is("all", "full")),
        ),
        Case(
            "FILTER",
            (
                f"The weather in the {place} is fine.",
                f"The {thing} is heavy.",
                "Remove what was said about the weather from your context.",
            ),
            call_reply(("Filter_context", {"criteria": "the weather"})),
            _calls("Filter_context", criteria=_has("weather")),
        ),
        Case(
            "action",
            (f"You see a {thing} {here} and a {other} {there}. Go to the {thing}.",),
            f"<action>go to {thing} {here}</action>",
            lambda reply: _plain(reply.action) == f"go to {thing} {here}",
        ),
        Case(
            "answer",
            (f"The {thing} is in the {place}. In which room is the {thing}? Give your answer.",),
            f"<answer>{place}</answer>",
            lambda reply: re.search(rf"\b{place}\b", _plain(reply.answer)) is not None,
        ),
    ]


def _calls(name: str, **arguments: Callable[[str], bool]) -> Callable[[Reply], bool]:
    """Whether a reply calls one tool, with arguments that pass."""

    def is_right(reply: Reply) -> bool:
        if len(reply.tool_calls) != 1 or reply.tool_calls[0].name != name:
            return False
        given = reply.tool_calls[0].arguments
        return all(check(str(given.get(argument, ""))) for argument, check in arguments.items())

    return is_right


def _has(*words: str) -> Callable[[str], bool]:
    return lambda text: all(word in text.lower() for word in words)


def _is(*values: str) -> Callable[[str], bool]:
    return lambda text: text in values


def _plain(text: str | None) -> str:
    return " ".join((text or "").lower().strip(" .").split())


def _messages(system: str, case: Case, shots: int) -> list[dict[str, str]]:
    """What the model is asked with: examples are cases of other numbers, none of which is asked for."""
    messages = [{"role": "system", "content": system}]
    for number in _EXAMPLES[:shots]:
        for example in cases(number):
            messages += [{"role": "user", "content": said} for said in example.said]
            messages.append({"role": "assistant", "content": example.wanted})
    return messages + [{"role": "user", "content": said} for said in case.said]


def _judged(case: Case, shots: int, result: Completion | ChatError) -> Tried:
    if isinstance(result, ChatError):
        return Tried(case, shots, "", "", str(result), False, "", False, False)
    text = result.text
    if result.tool_calls and not text.strip():
        text = "\n".join(f"<tool_call>{call.get('function')}</tool_call>" for call in result.tool_calls)
    tools = make_tools(None)
    strict = parse(text, dialects="strict").format_error is None and text.strip().endswith(">")
    reply = parse(text, tools=tools)
    valid = reply.format_error is None
    return Tried(
        case, shots, text, result.finish_reason, "", strict, reply.dialect, valid, valid and case.is_right(reply)
    )


def _lines(tried: Sequence[Tried]) -> list[Line]:
    lines = []
    for shots in dict.fromkeys(item.shots for item in tried):
        for kind in KINDS:
            of_kind = [item for item in tried if (item.shots, item.case.kind) == (shots, kind)]
            count = len(of_kind)
            dialects = Counter(item.dialect for item in of_kind if item.valid and item.dialect)
            strict, valid, right = (
                sum(getattr(item, name) for item in of_kind) / count for name in ("strict", "valid", "right")
            )
            lines.append(Line(shots, kind, count, strict, valid, right, dict(dialects)))
    return lines


def _advice(report: Report) -> list[str]:
    counts = list(dict.fromkeys(item.shots for item in report.tried))
    best = max(counts, key=report.share_right)
    said = []
    failed = [item for item in report.tried if item.error]
    if failed:
        said.append(f"{len(failed)} of {len(report.tried)} requests failed: {failed[0].error}")
    cut = [item for item in report.tried if item.finish_reason == "length"]
    if len(cut) > len(report.tried) / 10:
        said.append(
            f"{len(cut)} of {len(report.tried)} replies were cut at the token limit: give stop texts such as </tool_call>, or "
            "a larger max_tokens."
        )
    if best > 0 and report.share_right(best) >= report.share_right(0) + 0.1:
        said.append(
            f"Play it with shots={best}: {report.share_right(best):.0%} of its replies are right then, "
            f"{report.share_right(0):.0%} without."
        )
    needed = Counter(item.dialect for item in report.tried if item.valid and item.dialect)
    if needed:
        named = ", ".join(f"{name} ({count})" for name, count in needed.most_common(3))
        said.append(f"Keep dialects='all', the default: it writes {named}.")
    if report.share_right(best) < _FEW:
        said.append(
            f"Only {report.share_right(best):.0%} of its replies are right at best: train it first on demonstrations "
            "(agemem demos, agemem sft), or take another model."
        )
    return said or ["It speaks the protocol as it is: nothing to do."]
