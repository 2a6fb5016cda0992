"""Worlds that come back: the same but for what has changed, whatever the goal; facts that suffice, and no more than needed."""

import re
from itertools import pairwise
from pathlib import Path

import gymnasium as gym
import pytest

from agemem_gym.envs.moves import memory_limit
from agemem_gym.envs.pddl import PDDLTask, library
from agemem_gym.envs.pddl.generated import LEVELS
from agemem_gym.envs.pddl.worlds import KINDS, draw
from agemem_gym.errors import ConfigurationError
from agemem_gym.task import LastingTask

SPLITS = ("train", "validation", "test")


def in_world(domain, seed, number=0, epoch=0, changes=0.25, **keywords):
    task = PDDLTask(domain=domain, moves="memory", **keywords)
    start = task.reset(seed, {"world": {"seed": number, "epoch": epoch, "changes": changes}})
    return task, start


def expert_wins(task):
    step = None
    for command in list(task.expert()):
        step = task.act(command)
    return step is not None and step.success


@pytest.mark.parametrize("domain", KINDS)
def test_in_one_world_the_facts_stay_and_the_goals_differ(domain):
    task = PDDLTask(domain=domain, moves="memory")
    assert isinstance(task, LastingTask)
    instructions, facts, first_sights, ids = set(), set(), set(), set()
    for seed in range(16):
        start = task.reset(seed, {"world": {"seed": 4}})
        instructions.add(start.instruction)
        facts.add(task.world_facts())
        first_sights.add(start.observation)
        ids.add(start.task_id)
        assert set(start.key_facts) <= set(task.world_facts())
        assert start.key_facts
        assert start.max_moves == memory_limit(start.record["plan_length"])
    assert len(instructions) >= 10
    assert (len(facts), len(first_sights), len(ids)) == (1, 1, 16)


@pytest.mark.parametrize("domain", KINDS)
def test_every_goal_can_be_reached_in_every_epoch(domain):
    for epoch in (0, 2):
        task, start = in_world(domain, seed=epoch + 1, number=1, epoch=epoch, changes=0.5)
        assert start.record["epoch"] == epoch
        assert expert_wins(task)


@pytest.mark.parametrize("domain", KINDS)
@pytest.mark.parametrize("share", [0.1, 0.25, 1.0])
def test_an_epoch_changes_its_share_of_what_is_told(domain, share):
    facts = [set(in_world(domain, 0, epoch=epoch, changes=share)[0].world_facts()) for epoch in range(3)]
    for before, after in pairwise(facts):
        assert len(before) == len(after)
        changed = len(before - after) / len(before)
        assert share <= changed + 1e-9
        assert changed <= share + 0.2


@pytest.mark.parametrize("domain", KINDS)
def test_without_changes_an_epoch_is_like_the_one_before(domain):
    assert in_world(domain, 0, epoch=0)[0].world_facts() == in_world(domain, 0, epoch=3, changes=0.0)[0].world_facts()


@pytest.mark.parametrize("domain", KINDS)
def test_each_epoch_builds_on_the_one_before(domain):
    """After one small change after another, most of what the first epoch had still holds in the second, less in the last."""
    facts = [set(in_world(domain, 0, epoch=epoch, changes=0.1)[0].world_facts()) for epoch in (0, 1, 2, 6)]
    kept = [len(facts[0] & later) for later in facts[1:]]
    assert kept[0] > kept[2]
    assert len(facts[1] & facts[2]) >= 0.7 * len(facts[1])


def test_the_same_world_is_the_same_in_another_task_object_and_differs_between_splits_and_numbers():
    assert in_world("memory", 3, 5, 2)[1] == in_world("memory", 3, 5, 2)[1]
    facts = {
        in_world("memory-gripper", 3, number, split=split)[0].world_facts() for number in (0, 1) for split in SPLITS
    }
    assert len(facts) == 6


@pytest.mark.parametrize("domain", KINDS)
def test_what_is_told_of_two_worlds_is_not_of_the_same_things(domain):
    def things(number):
        return {
            word for fact in in_world(domain, 0, number)[0].world_facts() for word in re.findall(r"[a-z]+\d+", fact)
        }

    assert things(0)
    assert not things(0) & things(1)


def test_worlds_walk_through_the_domains():
    names = [in_world("memory", 0, number)[1].record["domain"] for number in range(5)]
    assert names == [*KINDS, "memory-gripper"]


def test_only_the_memory_domains_have_worlds():
    for task in (PDDLTask(), PDDLTask(domain="ferry"), PDDLTask(protocol="agentboard")):
        with pytest.raises(ConfigurationError, match="only domain='memory' has worlds that come back"):
            task.reset(0, {"world": {"seed": 0}})
    with pytest.raises(ConfigurationError, match="expected {'seed': 3}".replace("{", r"\{")):
        PDDLTask(domain="memory").reset(0, {"world": 3})


@pytest.mark.parametrize("domain", KINDS)
def test_no_shape_of_one_split_occurs_in_another(domain):
    shapes = {
        s: {tuple(sorted(kind for _, kind in draw(domain, s, n, 0).objects)) for n in range(2 * LEVELS)} for s in SPLITS
    }
    assert all(len(found) >= 2 for found in shapes.values())
    assert not shapes["train"] & shapes["validation"]
    assert not shapes["train"] & shapes["test"]
    assert not shapes["validation"] & shapes["test"]


@pytest.mark.parametrize("split", SPLITS)
def test_each_split_of_the_memory_domains_can_be_won(split):
    task = PDDLTask(domain="memory", moves="memory", split=split)
    assert task.size() is None
    ids = set()
    for seed in range(8):
        start = task.reset(seed, {})
        ids.add(start.task_id)
        assert start.record["split"] == split
        assert start.record["plan_length"] >= 3
        assert start.max_moves == memory_limit(start.record["plan_length"])
        assert expert_wins(task)
    assert len(ids) == 8


def test_a_seed_is_one_problem_and_task_index_walks_as_seeds_do():
    task = PDDLTask(domain="memory")
    assert task.reset(6, {}) == task.reset(0, {"task_index": 6}) == PDDLTask(domain="memory").reset(6, {})


def test_the_phrases_of_the_query_are_its_things():
    start = PDDLTask(domain="memory-gripper").reset(0, {})
    assert start.key_phrases
    assert all(phrase in start.instruction for phrase in start.key_phrases)
    assert set(start.instruction.removesuffix(".").replace(",", "").split()[5:]) - {"is", "at"} == set(
        start.key_phrases
    )


def test_without_a_plan_the_protocols_limit_holds(tmp_path):
    (tmp_path / "d.pddl").write_text(
        """(define (domain lamps) (:predicates (lit ?l) (dark ?l) (never ?l))
        (:action switch-on :parameters (?l) :precondition (and (dark ?l) (never ?l)) :effect (and (lit ?l))))"""
    )
    (tmp_path / "p.pddl").write_text(
        "(define (problem one) (:domain lamps) (:objects a) (:init (dark a)) (:goal (and (lit a))))"
    )
    task = PDDLTask(domain=tmp_path / "d.pddl", problem=tmp_path / "p.pddl", moves="memory")
    with pytest.warns(UserWarning, match="100 moves"):
        assert task.reset(0, {}).max_moves == 100


def test_moves_memory_follows_the_plan_in_every_domain():
    start = PDDLTask(domain="ferry", moves="memory").reset(0, {})
    assert start.max_moves == memory_limit(start.record["plan_length"])
    assert start.record["moves"] == "memory"
    assert "moves" not in PDDLTask(domain="ferry").reset(0, {}).record


def test_ones_own_problems_come_before_the_memory_domains(tmp_path):
    """The three-stage id has domain="memory" as a default; with data=FOLDER it gives way."""
    folder = tmp_path / "gripper"
    folder.mkdir()
    domain = Path(library.__file__).parent / "domains" / "grippers.pddl"
    (folder / "domain.pddl").write_text(domain.read_text())
    (folder / "p01.pddl").write_text(
        """(define (problem p) (:domain grippers) (:objects a b - room x - ball left - gripper)
        (:init (at-robby a) (at x a) (free left)) (:goal (and (at x b))))"""
    )
    task = PDDLTask(domain="memory", moves="memory", data=tmp_path)
    start = task.reset(0, {})
    assert (start.record["problem"], start.max_moves, task.size()) == ("p01", memory_limit(3), 1)


def test_the_three_stage_ids_defaults_give_way_to_what_is_asked_for():
    def record(**keywords):
        env = gym.make("AgeMem-PDDL-ThreeStage-v0", n1=0, n2=0, encoder="hash", index="exact", **keywords)
        _, info = env.reset(seed=1)
        return info["record"], info["limits"]["moves"]

    chosen, moves = record()
    assert (chosen["domain"], chosen["moves"], chosen["sight"]) == ("memory-blockworld", "memory", "here")
    assert moves == memory_limit(chosen["plan_length"])
    chosen, moves = record(protocol="agentboard")
    assert (chosen["protocol"], moves) == ("agentboard", 30)
    assert not {"moves", "sight"} & set(chosen)
    chosen, _ = record(domain="ferry")
    assert (chosen["domain"], chosen["moves"], "sight" in chosen) == ("ferry", "memory", False)
    chosen, _ = record(domain="memory-gripper", moves="protocol", sight="all")
    assert not {"moves", "sight"} & set(chosen)
    bare, _ = gym.make("AgeMem-PDDL-v0").reset(seed=0)
    assert "ball1 is at room2" in bare
