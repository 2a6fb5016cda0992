"""One golden episode of PDDL, and a digest of all default domains: whoever changes what an agent sees changes it here, too."""

import hashlib
import random

import numpy as np

from agemem_gym.envs.pddl import PDDLTask

INSTRUCTION = "Reach a state in which ball1 is at room1, ball2 is at room1, ball3 is at room2."
FIRST = "The robot is at room2. ball1 is at room2. ball2 is at room2. ball3 is at room1. left is free. right is free."
COMMANDS = (
    "an operator (drop, move, pick) followed by the names of its objects in order, "
    "e.g. move room2 room1 or move room2 room2; look around; check valid actions."
)
HINT = "Use 'check valid actions' to see what can be done."
EPISODE = [
    ("fly", f"The action 'fly' is not known here. {HINT}"),
    ("drop ball1 room1 left", f"The action 'drop ball1 room1 left' cannot be done now. {HINT}"),
    (
        "Check valid actions!",
        "Valid actions: check valid actions, look around, move room2 room1, move room2 room2, pick ball1 room2 left, "
        "pick ball1 room2 right, pick ball2 room2 left, pick ball2 room2 right",
    ),
    (
        "Pick up ball1 in room2 with left.",
        "The robot carries ball1 with left. The robot is at room2. ball2 is at room2. ball3 is at room1. right is free.",
    ),
    (
        "move room2 room1",
        "The robot carries ball1 with left. The robot is at room1. ball2 is at room2. ball3 is at room1. right is free.",
    ),
    (
        "drop ball1 room1 left",
        "The robot is at room1. ball1 is at room1. ball2 is at room2. ball3 is at room1. left is free. right is free.",
    ),
]
BACKGROUND = [
    "By the way, left is free.",
    "By the way, right is free.",
    "I noticed that ball2 is at room2.",
    "I noticed that ball3 is at room1.",
    "Just so you know, ball1 is at room2.",
    "By the way, the robot is at room2.",
]
DIGEST = "92e78de5ad4491af7953d595ceba2a2833f67aab063998af7e1a301e4b7de20f"

MEMORY_DIGEST = (
    "71d523c1dc44e4842ce2eb1de7c4f41390f0b5d08159ee00d95d2b1e95e3639f"
    "9ead5936bf48369be51caa014783a4d143dbdcccba278096c078ba5e6f82e89d"
)


def test_golden_episode():
    task = PDDLTask(domain="gripper")
    start = task.reset(0, {})
    assert (start.instruction, start.observation, start.commands) == (INSTRUCTION, FIRST, COMMANDS)
    assert task.background(np.random.default_rng(0)) == BACKGROUND
    assert [(command, task.act(command).observation) for command, _ in EPISODE] == EPISODE


def lines(task, seeds, options):
    for seed in range(seeds):
        start = task.reset(seed, options)
        yield from (start.task_id, start.instruction, start.observation, start.commands, str(start.max_moves))
        yield from start.key_facts
        yield from task.background(np.random.default_rng(seed))
        yield from task.distractor_pool(np.random.default_rng(seed))
        yield from task.expert()
        chance = random.Random(seed)
        for _ in range(4):
            command = chance.choice(task.admissible())
            yield command
            yield repr(task.act(command))


def digest(task, seeds, options=None):
    return hashlib.sha256("\n".join(lines(task, seeds, options or {})).encode()).hexdigest()


def test_the_texts_of_all_default_domains_are_those_of_the_first_release():
    assert digest(PDDLTask(), 16) == DIGEST


def test_the_texts_of_the_memory_domains_are_those_of_their_first_release():
    task = PDDLTask(domain="memory", moves="memory")
    assert digest(task, 8) + digest(task, 2, {"world": {"seed": 5, "epoch": 2, "changes": 0.3}}) == MEMORY_DIGEST
