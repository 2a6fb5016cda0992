"""Long-term memory outside the tools: recalled before each reply, counted, recorded."""

import gymnasium as gym
import pytest

import agemem_gym  # noqa: F401
from agemem_gym.episode import Episode
from agemem_gym.errors import ConfigurationError
from agemem_gym.layer import AutoRecall, Layered, LayerWork
from agemem_gym.protocol import call_reply
from agemem_gym.replay import replay

FAST = {"encoder": "hash", "index": "exact"}
NEXT = "<answer>Noted.</answer>"


class Diary:
    """A layer that writes whatever people say, at two calls of a model an entry."""

    name = "diary"

    def begin(self, memory, keep):
        self.memory, self.heard = memory, []

    def write(self, messages):
        said = [m for m in messages if m.role == "user"]
        for message in said:
            self.memory.add(message.content)
        self.heard += [m.kind for m in messages]
        return LayerWork(
            entries=len(said), calls=2 * len(said), prompt_tokens=7 * len(said), completion_tokens=len(said)
        )

    def recall(self, messages):
        return LayerWork(f"{len(self.memory)} entries")


def staged(layer=None, **kwargs):
    return Layered(gym.make("AgeMem-HotpotQA-ThreeStage-v0", n1=2, n2=1, top_k=0, **FAST), layer, **kwargs)


def recalled(info):
    return [message["content"] for message in info["messages"] if message["content"].startswith("From memory:")]


def test_the_nearest_entries_stand_in_the_context_and_are_replaced():
    env = staged(top_k=1)
    _, info = env.reset(seed=0)
    assert not recalled(info)
    first = info["messages"][-1]["content"]
    *_, info = env.step(call_reply(("Add_memory", {"content": first}), ("Add_memory", {"content": "zzz"})))
    assert recalled(info) == [f"From memory:\nm1 (1.00): {first}"]
    *_, info = env.step(NEXT)
    assert len(recalled(info)) == 1
    assert info["messages"][-1]["content"] == recalled(info)[0]
    assert replay(Episode.from_json(env.unwrapped.episode.to_json())) is None


def test_a_layer_of_ones_own_is_counted_in_memory_quality_and_in_the_record():
    layer = Diary()
    env = staged(layer)
    _, info = env.reset(seed=0)
    while info["stage"] != 3:
        *_, info = env.step(NEXT)
    *_, info = env.step("<answer>x</answer>")
    episode = Episode.from_json(env.unwrapped.episode.to_json())
    wrote = [work for work in episode.layer if work["what"] == "write"]
    assert [work["step"] for work in wrote] == [0, 1, 2, 3]
    assert sum(work["calls"] for work in wrote) == 2 * len(episode.final_memory) > 6
    assert (wrote[0]["prompt_tokens"], wrote[0]["completion_tokens"]) == (7, 1)
    assert episode.curriculum["layer"] == "diary"
    assert "layer" not in layer.heard
    assert "system" not in layer.heard


def test_a_layer_that_raises_ends_the_episode():
    class Broken(Diary):
        def recall(self, messages):
            if len(messages) > 4:
                raise ConnectionError("mem0 is away")
            return LayerWork()

    env = staged(Broken())
    _, info = env.reset(seed=0)
    for _ in range(4):
        *_, truncated, info = env.step(NEXT)
        if truncated:
            break
    assert "mem0 is away" in info["engine_error"]


def test_branches_recall_again():
    env = staged(top_k=2)
    env.reset(seed=1)
    env.step(call_reply(("Add_memory", {"content": "a fact"})))
    snapshot = env.get_wrapper_attr("snapshot")()
    ahead = [env.step(NEXT) for _ in range(3)]
    env.restore(snapshot)
    assert [env.step(NEXT) for _ in range(3)] == ahead


def test_what_is_no_layer_is_refused():
    with pytest.raises(ConfigurationError, match="expected a MemoryLayer"):
        staged(layer=object())
    with pytest.raises(ConfigurationError, match="top_k=0"):
        AutoRecall(0)


class Scribe(Diary):
    """A layer that takes a keyword."""

    def __init__(self, name="scribe"):
        self.name = name


def test_a_layer_is_a_keyword_of_gym_make_too():
    for env_id in ("AgeMem-HotpotQA-ThreeStage-v0", "AgeMem-BabyAI-v0"):
        env = gym.make(env_id, layer="recall", layer_options={"top_k": 2}, **FAST)
        assert isinstance(env, Layered)
        assert env.layer.top_k == 2
        env.reset(seed=0)
        assert env.unwrapped.episode.curriculum["layer"] == "auto-recall"
        env.step(call_reply(("Add_memory", {"content": "x"})))
        assert replay(Episode.from_json(env.unwrapped.episode.to_json())) is None
        env.close()


def test_a_layer_is_named_by_its_class_and_a_wrong_one_is_refused():
    named = f"{__name__}:Scribe"
    env = gym.make("AgeMem-BabyAI-v0", layer=named, layer_options={"name": "anna"}, **FAST)
    assert env.layer.name == "anna"
    env.close()
    with pytest.raises(ConfigurationError, match="cannot be made with"):
        gym.make("AgeMem-BabyAI-v0", layer=named, layer_options={"nmae": "anna"}, **FAST)
    with pytest.raises(ConfigurationError, match="go with a layer that is named"):
        gym.make("AgeMem-BabyAI-v0", layer_options={"top_k": 3}, **FAST)
    with pytest.raises(ConfigurationError, match="expected a MemoryLayer"):
        gym.make("AgeMem-BabyAI-v0", layer="collections:Counter", **FAST)
