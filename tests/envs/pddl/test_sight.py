"""Facts out of sight: nothing shown gives away what only stage 1 tells, and trying on wrong beliefs costs a move."""

import random
import re

import numpy as np
import pytest

from agemem_gym.envs.pddl import PDDLTask
from agemem_gym.envs.pddl.sight import Sight, sight_in
from agemem_gym.envs.pddl.worlds import KINDS
from agemem_gym.errors import ConfigurationError
from agemem_gym.facts import compare

LOOKS = ("look around", "check valid actions")


def started(domain, seed=0, **keywords):
    task = PDDLTask(domain=domain, **keywords)
    return task, task.reset(seed, {})


def shown_at_the_start(task, start):
    return " ".join((start.observation, start.commands, *task.admissible(), *(task.act(c).observation for c in LOOKS)))


@pytest.mark.parametrize("domain", KINDS)
@pytest.mark.parametrize("seed", range(5))
def test_nothing_shown_at_the_start_states_a_key_fact(domain, seed):
    task, start = started(domain, seed)
    shown = shown_at_the_start(task, start).lower()
    assert start.key_facts
    for fact in start.key_facts:
        assert fact.rstrip(".").lower() not in shown
        assert not compare(fact, start.observation)[0]


@pytest.mark.parametrize("domain", ["memory-gripper", "memory-barman", "memory-tyreworld"])
def test_nothing_shown_at_the_start_depends_on_what_is_hidden(domain):
    """Two worlds that differ in what is told alone: whoever has not been told sees no difference."""
    task = PDDLTask(domain=domain)
    views, told = set(), set()
    for epoch in (0, 1):
        start = task.reset(3, {"world": {"seed": 0, "epoch": epoch, "changes": 0.3}})
        views.add(shown_at_the_start(task, start))
        told.add(task.world_facts())
    assert (len(views), len(told)) == (1, 2)


def test_one_sees_which_balls_are_in_the_room_that_one_is_in_and_no_others():
    task, start = started("memory-gripper")
    robot = re.search(r"robot is at (room\d+)", start.observation)[1]
    assert all(where == robot for where in re.findall(r"ball\d+ is at (room\d+)", start.observation))
    where = dict(re.findall(r"(ball\d+) is at (room\d+)", " ".join(task.world_facts())))
    ball, room = next(iter(where.items()))
    assert f"{ball} is at {room}." in task.act(f"move {robot} {room}").observation
    others = [other for other, its_room in where.items() if its_room != room]
    assert not any(other in task.act("look around").observation for other in others)


def test_a_ball_that_is_not_where_it_was_believed_to_be_costs_a_move_and_tells_no_more():
    task, start = started("memory-gripper")
    where = dict(re.findall(r"(ball\d+) is at (room\d+)", " ".join(task.world_facts())))
    robot = re.search(r"robot is at (room\d+)", start.observation)[1]
    far = task.act(f"pick ball2 {where['ball2']} left")
    assert (far.observation, far.valid) == (f"It is not so that the robot is at {where['ball2']}.", False)
    here = task.act(f"pick ball2 {robot} left")
    assert (here.observation, here.valid) == (f"It is not so that ball2 is at {robot}.", False)


def test_of_a_tower_one_sees_the_top_and_what_it_stands_on():
    task, start = started("memory-blockworld")
    tops = re.findall(r"(b\d+) is clear", start.observation)
    standing = re.findall(r"(b\d+) is on (?:b\d+|the table)", start.observation)
    assert sorted(tops) == sorted(standing)
    above = {lower: upper for upper, lower in re.findall(r"(b\d+) is on (b\d+)", " ".join(task.world_facts()))}
    lower = next(block for block in above if above[block] in tops and block in above.values())
    wrong = next(block for block in above if block != lower)
    assert task.act(f"unstack {above[lower]} {wrong}").observation == f"It is not so that {above[lower]} is on {wrong}."
    beneath = next(block for block, upper in above.items() if upper == lower)
    news = task.act(f"unstack {above[lower]} {lower}").observation
    assert f"{lower} is clear." in news
    assert f"{lower} is on {beneath}." in news


def test_what_a_dispenser_holds_is_seen_in_the_glass():
    task, start = started("memory-barman")
    assert "dispenses" not in start.observation
    assert "need not be named (fill-shot shot1 left left dispenser1" in start.commands
    task.act("grasp left shot1")
    commands = [c for c in task.admissible() if c.startswith("fill-shot")]
    assert commands
    assert not any("ingredient" in command for command in commands)
    held = dict(re.findall(r"(dispenser\d+) dispenses (ingredient\d+)", " ".join(task.world_facts())))
    wrong = next(drink for drink in held.values() if drink != held["dispenser1"])
    denied = task.act(f"fill-shot shot1 {wrong} left right dispenser1")
    assert (denied.observation, denied.valid) == (f"It is not so that dispenser1 dispenses {wrong}.", False)
    filled = task.act("fill-shot shot1 left right dispenser1")
    assert filled.observation.startswith(f"shot1 contains {held['dispenser1']}.")


def mixed(task, drinks):
    """Mix two drinks in the shaker, from whichever dispensers hold them, and take the shaker."""
    held = {
        drink: d for d, drink in re.findall(r"(dispenser\d+) dispenses (ingredient\d+)", " ".join(task.world_facts()))
    }
    task.act("grasp left shot1")
    for drink, pour, levels in zip(drinks, ("clean", "used"), ("l0 l1", "l1 l2"), strict=True):
        assert task.act(f"fill-shot shot1 {drink} left right {held[drink]}").valid
        assert task.act(f"pour-shot-to-{pour}-shaker shot1 {drink} shaker1 left {levels}").valid
        assert task.act(f"clean-shot shot1 {drink} left right").valid
    task.act("leave left shot1")
    assert task.act("grasp left shaker1").valid


def recipe(task, cocktail):
    facts = " ".join(task.world_facts())
    return [re.search(rf"{n} ingredient of {cocktail} is (ingredient\d+)", facts)[1] for n in ("first", "second")]


def test_a_cocktail_of_the_right_parts_is_mixed_without_naming_them():
    task, _ = started("memory-barman")
    mixed(task, recipe(task, "cocktail2"))
    assert (
        task.act("shake cocktail2 shaker1 left right").observation == "shaker1 contains cocktail2. shaker1 is shaken."
    )


def test_all_cocktails_can_be_tried_and_nothing_comes_of_the_wrong_ones():
    task, _ = started("memory-barman")
    mixed(task, recipe(task, "cocktail2"))
    wrong = next(
        c for c in ("cocktail1", "cocktail3", "cocktail4") if set(recipe(task, c)) != set(recipe(task, "cocktail2"))
    )
    offered = [command for command in task.admissible() if command.startswith("shake")]
    assert offered == [f"shake cocktail{i} shaker1 left right" for i in range(1, 7)]
    tried = task.act(f"shake {wrong} shaker1 left right")
    assert (tried.observation, tried.valid) == ("You try it, but nothing comes of it.", True)
    first, second = recipe(task, "cocktail2")
    assert (
        "It is not so that the first ingredient"
        in task.act(f"shake {wrong} {second} {first} shaker1 left right").observation
    )


def test_what_is_in_a_box_is_seen_when_it_is_open():
    task, start = started("memory-tyreworld")
    assert " is in " not in start.observation
    thing, box = re.search(r"(\S+) is in (box\d+)", " ".join(task.world_facts())).groups()
    empty = next(f"box{i}" for i in range(1, 24) if f"box{i}." not in " ".join(task.world_facts()))
    assert task.act(f"fetch {thing} {box}").observation == f"It is not so that {box} is open."
    assert task.act(f"open {empty}").observation == f"{empty} is open."
    assert task.act(f"fetch {thing} {empty}").observation == f"It is not so that {thing} is in {empty}."
    assert f"{thing} is in {box}." in task.act(f"open {box}").observation
    assert task.act(f"fetch {thing} {box}").observation == f"You have {thing}."


@pytest.mark.parametrize("domain", KINDS)
def test_all_admissible_commands_are_taken_along_a_random_walk(domain):
    task, _ = started(domain, 1)
    chance = random.Random(5)
    for _ in range(25):
        command = chance.choice([c for c in task.admissible() if c not in LOOKS])
        assert task.act(command).valid, command


@pytest.mark.parametrize("domain", KINDS)
def test_the_state_goes_the_same_way_as_where_all_is_seen(domain):
    task, open_task = PDDLTask(domain=domain), PDDLTask(domain=domain, sight="all")
    task.reset(2, {}), open_task.reset(2, {})
    for command in list(task.expert()):
        assert (task.act(command).progress, task.act("nonsense").valid) == (open_task.act(command).progress, False)
    assert task.answer("").success
    assert open_task.answer("").success


@pytest.mark.parametrize("text", ["", "fly", "pick", "pick ball1", "pick room1 ball1 left", "shake", "move", "ü" * 500])
def test_any_text_is_answered(text):
    task, _ = started("memory-gripper")
    step = task.act(text)
    assert not step.valid
    assert "not known here" in step.observation


def test_sight_here_can_be_asked_for_in_the_small_domains_of_agentboard_too():
    task, start = started("gripper", 7, sight="here")
    robot = re.search(r"robot is at (room\d+)", start.observation)[1]
    assert all(room == robot for room in re.findall(r"ball\d+ is at (room\d+)", start.observation))
    assert not any(fact.rstrip(".") in start.observation for fact in start.key_facts)
    for command in list(task.expert()):
        step = task.act(command)
    assert step.success


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"domain": "ferry", "sight": "here"}, "not settled what can be seen in 'ferry'"),
        ({"sight": "here"}, "not settled what can be seen in"),
        ({"domain": "memory", "sight": "her"}, "did you mean 'here'"),
        ({"domain": "memory-griper"}, "did you mean 'memory-gripper'"),
        ({"domain": "memory", "protocol": "agentboard"}, "unknown domain 'memory'"),
        ({"domain": "memory", "moves": "memry"}, "did you mean 'memory'"),
        ({"protocol": "agentboard", "moves": "memory"}, "own limit of 30"),
    ],
)
def test_wrong_keywords_are_refused_at_once(keywords, message):
    with pytest.raises(ConfigurationError, match=message):
        PDDLTask(**keywords)


def test_your_own_files_with_sight_here_are_refused_at_once(tmp_path):
    (tmp_path / "d.pddl").write_text("(define (domain lamps) (:predicates (lit ?l)))")
    (tmp_path / "p.pddl").write_text("(define (problem two) (:domain lamps))")
    with pytest.raises(ConfigurationError, match="not settled what can be seen"):
        PDDLTask(domain=tmp_path / "d.pddl", problem=tmp_path / "p.pddl", sight="here")


def test_a_rule_of_sight_says_what_of_a_state_is_seen():
    sight: Sight = sight_in("gripper")
    state = [("at", "ball1", "room1"), ("at", "ball2", "room2"), ("at-robby", "room2"), ("free", "left")]
    assert sight.seen(state) == state[1:]
    assert sight_in("barman").seen([("dispenses", "dispenser1", "ingredient1")]) == []


@pytest.mark.parametrize("domain", KINDS)
def test_distractors_are_of_other_places_and_times_and_state_no_key_fact(domain):
    task, start = started(domain, 1)
    pool = task.distractor_pool(np.random.default_rng(0))
    assert len(pool) >= 6
    opening = re.compile(r"^(In the (?:building|game|picture)|I dreamt|A year ago)")
    assert all(opening.match(line) for line in pool)
    assert not any(compare(fact, line)[0] for fact in start.key_facts for line in pool)
