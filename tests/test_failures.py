"""What fails in the midst of a step ends the episode and leaves no half of anything behind."""

import copy
import pickle

import gymnasium as gym
import pytest
from gymnasium.error import ResetNeeded

import agemem_gym
from agemem_gym.curriculum import DistractorInjection
from agemem_gym.curriculum.distractors import DistractorSource
from agemem_gym.episode import Episode
from agemem_gym.errors import ConfigurationError, EngineError
from agemem_gym.memory import make_encoder
from agemem_gym.protocol import call_reply
from agemem_gym.tools import Arguments, Tool

FAST = {"encoder": "hash", "index": "exact"}
ADD = call_reply(("Add_memory", {"content": "kept"}))


class Breaks(Tool):
    """Writes, and then fails."""

    name = "Break"
    target = "LTM"
    description = "Break."

    class Arguments(Arguments):
        """None."""

    def run(self, arguments, scene):
        scene.memory.add("half of something")
        scene.context.append("user", "half of something", kind="observation")
        raise OSError("the disk is full")


class Flaky:
    """An encoder that fails when told to."""

    def __init__(self):
        self.inner, self.broken = make_encoder("hash"), False
        self.dimension, self.name = self.inner.dimension, "flaky"

    def encode(self, texts):
        if self.broken:
            raise ConnectionError("no route to the encoder")
        return self.inner.encode(texts)

    def count_tokens(self, text):
        return self.inner.count_tokens(text)


def check_ended(env, info, terminated, truncated, error):
    assert (terminated, truncated, info["ended_by"]) == (False, True, "engine")
    assert error in info["engine_error"]
    assert info["messages"][-1]["content"] == "The environment has failed; the episode is over."
    episode = Episode.from_json(env.unwrapped.episode.to_json())
    assert episode.final_context() == list(info["context"])
    assert episode.reward_terms
    with pytest.raises(ResetNeeded):
        env.step("look")
    env.reset(seed=1)
    assert env.step("turn left")[4]["step"] == 1


def test_a_users_tool_that_raises_changes_nothing():
    env = gym.make("AgeMem-BabyAI-v0", tools=["Add_memory", Breaks()], **FAST)
    env.reset(seed=0)
    *_, terminated, truncated, info = env.step(call_reply(("Add_memory", {"content": "kept"}), ("Break", {})))
    assert [record.content for record in env.unwrapped.memory] == ["kept"]
    assert not any(message["content"] == "half of something" for message in info["messages"])
    assert [result["ok"] for result in info["tool_results"]] == [True]
    check_ended(env, info, terminated, truncated, "the disk is full")


def test_an_encoder_that_raises_changes_nothing():
    encoder = Flaky()
    env = gym.make("AgeMem-BabyAI-v0", encoder=encoder, index="exact")
    for reply in (
        call_reply(("Add_memory", {"content": "lost"})),
        call_reply(("Filter_context", {"criteria": "walls"})),
        call_reply(("Retrieve_memory", {"query": "kept"})),
    ):
        encoder.broken = False
        env.reset(seed=0)
        env.step(ADD)
        encoder.broken = True
        *_, terminated, truncated, info = env.step(reply)
        assert [record.content for record in env.unwrapped.memory] == ["kept"]
        assert len(env.unwrapped.episode.steps) == 2
        encoder.broken = False
        check_ended(env, info, terminated, truncated, "no route")


def test_a_summariser_that_raises_changes_nothing():
    def summariser(messages):
        raise TimeoutError("the model is asleep")

    env = gym.make("AgeMem-BabyAI-v0", summariser=summariser, **FAST)
    env.reset(seed=0)
    env.step("turn left")
    before = env.unwrapped.context.messages()
    *_, terminated, truncated, info = env.step(call_reply(("Summary_context", {"span": "all"})))
    assert info["context"][: len(before)] == before
    check_ended(env, info, terminated, truncated, "asleep")


def test_a_judge_that_raises_leaves_the_episode_without_a_return():
    class Judge:
        name = "mine"

        def answer(self, *_):
            raise RuntimeError("no verdict")

        memory = relevance = answer

        def take_fallbacks(self):
            return ()

    env = gym.make("AgeMem-HotpotQA-v0", judge=Judge(), reward="composite", **FAST)
    env.reset(seed=0)
    env.step(ADD)
    _, reward, _, _, info = env.step("<answer>Paris</answer>")
    assert (reward, info["reward_terms"]) == (0.0, {})
    assert "no verdict" in info["engine_error"]


class BadSource(DistractorSource):
    """A source that fails."""

    name = "bad"

    def candidates(self, scene, count, rng):
        raise ValueError("nothing comes to mind")

    def draw(self, scene, count, rng):
        raise ValueError("nothing comes to mind")


def test_a_source_that_raises_ends_the_episode_or_lets_none_begin():
    env = DistractorInjection(gym.make("AgeMem-BabyAI-v0", **FAST), source=BadSource(), rate=1.0)
    env.reset(seed=0)
    *_, terminated, truncated, info = env.step("turn left")
    assert (terminated, truncated, info["moves"]) == (False, True, 1)
    assert "nothing comes to mind" in info["engine_error"]
    staged = gym.make("AgeMem-BabyAI-ThreeStage-v0", source=BadSource(), **FAST)
    with pytest.raises(ValueError, match="nothing comes to mind"):
        staged.reset(seed=0)
    with pytest.raises(ResetNeeded):
        staged.step("look")


def test_after_a_reset_that_failed_there_is_no_episode():
    env = gym.make("AgeMem-BabyAI-v0", **FAST)
    env.reset(seed=0)
    with pytest.raises(ConfigurationError):
        env.reset(seed=1, options={"colour": "red"})
    with pytest.raises(ResetNeeded):
        env.step("turn left")
    assert env.reset(seed=0)[1]["step"] == 0


def test_the_other_envs_of_a_vector_keep_their_step():
    vector = agemem_gym.make_vec("AgeMem-BabyAI-v0", 2, tools=["Add_memory", Breaks()], **FAST)
    vector.reset(seed=[0, 1])
    *_, truncations, info = vector.step((call_reply(("Break", {})), "turn left"))
    assert truncations.tolist() == [True, False]
    assert info["step"].tolist() == [1, 1]
    vector.close()


@pytest.mark.parametrize("copier", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))], ids=["copy", "pickle"])
def test_an_env_is_copied_with_its_state(copier):
    env = DistractorInjection(gym.make("AgeMem-HotpotQA-ThreeStage-v0", n1=2, n2=1, **FAST), source="chat", rate=1.0)
    copier(env).close()  # before the first reset, too
    env.reset(seed=3)
    env.step(ADD)
    twin = copier(env)
    replies = ["<answer>Noted.</answer>"] * 4
    assert [twin.step(reply) for reply in replies] == [env.step(reply) for reply in replies]
    assert [record.content for record in twin.unwrapped.memory] == ["kept"]


def test_what_cannot_be_pickled_is_named():
    env = gym.make("AgeMem-BabyAI-v0", summariser=lambda messages: "short", **FAST)
    with pytest.raises(TypeError, match="summariser"):
        pickle.dumps(env)
    assert copy.deepcopy(env).reset(seed=0)[1]["step"] == 0


def test_an_engine_error_is_told_as_it_is():
    class Dead(Breaks):
        name = "Dead"

        def run(self, arguments, scene):
            raise EngineError("the server is gone")

    env = gym.make("AgeMem-BabyAI-v0", tools=[Dead()], **FAST)
    env.reset(seed=0)
    assert env.step(call_reply(("Dead", {})))[4]["engine_error"] == "the server is gone"
