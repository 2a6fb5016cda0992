"""Encyclopedias that come back: one chapter, many questions, and editions in which some facts are others."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from agemem_gym.envs.hotpotqa import HotpotQATask
from agemem_gym.envs.hotpotqa.editions import _changes, edition
from agemem_gym.envs.hotpotqa.generated import LEVELS
from agemem_gym.envs.hotpotqa.kinds import KIND
from agemem_gym.envs.hotpotqa.world import make_world
from agemem_gym.errors import ConfigurationError
from agemem_gym.task import LastingTask, World

SEEDS = range(30)
WORLDS = range(12)


def play(world, seed=0, task=None, **more):
    task = task or HotpotQATask(mode="closed")
    start = task.reset(seed, {"world": {"seed": world, **more}})
    return start, task.world_facts()


def test_the_task_is_one_whose_worlds_can_come_back():
    assert isinstance(HotpotQATask(), LastingTask)


@pytest.mark.parametrize("world", WORLDS)
def test_a_world_has_some_twenty_facts_and_many_goals_and_every_key_fact_is_among_them(world):
    starts = [play(world, seed) for seed in SEEDS]
    facts = {told for _, told in starts}
    assert len(facts) == 1, "the same world, whatever the goal"
    (told,) = facts
    assert 12 <= len(told) <= 24
    assert len({start.instruction for start, _ in starts}) >= 10
    assert all(set(start.key_facts) <= set(told) for start, _ in starts)
    assert {start.record["type"] for start, _ in starts} == {"bridge", "comparison"}
    assert [start.record["level"] for start, _ in starts[:3]] == list(LEVELS)


@pytest.mark.parametrize("world", WORLDS)
def test_in_a_later_epoch_the_same_questions_have_the_answers_of_the_changed_facts(world):
    changed_answers = 0
    for seed in SEEDS:
        before, told = play(world, seed)
        after, told_anew = play(world, seed, epoch=2, changes=0.3)
        assert set(after.key_facts) <= set(told_anew)
        assert set(told) - set(told_anew), "something has changed"
        changed_answers += before.answer != after.answer
        if before.instruction == after.instruction and before.answer != after.answer:
            assert not set(after.key_facts) <= set(told)
    assert changed_answers >= 3


def test_without_changes_an_epoch_is_like_the_one_before_and_a_share_of_one_changes_all_that_can():
    same = play(5, epoch=3)
    assert same[1] == play(5)[1]
    assert same[0].answer == play(5)[0].answer
    first = edition("train", World(5))
    can = [fact for fact in first.facts() if fact[1].target not in ("date", "year")]
    changed = _changes(first, World(5, 1, 1.0), np.random.default_rng(0))
    assert len(changed) == len(can)
    third = _changes(first, World(5, 1, 0.3), np.random.default_rng(0))
    assert len(third) == round(0.3 * len(can))
    assert all(first.world.facts[name][relation] != fact for (name, relation), fact in changed.items())


def test_an_epoch_builds_on_the_one_before():
    facts = [set(play(7, epoch=epoch, changes=0.2)[1]) for epoch in range(4)]
    steps = [len(later - earlier) for earlier, later in pairwise(facts)]
    assert all(1 <= step <= 8 for step in steps)
    assert len(facts[3] - facts[0]) >= max(steps)


def test_a_changed_sentence_is_worded_as_before_but_for_its_object():
    for world in WORLDS:
        before, after = edition("train", World(world)), edition("train", World(world, 1, 0.5))
        assert before.world.kinds == after.world.kinds
        for name, relation in before.facts():
            was, now = (it.world.facts[name][relation.name].text for it in (before, after))
            place = before.world.stated[name][relation.name]
            assert place == after.world.stated[name][relation.name]
            if was != now:
                old, new = (it.world.paragraphs[name].sentences[place] for it in (before, after))
                assert was in old
                assert now in new
                assert old.partition(was)[0].rstrip("an ") == new.partition(now)[0].rstrip("an ") or "born" in old


def test_whoever_makes_a_work_in_a_new_edition_is_of_age_when_it_is_made():
    checked = 0
    for world in range(10):
        now, base = edition("train", World(world, 3, 0.6)).world, make_world("train", world)
        for name, facts in now.facts.items():
            maker = next(
                (relation.after for relation in KIND[now.kinds[name]].relations if relation.name == "year"), ""
            )
            if maker and facts[maker] != base.facts[name][maker] and now.kinds[facts[maker].text] == "person":
                born = int(now.facts[facts[maker].text]["born"].text.split()[-1])
                assert 18 <= facts["year"].order - born <= 75, (name, facts)
                checked += 1
    assert checked >= 3


def test_worlds_differ_and_epochs_and_worlds_have_ids_of_their_own():
    ids = [play(world, seed)[0].task_id for world in WORLDS for seed in range(10)]
    ids += [play(1, seed, epoch=1, changes=share)[0].task_id for seed in range(10) for share in (0.2, 0.4)]
    assert len(set(ids)) == len(ids)
    assert len({play(world)[1] for world in WORLDS}) == len(WORLDS)
    record = play(1, epoch=1, changes=0.2)[0].record
    assert (record["world_seed"], record["world_epoch"], record["world_changes"]) == (1, 1, 0.2)
    assert "world_seed" not in HotpotQATask().reset(0, {}).record


def test_stage_one_tells_the_world_in_casual_words_and_the_key_facts_among_it():
    task = HotpotQATask(mode="closed")
    start, facts = play(4, 2, task, epoch=1, changes=0.3)
    lines = task.background(np.random.default_rng(0))
    assert len(lines) == len(facts)
    for fact in (*start.key_facts, *facts):
        assert any(fact in line for line in lines)
    assert len(task.distractor_pool(np.random.default_rng(0))) == 8


def test_search_finds_what_holds_in_this_epoch():
    task = HotpotQATask(mode="search")
    for seed in range(6):
        start, _ = play(3, seed, task, epoch=2, changes=0.5)
        shown = " ".join(task.act(reply).observation for reply in task.expert() if reply.startswith("search["))
        assert all(fact.partition(": ")[2] in shown or fact in shown for fact in start.key_facts)


def test_bad_worlds_are_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="'seed': 3"):
        HotpotQATask().reset(0, {"world": 3})
    with pytest.raises(ConfigurationError, match="did you mean 'world'"):
        HotpotQATask().reset(0, {"worlds": {"seed": 1}})
    file = tmp_path / "q.jsonl"
    file.write_text("{}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="leave out data="):
        HotpotQATask(data=file).reset(0, {"world": {"seed": 1}})


def test_the_same_world_comes_from_another_process():
    code = (
        "from agemem_gym.envs.hotpotqa import HotpotQATask; t = HotpotQATask(); "
        "print(t.reset(4, {'world': {'seed': 9, 'epoch': 2, 'changes': 0.4}}), t.world_facts())"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1
