"""The memory tools and their registry.

A tool is one class: a name, a description for the agent, a typed argument model, and ``run``. The six tools of the paper
stand in :mod:`agemem_gym.tools.ltm` and :mod:`agemem_gym.tools.stm`, those that point at messages in
:mod:`agemem_gym.tools.pointers`; a user's own is added with :func:`register_tool` or
passed to an env as ``tools=[..., MyTool()]``.

- :class:`Tool`, :class:`Scene`, :class:`ToolResult`: the parts (:mod:`agemem_gym.tools.tool`)
- :class:`Added`, :class:`Updated`, :class:`Deleted`, :class:`Retrieved`, :class:`Removed`: what a call did
  (:mod:`agemem_gym.tools.effects`)
- :class:`ToolSet`: the tools of one env, by name; the only place that carries a call out
- :data:`PAPER_TOOLS`: the six names in the paper's order; :data:`TOOL_SETS`: the sets that have a name
"""

from agemem_gym.tools.effects import Added, Deleted, Effect, Removed, Retrieved, Updated
from agemem_gym.tools.registry import (
    PAPER_TOOLS,
    POINTER_TOOLS,
    TOOL_SETS,
    ToolSet,
    make_tools,
    register_tool,
    registered_tools,
)
from agemem_gym.tools.tool import Arguments, Scene, Tool, ToolError, ToolFailure, ToolResult

__all__ = [
    "PAPER_TOOLS",
    "POINTER_TOOLS",
    "TOOL_SETS",
    "Added",
    "Arguments",
    "Deleted",
    "Effect",
    "Removed",
    "Retrieved",
    "Scene",
    "Tool",
    "ToolError",
    "ToolFailure",
    "ToolResult",
    "ToolSet",
    "Updated",
    "make_tools",
    "register_tool",
    "registered_tools",
]
