"""Vector envs: the right text in every slot, and a memory of its own."""

import os
import pickle
import signal
import subprocess
import sys

import gymnasium as gym
import numpy as np
import psutil
import pytest
from gymnasium.error import AlreadyPendingCallError, ClosedEnvironmentError, InvalidAction, NoAsyncCallError
from gymnasium.vector import AutoresetMode

import agemem_gym
from agemem_gym.errors import ConfigurationError, EngineError
from agemem_gym.protocol import call_reply
from agemem_gym.spaces import TextSpace

ENV_ID = "AgeMem-BabyAI-v0"
FAST = {"level": "GoToObj", "encoder": "hash"}
MODES = [("sync", None), ("async", "fork"), ("async", "spawn")]


def scratchpad(vector, count):
    """Each slot writes its own secret, then reads; returns what each slot read."""
    vector.reset(seed=list(range(count)))
    secrets = [f"the secret of slot {i} is {i * 7919}" for i in range(count)]
    vector.step(tuple(call_reply(("Add_memory", {"content": secret})) for secret in secrets))
    obs, *_ = vector.step((call_reply(("Retrieve_memory", {"query": "the secret of slot", "top_k": 50})),) * count)
    return secrets, obs


@pytest.mark.parametrize(("mode", "start_method"), MODES)
def test_each_slot_reads_back_only_its_own_secret(mode, start_method):
    count = 64 if mode == "sync" or start_method == "fork" else 8
    vector = agemem_gym.make_vec(ENV_ID, count, mode, start_method=start_method, **FAST)
    secrets, obs = scratchpad(vector, count)
    vector.close()
    for i, text in enumerate(obs):
        last = text.rsplit("Retrieve_memory: ", 1)[1]
        assert last.endswith(f": {secrets[i]}")
        assert last.count("the secret of slot") == 1


@pytest.mark.slow
def test_sixty_four_spawned_slots_read_back_only_their_own_secret():
    vector = agemem_gym.make_vec(ENV_ID, 64, "async", start_method="spawn", **FAST)
    secrets, obs = scratchpad(vector, 64)
    vector.close()
    assert all(text.endswith(f": {secret}") for text, secret in zip(obs, secrets, strict=True))


def transcript(vector, env_kwargs):
    obs, _ = vector.reset(seed=[3, 4])
    texts = [tuple(obs)]
    for reply in ("turn left", call_reply(("Add_memory", {"content": "ü here"})), "move forward", "<answer>"):
        obs, rewards, *_ = vector.step((reply, reply))
        texts.append((*obs, *np.asarray(rewards).tolist()))
    vector.close()
    return texts


def test_all_modes_give_the_text_of_the_single_env():
    single = []
    for seed in (3, 4):
        env = gym.make(ENV_ID, **FAST)
        single.append([env.reset(seed=seed)[0]])
        for reply in ("turn left", call_reply(("Add_memory", {"content": "ü here"})), "move forward", "<answer>"):
            single[-1].append(env.step(reply)[0])
        env.close()
    expected = list(zip(*single, strict=True))
    for mode, start_method in MODES:
        vector = agemem_gym.make_vec(ENV_ID, 2, mode, start_method=start_method, **FAST)
        assert [texts[:2] for texts in transcript(vector, FAST)] == expected


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_gymnasiums_own_make_vec_gives_the_right_strings(mode):
    vector = gym.make_vec(ENV_ID, num_envs=2, vectorization_mode=mode, **FAST)
    obs, infos = vector.reset(seed=[3, 4])
    assert all(
        text.startswith("[system] You solve a task") and text.endswith(infos["observation"][i])
        for i, text in enumerate(obs)
    )
    obs, *_ = vector.step(("<answer>ü</answer>", "turn left"))
    assert "[assistant] <answer>ü</answer>" in obs[0]
    vector.close()


def same(one, other):
    """Whether two vector infos are the same, arrays within them included."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return one.dtype == other.dtype and one.tolist() == other.tolist()


@pytest.mark.parametrize("autoreset_mode", ["NextStep", "SameStep"])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_processes_give_what_gymnasium_gives_in_one_process(workers, autoreset_mode):
    replies = [
        "turn left",
        call_reply(("Add_memory", {"content": "here"})),
        "<answer>x</answer>",
        "turn right",
        "turn left",
    ]
    sync = agemem_gym.make_vec(ENV_ID, 3, "sync", autoreset_mode=autoreset_mode, **FAST)
    vector = agemem_gym.make_vec(ENV_ID, 3, "async", workers=workers, autoreset_mode=autoreset_mode, **FAST)
    assert vector.metadata == sync.metadata
    assert vector.observation_space == sync.observation_space
    assert vector.action_space == sync.action_space
    for episode in range(
        2
    ):  # the first ends with slots at different ages, so the second begins by a reset in their midst
        (one, info), (other, other_info) = (each.reset(seed=10 * episode) for each in (vector, sync))
        assert one == tuple(other)
        assert same(info, other_info)
        for step in range(4):
            actions = tuple(replies[(step + slot) % 5] for slot in range(3))
            (obs, *arrays, info), (expected, *others, other_info) = vector.step(actions), sync.step(actions)
            assert obs == tuple(expected)
            assert same(info, other_info)
            assert [array.tolist() for array in arrays] == [array.tolist() for array in others]
    vector.close()
    sync.close()


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_reset_after_the_end_of_an_episode_is_followed_by_a_step(mode):
    vector = agemem_gym.make_vec(ENV_ID, 2, mode, **FAST)
    vector.reset(seed=[0, 1])
    vector.step(("<answer>x</answer>", "turn left"))
    vector.reset(seed=[5, 6])
    obs, *_ = vector.step(("turn right", "turn right"))
    assert all(text.count("[assistant] turn right") == 1 for text in obs)
    vector.close()


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_autoreset_can_be_left_to_the_caller(mode):
    vector = agemem_gym.make_vec(ENV_ID, 3, mode, autoreset_mode=AutoresetMode.DISABLED, **FAST)
    first, _ = vector.reset(seed=[0, 1, 2])
    _, _, terminated, _, _ = vector.step(("<answer>x</answer>", "turn left", "turn left"))
    assert terminated.tolist() == [True, False, False]
    with pytest.raises((ConfigurationError, AssertionError)):
        vector.step(("turn left",) * 3)
    obs, info = vector.reset(seed=[0, 6, 7], options={"reset_mask": np.array([True, False, False])})
    assert obs[0] == first[0]
    assert "turn left" in obs[1]
    assert info["_task_id"].tolist() == [True, False, False]
    vector.close()


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_keywords_that_pickle_cannot_carry_reach_the_workers(start_method):
    vector = agemem_gym.make_vec(
        ENV_ID, 2, "async", start_method=start_method, summariser=lambda messages: "so it was", **FAST
    )
    vector.reset(seed=0)
    vector.step(("turn left",) * 2)
    obs, *_ = vector.step((call_reply(("Summary_context", {"span": "all"})), "turn left"))
    assert ["so it was" in text for text in obs] == [True, False]
    vector.close()


def test_after_an_interrupt_the_envs_can_be_reset():
    vector = agemem_gym.make_vec(ENV_ID, 2, "async", workers=2, **FAST)
    first, _ = vector.reset(seed=3)
    late = vector._processes[1].pid
    os.kill(late, signal.SIGSTOP)
    vector.step_async(("turn left",) * 2)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            vector.step_wait()
    finally:
        signal.signal(signal.SIGALRM, before)
        os.kill(late, signal.SIGCONT)
    assert vector.reset(seed=3)[0] == first
    assert all(text.count("[assistant]") == 1 for text in vector.step(("turn left",) * 2)[0])
    vector.close()


def test_what_cannot_be_done_in_processes_is_said():
    for bad in ({"workers": 0}, {"workers": 3}, {"workers": True}, {"start_method": "teleport"}):
        with pytest.raises(ConfigurationError, match=next(iter(bad))):
            agemem_gym.make_vec(ENV_ID, 2, "async", **bad, **FAST)
    with pytest.raises(ConfigurationError, match="only mode='async'"):
        agemem_gym.make_vec(ENV_ID, 2, "sync", workers=1, **FAST)
    with pytest.raises(ConfigurationError, match="level"):
        agemem_gym.make_vec(ENV_ID, 2, "async", level="NoSuchLevel")
    vector = agemem_gym.make_vec(ENV_ID, 2, "async", **FAST)
    with pytest.raises(ConfigurationError, match="expected one for each of 2 envs"):
        vector.reset(seed=[1])
    with pytest.raises(ConfigurationError, match="reset_mask"):
        vector.reset(options={"reset_mask": np.array([False, False])})
    with pytest.raises(InvalidAction, match="1 replies: expected one for each of 2"):
        vector.step(("turn left",))
    with pytest.raises(NoAsyncCallError, match="step_async has to come first"):
        vector.step_wait()
    vector.reset(seed=0)
    vector.step_async(("turn left", "turn left"))
    with pytest.raises(AlreadyPendingCallError, match="step_wait has to come first"):
        vector.reset(seed=0)
    vector.step_wait()
    vector.close()
    with pytest.raises(ClosedEnvironmentError, match="closed"):
        vector.reset(seed=0)


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_reply_for_each_env_and_nothing_else(mode):
    vector = agemem_gym.make_vec(ENV_ID, 4, mode, **FAST)
    vector.reset(seed=0)
    for actions in ("look", ("look",), ["look"] * 5, [], 4, None):
        with pytest.raises(InvalidAction, match="4"):
            vector.step(actions)
    assert vector.step(["turn left"] * 4)[4]["step"].tolist() == [1, 1, 1, 1]
    vector.close()
    with pytest.raises(ClosedEnvironmentError):
        vector.step(["turn left"] * 4)


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_autoreset_carries_memory_over_where_it_is_kept(mode):
    for keep, entries in ((True, ["kept"]), (False, [])):
        vector = agemem_gym.make_vec(ENV_ID, 1, mode, keep_memory=keep, **FAST)
        vector.reset(seed=0)
        vector.step([call_reply(("Add_memory", {"content": "kept"}))])
        vector.step(["<answer>over</answer>"])
        vector.step(["the next episode begins"])
        *_, info = vector.step([call_reply(("Retrieve_memory", {"query": "kept"}))])
        assert [*info["tool_results"][0][0]["data"]["contents"]] == entries
        vector.close()


def test_attributes_and_methods_of_the_envs_are_reached_in_order():
    summariser = lambda messages: "short"  # noqa: E731  # what pickle cannot carry
    vector = agemem_gym.make_vec(ENV_ID, 3, "async", workers=2, start_method="fork", summariser=summariser, **FAST)
    vector.reset(seed=[4, 5, 6])
    vector.set_attr("label", ["a", "b", "c"])
    assert vector.get_attr("label") == ("a", "b", "c")
    vector.set_attr("label", "z")
    assert vector.get_attr("label") == ("z", "z", "z")
    with pytest.raises(AttributeError) as caught:
        vector.call("no_such_method")
    assert "in env 0" in caught.value.__notes__[0]
    with pytest.raises((AttributeError, TypeError, pickle.PicklingError), match="pickle"):
        vector.get_attr("unwrapped")  # cannot be sent
    assert len(vector.reset(seed=0)[0]) == 3  # and all goes on
    vector.close()


def test_a_killed_worker_is_an_error_and_leaves_no_process():
    vector = agemem_gym.make_vec(ENV_ID, 4, "async", workers=2, **FAST)
    vector.reset(seed=0)
    processes = [psutil.Process(process.pid) for process in vector._processes]
    processes[1].kill()
    with pytest.raises(EngineError, match=r"worker 1 \(envs \[2, 3\]\) died, exit code -9"):
        vector.step(("turn left",) * 4)
    with pytest.raises(EngineError, match="worker 1"):
        vector.reset(seed=0)
    vector.close()
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


def test_workers_end_with_a_parent_that_was_killed():
    script = (
        "import agemem_gym, os, signal\n"
        f"vector = agemem_gym.make_vec({ENV_ID!r}, 2, 'async', level='GoToObj', encoder='hash')\n"
        "print(*(process.pid for process in vector._processes), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, timeout=60)
    workers = [psutil.Process(int(pid)) for pid in run.stdout.split() if psutil.pid_exists(int(pid))]
    _, alive = psutil.wait_procs(workers, timeout=30)
    assert not alive


def test_stable_baselines_vec_env_carries_text():
    from stable_baselines3.common.vec_env import DummyVecEnv

    vector = DummyVecEnv([lambda: gym.make(ENV_ID, **FAST)] * 2)
    obs = vector.reset()
    assert obs.shape == (2,)
    assert all(isinstance(text, str) and len(text) > 500 for text in obs)
    obs, _, dones, infos = vector.step(np.array(["turn left", "<answer>x</answer>"], dtype=object))
    assert dones.tolist() == [False, True]
    assert "terminal_observation" in infos[1]
    vector.close()


def test_the_space_contains_any_text_up_to_its_length():
    space = TextSpace(10)
    assert all(text in space for text in ("", "a b", "ü🔑", "x" * 10))
    assert "x" * 11 not in space
    assert 3 not in space
    assert all(space.sample() in space for _ in range(50))
    assert space == TextSpace(10) != TextSpace(11)
