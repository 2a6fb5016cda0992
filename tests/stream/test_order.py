"""Which task is set in which world: the three orders, worlds that come back, worlds that do not, worlds that change."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agemem_gym.errors import ConfigurationError
from agemem_gym.stream.order import ORDERS, StreamSettings, latest_visit, visits


def places(number=0, **settings):
    return [visit.place for visit in visits(StreamSettings(**settings), number)]


def test_blocked_stays_in_a_world_until_it_is_done():
    assert places(tasks=6, worlds=3, order="blocked") == [0, 0, 1, 1, 2, 2]


def test_interleaved_comes_back_after_all_others():
    assert places(tasks=6, worlds=3, order="interleaved") == [0, 1, 2, 0, 1, 2]


def test_random_mixes_the_same_tasks_differently_in_each_stream():
    drawn = [places(number, tasks=8, worlds=2, order="random") for number in range(8)]
    assert all(Counter(one) == {0: 4, 1: 4} for one in drawn)
    assert all(one[0] == 0 for one in drawn)
    assert len({tuple(one) for one in drawn}) > 3


def test_a_world_that_does_not_divide_evenly_gets_one_task_more():
    assert Counter(places(tasks=7, worlds=2)) == {0: 4, 1: 3}


def test_more_worlds_than_tasks_leave_each_task_its_own():
    assert places(tasks=2, worlds=5) == [0, 1]


def test_without_revisits_no_world_comes_back():
    stream = visits(StreamSettings(tasks=5, revisit=0.0), 3)
    assert [visit.place for visit in stream] == [0, 1, 2, 3, 4]
    assert all(visit.visit == 1 and not visit.returns for visit in stream)
    assert len({visit.world for visit in stream}) == 5


@pytest.mark.parametrize("order", ORDERS)
def test_the_share_of_revisits_leaves_the_rest_in_worlds_that_are_seen_once(order):
    stream = visits(StreamSettings(tasks=8, worlds=2, order=order, revisit=0.75), 1)
    assert sum(visit.returns for visit in stream) == 6
    once = [visit.place for visit in stream if not visit.returns]
    assert all(sum(visit.place == place for visit in stream) == 1 for place in once)


def test_worlds_change_from_visit_to_visit_only_if_they_are_to():
    still = visits(StreamSettings(tasks=6, worlds=2, change_rate=0.0), 0)
    moving = visits(StreamSettings(tasks=6, worlds=2, change_rate=0.5), 0)
    assert [visit.epoch for visit in still] == [0] * 6
    assert [visit.epoch for visit in moving] == [0, 0, 1, 1, 2, 2]
    assert [visit.world for visit in still] == [visit.world for visit in moving]


def test_two_streams_have_no_world_in_common():
    worlds = [visit.world for number in range(50) for visit in visits(StreamSettings(tasks=2), number)]
    assert len(set(worlds)) == 100


def test_a_world_stands_as_it_was_when_it_was_seen_last():
    stream = visits(StreamSettings(tasks=6, worlds=2, change_rate=0.5), 0)
    assert latest_visit(stream, 0, after=4).task == 3
    assert latest_visit(stream, 1, after=6).task == 6
    assert latest_visit(stream, 1, after=0).task == 2  # not seen yet: as it will be found


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"tasks": 0}, "tasks=0: expected a whole number of at least 1"),
        ({"worlds": 1.5}, "worlds=1.5: expected"),
        ({"order": "blokced"}, "did you mean 'blocked'"),
        ({"revisit": 1.5}, r"revisit=1.5: expected a share in \[0, 1\]"),
        ({"change_rate": -0.1}, r"change_rate=-0.1: expected a share in \[0, 1\]"),
        ({"held_out": -1}, "held_out=-1"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused(settings, complaint):
    with pytest.raises(ConfigurationError, match=complaint):
        StreamSettings(**settings)


@given(
    tasks=st.integers(1, 30),
    worlds=st.integers(1, 6),
    order=st.sampled_from(ORDERS),
    revisit=st.floats(0, 1),
    number=st.integers(0, 1000),
)
def test_every_stream_has_its_tasks_counted_from_one_and_its_visits_counted_within_a_world(
    tasks, worlds, order, revisit, number
):
    settings = StreamSettings(tasks=tasks, worlds=worlds, order=order, revisit=revisit)
    stream = visits(settings, number)
    assert stream == visits(settings, number)
    assert [visit.task for visit in stream] == list(range(1, tasks + 1))
    seen = Counter()
    for visit in stream:
        seen[visit.place] += 1
        assert visit.visit == seen[visit.place]
        assert visit.place <= max((other.place for other in stream[: visit.task - 1]), default=-1) + 1
