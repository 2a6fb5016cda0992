"""Splits of PDDL: the same names as everywhere, nothing shared between them, all of it playable."""

import pytest

from agemem_gym.envs.pddl import PDDLTask
from agemem_gym.envs.pddl.generated import GENERATORS, LEVELS, draw
from agemem_gym.envs.pddl.language import Literal
from agemem_gym.envs.pddl.library import PDDLGYM, packaged_problems
from agemem_gym.errors import ConfigurationError

SPLITS = ("train", "validation", "test")


def shape(domain, problem):
    """What no draw changes: how many things there are of each type, and in blockworld the towers that are asked for."""
    kinds = sorted(kind for _, kind in problem.objects)
    above = {
        part.atom[2]: part.atom[1] for part in problem.goal.parts if isinstance(part, Literal) and part.atom[0] == "on"
    }
    towers = []
    for foot in set(above) - set(above.values()):
        height, block = 1, foot
        while block in above:
            height, block = height + 1, above[block]
        towers.append(height)
    return tuple(kinds), tuple(sorted(towers)) if domain == "blockworld" else ()


@pytest.mark.parametrize("domain", GENERATORS)
def test_no_shape_of_one_split_occurs_in_another(domain):
    shapes = {s: {shape(domain, draw(domain, s, n, a)) for n in range(4 * LEVELS) for a in range(3)} for s in SPLITS}
    assert all(len(found) >= 2 for found in shapes.values())
    assert not shapes["train"] & shapes["validation"]
    assert not shapes["train"] & shapes["test"]
    assert not shapes["validation"] & shapes["test"]


@pytest.mark.parametrize("domain", PDDLGYM)
def test_no_packaged_problem_is_in_two_splits(domain):
    train, validation, test = ({path.read_bytes() for path in packaged_problems(domain, split)} for split in SPLITS)
    assert train
    assert validation
    assert test
    assert not train & validation
    assert not train & test
    assert not validation & test


@pytest.mark.parametrize("split", SPLITS)
def test_each_split_is_walked_quickly_and_says_its_name(split):
    task = PDDLTask(split=split)
    starts = [task.reset(seed, {}) for seed in range(12)]
    assert {start.record["split"] for start in starts} == {split}
    assert len({start.task_id for start in starts}) == 12


def test_agentboards_problems_are_its_test_split():
    assert PDDLTask(protocol="agentboard").reset(0, {}).record["split"] == "test"
    assert PDDLTask(protocol="agentboard", split="test").size() == 60
    with pytest.raises(ConfigurationError, match="split='train': expected 'test'"):
        PDDLTask(protocol="agentboard", split="train")


def test_the_former_name_of_the_task_option_is_taken_with_a_warning():
    task = PDDLTask(protocol="agentboard")
    chosen = task.reset(0, {"task_index": 25})
    with pytest.warns(DeprecationWarning, match="task_index"):
        assert task.reset(0, {"index": 25}) == chosen
