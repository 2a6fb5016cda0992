"""How a reply looks in each dialect: the inverse of :func:`agemem_gym.protocol.parse`, for tests, benchmarks and data.

Example:
    >>> import random
    >>> from agemem_gym.protocol import parse
    >>> paris = Reply(think="easy", answer="Paris")
    >>> written(paris, "", random.Random(0))
    '<think>easy</think><answer>Paris</answer>'
    >>> written(paris, "opened_think", random.Random(0))
    'easy</think><answer>Paris</answer>'
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from agemem_gym.protocol.reply import Reply, ToolCall, call_reply, reply_text, write_thought

Writer = Callable[[Reply, Random], "str | None"]

_PROSE = ("Sure, here is my reply.", "Let me do that.", "I think this is right:", "Okay.")
_AFTERWORDS = ("I hope this helps!", "That should do.", "Let me know what comes next.")
_ENDS = ("<|im_end|>", "<|eot_id|>", "</s>", "<end_of_turn>", "<|endoftext|>", "<｜end▁of▁sentence｜>")
_STARTS = (
    "<|im_start|>assistant\n",
    "<|start_header_id|>assistant<|end_header_id|>\n\n",
    "<start_of_turn>model\n",
    "<s>",
)
_TURNS = (
    "<|im_end|>\n<|im_start|>user\nNothing happens.<|im_end|>\n<|im_start|>assistant\n",
    "\nObservation: Nothing happens.\n",
    "\n\n[user] Nothing happens.\n\n[assistant] ",
    "<end_of_turn>\n<start_of_turn>user\nNothing happens.<end_of_turn>\n<start_of_turn>model\n",
)


def written(reply: Reply, dialect: str, rng: Random) -> str | None:
    """The reply in a dialect, to the letter for ``""``; None where the dialect cannot say it."""
    return reply_text(reply) if not dialect else _WRITERS[dialect](reply, rng)


def _block(reply: Reply) -> str:
    return reply_text(replace(reply, think=None))


def _json(call: ToolCall) -> str:
    return json.dumps({"name": call.name, "arguments": dict(call.arguments)}, ensure_ascii=False)


def _array(reply: Reply) -> str:
    return "[" + ", ".join(map(_json, reply.tool_calls)) + "]"


def _calls_only(write: Callable[[Reply, Random], str]) -> Writer:
    """A writer for replies that call tools."""
    return lambda reply, rng: write_thought(reply.think) + write(reply, rng) if reply.tool_calls else None


def _opened_think(reply: Reply, rng: Random) -> str | None:
    return None if reply.think is None else reply_text(reply).removeprefix("<think>")


def _thoughts(reply: Reply, rng: Random) -> str | None:
    if reply.think is None:
        return None
    return f"<thinking>{reply.think}</thinking>\n{_block(reply)}"


def _tag_case(reply: Reply, rng: Random) -> str:
    name = "tool_call" if reply.tool_calls else "action" if reply.action is not None else "answer"
    other = rng.choice((name.upper(), name.title(), f" {name} "))
    inner = _block(reply)[len(name) + 2 : -len(name) - 3]
    return write_thought(reply.think) + f"<{other}>{inner}</{other.rstrip()}>"


def _several_calls(reply: Reply, rng: Random) -> str:
    if rng.random() < 0.3:
        return "<tool_call>" + "\n".join(map(_json, reply.tool_calls)) + "\n</tool_call>"
    return "\n".join(f"<tool_call>\n{_json(call)}\n</tool_call>" for call in reply.tool_calls)


def _unclosed(reply: Reply, rng: Random) -> str:
    text = reply_text(reply)
    tag = text.rindex("</")
    return text[: tag + rng.choice((0, 0, 0, 1, 2, 5))]


def _fence(reply: Reply, rng: Random) -> str:
    if reply.tool_calls and rng.random() < 0.5:
        return write_thought(reply.think) + f"<tool_call>\n```json\n{_array(reply)}\n```\n</tool_call>"
    return write_thought(reply.think) + f"```{rng.choice(('', 'xml', 'text'))}\n{_block(reply)}\n```"


def _prose(reply: Reply, rng: Random) -> str:
    before, after = rng.choice(((1, 0), (0, 1), (1, 1)))
    text = f"{rng.choice(_PROSE)}\n\n" * before + _block(reply) + f"\n\n{rng.choice(_AFTERWORDS)}" * after
    return write_thought(reply.think) + text


def _end_token(reply: Reply, rng: Random) -> str:
    return rng.choice(("", "", *_STARTS)) + reply_text(reply) + rng.choice(("", "\n")) + rng.choice(_ENDS)


def _plays_on(reply: Reply, rng: Random) -> str:
    other = rng.choice(
        ("<answer>unknown</answer>", "<action>look</action>", call_reply(("Add_memory", {"content": "?"})))
    )
    return reply_text(reply) + rng.choice(_TURNS) + other


def _json_repair(reply: Reply, rng: Random) -> str:
    text = "[" + ", ".join(map(_json, reply.tool_calls)) + "]"
    fault = rng.randrange(4)
    if fault == 0:
        text = text.replace("}}", ",}}")
    elif fault == 1 and not any(mark in text for mark in "'\\"):
        text = text.replace('"', "'")
    elif fault == 2 and len(reply.tool_calls) == 1:
        text = text[1:-2]
    else:
        text += rng.choice(("]", "}", "}]"))
    return f"<tool_call>{text}</tool_call>"


def _keys(reply: Reply, rng: Random) -> str:
    shape = rng.randrange(3)
    calls: list[dict[str, Any]] = []
    for call in reply.tool_calls:
        if shape == 0 or not call.arguments:
            calls.append({"name": call.name, rng.choice(("parameters", "args", "input")): dict(call.arguments)})
        elif shape == 1:
            calls.append({"tool": call.name, "arguments": dict(call.arguments)})
        else:
            calls.append({"name": call.name, **call.arguments})
    return f"<tool_call>{json.dumps(calls)}</tool_call>".replace("\\n", "\\n")


def _names(reply: Reply, rng: Random) -> str:
    def other(name: str) -> str:
        return rng.choice((name.lower(), name.upper(), name.replace("_", ""), name.title().replace("_", "-")))

    return call_reply(*((other(call.name), call.arguments) for call in reply.tool_calls))


def _values(reply: Reply, rng: Random) -> str:
    def text(value: Any) -> Any:
        return json.dumps(value) if isinstance(value, (bool, int, dict)) else value

    return call_reply(*((c.name, {key: text(value) for key, value in c.arguments.items()}) for c in reply.tool_calls))


def _bare_json(reply: Reply, rng: Random) -> str:
    if rng.random() < 0.5:
        return _json(reply.tool_calls[0]) if len(reply.tool_calls) == 1 else _array(reply)
    calls = [
        {
            "id": f"call_{i}",
            "type": "function",
            "function": {"name": c.name, "arguments": json.dumps(dict(c.arguments))},
        }
        for i, c in enumerate(reply.tool_calls)
    ]
    return json.dumps({"role": "assistant", "content": None, "tool_calls": calls})


def _react(reply: Reply, rng: Random) -> str | None:
    if len(reply.tool_calls) > 1:
        return None
    thought = f"Thought: {reply.think}" + rng.choice(("\n", " ")) if reply.think is not None else ""
    if reply.tool_calls:
        call = reply.tool_calls[0]
        body = f"Action: {call.name}\nAction Input: {json.dumps(dict(call.arguments))}"
        return thought.replace("? ", "?\n") + body
    if reply.action is not None:
        return f"{thought}Action: {reply.action}"
    return f"{thought}{rng.choice((f'Final Answer: {reply.answer}', f'Action: Finish[{reply.answer}]'))}"


def _plain_answer(reply: Reply, rng: Random) -> str | None:
    return None if reply.answer is None else write_thought(reply.think) + reply.answer


def _python(reply: Reply, rng: Random) -> str:
    calls = [
        f"{call.name}({', '.join(f'{key}={value!r}' for key, value in call.arguments.items())})"
        for call in reply.tool_calls
    ]
    return f"```tool_code\n{chr(10).join(calls)}\n```" if rng.random() < 0.5 else f"[{', '.join(calls)}]"


def _mistral(reply: Reply, rng: Random) -> str:
    if rng.random() < 0.5:
        return f"[TOOL_CALLS]{_array(reply)}</s>"
    named = "".join(f"[TOOL_CALLS]{c.name}[ARGS]{json.dumps(dict(c.arguments))}" for c in reply.tool_calls)
    return f"{named}</s>"


def _llama(reply: Reply, rng: Random) -> str:
    calls = ({"name": call.name, "parameters": dict(call.arguments)} for call in reply.tool_calls)
    return "<|python_tag|>" + "; ".join(map(json.dumps, calls)) + "<|eom_id|>"


def _function_tags(reply: Reply, rng: Random) -> str:
    if rng.random() < 0.5:
        return "".join(f"<function={c.name}>{json.dumps(dict(c.arguments))}</function>" for c in reply.tool_calls)
    return "\n".join(
        f"<tool_call>\n<function={call.name}>\n"
        + "".join(f"<parameter={key}>\n{_bare_value(value)}\n</parameter>\n" for key, value in call.arguments.items())
        + "</function>\n</tool_call>"
        for call in reply.tool_calls
    )


def _glm(reply: Reply, rng: Random) -> str:
    return "\n".join(
        f"<tool_call>{call.name}\n"
        + "".join(
            f"<arg_key>{k}</arg_key>\n<arg_value>{_bare_value(v)}</arg_value>\n" for k, v in call.arguments.items()
        )
        + "</tool_call>"
        for call in reply.tool_calls
    )


def _bare_value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _deepseek(reply: Reply, rng: Random) -> str:
    calls = "\n".join(
        f"<｜tool▁call▁begin｜>function<｜tool▁sep｜>{call.name}\n```json\n{json.dumps(dict(call.arguments))}\n```<｜tool▁call▁end｜>"
        for call in reply.tool_calls
    )
    return f"<｜tool▁calls▁begin｜>{calls}<｜tool▁calls▁end｜><｜end▁of▁sentence｜>"


def _harmony(reply: Reply, rng: Random) -> str | None:
    if len(reply.tool_calls) > 1:
        return None
    thought = f"<|channel|>analysis<|message|>{reply.think}<|end|><|start|>assistant" if reply.think is not None else ""
    if reply.tool_calls:
        call = reply.tool_calls[0]
        arguments = json.dumps(dict(call.arguments))
        return (
            f"{thought}<|channel|>commentary to=functions.{call.name} <|constrain|>json<|message|>{arguments}<|call|>"
        )
    return f"{thought}<|channel|>final<|message|>{_block(reply)}<|return|>"


def _wrapped(reply: Reply, rng: Random) -> str:
    name = rng.choice(("tool_calls", "function_call", "|tool_call|"))
    return f"<{name}>{_array(reply)}</{name}>" if name[0] != "|" else f"<{name}>{_array(reply)}<|/tool_call|>"


_WRITERS: dict[str, Writer] = {
    "opened_think": _opened_think,
    "thoughts": _thoughts,
    "tag_case": _tag_case,
    "several_calls": _calls_only(_several_calls),
    "unclosed": _unclosed,
    "fence": _fence,
    "prose": _prose,
    "end_token": _end_token,
    "plays_on": _plays_on,
    "json_repair": _calls_only(_json_repair),
    "keys": _calls_only(_keys),
    "names": _calls_only(_names),
    "values": _calls_only(_values),
    "bare_json": _calls_only(_bare_json),
    "react": _react,
    "plain_answer": _plain_answer,
    "python": _calls_only(_python),
    "mistral": _calls_only(_mistral),
    "llama": _calls_only(_llama),
    "function_tags": _calls_only(_function_tags),
    "glm": _calls_only(_glm),
    "deepseek": _calls_only(_deepseek),
    "harmony": _harmony,
    "wrapped": _calls_only(_wrapped),
}
