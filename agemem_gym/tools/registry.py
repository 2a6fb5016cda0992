"""Which tools there are, and the :class:`ToolSet` that carries out an env's calls."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from agemem_gym.checks import did_you_mean
from agemem_gym.errors import ConfigurationError, EngineError
from agemem_gym.protocol.reply import ToolCall
from agemem_gym.tools.fitting import fit_arguments, nearest
from agemem_gym.tools.ltm import AddMemory, DeleteMemory, RetrieveMemory, UpdateMemory
from agemem_gym.tools.pointers import DropMessage, NoteMessage, UpdateNote
from agemem_gym.tools.stm import FilterContext, FilterMode, SummaryContext
from agemem_gym.tools.tool import Scene, Tool, ToolError, ToolFailure, ToolResult

_PAPER: tuple[type[Tool], ...] = (
    *(AddMemory, UpdateMemory, DeleteMemory, RetrieveMemory),
    *(SummaryContext, FilterContext),
)
_POINTER: tuple[type[Tool], ...] = (NoteMessage, UpdateNote, DeleteMemory, RetrieveMemory, DropMessage)
_OURS = frozenset((*_PAPER, *_POINTER))
_REGISTRY: dict[str, type[Tool]] = {tool.name: tool for tool in (*_PAPER, *_POINTER)}

PAPER_TOOLS: tuple[str, ...] = tuple(tool.name for tool in _PAPER)
"""The six tools of AgeMem (arXiv:2601.01885), sec. 3.1."""

POINTER_TOOLS: tuple[str, ...] = tuple(tool.name for tool in _POINTER)
"""Tools that name messages by number instead of copying or describing them (:mod:`agemem_gym.tools.pointers`)."""

TOOL_SETS: Mapping[str, tuple[str, ...]] = {"paper": PAPER_TOOLS, "pointer": POINTER_TOOLS}
"""Sets of tools that have a name: ``tools="pointer"``."""


def register_tool(tool: type[Tool]) -> type[Tool]:
    """Make a tool known by its name, so that ``tools=[..., "My_tool"]`` finds it; usable as a class decorator.

    Raises:
        ConfigurationError: another class has that name already.
    """
    if _REGISTRY.setdefault(tool.name, tool) is not tool:
        raise ConfigurationError(f"a tool named {tool.name!r} is registered already: {_REGISTRY[tool.name]!r}")
    return tool


def registered_tools() -> dict[str, type[Tool]]:
    """All known tools by name."""
    return dict(_REGISTRY)


def make_tools(specs: str | Sequence[str | Tool] | None, filter_mode: FilterMode = "remove") -> ToolSet:
    """The tool set that a list of names and tools stands for; ``None`` is the paper's six.

    Args:
        specs: names and tools, or the name of a set (:data:`TOOL_SETS`).
        filter_mode: what the criteria of a FILTER that is given by name describe.

    Raises:
        ConfigurationError: an unknown name, a thing that is no tool, or two tools of one name.
    """
    if isinstance(specs, str):
        if specs not in TOOL_SETS:
            known = ", ".join(map(repr, TOOL_SETS))
            raise ConfigurationError(
                f"tools={specs!r}: expected a list of names and tools, or the name of a set ({known})"
            )
        specs = TOOL_SETS[specs]
    if not (specs is None or isinstance(specs, Iterable)):
        raise ConfigurationError(f"tools={specs!r}: expected a list of names and tools")
    by_name = FilterContext(filter_mode)
    tools = [
        by_name if spec == by_name.name else _make_tool(spec) for spec in (PAPER_TOOLS if specs is None else specs)
    ]
    names = [tool.name for tool in tools]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(f"tools= names {', '.join(twice)} more than once")
    return ToolSet(tools)


def _make_tool(spec: str | Tool) -> Tool:
    if isinstance(spec, Tool):
        return spec
    if isinstance(spec, str) and spec in _REGISTRY:
        return _REGISTRY[spec]()
    raise ConfigurationError(
        f"unknown tool {spec!r}; known are {', '.join(_REGISTRY)}{did_you_mean(spec, _REGISTRY)}. "
        "A tool of your own is an instance of "
        "agemem_gym.tools.Tool, or a class given to agemem_gym.tools.register_tool."
    )


class ToolSet:
    """The tools of one env, in order. Their schemas are built once, when they are first asked for."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = {tool.name: tool for tool in tools}

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    def __contains__(self, name: object) -> bool:
        return name in self._tools

    @property
    def points_at_messages(self) -> bool:
        """Whether messages have to show their numbers."""
        return any(tool.points_at_messages for tool in self)

    def schemas(self) -> list[dict[str, Any]]:
        """All tools in OpenAI function form; a fresh copy, which the caller may change."""
        schemas: list[dict[str, Any]] = json.loads(self._schemas_as_json)
        return schemas

    @cached_property
    def _schemas_as_json(self) -> str:
        return json.dumps([tool.schema() for tool in self])

    @cached_property
    def _properties(self) -> dict[str, Mapping[str, Any]]:
        return {schema["function"]["name"]: schema["function"]["parameters"]["properties"] for schema in self.schemas()}

    def fit(self, call: ToolCall) -> tuple[ToolCall, Collection[str]]:
        """The call with names and values as the schemas have them, and the dialects (``names``, ``values``) that took.

        A call that is right as it stands, or that nothing makes right, is given back unchanged.
        """
        name = nearest(call.name, self._tools)
        tool = self._tools.get(name)
        if tool is None:
            return call, ()
        needed = {"names"} if name != call.name else set()
        arguments = call.arguments
        if not _valid(tool, arguments):
            fitted, took = fit_arguments(arguments, self._properties.get(name, {}))
            if _valid(tool, fitted):
                arguments, needed = fitted, needed | took
        return (replace(call, name=name, arguments=arguments), needed) if needed else (call, ())

    def call(self, name: str, arguments: Mapping[str, Any], scene: Scene, call_id: str = "") -> ToolResult:
        """Carry out one call. A call that cannot be carried out changes nothing and says why in the result.

        Raises:
            ToolFailure: the tool, or what it needs, failed; memory is as it was, and the context is the recorder's to undo.
        """
        try:
            result = self._run(name, arguments, scene)
        except ToolError as error:
            result = ToolResult(f"Error: {error}", ok=False)
        return replace(result, name=name, arguments=arguments, call_id=call_id)

    def _run(self, name: str, arguments: Mapping[str, Any], scene: Scene) -> ToolResult:
        tool = self._tools.get(name)
        if tool is None:
            raise ToolError(f"There is no tool {name[:100]!r}; there are {', '.join(self._tools) or 'none'}.")
        try:
            validated = tool.Arguments.model_validate(arguments)
        except ValidationError as error:
            raise ToolError(f"{name}: {_complaints(error)}") from None
        return _carried_out(tool, validated, scene)


def _valid(tool: Tool, arguments: Mapping[str, Any]) -> bool:
    try:
        tool.Arguments.model_validate(arguments)
    except ValidationError:
        return False
    return True


def _carried_out(tool: Tool, arguments: Any, scene: Scene) -> ToolResult:
    """Run the tool; memory goes back to what it was if the tool does not come to an end.

    The six tools change memory in one call, which keeps its own promise to change nothing if it fails; only for a user's own
    tools is a snapshot taken.
    """
    before = None if type(tool) in _OURS else scene.memory.snapshot()
    try:
        result = tool.run(arguments, scene)
        if not isinstance(result, ToolResult):
            raise TypeError(f"run() has to return a ToolResult, not {type(result).__name__}")
    except BaseException as error:
        if before is not None:
            scene.memory.restore(before)
        if isinstance(error, (ToolError, EngineError)) or not isinstance(error, Exception):
            raise
        raise ToolFailure(f"{tool.name} failed: {type(error).__name__}: {error}") from error
    return result


def _complaints(error: ValidationError) -> str:
    """What was wrong with the arguments, one clause each."""
    clauses = []
    for detail in error.errors(include_url=False, include_context=False, include_input=False)[:5]:
        place = ".".join(str(part)[:60] for part in detail["loc"]) or "arguments"
        clauses.append(f"{place}: {detail['msg'][0].lower()}{detail['msg'][1:]}")
    return "; ".join(clauses) + "."
