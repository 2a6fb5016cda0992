"""Messages as a model's chat template takes them.

``info["messages"]`` is plain: a system message, what the agent was told (``user``, ``tool``), and its replies as text.
Templates and endpoints differ in what they refuse: a second system message, two user messages in a row, a tool message without
a call. What one demands is a :class:`TemplateRules`; :func:`template_rules` finds it out by trying, and :func:`turns` makes
the messages fit::

    info["messages"] ─► turns(messages, rules) ─► apply_chat_template, or an endpoint

Nothing is lost by it: every message's text is still there, in its order.

Example:
    >>> messages = [
    ...     {"role": "system", "content": "Be brief."},
    ...     {"role": "user", "content": "A task."},
    ...     {"role": "user", "content": "You see a key."},
    ... ]
    >>> turns(messages, TemplateRules(system="user", alternate=True))
    [{'role': 'user', 'content': 'Be brief.\\n\\nA task.\\n\\nYou see a key.'}]
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from agemem_gym.checks import one_of
from agemem_gym.errors import ConfigurationError, import_extra
from agemem_gym.protocol import Reply, parse
from agemem_gym.protocol.reply import write_thought

Chat = list[dict[str, Any]]
Render = Callable[[Chat], str]
"""Makes the prompt's text; raises where it refuses the messages."""

_BREAK = "\n\n"
_BEGINNING = "(The conversation goes on.)"


@dataclass(frozen=True)
class TemplateRules:
    """What a chat template or an endpoint demands; the defaults suit nearly every one.

    Attributes:
        system: ``"keep"`` system messages as they are, ``"merge"`` them into one at the beginning, or say what they say in the
            first ``"user"`` message.
        alternate: user and assistant have to take turns, the user first.
        tool_role: tool results stay messages of the role ``"tool"``; or stand under the ids of ``"native"`` tool calls; or are
            said by the ``"user"``.
        arguments: of native calls: ``"json"``, a text, as endpoints want them, or ``"object"``, as most templates do.
        single_call: an assistant's message holds at most one native call.
        text_with_calls: an assistant's message may say something beside its native calls; where it may not, a reply that does
            is left as the text it is.
    """

    system: Literal["keep", "merge", "user"] = "merge"
    alternate: bool = False
    tool_role: Literal["tool", "native", "user"] = "user"
    arguments: Literal["json", "object"] = "json"
    single_call: bool = False
    text_with_calls: bool = True

    def __post_init__(self) -> None:
        one_of("system", self.system, ("keep", "merge", "user"))
        one_of("tool_role", self.tool_role, ("tool", "native", "user"))
        one_of("arguments", self.arguments, ("json", "object"))


ENDPOINT = TemplateRules(tool_role="native")
"""An OpenAI-compatible endpoint that is given the tools: every result stands under the id of its call."""


def turns(messages: Iterable[Mapping[str, Any]], rules: TemplateRules | None = None) -> Chat:
    """The messages as `rules` demand them; a fresh list of fresh dicts.

    Args:
        messages: ``{"role", "content"}`` each, as ``info["messages"]`` has them; a reply may have ``"call_ids"`` besides, the
            ids under which its native calls came.
        rules: of the template; the defaults if left out.
    """
    rules = rules or TemplateRules()
    chat = _systems([_plain(message) for message in messages], rules)
    chat = _native(chat, rules) if rules.tool_role == "native" else chat
    chat = [{key: value for key, value in message.items() if key != "call_ids"} for message in chat]
    chat = _without_stray_tools(chat, rules)
    return _alternating(chat) if rules.alternate else chat


def _plain(message: Mapping[str, Any]) -> dict[str, Any]:
    ids = {"call_ids": message["call_ids"]} if "call_ids" in message else {}
    return {"role": message["role"], "content": message.get("content") or "", **ids}


# ------------------------------------------------------------------------------------------------- tool messages


def _native(chat: Chat, rules: TemplateRules) -> Chat:
    """Replies that call tools as native calls, where each call's result follows, under the ids of the calls.

    Where these are not known, ids are running numbers of nine signs.
    """
    made: Chat = []
    position, number = 0, 0
    while position < len(chat):
        message = chat[position]
        results = _results_after(chat, position)
        reply = parse(message["content"]) if message["role"] == "assistant" and results else Reply()
        before = made[-1] if made else {"role": ""}
        beside = reply.think or (rules.alternate and before["role"] == "assistant" and "tool_calls" not in before)
        if len(reply.tool_calls) != len(results) or not results or (beside and not rules.text_with_calls):
            made.append(message)
            position += 1
            continue
        given = message.get("call_ids", ())
        running = [f"call{number + offset:05d}" for offset in range(len(results))]
        ids = list(given) if len(given) == len(results) else running
        calls = [_native_call(reply, index, call_id, rules) for index, call_id in enumerate(ids)]
        said = [_native_result(reply, index, call_id, results[index]) for index, call_id in enumerate(ids)]
        made += _exchange(write_thought(reply.think), calls, said, single=rules.single_call)
        position += 1 + len(results)
        number += len(results)
    return made


def _results_after(chat: Chat, position: int) -> Chat:
    end = position + 1
    while end < len(chat) and chat[end]["role"] == "tool":
        end += 1
    return chat[position + 1 : end]


def _native_call(reply: Reply, index: int, call_id: str, rules: TemplateRules) -> dict[str, Any]:
    call = reply.tool_calls[index]
    arguments = dict(call.arguments)
    given = json.dumps(arguments, ensure_ascii=False) if rules.arguments == "json" else arguments
    return {"id": call_id, "type": "function", "function": {"name": call.name, "arguments": given}}


def _native_result(reply: Reply, index: int, call_id: str, result: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "role": "tool",
        "tool_call_id": call_id,
        "name": reply.tool_calls[index].name,
        "content": result["content"],
    }


def _exchange(thought: str, calls: Chat, results: Chat, *, single: bool) -> Chat:
    if not single:
        return [{"role": "assistant", "content": thought, "tool_calls": calls}, *results]
    pairs = zip(calls, results, strict=True)
    return [
        message
        for index, (call, result) in enumerate(pairs)
        for message in (
            {"role": "assistant", "content": thought if index == 0 else "", "tool_calls": [call]},
            result,
        )
    ]


def _without_stray_tools(chat: Chat, rules: TemplateRules) -> Chat:
    """Tool messages that belong to no reply, or may not be, are said by the user."""
    made: Chat = []
    for message in chat:
        after_reply = bool(made) and made[-1]["role"] in ("assistant", "tool")
        stays = "tool_call_id" in message or (rules.tool_role == "tool" and after_reply)
        made.append(message if message["role"] != "tool" or stays else message | {"role": "user"})
    return made


# ------------------------------------------------------------------------------------------- whose turn it is


def _systems(chat: Chat, rules: TemplateRules) -> Chat:
    systems = [message["content"] for message in chat if message["role"] == "system"]
    if rules.system == "keep" or not systems:
        return chat
    others = [message for message in chat if message["role"] != "system"]
    text = _BREAK.join(systems)
    if rules.system == "merge":
        return [{"role": "system", "content": text}, *others]
    if others and others[0]["role"] == "user":
        return [others[0] | {"content": text + _BREAK + others[0]["content"]}, *others[1:]]
    return [{"role": "user", "content": text}, *others]


def _alternating(chat: Chat) -> Chat:
    """User and assistant in turns: runs are joined, and what the user says after a tool result joins the result."""
    systems = [message for message in chat if message["role"] == "system"]
    made: Chat = []
    for message in (message for message in chat if message["role"] != "system"):
        before = made[-1] if made else {"role": ""}
        same = message["role"] == before["role"] and message["role"] != "tool"
        if (same and "tool_calls" not in before) or (message["role"] == "user" and before["role"] == "tool"):
            joined = _BREAK.join(filter(None, (before["content"], message["content"])))
            made[-1] = before | message | {"role": before["role"], "content": joined}
        else:
            made.append(message)
    if made and made[0]["role"] != "user":
        made.insert(0, {"role": "user", "content": _BEGINNING})
    return systems + made


# ---------------------------------------------------------------------------------------- what a template demands


class Tokenizer(Protocol):
    """What has a chat template, as transformers' tokenizers do."""

    def apply_chat_template(self, conversation: Chat, **options: Any) -> Any:
        """The prompt's text, with ``tokenize=False``."""


def template_rules(template: str | Tokenizer | Render, *, native: bool = False) -> TemplateRules:
    """What a template demands, found out by rendering small chats with it.

    Args:
        template: Jinja source; a tokenizer with a chat template; or a function from messages to text.
        native: use native tool calls if the template has them.

    Raises:
        ConfigurationError: it does not render one user message.
    """
    render = renderer(template)
    if not _shows(render, [_said("user", 1)], 1):
        raise ConfigurationError("the chat template does not render a single user message")
    rules = TemplateRules(system=_system_rule(render), alternate=_alternates(render))
    candidates = [replace(rules, tool_role="native", **form) for form in _FORMS] if native else []
    for tried in (*candidates, replace(rules, tool_role="tool")):
        if all(_shows(render, turns(chat, tried), count) for chat, count in _TOOL_CHATS):
            return (
                replace(tried, text_with_calls=_shows(render, _with_text(tried), 4))
                if tried.tool_role == "native"
                else tried
            )
    return rules


def renderer(template: str | Tokenizer | Render) -> Render:
    """The function from messages to text that a template is; it raises where the template refuses."""
    if isinstance(template, str):
        return _jinja(template)
    if hasattr(template, "apply_chat_template"):
        return lambda chat: str(template.apply_chat_template(chat, tokenize=False, add_generation_prompt=True))
    if callable(template):
        return template
    raise ConfigurationError(f"expected a chat template, a tokenizer or a function, not {type(template).__name__}")


def _jinja(source: str) -> Render:
    """A template as transformers renders it, in a sandbox: templates come from other people."""
    sandbox = import_extra("jinja2.sandbox", "models")
    environment = sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )

    def refuse(message: str) -> None:
        raise ValueError(message)

    environment.globals["raise_exception"] = refuse
    environment.filters["tojson"] = lambda value, **options: json.dumps(value, ensure_ascii=False)
    compiled = environment.from_string(source)
    return lambda chat: str(compiled.render(messages=chat, add_generation_prompt=True, bos_token="", eos_token=""))


def _word(number: int) -> str:
    return f"probe{number}probe"


def _said(role: str, number: int) -> dict[str, Any]:
    return {"role": role, "content": _word(number)}


def _shows(render: Render, chat: Chat, count: int) -> bool:
    """Whether the template takes the chat and shows the words 1 to `count`, each once, in their order."""
    try:
        text = render([dict(message) for message in chat])
    except Exception:  # a template refuses with whatever it likes
        return False
    places = [text.find(_word(number)) for number in range(1, count + 1)]
    return -1 not in places and places == sorted(places)


def _system_rule(render: Render) -> Literal["keep", "merge", "user"]:
    if not _shows(render, [_said("system", 1), _said("user", 2)], 2):
        return "user"
    several = [_said("system", 1), _said("user", 2), _said("assistant", 3), _said("system", 4), _said("user", 5)]
    doubled = [_said("system", 1), _said("system", 2), _said("user", 3)]
    return "keep" if _shows(render, several, 5) and _shows(render, doubled, 3) else "merge"


def _alternates(render: Render) -> bool:
    runs = [_said("user", 1), _said("user", 2), _said("assistant", 3), _said("assistant", 4), _said("user", 5)]
    return not (_shows(render, runs, 5) and _shows(render, [_said("assistant", 1), _said("user", 2)], 2))


def _called(*numbers: int) -> dict[str, Any]:
    calls = [{"name": "Add_memory", "arguments": {"content": _word(number)}} for number in numbers]
    return {"role": "assistant", "content": f"<tool_call>{json.dumps(calls)}</tool_call>"}


_FORMS: Sequence[Mapping[str, Any]] = tuple(
    {"text_with_calls": False, "single_call": single, "arguments": arguments}
    for single in (False, True)
    for arguments in ("object", "json")
)

_TOOL_CHATS: Sequence[tuple[Chat, int]] = (
    ([_said("user", 1), _called(2), _said("tool", 3), _said("user", 4), _said("assistant", 5), _said("user", 6)], 6),
    ([_said("user", 1), _called(2), _said("tool", 3), _called(4), _said("tool", 5)], 5),
    ([_said("user", 1), _called(0, 0), _said("tool", 2), _said("tool", 3), _said("user", 4)], 4),
)


def _with_text(rules: TemplateRules) -> Chat:
    """A chat in which a reply says something and calls a tool."""
    user, called, result = turns([_said("user", 1), _called(3), _said("tool", 4)], rules)
    return [user, called | {"content": _word(2)}, result]
