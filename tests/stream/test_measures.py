"""Plasticity, stability, backward transfer, forgetting and generalisation, worked out by hand."""

import pytest

from agemem_gym.stream import Matrix

#                task 1  2    3
THREE = Matrix.still(
    scores=(
        (1.0, 0.5, 0.25),  # after task 1
        (0.5, 1.0, 0.5),  # after task 2
        (0.75, 0.5, 1.0),  # after task 3
    ),
    without=(0.25, 0.0, 0.25),
    held_out=(1.0, 0.5),
    held_out_without=(0.25, 0.25),
)


def test_plasticity_is_what_earlier_tasks_were_worth_before_a_tasks_own_turn():
    assert THREE.plasticity == ((0.5 - 0.0) + (0.5 - 0.25)) / 2


def test_stability_is_what_is_left_in_the_end():
    assert THREE.stability == pytest.approx(((0.75 - 0.25) + (0.5 - 0.0) + (1.0 - 0.25)) / 3)


def test_backward_transfer_is_what_later_tasks_did_to_earlier_ones():
    assert THREE.backward_transfer == ((0.75 - 1.0) + (0.5 - 1.0)) / 2


def test_forgetting_is_what_was_held_at_best_and_lost():
    # task 1: 1.0 after itself, 0.75 in the end; task 2: 1.0 and 0.5; what it scored before its turn does not count
    assert THREE.forgetting == ((1.0 - 0.75) + (1.0 - 0.5)) / 2


def test_generalisation_is_over_held_out_tasks():
    assert THREE.generalisation == ((1.0 - 0.25) + (0.5 - 0.25)) / 2


def test_levels_behind_the_differences():
    assert (THREE.learned, THREE.in_the_end, THREE.without_memory) == (1.0, 0.75, pytest.approx(0.5 / 3))


def test_what_is_regained_in_the_end_is_no_forgetting():
    matrix = Matrix.still(scores=((0.0, 0.0), (1.0, 1.0)), without=(0.0, 0.0))
    assert (matrix.forgetting, matrix.backward_transfer) == (0.0, 1.0)


def test_an_agent_without_memory_has_nothing_to_show():
    matrix = Matrix.still(scores=((0.5, 0.0),) * 2, without=(0.5, 0.0), held_out=(0.5,), held_out_without=(0.5,))
    measures = (matrix.plasticity, matrix.stability, matrix.backward_transfer, matrix.forgetting, matrix.generalisation)
    assert measures == (0.0, 0.0, 0.0, 0.0, 0.0)


def test_where_worlds_change_a_score_is_set_beside_that_without_memory_in_the_same_world():
    # both tasks are in one world that changes before the second; the first has become easier by 0.5 for anybody
    matrix = Matrix(scores=((1.0, 0.5), (1.0, 1.0)), without=((0.0, 0.25), (0.5, 0.5)))
    assert matrix.plasticity == 0.5 - 0.25
    assert matrix.stability == ((1.0 - 0.5) + (1.0 - 0.5)) / 2
    assert matrix.backward_transfer == 1.0 - 1.0
    assert matrix.forgetting == 0.0
    assert matrix.without_memory == (0.0 + 0.5) / 2


def test_an_agent_without_memory_has_nothing_to_show_in_a_world_that_changes_either():
    scores = ((0.5, 0.0), (1.0, 0.25))
    matrix = Matrix(scores=scores, without=scores)
    assert (matrix.plasticity, matrix.stability) == (0.0, 0.0)
    assert matrix.backward_transfer == 1.0 - 0.5  # the world has become easier: how much of it is no merit of a memory


def test_a_stream_of_one_task_has_neither_plasticity_nor_forgetting():
    matrix = Matrix.still(scores=((1.0,),), without=(0.0,))
    assert (matrix.plasticity, matrix.forgetting, matrix.backward_transfer, matrix.generalisation) == (None,) * 4
    assert matrix.stability == 1.0


def test_a_cell_that_was_not_measured_leaves_open_what_needs_it():
    matrix = Matrix.still(scores=((1.0, None, None), (None, 1.0, 0.5), (0.5, 0.5, 1.0)), without=(0.0, 0.0, 0.0))
    assert matrix.plasticity is None
    assert matrix.forgetting == 0.5
    assert matrix.stability == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    "sizes",
    [
        {"scores": (), "without": ()},
        {"scores": ((1.0,), (1.0, 0.0)), "without": ((0.0, 0.0),) * 2},
        {"scores": ((1.0,),), "without": ((0.0, 0.0),)},
        {"scores": ((1.0,),), "without": ((0.0,), (0.0,))},
        {"scores": ((1.0,),), "without": ((0.0,),), "held_out": (1.0,)},
    ],
)
def test_sizes_that_do_not_fit_are_refused(sizes):
    with pytest.raises(ValueError, match=r"expected|without memory"):
        Matrix(**sizes)
