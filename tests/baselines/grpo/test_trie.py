"""Rows as a tree of token ids."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agemem_gym.baselines.grpo.config import GRPOConfig
from agemem_gym.baselines.grpo.rows import StepRow
from agemem_gym.baselines.grpo.trie import packs_of, shared_prefix


def row(prompt, reply, episode=0):
    return StepRow(prompt, reply, [0.0] * len(reply), 1.0, episode)


def paths(pack):
    """The tokens from the root to each target, by the stretches that the model is given."""
    way = {}
    for stretch in pack.stretches:
        for place in range(stretch.count):
            way[stretch.start + place] = stretch.path[: len(stretch.path) - stretch.count + place + 1]
    return [tuple(pack.ids[way[node]].tolist()) for node in pack.targets]


def check(rows, packs):
    """Every sampled token of every row is a target once, after exactly the tokens that it was drawn after."""
    assert sorted(place for pack in packs for place in pack.rows) == list(range(len(rows)))
    for pack in packs:
        wanted = [
            (*one.prompt.tolist(), *one.reply.tolist()[: end + 1])
            for one in (rows[place] for place in pack.rows)
            for end in range(len(one.reply))
        ]
        found = paths(pack)
        assert found == wanted
        assert [len(way) - 1 for way in found] == pack.depths[pack.targets].tolist()
        assert (pack.depths[pack.sources] == pack.depths[pack.targets] - 1).all()


def test_a_tree_by_hand():
    rows = [row([5, 6], [7, 8]), row([5, 6], [9]), row([5, 6, 7, 8, 4], [9]), row([5, 6], [7, 8], 1)]
    (pack,) = packs_of(rows, GRPOConfig())
    assert pack.rows == (0, 3, 2, 1)
    assert pack.ids.tolist() == [5, 6, 7, 8, 4, 9, 9]
    assert pack.depths.tolist() == [0, 1, 2, 3, 4, 5, 2]
    assert [stretch.path.tolist() for stretch in pack.stretches] == [[0, 1, 2, 3], [0, 1, 2, 3, 4, 5], [0, 1, 6]]
    assert pack.targets.tolist() == [2, 3, 2, 3, 5, 6]
    assert pack.sources.tolist() == [1, 2, 1, 2, 4, 1]  # 7 and the second 9 branch from one source: two targets
    check(rows, [pack])


def test_segments_join_rows_of_an_episode_that_go_on_from_each_other():
    rows = [row([5], [6, 7]), row([5], [6, 7], 1), row([5, 6, 7, 1], [8]), row([5, 1], [8]), row([5, 6, 7, 1], [9], 1)]
    packs = packs_of(rows, GRPOConfig(layout="segments"))
    assert [pack.rows for pack in packs] == [(0, 2), (1, 4), (3,)]
    assert [pack.ids.tolist() for pack in packs] == [[5, 6, 7, 1, 8], [5, 6, 7, 1, 9], [5, 1, 8]]
    assert not any(pack.branched for pack in packs)
    check(rows, packs)


def test_a_row_of_which_another_goes_on_within_its_reply_is_no_segment():
    rows = [row([5], [6, 7]), row([5, 6, 1], [8])]
    assert [pack.rows for pack in packs_of(rows, GRPOConfig(layout="segments"))] == [(0,), (1,)]


token = st.integers(0, 300)  # more than a byte holds
some_rows = st.lists(
    st.tuples(st.lists(st.integers(0, 2), min_size=1, max_size=6), st.lists(token, min_size=1, max_size=3)),
    min_size=1,
    max_size=12,
)


@given(some_rows, st.sampled_from(["rows", "segments", "trie"]), st.integers(1, 40))
def test_every_layout_has_every_sampled_token_once_after_its_own_path(given_rows, layout, most):
    rows = [row(prompt, reply) for prompt, reply in given_rows]
    packs = packs_of(rows, GRPOConfig(layout=layout, micro_tokens=most))
    check(rows, packs)
    if layout == "trie":
        assert all(len(pack) <= most or len(pack.rows) == 1 for pack in packs)
        for pack in packs:
            inside = [rows[place].ids.tolist() for place in pack.rows]
            assert len(pack) == len({tuple(ids[:end]) for ids in inside for end in range(1, len(ids) + 1)})


@pytest.mark.parametrize(("one", "other", "shared"), [([], [1], 0), ([1, 2], [1, 2, 3], 2), ([1, 2, 3], [1, 4, 3], 1)])
def test_shared_prefix(one, other, shared):
    assert shared_prefix(np.array(one, np.int64), np.array(other, np.int64)) == shared


@pytest.mark.parametrize(
    ("prompt", "reply", "sampled"), [([], [1], [0.0]), ([1], [], []), ([1], [1, 2], [0.0])], ids=str
)
def test_a_row_that_lacks_something_is_refused(prompt, reply, sampled):
    with pytest.raises(ValueError, match="row"):
        StepRow(prompt, reply, sampled, 1.0)
