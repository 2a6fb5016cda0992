"""Curricula as configs: schedules, presets, YAML, and state that survives a checkpoint."""

import json

import gymnasium
import pytest

import agemem_gym
from agemem_gym.curriculum import ORDERS, PRESETS, CurriculumConfig, CurriculumSchedule
from agemem_gym.errors import ConfigurationError

FAST = {"encoder": "hash", "index": "exact"}


def make(curriculum, **kwargs):
    return gymnasium.make("AgeMem-HotpotQA-ThreeStage-v0", curriculum=curriculum, **FAST, **kwargs)


def finish(env, answer):
    info = env.reset(seed=0)[1]
    over = False
    while not over:
        reply = "<answer>next</answer>" if info["stage"] != 3 else f"<answer>{answer}</answer>"
        _, _, terminated, truncated, info = env.step(reply)
        over = terminated or truncated
    return info


@pytest.mark.parametrize(
    ("setting", "values"),
    [
        (4, [4, 4, 4]),
        ({"linear": [0, 8]}, [0, 4, 8]),
        ({"linear": [8, 2]}, [8, 5, 2]),
        ({"staged": [[0, 1], [0.5, 3], [1.0, 9]]}, [1, 3, 9]),
    ],
)
def test_schedules_over_progress(setting, values):
    config = CurriculumConfig(n2=setting)
    assert [config.at(progress, 0.0)["n2"] for progress in (0.0, 0.5, 1.0)] == values


def test_an_adaptive_setting_follows_the_level_only():
    config = CurriculumConfig(rate={"adaptive": [0.0, 0.4]})
    assert [config.at(progress, 0.5)["rate"] for progress in (0.0, 1.0)] == [0.2, 0.2]


def test_what_is_not_set_is_left_to_the_env():
    assert CurriculumConfig(n1=3).at(0.0, 0.0) == {"n1": 3}


def test_the_four_orders_of_the_open_question_are_presets():
    assert {PRESETS[name].at(0.0, 0.0)["order"] for name in ORDERS} == set(ORDERS)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_preset_plays(name):
    env = make(name, n1=2)
    for progress in (0.0, 0.5, 1.0):
        env.set_progress(progress)
        info = finish(env, "nobody")
        assert info["curriculum"]["progress"] == progress
        assert info["turns"] == 2 + info["curriculum"]["n2"]
    env.close()


def test_progress_is_counted_in_episodes():
    env = make({"n1": 1, "n2": {"linear": [0, 4]}, "episodes": 4})
    counts = [finish(env, "nobody")["turns"] - 1 for _ in range(6)]
    assert counts == [0, 1, 2, 3, 4, 4]


def test_the_level_rises_with_success_and_falls_without():
    env = make({"n1": 1, "n2": {"adaptive": [0, 10]}, "window": 2, "level_step": 0.2}, info_expert=True)
    env.reset(seed=0)
    right = env.unwrapped.episode.start.answer
    levels = [finish(env, answer)["curriculum"]["level"] for answer in [right] * 4 + ["wrong"] * 2]
    assert levels == pytest.approx([0.0, 0.2, 0.2, 0.4, 0.4, 0.2])


def test_state_goes_through_json_into_another_env():
    curriculum = {"n1": 1, "n2": {"adaptive": [0, 10]}, "window": 3, "level_step": 0.5}
    env, other = make(curriculum), make(curriculum)
    env.reset(seed=0)
    right = env.unwrapped.episode.start.answer
    for answer in (right, right, right, "wrong"):
        finish(env, answer)
    other.load_state_dict(json.loads(json.dumps(env.state_dict())))
    assert other.state_dict() == env.state_dict()
    assert other.state_dict()["level"] == 0.5
    assert finish(env, right)["curriculum"] == finish(other, right)["curriculum"]


def test_a_yaml_file_declares_it(tmp_path):
    file = tmp_path / "curriculum.yaml"
    file.write_text("order: interleaved\nn1: 2\nn2: {linear: [1, 3]}\nsimilarity_low: -1\nsimilarity_high: 0.5\n")
    config = CurriculumConfig.load(file)
    assert config == CurriculumConfig(
        order="interleaved", n1=2, n2={"linear": [1, 3]}, similarity_low=-1, similarity_high=0.5
    )
    env = make(str(file))
    env.reset(seed=0)
    assert env.get_wrapper_attr("similarity") == (-1, 0.5)


@pytest.mark.parametrize(
    ("text", "word"), [("n9: 3", "n9"), ("- 1", "mapping"), ("a: [", "YAML"), ("!!python/object:os.system {}", "YAML")]
)
def test_broken_files_are_refused(tmp_path, text, word):
    file = tmp_path / "broken.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=word):
        CurriculumConfig.load(file)


@pytest.mark.parametrize("number", [".inf", "-.inf", ".nan"])
@pytest.mark.parametrize(
    "text",
    [
        "n1: {}",
        "n2: {{linear: [0, {}]}}",
        "n2: {{adaptive: [{}, 8]}}",
        "n2: {{staged: [[0, 1], [0.5, {}]]}}",
        "n2: {{staged: [[0, 1], [{}, 2]]}}",
        "rate: {}",
        "turns: {}",
        "similarity_low: 0\nsimilarity_high: {}",
        "episodes: {}",
        "window: {}",
        "target_success: {}",
        "level_step: {}",
    ],
)
def test_infinity_and_no_number_at_all_are_refused_with_a_sentence(tmp_path, text, number):
    file = tmp_path / "curriculum.yaml"
    file.write_text(text.format(number))
    with pytest.raises(ConfigurationError, match=r"expected|takes"):
        CurriculumConfig.load(file)


def test_what_was_meant_is_said(tmp_path):
    with pytest.raises(ConfigurationError, match="did you mean 'turns'"):
        CurriculumConfig.load({"turn": 1})
    with pytest.raises(ConfigurationError, match="did you mean 'progressive'"):
        CurriculumConfig.load("progresive")


@pytest.mark.parametrize(
    "settings",
    [
        {"n1": -1},
        {"n1": 1.5},
        {"turns": 0},
        {"rate": 2},
        {"order": "random"},
        {"order": {"linear": ["progressive", "reversed"]}},
        {"source": "gossip"},
        {"n2": {"quadratic": [0, 1]}},
        {"n2": {"linear": [0]}},
        {"n2": {"staged": [[0.5, 1]]}},
        {"n2": {"staged": []}},
        {"similarity_low": 0.1},
        {"episodes": 0},
        {"window": 0},
        {"target_success": 0},
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings):
    with pytest.raises(ConfigurationError):
        CurriculumConfig(**settings)


def test_it_needs_something_to_schedule():
    with pytest.raises(ConfigurationError, match="ThreeStage"):
        CurriculumSchedule(gymnasium.make("AgeMem-BabyAI-v0", **FAST))


@pytest.mark.parametrize("state", [{}, {"progress": 2, "episodes": 0, "level": 0, "recent": []}, {"episodes": "x"}])
def test_a_broken_state_is_refused(state):
    with pytest.raises(ConfigurationError):
        make("progressive").load_state_dict(state)


def test_progress_can_be_set_through_a_vector_env():
    vector = agemem_gym.make_vec(
        "AgeMem-BabyAI-ThreeStage-v0", 2, "async", curriculum={"n1": 1, "n2": {"linear": [0, 6]}}, **FAST
    )
    vector.call("set_progress", 0.5)
    _, info = vector.reset(seed=[0, 1])
    vector.close()
    assert list(info["turns"]) == [4, 4]
