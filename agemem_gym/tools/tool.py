"""What a memory tool is.

A tool gets its validated arguments and a :class:`Scene` (the context, the memory and what goes with them), does its work,
and returns a :class:`ToolResult`. To refuse, it raises :class:`ToolError`: the agent reads the message, nothing changes.
Whatever else it raises ends the episode, and changes nothing either.

Example:
    >>> class CountMemory(Tool):
    ...     name = "Count_memory"
    ...     target = "LTM"
    ...     description = "Tell how many entries the long-term memory holds."
    ...
    ...     class Arguments(Arguments):
    ...         pass
    ...
    ...     def run(self, arguments, scene):
    ...         return ToolResult(f"{len(scene.memory)} entries.")
    >>> CountMemory().schema()["function"]["name"]
    'Count_memory'
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from agemem_gym.context import Context, Similarity, Summariser
from agemem_gym.errors import AgeMemError, EngineError
from agemem_gym.tools.effects import Effect, effect_from_json

if TYPE_CHECKING:
    from agemem_gym.memory import Memory


class ToolError(AgeMemError):
    """A call that a tool refuses; its message is what the agent reads."""


class ToolFailure(EngineError):
    """A tool, or what it needs (the memory, an encoder, a summariser), failed through no fault of the agent's.

    Nothing was changed, and the episode ends.
    """


class Arguments(BaseModel):
    """Base of all argument models: strict types, and no argument that the schema does not name."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)


@dataclass(frozen=True)
class Scene:
    """What a tool can reach.

    Attributes:
        context: STM, `C_t`.
        memory: LTM, `M_t`.
        similarity: cosine similarity of one text with others, by the env's encoder.
        summariser: makes one text of several messages.
        filter_threshold: θ of FILTER (eq. 15).
        reply_id: id of the message that holds the call being carried out; tools leave it alone.
        step: logical time: the number of this reply in the episode, from 1; where memory is kept it goes on.
        stage: stage of the rollout, 1 to 3.
    """

    context: Context
    memory: Memory
    similarity: Similarity
    summariser: Summariser
    filter_threshold: float
    reply_id: int
    step: int
    stage: int = 3


@dataclass(frozen=True)
class ToolResult:
    """What came of one call.

    Attributes:
        text: what the agent reads.
        ok: False where the call was refused.
        data: plain values that a user may read: ids, contents, scores. Made from the effect where there is one.
        name: the tool, by its name in the schema where there is such a one.
        arguments: the arguments, as they were carried out.
        effect: what the call did, typed; None where it did nothing, or where a user's own tool does not say.
        call_id: what a native endpoint calls the call, if it came from one.
    """

    text: str
    ok: bool = True
    data: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    effect: Effect | None = None
    call_id: str = ""

    def __post_init__(self) -> None:
        if self.effect is not None and not self.data:
            object.__setattr__(self, "data", self.effect.data())

    def as_info(self) -> dict[str, Any]:
        """The result as ``info["tool_results"]`` has it: plain data, the caller's own."""
        return {
            "name": self.name,
            "arguments": dict(self.arguments),
            "ok": self.ok,
            "text": self.text,
            "data": dict(self.data),
            "call_id": self.call_id,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ToolResult:
        """The result whose fields are `data`, the effect in its JSON form; records without effects are read, too."""
        return cls(**{**data, "effect": effect_from_json(data.get("effect"))})


class Tool(ABC):
    """One memory tool."""

    name: ClassVar[str]
    """Name in the schema, e.g. ``"Add_memory"``."""

    target: ClassVar[Literal["LTM", "STM"]]
    """Which memory it works on."""

    description: ClassVar[str]
    """One or two sentences for the agent."""

    points_at_messages: ClassVar[bool] = False
    """Whether its calls name messages by number; where one of an env's tools does, the context shows the numbers."""

    Arguments: ClassVar[type[Arguments]]
    """Its arguments; their descriptions and defaults go into the schema."""

    @abstractmethod
    def run(self, arguments: Any, scene: Scene) -> ToolResult:
        """Carry out one call. `arguments` is an instance of :attr:`Arguments`.

        Raises:
            ToolError: the call is refused; nothing was changed.
        """

    def schema(self) -> dict[str, Any]:
        """The tool in OpenAI function form."""
        parameters = _parameters(self.Arguments)
        return {
            "type": "function",
            "function": {"name": self.name, "description": self.description, "parameters": deepcopy(parameters)},
        }


@cache
def _parameters(arguments: type[Arguments]) -> dict[str, Any]:
    """The JSON schema of an argument model; pydantic takes a millisecond for one, so each is made once."""
    schema = arguments.model_json_schema()
    return {
        "type": "object",
        "properties": {name: _plain(value) for name, value in schema.get("properties", {}).items()},
        "required": schema.get("required", []),
    }


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A property's schema without what pydantic adds: titles, and ``anyOf [..., null]`` of an optional argument."""
    options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    merged = {**schema, **options[0]} if len(options) == 1 else dict(schema)
    drop = {"title", "anyOf"} if len(options) == 1 else {"title"}
    return {
        key: value
        for key, value in merged.items()
        if key not in drop and value is not None and not (key == "additionalProperties" and value is True)
    }
