"""Where problems come from: our generated ones, pddlgym's packaged ones, and a user's own files."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from agemem_gym.envs.pddl import worlds
from agemem_gym.envs.pddl.conditions import bound
from agemem_gym.envs.pddl.generated import GENERATORS, draw
from agemem_gym.envs.pddl.grounding import MAX_GROUND, Action, Ground
from agemem_gym.envs.pddl.joins import TooLarge
from agemem_gym.envs.pddl.language import And, Atom, Domain, Literal, Parameters, Problem, conjuncts
from agemem_gym.envs.pddl.parsing import domain_from, parse_domain, parse_problem, problem_from
from agemem_gym.envs.pddl.planner import MAX_SEARCH, Planner, plan_in_turn
from agemem_gym.envs.pddl.relevance import in_turn, involved
from agemem_gym.envs.pddl.text import read_text
from agemem_gym.errors import ConfigurationError, missing_extra
from agemem_gym.task import World

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
LARGE_TESTS = ("manyferry", "manygripper", "manylogistics", "manymiconic")
"""Those of them whose test problems have about a hundred thousand actions each: they are played only where they are named."""
_OWN_FILES = {"gripper": "grippers"}
_AGENTBOARD_MOVES = 30
_ATTEMPTS = 20
_MOST_KEPT, _MOST_ACTIONS_KEPT = 64, 50_000


@dataclass(frozen=True)
class Limits:
    """What a problem may cost: the actions that are written out, and the steps of the planner's search."""

    max_ground: int = MAX_GROUND
    max_search: int = MAX_SEARCH


@dataclass(frozen=True)
class Case:
    """A problem ready to be played: grounded, and with a plan (``None`` where the planner found none).

    Attributes:
        told: in a problem that needs memory: what there is to know of its world.
        bearing: that part of it which one has to know to go straight to the goal.
    """

    domain_name: str
    problem: Problem
    ground: Ground
    plan: tuple[Action, ...] | None
    told: tuple[Atom, ...] = ()
    bearing: tuple[Atom, ...] = ()

    @property
    def rules(self) -> str:
        """The name of the domain whose operators it has."""
        return worlds.KINDS[self.domain_name].rules if self.domain_name in worlds.KINDS else self.domain_name


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


def packaged_domains() -> list[str]:
    """The names of pddlgym's domains."""
    return sorted(path.stem for path in packaged_folder().glob("*.pddl"))


@lru_cache(maxsize=256)
def packaged_problems(domain_name: str, split: str) -> tuple[Path, ...]:
    """pddlgym's problem files of a domain: ``test`` has a folder of its own; the last fifth of the others is validation."""
    folder = packaged_folder() / (f"{domain_name}_test" if split == "test" else domain_name)
    files = sorted(folder.glob("*.pddl"), key=_natural)
    if split != "test":
        cut = max(1, len(files) - max(1, len(files) // 5))
        files = files[:cut] if split == "train" else files[cut:]
    return tuple(files)


@lru_cache(maxsize=64)
def generated(domain_name: str, split: str, number: int, limits: Limits) -> Case:
    """A generated problem with its plan; one that AgentBoard's protocol plays has a plan that fits its 30 moves."""
    for attempt in range(_ATTEMPTS):
        problem = draw(domain_name, split, number, attempt)
        ground = Ground(own_or_packaged(domain_name), problem, limits.max_ground)
        plan = Planner(ground, limits.max_search).plan(ground.initial)
        longest = _AGENTBOARD_MOVES if split == "agentboard" else 10_000
        if plan is not None and 3 <= len(plan) <= longest:
            return Case(domain_name, problem, ground, tuple(plan))
    raise ConfigurationError(
        f"no {domain_name} problem of number {number} with a plan in {_ATTEMPTS} draws; "
        f"max_search={limits.max_search} may be too small"
    )


@lru_cache(maxsize=16)
def memorable(domain_name: str, split: str, number: int, limits: Limits) -> Case:
    """A goal in a world of its own, much of which is hidden from sight."""
    return _remembered(domain_name, lambda attempt: worlds.draw(domain_name, split, number, attempt), limits)


@lru_cache(maxsize=32)
def lasting(domain_name: str, split: str, number: int, world: World, seed: int, limits: Limits) -> Case:
    """A goal in a world that comes back, the `number`-th of its kind."""
    return _remembered(
        domain_name, lambda attempt: worlds.draw_in(world, number, domain_name, split, seed, attempt), limits
    )


def _remembered(domain_name: str, drawn: Callable[[int], Problem], limits: Limits) -> Case:
    """The first problem drawn that takes three moves or more, with what there is to know of it."""
    kind = worlds.KINDS[domain_name]
    domain = own_or_packaged(kind.rules)
    for attempt in range(_ATTEMPTS):
        problem = drawn(attempt)
        goal = [part.atom for part in conjuncts(problem.goal) if isinstance(part, Literal)]
        objects = involved(kind.rules, dict(problem.objects), problem.initial, goal)
        initial = frozenset(atom for atom in problem.initial if all(thing in objects for thing in atom[1:]))
        small = Ground(domain, replace(problem, objects=tuple(sorted(objects.items())), initial=initial))
        parts = (And(tuple(map(Literal, part))) for part in in_turn(kind.rules, goal))
        steps = plan_in_turn(small, parts, limits.max_search) or ()
        ground = _world_of(kind.rules, problem.objects, problem.initial, limits.max_ground).with_goal(problem.goal)
        plan = [action for step in steps if (action := ground.find(step.name, step.arguments)) is not None]
        if len(plan) == len(steps) >= 3:
            told = kind.facts(problem.initial)
            bearing = set(kind.bearing(problem.initial, goal, _needs(domain, plan)))
            return Case(domain_name, problem, ground, tuple(plan), tuple(told), tuple(a for a in told if a in bearing))
    raise ConfigurationError(
        f"no {domain_name} problem with a plan in {_ATTEMPTS} draws; max_search={limits.max_search} may be too small"
    )


@lru_cache(maxsize=8)
def _world_of(rules: str, objects: Parameters, initial: frozenset[Atom], max_ground: int) -> Ground:
    """A world without a goal: it takes most of the time, and the next task is often in the same one."""
    return Ground(own_or_packaged(rules), Problem("", objects, initial, And()), max_ground)


def _needs(domain: Domain, plan: Iterable[Action]) -> set[Atom]:
    """What the steps of a plan need, things that never change included."""
    operators = {operator.name: operator for operator in domain.operators}
    found = set()
    for action in plan:
        names = (variable for variable, _ in operators[action.name].parameters)
        binding = dict(zip(names, action.arguments, strict=True))
        parts = conjuncts(operators[action.name].precondition)
        found |= {bound(part.atom, binding) for part in parts if isinstance(part, Literal)}
    return found


def packaged(domain_name: str, path: Path, limits: Limits) -> Case:
    """One of pddlgym's problems."""
    domain = own_or_packaged(domain_name)
    return _kept((path, limits), lambda: _prepared(domain_name, domain, parse_problem(path, domain), path, limits))


def from_files(domain_path: Path, problem_path: Path, limits: Limits) -> Case:
    """A user's own problem, read anew where its files have changed.

    Raises:
        ConfigurationError: a file cannot be read, has too many actions, or a goal that holds at the start.
    """
    domain_text, problem_text = read_text(domain_path), read_text(problem_path)

    def made() -> Case:
        domain = domain_from(domain_text, domain_path)
        problem = problem_from(problem_text, problem_path, domain)
        return _prepared(domain.name, domain, problem, problem_path, limits)

    return _kept((domain_text, problem_text, domain_path, problem_path, limits), made)


_cases: dict[Hashable, Case] = {}


def _kept(key: Hashable, made: Callable[[], Case]) -> Case:
    """A case that was made before, or a new one; the oldest go where those kept are too many, or have too many actions."""
    case = _cases.pop(key, None) or made()
    _cases[key] = case  # the youngest stands last
    while len(_cases) > 1 and (
        len(_cases) > _MOST_KEPT or sum(len(c.ground.actions) for c in _cases.values()) > _MOST_ACTIONS_KEPT
    ):
        del _cases[next(iter(_cases))]
    return case


def _prepared(domain_name: str, domain: Domain, problem: Problem, path: Path, limits: Limits) -> Case:
    """Ground a problem and plan it once."""
    try:
        ground = Ground(domain, problem, limits.max_ground)
    except TooLarge:
        raise ConfigurationError(
            f"{path}: more than max_ground={limits.max_ground} actions can be reached, or finding them takes too long; "
            "give a larger max_ground, or a smaller problem"
        ) from None
    if ground.reached(ground.initial):
        raise ConfigurationError(
            f"{path}: the goal {'holds at the start' if ground.goal else 'is empty'}: nothing to do"
        )
    plan = Planner(ground, limits.max_search).plan(ground.initial)
    return Case(domain_name, problem, ground, None if plan is None else tuple(plan))


def _natural(path: Path) -> list[int | str]:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path.name)]
