"""What an agent is told: the reply format, the tools, and the curriculum's stages.

``prompt_style="full"`` shows the tools' JSON schemas, as a chat template would; ``"compact"`` the same contract as signatures,
in at most a third of the tokens; ``"native"`` leaves the tools out, for models that are given them as functions. Or a user's
own function says it: see :func:`make_prompt`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agemem_gym.checks import did_you_mean
from agemem_gym.errors import ConfigurationError

PromptMaker = Callable[[Sequence[Mapping[str, Any]], int, str], str]
"""Makes the system message of the tools' schemas, the context's budget in tokens, and what the engine understands."""

_SYSTEM_PROMPT = """\
You solve a task step by step and manage your own memory while you do.
Your context (short-term memory) holds at most {budget} tokens. Your long-term memory outlives the context, but you see \
of it only what you retrieve.

Reply with an optional <think>…</think> block and then exactly one of
<tool_call>[{{"name": "…", "arguments": {{…}}}}, …]</tool_call>  to call one or more memory tools,
{action}<answer>…</answer>  to give your answer.

Memory tools:
{tools}"""


_COMPACT_PROMPT = """\
Solve the task. Your context holds {budget} tokens; long-term memory outlives it, and you see of it what you retrieve.
Reply: optional <think>…</think>, then exactly one of
<tool_call>[{{"name": "…", "arguments": {{…}}}}, …]</tool_call>
{action}<answer>…</answer>
Tools (? optional):
{tools}"""

_NATIVE_PROMPT = """\
You solve a task step by step and manage your own memory while you do.
Your context (short-term memory) holds at most {budget} tokens. Your long-term memory outlives the context, but you see \
of it only what you retrieve.

{tools}
{action}<answer>…</answer>  to give your answer."""

STAGES_PROMPT = (
    "This episode has stages. At first people only talk to you, one message at a time; keep what may be of use later in "
    "long-term memory, and reply <answer>…</answer> to go on to the next message. Your context may be cleared in between: only "
    "long-term memory surely stays. Not everything that is said matters or is true. At last you are given a task."
)
"""What an agent is told of the curriculum; stands beside the system prompt."""


def system_prompt(schemas: Sequence[Mapping[str, Any]], token_budget: int, commands: str) -> str:
    """The system message: reply format, commands of the engine, and the tools with their schemas.

    Args:
        schemas: the tools in OpenAI function form, as :meth:`agemem_gym.tools.ToolSet.schemas` gives them.
        token_budget: size of the context in tokens.
        commands: what the engine understands (:attr:`agemem_gym.task.TaskStart.commands`); empty for question tasks.
    """
    action = "<action>…</action>  to act in the environment,\n" if commands else ""
    tools = "\n".join(json.dumps(schema["function"], ensure_ascii=False) for schema in schemas)
    prompt = _SYSTEM_PROMPT.format(budget=token_budget, action=action, tools=tools or "(none)")
    return f"{prompt}\n\nActions: {commands}" if commands else prompt


def compact_prompt(schemas: Sequence[Mapping[str, Any]], token_budget: int, commands: str) -> str:
    """The contract of :func:`system_prompt` with the tools as signatures."""
    action = "<action>…</action>\n" if commands else ""
    tools = "\n".join(_signature(schema["function"]) for schema in schemas)
    prompt = _COMPACT_PROMPT.format(budget=token_budget, action=action, tools=tools or "(none)")
    return f"{prompt}\nActions: {commands}" if commands else prompt


def native_prompt(schemas: Sequence[Mapping[str, Any]], token_budget: int, commands: str) -> str:
    """The contract of :func:`system_prompt` for a model that is given the tools as functions, and calls them so."""
    action = "<action>…</action>  to act in the environment,\n" if commands else ""
    tools = (
        "Call one or more of the memory tools, or reply with exactly one of" if schemas else "Reply with exactly one of"
    )
    prompt = _NATIVE_PROMPT.format(budget=token_budget, action=action, tools=tools)
    return f"{prompt}\n\nActions: {commands}" if commands else prompt


def make_prompt(spec: str | PromptMaker) -> PromptMaker:
    """What makes the system message: ``"full"``, ``"compact"``, ``"native"``, or a callable as :func:`system_prompt` is one.

    Raises:
        ConfigurationError: it is none of these; or, when the prompt is made, the callable gave no text.
    """
    if callable(spec):
        return _checked(spec)
    if not isinstance(spec, str) or spec not in _STYLES:
        hint = did_you_mean(spec, _STYLES)
        raise ConfigurationError(f"prompt_style={spec!r}: expected 'full', 'compact', 'native' or a callable{hint}")
    return _STYLES[spec]


def _checked(maker: PromptMaker) -> PromptMaker:
    def make(schemas: Sequence[Mapping[str, Any]], token_budget: int, commands: str) -> str:
        prompt = maker(schemas, token_budget, commands)
        if not isinstance(prompt, str) or not prompt.strip():
            raise ConfigurationError(f"system_prompt= has to return text, not {prompt!r:.100}")
        return prompt

    return make


_STYLES: Mapping[str, PromptMaker] = {"full": system_prompt, "compact": compact_prompt, "native": native_prompt}
_SHORT_TYPES = {"string": "", "integer": "int", "number": "float", "boolean": "bool", "object": "{}", "array": "[]"}


def _signature(function: Mapping[str, Any]) -> str:
    parameters = function["parameters"]
    required = parameters.get("required", ())
    arguments = ", ".join(
        _argument(name, schema, name in required) for name, schema in parameters["properties"].items()
    )
    meaning = [schema["description"] for schema in parameters["properties"].values() if "description" in schema]
    only = (
        f" {next(iter(parameters['properties']))}: {meaning[0]}"
        if len(parameters["properties"]) == len(meaning) == 1
        else ""
    )
    return f"{function['name']}({arguments}): {function['description']}{only}"


def _argument(name: str, schema: Mapping[str, Any], required: bool) -> str:
    kind = _SHORT_TYPES.get(str(schema.get("type", "")), str(schema.get("type", "")))
    default = "" if schema.get("default") is None else f"={schema['default']}"
    return f"{name}{'' if required or default else '?'}{':' if kind else ''}{kind}{default}"
