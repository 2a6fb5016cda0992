"""Groups of real episodes, sampled by a model of random weights: what was drawn is what the learner computes."""

import copy
import itertools
from dataclasses import replace

import numpy as np
import pytest

from agemem_gym.baselines.grpo.collect import CollectError, Collector, jobs_of, rows_of
from agemem_gym.baselines.grpo.config import GRPOConfig
from agemem_gym.baselines.grpo.scoring import logprobs_of
from agemem_gym.chat.local.loading import load
from agemem_gym.chat.local.model import LocalModel
from agemem_gym.envs.hotpotqa import HotpotQATask
from agemem_gym.errors import EngineError

from .conftest import ENV, SHORT, moved
from .test_layouts import FULL, assert_same

ENVS = [f"AgeMem-{name}-ThreeStage-v0" for name in ("HotpotQA", "BabyAI", "PDDL", "ALFWorld", "ScienceWorld")]


def a_collector(folder, slots=6, window=None, **options):
    loaded = load(str(folder))
    model = LocalModel.of(replace(loaded, model=copy.deepcopy(loaded.model)), str(folder), slots=slots, window=window)
    return Collector(model, slots=slots, **{"temperature": 1.0, "max_tokens": 12, "seed": 3, **options})


def collected(folder, seeds=(0, 1), k=3, iteration=1, env=ENV, kwargs=SHORT, **options):
    collector = a_collector(folder, **options)
    try:
        return collector.play(jobs_of(env, seeds, k, kwargs), iteration)
    finally:
        collector.close()


def drawn(found):
    return [[reply.ids for reply in trajectory.replies] for trajectory in found.trajectories]


def off(folder, rows, config):
    """The largest difference between a sampled log-probability and one that the learner computes."""
    found = logprobs_of(load(str(folder)).model, rows, config)
    return max(float(np.abs(np.subtract(a, row.sampled)).max()) for a, row in zip(found, rows, strict=True))


@pytest.fixture(scope="module")
def played(folder):
    return collected(folder)


def test_groups_are_the_tasks_and_the_rows_are_the_steps(played):
    groups = played.groups()
    assert [[t.job.seed for t in group.episodes] for group in groups] == [[0] * 3, [1] * 3]
    for trajectory in played.trajectories:
        assert len(trajectory.replies) == len(trajectory.episode.steps) > 3
        assert [reply.step for reply in trajectory.replies] == list(range(len(trajectory.replies)))
        assert trajectory.total == trajectory.episode.reward
        for reply, step in zip(trajectory.replies, trajectory.episode.steps, strict=True):
            assert step.policy.completion_tokens == len(reply.ids)
            assert step.policy.prompt_tokens == len(reply.prompt)
            assert step.stage == reply.stage
    assert 0 < played.generating < played.seconds


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_sampled_log_probabilities_are_those_that_the_learner_computes(folder, temperature):
    found = collected(folder, kwargs={**SHORT, "reward": "composite"}, temperature=temperature)
    rows, _ = rows_of(found.groups(), GRPOConfig())
    assert len({row.episode for row in rows}) == 6
    for layout in ("rows", "segments", "trie"):
        assert off(folder, rows, GRPOConfig(layout=layout, temperature=temperature)) < 1e-4


def test_a_reply_depends_on_nothing_else_in_the_batch(folder, played):
    alone = collected(folder, seeds=(1,), slots=1)
    assert drawn(alone) == drawn(played)[3:]
    assert drawn(collected(folder, seeds=(1, 5, 0), k=2, slots=5))[:2] == drawn(played)[3:5]


def test_other_iterations_seeds_and_numbers_draw_otherwise(folder, played):
    first = drawn(played)
    assert len({str(replies) for replies in first}) == len(first)
    assert drawn(collected(folder, iteration=2)) != first
    assert drawn(collected(folder, seed=4)) != first


def test_a_collector_draws_the_same_after_other_iterations(folder, played):
    collector = a_collector(folder)
    collector.play(jobs_of(ENV, (7,), 2, SHORT, 100), 5)
    again = collector.play(jobs_of(ENV, (0, 1), 3, SHORT, 200), 1)
    collector.close()
    assert drawn(again) == drawn(played)


def test_an_episode_that_outgrows_its_slot_ends_truncated_with_a_return(wordy):
    kwargs = {**SHORT, "reward": "composite", "max_rounds": 60}
    found = collected(wordy, seeds=(0,), k=2, window=900, kwargs=kwargs)
    for trajectory in found.trajectories:
        assert trajectory.episode.truncated
        assert trajectory.episode.ended_by == "overflow"
        assert trajectory.total == trajectory.episode.reward_terms["total"] != 0
        assert all(len(reply.prompt) + len(reply.ids) <= 900 for reply in trajectory.replies)


def test_a_prompt_that_fills_the_window_whatever_the_env_counts_ends_the_episode(wordy):
    kwargs = {**SHORT, "reward": "composite", "max_rounds": 60, "token_budget": 8192}  # more than the window holds
    found = collected(wordy, seeds=(0,), k=2, window=830, kwargs=kwargs)
    assert len(found.trajectories) == 2
    for trajectory in found.trajectories:
        assert trajectory.outgrown
        assert (trajectory.episode.truncated, trajectory.episode.ended_by) == (True, "overflow")
        assert len(trajectory.replies) == len(trajectory.episode.steps)
        assert trajectory.total == trajectory.episode.reward_terms["total"]


def test_where_no_episode_can_be_played_that_is_said(wordy):
    with pytest.raises(CollectError, match="OutgrownError"):
        collected(wordy, window=300, kwargs={**SHORT, "token_budget": 8192})


@pytest.mark.parametrize("broken", [1, 6])
def test_episodes_that_their_engine_broke_are_counted_and_not_learned_from(folder, monkeypatch, broken):
    answer, asked = HotpotQATask.answer, itertools.count(1)

    def breaks(task, text):
        if next(asked) <= broken:
            raise EngineError("the engine broke")
        return answer(task, text)

    monkeypatch.setattr(HotpotQATask, "answer", breaks)
    if broken == 6:
        with pytest.raises(CollectError, match="the engine broke"):
            collected(folder)
    else:
        found = collected(folder)
        assert len(found.trajectories) == 5
        assert [why.partition("\n")[0] for why in found.failures] == ["the engine broke"]


def test_groups_without_spread_are_left_out(played):
    rows, credited = rows_of(played.groups(), GRPOConfig())  # a random policy solves nothing: all returns are alike
    assert (rows, credited.skipped) == ([], 2)


@pytest.mark.parametrize("env", ENVS)
def test_a_sampled_group_of_each_env_in_all_layouts(folder, env):
    """Loss and gradient of segments and trie are those of rows."""
    kwargs = {**SHORT, "max_rounds": 3, "reward": "composite"}
    found = collected(folder, seeds=(0,), k=2, env=env, kwargs=kwargs)
    assert (len(found.trajectories), found.failures) == (2, ())
    rows, _ = rows_of(found.groups(), GRPOConfig())
    assert len({row.episode for row in rows}) == 2
    assert off(folder, rows, GRPOConfig()) < 1e-4
    precise = copy.deepcopy(load(str(folder)).model).double()
    wanted, _, trie = assert_same(precise, moved(rows), **FULL)
    assert trie.laid_out < wanted.laid_out
