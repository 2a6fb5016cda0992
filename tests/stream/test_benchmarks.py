"""Every benchmark as a stream: its worlds come back with other goals, change as they are told to, and can be told apart."""

import gymnasium
import pytest

from agemem_gym.registration import BENCHMARKS
from agemem_gym.rollout import play_episode
from agemem_gym.stream.places import place_of

FAST = {"encoder": "hash", "index": "exact"}
NEXT = "<answer>Noted.</answer>"


@pytest.fixture(params=BENCHMARKS, ids=lambda benchmark: benchmark.name)
def stream(request):
    """Makes a stream of the benchmark."""
    made = []

    def make(**kwargs):
        made.append(gymnasium.make(request.param.stream_id, **{**FAST, "n2": 0, "turns": 1, **kwargs}))
        return made[-1]

    yield make
    for env in made:
        env.close()


def said_before_the_task(env, info):
    """What stage 1 says, and what is known when the task begins."""
    told = []
    while info["stage"] != 3:
        told.append(next(m["content"] for m in reversed(info["messages"]) if m["role"] == "user"))
        *_, info = env.step(NEXT)
    return told, info


def test_a_world_comes_back_with_another_goal_and_only_what_has_changed_is_told(stream):
    env = stream(tasks=2, worlds=1, n1=40, change_rate=0.5, held_out=0)
    first, info = said_before_the_task(env, env.reset(seed=0)[1])
    facts = env.unwrapped.task.world_facts()
    assert {place_of(text)[1] for text in first} == set(facts)
    goal, place = info["instruction"], info["stream"]["place"]
    assert all(place_of(text)[0] == place for text in first)
    again, info = said_before_the_task(env, env.reset()[1])
    assert (info["stream"]["visit"], info["stream"]["epoch"], info["stream"]["place"]) == (2, 1, place)
    assert info["instruction"] != goal
    now = env.unwrapped.task.world_facts()
    told = [place_of(text)[1].partition(" It is no longer true that: ") for text in again]
    assert 0 < len(told) < len(facts) + len(set(now) - set(facts))
    known = set(facts)
    for holds, _, held in told:
        known -= {held, held.removeprefix("It is no longer true that: ")}
        known |= {holds} if not holds.startswith("It is no longer true that: ") else set()
        known -= {holds.removeprefix("It is no longer true that: ")} - set(now)
    assert known == set(now)


def test_two_worlds_of_a_stream_can_be_told_apart(stream):
    env = stream(tasks=2, worlds=2, n1=4, change_rate=0.0, held_out=0)
    one, _ = said_before_the_task(env, env.reset(seed=1)[1])
    other, _ = said_before_the_task(env, env.reset()[1])
    assert len(one) == len(other) == 4
    assert not set(one) & set(other)
    named = env.unwrapped.task
    assert getattr(named, "names_worlds", False) or place_of(one[0])[0] != place_of(other[0])[0] != ""


def test_an_honest_agent_that_keeps_what_it_is_told_plays_it_to_the_end(stream):
    from agemem_gym.agent import make_agent

    agent = make_agent("store-all")
    env = stream(tasks=2, worlds=1, n1=12, n2=1, turns=3, change_rate=0.25, held_out=0, **agent.env_kwargs)
    played = [play_episode(env, agent, 0)]
    played.append(play_episode(env, agent, 0, {"stream_from": 2}))
    entries = len(played[1].initial_memory)
    assert 0 < entries == len(played[0].final_memory)
    scored = play_episode(env, agent, 0, {"stream_task": 1, "after": 2})
    assert scored.initial_memory == played[1].final_memory
    assert [step.stage for step in scored.steps] == [3] * len(scored.steps)
