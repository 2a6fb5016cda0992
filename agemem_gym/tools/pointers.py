"""The tools that point at messages instead of copying them: NOTE, UPDATE by a message, DROP.

Messages that others wrote carry their number in the context (``[12] The key is red.``), and a call names it. A reply is a few
tokens however long the message is, what is stored is exactly what was said, and what leaves the context is exactly what was
meant: deciding what to keep, without the copying and without a similarity in between.

``tools="pointer"`` is these three with DELETE and RETRIEVE.
"""

from __future__ import annotations

from pydantic import Field

from agemem_gym.context import Message
from agemem_gym.tools.effects import Added, Removed, Updated
from agemem_gym.tools.ltm import existing
from agemem_gym.tools.tool import Arguments as ArgumentModel
from agemem_gym.tools.tool import Scene, Tool, ToolError, ToolResult

_NUMBER = "Number of the message, e.g. 12 for the one that begins with [12]."


class NoteMessage(Tool):
    """NOTE: a new entry with the content of a message, as it stands."""

    name = "Note_message"
    target = "LTM"
    points_at_messages = True
    description = "Store a message of your context in long-term memory as it stands. Returns the id of the entry."

    class Arguments(ArgumentModel):
        """Arguments of NOTE."""

        message: int = Field(description=_NUMBER)

    def run(self, arguments: Arguments, scene: Scene) -> ToolResult:
        """Store it; metadata as ADD writes it."""
        message = _pointed_at(scene, arguments.message)
        metadata = {"timestamp": scene.step, "source": "agent", "stage": scene.stage}
        record = scene.memory.add(message.content, metadata)
        return ToolResult(f"Stored as {record.id}.", effect=Added(record))


class UpdateNote(Tool):
    """UPDATE by a message: an entry says what the message says from now on."""

    name = "Update_note"
    target = "LTM"
    points_at_messages = True
    description = "Replace the content of an entry of long-term memory by a message of your context as it stands."

    class Arguments(ArgumentModel):
        """Arguments of UPDATE by a message."""

        memory_id: str = Field(description="Id of the entry, e.g. m1.")
        message: int = Field(description=_NUMBER)

    def run(self, arguments: Arguments, scene: Scene) -> ToolResult:
        """Replace it; metadata stays, and gets the step as modification timestamp."""
        old = existing(scene, arguments.memory_id)
        message = _pointed_at(scene, arguments.message)
        record = scene.memory.update(old.id, message.content, {**old.metadata, "modified": scene.step})
        return ToolResult(f"Updated {record.id}.", effect=Updated(old, record))


class DropMessage(Tool):
    """DROP: one message leaves the context."""

    name = "Drop_message"
    target = "STM"
    points_at_messages = True
    description = "Remove a message from your context. The system message and the task stay."

    class Arguments(ArgumentModel):
        """Arguments of DROP."""

        message: int = Field(description=_NUMBER)

    def run(self, arguments: Arguments, scene: Scene) -> ToolResult:
        """Remove it; the result tells how many tokens that saved."""
        message = _pointed_at(scene, arguments.message)
        if message.protected:
            raise ToolError(f"Message {message.id} stays: it is the system message or the task.")
        before = scene.context.tokens
        scene.context.remove([message.id])
        saved = before - scene.context.tokens
        return ToolResult(f"Removed message {message.id} ({saved} tokens).", effect=Removed((message.id,), saved))


def _pointed_at(scene: Scene, number: int) -> Message:
    """The message of a number.

    Raises:
        ToolError: none that has a number is in the context.
    """
    message = scene.context.find(number)
    if message is None or not message.numbered:
        numbers = [str(one.id) for one in scene.context if one.numbered]
        there = f"; the newest are {', '.join(numbers[-5:])}" if numbers else ""
        raise ToolError(f"There is no message [{number}] in your context{there}.")
    return message
