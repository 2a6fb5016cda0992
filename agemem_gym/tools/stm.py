"""The tools of short-term memory: SUMMARY and FILTER. AgeMem (arXiv:2601.01885), sec. 3.1 and eq. 14-15."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from agemem_gym.checks import one_of
from agemem_gym.tools.effects import Removed
from agemem_gym.tools.tool import Arguments as ArgumentModel
from agemem_gym.tools.tool import Scene, Tool, ToolError, ToolResult

_WHOLE = ("all", "full")
_ROUNDS = re.compile(r"[1-9]\d{0,8}")


def _number_as_text(value: Any) -> Any:
    """Agents write ``"span": 3`` as often as ``"3"``; both mean the same."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class SummaryContext(Tool):
    """SUMMARY: a span of the context is replaced by one summary (eq. 14)."""

    name = "Summary_context"
    target = "STM"
    description = "Replace messages of your context by one summary. The system message and the task always stay."

    class Arguments(ArgumentModel):
        """Arguments of SUMMARY."""

        span: Annotated[str, BeforeValidator(_number_as_text)] = Field(
            description="'all' (or 'full') for every message, or a number N for the last N messages."
        )

    def run(self, arguments: Arguments, scene: Scene) -> ToolResult:
        """Summarise; the result tells how many tokens that saved."""
        span = arguments.span.strip().lower()
        if span not in _WHOLE and not _ROUNDS.fullmatch(span):
            raise ToolError(f"span must be 'all' or a positive number, not {arguments.span!r}.")
        before = scene.context.tokens
        count = None if span in _WHOLE else int(span)
        replaced = scene.context.summarise(count, scene.summariser, keep=(scene.reply_id,))
        if not replaced:
            some = any(not message.protected and message.id != scene.reply_id for message in scene.context)
            raise ToolError("A summary would not be shorter." if some else "There is nothing to summarise.")
        ids = tuple(message.id for message in replaced)
        summary = next(message.id for message in scene.context if message.kind == "summary" and message.sources == ids)
        return ToolResult(
            f"Replaced {len(replaced)} messages by a summary: {before} tokens became {scene.context.tokens}.",
            effect=Removed(ids, before - scene.context.tokens, summary),
        )


FilterMode = Literal["remove", "keep"]
"""What the criteria of FILTER describe."""

_MODES: Mapping[FilterMode, tuple[str, str]] = {
    "remove": (
        "Remove from your context every message that matches a description. The system message and the task stay.",
        "Describes what to REMOVE.",
    ),
    "keep": (
        "Remove from your context every message that does not match a description. The system message and the task stay.",
        "Describes what to KEEP.",
    ),
}


class FilterContext(Tool):
    """FILTER: every message that matches the criteria is dropped (eq. 15).

    Args:
        mode: ``"remove"``, the paper's: messages with a similarity of at least θ go; ``"keep"``: those under θ go.
    """

    name = "Filter_context"
    target = "STM"
    description = _MODES["remove"][0]

    class Arguments(ArgumentModel):
        """Arguments of FILTER."""

        criteria: str = Field(min_length=1, description=_MODES["remove"][1])

    def __init__(self, mode: FilterMode = "remove") -> None:
        one_of("filter_mode", mode, tuple(_MODES))
        self.mode = mode

    def schema(self) -> dict[str, Any]:
        """The tool in OpenAI function form; the descriptions are those of the mode."""
        schema = super().schema()
        schema["function"]["description"], criteria = _MODES[self.mode]
        schema["function"]["parameters"]["properties"]["criteria"]["description"] = criteria
        return schema

    def run(self, arguments: Arguments, scene: Scene) -> ToolResult:
        """Filter; the result tells how many messages and tokens are gone."""
        before = scene.context.tokens
        dropped = scene.context.filter(
            arguments.criteria,
            scene.similarity,
            scene.filter_threshold,
            keep=(scene.reply_id,),
            matching=self.mode == "remove",
        )
        removed = tuple(message.id for message, _ in dropped)
        saved = before - scene.context.tokens
        nothing = "No message matched" if self.mode == "remove" else "Every message matched"
        text = f"Removed {len(removed)} messages ({saved} tokens)." if removed else f"{nothing}; nothing was removed."
        return ToolResult(text, effect=Removed(removed, saved))
