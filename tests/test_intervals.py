import math

import numpy as np

from agemem_gym.intervals import mean, paired, share


def test_wilsons_interval_against_the_textbook():
    """Newcombe (1998), table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    for found, of, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        figure = share([True] * found + [False] * (of - found))
        assert figure.value == round(found / of, 6)
        assert abs(figure.low - low) < 6e-4
        assert abs(figure.high - high) < 6e-4


def test_the_interval_of_a_mean_covers_it_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    covered = sum(figure.low <= 0 <= figure.high for figure in (mean(list(rng.normal(size=40))) for _ in range(300)))
    assert 0.90 < covered / 300 < 0.98


def test_nothing_and_one_value_have_no_interval():
    assert math.isnan(share([]).value)
    assert math.isnan(mean([]).value)
    assert mean([0.5]).value == 0.5
    assert math.isnan(mean([0.5]).low)
    assert str(mean([0.5])) == "0.50"


def test_the_interval_of_paired_shares_has_a_width_where_all_pairs_agree():
    nothing, every = paired([0.0, 0.0]), paired([1.0] * 100)
    assert (nothing.value, nothing.low, nothing.high) == (0.0, -0.693, 0.693)  # 1.96 sqrt((2/4) / 4)
    assert (every.value, every.high) == (1.0, 1.0)
    assert 0.93 < every.low < 0.96
    assert math.isnan(paired([]).value)
