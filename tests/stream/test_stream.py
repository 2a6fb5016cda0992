"""The stream as a Gymnasium env: which task an episode is, what stage 1 says, what is carried over and what is not."""

import copy
import pickle

import gymnasium
import pytest
from gymnasium.utils.env_checker import check_env

from agemem_gym.errors import ConfigurationError
from agemem_gym.protocol import call_reply
from agemem_gym.registration import BENCHMARKS, make_stream
from agemem_gym.replay import replay
from agemem_gym.stream import Stream
from agemem_gym.stream.places import place_names, place_of

FAST = {"encoder": "hash", "index": "exact"}
NEXT = "<answer>Noted.</answer>"
QUIET = {"tasks": 4, "worlds": 2, "n1": 3, "n2": 0, "turns": 1}


def store(text):
    return call_reply(("Add_memory", {"content": text}))


def heard(env, info, reply=lambda text: NEXT):
    """All that is said before the task, by stage, without the place's name; ends where the task begins."""
    told = {1: [], 2: []}
    while info["stage"] != 3:
        said = next(m["content"] for m in reversed(info["messages"]) if m["role"] == "user")
        place, text = place_of(said)
        assert place == (info["stream"]["place"] if info["stage"] == 1 else "")
        told[info["stage"]].append(text)
        *_, info = env.step(reply(text))
    return told, info


def test_one_episode_is_one_task_and_reset_goes_on_to_the_next(pantry):
    env = pantry(**QUIET)
    seen = [env.reset(seed=5)[1]["stream"]] + [env.reset()[1]["stream"] for _ in range(3)]
    assert [(place["number"], place["task"], place["of"]) for place in seen] == [(5, j, 4) for j in (1, 2, 3, 4)]
    assert [(place["world"], place["visit"]) for place in seen] == [(1, 1), (2, 1), (1, 2), (2, 2)]


def test_after_the_last_task_the_next_stream_begins_without_memory(pantry):
    env = pantry(**QUIET)
    env.reset(seed=5)
    env.step(store("kept"))
    for _ in range(3):
        *_, info = env.reset()
        assert info["stream"]["entries"] == 1
    *_, info = env.reset()
    assert (info["stream"]["number"], info["stream"]["task"], info["stream"]["entries"]) == (6, 1, 0)


def test_the_first_reset_without_a_seed_begins_some_stream_and_goes_on_in_it(pantry):
    env = pantry(**QUIET)
    first, second = env.reset()[1]["stream"], env.reset()[1]["stream"]
    assert (first["task"], second["task"]) == (1, 2)
    assert first["number"] == second["number"]


def test_memory_is_carried_over_and_the_context_is_not(pantry):
    env = pantry(**QUIET)
    env.reset(seed=1)
    env.step(store("the cellar smells of onions"))
    *_, info = env.reset()
    assert [record.content for record in env.unwrapped.memory] == ["the cellar smells of onions"]
    assert info["stream"]["tokens"] == 5
    assert all("onions" not in m["content"] for m in info["messages"] if m["role"] != "tool")


def test_a_seed_begins_its_stream_anew_with_an_empty_memory(pantry):
    env = pantry(**QUIET)
    first = env.reset(seed=1)[0]
    env.step(store("onions"))
    env.reset()
    assert env.reset(seed=1)[0] == first
    assert len(env.unwrapped.memory) == 0


def test_a_first_visit_tells_what_the_streams_tasks_there_need(pantry):
    env = pantry(tasks=4, worlds=2, n1=12, n2=0, change_rate=0.0)
    told, _ = heard(env, env.reset(seed=0)[1])
    needed = []
    for task in (1, 3):
        env.reset(seed=0, options={"stream_task": task})
        needed += env.unwrapped.episode.start.key_facts
    assert len(set(needed)) == 2
    assert set(needed) <= set(told[1])


def test_with_little_room_the_next_tasks_needs_come_first(pantry):
    env = pantry(tasks=4, worlds=2, n1=1, n2=0, change_rate=0.0)
    info = env.reset(seed=0)[1]
    for task in range(1, 5):
        assert info["stream"]["task"] == task
        told, _ = heard(env, info)
        assert tuple(told[1]) == env.unwrapped.episode.start.key_facts
        info = env.reset()[1]


def test_a_world_that_has_not_changed_is_not_told_of_again(pantry):
    env = pantry(tasks=4, worlds=2, n1=12, n2=0, change_rate=0.0)
    env.reset(seed=0)
    env.reset()
    *_, info = env.reset()
    assert (info["stream"]["visit"], info["stage"]) == (2, 3)


def test_a_revisit_tells_only_what_has_changed_and_what_it_was_before(pantry):
    env = pantry(tasks=4, worlds=2, n1=12, n2=0, change_rate=0.25)
    before, _ = heard(env, env.reset(seed=0)[1])
    env.reset()
    after, _ = heard(env, env.reset()[1])
    assert len(before[1]) == 12
    assert len(after[1]) == 3  # a quarter of twelve
    for line in after[1]:
        now, _, was = line.partition(" It is no longer true that: ")
        assert was in before[1]
        assert now.split(" is in ")[0] == was.split(" is in ")[0]
        assert now in env.unwrapped.task.world_facts()


def test_what_a_revisit_tells_makes_an_updated_memory_right_again(pantry):
    """Whoever takes every correction for true knows each world as it is, at every task of the stream."""
    env = pantry(tasks=8, worlds=2, n1=12, n2=0, change_rate=0.5)
    known = {1: set(), 2: set()}
    info = env.reset(seed=3)[1]
    for task in range(1, 9):
        facts = known[info["stream"]["world"]]
        told, _ = heard(env, info)
        for line in told[1]:
            now, _, was = line.partition(" It is no longer true that: ")
            facts.discard(was)
            facts.add(now)
        assert facts == set(env.unwrapped.task.world_facts())
        assert info["stream"]["task"] == task
        info = env.reset()[1]


def test_distractors_come_in_stage_two_and_state_nothing_that_holds(pantry):
    env = pantry(tasks=2, worlds=1, n1=2, n2=3)
    told, info = heard(env, env.reset(seed=0)[1])
    assert (len(told[1]), len(told[2])) == (2, 3)
    assert all(text.startswith("At my aunt's") for text in told[2])
    assert [item["source"] for item in env.unwrapped.episode.distractors] == ["benchmark"] * 3
    assert not any(text in message["content"] for text in told[1] for message in info["messages"])


def test_the_query_is_hidden_until_the_task_begins(pantry):
    env = pantry(**QUIET)
    obs, info = env.reset(seed=0)
    query = env.unwrapped.episode.start.instruction
    while info["stage"] != 3:
        assert query not in obs
        assert "instruction" not in info
        assert info["task_id"] == ""
        obs, *_, info = env.step(NEXT)
    assert query in obs


def test_the_place_of_a_task_is_named_and_each_world_has_its_own_name(pantry):
    env = pantry(**QUIET)
    seen = [env.reset(seed=3), env.reset(), env.reset(), env.reset()]
    names = [info["stream"]["place"] for _, info in seen]
    assert names[0] == names[2] != names[1] == names[3]
    assert all(f"This task is set at {name}." in obs for name, (obs, _) in zip(names, seen, strict=True))
    obs, _ = env.reset(seed=3, options={"stream_task": 2})
    assert f"This task is set at {names[1]}." in obs


def test_a_task_that_tells_its_worlds_apart_itself_is_left_its_own_words(pantry, monkeypatch):
    env = pantry(**QUIET)
    monkeypatch.setattr(type(env.unwrapped.task), "names_worlds", True, raising=False)
    obs, info = env.reset(seed=3)
    assert info["stream"]["place"] == ""
    assert info["messages"][-1]["content"].startswith("The ")
    assert "This task is set at" not in obs


def test_names_of_worlds_differ_however_many_there_are():
    assert len(set(place_names(7, 500))) == 500
    words = [word for name in place_names(7, 20) for word in name.split()]
    assert len(set(words)) == 40


def test_the_agent_is_told_that_it_is_in_a_stream_and_entries_stand_beside_what_is_said(pantry):
    env = pantry(**QUIET)
    env.reset(seed=0)
    env.step(store("The mug is in box 99."))
    obs, info = env.reset()
    assert "one of several tasks in a row" in obs
    assert any("m1 (" in m["content"] for m in info["messages"] if m["role"] == "tool")


# ---------------------------------------------------------------------------------------------------- evaluation


def test_an_evaluation_is_the_task_alone_with_memory_as_it_is(pantry):
    env = pantry(**QUIET)
    env.reset(seed=2)
    env.step(store("kept"))
    obs, info = env.reset(seed=2, options={"stream_task": 3})
    assert (info["stage"], info["stream"]["task"], info["stream"]["part"]) == (3, 3, "evaluation")
    assert info["instruction"] == env.unwrapped.episode.start.instruction
    assert info["instruction"] in obs
    assert [record.content for record in env.unwrapped.memory] == ["kept"]


def test_an_evaluation_does_not_move_the_stream(pantry):
    env = pantry(**QUIET)
    env.reset(seed=2)
    env.reset()
    env.reset(seed=2, options={"stream_task": 1})
    env.reset(seed=2, options={"held_out": 1})
    assert env.reset()[1]["stream"]["task"] == 3


def test_an_evaluation_is_set_in_the_world_as_it_stands_after_a_task(pantry):
    env = pantry(tasks=6, worlds=2, n1=12, n2=0, change_rate=0.5)
    goals = set()
    for after, epoch in ((0, 0), (2, 0), (3, 1), (5, 2), (6, 2)):
        *_, info = env.reset(seed=2, options={"stream_task": 1, "after": after})
        goals.add(info["instruction"])
        assert (info["stream"]["epoch"], info["stream"]["after"]) == (epoch, after)
    assert len(goals) == 1
    assert env.reset(seed=2, options={"stream_task": 3})[1]["stream"]["epoch"] == 1


def test_held_out_tasks_are_in_the_streams_worlds_and_none_of_its_tasks(pantry):
    env = pantry(tasks=4, worlds=2, held_out=2, **{key: QUIET[key] for key in ("n1", "n2", "turns")})
    played = [env.reset(seed=2, options={"stream_task": j})[1] for j in range(1, 5)]
    kept = [env.reset(seed=2, options={"held_out": h})[1] for h in range(1, 5)]
    assert [info["stream"]["world"] for info in kept] == [1, 1, 2, 2]
    goals = [(info["stream"]["world"], info["instruction"]) for info in played + kept]
    assert len(set(goals)) == 8


def test_a_stream_goes_on_from_a_task_with_its_stages_and_memory_as_it_is(pantry):
    whole, later = pantry(**QUIET), pantry(**QUIET)
    whole.reset(seed=2)
    whole.step(store("kept"))
    expected = [whole.reset()[0], whole.reset()[0]]
    later.reset(seed=9)
    later.unwrapped.memory.clear()
    later.unwrapped.memory.restore(whole.unwrapped.memory.snapshot())
    assert [later.reset(seed=2, options={"stream_from": 2})[0], later.reset()[0]] == expected


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"stream_task": 5}, "options\\['stream_task'\\]=5: expected 1 to 4"),
        ({"stream_task": 0}, "options\\['stream_task'\\]=0: expected a whole number of at least 1"),
        ({"held_out": 3}, "options\\['held_out'\\]=3: expected 1 to 2"),
        ({"stream_task": 1, "held_out": 1}, "name two tasks"),
        ({"after": 1}, "goes with 'stream_task'"),
        ({"stream_from": 1, "after": 1}, "goes with 'stream_task'"),
        (
            {"world": {"seed": 1}},
            "a stream takes the reset options stream_task, stream_from, held_out, after, keep_memory",
        ),
        ({"steam_task": 1}, "options\\['steam_task'\\].*did you mean 'stream_task'"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused(pantry, options, complaint):
    env = pantry(**QUIET)
    with pytest.raises(ConfigurationError, match=complaint):
        env.reset(seed=0, options=options)


def test_a_task_whose_worlds_do_not_come_back_is_refused():
    class Once:
        """A task as it was before there were worlds."""

        benchmark, metric = "once", "success"

    with pytest.raises(ConfigurationError, match="Once has no worlds that come back"):
        make_stream(Once, **FAST)


@pytest.mark.parametrize(
    ("keywords", "complaint"),
    [({"order": "bloked"}, "did you mean 'blocked'"), ({"n1": -1}, "n1=-1"), ({"tsks": 3}, "unknown keyword tsks")],
)
def test_a_keyword_that_cannot_be_used_is_refused(pantry, keywords, complaint):
    with pytest.raises(ConfigurationError, match=complaint):
        pantry(**keywords)


# ------------------------------------------------------------------------------------------- copies, records, replays


def walk(env, seed):
    """All observations of a stream, the agent storing whatever is said in stage 1."""
    seen, info = [], env.reset(seed=seed)[1]
    for _ in range(env.get_wrapper_attr("tasks")):
        while info["stage"] != 3:
            obs, *_, info = env.step(store(info["observation"] or "nothing"))
            seen.append(obs)
        seen.append(env.step("open box 3")[0])
        obs, info = env.reset()
        seen.append(obs)
    return seen


def test_the_same_stream_is_the_same_bytes_whatever_was_asked_before(pantry):
    one, other = pantry(**QUIET), pantry(**QUIET)
    other.reset(seed=9)
    other.reset(seed=4, options={"held_out": 2})
    other.reset(seed=4, options={"stream_task": 3, "after": 1})
    assert walk(one, 4) == walk(other, 4)


def test_a_snapshot_brings_back_where_the_stream_goes_on(pantry):
    env = pantry(**QUIET)
    env.reset(seed=4)
    env.reset()
    env.step(store("kept"))
    snapshot = pickle.loads(pickle.dumps(env.snapshot()))
    expected = env.step(NEXT)[0], env.reset()[0]
    env.reset(seed=8)
    *_, info = env.restore(snapshot)
    assert info["stream"]["task"] == 2
    assert (env.step(NEXT)[0], env.reset()[0]) == expected


def test_a_copy_goes_on_by_itself(pantry):
    env = pantry(**QUIET)
    env.reset(seed=4)
    twin = copy.deepcopy(env)
    env.reset()
    assert twin.reset()[1]["stream"]["task"] == 2
    assert env.reset()[1]["stream"]["task"] == 3


def test_the_record_says_where_in_the_stream_it_was_and_can_be_replayed(pantry):
    env = pantry(**QUIET)
    env.reset(seed=4)
    env.step(store("kept"))
    heard(env, env.step(NEXT)[-1])
    env.step("open box 3")
    env.step("<answer>Enough.</answer>")
    record = env.unwrapped.episode
    assert record.curriculum["stream"]["number"] == 4
    assert record.wrappers[0]["settings"]["place"] == {"number": 4, "task": 1, "part": "task", "after": None}
    assert replay(record) is None


def test_it_is_a_gymnasium_env(pantry):
    check_env(pantry(**QUIET), skip_render_check=True)


def test_it_goes_round_other_wrappers_of_a_memory_env(pantry):
    base = pantry().unwrapped
    env = Stream(gymnasium.wrappers.TimeLimit(base, 50), **QUIET)
    assert env.reset(seed=0)[1]["stream"]["task"] == 1
    with pytest.raises(ConfigurationError, match="goes round a MemoryEnv"):
        Stream(gymnasium.make("CartPole-v1"))


def test_every_benchmark_has_a_stream():
    assert [b.stream_id for b in BENCHMARKS if b.stream_id in gymnasium.registry] == [
        f"AgeMem-{name}-Stream-v0" for name in ("ALFWorld", "BabyAI", "HotpotQA", "PDDL", "ScienceWorld")
    ]
