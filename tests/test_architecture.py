"""The way the rooms stand on each other: the import graph, drawn from the source.

An import inside a function counts like any other: it puts off the loading, not the knowing, and a circle that is hidden in a
function is a circle. Imports under ``if TYPE_CHECKING`` do not count: they name a type for the reader, nothing of it runs.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLACES = {"agemem_gym": "agemem_gym", "envs": "agemem_gym.envs", "baselines": "agemem_gym.baselines"}
ENGINES = {"alfworld", "babyai", "hotpotqa", "pddl", "scienceworld"}

FLOORS = (
    {"errors", "foreign", "plain", "spaces", "answers", "urls", "versions", "facts"},
    {"checks", "terminal", "fingerprint", "intervals", "jobs", "wrappers"},
    {"endpoints"},
    {"protocol"},
    {"chat"},
    {"context"},
    {"memory", "summariser"},
    {"tools"},
    {"task"},
    {"episode", "stage"},
    {"recorder", "reward"},
    {"branching", "info", "rendering"},
    {"env"},
    {"curriculum", "layer"},
    {"stream"},
    {"registration"},
    {"agent", "failure", "remake"},
    {"rollout", "replay", "rescore", "vector"},
    {"agemem_gym"},
    {"leaderboard", "doctor", "agreement", "model_check", "viewer", "interop"},
    {"cli"},
)
"""The rooms of architecture.md from the ground up. A room knows only what stands on a lower floor."""


def modules() -> dict[str, Path]:
    """Every module of the package and where it lies."""
    found = {}
    for folder, package in PLACES.items():
        for file in (ROOT / folder).rglob("*.py"):
            parts = file.relative_to(ROOT / folder).with_suffix("").parts
            found[".".join([package, *(part for part in parts if part != "__init__")])] = file
    return found


def imports(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """All imports but those under ``if TYPE_CHECKING``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from imports(ast.Module(node.orelse, []))
        else:
            yield from imports(node)


def imported(file: Path, known: Mapping[str, Path]) -> set[str]:
    """The modules that a file imports: ours by their full name, others by the name of their package."""
    names = set()
    for node in imports(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        else:
            source = ".".join([*_above(file, node.level, known), *([node.module] if node.module else [])])
            inside = {f"{source}.{alias.name}" for alias in node.names}
            names |= (inside & known.keys()) or {source}
    return {name if name in known else name.split(".")[0] for name in names}


def _above(file: Path, level: int, known: Mapping[str, Path]) -> list[str]:
    """The package that the dots of a relative import stand for."""
    name = next(name for name, other in known.items() if other == file).split(".")
    package = name if file.name == "__init__.py" else name[:-1]
    return package[: len(package) - level + 1] if level else []


@cache
def graph() -> dict[str, set[str]]:
    known = modules()
    return {name: imported(file, known) - {name} for name, file in sorted(known.items())}


def room(module: str) -> str:
    parts = module.split(".")
    if parts[0] != "agemem_gym":
        return ""
    if len(parts) == 1:
        return "agemem_gym"
    return ".".join(parts[1:3]) if parts[1] in ("envs", "baselines") else parts[1]


def circles(edges: Mapping[str, set[str]]) -> list[list[str]]:
    """The strongly connected parts of more than one node (Tarjan)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(edges.get(node, ())):
            if other not in edges:
                continue
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            part = [stack.pop()]
            while part[-1] != node:
                part.append(stack.pop())
            if len(part) > 1:
                found.append(sorted(part))

    for node in edges:
        if node not in index:
            visit(node)
    return sorted(found)


def rooms_below(name: str) -> set[str]:
    for number, floor in enumerate(FLOORS):
        if name in floor:
            return set().union(*FLOORS[:number])
    raise AssertionError(f"the room {name!r} has no floor yet: put it into FLOORS, as low as it can stand")


def for_engines() -> set[str]:
    """What an engine's room may use: the ground floors, the border, and what lies beside it for all engines."""
    beside = {room(name) for name in graph() if room(name).startswith("envs.")} - {f"envs.{name}" for name in ENGINES}
    return {"errors", "checks", "answers", "spaces", "facts", "task", *beside}


def knows(prefix: str) -> dict[str, set[str]]:
    """What the modules of a part of the package import."""
    inside = {name: found for name, found in graph().items() if name == prefix or name.startswith(f"{prefix}.")}
    assert inside, prefix
    return inside


def test_no_module_imports_itself_through_others():
    assert list(circles(graph())) == []


def test_no_room_imports_itself_through_others():
    between: dict[str, set[str]] = {}
    for name, found in graph().items():
        between.setdefault(room(name), set()).update({room(other) for other in found} - {"", room(name)})
    assert circles(between) == []


def test_a_circle_is_found_even_behind_a_function_but_not_behind_a_type(tmp_path):
    (tmp_path / "a.py").write_text("def f():\n    from b import g\n")
    (tmp_path / "b.py").write_text("try:\n    import c\nexcept ImportError:\n    pass\n")
    (tmp_path / "c.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import b\nelse:\n    import a\n"
    )
    known = {file.stem: file for file in sorted(tmp_path.glob("*.py"))}
    edges = {name: imported(file, known) for name, file in known.items()}
    assert edges == {"a": {"b"}, "b": {"c"}, "c": {"typing", "a"}}
    assert circles(edges) == [["a", "b", "c"]]


@pytest.mark.parametrize("name", list(graph()))
def test_a_room_knows_only_what_stands_below_it(name):
    here = room(name)
    theirs = {room(other) for other in graph()[name]} - {"", here}
    if here.startswith("baselines"):
        return  # agents may use all of agemem_gym
    allowed = for_engines() if here.startswith("envs") else rooms_below(here)
    assert theirs <= allowed, f"{name} reaches up to {sorted(theirs - allowed)}"


def test_nothing_of_agemem_gym_imports_agents_or_a_given_engine():
    for name, found in graph().items():
        if not name.startswith(("agemem_gym.envs", "agemem_gym.baselines")):
            assert not [other for other in found if other.startswith(("agemem_gym.baselines", "agemem_gym.envs."))], (
                name
            )


def test_engines_import_no_agents_tools_rewards_or_chroma():
    forbidden = ("agemem_gym.baselines", "agemem_gym.tools", "agemem_gym.reward", "agemem_gym.memory", "chromadb")
    for name, found in knows("agemem_gym.envs").items():
        assert not [other for other in found if other.startswith(forbidden)], name


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_engines_do_not_know_each_other(engine):
    others = tuple(f"agemem_gym.envs.{other}" for other in ENGINES - {engine})
    for name, found in knows(f"agemem_gym.envs.{engine}").items():
        assert not [other for other in found if other.startswith(others)], name


_IMPORT = """
import sys, time
started = time.process_time()
import agemem_gym
print(time.process_time() - started, *sorted({name.split(".")[0] for name in sys.modules}))
"""


def test_importing_the_package_is_quick_and_loads_nothing_heavy():
    """Processor time, the best of three: what else runs here is no fault of the package."""
    seconds = []
    for _ in range(3):
        run = subprocess.run([sys.executable, "-c", _IMPORT], capture_output=True, text=True, check=True, cwd=ROOT)
        spent, *loaded = run.stdout.split()
        assert not {"torch", "chromadb", "transformers", "rich", "onnxruntime", "minigrid", "textworld"} & set(loaded)
        seconds.append(float(spent))
    assert min(seconds) < 0.5
