"""Calls without effect, counted by hand; the finding `farming`; figures in metrics and rows."""

import gymnasium
import pytest

import agemem_gym  # noqa: F401  registers the ids
from agemem_gym.protocol import call_reply
from agemem_gym.reward import memory_metrics
from agemem_gym.reward.diagnosis import diagnose
from agemem_gym.reward.no_ops import no_ops

MILL, PORT = "Ada Karr built the mill in 1840.", "The mill stands in Port Vell."


def idle(made, *replies, before=()):
    return no_ops(made.episode(*(made.step(*reply) for reply in replies), before=before)).without_effect


@pytest.mark.parametrize(
    ("content", "count"),
    [(MILL, {"Update_memory": 1}), ("ADA KARR built a mill in 1840", {"Update_memory": 1}), (PORT, {})],
)
def test_an_update_to_the_same_words_changes_nothing(made, content, count):
    assert idle(made, [made.update("m1", content)], before=[MILL]) == count


def test_an_update_or_delete_of_what_the_same_reply_wrote_changes_nothing(made):
    assert idle(made, [made.add("m1", "x"), made.update("m1", "y")]) == {"Update_memory": 1}
    assert idle(made, [made.add("m1", "x")], [made.update("m1", "y")]) == {}
    assert idle(made, [made.add("m1", "x"), made.delete("m1")]) == {"Delete_memory": 1}
    assert idle(made, [made.add("m1", "x")], [made.delete("m1")]) == {}


def test_a_filter_that_removes_and_a_summary_that_saves_nothing(made):
    nothing = made.call("Filter_context", removed=[], saved_tokens=0)
    something = made.call("Filter_context", removed=[3], saved_tokens=5)
    longer = made.call("Summary_context", removed=[3, 4], saved_tokens=-7)
    untold = made.call("Summary_context")  # a tool of one's own that does not tell
    found = no_ops(made.episode(made.step(nothing), made.step(something, longer, untold)))
    assert found.without_effect == {"Filter_context": 1, "Summary_context": 2}
    assert found.rates == {"Filter_context": 0.5, "Summary_context": 1.0}
    assert found.rate("Update_memory") is None
    assert found.steps == (1, 2, 2)


def test_a_duplicate_add_is_one_and_a_refused_call_is_none(made):
    refused = made.call("Filter_context", ok=False)
    found = no_ops(made.episode(made.step(made.add("m1", MILL), made.add("m2", MILL), refused)))
    assert (found.calls, found.without_effect, found.steps) == ({"Add_memory": 2}, {"Add_memory": 1}, ())


def test_metrics_carry_them(made, judge):
    metrics = memory_metrics(made.episode(made.step(made.add("m1", "x"), made.update("m1", "x"))), judge)
    assert metrics.no_ops.rates == {"Add_memory": 0.0, "Update_memory": 1.0}


def farms(made, *results):
    return [f for f in diagnose(made.episode(made.step(), made.step(*results))) if f.kind == "farming"]


def test_farming_is_two_calls_without_effect_that_are_most_of_them(made):
    nothing, something = made.call("Filter_context", removed=[]), made.call("Filter_context", removed=[3])
    template = (made.add("m1", "x"), made.update("m1", "x"), nothing)
    (finding,) = farms(made, *template)
    assert finding.step == 2
    assert finding.text == "2 of 2 UPDATE, DELETE, SUMMARY and FILTER calls changed nothing."
    assert farms(made, nothing) == []  # once is no habit
    assert farms(made, *template, something, something) == []  # half of them is not most
    assert farms(made, made.add("m1", "x"), made.add("m2", "x"), made.add("m3", "x")) == []  # that is hoarding


def test_a_reply_template_that_reads_nothing_is_found_out_in_an_env():
    env = gymnasium.make("AgeMem-HotpotQA-ThreeStage-v0", n1=1, n2=1, encoder="hash", index="exact")
    env.reset(seed=0)
    calls = (
        ("Add_memory", {"content": "x"}),
        ("Update_memory", {"memory_id": "m1", "content": "x"}),
        ("Filter_context", {"criteria": "x"}),
    )
    env.step(call_reply(*calls))
    over = False
    while not over:
        _, _, terminated, truncated, _ = env.step("<answer>unknown</answer>")
        over = terminated or truncated
    assert "farming" in {finding.kind for finding in diagnose(env.unwrapped.episode)}
    env.close()
