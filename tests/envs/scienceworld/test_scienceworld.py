"""ScienceWorld: the same world every time, a JVM that may die or hang, and experts that win."""

import hashlib
import os
import signal
import subprocess
import sys
import time

import gymnasium as gym
import numpy as np
import psutil
import pytest

import agemem_gym  # noqa: F401
from agemem_gym.envs.scienceworld import ScienceWorldTask
from agemem_gym.envs.scienceworld.pool import POOL
from agemem_gym.envs.scienceworld.variations import COUNTS, SPLITS, in_order, round_robin
from agemem_gym.errors import ConfigurationError, EngineError, MissingDependencyError

COMMANDS = [
    "look around",
    "open door to kitchen",
    "go to kitchen",
    "look around",
    "open cupboard",
    "wait",
    "look in cupboard",
]


@pytest.fixture
def task():
    task = ScienceWorldTask()
    yield task
    task.close()


def transcript(task, seed, *, ask=False):
    texts = [task.reset(seed, {}).observation]
    if ask:
        next(task.expert())
    for command in COMMANDS:
        if ask:
            task.admissible()
        texts.append(task.act(command).observation)
    return texts


@pytest.mark.parametrize("seed", [1, 15, 20])
def test_the_same_seed_is_the_same_text_in_any_jvm_whether_or_not_anybody_asks_the_expert(seed):
    one, two = ScienceWorldTask(jvm="own"), ScienceWorldTask(jvm="own")
    try:
        first = transcript(one, seed)
        assert transcript(one, seed) == first
        assert transcript(two, seed, ask=True) == first
    finally:
        one.close()
        two.close()


_PROCESS = """
import hashlib
from agemem_gym.envs.scienceworld import ScienceWorldTask
task = ScienceWorldTask()
texts = [task.reset(16, {}).observation]
commands = ["look around", "open door to greenhouse", "go to greenhouse", "look around", "wait"]
texts += [task.act(command).observation for command in commands]
print(hashlib.sha256("\\n".join(texts).encode()).hexdigest())
"""


def test_the_text_is_the_same_in_processes_with_other_hash_seeds():
    def digest(seed):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        run = subprocess.run(
            [sys.executable, "-c", _PROCESS], env=environment, capture_output=True, text=True, check=True
        )
        return run.stdout.strip()

    assert len(digest("1")) == len(hashlib.sha256().hexdigest())
    assert digest("1") == digest("2")


def test_live_episodes_in_one_process_do_not_meet():
    one, two = ScienceWorldTask(), ScienceWorldTask()
    try:
        alone = transcript(one, 0)
        one.reset(0, {})
        two.reset(5, {})
        texts = []
        for command in COMMANDS:
            texts.append(one.act(command).observation)
            two.act("wait")
        assert texts == alone[1:]
    finally:
        one.close()
        two.close()


def test_an_idle_jvm_is_used_again():
    holder, one, two = ScienceWorldTask(), ScienceWorldTask(), ScienceWorldTask()
    holder.reset(0, {})
    one.reset(0, {})
    pids = POOL.pids()
    one.close()
    two.reset(0, {})
    assert POOL.pids() == pids
    two.close()
    holder.close()


def test_a_killed_jvm_ends_the_episode_truncated_and_the_next_reset_works():
    env = gym.make("AgeMem-ScienceWorld-v0", encoder="hash", index="exact", info_admissible=True)
    env.reset(seed=0)
    env.step("look around")
    os.kill(*POOL.pids(), signal.SIGKILL)
    _, _, terminated, truncated, info = env.step("look around")
    assert (terminated, truncated) == (False, True)
    assert "ScienceWorld" in info["engine_error"]
    assert "failed" in info["observation"]
    env.reset(seed=0)
    _, _, _, truncated, info = env.step("look around")
    assert not truncated
    assert "engine_error" not in info
    env.close()


def test_a_hung_jvm_is_killed_after_the_time_limit():
    task = ScienceWorldTask(timeout=2, jvm="own")
    task.reset(0, {})
    (process,) = POOL.pids()
    os.kill(process, signal.SIGSTOP)
    time.sleep(0.5)  # a stop signal reaches the threads of a process one after another
    with pytest.raises(EngineError, match="no answer within 2 s"):
        task.act("look around")
    assert not psutil.pid_exists(process)
    task.reset(0, {})
    assert "hallway" in task.act("look around").observation
    task.close()


def test_closing_leaves_no_process():
    tasks = [ScienceWorldTask() for _ in range(4)]
    for task in tasks:
        task.reset(0, {})
    pids = POOL.pids()
    assert len(pids) == 4
    for task in tasks:
        task.close()
        task.close()
    assert POOL.pids() == []
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_jvm_ends_with_its_python():
    code = (
        "from agemem_gym.envs.scienceworld import ScienceWorldTask\n"
        "from agemem_gym.envs.scienceworld.pool import POOL\n"
        "task = ScienceWorldTask(); task.reset(0, {}); print(*POOL.pids(), flush=True)\n"
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    jvm = int(run.stdout)
    for _ in range(100):
        if not psutil.pid_exists(jvm) or psutil.Process(jvm).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.1)
    pytest.fail("the JVM lives on")


def test_a_missing_java_is_one_clear_error(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(MissingDependencyError, match="Java 8 or later"):
        ScienceWorldTask().reset(0, {})


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"task_names": "cook"}, "task_names='cook': expected one of 'boil'"),
        ({"split": "valid"}, "did you mean 'validation'"),
        ({"variation": 30, "task_names": "boil"}, "variations 0 to 29"),
        ({"protocol": "short"}, "protocol='short'"),
        ({"protocol": "agentboard", "split": "train"}, "split='train': expected 'test'"),
        ({"simplifications": "magic"}, "simplifications='magic': expected one of 'easy'"),
        ({"jvm": "mine"}, "jvm='mine'"),
        ({"heap": "lots"}, "heap='lots'"),
        ({"timeout": 0}, "timeout=0"),
    ],
)
def test_wrong_keywords_are_refused_at_once(keywords, message):
    with pytest.raises(ConfigurationError, match=message):
        ScienceWorldTask(**keywords)


def test_wrong_options_are_refused(task):
    for options, message in (
        ({"task_index": 10**6}, "expected 0 to"),
        ({"colour": 1}, "takes the reset options task_index, task_name, variation"),
        ({"task_name": "x"}, "options\\['task_name'\\]='x': expected one of"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            task.reset(0, options)


def test_seeds_walk_all_tasks_first():
    walk = round_robin(in_order(tuple(COUNTS), "train"))
    assert [name for name, _ in walk[:30]] == list(COUNTS)
    assert len(set(walk)) == ScienceWorldTask().size() == sum(train for train, _, _ in COUNTS.values())


def test_the_table_of_variations_is_the_simulators():
    simulator = POOL.lend("512m", 60, own=False)
    for name, counts in COUNTS.items():
        assert tuple(map(len, simulator.variations(name).values())) == counts
    POOL.take_back(simulator)


@pytest.mark.parametrize(
    ("split", "engines"), [("train", "train"), ("validation", "dev"), ("dev", "dev"), ("test", "test")]
)
def test_the_common_names_of_splits_are_the_engines_splits(split, engines):
    task = ScienceWorldTask(split=split)
    start = task.reset(40, {})
    assert start.record["split"] == engines
    assert task.size() == sum(counts[SPLITS.index(engines)] for counts in COUNTS.values())
    task.close()


def test_no_variation_is_in_two_splits():
    variations = [variation for split in SPLITS for variation in in_order(tuple(COUNTS), split)]
    assert len(set(variations)) == len(variations) == sum(map(sum, COUNTS.values()))


def test_the_former_name_of_the_option_that_picks_a_task_works_with_a_warning(task):
    chosen = task.reset(0, {"task_index": 3}).task_id
    with pytest.warns(DeprecationWarning, match="task_index"):
        assert task.reset(0, {"index": 3}).task_id == chosen


def test_agentboards_protocol_reports_score_and_progress_apart():
    task = ScienceWorldTask(protocol="agentboard", task_names="boil")
    start = task.reset(0, {})
    assert start.max_moves == 30
    assert task.size() == 4
    assert "openDoors" in start.record["simplifications"]
    step = task.act("go to kitchen")
    assert step.progress == 0.0
    assert set(step.metrics) == {"engine_score", "subgoal_progress"}
    task.close()


def test_unknown_commands_are_told(task):
    task.reset(0, {})
    for command in ("dance wildly", "", "ü" * 2000):
        step = task.act(command)
        assert not step.valid
        assert "No known action" in step.observation
    assert task.act("Look  around.").valid


def test_background_is_true_and_distractors_are_not(task):
    start = task.reset(0, {})
    told = task.background(np.random.default_rng(0))
    assert any("the kitchen" in line for line in told)
    assert start.key_facts
    assert not any(start.instruction in line for line in told)
    true = {line.split("there is ")[1] for line in task.background(np.random.default_rng(0)) if "there is " in line}
    false = {
        line.split("there is ")[1] for line in task.distractor_pool(np.random.default_rng(0)) if "there is " in line
    }
    assert true
    assert false
    assert not true & false
