"""What calls did, whatever a user's own tools leave in their results; no reading of them raises."""

import gymnasium
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import agemem_gym  # noqa: F401  registers the ids
from agemem_gym.memory import Match, MemoryRecord, make_encoder
from agemem_gym.protocol import call_reply
from agemem_gym.reward import OfflineJudge, Reward, memory_metrics
from agemem_gym.reward.calls import Entry, entry_of, kind_of, retrieved
from agemem_gym.reward.diagnosis import diagnose
from agemem_gym.tools import Tool, ToolResult
from agemem_gym.tools.effects import Added, Deleted, Removed, Retrieved, Updated
from agemem_gym.tools.tool import Arguments

FACT = "Ada Karr built the mill in 1840."


@pytest.mark.parametrize(
    ("data", "arguments", "entry"),
    [
        ({"id": "m1", "content": "x"}, {}, Entry("m1", "x")),
        ({"id": 1}, {"content": "asked"}, Entry("1", "asked")),
        ({}, {}, Entry("", "")),
        (None, None, Entry("", "")),
        ({"id": ["m1"], "content": {"text": "x"}}, {}, Entry("", "")),
    ],
)
def test_an_entry_is_read_as_far_as_it_is_told(data, arguments, entry):
    assert entry_of(ToolResult("", data=data, name="Add_memory", arguments=arguments)) == entry


@pytest.mark.parametrize(
    ("data", "entries"),
    [
        ({"ids": ["m1"], "contents": ["x", "y"]}, (Entry("m1", "x"), Entry("", "y"))),
        ({"contents": "xyz"}, ()),
        ({"contents": None, "ids": None}, ()),
        ([], ()),
    ],
)
def test_retrieved_entries_are_read_as_far_as_they_are_told(data, entries):
    assert retrieved(ToolResult("", data=data, name="Retrieve_memory")) == entries


RECORD = MemoryRecord("m7", FACT)


@pytest.mark.parametrize(
    ("effect", "kind"),
    [
        (Added(RECORD), "added"),
        (Updated(MemoryRecord("m7", "x"), RECORD), "updated"),
        (Deleted(RECORD), "deleted"),
        (Removed((1, 2), 30), "reduced"),
    ],
)
def test_an_effect_tells_it_whatever_the_tool_is_called_and_its_data_hold(effect, kind):
    result = ToolResult("", name="Own", effect=effect, data={"id": 3, "content": "y"})
    assert kind_of(result) == kind
    assert kind == "reduced" or entry_of(result) == Entry("m7", FACT)


def test_a_tool_of_ones_own_that_retrieves_counts(made):
    found = ToolResult("", name="Own", effect=Retrieved((Match(RECORD, 0.9),)), data={"n": 1})
    assert retrieved(found) == (Entry("m7", FACT),)
    stored = ToolResult("", name="Remember", effect=Added(RECORD))
    episode = made.episode(made.step(stored, stage=1), made.step(found), facts=[FACT], memory=[FACT])
    metrics = memory_metrics(episode, OfflineJudge(make_encoder("hash")))
    assert (metrics.storage, metrics.hit_rate, metrics.retrievals) == (1.0, 1.0, 1)


def test_a_refused_call_did_nothing():
    assert kind_of(ToolResult("", name="Add_memory")) == "added"
    assert kind_of(ToolResult("", name="Add_memory", ok=False)) is None
    assert kind_of(ToolResult("", name="Count_memory")) is None


class Stringless:
    def __str__(self):
        raise RuntimeError("no text")


anything = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.just(FACT) | st.builds(Stringless),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)
results = st.builds(
    lambda name, ok, data, arguments: ToolResult("", ok=ok, data=data, name=name, arguments=arguments),
    st.sampled_from(["Add_memory", "Update_memory", "Delete_memory", "Retrieve_memory", "Filter_context", "Own"]),
    st.booleans(),
    anything | st.fixed_dictionaries({}, optional=dict.fromkeys(("id", "content", "ids", "contents"), anything)),
    anything,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=st.lists(results, max_size=6))
def test_nothing_that_a_tool_leaves_makes_terms_metrics_or_diagnosis_raise(made, calls):
    judge = OfflineJudge(make_encoder("hash"))
    messages = [made.message(1, FACT)]
    episode = made.episode(made.step(*calls, stage=1), made.step(*calls), facts=[FACT], messages=messages)
    diagnose(episode)
    memory_metrics(episode, judge)
    Reward("composite").terms(episode, "success", judge)


class OwnAdd(Tool):
    """A user's own ADD that leaves no data."""

    name = "Add_memory"
    target = "LTM"
    description = "Store a note."

    class Arguments(Arguments):
        """What to store."""

        content: str

    def run(self, arguments, scene):
        """Store it."""
        scene.memory.add(arguments.content, {})
        return ToolResult("Noted.")


def test_an_episode_with_a_tool_of_ones_own_is_diagnosed():
    env = gymnasium.make("AgeMem-HotpotQA-v0", tools=[OwnAdd(), "Retrieve_memory"], encoder="hash", index="exact")
    _, info = env.reset(seed=0)
    env.step(call_reply(("Add_memory", {"content": info["instruction"]})))
    env.step("<answer>nobody</answer>")
    episode = env.unwrapped.episode
    env.close()
    assert memory_metrics(episode, OfflineJudge(make_encoder("hash"))).entries == 1
    assert "hoarding" not in {finding.kind for finding in diagnose(episode)}
