"""The reply protocol: what an agent may say, how it is read, and the system prompt that tells it so.

- :mod:`~agemem_gym.protocol.reply`: :class:`Reply`, its errors, and :func:`call_reply`, which writes what `parse` reads
- :mod:`~agemem_gym.protocol.dialects`: :func:`parse`, and the :data:`DIALECTS` in which models write
- :mod:`~agemem_gym.protocol.prompt`: :func:`make_prompt`: what an agent is told; and what is said of the stages
"""

from agemem_gym.protocol.dialects import DIALECTS, fitted, make_dialects, parse
from agemem_gym.protocol.prompt import STAGES_PROMPT, PromptMaker, compact_prompt, make_prompt, system_prompt
from agemem_gym.protocol.reply import (
    FORMAT_ERRORS,
    MAX_CALLS_PER_REPLY,
    MAX_REPLY_CHARACTERS,
    Reply,
    ToolCall,
    bounded,
    call_reply,
    encodable,
    reply_text,
)

__all__ = [
    "DIALECTS",
    "FORMAT_ERRORS",
    "MAX_CALLS_PER_REPLY",
    "MAX_REPLY_CHARACTERS",
    "STAGES_PROMPT",
    "PromptMaker",
    "Reply",
    "ToolCall",
    "bounded",
    "call_reply",
    "compact_prompt",
    "encodable",
    "fitted",
    "make_dialects",
    "make_prompt",
    "parse",
    "reply_text",
    "system_prompt",
]
