"""What cannot be read or played is refused: with the file, the line, the reason, and what was probably meant."""

import time

import psutil
import pytest

from agemem_gym.envs.pddl import PDDLTask, library
from agemem_gym.envs.pddl.library import Limits, from_files
from agemem_gym.errors import ConfigurationError

DOMAIN = """(define (domain d)
(:types lamp - object)
(:predicates (lit ?l - lamp) (dark ?l - lamp))
(:action switch-on
  :parameters (?l - lamp)
  :precondition (dark ?l)
  :effect (and (lit ?l) (not (dark ?l))))
)"""
PROBLEM = """(define (problem p) (:domain d)
(:objects a b - lamp)
(:init (dark a) (dark b))
(:goal (and (lit a) (lit b))))"""
AGAIN = "(:action switch-on :parameters ())"
IN_DOMAIN = [
    (":precondition (dark", ":precondition (drak", 6, "unknown predicate 'drak'; did you mean 'dark'?"),
    ("(?l - lamp)\n  :pre", "(?l - lmap)\n  :pre", 5, "unknown type 'lmap'; did you mean 'lamp'?"),
    ("(and (lit ?l)", "(and (lit ?x)", 7, "unknown variable '?x'"),
    ("(and (lit ?l)", "(and (lit ?l ?l)", 7, "'lit' takes 1 argument, 2 given"),
    ("(and (lit ?l)", "(and lit", 7, "expected an effect in parentheses, not 'lit'"),
    (
        "(:action",
        "(:derived (lit ?l - lamp) (dark ?l))\n(:action",
        4,
        "'lit' is derived, but an action changes it, too",
    ),
    ("(:action", "(:derived (lit ?l ?m - lamp) (dark ?l))\n(:action", 4, "'lit' takes 1 argument, 2 given"),
    (
        "(dark ?l - lamp))\n",
        "(dark ?l - lamp) (x) (y) (z))\n(:derived (x) (y))\n(:derived (y) (not (z)))\n(:derived (z) (x))\n",
        5,
        "'y' is derived from its own denial",
    ),
    (":effect", ":efect", 7, "unknown keyword ':efect'; did you mean ':effect'?"),
    (":effect", ":precondition () :effect", 7, "a second :precondition"),
    ("(:types lamp - object)", "(:types lamp - object)" + AGAIN, 4, "the action 'switch-on' is defined twice"),
    ("(?l - lamp)\n  :pre", "(?l ?l - lamp)\n  :pre", 5, "?l is given twice"),
    ("(?l - lamp)\n  :pre", "(l - lamp)\n  :pre", 5, "expected a variable such as ?x, not 'l'"),
    ("(dark ?l)\n", "(> (f ?l) 3)\n", 6, "numeric conditions are not supported"),
    ("(dark ?l)\n", "(preference q (dark ?l))\n", 6, "preferences are not supported"),
    ("(dark ?l)\n", "(not (dark ?l) (lit ?l))\n", 6, "expected (not CONDITION)"),
    ("(:types lamp - object)", "(:durative-action x)", 2, "actions with durations are not supported"),
    ("(and (lit ?l)", "(and (probabilistic 0.5 (lit ?l))", 7, "probabilistic effects are not supported"),
    ("(and (lit ?l)", "(and (or (lit ?l))", 7, "an effect cannot be 'or'"),
    ("lamp - object", "lamp - light light - lamp", 2, "the type 'lamp' stands above itself"),
    ("(:predicates", "(:predicate", 3, "unknown section ':predicate'; did you mean ':predicates'?"),
    ("(:predicates (lit ?l - lamp)", "(:predicates (lit ?l - lamp) (lit)", 3, "the predicate 'lit' is declared twice"),
    ("(define (domain d)", "(define (domain d) (:types)", 2, "a second (:types …)"),
    ("(define (domain d)", "(define (domain d) " + "(" * 200 + ")" * 200, 1, "lists are nested deeper than 100"),
    ("(define (domain d)", "(define (problem d)", 1, "expected (define (domain NAME) …)"),
]
IN_PROBLEM = [
    ("(dark b)", "(dark c)", 3, "unknown object 'c'"),
    ("(dark b)", "(at 5 (dark b))", 3, "timed initial literals are not supported"),
    ("- lamp", "- lamp - lamp", 2, "'-' stands between names and their type"),
    ("(:goal", "(:gaol", 4, "unknown section ':gaol'; did you mean ':goal'?"),
    ("(:goal (and (lit a) (lit b)))", "", 1, "the problem has no (:goal …)"),
    ("(problem p)", "(domain p)", 1, "expected (define (problem NAME) …)"),
    ("(lit b)))", "(lit b)) (lit a))", 4, "expected (:goal CONDITION)"),
]


def write(folder, domain, problem):
    (folder / "d.pddl").write_text(domain, encoding="utf-8")
    (folder / "p.pddl").write_text(problem, encoding="utf-8")
    return folder / "d.pddl", folder / "p.pddl"


def refusal(paths, limits=None):
    with pytest.raises(ConfigurationError) as caught:
        from_files(*paths, limits or Limits())
    return str(caught.value)


@pytest.mark.parametrize(("old", "new", "line", "reason"), IN_DOMAIN)
def test_a_fault_in_a_domain_is_named_by_file_and_line(old, new, line, reason, tmp_path):
    assert old in DOMAIN
    paths = write(tmp_path, DOMAIN.replace(old, new, 1), PROBLEM)
    assert refusal(paths) == f"{paths[0]}, line {line}: {reason}"


@pytest.mark.parametrize(("old", "new", "line", "reason"), IN_PROBLEM)
def test_a_fault_in_a_problem_is_named_by_file_and_line(old, new, line, reason, tmp_path):
    assert old in PROBLEM
    paths = write(tmp_path, DOMAIN, PROBLEM.replace(old, new, 1))
    assert refusal(paths) == f"{paths[1]}, line {line}: {reason}"


def test_an_object_that_only_the_domain_names_has_to_be_in_the_problem(tmp_path):
    paths = write(tmp_path, DOMAIN.replace("(and (lit ?l)", "(and (lit hall)"), PROBLEM)
    assert refusal(paths).endswith(
        "p.pddl, line 1: there is no object 'hall', of which the domain speaks in its line 7"
    )


def test_a_file_that_is_no_text_is_refused(tmp_path):
    paths = write(tmp_path, DOMAIN, PROBLEM)
    paths[0].write_bytes(b"\xff\xfe\x00")
    assert "d.pddl: cannot be read" in refusal(paths)


@pytest.mark.parametrize("empty", ["(and)", "()"])
def test_an_empty_goal_is_refused(empty, tmp_path):
    paths = write(tmp_path, DOMAIN, PROBLEM.replace("(and (lit a) (lit b))", empty))
    assert refusal(paths) == f"{paths[1]}: the goal is empty: nothing to do"


def test_a_goal_that_holds_at_the_start_is_refused(tmp_path):
    paths = write(tmp_path, DOMAIN, PROBLEM.replace("(and (lit a) (lit b))", "(and (dark a) (not (lit b)))"))
    assert refusal(paths) == f"{paths[1]}: the goal holds at the start: nothing to do"


def many(count, parameters, precondition):
    """A domain whose one action takes `parameters` of `count` things."""
    variables = " ".join(f"?x{i}" for i in range(parameters))
    domain = (
        "(define (domain d) (:predicates (p ?x) (q ?x ?y) (r ?x))"
        f"(:action a :parameters ({variables}) :precondition {precondition} :effect (and (p ?x0) (r ?x1))))"
    )
    things = " ".join(f"t{i}" for i in range(count))
    chain = " ".join(f"(q t{i} t{i + 1})" for i in range(count - 1))
    return (
        domain,
        f"(define (problem p) (:domain d) (:objects {things}) (:init {chain} (r t0)) (:goal (p t{count - 4})))",
    )


@pytest.mark.parametrize("precondition", ["()", "(not (p ?x0))", "(or (r ?x0) (r ?x1))"])
def test_sixty_objects_and_four_parameters_end_in_one_error_and_little_memory(precondition, tmp_path):
    paths = write(tmp_path, *many(60, 4, precondition))
    before, started = psutil.Process().memory_info().rss, time.process_time()
    message = refusal(paths)
    assert "p.pddl: more than max_ground=100000 actions can be reached" in message
    assert psutil.Process().memory_info().rss - before < 500 * 2**20
    assert time.process_time() - started < 20


def test_large_problems_are_not_kept_beside_each_other(tmp_path, monkeypatch):
    monkeypatch.setattr(library, "_cases", {})
    monkeypatch.setattr(library, "_MOST_ACTIONS_KEPT", 150)
    for number in range(5):
        folder = tmp_path / str(number)
        folder.mkdir()
        paths = write(folder, *many(60, 4, "(and (r ?x0) (q ?x0 ?x1) (q ?x1 ?x2) (q ?x2 ?x3))"))
        assert from_files(*paths, Limits()) is from_files(*paths, Limits())
    assert len(library._cases) == 2


def test_what_cannot_be_reached_costs_nothing(tmp_path):
    precondition = "(and (r ?x0) (q ?x0 ?x1) (q ?x1 ?x2) (q ?x2 ?x3))"  # 13 million bindings, 57 actions
    case = from_files(*write(tmp_path, *many(60, 4, precondition)), Limits())
    assert len(case.ground.actions) == 57
    assert len(case.plan) == 57


def test_a_join_without_results_is_ended_too(tmp_path):
    precondition = "(and (q ?x0 ?y) (p ?x0))".replace("?y", "?x1")
    paths = write(tmp_path, *many(60, 8, precondition.replace("(p ?x0)", "(r ?x0) (not (q ?x6 ?x7)) (= ?x4 ?x5)")))
    assert "max_ground=1000 actions can be reached, or finding them takes too long" in refusal(paths, Limits(1_000))


def test_where_the_planner_gives_up_one_sentence_says_so(tmp_path):
    paths = write(tmp_path, *many(60, 4, "(and (r ?x0) (q ?x0 ?x1) (q ?x1 ?x2) (q ?x2 ?x3))"))
    task = PDDLTask(domain=paths[0], problem=paths[1], max_search=200)
    with pytest.warns(UserWarning, match="no plan") as warned:
        start = task.reset(0, {})
    assert [str(item.message) for item in warned] == [
        "the planner found no plan for d/p within max_search=200 steps: the expert is silent, and 100 moves are allowed"
    ]
    assert list(task.expert()) == []
    assert (start.max_moves, start.record["plan_length"]) == (100, None)


@pytest.mark.parametrize("keyword", ["max_ground", "max_search"])
def test_limits_are_whole_numbers(keyword):
    for wrong in (0, -1, 1.5, "many"):
        with pytest.raises(ConfigurationError, match=keyword):
            PDDLTask(domain="gripper", **{keyword: wrong})


@pytest.mark.parametrize(("domain", "split"), [("equalityblocks", "test"), ("navigation1", "validation")])
def test_a_domain_without_problems_in_a_split_is_refused(domain, split):
    with pytest.raises(ConfigurationError, match=f"split='{split}': pddlgym's domain '{domain}' has no problems in it"):
        PDDLTask(domain=domain, split=split)


def test_a_misspelt_domain_is_answered_with_the_nearest():
    with pytest.raises(ConfigurationError, match=r"unknown domain 'hanio': .*; did you mean 'hanoi'"):
        PDDLTask(domain="hanio")
