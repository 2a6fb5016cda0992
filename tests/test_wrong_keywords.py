"""Whatever is given for a keyword: it is taken, or one clear error of ours says what was expected; nothing raw comes out."""

import inspect

import gymnasium as gym
import pytest

import agemem_gym  # noqa: F401
from agemem_gym.curriculum import ThreeStage
from agemem_gym.env import MemoryEnv
from agemem_gym.errors import AgeMemError
from agemem_gym.registration import BENCHMARKS, load_class

BAD = [3, -1, 0, 2.5, float("nan"), "zzz", "", b"x", [], [1], {}, {"a": 1}, object(), True, None]


def keywords(cls):
    return set(inspect.signature(cls).parameters) - {"env", "task", "self"}


OF_ALL = keywords(MemoryEnv) | keywords(ThreeStage)
CASES = [(BENCHMARKS[1], name) for name in sorted(OF_ALL)] + [
    (benchmark, name) for benchmark in BENCHMARKS for name in sorted(keywords(load_class(benchmark.task)) - OF_ALL)
]


@pytest.mark.parametrize(("benchmark", "name"), CASES, ids=lambda case: getattr(case, "name", case))
def test_a_keyword_of_a_wrong_type_or_value_is_one_clear_error(benchmark, name):
    refused = [_refusal(benchmark.three_stage_id, {"encoder": "hash", "index": "exact", name: value}) for value in BAD]
    assert any(refused)  # no keyword takes everything


def _refusal(env_id, kwargs):
    try:
        gym.make(env_id, **kwargs).close()
    except AgeMemError as error:
        return str(error)
    return ""
