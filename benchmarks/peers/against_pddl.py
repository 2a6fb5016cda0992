"""PDDL's step against pddlgym's own ``PDDLEnv``, with the valid actions listed on both sides, on the same walks."""

from __future__ import annotations

import contextlib
import io
import os
import random
import tempfile
import time
from pathlib import Path

from report import Row, run

from agemem_gym.envs.pddl import PDDLTask
from agemem_gym.envs.pddl.grounding import Action, Ground
from agemem_gym.envs.pddl.library import own_or_packaged, packaged_folder
from agemem_gym.envs.pddl.parsing import parse_problem

DOMAINS = ("blocks", "ferry", "manygripper", "manylogistics")


def measure(quick: bool) -> list[Row]:
    """Steps per second in each domain."""
    return [_domain(name, 20 if quick else 60, 3 if quick else 7) for name in (DOMAINS[:3] if quick else DOMAINS)]


def _domain(name: str, steps: int, repetitions: int) -> Row:
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        os.environ["TMP_PDDL_DIR"] = folder  # pddlgym leaves its files there
        from pddlgym.core import PDDLEnv

        file = packaged_folder() / f"{name}.pddl"
        as_actions = "(:actions" not in file.read_text()
        peer = PDDLEnv(
            str(file), str(packaged_folder() / name), operators_as_actions=as_actions, dynamic_action_space=True
        )
        peer.fix_problem_index(0)
        peer.reset()
        problem = Path(peer.problems[0].problem_fname)
        walk = _walk(Ground(own_or_packaged(name), parse_problem(problem, own_or_packaged(name))), steps)
        task = PDDLTask(domain=file, problem=problem)
        ours = theirs = float("inf")
        for _ in range(repetitions):
            ours = min(ours, _play_ours(task, walk))
            theirs = min(theirs, _play_peer(peer, walk))
    return Row.more_is_better(
        f"PDDL step with valid actions, {name}",
        len(walk) / ours,
        len(walk) / theirs,
        "pddlgym PDDLEnv",
        "steps/s",
        repetitions,
    )


def _walk(ground: Ground, steps: int) -> list[Action]:
    rng, state, walk = random.Random(0), ground.initial, []
    while len(walk) < steps and (choices := ground.applicable(state)):
        action = rng.choice(choices)
        if ground.satisfied(action.apply(state)) == 1.0:
            break
        walk.append(action)
        state = action.apply(state)
    return walk


def _play_ours(task: PDDLTask, walk: list[Action]) -> float:
    task.reset(0, {})
    commands = [" ".join((action.name, *action.arguments)) for action in walk]
    started = time.perf_counter()
    for command in commands:
        step = task.act(command)
        task.admissible()
        assert step.valid, command
    return time.perf_counter() - started


def _play_peer(peer: object, walk: list[Action]) -> float:
    from pddlgym.structs import Literal, Predicate

    state, _ = peer.reset()  # type: ignore[attr-defined]
    kinds = {thing.name: thing for thing in state.objects}
    predicates = {str(predicate.name): predicate for predicate in peer.action_predicates}  # type: ignore[attr-defined]
    literals = []
    for action in walk:
        name, *arguments = action.action_atom or (action.name, *action.arguments)
        predicate = predicates.get(name) or Predicate(name, len(arguments), [])
        literals.append(Literal(predicate, [kinds[argument] for argument in arguments]))
    started = time.perf_counter()
    for literal in literals:
        state = peer.step(literal)[0]  # type: ignore[attr-defined]
        peer.action_space.all_ground_literals(state)  # type: ignore[attr-defined]
    return time.perf_counter() - started


if __name__ == "__main__":
    run(measure, __doc__)
