"""PDDL: the same states as pddlgym, plans that win, words that are understood, files that are refused with their line."""

import contextlib
import io
import random
import tempfile
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from agemem_gym.envs.pddl import PDDLTask
from agemem_gym.envs.pddl.grounding import Ground
from agemem_gym.envs.pddl.library import AGENTBOARD, PDDLGYM, own_or_packaged, packaged_folder
from agemem_gym.envs.pddl.parsing import parse_problem
from agemem_gym.errors import ConfigurationError

DOMAIN = """(define (domain lamps)
  (:requirements :strips :typing)
  (:types lamp)
  (:predicates (lit ?l - lamp) (dark ?l - lamp))
  (:action switch-on
    :parameters (?l - lamp)
    :precondition (and (dark ?l))
    :effect (and (lit ?l) (not (dark ?l)))))
"""
PROBLEM = """(define (problem two) (:domain lamps)
  (:objects a b - lamp)
  (:init (dark a) (dark b))
  (:goal (and (lit a) (lit b))))
"""


def play(task, replies):
    return [task.act(reply) for reply in replies]


def expert_step(task):
    step = None
    for command in task.expert():
        step = task.act(command)
        assert step.valid, command
    return step


@pytest.mark.parametrize("name", ["blocks", "ferry", "elevator", "hanoi", "manylogistics", "manygripper", "newspapers"])
def test_states_are_those_of_pddlgym_along_random_walks(name, monkeypatch):
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        monkeypatch.setenv("TMP_PDDL_DIR", folder)
        from pddlgym.core import PDDLEnv
        from pddlgym.structs import Literal, Predicate

        domain_file = packaged_folder() / f"{name}.pddl"
        text = domain_file.read_text()
        upstream = PDDLEnv(
            str(domain_file), str(packaged_folder() / name), operators_as_actions="(:actions" not in text
        )
        upstream.fix_problem_index(0)
        theirs, _ = upstream.reset()
        path = Path(upstream.problems[0].problem_fname)
        ground = Ground(own_or_packaged(name), parse_problem(path, own_or_packaged(name)))
        state, rng = ground.initial, random.Random(0)
        kinds = {thing.name: thing for thing in theirs.objects}
        changing = {atom[0] for atom in ground.atoms}
        for _ in range(25):
            held = {
                (str(literal.predicate.name), *(str(v.name) for v in literal.variables)) for literal in theirs.literals
            }
            assert set(ground.holding(state)) == {atom for atom in held if atom[0] in changing}
            choices = ground.applicable(state)
            if not choices or ground.satisfied(state) == 1.0:
                break
            action = rng.choice(choices)
            name_, *arguments = action.action_atom or (action.name, *action.arguments)
            predicate = next(
                (p for p in upstream.action_predicates if p.name == name_), Predicate(name_, len(arguments), [])
            )
            theirs = upstream.step(Literal(predicate, [kinds[a] for a in arguments]))[0]
            state = action.apply(state)


@pytest.mark.parametrize("domain", AGENTBOARD)
def test_the_expert_wins_generated_problems_of_every_level(domain):
    task = PDDLTask(domain=domain)
    for seed in range(5):
        start = task.reset(seed, {})
        step = expert_step(task)
        assert step.success
        assert step.done
        assert step.progress == 1.0
        assert start.record["plan_length"] <= start.max_moves


@pytest.mark.parametrize("domain", PDDLGYM)
def test_the_expert_wins_pddlgyms_problems(domain):
    task = PDDLTask(domain=domain)
    task.reset(0, {})
    assert expert_step(task).success


def test_the_expert_plans_anew_from_where_the_agent_has_gone():
    task = PDDLTask(domain="blockworld")
    task.reset(3, {})
    rng = random.Random(1)
    for _ in range(7):
        task.act(rng.choice([c for c in task.admissible() if c not in ("check valid actions", "look around")]))
    assert expert_step(task).success


def test_agentboards_protocol_has_sixty_tasks_of_thirty_moves_that_can_be_won():
    task = PDDLTask(protocol="agentboard")
    assert task.size() == 60
    ids = []
    for index in (0, 19, 20, 29, 30, 49, 50, 59):
        start = task.reset(0, {"task_index": index})
        ids.append(start.task_id.split("/")[1])
        assert start.max_moves == 30
        assert expert_step(task).success
    assert ids == ["gripper"] * 2 + ["blockworld"] * 2 + ["barman"] * 2 + ["tyreworld"] * 2


def test_progress_is_the_best_share_of_goal_literals_so_far(tmp_path):
    (tmp_path / "d.pddl").write_text(DOMAIN.replace("(not (dark ?l))", ""))
    (tmp_path / "d.pddl").write_text(DOMAIN)
    (tmp_path / "p.pddl").write_text(PROBLEM)
    task = PDDLTask(domain=str(tmp_path / "d.pddl"), problem=str(tmp_path / "p.pddl"))
    start = task.reset(0, {})
    assert start.observation == "a is dark. b is dark."
    assert start.instruction == "Reach a state in which a is lit, b is lit."
    steps = play(task, ["switch-on a", "switch on the lamp b"])
    assert [(s.observation, s.progress, s.success, s.done) for s in steps] == [
        ("a is lit. b is dark.", 0.5, False, False),
        ("a is lit. b is lit.", 1.0, True, True),
    ]
    assert task.size() == 1


def test_what_cannot_be_done_is_said_and_changes_nothing():
    task = PDDLTask(domain="blockworld")
    start = task.reset(0, {})
    for command in ("fly to the moon", "pickup", "stack b1 b1", "", "putdown b1", "ü" * 5000):
        step = task.act(command)
        assert not step.valid
        assert "check valid actions" in step.observation
    assert task.act("look around").observation == start.observation
    assert task.act("Check valid actions!").observation.startswith("Valid actions: ")


def test_all_admissible_commands_can_be_carried_out():
    for seed in range(8):
        task = PDDLTask()
        task.reset(seed, {})
        for command in task.admissible()[:20]:
            task.reset(seed, {})
            assert task.act(command).valid, command


def test_barman_shows_only_what_is_new():
    task = PDDLTask(domain="barman")
    start = task.reset(0, {})
    assert len(task.act("grasp left shot1").observation) < len(start.observation) / 3
    assert "left is holding shot1" in task.act("look around").observation.lower()


@pytest.mark.parametrize(
    ("domain", "problem", "message"),
    [
        (DOMAIN + ")", PROBLEM, r"d\.pddl, line 9: '\)' without '\('"),
        (DOMAIN[:-4], PROBLEM, r"d\.pddl, line \d: '\(' is never closed"),
        ("hello", PROBLEM, r"d\.pddl, line 1: no '\(define'"),
        (
            DOMAIN.replace("(dark ?l))", "(nosuch ?l))", 1).replace("(and (nosuch", "(and (forall (?x) (nosuch"),
            PROBLEM,
            r"d\.pddl, line",
        ),
        (DOMAIN, PROBLEM.replace("(dark b)", "(nosuch b)"), r"p\.pddl, line 3: unknown predicate .nosuch."),
    ],
)
def test_a_parse_error_names_file_and_line(tmp_path, domain, problem, message):
    (tmp_path / "d.pddl").write_text(domain)
    (tmp_path / "p.pddl").write_text(problem)
    task = PDDLTask(domain=tmp_path / "d.pddl", problem=tmp_path / "p.pddl")
    with pytest.raises(ConfigurationError, match=message):
        task.reset(0, {})


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"domain": "chess"}, "unknown domain 'chess'"),
        ({"domain": "blocks", "protocol": "agentboard"}, "unknown domain 'blocks'"),
        ({"domain": "x.pddl"}, "go together"),
        ({"problem": "x.pddl"}, "go together"),
        ({"domain": "x.pddl", "problem": "y.pddl"}, "there is no such file"),
        ({"split": "dev"}, "split='dev'"),
        ({"protocol": "short"}, "protocol='short'"),
        ({"data": "/nowhere"}, "expected folders"),
    ],
)
def test_wrong_keywords_are_refused_at_once(keywords, message):
    with pytest.raises(ConfigurationError, match=message):
        PDDLTask(**keywords)


def test_probabilistic_domains_are_refused():
    with pytest.raises(ConfigurationError, match=r"tireworld\.pddl, line \d+: probabilistic effects are not supported"):
        PDDLTask(domain="tireworld").reset(0, {})


def test_splits_hold_different_problems_and_seeds_give_the_same_one():
    def start(split, seed):
        return PDDLTask(domain="gripper", split=split).reset(seed, {})

    assert start("train", 7) == start("train", 7)
    assert (
        len({start(split, 7).observation + start(split, 7).instruction for split in ("train", "validation", "test")})
        == 3
    )


def test_background_is_true_and_distractors_are_not():
    task = PDDLTask(domain="gripper")
    start = task.reset(2, {})
    facts = {line.lower().rstrip(".") for line in start.observation.split(". ")}
    told = " ".join(task.background(np.random.default_rng(0))).lower()
    assert sum(fact in told for fact in facts) >= len(facts) // 2
    assert start.instruction.lower() not in told
    pool = " ".join(task.distractor_pool(np.random.default_rng(0))).lower()
    assert pool
    assert not any(fact in pool for fact in facts if " at " in fact)
    assert start.key_facts


def test_progress_counts_what_holds_at_the_start_from_the_start(tmp_path):
    (tmp_path / "d.pddl").write_text(DOMAIN)
    (tmp_path / "p.pddl").write_text(PROBLEM.replace("(dark a)", "(lit a)"))
    env = gym.make("agemem_gym:AgeMem-PDDL-v0", domain=str(tmp_path / "d.pddl"), problem=str(tmp_path / "p.pddl"))
    _, info = env.reset(seed=0)
    assert info["progress"] == 0.5
    *_, info = env.step("<action>check valid actions</action>")
    assert info["progress"] == 0.5
    *_, info = env.step("<action>switch-on b</action>")
    assert (info["progress"], info["success"]) == (1.0, True)
