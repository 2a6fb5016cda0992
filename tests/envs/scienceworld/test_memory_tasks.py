"""Memory tasks: things stand where they were put, the facts are true and enough, and wandering does not fit."""

from dataclasses import replace

import numpy as np
import pytest

from agemem_gym.envs.moves import memory_limit
from agemem_gym.envs.scienceworld import ScienceWorldTask, assignments
from agemem_gym.envs.scienceworld.beliefs import Beliefs, Spot
from agemem_gym.envs.scienceworld.memory import RECIPES, SCENES, movable
from agemem_gym.envs.scienceworld.placing import AWAY, SPOTS, Placed, walk
from agemem_gym.envs.scienceworld.pool import POOL
from agemem_gym.envs.scienceworld.simulator import Situation
from agemem_gym.envs.scienceworld.variations import MEMORY_TASKS, SPLITS, Variation, in_order, memory_choice
from agemem_gym.errors import ConfigurationError
from agemem_gym.facts import states_fact

KINDS = len(MEMORY_TASKS)


@pytest.fixture(scope="module")
def task():
    task = ScienceWorldTask(task_names="memory", moves="memory")
    yield task
    task.close()


@pytest.fixture(scope="module")
def simulator():
    simulator = POOL.lend("512m", 60, own=False)
    yield simulator
    POOL.take_back(simulator)


@pytest.mark.parametrize("seed", range(KINDS))
def test_the_expert_who_knows_the_key_facts_alone_wins_with_moves_to_spare(task, seed):
    start = task.reset(seed, {})
    commands = list(task.expert())
    assert start.max_moves == memory_limit(len(commands))
    steps = [task.act(command) for command in commands]
    assert steps[-1].success
    assert all(step.valid for step in steps)
    assert 1 <= len(start.key_facts) <= 4


def test_the_first_seeds_play_every_kind_and_things_are_elsewhere_each_time(task):
    starts = [task.reset(seed, {}) for seed in range(KINDS + 2)]
    assert {start.record["task"] for start in starts[:KINDS]} == set(MEMORY_TASKS)
    assert len({start.key_facts for start in starts}) == KINDS + 2
    assert all(start.task_id.startswith("ScienceWorld-memory/") for start in starts)


def test_what_is_told_is_what_the_simulator_has(task):
    for seed in range(KINDS):
        start = task.reset(seed, {})
        tree = task._simulator.tree()
        beliefs = Beliefs()
        for fact in start.key_facts:
            beliefs.learn(fact)
        within_reach = [(thing, above) for thing, above in walk(tree) if AWAY not in [h["name"] for h in above]]
        places = {thing["title"]: above for thing, above in within_reach}
        for thing in movable(assignments.read(start.instruction)):
            spot = beliefs.spot(thing)
            holders = [holder["name"] for holder in places[thing][1:]]
            assert spot is None or set(holders) >= {spot.room, *filter(None, [spot.container])}, (thing, spot, holders)


def test_no_key_fact_can_be_seen_or_read_from_the_task(task):
    for seed in range(KINDS):
        start = task.reset(seed, {})
        told = f"{start.instruction}\n{start.observation}"
        assert not any(states_fact(fact, told) for fact in start.key_facts)


@pytest.mark.parametrize(("seed", "without"), [(seed, fact) for seed in (2, 4) for fact in (0, 1)])
def test_each_key_fact_is_needed(simulator, task, seed, without):
    """Without one of them the player wins by luck at most: it wanders, or takes the wrong box."""
    task.reset(seed, {})
    scene = task._scene
    plan = SCENES.plan(simulator, scene)
    lacking = replace(scene, key=tuple(fact for i, fact in enumerate(scene.key) if i != without))
    other = SCENES.plan(simulator, lacking)
    guessed = scene.key[without] == scene.secret and scene.assignment.kind != "mixture"
    assert guessed or not other or len(other) > len(plan)


def test_background_says_every_key_fact_and_distractors_none(task):
    for seed in range(KINDS):
        start = task.reset(seed, {})
        told = task.background(np.random.default_rng(seed))
        for fact in start.key_facts:
            assert any(states_fact(fact, line) for line in told), fact
        assert len(told) > 12
        assert task.background(np.random.default_rng(seed)) == told
        beliefs = Beliefs()
        for line in task.distractor_pool(np.random.default_rng(seed)):
            beliefs.learn(line)
        assert not beliefs._values


def test_key_phrases_stand_in_the_instruction(task):
    for seed in range(KINDS):
        start = task.reset(seed, {})
        assert start.key_phrases
        assert all(phrase in start.instruction for phrase in start.key_phrases)


def test_the_same_seed_is_the_same_text_in_another_jvm(task):
    other = ScienceWorldTask(task_names="memory", moves="memory", jvm="own")
    for seed in (3, 5):
        assert other.reset(seed, {}) == task.reset(seed, {})
        for command in task.expert():
            assert other.act(command) == task.act(command)
    other.close()


def test_a_thing_that_was_moved_is_there_and_nowhere_else(simulator):
    placed = (Placed("thermometer", Spot("bedroom", "closet")), Placed("blue paint", Spot("bedroom")))
    simulator.load(Situation("find-plant", 0, moved=placed))
    tree = simulator.tree()
    found = {
        name: ["/".join(holder["name"] for holder in above[1:]) for thing, above in walk(tree) if thing["name"] == name]
        for name in ("thermometer", "blue paint")
    }
    assert found["thermometer"] == ["bedroom/closet"]
    assert sorted(found["blue paint"])[0] == "bedroom/wood cup"
    assert all(place.startswith(("bedroom/", "sewer/")) for place in found["blue paint"])


def test_every_spot_is_in_every_house(simulator):
    for variation in (Variation("use-thermometer", 0), Variation("chemistry-mix", 12), Variation("find-plant", 9)):
        situation = Situation(*variation, moved=tuple(Placed("thermometer", spot) for spot in SPOTS))
        assert simulator.load(situation).text


def test_recipes_are_the_simulators(simulator):
    for variation in memory_choice(("chemistry-mix",), "train"):
        scene = SCENES.scene(simulator, Situation(*variation))
        here = simulator.load(scene.situation).text.partition("called the ")[2].partition(".")[0]
        simulator.load(replace(scene.situation, moved=(Placed("recipe", Spot(here)),)))
        text = simulator.step("read recipe").text
        assert f"mix {', '.join(RECIPES[scene.assignment.thing])}." in text


@pytest.mark.parametrize("split", SPLITS)
def test_a_split_of_memory_tasks_holds_variations_of_that_split_alone(split):
    chosen = memory_choice(MEMORY_TASKS, split)
    assert len(chosen) == len(set(chosen)) > 400
    assert set(chosen) <= set(in_order(MEMORY_TASKS, split))
    assert {variation.task for variation in chosen} == set(MEMORY_TASKS)
    assert ScienceWorldTask(task_names="memory", split=split).size() == len(chosen)


def test_other_tasks_keep_their_limit_and_their_texts():
    plain, counted = (
        ScienceWorldTask(task_names="find-plant"),
        ScienceWorldTask(task_names="find-plant", moves="memory"),
    )
    assert plain.reset(0, {}) == counted.reset(0, {})
    plain.close()
    counted.close()


def test_agentboards_protocol_takes_them_with_its_own_limit():
    task = ScienceWorldTask(task_names="memory", protocol="agentboard")
    assert task.reset(0, {}).max_moves == 30
    task.close()


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"task_names": ["memory", "boil"]}, "given alone"),
        ({"task_names": "memry"}, "did you mean"),
        ({"moves": "few"}, "moves="),
        ({"moves": "memory", "protocol": "agentboard"}, "limit of 30"),
    ],
)
def test_wrong_keywords_are_one_clear_sentence(keywords, message):
    with pytest.raises(ConfigurationError, match=message):
        ScienceWorldTask(**keywords)


def test_options_may_pick_memory_tasks_only(task):
    start = task.reset(0, {"task_name": "chemistry-mix", "variation": 2})
    assert start.task_id == "ScienceWorld-memory/chemistry-mix/2"
    for options in ({"task_name": "boil"}, {"task_name": "chemistry-mix", "variation": 0}):
        with pytest.raises(ConfigurationError, match="no memory task"):
            task.reset(0, options)
