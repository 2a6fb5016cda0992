"""The versions of everything that can change a result."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from functools import cache
from pathlib import Path

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


@cache
def commit() -> str | None:
    """The commit that this package is run from, with ``-dirty`` where files differ from it; None outside a checkout."""
    folder = Path(__file__).parent
    if not (folder.parent / ".git").exists():
        return None
    command = ["git", "-C", str(folder), "describe", "--always", "--abbrev=12", "--exclude=*", "--dirty"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):  # no git here, or it does not trust the folder's owner
        return None
    return said or None


def installed_versions() -> dict[str, str]:
    """Python's version, that of every installed package of :data:`PACKAGES`, and ``commit`` where it is known."""
    here = commit()
    return dict(_installed()) | ({} if here is None else {"commit": here})
