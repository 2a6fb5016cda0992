"""Replay: any env that text can name is made again; what cannot is said in one sentence."""

from dataclasses import replace
from pathlib import Path

import gymnasium as gym
import pytest

import agemem_gym  # noqa: F401
from agemem_gym.curriculum import DistractorInjection
from agemem_gym.episode import Episode
from agemem_gym.errors import ConfigurationError
from agemem_gym.protocol import call_reply
from agemem_gym.registration import make_env, make_three_stage
from agemem_gym.replay import replay
from agemem_gym.wrappers import note_all

FAST = {"encoder": "hash", "index": "exact"}
NEXT = "<answer>Noted.</answer>"
BABYAI = "agemem_gym.envs.babyai:BabyAITask"


class Doubled(gym.ActionWrapper):
    """A user's own wrapper: a reply by its number."""

    def action(self, action):
        return f"<action>{('turn left', 'turn right')[action]}</action>"


class Louder(gym.ObservationWrapper):
    """A user's own wrapper with an argument that nobody notes."""

    def __init__(self, env, voice):
        super().__init__(env)
        self.voice = voice

    def observation(self, observation):
        return self.voice(observation)


def record(env, *replies, seed=3):
    env.reset(seed=seed)
    note_all(env, env.unwrapped.episode)
    for reply in replies:
        *_, terminated, truncated, _ = env.step(reply)
        if terminated or truncated:
            break
    episode = Episode.from_json(env.unwrapped.episode.to_json())
    env.close()
    return episode


@pytest.mark.parametrize("progress", [0.0, 0.4, 0.9, 1.0])
@pytest.mark.parametrize("preset", ["progressive", "interleaved", "adaptive"])
def test_a_curriculum_at_any_progress(preset, progress):
    env = gym.make("AgeMem-PDDL-ThreeStage-v0", n1=2, curriculum=preset, **FAST)
    env.set_progress(progress)
    assert replay(record(env, *[NEXT] * 12)) is None


def test_settings_changed_by_assignment():
    env = gym.make("AgeMem-PDDL-ThreeStage-v0", n1=2, n2=1, **FAST)
    env.n1, env.similarity, env.order = 3, (-1.0, 0.9), "reversed"
    episode = record(env, *[NEXT] * 4)
    assert episode.curriculum["n1"] == 3
    assert replay(episode) is None


def test_envs_without_an_id():
    assert replay(record(make_env(BABYAI, level="GoToObj", **FAST), "turn left", call_reply(("Fly", {})))) is None
    assert replay(record(make_three_stage(BABYAI, "interleaved", n1=1, **FAST), NEXT, NEXT)) is None


def test_injection_put_round_by_hand():
    env = DistractorInjection(
        make_env(BABYAI, **FAST), source="chat", rate=0.8, position="random", similarity=(-1, 0.8)
    )
    assert replay(record(env, *["turn left"] * 6)) is None


def test_a_users_own_wrapper():
    assert replay(record(Doubled(make_env(BABYAI, **FAST)), 0, 1, 1)) is None
    with pytest.raises(ConfigurationError, match="Louder was made with arguments that are not known"):
        replay(record(Louder(make_env(BABYAI, **FAST), str.upper), "turn left"))


def test_paths_are_keywords_like_others(tmp_path):
    env = gym.make("AgeMem-BabyAI-v0", encoder="hash", chroma_path=tmp_path / "chroma", chroma_existing="wipe")
    episode = record(env, call_reply(("Add_memory", {"content": "kept"})), "turn left")
    assert episode.env_kwargs["chroma_path"] == str(tmp_path / "chroma")
    assert replay(episode) is None


def test_an_episode_that_ends_earlier_is_a_difference():
    episode = record(gym.make("AgeMem-BabyAI-v0", **FAST), "turn left", "turn left", "<answer>x</answer>")
    longer = replace(episode, steps=[*episode.steps, episode.steps[0]])
    assert str(replay(longer)).startswith("reply 3, end of the episode")
    changed = replace(episode, steps=[replace(episode.steps[0], reply="turn right"), *episode.steps[1:]])
    assert replay(changed).step == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"env_id": "Mine-v0"}, "there is no env 'Mine-v0'"),
        ({"env_id": "AgeMem-BabyAI-v9"}, "there is no env 'AgeMem-BabyAI-v9'"),
        ({"env_kwargs": {"encoder": {"not_plain": "<function f>"}}}, "made with encoder=<an object>"),
        ({"env_kwargs": {"colour": "red"}}, "unknown keyword colour"),
        ({"keep_memory": True, "initial_memory": [{"id": "m1", "content": "x"}]}, "memory of the one before"),
        ({"options": {"level": 3}}, "level"),
        ({"wrappers": [{"wrapper": "nowhere:At", "kwargs": {}, "settings": {}}]}, "nowhere"),
    ],
)
def test_what_cannot_be_made_again_is_one_sentence(change, sentence):
    episode = record(gym.make("AgeMem-BabyAI-v0", **FAST), "turn left")
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        replay(replace(episode, **change))
    assert "\n" not in str(caught.value)


def test_an_object_as_keyword_is_named():
    episode = record(gym.make("AgeMem-BabyAI-v0", summariser=lambda messages: "short", **FAST), "turn left")
    with pytest.raises(ConfigurationError, match="made with summariser=<an object>"):
        replay(episode)


def test_a_task_that_is_not_there_any_more_is_one_sentence(tmp_path):
    file = tmp_path / "questions.jsonl"
    source = Path(__file__).parent / "nothing.jsonl"
    assert not source.exists()
    env = gym.make("AgeMem-HotpotQA-v0", **FAST)
    episode = record(env, NEXT)
    with pytest.raises(ConfigurationError):
        replay(replace(episode, env_kwargs={**episode.env_kwargs, "data": str(file)}))
