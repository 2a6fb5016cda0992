import pytest
from hypothesis import given
from hypothesis import strategies as st

from agemem_gym.answers import exact_match, f1, normalise_answer


@pytest.mark.parametrize(
    ("predicted", "expected", "em", "score"),
    [
        ("Paris", "paris.", 1.0, 1.0),
        ("The Beatles", "Beatles", 1.0, 1.0),
        ("the city of Paris", "Paris", 0.0, 0.5),  # "city of paris": precision 1/3, recall 1
        ("Barack Hussein Obama", "Barack Obama", 0.0, 0.8),  # precision 2/3, recall 1
        ("yes", "yes", 1.0, 1.0),
        ("yes", "no", 0.0, 0.0),
        ("yes it is", "yes", 0.0, 0.0),  # closed answers match as a whole or not at all
        ("no", "no man's land", 0.0, 0.0),
        ("red red blue", "red blue blue", 0.0, 2 / 3),  # words count as often as they stand there
        ("", "Paris", 0.0, 0.0),
        ("the", "a", 1.0, 0.0),  # both normalise to nothing: the official script finds them equal, and no common word
        ("1,000", "1000", 1.0, 1.0),
        ("non-stop", "nonstop", 1.0, 1.0),
    ],
)
def test_values_worked_out_from_the_official_definition(predicted, expected, em, score):
    assert exact_match(predicted, expected) == em
    assert f1(predicted, expected) == pytest.approx(score)


@given(st.text(), st.text())
def test_f1_is_symmetric_and_one_only_for_equal_bags_of_words(one, other):
    assert f1(one, other) == pytest.approx(f1(other, one))
    assert 0.0 <= f1(one, other) <= 1.0
    if sorted(normalise_answer(one).split()) != sorted(normalise_answer(other).split()):
        assert f1(one, other) < 1.0
