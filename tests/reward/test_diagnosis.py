"""The diagnosis names what each faulty agent does, step by step, and leaves a good one alone."""

import gymnasium
import pytest

import agemem_gym  # noqa: F401  registers the ids
from agemem_gym.agent import make_agent
from agemem_gym.episode import Episode
from agemem_gym.protocol import call_reply
from agemem_gym.registration import BENCHMARKS
from agemem_gym.reward.diagnosis import HABITS, LOSSES, diagnose, shares
from agemem_gym.rollout import play_episode

NEXT = "<answer>Noted.</answer>"
FAULTS = {"amnesic": "amnesia", "hoarder": "hoarding", "wiper": "wipe_out"}


def kinds(episode):
    return {finding.kind for finding in diagnose(episode)}


def played(agent, env_id, seeds):
    env = gymnasium.make(env_id, encoder="hash", index="exact", info_expert=True)
    episodes = [play_episode(env, make_agent(agent), seed) for seed in seeds]
    env.close()
    return episodes


@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda b: b.name)
@pytest.mark.parametrize("agent", FAULTS)
def test_each_fault_is_named_in_every_benchmark(benchmark, agent):
    found = shares([diagnose(episode) for episode in played(agent, benchmark.three_stage_id, range(4))])
    assert found[FAULTS[agent]] == 1.0
    assert not any(found[habit] for habit in HABITS if habit != FAULTS[agent])


@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda b: b.name)
def test_a_perfect_memory_has_no_findings(benchmark):
    for episode in played("perfect", benchmark.three_stage_id, range(4)):
        assert diagnose(episode) == ()


class Script:
    """Plays HotpotQA's three stages with calls of one's own: `hear` per message of stage 1, `act` in stage 3."""

    def __init__(self, hear, before_answer, answer="nobody"):
        self._hear, self._before, self._answer = hear, list(before_answer), answer

    def play(self, seed=0, **kwargs):
        env = gymnasium.make(
            "AgeMem-HotpotQA-ThreeStage-v0", n1=2, n2=1, encoder="hash", index="exact", info_expert=True, **kwargs
        )
        _, info = env.reset(seed=seed)
        self.facts = info["key_facts"]
        while info["stage"] == 1:
            calls = self._hear([m["content"] for m in info["messages"] if m["role"] == "user"][-1])
            if calls:
                env.step(call_reply(*calls))
            _, _, _, _, info = env.step(NEXT)
        while info["stage"] == 2:
            _, _, _, _, info = env.step(NEXT)
        for call in self._before:
            env.step(call_reply(call(info)))
        env.step(f"<answer>{self._answer or env.unwrapped.episode.start.answer}</answer>")
        return env.unwrapped.episode


def add(message):
    return [("Add_memory", {"content": message})]


def retrieve(info):
    return ("Retrieve_memory", {"query": info["instruction"], "top_k": 10})


def nothing(message):
    return []


def unrelated(message):
    return [("Add_memory", {"content": "Somebody talked to me."})]


@pytest.mark.parametrize(
    ("hear", "before", "answer", "expected"),
    [
        (nothing, [], "nobody", {"amnesia", "never_written"}),
        (unrelated, [], "nobody", {"never_written"}),
        (add, [], "nobody", {"not_retrieved"}),
        (add, [retrieve], "nobody", {"unused"}),
        (add, [retrieve], None, set()),
        (
            add,
            [lambda info: ("Delete_memory", {"memory_id": "m1", "confirmation": True}), retrieve],
            None,
            {"deleted"},
        ),
    ],
)
def test_where_a_fact_was_lost(hear, before, answer, expected):
    assert kinds(Script(hear, before, answer).play()) == expected


def test_a_wipe_out_has_the_step_and_the_tool():
    def wipe(info):
        return ("Summary_context", {"span": "all"})

    episode = Script(add, [retrieve, wipe], None).play(summariser=lambda messages: "They talked.")
    (habit, *losses) = diagnose(episode)
    assert habit.kind == "wipe_out"
    assert habit.step == len(episode.steps) - 1
    assert habit.text.startswith("Summary_context removed 2 key facts")
    assert {finding.kind for finding in losses} == {"removed"}


def test_a_summary_that_keeps_the_facts_wipes_nothing():
    def summarise(info):
        return ("Summary_context", {"span": "all"})

    episode = Script(add, [retrieve, summarise], None).play(
        summariser=lambda messages: " ".join(message.content for message in messages)
    )
    assert diagnose(episode) == ()


def test_hoarding_needs_several_useless_entries():
    few = Script(lambda message: [*add(message), *unrelated(message)], [retrieve], None)
    assert "hoarding" not in kinds(few.play())
    noise = [("Add_memory", {"content": f"It is {hour} o'clock."}) for hour in range(1, 8)]
    many = Script(
        lambda message: [*add(message), *noise], [lambda info: ("Retrieve_memory", {"query": "x", "top_k": 1})]
    )
    assert "hoarding" in kinds(many.play())


def test_a_diagnosis_survives_the_record():
    episode = Script(nothing, []).play()
    assert diagnose(Episode.from_json(episode.to_json())) == diagnose(episode)


def test_shares_are_of_episodes():
    amnesic, good = Script(nothing, []).play(), Script(add, [retrieve], None).play()
    found = shares([diagnose(amnesic), diagnose(good)])
    assert found["amnesia"] == 0.5
    assert set(found) == {*HABITS, *LOSSES}
    assert shares([]) == {}


def test_facts_that_nobody_told_are_not_looked_for():
    env = gymnasium.make("AgeMem-HotpotQA-v0", mode="closed", encoder="hash", index="exact")
    env.reset(seed=0)
    env.step("<answer>nobody</answer>")
    assert diagnose(env.unwrapped.episode) == ()


def test_what_the_token_budget_pushed_out_is_no_wipe_out_of_a_tool(made):
    fact = "Ada Karr built the mill in 1840."
    messages = [made.message(1, fact)]
    episode = made.episode(made.step(), made.step(), facts=[fact], messages=messages, removals=[(1, 2, "overflow")])
    (finding,) = diagnose(episode)
    assert (finding.kind, finding.step) == ("removed", 2)
    assert "token budget" in finding.text
