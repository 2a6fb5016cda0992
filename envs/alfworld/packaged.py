"""What the alfworld wheel ships, read without importing alfworld.

``import alfworld`` creates the folder ``$ALFWORLD_DATA``; reading its files does not. Everything here is the engine's own,
unchanged: the PDDL domain, the text grammar, the table of what may lie where, the goal sentences and the floor plans.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from agemem_gym.errors import MissingDependencyError, missing_extra

ENGINE_PACKAGES = ("alfworld", "textworld", "fast_downward_textworld")


def require(module: str) -> Path:
    """The folder of the installed package `module`, which is found but not imported.

    Raises:
        MissingDependencyError: it is not installed; the message holds the pip command.
    """
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise missing_extra(module, "alfworld")
    return Path(next(iter(spec.submodule_search_locations)))


@lru_cache(maxsize=1)
def domain() -> str:
    """The PDDL domain that alfworld packages."""
    return (require("alfworld") / "data" / "alfred.pddl").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def grammar() -> str:
    """The text grammar that alfworld packages, with ``UNKNOWN GOAL`` where a game's goal sentence goes."""
    return (require("alfworld") / "data" / "alfred.twl2").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def constants() -> ModuleType:
    """``alfworld.gen.constants``: ``VAL_RECEPTACLE_OBJECTS``, ``VAL_ACTION_OBJECTS``, ``GOALS_VALID``, …"""
    return _load("constants")


@lru_cache(maxsize=1)
def goal_library() -> dict[str, dict[str, str | list[str]]]:
    """``alfworld.gen.goal_library.gdict``: by task type, ``"pddl"`` (the goal) and ``"templates"`` (goal sentences)."""
    return _load("goal_library").gdict


def layouts() -> Path:
    """The folder of ``FloorPlan<n>-{objects,openable}.json``."""
    return require("alfworld") / "gen" / "layouts"


@lru_cache(maxsize=1)
def engine_versions() -> str:
    """Versions of the packages that shape a transcript, e.g. ``"alfworld 0.4.2, textworld 1.7.0, …"``."""
    found = []
    for package in ENGINE_PACKAGES:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join(found)


def _load(name: str) -> ModuleType:
    """Run one module of alfworld.gen by its file, so that the package's ``__init__`` does not run."""
    path = require("alfworld") / "gen" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"_agemem_alfworld_{name}", path)
    if spec is None or spec.loader is None:
        raise MissingDependencyError(f"{path} cannot be loaded; reinstall with: pip install --force-reinstall alfworld")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
