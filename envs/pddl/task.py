"""The PDDL benchmark; its documentation stands in the docstring of :class:`PDDLTask`."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from agemem_gym.checks import TASK_INDEX, at_least, chosen_index, one_of, only_options
from agemem_gym.envs.moves import choose_moves, memory_limit
from agemem_gym.envs.pddl import facts, wording
from agemem_gym.envs.pddl.attempts import NOTHING, Attempts
from agemem_gym.envs.pddl.choice import SPLITS, data_files, domain_names, rules_of, user_files
from agemem_gym.envs.pddl.commands import CHECK, HINT, LOOK, Commands
from agemem_gym.envs.pddl.grounding import MAX_GROUND, Action
from agemem_gym.envs.pddl.language import Atom
from agemem_gym.envs.pddl.library import (
    AGENTBOARD,
    AGENTBOARD_COUNTS,
    Case,
    Limits,
    from_files,
    generated,
    lasting,
    memorable,
    own_or_packaged,
    packaged,
    packaged_problems,
)
from agemem_gym.envs.pddl.planner import MAX_SEARCH, Planner
from agemem_gym.envs.pddl.sight import SIGHT, sight_in
from agemem_gym.envs.pddl.worlds import KINDS, MEMORY
from agemem_gym.errors import ConfigurationError
from agemem_gym.task import WORLD, Metric, TaskStart, TaskStep, World

_MOVES_WITHOUT_PLAN = 100
_ONLY_NEWS = frozenset(("barman", "tyreworld"))  # their observations show only what is new; `look around` shows all


class PDDLTask:
    """Classical planning in words.

    **Engine.** Domains and problems are read by :mod:`.parsing`: STRIPS with types, constants, equality, negation, disjunction,
    quantifiers, conditional effects and derived predicates; costs are read and left out of account. States, actions and plans
    are computed on the grounded problem (:mod:`.grounding`), which gives the same states as ``pddlgym.core.PDDLEnv``. pddlgym
    itself (package ``pddlgym``) is needed for its domains only, not for the four generated ones and not for your own files.

    **Observation.** One English sentence a literal, sorted; in barman and tyreworld only the new ones. **Commands.** The
    operator and the names of its objects in order (``stack b1 b2``; words such as "on" may stand between),
    ``check valid actions``,
    and ``look around`` for the full state. An action that cannot be applied changes nothing and costs a move.

    **Progress** is the best share of goal literals so far, those that hold at the start among them. **Success**: all of them
    hold, which ends the episode. A goal that is empty or holds at the start is refused: there is nothing to do.

    **Splits.** Generated problems of ``validation`` and ``test`` have numbers or an order of things that none of ``train`` has.
    pddlgym's test problems have a folder of their own; the last fifth of the others is ``validation``. Those of ``manyferry
    manygripper manylogistics manymiconic`` are very large and are played in ``test`` only where you name the domain. The
    problems of ``protocol="agentboard"`` are ``test``; the smallest of them coincide with ``train`` problems of the full
    protocol.

    **Your own files.** ``domain="my/domain.pddl", problem="my/problem.pddl"``; they are read anew at the next reset where they
    have changed. What cannot be read is refused with file, line and reason. Only actions that can be reached are written out,
    at most `max_ground`. Where the planner finds no plan within `max_search`, a warning says so: the expert is silent then, and
    100 moves are allowed.

    ==========  ===============================================================================================  ==============
    keyword     values                                                                                           default
    ==========  ===============================================================================================  ==============
    domain      a name or a list of names: ``gripper blockworld barman tyreworld`` (generated without end),      all 16
                ``blocks elevator ferry hanoi hiking manyferry manygripper manylogistics manymiconic newspapers
                onearmedgripper travel`` and other deterministic domains of pddlgym (depot, sokoban, …), or the
                path of a ``domain.pddl``
    problem     the path of a ``problem.pddl``, with a path as `domain`                                          none
    split       ``"train"``, ``"validation"``, ``"test"``                                                        ``"train"``
    protocol    ``"full"``: half as many moves again as the planner's plan has, and 10; ``"agentboard"``: 30     ``"full"``
                moves, the four domains of AgentBoard with 20, 10, 20 and 10 problems
    data        a folder of AgentBoard's own problem files, ``<domain>/*.pddl`` with its ``domain.pddl``         none
    max_ground  the most actions that a problem may have                                                         100,000
    max_search  the most elementary steps of the planner, a million of which take about a fifth of a second      50,000,000
    moves       ``"protocol"``; ``"memory"``: half as many moves again as the plan has, and 3, where there is    ``"protocol"``
                a plan: who knows where things are has time to spare
    sight       ``"all"``; ``"here"``: see above; the default is ``"here"`` in the memory domains                by domain
    ==========  ===============================================================================================  ==============

    **Memory.** ``domain="memory"`` stands for ``memory-gripper memory-blockworld memory-barman memory-tyreworld``: goals in
    large worlds of which little is seen (:mod:`.worlds`, :mod:`.sight`): which balls lie in which of 23 to 31 rooms, what
    stands on what inside eight towers, what the dispensers hold and cocktails are made of, which of 24 to 32 boxes a thing is
    in. It is told in stage 1; the key facts are what the planner's way needs and the first observation does not show. With
    ``sight="here"`` observations, ``look around``, the examples in the commands and the admissible commands show only what is
    seen; what cannot be seen need not be named (``fill-shot shot1 left right dispenser4``); a command that fails says why, as
    far as that is seen, and costs a move. The distractors are of other places and times.

    ``reset(options=…)`` takes ``task_index``: the i-th problem, domain by domain under ``agentboard``, else as seeds walk; and
    in the memory domains ``world={"seed": 3, "epoch": 1, "changes": 0.3}``: the same things and, but for what has changed, in
    the same places, whatever the seed, which chooses the goal. Worlds have names of their own: ``room403`` is in one alone.

    Sources: AgentBoard's ``environment/pddl_env`` (protocol, wording), ``pddlgym/core.py`` (states).
    """

    benchmark: ClassVar[str] = "pddl"
    names_worlds: ClassVar[bool] = True
    metric: ClassVar[Metric] = "progress"

    def __init__(
        self,
        *,
        domain: str | Sequence[str] | None = None,
        problem: str | Path | None = None,
        split: str | None = None,
        protocol: str = "full",
        data: str | Path | None = None,
        max_ground: int = MAX_GROUND,
        max_search: int = MAX_SEARCH,
        moves: Literal["protocol", "memory"] = "protocol",
        sight: Literal["all", "here"] | None = None,
    ) -> None:
        self._protocol = one_of("protocol", protocol, ("full", "agentboard"))
        self._moves = choose_moves(moves, protocol)
        if domain == MEMORY and data is not None:  # the user's own problems come before the ones that need memory
            domain = None
        splits = ("test",) if protocol == "agentboard" else SPLITS
        self._split = one_of("split", split if split is not None else splits[0], splits)
        self._limits = Limits(at_least("max_ground", max_ground), at_least("max_search", max_search))
        self._files = user_files(domain, problem)
        self._domains = () if self._files else domain_names(domain, protocol, self._split)
        self._data = data_files(data, self._domains) if data is not None else {}
        self._sight = None if sight is None else one_of("sight", sight, SIGHT)
        if sight == "here":
            for name in self._domains if not (self._files or self._data) else ("files of your own",):
                sight_in(rules_of(name))
        self._planner: Planner | None = None

    # ------------------------------------------------------------------------------------------------- the episode

    def reset(self, seed: int, options: Mapping[str, Any]) -> TaskStart:
        """Start the problem that `seed` or ``options["task_index"]`` stands for."""
        world = World.of(options)
        case = self._case(seed, options, world)
        self._case_now, self._ground = case, case.ground
        self._planner = None
        self._attempts = _attempts(case) if self._sees_little(case) else None
        self._commands = Commands(case, self._attempts)
        self._state = case.ground.initial
        self._best = case.ground.satisfied(self._state)
        self._over = False
        if case.plan is None:
            self._warn_of_no_plan(case)
        return TaskStart(
            task_id=f"PDDL/{case.domain_name}/{case.problem.name}",
            instruction=wording.goal_text(case.ground.goal),
            observation=self._first_sight(),
            commands=self._commands.told(self._state),
            max_moves=self._limit(case),
            progress=self._best,
            key_facts=tuple(wording.sentence(atom) for atom in self._key_facts()),
            key_phrases=facts.named(case.ground),
            record={
                "engine": f"pddlgym {_pddlgym_version()}",
                "domain": case.domain_name,
                "problem": case.problem.name,
                "split": self._split,
                "protocol": self._protocol,
                "plan_length": None if case.plan is None else len(case.plan),
                **self._beside_the_protocol(world),
            },
        )

    def world_facts(self) -> tuple[str, ...]:
        """All that is told of the present world, a sentence each."""
        return tuple(wording.sentence(atom) for atom in self._case_now.told)

    def act(self, command: str) -> TaskStep:
        """Apply one action, or look."""
        words = self._commands.words(command)
        if self._over:
            return self._step("The episode is over.", valid=False)
        if words[:2] == CHECK.split()[:2]:
            return self._step("Valid actions: " + ", ".join(self.admissible()))
        if words == LOOK.split():
            return self._step(wording.describe(self._seen(self._state)))
        action = self._commands.understood(words, self._state)
        if action is None:
            return self._step(f"The action {command.strip()[:200]!r} is not known here. {HINT}", valid=False)
        if isinstance(action, str):
            return self._step(action, valid=action == NOTHING)
        if not action.applicable(self._state):
            return self._step(f"The action {command.strip()[:200]!r} cannot be done now. {HINT}", valid=False)
        before, self._state = self._state, self._ground.after(self._state, action)
        self._best = max(self._best, self._ground.satisfied(self._state))
        return self._step(self._what_came_of_it(before))

    def answer(self, text: str) -> TaskStep:
        """End the episode: the state is the answer."""
        self._over = True
        return self._step("The episode is over.")

    def admissible(self) -> list[str]:
        """All commands that can be carried out now."""
        return self._commands.admissible(self._state)

    def expert(self) -> Iterator[str]:
        """A plan from the present state; nothing where the planner finds none."""
        plan: Sequence[Action] | None = self._case_now.plan
        if self._state != self._ground.initial or plan is None:
            self._planner = self._planner or Planner(self._ground, self._limits.max_search)
            plan = self._planner.plan(self._state)
        for action in plan or ():
            yield self._commands.written(action)

    def background(self, rng: np.random.Generator) -> list[str]:
        """How things stand at the start, in casual sentences and mixed order: all that the goal's objects are in, and more."""
        if self._case_now.told:
            return facts.hearsay(self._out_of_sight(self._case_now.told), rng)
        return facts.background(self._case_now, rng)

    def distractor_pool(self, rng: np.random.Generator) -> list[str]:
        """Facts with their objects exchanged, so that they do not hold at the start; in a world with hidden facts they are of
        other places and times.
        """
        if self._case_now.told:
            return facts.elsewhere(self._case_now, rng)
        return facts.distractors(self._case_now, rng)

    def size(self) -> int | None:
        """Number of problems; ``None`` where some are generated without end."""
        if self._files:
            return 1
        if self._protocol == "agentboard" or self._data:
            return len(self._agentboard())
        if any(name in AGENTBOARD or name in KINDS for name in self._domains):
            return None
        return sum(len(packaged_problems(name, self._split)) for name in self._domains)

    def close(self) -> None:
        """Nothing to free: problems stay in a bounded cache."""

    # ------------------------------------------------------------------------------------------------- the parts

    def _case(self, seed: int, options: Mapping[str, Any], world: World | None) -> Case:
        index = chosen_index(only_options(options, (TASK_INDEX, WORLD), task="PDDL"), self.size())
        if world is not None:
            return self._case_in(world, seed if index is None else index)
        if self._files:
            return from_files(*self._files, self._limits)
        if self._protocol == "agentboard" or self._data:
            order = self._agentboard() if index is not None else _interleaved(self._agentboard())
            name, number = order[(seed if index is None else index) % len(order)]
            if self._data:
                return from_files(*self._data[name][number], self._limits)
            return generated(name, "agentboard", number, self._limits)
        name, number = self._walked(seed if index is None else index)
        if name in KINDS:
            return memorable(name, self._split, number, self._limits)
        if name in AGENTBOARD:
            return generated(name, self._split, number, self._limits)
        files = packaged_problems(name, self._split)
        return packaged(name, files[number % len(files)], self._limits)

    def _case_in(self, world: World, seed: int) -> Case:
        name, number = self._walked(world.seed) if self._domains else ("your own files", 0)
        if name not in KINDS or self._data:
            raise ConfigurationError(f"options['world']: only domain='memory' has worlds that come back, not {name!r}")
        return lasting(name, self._split, number, world, seed, self._limits)

    def _walked(self, turn: int) -> tuple[str, int]:
        """The domain, and the number in it, that a seed comes to."""
        return self._domains[turn % len(self._domains)], turn // len(self._domains)

    def _agentboard(self) -> list[tuple[str, int]]:
        counts = {name: len(files) for name, files in self._data.items()} or AGENTBOARD_COUNTS
        return [(name, number) for name in self._domains if name in counts for number in range(counts[name])]

    def _limit(self, case: Case) -> int:
        if self._protocol == "agentboard":
            return 30
        if self._moves == "memory" and case.plan is not None:
            return memory_limit(len(case.plan))
        return _MOVES_WITHOUT_PLAN if case.plan is None else math.ceil(1.5 * len(case.plan)) + 10

    def _warn_of_no_plan(self, case: Case) -> None:
        warnings.warn(
            f"the planner found no plan for {case.domain_name}/{case.problem.name} within "
            f"max_search={self._limits.max_search} steps: the expert is silent, and {self._limit(case)} moves are allowed",
            stacklevel=3,
        )

    def _step(self, observation: str, *, valid: bool = True) -> TaskStep:
        success = self._ground.reached(self._state)
        self._over = self._over or success
        return TaskStep(observation, self._best, success, self._over, valid)

    # ------------------------------------------------------------------------------------------------- what is seen

    def _sees_little(self, case: Case) -> bool:
        return (self._sight or ("here" if case.told else "all")) == "here"

    def _seen(self, state: int) -> list[Atom]:
        return self._ground.holding(state) if self._attempts is None else self._attempts.seen(state)

    def _first_sight(self) -> str:
        """What is seen at the start; of a world that is told of, or seen in part, with the things that there are."""
        case = self._case_now
        if self._attempts is None and not case.told:
            return wording.describe(self._seen(self._state))
        for_ever = [] if self._attempts is not None else [atom for atom in case.told if atom in self._ground.static]
        return f"{wording.listed(case.problem.objects)} {wording.describe([*self._seen(self._state), *for_ever])}"

    def _what_came_of_it(self, before: int) -> str:
        if self._attempts is not None:
            known = frozenset(self._attempts.seen(before))
            seen = [atom for atom in self._attempts.seen(self._state) if atom not in known]
        elif self._case_now.rules in _ONLY_NEWS:
            seen = self._ground.holding(self._state & ~before)
        else:
            return wording.describe(self._ground.holding(self._state))
        return wording.describe(seen) or "Nothing new."

    def _key_facts(self) -> list[Atom]:
        case = self._case_now
        if case.told:
            return self._out_of_sight(case.bearing)
        return self._out_of_sight(facts.relevant(case.ground))

    def _out_of_sight(self, atoms: Sequence[Atom]) -> list[Atom]:
        """Those that are not seen at the start."""
        if self._attempts is None:
            return list(atoms)
        seen = frozenset(self._attempts.seen(self._ground.initial))
        return [atom for atom in atoms if atom not in seen]

    def _beside_the_protocol(self, world: World | None) -> dict[str, str | int | float]:
        """What of the settings is not the protocol's."""
        settings: dict[str, str | int | float] = {} if self._moves == "protocol" else {"moves": self._moves}
        if self._attempts is not None:
            settings["sight"] = "here"
        if world is not None:
            settings |= {"world": world.seed, "epoch": world.epoch, "changes": world.changes}
        return settings


def _attempts(case: Case) -> Attempts:
    return Attempts(own_or_packaged(case.rules), case.problem, case.ground, sight_in(case.rules))


def _interleaved(cases: list[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(cases, key=lambda case: case[1])


def _pddlgym_version() -> str:
    try:
        return version("pddlgym")
    except PackageNotFoundError:
        return "unknown"
