"""From returns to advantages, by hand-worked numbers."""

import math

import numpy as np
import pytest

from agemem_gym.baselines.grpo.advantages import Played, credit, group_advantages, has_spread
from agemem_gym.baselines.grpo.config import GRPOConfig
from agemem_gym.errors import ConfigurationError

GROUP = [Played(1.0, 2), Played(2.0, 1), Played(6.0, 3)]  # mean 3; variance (4 + 1 + 9) / 2 = 7


def lists(found):
    return [pytest.approx(values.tolist(), abs=1e-9) for values in found]


def test_group_is_the_papers_with_k_minus_1_and_the_same_for_all_steps():
    found = group_advantages(GROUP, GRPOConfig(epsilon=0.5))
    scale = math.sqrt(7) + 0.5
    assert lists(found) == [[-2 / scale] * 2, [-1 / scale], [3 / scale] * 3]


def test_two_episodes_differ_by_the_square_root_of_two():
    found = group_advantages([Played(0.0, 1), Played(1.0, 1)], GRPOConfig(epsilon=1e-12))
    assert lists(found) == [[-math.sqrt(0.5)], [math.sqrt(0.5)]]  # with K in it, they would be -1 and 1


def test_last_gives_it_to_the_last_step_alone():
    found = group_advantages(GROUP, GRPOConfig(credit="last", epsilon=1e-12))
    seven = math.sqrt(7)
    assert lists(found) == [[0, -2 / seven], [-1 / seven], [0, 0, 3 / seven]]


def test_discounted_halves_it_for_each_step_before():
    found = group_advantages(GROUP, GRPOConfig(credit="discounted", discount=0.5, epsilon=1e-12))
    seven = math.sqrt(7)
    assert lists(found) == [[-1 / seven, -2 / seven], [-1 / seven], [0.75 / seven, 1.5 / seven, 3 / seven]]


def test_discounts_of_1_and_0_are_group_and_last():
    for discount, same in ((1.0, "group"), (0.0, "last")):
        one = group_advantages(GROUP, GRPOConfig(credit="discounted", discount=discount))
        other = group_advantages(GROUP, GRPOConfig(credit=same))
        assert [a.tolist() for a in one] == [a.tolist() for a in other]


def test_leave_one_out_measures_against_the_others():
    found = group_advantages(GROUP, GRPOConfig(credit="leave_one_out"))
    assert lists(found) == [[1 - 4] * 2, [2 - 3.5], [6 - 1.5] * 3]


def test_groups_without_spread_are_counted_and_left_out():
    alike = [Played(0.1 + 0.2, 2), Played(0.3, 4)]  # they differ by rounding
    found = credit([GROUP, alike, [Played(1.0, 1)], [], GROUP], GRPOConfig())
    assert [group is None for group in found.groups] == [False, True, True, True, False]
    assert found.skipped == 3
    assert has_spread([0.0, 1e-6])


def test_a_return_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="finite"):
        group_advantages([Played(np.nan, 1), Played(1.0, 1)], GRPOConfig())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"credit": "Group"}, "did you mean 'group'"),
        ({"layout": "tree"}, "layout"),
        ({"mean": "steps"}, "did you mean 'step'"),
        ({"clip": (0.2,)}, "two numbers"),
        ({"clip": (1.2, 0.2)}, "clip"),
        ({"beta": -1}, "beta"),
        ({"micro_tokens": 0}, "micro_tokens"),
        ({"temperature": 0.0}, "temperature"),
    ],
)
def test_a_wrong_setting_is_refused_with_a_sentence(wrong, said):
    with pytest.raises(ConfigurationError, match=said):
        GRPOConfig(**wrong)
