"""The reader, construct by construct as the competitions write them: each is played beside the naive executor."""

import contextlib

import pytest
from pddl_agreement import compare

from agemem_gym.envs.pddl import PDDLTask, library
from agemem_gym.envs.pddl.library import Limits, from_files
from agemem_gym.errors import ConfigurationError

HEAD = "(define (domain d)\n"
LAMPS = """
  (:types lamp - object)
  (:predicates (lit ?l - lamp) (dark ?l - lamp))
"""
SWITCH = """
  (:action switch-on
    :parameters (?l - lamp)
    :precondition (dark ?l)
    :effect (and (lit ?l) (not (dark ?l))))
"""
TWO_LAMPS = """(define (problem p) (:domain d)
  (:objects a b - lamp)
  (:init (dark a) (dark b))
  (:goal (and (lit a) (lit b))))
"""

# Each case: the domain's body, the problem, and the length of the plan.
CONSTRUCTS = {
    "typed lists of several variables in predicates": (
        "(:types place)(:predicates (at ?x - place) (road ?x ?y - place))"
        "(:action go :parameters (?x ?y - place) :precondition (and (at ?x) (road ?x ?y)) :effect (and (at ?y) (not (at ?x))))",
        "(define (problem p) (:domain d) (:objects a b c - place) (:init (at a) (road a b) (road b c)) (:goal (at c)))",
        2,
    ),
    "tabs, comments, capitals and carriage returns": (
        "; a comment (with a paren\n(:types\tlamp\t-\tobject)\r\n(:predicates\t(LIT\t?L\t-\tlamp)(dark ?l\t- lamp)) ; )\n"
        + SWITCH.upper(),
        TWO_LAMPS.replace("(dark a)", "(DARK A);(lit b)\n"),
        2,
    ),
    "costs": (
        "(:requirements :typing :action-costs)"
        + LAMPS
        + "(:functions (total-cost) - number (price ?l - lamp) - number)"
        "(:action switch-on :parameters (?l - lamp) :precondition (and (dark ?l))"
        " :effect (and (lit ?l) (not (dark ?l)) (increase (total-cost) (price ?l))))",
        "(define (problem p) (:domain d) (:objects a b - lamp) (:init (= (total-cost) 0) (= (price a) 2.5) (dark a) (dark b))"
        " (:goal (and (lit a) (lit b))) (:metric minimize (total-cost)))",
        2,
    ),
    "a missing precondition, and an empty one": (
        LAMPS + "(:action a :parameters (?l - lamp) :effect (dark ?l))"
        "(:action b :parameters (?l - lamp) :precondition () :effect (and (lit ?l)))"
        "(:action c :parameters () :precondition (and) :effect (and))",
        "(define (problem p) (:domain d) (:objects a - lamp) (:init) (:goal (and (lit a) (dark a))))",
        2,
    ),
    "either": (
        "(:types cat dog fish - animal)(:predicates (fed ?x - (either cat dog)) (hungry ?x - animal))"
        "(:action feed :parameters (?x - (either cat dog)) :precondition (hungry ?x) :effect (and (fed ?x) (not (hungry ?x))))",
        "(define (problem p) (:domain d) (:objects tom - cat rex - dog wanda - fish odd - (either cat fish))"
        " (:init (hungry tom) (hungry rex) (hungry wanda) (hungry odd)) (:goal (and (fed tom) (fed rex) (fed odd))))",
        3,
    ),
    "negative preconditions and goals": (
        LAMPS + "(:action on :parameters (?l - lamp) :precondition (not (lit ?l)) :effect (lit ?l))"
        "(:action off :parameters (?l - lamp) :precondition (and (lit ?l) (not (dark ?l))) :effect (not (lit ?l)))",
        "(define (problem p) (:domain d) (:objects a b c - lamp) (:init (lit b) (dark c) (lit c))"
        " (:goal (and (lit a) (not (lit b)))))",
        2,
    ),
    "constants": (
        "(:types lamp)(:constants hall - lamp)(:predicates (lit ?l - lamp))"
        "(:action first :parameters () :effect (lit hall))"
        "(:action then :parameters (?l - lamp) :precondition (and (lit hall) (not (= ?l hall))) :effect (lit ?l))",
        "(define (problem p) (:domain d) (:objects a - lamp) (:init) (:goal (and (lit a) (lit hall))))",
        2,
    ),
    "objects of the problem that the domain names without declaring them": (
        "(:types lamp)(:predicates (lit ?l - lamp))(:action first :parameters () :precondition (and) :effect (lit hall))",
        "(define (problem p) (:domain d) (:objects hall - lamp) (:init) (:goal (lit hall)))",
        1,
    ),
    "conditional effects, also for all objects": (
        LAMPS + "(:action pull :parameters () :precondition (and)"
        " :effect (forall (?l - lamp) (and (when (dark ?l) (and (lit ?l) (not (dark ?l))))"
        "   (when (lit ?l) (and (dark ?l) (not (lit ?l)))))))"
        "(:action knock :parameters (?l - lamp) :precondition (dark ?l) :effect (when (not (lit ?l)) (not (dark ?l))))",
        "(define (problem p) (:domain d) (:objects a b - lamp) (:init (dark a) (lit b)) (:goal (and (lit a) (dark b))))",
        1,
    ),
    "types on several levels, in any order, with object in the middle": (
        "(:types red - lamp thing lamp - object blue - lamp deepred - red object)(:predicates (lit ?x - lamp) (seen ?x))"
        "(:action on :parameters (?x - lamp) :precondition (not (lit ?x)) :effect (lit ?x))"
        "(:action see :parameters (?x) :precondition (not (seen ?x)) :effect (seen ?x))",
        "(define (problem p) (:domain d) (:objects a - deepred b - blue c - thing)"
        " (:init) (:goal (and (lit a) (lit b) (seen c))))",
        3,
    ),
    "no types at all": (
        "(:predicates (lit ?x) (dark ?x))"
        "(:action on :parameters (?x) :precondition (dark ?x) :effect (and (lit ?x) (not (dark ?x))))",
        "(define (problem p) (:domain d) (:objects a b) (:init (dark a)) (:goal (lit a)))",
        1,
    ),
    "equality and its negation": (
        "(:predicates (near ?x ?y) (same ?x))"
        "(:action pair :parameters (?x ?y) :precondition (not (= ?x ?y)) :effect (near ?x ?y))"
        "(:action self :parameters (?x ?y) :precondition (= ?x ?y) :effect (same ?x))",
        "(define (problem p) (:domain d) (:objects a b) (:init) (:goal (and (near a b) (same b))))",
        2,
    ),
    "disjunction, implication and quantifiers in preconditions and goals": (
        "(:types room key)(:predicates (open ?r - room) (has ?k - key) (fits ?k - key ?r - room) (quiet))"
        "(:action take :parameters (?k - key) :precondition (not (has ?k)) :effect (has ?k))"
        "(:action unlock :parameters (?r - room)"
        " :precondition (and (or (quiet) (exists (?k - key) (and (has ?k) (fits ?k ?r)))) (not (open ?r))) :effect (open ?r))"
        "(:action hush :parameters ()"
        " :precondition (and (forall (?r - room) (open ?r)) (imply (quiet) (exists (?k - key) (has ?k))))"
        " :effect (quiet))",
        "(define (problem p) (:domain d) (:objects r1 r2 - room k1 k2 - key) (:init (fits k1 r1) (fits k2 r2))"
        " (:goal (and (forall (?r - room) (open ?r)) (or (quiet) (not (has k1))))))",
        5,
    ),
    "a predicate called at, and names with marks in them": (
        "(:types place)(:predicates (at ?x - place) (next.to ?x ?y - place))"
        "(:action go_on :parameters (?x ?y - place) :precondition (and (at ?x) (next.to ?x ?y))"
        " :effect (and (at ?y) (not (at ?x))))",
        "(define (problem p) (:domain d) (:objects p.1 p+2 - place) (:init (at p.1) (next.to p.1 p+2)) (:goal (at p+2)))",
        1,
    ),
    "derived predicates, one of them from the denial of another": (
        "(:types block)(:predicates (on ?x ?y - block) (above ?x ?y - block) (free ?x - block))"
        "(:derived (above ?x ?y - block) (or (on ?x ?y) (exists (?z - block) (and (on ?x ?z) (above ?z ?y)))))"
        "(:derived (free ?x - block) (not (exists (?y - block) (above ?y ?x))))"
        "(:action put :parameters (?x ?y - block) :precondition (and (free ?x) (free ?y) (not (= ?x ?y))"
        "   (forall (?z - block) (not (on ?x ?z)))) :effect (on ?x ?y))"
        "(:action drop :parameters (?x ?y - block) :precondition (and (free ?x) (on ?x ?y)) :effect (not (on ?x ?y)))",
        "(define (problem p) (:domain d) (:objects a b c d - block) (:init (on b c)) "
        " (:goal (and (above a c) (free d) (on d a))))",
        2,
    ),
    "an add that wins over a delete": (
        "(:predicates (here ?x) (done))(:action stay :parameters (?x ?y) :precondition (here ?x)"
        " :effect (and (here ?y) (not (here ?x)) (done)))",
        "(define (problem p) (:domain d) (:objects a b) (:init (here a)) (:goal (and (done) (here a))))",
        1,
    ),
}


def write(folder, body, problem):
    domain_path, problem_path = folder / "d.pddl", folder / "p.pddl"
    domain_path.write_text(HEAD + body + ")", encoding="utf-8", newline="")
    problem_path.write_text(problem, encoding="utf-8", newline="")
    return domain_path, problem_path


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_states_goal_and_actions_are_those_of_a_naive_executor(name, tmp_path):
    body, problem, length = CONSTRUCTS[name]
    agreement = compare(*write(tmp_path, body, problem))
    assert (agreement.planned, agreement.steps) == (True, length)
    for seed in range(3):  # also off the plan
        compare(tmp_path / "d.pddl", tmp_path / "p.pddl", seed=seed, longest=0)


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_what_is_written_as_admissible_is_understood(name, tmp_path):
    domain_path, problem_path = write(tmp_path, *CONSTRUCTS[name][:2])
    task = PDDLTask(domain=domain_path, problem=problem_path)
    task.reset(0, {})
    for command in task.admissible():
        task.reset(0, {})
        assert task.act(command.upper()).valid, command


def test_a_goal_of_all_kinds_is_told_in_words(tmp_path):
    body, problem, _ = CONSTRUCTS["disjunction, implication and quantifiers in preconditions and goals"]
    domain_path, problem_path = write(tmp_path, body, problem)
    task = PDDLTask(domain=domain_path, problem=problem_path)
    start = task.reset(0, {})
    assert start.instruction == (
        "Reach a state in which r1 is open, r2 is open, (quiet holds or it is not so that k1 is has)."
    )
    assert start.progress == pytest.approx(1 / 3)  # nobody has the key at the start


def test_any_damage_to_a_file_is_a_configuration_error_or_none(tmp_path):
    body, problem, _ = CONSTRUCTS["disjunction, implication and quantifiers in preconditions and goals"]
    whole = HEAD + body + ")"
    for cut in range(0, len(whole), 7):
        start, end = whole[:cut], whole[cut:]
        for damaged in (start, start + "(" + end, start + end[5:], start + "\0" + end, start + " - " + end):
            (tmp_path / "d.pddl").write_text(damaged, encoding="utf-8")
            (tmp_path / "p.pddl").write_text(problem, encoding="utf-8")
            with contextlib.suppress(ConfigurationError):
                from_files(tmp_path / "d.pddl", tmp_path / "p.pddl", Limits(2_000, 20_000))


def test_files_are_read_anew_when_they_change(tmp_path):
    domain_path, problem_path = write(tmp_path, LAMPS + SWITCH, TWO_LAMPS)
    task = PDDLTask(domain=domain_path, problem=problem_path)
    assert task.reset(0, {}).instruction == "Reach a state in which a is lit, b is lit."
    problem_path.write_text(TWO_LAMPS.replace("(and (lit a) (lit b))", "(lit b)"))
    assert task.reset(0, {}).instruction == "Reach a state in which b is lit."
    domain_path.write_text(HEAD + LAMPS + SWITCH.replace("switch-on", "strike") + ")")
    assert task.reset(0, {}).commands.startswith("an operator (strike)")


def test_neither_own_files_nor_generated_domains_need_pddlgym(tmp_path, monkeypatch):
    monkeypatch.setattr(library, "find_spec", lambda name: None)
    monkeypatch.setattr(library, "packaged_folder", library.packaged_folder.__wrapped__)  # not cached
    domain_path, problem_path = write(tmp_path, LAMPS + SWITCH, TWO_LAMPS)
    assert PDDLTask(domain=domain_path, problem=problem_path).reset(0, {}).max_moves == 13
    assert PDDLTask(domain="gripper").reset(0, {}).observation
    with pytest.raises(ImportError, match="pddlgym"):
        PDDLTask()
