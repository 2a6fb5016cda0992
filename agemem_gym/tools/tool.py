"""What a memory tool is.

A tool gets its validated arguments and a :class:`Scene` (the context, the memory and what goes with them), does its work,
and returns a :class:`ToolResult`. To refuse, it raises :class:`ToolError`: the agent reads the message, nothing changes.

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
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from agemem_gym.context import Context, Similarity, Summariser
from agemem_gym.errors import AgeMemError

if TYPE_CHECKING:
    from agemem_gym.memory import Memory


class ToolError(AgeMemError):
    """A call that a tool refuses; its message is what the agent reads."""


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
        data: plain values for records and rewards: ids, contents, scores.
        name: the tool, as the agent called it.
        arguments: the arguments, as the agent gave them.
    """

    text: str
    ok: bool = True
    data: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)


class Tool(ABC):
    """One memory tool."""

    name: ClassVar[str]
    """Name in the schema, e.g. ``"Add_memory"``."""

    target: ClassVar[Literal["LTM", "STM"]]
    """Which memory it works on."""

    description: ClassVar[str]
    """One or two sentences for the agent."""

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
        parameters = self.Arguments.model_json_schema()
        properties = {name: _plain(value) for name, value in parameters.get("properties", {}).items()}
        return {
            "type": "function",
            "function": {
                "name": self.name,
                "description": self.description,
                "parameters": {
                    "type": "object",
                    "properties": properties,
                    "required": parameters.get("required", []),
                },
            },
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
