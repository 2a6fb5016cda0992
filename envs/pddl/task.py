"""The PDDL benchmark; its documentation stands in the docstring of :class:`PDDLTask`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from agemem_gym.checks import chosen_index, only_options
from agemem_gym.envs.pddl import wording
from agemem_gym.envs.pddl.grounding import Action
from agemem_gym.envs.pddl.library import (
    AGENTBOARD,
    AGENTBOARD_COUNTS,
    PDDLGYM,
    Case,
    from_files,
    generated,
    packaged,
    packaged_folder,
    packaged_problems,
)
from agemem_gym.envs.pddl.planner import Planner
from agemem_gym.errors import ConfigurationError
from agemem_gym.task import Metric, TaskStart, TaskStep

SPLITS = ("train", "validation", "test")
DEFAULT_DOMAINS = (*AGENTBOARD, *PDDLGYM)
_MOVES_WITHOUT_PLAN = 100
_ONLY_NEWS = frozenset(("barman", "tyreworld"))  # their observations show only what is new; `look around` shows all
_CASUAL = (
    "By the way, {0}.",
    "I noticed that {0}.",
    "Just so you know, {0}.",
    "At the start, {0}.",
    "They told me that {0}.",
)


class PDDLTask:
    """Classical planning in words.

    **Engine.** Domains and problems are read by pddlgym's parsers (package ``pddlgym``); states, actions and plans are computed
    on the grounded problem (:mod:`.grounding`), which gives the same states as ``pddlgym.core.PDDLEnv``.

    **Observation.** One English sentence a literal, sorted; in barman and tyreworld only the new ones. **Commands.** The
    operator and the names of its objects in order (``stack b1 b2``; words such as "on" may stand between),
    ``check valid actions``,
    and ``look around`` for the full state. An action that cannot be applied changes nothing and costs a move.

    **Progress** is the best share of goal literals so far. **Success**: all of them hold, which ends the episode.

    =========  ================================================================================================  =============
    keyword    values                                                                                            default
    =========  ================================================================================================  =============
    domain     a name or a list of names: ``gripper blockworld barman tyreworld`` (generated without end), ``blocks``    all 16
               ``elevator ferry hanoi hiking manyferry manygripper manylogistics manymiconic newspapers``
               ``onearmedgripper travel`` and other deterministic domains of pddlgym (depot, sokoban, …), or the
               path of a ``domain.pddl``
    problem    the path of a ``problem.pddl``, with a path as `domain`                                           none
    split      ``"train"``, ``"validation"``, ``"test"``                                                         ``"train"``
    protocol   ``"full"``: half as many moves again as the planner's plan has, and 10; ``"agentboard"``: 30      ``"full"``
               moves, the four domains of AgentBoard with 20, 10, 20 and 10 problems
    data       a folder of AgentBoard's own problem files, ``<domain>/*.pddl`` with its ``domain.pddl``          none
    =========  ================================================================================================  =============

    ``reset(options=…)`` takes ``task_index``: the i-th problem, domain by domain under ``agentboard``, else as seeds walk.

    Sources: AgentBoard's ``environment/pddl_env`` (protocol, wording), ``pddlgym/parser.py``, ``pddlgym/core.py``.
    """

    benchmark: ClassVar[str] = "pddl"
    metric: ClassVar[Metric] = "progress"

    def __init__(
        self,
        *,
        domain: str | Sequence[str] | None = None,
        problem: str | Path | None = None,
        split: str = "train",
        protocol: str = "full",
        data: str | Path | None = None,
    ) -> None:
        if protocol not in ("full", "agentboard"):
            raise ConfigurationError(f"protocol={protocol!r}: expected 'full' or 'agentboard'")
        if split not in SPLITS:
            raise ConfigurationError(f"split={split!r}: expected one of {', '.join(SPLITS)}")
        self._files = _user_files(domain, problem)
        self._split, self._protocol = split, protocol
        self._domains = () if self._files else _domain_names(domain, protocol)
        self._data = _data_files(data, self._domains) if data is not None else {}
        self._planner: Planner | None = None

    # ------------------------------------------------------------------------------------------------- the episode

    def reset(self, seed: int, options: Mapping[str, Any]) -> TaskStart:
        """Start the problem that `seed` or ``options["task_index"]`` stands for."""
        case = self._case(seed, options)
        self._case_now, self._ground = case, case.ground
        self._planner = None
        self._state = case.ground.initial
        self._best = case.ground.satisfied(self._state)
        self._over = False
        self._hidden = _sole_arguments(case)
        self._by_words = {
            (action.name, *(a for i, a in enumerate(action.arguments) if i not in self._hidden[action.name])): action
            for action in case.ground.actions
        }
        return TaskStart(
            task_id=f"PDDL/{case.domain_name}/{case.problem.name}",
            instruction=wording.goal_text(case.ground.goal),
            observation=self._whole_state(),
            commands=self._help(),
            max_moves=self._limit(case),
            key_facts=tuple(wording.sentence(atom) for atom in self._relevant()),
            record={
                "engine": f"pddlgym {_pddlgym_version()}",
                "domain": case.domain_name,
                "problem": case.problem.name,
                "split": self._split,
                "protocol": self._protocol,
                "plan_length": None if case.plan is None else len(case.plan),
            },
        )

    def act(self, command: str) -> TaskStep:
        """Apply one action, or look."""
        words = wording.words(command)
        if self._over:
            return self._step("The episode is over.", valid=False)
        if words[:2] == ["check", "valid"]:
            return self._step("Valid actions: " + ", ".join(self.admissible()))
        if words == ["look", "around"]:
            return self._step(self._whole_state())
        action = self._understood(words)
        if action is None:
            return self._step(f"The action {command.strip()[:200]!r} is not known here. {_HINT}", valid=False)
        if not action.applicable(self._state):
            return self._step(f"The action {command.strip()[:200]!r} cannot be done now. {_HINT}", valid=False)
        before, self._state = self._state, action.apply(self._state)
        self._best = max(self._best, self._ground.satisfied(self._state))
        if self._case_now.domain_name in _ONLY_NEWS:
            return self._step(wording.describe(self._ground.holding(self._state & ~before)) or "Nothing new.")
        return self._step(wording.describe(self._ground.holding(self._state)))

    def answer(self, text: str) -> TaskStep:
        """End the episode: the state is the answer."""
        self._over = True
        return self._step("The episode is over.")

    def admissible(self) -> list[str]:
        """All commands that can be carried out now."""
        commands = [wording.command(a, self._hidden[a.name]) for a in self._ground.applicable(self._state)]
        return sorted({*commands, "check valid actions", "look around"})

    def expert(self) -> Iterator[str]:
        """A plan from the present state; nothing where the planner finds none."""
        plan: Sequence[Action] | None = self._case_now.plan
        if self._state != self._ground.initial or plan is None:
            self._planner = self._planner or Planner(self._ground)
            plan = self._planner.plan(self._state)
        for action in plan or ():
            yield wording.command(action, self._hidden[action.name])

    def background(self, rng: np.random.Generator) -> list[str]:
        """How things stand at the start, in casual sentences and mixed order: all that the goal's objects are in, and more."""
        relevant = self._relevant()
        others = [atom for atom in self._facts() if atom not in relevant]
        picked = (
            [others[i] for i in sorted(rng.choice(len(others), size=min(10, len(others)), replace=False))]
            if others
            else []
        )
        lines = [_CASUAL[int(rng.integers(len(_CASUAL)))].format(wording.clause(atom)) for atom in relevant + picked]
        return [lines[i] for i in rng.permutation(len(lines))]

    def distractor_pool(self, rng: np.random.Generator) -> list[str]:
        """Facts with their objects exchanged, so that they do not hold at the start."""
        held = set(self._facts())
        kinds = dict(self._case_now.problem.objects)
        lines = []
        for atom in self._facts():
            if len(atom) < 2:
                continue
            others = [
                thing for thing, kind in sorted(kinds.items()) if kind == kinds.get(atom[-1]) and thing != atom[-1]
            ]
            false = [(*atom[:-1], thing) for thing in others if (*atom[:-1], thing) not in held]
            if false:
                picked = false[int(rng.integers(len(false)))]
                lines.append(_CASUAL[int(rng.integers(len(_CASUAL)))].format(wording.clause(picked)))
        return [lines[i] for i in rng.permutation(len(lines))]

    def size(self) -> int | None:
        """Number of problems; ``None`` where some are generated without end."""
        if self._files:
            return 1
        if self._protocol == "agentboard" or self._data:
            return len(self._agentboard())
        if any(name in AGENTBOARD for name in self._domains):
            return None
        return sum(len(packaged_problems(name, self._split)) for name in self._domains)

    def close(self) -> None:
        """Nothing to free: problems stay in a bounded cache."""

    # ------------------------------------------------------------------------------------------------- the parts

    def _case(self, seed: int, options: Mapping[str, Any]) -> Case:
        index = chosen_index(only_options(options, task="PDDL"), self.size())
        if self._files:
            return from_files(*self._files)
        if self._protocol == "agentboard" or self._data:
            order = self._agentboard() if index is not None else _interleaved(self._agentboard())
            name, number = order[(seed if index is None else index) % len(order)]
            return from_files(*self._data[name][number]) if self._data else generated(name, "agentboard", number)
        turn = seed if index is None else index
        name, number = self._domains[turn % len(self._domains)], turn // len(self._domains)
        if name in AGENTBOARD:
            return generated(name, self._split, number)
        files = packaged_problems(name, self._split)
        return packaged(name, files[number % len(files)])

    def _agentboard(self) -> list[tuple[str, int]]:
        counts = {name: len(files) for name, files in self._data.items()} or AGENTBOARD_COUNTS
        return [(name, number) for name in self._domains if name in counts for number in range(counts[name])]

    def _limit(self, case: Case) -> int:
        if self._protocol == "agentboard":
            return 30
        return _MOVES_WITHOUT_PLAN if case.plan is None else math.ceil(1.5 * len(case.plan)) + 10

    def _step(self, observation: str, *, valid: bool = True) -> TaskStep:
        success = self._ground.satisfied(self._state) == 1.0
        self._over = self._over or success
        return TaskStep(observation, self._best, success, self._over, valid)

    def _understood(self, words: list[str]) -> Action | None:
        """The action that the words name: its operator first, then its objects, with other words between them left out."""
        for length in range(min(4, len(words)), 0, -1):
            name = "-".join(words[:length])
            if name in self._hidden:
                known = self._object_names
                named = tuple(word for word in words[length:] if word in known)
                return self._by_words.get((name, *named)) or self._ground.find(name, named)
        return None

    @property
    def _object_names(self) -> frozenset[str]:
        return frozenset(thing for thing, _ in self._case_now.problem.objects)

    def _help(self) -> str:
        forms = sorted({action.name for action in self._ground.actions})
        examples = [wording.command(a, self._hidden[a.name]) for a in self._ground.applicable(self._state)[:2]]
        return (
            f"an operator ({', '.join(forms)}) followed by the names of its objects in order"
            f"{', e.g. ' + ' or '.join(examples) if examples else ''}; look around; check valid actions."
        )

    def _whole_state(self) -> str:
        return wording.describe(self._ground.holding(self._state))

    def _facts(self) -> list[tuple[str, ...]]:
        """The atoms of the initial state that somebody might tell, sorted."""
        return sorted(self._ground.holding(self._ground.initial)) + sorted(self._ground.static)

    def _relevant(self) -> list[tuple[str, ...]]:
        """What holds at the start of the objects that the goal names."""
        named = {thing for atom, _ in self._ground.goal for thing in atom[1:]}
        return [atom for atom in self._facts() if named & set(atom[1:])][:40]


_HINT = "Use 'check valid actions' to see what can be done."


def _user_files(domain: Any, problem: Any) -> tuple[Path, Path] | None:
    """The two files, if the user gave files."""
    is_path = isinstance(domain, Path) or (isinstance(domain, str) and domain.endswith(".pddl"))
    if is_path != (problem is not None):
        raise ConfigurationError("a domain.pddl and a problem.pddl go together: give domain=PATH and problem=PATH")
    if not is_path:
        return None
    for path in (Path(domain), Path(problem)):
        if not path.is_file():
            raise ConfigurationError(f"{path}: there is no such file")
    return Path(domain), Path(problem)


def _domain_names(domain: str | Sequence[str] | None, protocol: str) -> tuple[str, ...]:
    packaged_folder()
    if domain is None:
        return AGENTBOARD if protocol == "agentboard" else DEFAULT_DOMAINS
    names = (domain,) if isinstance(domain, str) else tuple(domain)
    for name in names:
        if name not in AGENTBOARD and (protocol == "agentboard" or not (packaged_folder() / f"{name}.pddl").is_file()):
            known = AGENTBOARD if protocol == "agentboard" else DEFAULT_DOMAINS
            raise ConfigurationError(
                f"unknown domain {name!r}: expected {', '.join(known)}, or the path of a domain.pddl"
            )
    if not names:
        raise ConfigurationError("domain=[]: expected at least one name")
    return names


def _data_files(data: str | Path, domains: Sequence[str]) -> dict[str, list[tuple[Path, Path]]]:
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


def _interleaved(cases: list[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(cases, key=lambda case: case[1])


def _sole_arguments(case: Case) -> dict[str, frozenset[int]]:
    """For each operator the places of arguments that are the same in all its actions: nobody has to name them."""
    values: dict[str, list[set[str]]] = {}
    for action in case.ground.actions:
        places = values.setdefault(action.name, [set() for _ in action.arguments])
        for place, argument in zip(places, action.arguments, strict=True):
            place.add(argument)
    robots = {thing for thing, kind in case.problem.objects if kind in ("robot", "player")}
    return {
        name: frozenset(i for i, place in enumerate(places) if len(place) == 1 and place <= robots)
        for name, places in values.items()
    }


def _pddlgym_version() -> str:
    try:
        return version("pddlgym")
    except PackageNotFoundError:
        return "unknown"
