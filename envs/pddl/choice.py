"""What is to be played: domains by name, a user's own files, AgentBoard's folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agemem_gym.checks import did_you_mean, file_at
from agemem_gym.envs.pddl.library import (
    AGENTBOARD,
    LARGE_TESTS,
    PDDLGYM,
    packaged_domains,
    packaged_problems,
)
from agemem_gym.envs.pddl.worlds import KINDS, MEMORY
from agemem_gym.errors import ConfigurationError

SPLITS = ("train", "validation", "test")
DEFAULT_DOMAINS = (*AGENTBOARD, *PDDLGYM)


def user_files(domain: Any, problem: Any) -> tuple[Path, Path] | None:
    """The two files, if the user gave files."""
    is_path = isinstance(domain, Path) or (isinstance(domain, str) and domain.endswith(".pddl"))
    if is_path != (problem is not None):
        raise ConfigurationError("a domain.pddl and a problem.pddl go together: give domain=PATH and problem=PATH")
    if not is_path:
        return None
    return file_at("domain", domain, "a domain.pddl"), file_at("problem", problem, "a problem.pddl")


def domain_names(domain: str | Sequence[str] | None, protocol: str, split: str) -> tuple[str, ...]:
    """The domains that are played, ``memory`` as what it stands for."""
    if domain is None:
        domain = AGENTBOARD if protocol == "agentboard" else DEFAULT_DOMAINS
        if split == "test":
            domain = [name for name in domain if name not in LARGE_TESTS]
    given = (domain,) if isinstance(domain, str) else tuple(domain)
    names = tuple(name for part in given for name in (KINDS if part == MEMORY and protocol == "full" else (part,)))
    if not names:
        raise ConfigurationError("domain=[]: expected at least one name")
    for name in names:
        if name in AGENTBOARD or (name in KINDS and protocol == "full"):
            continue
        known = AGENTBOARD if protocol == "agentboard" else (*AGENTBOARD, MEMORY, *KINDS, *packaged_domains())
        if name not in known:
            listed = ", ".join(AGENTBOARD if protocol == "agentboard" else (*DEFAULT_DOMAINS, MEMORY))
            raise ConfigurationError(
                f"unknown domain {name!r}: expected {listed}, or the path of a domain.pddl{did_you_mean(name, known)}"
            )
        if not packaged_problems(name, split):
            raise ConfigurationError(f"split={split!r}: pddlgym's domain {name!r} has no problems in it")
    return names


def data_files(data: str | Path, domains: Sequence[str]) -> dict[str, list[tuple[Path, Path]]]:
    """AgentBoard's folder: for each domain its ``domain.pddl`` and problem files."""
    found = {}
    for name in domains or AGENTBOARD:
        folder = Path(data) / name
        problems = [path for path in sorted(folder.glob("*.pddl")) if path.name != "domain.pddl"]
        if problems and (folder / "domain.pddl").is_file():
            found[name] = [(folder / "domain.pddl", path) for path in problems]
    if not found:
        raise ConfigurationError(
            f"data={str(data)!r}: expected folders {', '.join(AGENTBOARD)} with domain.pddl and problems"
        )
    return found


def rules_of(name: str) -> str:
    """The domain whose operators a domain has."""
    return KINDS[name].rules if name in KINDS else name
