"""Where problems come from: our generated ones, pddlgym's packaged ones, and a user's own files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from agemem_gym.envs.pddl.generators import GENERATORS, draw
from agemem_gym.envs.pddl.grounding import Action, Ground
from agemem_gym.envs.pddl.parsing import Domain, Problem, parse_domain, parse_problem
from agemem_gym.envs.pddl.planner import Planner
from agemem_gym.errors import ConfigurationError, missing_extra

AGENTBOARD = ("gripper", "blockworld", "barman", "tyreworld")
AGENTBOARD_COUNTS = {"gripper": 20, "blockworld": 10, "barman": 20, "tyreworld": 10}
PDDLGYM = (
    "blocks",
    "elevator",
    "ferry",
    "hanoi",
    "hiking",
    "manyferry",
    "manygripper",
    "manylogistics",
    "manymiconic",
    "newspapers",
    "onearmedgripper",
    "travel",
)
"""Domains of pddlgym that are played by default: deterministic ones whose problems the planner solves in seconds."""
_OWN_FILES = {"gripper": "grippers"}
_AGENTBOARD_MOVES = 30
_ATTEMPTS = 20


@dataclass(frozen=True)
class Case:
    """A problem ready to be played: grounded, and with a plan (``None`` where the planner found none)."""

    domain_name: str
    problem: Problem
    ground: Ground
    plan: tuple[Action, ...] | None


@lru_cache(maxsize=64)
def own_or_packaged(domain_name: str) -> Domain:
    """A domain by name."""
    if domain_name in GENERATORS:
        return parse_domain(Path(__file__).parent / "domains" / f"{_OWN_FILES.get(domain_name, domain_name)}.pddl")
    return parse_domain(packaged_folder() / f"{domain_name}.pddl")


@lru_cache(maxsize=1)
def packaged_folder() -> Path:
    """Where pddlgym keeps its PDDL files."""
    spec = find_spec("pddlgym")
    if spec is None or spec.origin is None:
        raise missing_extra("pddlgym", "pddl")
    return Path(spec.origin).parent / "pddl"


@lru_cache(maxsize=256)
def packaged_problems(domain_name: str, split: str) -> tuple[Path, ...]:
    """pddlgym's problem files of a domain: ``test`` has a folder of its own; the last fifth of the others is validation."""
    folder = packaged_folder() / (f"{domain_name}_test" if split == "test" else domain_name)
    files = sorted(folder.glob("*.pddl"), key=_natural)
    if split != "test" and len(files) > 1:
        cut = max(1, len(files) - max(1, len(files) // 5))
        files = files[:cut] if split == "train" else files[cut:]
    return tuple(files)


@lru_cache(maxsize=64)
def generated(domain_name: str, split: str, number: int) -> Case:
    """A generated problem with its plan; one that AgentBoard's protocol plays has a plan that fits its 30 moves."""
    for attempt in range(_ATTEMPTS):
        problem = draw(domain_name, split, number, attempt)
        case = prepare(domain_name, own_or_packaged(domain_name), problem)
        longest = _AGENTBOARD_MOVES if split == "agentboard" else 10_000
        if case.plan is not None and 3 <= len(case.plan) <= longest:
            return case
    raise ConfigurationError(f"no solvable {domain_name} problem of number {number} in {_ATTEMPTS} draws")


@lru_cache(maxsize=64)
def packaged(domain_name: str, path: Path) -> Case:
    """One of pddlgym's problems."""
    domain = own_or_packaged(domain_name)
    return prepare(domain_name, domain, parse_problem(path, domain))


@lru_cache(maxsize=16)
def from_files(domain_path: Path, problem_path: Path) -> Case:
    """A user's own problem."""
    domain = parse_domain(domain_path)
    return prepare(domain.name, domain, parse_problem(problem_path, domain))


def prepare(domain_name: str, domain: Domain, problem: Problem) -> Case:
    """Ground a problem and plan it once."""
    ground = Ground(domain, problem)
    plan = Planner(ground).plan(ground.initial)
    return Case(domain_name, problem, ground, None if plan is None else tuple(plan))


def _natural(path: Path) -> list[int | str]:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path.name)]
