"""Laboratories that come back: the same secrets and places, other goals, and some things moved from epoch to epoch."""

import pytest

from agemem_gym.envs.scienceworld import ScienceWorldTask, assignments, memory, worlds
from agemem_gym.envs.scienceworld.beliefs import read
from agemem_gym.envs.scienceworld.memory import Scenes
from agemem_gym.envs.scienceworld.placing import SPOTS
from agemem_gym.envs.scienceworld.variations import Variation
from agemem_gym.envs.scienceworld.worlds import Laboratories, Laboratory, spots
from agemem_gym.errors import ConfigurationError
from agemem_gym.task import LastingTask, World

INSTRUCTIONS = (
    "Your task is to use chemistry to create green paint. When you are done, focus on the green paint.",
    "Your task is to use chemistry to create the substance 'mixed nuts'. A recipe might be found near the kitchen.",
    "Your task is to determine which of the two inclined planes (B, D) has the steepest angle.",
)


@pytest.fixture(scope="module")
def task():
    task = ScienceWorldTask(task_names="memory", moves="memory")
    yield task
    task.close()


def of(seed=0, epoch=0, changes=0.25):
    return {"world": {"seed": seed, "epoch": epoch, "changes": changes}}


def subjects(facts):
    return {read(fact).subject: read(fact).value for fact in facts}


def test_a_world_has_many_goals_whose_key_facts_are_all_true_of_it(task):
    assert isinstance(task, LastingTask)
    starts = [task.reset(seed, of()) for seed in range(10)]
    facts = task.world_facts()
    assert len({start.instruction for start in starts}) == 10
    assert len({start.record["task"] for start in starts}) >= 5
    for start in starts:
        assert set(start.key_facts) <= set(facts)
        assert start.task_id.startswith("ScienceWorld-world-0-0/")
    assert len(subjects(facts)) == len(facts), "two facts of a world are about one thing"


def test_the_expert_reaches_goals_in_every_epoch(task):
    for seed, epoch in ((0, 0), (3, 1), (7, 2)):
        start = task.reset(seed, of(epoch=epoch))
        commands = list(task.expert())
        assert [task.act(command) for command in commands][-1].success
        assert len(commands) <= start.max_moves < 60


def test_asking_for_the_facts_of_the_world_does_not_touch_the_episode(task):
    task.reset(4, of())
    plain = [task.act(command) for command in ("look around", "open door to hallway")]
    task.reset(4, of())
    first = task.act("look around")
    task.world_facts()
    assert [first, task.act("open door to hallway")] == plain


def test_a_world_made_anew_in_another_jvm_is_the_same(task, monkeypatch):
    start = task.reset(2, of(epoch=1))
    facts = task.world_facts()
    monkeypatch.setattr(memory, "SCENES", Scenes())
    monkeypatch.setattr(worlds, "SCENES", memory.SCENES)
    monkeypatch.setattr("agemem_gym.envs.scienceworld.task.LABORATORIES", Laboratories())
    other = ScienceWorldTask(task_names="memory", moves="memory", jvm="own")
    assert other.reset(2, of(epoch=1)) == start
    assert other.world_facts() == facts
    other.close()


def test_an_epoch_moves_its_share_of_things_and_keeps_every_secret(task):
    task.reset(0, of())
    before = subjects(task.world_facts())
    task.reset(0, of(epoch=1))
    after = subjects(task.world_facts())
    assert before.keys() == after.keys()
    changed = {subject for subject in before if before[subject] != after[subject]}
    places = {subject for subject in before if subject.startswith("where ")}
    assert changed <= places
    assert len(changed) == round(0.25 * len(places))


def laboratory():
    variations = (Variation("task", number) for number in range(len(INSTRUCTIONS)))
    return Laboratory(tuple(zip(variations, map(assignments.read, INSTRUCTIONS), strict=True)))


@pytest.mark.parametrize(("changes", "moved"), [(0.0, 0), (0.3, 2), (1.0, 8)])
def test_places_change_by_share_into_another_room(changes, moved):
    lab = laboratory()
    for seed in range(5):
        here, there = (spots(lab, World(seed, epoch, changes)) for epoch in (0, 1))
        assert len(here) == 8
        assert sum(here[thing].room != there[thing].room for thing in here) == moved
        assert set(there.values()) <= set(SPOTS)


def test_an_epoch_builds_on_the_one_before():
    lab = laboratory()
    one, two, again = (spots(lab, World(3, epoch, 0.3)) for epoch in (1, 2, 1))
    assert one == again
    assert 0 < sum(one[thing] != two[thing] for thing in one) <= 2
    assert spots(lab, World(3, 0, 0.3)) == spots(lab, World(3, 0, 0.9)), "epoch 0 is untouched"
    assert spots(lab, World(3)) != spots(lab, World(4))


@pytest.mark.parametrize(
    ("keywords", "options", "message"),
    [
        ({"task_names": "memory"}, {"world": 3}, "expected {'seed': 3}"),
        ({"task_names": "memory"}, {"world": {"seed": 0}, "task_index": 1}, "goes alone"),
        ({"task_names": "boil"}, {"world": {"seed": 0}}, "can be memory tasks"),
    ],
)
def test_worlds_that_cannot_be_are_refused(keywords, options, message):
    task = ScienceWorldTask(**keywords)
    with pytest.raises(ConfigurationError, match=message):
        task.reset(0, options)
    task.close()


def test_an_episode_without_a_world_has_no_facts_of_one(task):
    task.reset(1, {})
    with pytest.raises(ConfigurationError, match="name one"):
        task.world_facts()
