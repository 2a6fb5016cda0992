"""Fingerprints: what tells an agent from itself after an edit, and a file of settings from itself after another.

An agent's fingerprint covers the source of its class and of all that it inherits from, of the modules beside it that these
import, and the environment variables that these sources read by name (``os.environ["MODEL"]``); not those of keys.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import os
import re
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

LENGTH = 12
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASS", re.IGNORECASE)
_LARGEST_FILE = 64 * 2**20


def fingerprint_of(factory: Any) -> str:
    """The fingerprint of a class or function."""
    digest = hashlib.sha256()
    variables: set[str] = set()
    for path in sorted(_sources(factory)):
        text = path.read_bytes()
        digest.update(path.name.encode() + b"\0" + text + b"\0")
        variables |= _variables_read(ast.parse(text))
    for name in sorted(variables):
        digest.update(f"{name}={os.environ.get(name)}\0".encode())
    return digest.hexdigest()[:LENGTH]


def fingerprints_of_files(kwargs: Mapping[str, Any]) -> dict[str, str]:
    """By keyword, the fingerprint of the file that it names, where it names one."""
    return {key: _digest(Path(value)) for key, value in sorted(kwargs.items()) if _is_file(value)}


def _is_file(value: Any) -> bool:
    if not isinstance(value, str) or "\0" in value or len(value) > 1000:
        return False
    try:
        return Path(value).is_file() and Path(value).stat().st_size <= _LARGEST_FILE
    except OSError:
        return False


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:LENGTH]


def _sources(factory: Any) -> set[Path]:
    """The files of a factory's own code, and of the modules beside them that they import."""
    classes = factory.__mro__ if isinstance(factory, type) else (factory,)
    modules = {sys.modules.get(getattr(item, "__module__", "")) for item in classes}
    waiting = [path for module in modules if (path := _own_file(module)) is not None]
    found: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported_beside(path)
    return found


def _own_file(module: Any) -> Path | None:
    """The source of a module that is neither Python's nor a package's that is merely installed."""
    try:
        path = Path(inspect.getsourcefile(module) or "").resolve()
    except TypeError:
        return None
    installed = path.is_relative_to(Path(sysconfig.get_path("stdlib")).resolve()) or "site-packages" in path.parts
    return path if path.is_file() and not installed else None


def _imported_beside(path: Path) -> Iterator[Path]:
    """The files in this file's folder, or in folders under it, that it imports."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module or ''}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = [part for part in name.split(".") if part]
            for start in range(len(parts)):  # `import agents.prompts` and `from .prompts import x` mean the same file
                place = path.parent.joinpath(*parts[start:])
                for file in (place.with_suffix(".py"), place / "__init__.py"):
                    if file.is_file():
                        yield file.resolve()


def _variables_read(tree: ast.AST) -> set[str]:
    """Names of environment variables that a source reads, those of keys apart."""
    found: set[str] = set()
    for node in ast.walk(tree):
        named: ast.expr | None = None
        if isinstance(node, ast.Subscript) and _is_environ(node.value):
            named = node.slice
        elif isinstance(node, ast.Call) and node.args and isinstance(node.func, ast.Attribute):
            reads = node.func.attr == "getenv" or (node.func.attr == "get" and _is_environ(node.func.value))
            named = node.args[0] if reads else None
        if isinstance(named, ast.Constant) and isinstance(named.value, str) and not _SECRET.search(named.value):
            found.add(named.value)
    return found


def _is_environ(node: ast.expr) -> bool:
    return (isinstance(node, ast.Attribute) and node.attr == "environ") or (
        isinstance(node, ast.Name) and node.id == "environ"
    )
