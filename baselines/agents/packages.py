"""Packages of others that an agent is made of: in the version that it was written for, or not at all."""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from agemem_gym.errors import ConfigurationError, MissingDependencyError, install_command


def import_at(module: str, package: str, wanted: str, extra: str) -> Any:
    """A module, if its package is there in a version that begins as `wanted`.

    Raises:
        MissingDependencyError: the package is not there.
        ConfigurationError: it is there in another version.
    """
    try:
        found = version(package)
    except PackageNotFoundError:
        raise MissingDependencyError(f"{package} is not installed: {install_command(extra)}") from None
    if wanted and not f"{found}.".startswith(f"{wanted}."):
        raise ConfigurationError(
            f"{package} {found} is installed; this agent is made of its version {wanted}, and other versions store and search "
            f"in other ways: {install_command(extra)}"
        )
    return importlib.import_module(module)
