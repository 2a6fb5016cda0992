"""Before stage 3 nothing tells the task: no value of info, no rendered line, whatever settings are on."""

import re

import gymnasium as gym
import pytest

import agemem_gym  # noqa: F401
from agemem_gym.curriculum import DistractorInjection, ThreeStage
from agemem_gym.errors import ConfigurationError
from agemem_gym.registration import BENCHMARKS, make_env

FAST = {"encoder": "hash", "index": "exact"}
NEXT = "<answer>Noted.</answer>"
_TOLD = ("messages", "context", "observation")  # the conversation itself
_CONSTANT = ("benchmark", "tools", "commands", "limits")  # the same in every episode of the engine
_STOP = set(
    "a an the of in on to at and or is are was were which what who whom whose how many do does did that with for".split()
)


def words(text):
    return set(re.findall(r"[a-z0-9]{3,}", str(text).lower())) - _STOP


def said(info):
    return set().union(*(words(message["content"]) for message in info["messages"]))


@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda benchmark: benchmark.name)
@pytest.mark.parametrize("wrapped", [False, True], ids=["bare", "injection"])
def test_info_and_screen_do_not_tell_the_query(benchmark, wrapped, capsys):
    env = gym.make(
        benchmark.three_stage_id, n1=3, n2=2, info_admissible=True, info_expert=True, render_mode="human", **FAST
    )
    if wrapped:
        env = DistractorInjection(env, source="benchmark", rate=1.0)
    seeds, checked = range(2 if benchmark.name == "ScienceWorld" else 6), 0
    for seed in seeds:
        seen = []
        capsys.readouterr()
        _, info = env.reset(seed=seed)
        while info["stage"] != 3:
            seen.append((info, capsys.readouterr().out))
            *_, info = env.step(NEXT)
        start = env.unwrapped.episode.start
        secret = words(start.instruction) | words(start.task_id) | words(start.record)
        for before, screen in seen:
            told = said(before)
            for key, value in before.items():
                if key not in (*_TOLD, *_CONSTANT, "key_facts"):  # info_expert asks for the key facts
                    assert not (words(value) - words(list(before)) - {"none", "true", "false"}) & (secret - told), key
            assert "· reply" in screen
            assert not words(screen) & (secret - told - words("reply progress context tokens"))
            assert (before["expert"], before["admissible"], before["task_id"]) == (None, [], "")
            assert not {"instruction", "record"} & set(before)
            assert not before.get("distractors")
            checked += 1
        assert (info["task_id"], info["instruction"]) == (start.task_id, start.instruction)
        assert 1 <= info["record"]["n1"] <= 3
    assert checked >= 3 * len(seeds)
    env.close()


def test_the_expert_is_not_asked_before_the_task_begins():
    asked = []

    class Task:
        def __init__(self, task):
            self._task = task

        def __getattr__(self, name):
            return getattr(self._task, name)

        def expert(self):
            asked.append(True)
            return self._task.expert()

    env = ThreeStage(make_env("agemem_gym.envs.babyai:BabyAITask", info_expert=True, **FAST), n1=1, n2=1)
    base = env.unwrapped
    base.task = Task(base.task)
    env.reset(seed=0)
    env.step(NEXT)
    assert not asked
    env.step(NEXT)
    assert asked


def test_two_curricula_round_one_env_are_refused_and_a_discarded_wrapper_does_nothing():
    base = make_env("agemem_gym.envs.babyai:BabyAITask", **FAST)
    ThreeStage(DistractorInjection(base, rate=1.0), n1=3, n2=3)  # thrown away
    env = ThreeStage(base, n1=1, n2=0)
    _, info = env.reset(seed=0)
    assert (info["turns"], base.episode.max_rounds) == (1, 2 * base.episode.start.max_moves + 20 + 3)
    assert not base.episode.distractors
    twice = ThreeStage(env, n1=1, n2=1)
    with pytest.raises(ConfigurationError, match="two curricula"):
        twice.reset(seed=0)
    assert env.reset(seed=0)[1]["turns"] == 1


def test_the_innermost_snapshot_knows_its_stage():
    env = gym.make("AgeMem-BabyAI-ThreeStage-v0", n1=2, n2=1, **FAST)
    env.reset(seed=0)
    env.step(NEXT)
    snapshot = env.unwrapped.snapshot()
    ahead = [env.step(NEXT) for _ in range(2)]
    _, info = env.unwrapped.restore(snapshot)
    assert (info["stage"], info["turn"], info["turns"]) == (1, 2, 3)
    assert [env.step(NEXT) for _ in range(2)] == ahead
