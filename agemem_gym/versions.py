"""The versions of everything that can change a result."""

from __future__ import annotations

import importlib.metadata
import platform
from functools import cache

PACKAGES = (
    "agemem-gym",
    "gymnasium",
    "numpy",
    "chromadb",
    "onnxruntime",
    "alfworld",
    "textworld",
    "scienceworld",
    "minigrid",
    "pddlgym",
    "datasets",
    "torch",
    "transformers",
    "stable-baselines3",
)


@cache
def _installed() -> tuple[tuple[str, str], ...]:
    found = [("python", platform.python_version())]
    for package in PACKAGES:
        try:
            found.append((package, importlib.metadata.version(package)))
        except importlib.metadata.PackageNotFoundError:
            continue
    return tuple(found)


def installed_versions() -> dict[str, str]:
    """Python's version and that of every installed package of :data:`PACKAGES`."""
    return dict(_installed())
