"""What ALFWorld tells a memory: key facts, background and distractors."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from agemem_gym.envs.alfworld import ALFWorldTask
from agemem_gym.envs.alfworld.goals import parse_goal


def test_key_facts_say_where_the_goal_objects_are_and_hide_in_the_background() -> None:
    task = ALFWorldTask()
    for seed in range(6):
        start = task.reset(seed, {})
        told = task.background(np.random.default_rng(seed))
        assert start.key_facts
        assert len(told) > 15
        assert not any(start.instruction in sentence for sentence in told)
        for fact in start.key_facts:
            if "closed" not in fact:
                thing, place = fact.removeprefix("The ").rstrip(".").split(" is ")
                assert any(f"the {thing}" in sentence.lower() and place in sentence for sentence in told)
    task.close()


def test_background_is_true() -> None:
    task = ALFWorldTask(task_types="pick_and_place_simple")
    start = task.reset(2, {})
    fact = next(fact for fact in start.key_facts if "closed" not in fact)
    thing, place = fact.removeprefix("The ").rstrip(".").split(" is ")
    place = place.split(" the ")[1]
    task.act(f"go to {place}")
    task.act(f"open {place}")
    assert task.act(f"take {thing} from {place}").valid
    task.close()


def test_distractors_differ_from_the_background_and_follow_the_generator() -> None:
    task = ALFWorldTask()
    task.reset(1, {})
    pool = task.distractor_pool(np.random.default_rng(3))
    assert pool == task.distractor_pool(np.random.default_rng(3))
    assert not set(pool) & set(task.background(np.random.default_rng(3)))
    task.close()


def assert_key_facts_tell_where_the_walkthrough_goes(task: ALFWorldTask, seed: int) -> None:
    start = task.reset(seed, {})
    assert start.key_facts, start.task_id
    for command in task._current.walkthrough:
        if taken := re.fullmatch(r"take (?P<object>.+) from (?P<place>.+)", command):
            told = {f"The {taken['object']} is {where} the {taken['place']}." for where in ("in", "on")}
            assert told & set(start.key_facts), (start.task_id, command)
        if lit := re.fullmatch(r"use (?P<lamp>.+)", command):
            assert any(fact.startswith(f"The {lit['lamp']} is ") for fact in start.key_facts), (start.task_id, command)


def test_what_lies_where_it_belongs_is_told_where_it_has_to_be_cooled_first() -> None:
    start = ALFWorldTask().reset(94, {})
    assert "cool" in start.instruction
    assert "countertop" in start.instruction
    assert any(fact.startswith("The lettuce") and "countertop" in fact for fact in start.key_facts)


def test_what_lies_where_it_belongs_is_not_told_where_nothing_else_is_asked() -> None:
    task = ALFWorldTask(task_types="pick_two_obj_and_place")
    for seed in range(12):
        start = task.reset(seed, {})
        place = parse_goal(task._current.problem).place
        assert start.key_facts
        assert not any(f" {place} " in fact and "closed" not in fact for fact in start.key_facts)


def test_every_generated_game_has_its_key_facts() -> None:
    for split in ("train", "test"):
        task = ALFWorldTask(split=split, data="generated")
        for seed in (94, *range(6)):
            assert_key_facts_tell_where_the_walkthrough_goes(task, seed)


def test_official_games_have_their_key_facts(official: Path) -> None:
    cooled = ALFWorldTask(data=official, split="validation", task_types="pick_cool_then_place_in_recep")
    for seed in range(12):
        assert_key_facts_tell_where_the_walkthrough_goes(cooled, seed)


@pytest.mark.slow
def test_every_official_game_has_its_key_facts(official: Path) -> None:
    task = ALFWorldTask(data=official, split="validation")
    assert task.size() == 140
    for seed in range(140):
        assert_key_facts_tell_where_the_walkthrough_goes(task, seed)
