"""Play a pair of PDDL files with the env's own state and with the naive executor, and compare everything at every step."""

from __future__ import annotations

import random
from dataclasses import dataclass

from naive_pddl import Executor

from agemem_gym.envs.pddl.library import Limits, from_files


@dataclass(frozen=True)
class Agreement:
    """What was compared: actions written out, steps played, and whether they were those of a plan to the goal."""

    actions: int
    steps: int
    planned: bool


def compare(domain_path, problem_path, walk=12, seed=0, limits=None, longest=10_000, within=None):
    """Compare along the plan, or along a random walk where there is none.

    Raises:
        AssertionError: state, goal or applicable actions differ.
    """
    case = from_files(domain_path, problem_path, limits or Limits())
    ground, state = case.ground, case.ground.initial
    naive = Executor(domain_path.read_text(), problem_path.read_text())
    rng = random.Random(seed)
    planned = case.plan is not None and len(case.plan) <= longest
    path = list(case.plan) if planned else [None] * walk
    steps = 0
    for step in [*path, None]:
        applicable = {(action.name, *action.arguments): action for action in ground.applicable(state)}
        assert set(applicable) == naive.applicable(), "applicable actions differ"
        asked = set(ground.holding(state)) | ground.static
        assert asked == naive.state, "states differ"
        assert ground.reached(state) == naive.solved(), "the goal differs"
        if steps == len(path) or (steps >= 2 and within is not None and within()):
            break
        if not planned and not applicable:
            break
        action = step or applicable[rng.choice(sorted(applicable))]
        naive.apply(action.name, *action.arguments)
        state = ground.after(state, action)
        steps += 1
    assert not planned or steps < len(path) or ground.reached(state)
    return Agreement(len(ground.actions), steps, planned)
