"""The split names that every benchmark has, beside its own: train, validation and test share no task."""

import gymnasium
import pytest

import agemem_gym  # noqa: F401  registers the ids
from agemem_gym.errors import ConfigurationError

OWN_NAMES = {
    "AgeMem-ALFWorld-v0": {"train": "train", "validation": "valid_seen", "test": "valid_unseen"},
    "AgeMem-BabyAI-v0": {name: name for name in ("train", "validation", "test")},
    "AgeMem-HotpotQA-v0": {name: name for name in ("train", "validation", "test")},
}
EXTRAS = {"AgeMem-ALFWorld-v0": "textworld", "AgeMem-BabyAI-v0": "minigrid", "AgeMem-HotpotQA-v0": "numpy"}


@pytest.mark.parametrize("env_id", OWN_NAMES)
def test_the_common_splits_share_no_task_and_the_record_says_which(env_id, monkeypatch):
    pytest.importorskip(EXTRAS[env_id])
    monkeypatch.delenv("ALFWORLD_DATA", raising=False)
    seen = {}
    for split, own in OWN_NAMES[env_id].items():
        env = gymnasium.make(env_id, split=split, encoder="hash", index="exact")
        for seed in range(4):
            env.reset(seed=seed)
            start = env.unwrapped.episode.start
            assert start.record["split"] == own
            seen.setdefault((start.task_id, start.instruction, start.observation), set()).add(split)
        env.close()
    assert all(len(splits) == 1 for splits in seen.values())
    assert len({task_id for task_id, *_ in seen}) == 12


@pytest.mark.parametrize("env_id", OWN_NAMES)
def test_the_default_is_train_and_a_misspelt_split_is_answered(env_id):
    pytest.importorskip(EXTRAS[env_id])
    default, train = (gymnasium.make(env_id, encoder="hash", index="exact", **kw) for kw in ({}, {"split": "train"}))
    for env in (default, train):
        env.reset(seed=3)
    assert default.unwrapped.episode.start == train.unwrapped.episode.start
    with pytest.raises(ConfigurationError, match="did you mean 'validation'"):
        gymnasium.make(env_id, split="valdation")


@pytest.mark.parametrize("env_id", OWN_NAMES)
def test_a_task_is_picked_by_task_index_and_by_its_former_name_with_a_warning(env_id):
    pytest.importorskip(EXTRAS[env_id])
    env = gymnasium.make(env_id, encoder="hash", index="exact")
    env.reset(seed=0, options={"task_index": 2})
    start = env.unwrapped.episode.start
    with pytest.warns(DeprecationWarning, match="task_index"):
        env.reset(seed=0, options={"index": 2})
    assert env.unwrapped.episode.start == start
    with pytest.raises(ConfigurationError, match="did you mean 'task_index'"):
        env.reset(seed=0, options={"task_indx": 2})
