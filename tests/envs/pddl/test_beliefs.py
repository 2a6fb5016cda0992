"""Planning on beliefs: sentences are read back as the facts they were made of; a plan on them is a plan in the world."""

import pytest

from agemem_gym.envs.pddl import PDDLTask, wording
from agemem_gym.envs.pddl.beliefs import Rules
from agemem_gym.envs.pddl.grounding import Ground
from agemem_gym.envs.pddl.library import own_or_packaged
from agemem_gym.envs.pddl.planner import Planner, plan_in_turn, without_detours
from agemem_gym.envs.pddl.relevance import in_turn, involved
from agemem_gym.envs.pddl.worlds import KINDS, draw
from agemem_gym.errors import ConfigurationError


@pytest.mark.parametrize("domain", KINDS)
def test_every_sentence_about_a_world_is_read_back(domain):
    problem = draw(domain, "train", 2, 0)
    objects = dict(problem.objects)
    text = wording.describe(sorted(problem.initial))
    assert set(Rules.of(KINDS[domain].rules).read(text, objects)) == problem.initial


@pytest.mark.parametrize("domain", KINDS)
def test_the_goal_is_read_from_the_instruction(domain):
    start = PDDLTask(domain=domain).reset(1, {})
    rules = Rules.of(KINDS[domain].rules)
    goal = rules.read(start.instruction.removeprefix("Reach a state in which "), wording.objects_in(start.observation))
    assert sorted(map(wording.clause, goal)) == sorted(start.instruction[23:].rstrip(".").split(", "))


def test_the_same_words_mean_different_things_of_different_types():
    rules = Rules.of("barman")
    assert rules.read("left is empty. shot1 is empty.", {"left": "hand", "shot1": "shot"}) == [
        ("handempty", "left"),
        ("empty", "shot1"),
    ]


@pytest.mark.parametrize(
    "text", ["", "It rains.", "ball9 is at room1.", "Ball1 is at the seaside.", "room1 is at ball1."]
)
def test_what_states_no_fact_of_these_things_is_passed_over(text):
    assert Rules.of("gripper").read(text, {"ball1": "ball", "room1": "room"}) == []


@pytest.mark.parametrize("names", [["b1"], ["b1", "b2"], ["b1", "b2", "b3"], ["b2", "b9", "b10", "b11", "b12", "left"]])
def test_a_list_of_objects_is_read_back(names):
    objects = [(name, "block") for name in names] + [("room1", "room")]
    listed = wording.listed(objects)
    assert wording.objects_in(f"Some words. {listed} More words.") == dict(objects)


def test_long_rows_of_numbered_objects_are_told_by_their_ends():
    assert wording.listed([(f"ball{i}", "ball") for i in range(1, 13)]) == "Objects of type ball: ball1 to ball12."


@pytest.mark.parametrize("domain", KINDS)
def test_a_plan_on_what_is_true_wins(domain):
    task = PDDLTask(domain=domain)
    problem = draw(domain, "train", 4, 0)
    task.reset(4, {})
    goal = [part.atom for part in problem.goal.parts]
    steps = Rules.of(KINDS[domain].rules).plan(dict(problem.objects), problem.initial, goal)
    taken = [task.act(step.command) for step in steps]
    assert all(step.valid for step in taken)
    assert taken[-1].success


def test_a_step_says_what_it_needs_and_does():
    step = Rules.of("gripper").step("pick", ["ball1", "room2", "left"])
    assert step.command == "pick ball1 room2 left"
    assert step.needs == {("at", "ball1", "room2"), ("at-robby", "room2"), ("free", "left")}
    assert step.add == {("carry", "ball1", "left")}
    assert step.delete == {("at", "ball1", "room2"), ("free", "left")}
    filled = Rules.of("barman").step("fill-shot", ["shot1", "ingredient1", "left", "right", "dispenser2"])
    assert filled.command == "fill-shot shot1 left right dispenser2"  # what comes out need not be named


def test_where_there_is_no_way_there_is_no_plan():
    objects = {"ball1": "ball", "room1": "room", "room2": "room", "left": "gripper"}
    assert Rules.of("gripper").plan(objects, {("at-robby", "room1")}, [("at", "ball1", "room1")]) is None


def test_there_are_rules_for_agentboards_domains_only():
    with pytest.raises(ConfigurationError, match="not settled what can be seen in 'ferry'"):
        Rules.of("ferry")


@pytest.mark.parametrize("domain", KINDS)
def test_what_is_involved_is_a_small_part_of_the_world_that_suffices_for_its_goal(domain):
    problem = draw(domain, "train", 1, 0)
    goal = [part.atom for part in problem.goal.parts]
    few = involved(KINDS[domain].rules, dict(problem.objects), problem.initial, goal)
    assert {thing for atom in goal for thing in atom[1:]} <= few.keys()
    assert len(few) < 0.7 * len(problem.objects)
    assert involved("ferry", {"a": "car"}, [], []) == {"a": "car"}


def test_drinks_that_need_the_shaker_are_made_first_and_one_at_a_time():
    goal = [("contains", "shot1", "ingredient1"), ("contains", "shot2", "cocktail1")]
    assert in_turn("barman", goal) == [[goal[1]], [goal[1], goal[0]]]
    assert in_turn("gripper", goal) == [sorted(goal)]


def test_a_plan_loses_its_detours_and_keeps_its_end():
    problem = draw("memory-gripper", "train", 0, 0)
    ground = Ground(own_or_packaged("gripper"), problem)
    plan = Planner(ground).plan(ground.initial)
    robot = next(atom[1] for atom in problem.initial if atom[0] == "at-robby")
    far = next(name for name, kind in problem.objects if kind == "room" and name != robot)
    there, back = ground.find("move", (robot, far)), ground.find("move", (far, robot))
    assert without_detours(ground, [there, back, *plan]) == without_detours(ground, plan)


def test_a_plan_in_turn_reaches_all_of_the_goals_in_the_end():
    problem = draw("memory-gripper", "train", 2, 0)
    ground = Ground(own_or_packaged("gripper"), problem)
    first, *others = problem.goal.parts
    state = ground.initial
    for action in plan_in_turn(ground, [first, problem.goal]):
        assert action.applicable(state)
        state = ground.after(state, action)
    assert ground.reached(state)
    assert others
