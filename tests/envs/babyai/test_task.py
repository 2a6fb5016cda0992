"""BabyAI as a Task: protocols, reproducibility, arbitrary text, mistakes, memory."""

import hashlib
import math
import os
import pickle
import random
import subprocess
import sys

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agemem_gym.envs.babyai import BabyAITask
from agemem_gym.errors import ConfigurationError
from agemem_gym.task import Task


def transcript(keywords, seeds=range(19), moves=12):
    task, lines = BabyAITask(**keywords), []
    for seed in seeds:
        start = task.reset(seed, {})
        lines += [
            repr(start),
            *task.background(np.random.default_rng(seed)),
            *task.distractor_pool(np.random.default_rng(seed)),
        ]
        chance = random.Random(seed)
        lines += list(task.expert())
        for _ in range(moves):
            commands = task.admissible()
            if not commands:
                break
            command = chance.choice(commands)
            lines += [command, repr(task.act(command))]
    return "\n".join(lines)


def digest(keywords):
    return hashlib.sha256(transcript(keywords).encode()).hexdigest()


def test_it_is_a_task():
    assert isinstance(BabyAITask(), Task)
    assert BabyAITask().size() is None
    assert BabyAITask(protocol="agentboard").size() == 112
    assert BabyAITask(protocol="agentboard", level="GoToDoor").size() == 4


@pytest.mark.parametrize("keywords", [{}, {"protocol": "agentboard"}])
def test_another_process_with_another_hash_seed_tells_the_same(keywords):
    code = (
        f"import sys; sys.path.insert(0, {os.path.dirname(__file__)!r}); from test_task import digest; "
        f"print(digest({keywords!r}))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == digest(keywords)


def test_the_global_generators_are_left_alone():
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002  (the global generator is the point)
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    transcript({}, seeds=range(3))
    assert before == (random.getstate(), np.random.get_state()[1].tolist())  # noqa: NPY002


def test_episodes_do_not_depend_on_those_before():
    task = BabyAITask()
    fresh = [BabyAITask().reset(seed, {}) for seed in range(19)]
    assert [task.reset(seed, {}) for seed in reversed(range(19))] == fresh[::-1]


def test_a_constructed_task_can_be_pickled():
    task = pickle.loads(pickle.dumps(BabyAITask(level="GoToObj")))
    assert task.reset(0, {}).task_id == f"BabyAI-GoToObj-v0/{1 << 31}"


def test_agentboards_first_observation_and_goal():
    task = BabyAITask(protocol="agentboard")
    start = task.reset(0, {"task_index": 0})
    assert start.task_id == "BabyAI-GoToRedBallGrey-v0/1234"
    assert start.max_moves == 30
    assert start.instruction == "go to the red ball"


def test_agentboards_goal_does_not_tell_the_order():
    task = BabyAITask(protocol="agentboard")
    goals = [task.reset(0, {"task_index": index}).instruction for index in range(112)]
    assert not any("then" in goal or "after you" in goal for goal in goals)


def test_a_golden_episode(golden):
    golden(BabyAITask(protocol="agentboard"), "golden_agentboard.json", options={"task_index": 0})
    golden(BabyAITask(level="UnlockPickup"), "golden_unlock_pickup.json", seed=3)


def test_progress_counts_the_leaves_of_the_instruction():
    task = BabyAITask(level="GoToSeqS5R2", expert="planner")
    seen = set()
    for seed in range(12):
        task.reset(0, {"level_seed": seed})
        values = [task.act(command).progress for command in task.expert()]
        assert values == sorted(values)
        assert values[-1] == 1.0
        seen |= set(values)
    assert 0.5 in seen


def test_a_strict_failure_ends_the_episode_without_success():
    task = BabyAITask(level="PickupDistDebug")
    for seed in range(20):
        task.reset(0, {"level_seed": seed})
        chance = random.Random(seed)
        for _ in range(30):
            step = task.act(chance.choice(task.admissible()))
            if step.done:
                break
        if step.done and not step.success:
            assert "failed" in step.observation
            assert step.progress < 1
            return
    pytest.fail("no strict failure met")


def test_an_answer_ends_the_episode_and_the_state_decides():
    task = BabyAITask()
    task.reset(0, {})
    step = task.answer("done")
    assert step.done
    assert not step.success
    assert task.act("turn left").observation == "The episode is over."


@pytest.mark.parametrize("mode", ["macro", "low"])
def test_memorys_limit_follows_the_planner_and_the_expert_keeps_it(mode):
    task, plain = BabyAITask(mode=mode, moves="memory"), BabyAITask(mode=mode)
    for seed in range(0, 19, 2):
        start, usual = task.reset(seed, {}), plain.reset(seed, {})
        assert start.observation == usual.observation
        assert "moves" not in usual.record
        assert start.max_moves == math.ceil(1.5 * start.record["plan_length"]) + 3
        steps = [task.act(command) for command in task.expert()]
        assert len(steps) <= start.max_moves
        assert steps[-1].success


def test_memorys_limit_is_not_for_agentboard():
    with pytest.raises(ConfigurationError, match="limit of 30"):
        BabyAITask(protocol="agentboard", moves="memory")


def test_the_limit_follows_the_level():
    low = BabyAITask(mode="low", level="BossLevel").reset(0, {})
    macro = BabyAITask(level="BossLevel").reset(0, {})
    assert low.max_moves == low.record["max_steps"]
    assert macro.max_moves == max(30, low.max_moves // 8)


_task = BabyAITask()
_task.reset(12, {})
_words = st.sampled_from(
    "go to pickup pick up drop toggle through and red blue locked closed door ball key 1 2 0 -1 check".split()
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=80), st.lists(_words, max_size=8).map(" ".join)))
def test_no_text_ever_raises(text):
    step = _task.act(text)
    assert isinstance(step.observation, str)
    assert step.observation
    assert 0 <= step.progress <= 1
    if step.done:
        _task.reset(12, {})


@pytest.mark.parametrize(
    "keywords",
    [
        {"protocol": "official"},
        {"level": "Nowhere"},
        {"level": []},
        {"split": "valid"},
        {"protocol": "agentboard", "split": "train"},
        {"protocol": "agentboard", "level": "BossLevel"},
        {"mode": "high"},
        {"expert": "me"},
    ],
)
def test_a_bad_keyword_is_refused_at_once(keywords):
    with pytest.raises(ConfigurationError, match="|".join(str(key) for key in keywords)):
        BabyAITask(**keywords)


@pytest.mark.parametrize(
    "options", [{"what": 1}, {"task_index": -1}, {"task_index": 0, "level_seed": 1}, {"level_seed": "x"}]
)
def test_a_bad_option_is_refused(options):
    with pytest.raises(ConfigurationError, match="options"):
        BabyAITask().reset(0, options)


def test_acting_before_reset_or_after_close_is_a_mistake_with_a_mend():
    task = BabyAITask()
    with pytest.raises(ConfigurationError, match="reset"):
        task.act("turn left")
    task.reset(0, {})
    task.close()
    task.close()
    with pytest.raises(ConfigurationError, match="reset"):
        task.admissible()
    assert task.reset(0, {}).observation


def test_three_hundred_resets_keep_memory():
    task, process = BabyAITask(level="all"), psutil.Process()
    for seed in range(40):
        task.reset(seed, {})
    before = process.memory_info().rss
    for seed in range(300):
        task.reset(seed, {})
        task.act("turn left")
    assert process.memory_info().rss - before < 50_000_000
