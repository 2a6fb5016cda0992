"""The versions of everything that can change a result."""

from __future__ import annotations

import hashlib
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

_SOURCES = ("*.py", "*.json", "*.yaml", "*.pddl")  # an edited page is no other version


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
    """The commit that this package is run from; None outside a checkout.

    Where files differ from it, ``-dirty-`` and a fingerprint of the differences follow: two edits are two versions.
    """
    folder = Path(__file__).parent
    if not (folder.parent / ".git").exists():
        return None
    git = ["git", "-C", str(folder)]
    try:
        said = _output([*git, "describe", "--always", "--abbrev=12", "--exclude=*"]).decode().strip()
        changed = _output([*git, "diff", "HEAD", "--", *_SOURCES])
    except (OSError, subprocess.SubprocessError):  # no git here, or it does not trust the folder's owner
        return None
    if changed:
        said += f"-dirty-{hashlib.sha256(changed).hexdigest()[:8]}"
    return said or None


def _output(command: list[str]) -> bytes:
    return subprocess.run(command, capture_output=True, timeout=20, check=True).stdout


def installed_versions() -> dict[str, str]:
    """Python's version, that of every installed package of :data:`PACKAGES`, and ``commit`` where it is known."""
    here = commit()
    return dict(_installed()) | ({} if here is None else {"commit": here})
