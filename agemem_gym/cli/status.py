"""What the exit status of ``agemem`` says. The same in every command; docs/cli.md explains them to users."""

from __future__ import annotations

from enum import IntEnum

from agemem_gym.errors import AgeMemError, ConfigurationError, MissingDependencyError


class Status(IntEnum):
    """Exit status of a command."""

    OK = 0
    """Done, and nothing to report."""

    FINDING = 1
    """Done, and something was found: an episode that failed, a replay that differs, a package that is missing."""

    USAGE = 2
    """Not begun: an argument, an id, an agent, a keyword or a file that cannot be used, or an extra that is not installed."""

    FALLBACK = 3
    """Done, but some scores came from another judge than the one that was asked for."""

    STOPPED = 130
    """Interrupted; what was finished is kept."""


def status_of(error: Exception) -> Status:
    """The status of a command that an error ended before it was done."""
    if isinstance(error, AgeMemError) and not isinstance(error, (ConfigurationError, MissingDependencyError)):
        return Status.FINDING  # an engine, an encoder or a judge failed: nothing that the user wrote wrongly
    return Status.USAGE
