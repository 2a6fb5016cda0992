"""Which tools there are, and the :class:`ToolSet` that carries out an env's calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from agemem_gym.errors import ConfigurationError
from agemem_gym.tools.ltm import AddMemory, DeleteMemory, RetrieveMemory, UpdateMemory
from agemem_gym.tools.stm import FilterContext, FilterMode, SummaryContext
from agemem_gym.tools.tool import Scene, Tool, ToolError, ToolResult

_REGISTRY: dict[str, type[Tool]] = {
    tool.name: tool for tool in (AddMemory, UpdateMemory, DeleteMemory, RetrieveMemory, SummaryContext, FilterContext)
}

PAPER_TOOLS: tuple[str, ...] = tuple(_REGISTRY)
"""The six tools of AgeMem (arXiv:2601.01885), sec. 3.1."""


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


def make_tools(specs: Sequence[str | Tool] | None, filter_mode: FilterMode = "remove") -> ToolSet:
    """The tool set that a list of names and tools stands for; ``None`` is the paper's six.

    Args:
        specs: names and tools.
        filter_mode: what the criteria of a FILTER that is given by name describe.

    Raises:
        ConfigurationError: an unknown name, a thing that is no tool, or two tools of one name.
    """
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
        f"unknown tool {spec!r}; known are {', '.join(_REGISTRY)}. A tool of your own is an instance of "
        "agemem_gym.tools.Tool, or a class given to agemem_gym.tools.register_tool."
    )


class ToolSet:
    """The tools of one env, in order."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = {tool.name: tool for tool in tools}

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    def __contains__(self, name: object) -> bool:
        return name in self._tools

    def schemas(self) -> list[dict[str, Any]]:
        """All tools in OpenAI function form."""
        return [tool.schema() for tool in self]

    def call(self, name: str, arguments: Mapping[str, Any], scene: Scene) -> ToolResult:
        """Carry out one call. A call that cannot be carried out changes nothing and says why in the result."""
        try:
            result = self._run(name, arguments, scene)
        except ToolError as error:
            result = ToolResult(f"Error: {error}", ok=False)
        return replace(result, name=name, arguments=arguments)

    def _run(self, name: str, arguments: Mapping[str, Any], scene: Scene) -> ToolResult:
        tool = self._tools.get(name)
        if tool is None:
            raise ToolError(f"There is no tool {name[:100]!r}; there are {', '.join(self._tools) or 'none'}.")
        try:
            validated = tool.Arguments.model_validate(arguments)
        except ValidationError as error:
            raise ToolError(f"{name}: {_complaints(error)}") from None
        return tool.run(validated, scene)


def _complaints(error: ValidationError) -> str:
    """What was wrong with the arguments, one clause each."""
    clauses = []
    for detail in error.errors(include_url=False, include_context=False, include_input=False)[:5]:
        place = ".".join(str(part)[:60] for part in detail["loc"]) or "arguments"
        clauses.append(f"{place}: {detail['msg'][0].lower()}{detail['msg'][1:]}")
    return "; ".join(clauses) + "."
