"""What is said of a house: true, complete, said in words that state the gold facts, and silent about the mission."""

import numpy as np
import pytest

from agemem_gym.envs.babyai import BabyAITask
from agemem_gym.envs.babyai.facts import room_name
from agemem_gym.envs.babyai.levels import MEMORY_LEVELS
from agemem_gym.facts import states_fact

SEEDS = range(12)
N1 = 12  # messages of stage 1 at the defaults


def begin(seed, **options):
    task = BabyAITask(level="memory")
    return task, task.reset(seed, options)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_key_fact_is_stated_by_one_sentence_of_the_background(seed):
    task, start = begin(seed)
    for draw in range(3):
        background = task.background(np.random.default_rng(draw))
        for fact in start.key_facts:
            stating = [sentence for sentence in background if states_fact(fact, sentence)]
            told_besides = [sentence for sentence in stating if " stands " in fact and "hidden" in sentence]
            assert len(stating) - len(told_besides) == 1, (fact, stating)


@pytest.mark.parametrize("seed", SEEDS)
def test_key_facts_are_few_and_of_the_world(seed):
    task, start = begin(seed)
    facts = task.world_facts()
    assert 2 <= len(start.key_facts) <= N1
    assert set(start.key_facts) <= set(facts)
    assert len(set(facts)) == len(facts) == len(task.background(np.random.default_rng(0)))
    assert "start in" in start.key_facts[0]


def test_what_is_said_of_things_is_so():
    for seed in range(len(MEMORY_LEVELS)):
        task, _ = begin(seed)
        env, facts = task._world.env, task.world_facts()
        step = env.room_size - 1
        for index, thing in enumerate(env.grid.grid):
            if thing is None or thing.type not in ("ball", "key", "box"):
                continue
            cell = index % env.grid.width, index // env.grid.width
            room = room_name(cell[0] // step, cell[1] // step, 3, 3, joint="")
            verb = "stands" if thing.type == "box" else "lies open"
            assert any(fact.endswith(f", a {thing.color} {thing.type} {verb} in {room}.") for fact in facts)
            if thing.type == "box" and thing.contains is not None:
                content = f"a {thing.contains.color} {thing.contains.type}"
                assert any(
                    fact.endswith(f", {content} is hidden in the {thing.color} box in {room}.") for fact in facts
                )


def test_nothing_tells_the_mission():
    for seed in SEEDS:
        task, start = begin(seed)
        rng = np.random.default_rng(seed)
        text = " ".join([*task.background(rng), *task.distractor_pool(rng)]).lower()
        assert not any(verb in text for verb in ("go to", "pick up", "mission"))
        assert start.instruction not in text


def test_distractors_state_no_fact_of_this_house():
    for seed in SEEDS:
        task, start = begin(seed)
        pool = task.distractor_pool(np.random.default_rng(seed))
        assert len(pool) >= 8
        facts = task.world_facts()
        assert [(fact, text) for fact in facts for text in pool if states_fact(fact, text)] == []
        assert start.record["house"] in start.instruction


def test_phrases_are_names_of_the_query():
    for seed in SEEDS:
        _, start = begin(seed)
        assert len(start.key_phrases) >= 2
        assert all(phrase in start.instruction for phrase in start.key_phrases)
