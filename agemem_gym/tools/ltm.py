"""The tools of long-term memory: ADD, UPDATE, DELETE, and RETRIEVE, which brings entries into the context.

AgeMem (arXiv:2601.01885), sec. 3.1 and eq. 8-9; schemas of appendix A.
"""

from __future__ import annotations

from typing import Any

from pydantic import AliasChoices, Field

from agemem_gym.memory import Match, MemoryRecord, UnknownMemoryError
from agemem_gym.memory.filters import FilterError
from agemem_gym.tools.effects import Added, Deleted, Retrieved, Updated
from agemem_gym.tools.tool import Arguments as ArgumentModel
from agemem_gym.tools.tool import Scene, Tool, ToolError, ToolResult


class AddMemory(Tool):
    """ADD: a new entry ``(content, enc(content), metadata)``; tells its id."""

    name = "Add_memory"
    target = "LTM"
    description = "Store a new entry in long-term memory. Returns the id of the entry."

    class Arguments(ArgumentModel):
        """Arguments of ADD."""

        content: str = Field(min_length=1, description="The text to remember.")
        metadata: dict[str, Any] | None = Field(None, description="Key-value pairs to find the entry by later.")
        memory_type: str | None = Field(None, description="Kind of entry, e.g. fact, plan, preference.")

    def run(self, arguments: Arguments, scene: Scene) -> ToolResult:
        """Store the entry; metadata gets the step as timestamp, the stage and the source."""
        if not arguments.content.strip():
            raise ToolError("content is blank.")
        metadata = dict(arguments.metadata or {})
        if arguments.memory_type is not None:
            metadata["memory_type"] = arguments.memory_type
        metadata |= {"timestamp": scene.step, "source": "agent", "stage": scene.stage}
        record = scene.memory.add(arguments.content, metadata)
        return ToolResult(f"Stored as {record.id}.", effect=Added(record))


class UpdateMemory(Tool):
    """UPDATE: replaces content, embedding and metadata of an entry."""

    name = "Update_memory"
    target = "LTM"
    description = "Replace the content of an entry of long-term memory, and its metadata if any is given."

    class Arguments(ArgumentModel):
        """Arguments of UPDATE."""

        memory_id: str = Field(description="Id of the entry, e.g. m1.")
        content: str = Field(min_length=1, description="The new text.")
        metadata: dict[str, Any] | None = Field(
            None, description="The new key-value pairs; the old ones stay if left out."
        )

    def run(self, arguments: Arguments, scene: Scene) -> ToolResult:
        """Replace the entry; metadata gets the step as modification timestamp."""
        if not arguments.content.strip():
            raise ToolError("content is blank.")
        old = existing(scene, arguments.memory_id)
        written_by_env = {key: old.metadata[key] for key in ("timestamp", "source", "stage") if key in old.metadata}
        metadata = dict(old.metadata) if arguments.metadata is None else dict(arguments.metadata)
        metadata |= written_by_env | {"modified": scene.step}
        record = scene.memory.update(old.id, arguments.content, metadata)
        return ToolResult(f"Updated {record.id}.", effect=Updated(old, record))


class DeleteMemory(Tool):
    """DELETE: removes an entry, if the call confirms it."""

    name = "Delete_memory"
    target = "LTM"
    description = "Remove an entry from long-term memory. Refused unless confirmation is true."

    class Arguments(ArgumentModel):
        """Arguments of DELETE; the paper's case study writes ``confirmed``."""

        memory_id: str = Field(description="Id of the entry, e.g. m1.")
        confirmation: bool = Field(
            description="Must be true.", validation_alias=AliasChoices("confirmation", "confirmed")
        )

    def run(self, arguments: Arguments, scene: Scene) -> ToolResult:
        """Remove the entry."""
        record = existing(scene, arguments.memory_id)
        if not arguments.confirmation:
            raise ToolError(f"{record.id} was not deleted: confirmation is false.")
        scene.memory.delete(record.id)
        return ToolResult(f"Deleted {record.id}.", effect=Deleted(record))


class RetrieveMemory(Tool):
    """RETRIEVE: the top-k entries by cosine similarity come, with their ids, into the context (eq. 8-9)."""

    name = "Retrieve_memory"
    target = "STM"
    description = "Search long-term memory; the most similar entries are put into your context with their ids."

    class Arguments(ArgumentModel):
        """Arguments of RETRIEVE."""

        query: str = Field(min_length=1, description="What to look for.")
        top_k: int = Field(3, ge=1, le=100, description="How many entries at most.")
        metadata_filter: dict[str, Any] | None = Field(
            None,
            description='Only entries whose metadata match, e.g. {"memory_type": "fact"} or {"timestamp": {"$gt": 3}}.',
        )

    def run(self, arguments: Arguments, scene: Scene) -> ToolResult:
        """Search; the result text lists id, similarity and content, best first."""
        try:
            matches = scene.memory.search(arguments.query, arguments.top_k, arguments.metadata_filter)
        except FilterError as error:
            raise ToolError(str(error)) from None
        return ToolResult(format_matches(matches), effect=Retrieved(tuple(matches)))


def format_matches(matches: list[Match]) -> str:
    """The retrieved entries as the agent reads them, best first."""
    if not matches:
        return "No entry found."
    return "\n".join(f"{match.record.id} ({match.score:.2f}): {match.record.content}" for match in matches)


def existing(scene: Scene, memory_id: str) -> MemoryRecord:
    """The entry of an id.

    Raises:
        ToolError: there is none.
    """
    try:
        return scene.memory.get(memory_id)
    except UnknownMemoryError:
        raise ToolError(f"There is no entry {memory_id!r} in long-term memory.") from None
