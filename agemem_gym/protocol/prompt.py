"""What an agent is told: the reply format, the tools, and the curriculum's stages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

_SYSTEM_PROMPT = """\
You solve a task step by step and manage your own memory while you do.
Your context (short-term memory) holds at most {budget} tokens. Your long-term memory outlives the context, but you see \
of it only what you retrieve.

Reply with an optional <think>…</think> block and then exactly one of
<tool_call>[{{"name": "…", "arguments": {{…}}}}, …]</tool_call>  to call one or more memory tools,
{action}<answer>…</answer>  to give your answer.

Memory tools:
{tools}"""


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
