"""The expert: a gold path that was tried before it is given out, that fits into the limit, and that nobody asks too early."""

import re

import gymnasium as gym
import numpy as np
import pytest

import agemem_gym  # noqa: F401
from agemem_gym.envs.scienceworld import ScienceWorldTask
from agemem_gym.envs.scienceworld.expert import MAX_DRAWS, replay
from agemem_gym.envs.scienceworld.settings import AGENTBOARD_SIMPLIFICATIONS
from agemem_gym.envs.scienceworld.simulator import Simulator


@pytest.fixture(scope="module", autouse=True)
def lender():
    """A task that lives on: JVMs are used again as long as there is one."""
    lender = ScienceWorldTask(task_names="lifespan-longest-lived")
    lender.reset(0, {})
    yield
    lender.close()


@pytest.fixture
def task():
    task = ScienceWorldTask()
    yield task
    task.close()


@pytest.fixture
def draws(monkeypatch):
    """Counts what the gold agent is asked; ``draws.spoilt`` paths end too early."""

    class Draws(list):
        spoilt = 0

    drawn, ask = Draws(), Simulator.gold_path

    def count(simulator, situation, draw):
        drawn.append(draw)
        path = ask(simulator, situation, draw)
        return path[: 3 + draw] if draw < drawn.spoilt else path

    monkeypatch.setattr(Simulator, "gold_path", count)
    return drawn


def play(task):
    steps = [task.act(command) for command in task.expert()]
    return steps[-1]


@pytest.mark.parametrize("seed", [0, 4, 12, 17])
def test_the_expert_wins(task, seed):
    task.reset(seed, {})
    last = play(task)
    assert last.success
    assert last.done
    assert last.progress == 1.0
    assert last.metrics["engine_score"] == 1.0


@pytest.mark.parametrize("name", ["find-animal", "find-living-thing"])
def test_the_expert_finds_the_animal_that_a_fixed_path_missed(name):
    task = ScienceWorldTask(simplifications=AGENTBOARD_SIMPLIFICATIONS)
    task.reset(0, {"task_name": name, "variation": 20})
    assert play(task).success
    task.close()


def test_what_the_gold_agent_saw_happens_again(task):
    """Animals walk and bees fly at random; whoever follows its path ends where the gold agent stood."""
    for name in ("find-animal", "grow-fruit"):
        task.reset(0, {"task_name": name, "variation": 89})
        simulator, situation = task._simulator, task._situation
        path = simulator.gold_path(situation, 0)
        seen = simulator.look(), simulator.inventory(), simulator.object_tree()
        replay(simulator, situation, path)
        assert (simulator.look(), simulator.inventory()) == seen[:2]
        assert re.sub(r'-?"?uuid[^,]*|-\d+"', "", simulator.object_tree()) == re.sub(
            r'-?"?uuid[^,]*|-\d+"', "", seen[2]
        )


def test_a_path_that_misses_is_drawn_again_and_is_the_same_the_next_time(task, draws):
    draws.spoilt = 2
    task.reset(0, {"task_name": "find-plant", "variation": 0})
    path = list(task.expert())
    assert draws == [0, 1, 2]
    assert play(task).success
    task.reset(0, {"task_name": "find-plant", "variation": 0})
    assert list(task.expert()) == path


def test_drawing_again_ends_and_gives_the_best_path(task, draws):
    draws.spoilt = MAX_DRAWS
    task.reset(0, {"task_name": "find-plant", "variation": 0})
    path = list(task.expert())
    assert draws == list(range(MAX_DRAWS))
    assert len(path) < 3 + MAX_DRAWS
    assert not any(task.act(command).success for command in path)


def test_a_path_without_chance_is_not_drawn_four_times(task, draws):
    draws.spoilt = 0
    task.reset(0, {"task_name": "lifespan-longest-lived", "variation": 0})
    list(task.expert())
    assert draws == [0]


def test_nobody_asks_the_gold_agent_before_the_expert_is_asked(task, draws):
    start = task.reset(0, {})
    assert start.key_facts
    task.background(np.random.default_rng(0))
    task.distractor_pool(np.random.default_rng(0))
    task.act("look around")
    task.admissible()
    experts_words = task.expert()
    assert draws == []
    next(experts_words)
    assert draws == [0]
    list(task.expert())
    assert draws == [0], "verified once"


def test_stages_before_the_task_do_not_ask_it(draws):
    env = gym.make("AgeMem-ScienceWorld-ThreeStage-v0", encoder="hash", index="exact", n1=1, n2=1)
    _, info = env.reset(seed=0)
    while info["stage"] < 3:
        _, _, terminated, truncated, info = env.step("<answer>ok</answer>")
        assert not terminated
        assert not truncated
    env.close()
    assert draws == []


def test_the_limit_leaves_room_for_a_block_that_slides_for_a_long_time(task):
    limits = {
        name: task.reset(0, {"task_name": name, "variation": 0}).max_moves
        for name in ("inclined-plane-friction-named-surfaces", "inclined-plane-friction-unnamed-surfaces", "boil")
    }
    assert limits == dict(zip(limits, (1000, 1000, 250), strict=True))


@pytest.mark.slow
def test_the_longest_gold_paths_fit_into_the_limit(task):
    start = task.reset(0, {"task_name": "inclined-plane-friction-named-surfaces", "variation": 415})
    path = list(task.expert())
    assert 700 < len(path) <= start.max_moves
    assert play(task).success


def test_the_expert_goes_on_from_the_middle_of_its_path(task):
    task.reset(4, {})
    path = list(task.expert())
    for command in path[:3]:
        task.act(command)
    assert list(task.expert()) == path[3:]
